//! The schemas of types that utoipa cannot derive: enums whose words are in their `as_str`, and pairs.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::instrument::{Class, Exchange, Segment};
use crate::load::diff::ChangeKind;
use crate::load::selection::Mode;

macro_rules! word_schemas {
    ($($kind:ty as $name:literal: $description:literal;)+) => { $(
        impl PartialSchema for $kind {
            fn schema() -> RefOr<Schema> {
                let words = ObjectBuilder::new().schema_type(Type::String).description(Some($description));
                words.enum_values(Some(<$kind>::ALL.iter().map(|value| value.as_str()))).into()
            }
        }

        impl ToSchema for $kind {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    )+ };
}

word_schemas! {
    Exchange as "Exchange": "The exchange of an instrument: the part of its key before the colon.";
    Segment as "Segment": "The segment of an exchange. Tokens of brokers are unique within a segment.";
    Class as "InstrumentType": "The type of an instrument.";
    Mode as "IngestMode": "The way in which a file replaces the last load of a broker. `full_catalog`: instruments that the file \
        lacks become inactive. `incremental`: the file adds and updates instruments. `on_demand`: as `full_catalog`, \
        limited to the instruments that the filters select.";
    ChangeKind as "ChangeKind": "The kind of a change between two loads of a broker.";
}

/// Pairs of a name and a number. A tuple schema would be exact, but generators do not understand it.
pub(crate) fn pairs() -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    let part = OneOfBuilder::new().item(ObjectBuilder::new().schema_type(Type::String)).item(number);
    let pair = ArrayBuilder::new().items(part).min_items(Some(2)).max_items(Some(2));
    ArrayBuilder::new()
        .items(pair)
        .description(Some("The exchanges with their number of instruments, largest first. Included in `detailed` and `comprehensive`."))
        .into()
}
