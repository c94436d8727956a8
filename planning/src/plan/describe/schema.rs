//! Schemas that utoipa cannot derive.

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};

/// Returns the schema of pairs of a name and a number. A tuple schema would be exact, but generators do not understand
/// it.
pub(super) fn pairs() -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    let part = OneOfBuilder::new().item(ObjectBuilder::new().schema_type(Type::String)).item(number);
    let pair = ArrayBuilder::new().items(part).min_items(Some(2)).max_items(Some(2));
    ArrayBuilder::new()
        .items(pair)
        .description(Some("The exchanges with their number of instruments, largest first. Included in `detailed` and `comprehensive`."))
        .into()
}
