//! The result of a verification.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use crate::instrument::Amount;
use crate::vocabulary::words;

// In descending precedence.
words! {
    /// The state of an instrument of a plan in the current catalog. The first one that applies counts.
    Verdict {
        /// The token that the plan stored belongs to another instrument now.
        TokenReused = "token_reused",
        /// The last trading date of the contract has passed.
        Expired = "expired",
        /// No accepted file contains the instrument any more, under any key.
        Gone = "gone",
        /// The last trading date of the contract changed.
        ExpiryMoved = "expiry_moved",
        /// The instrument has another key.
        Renamed = "renamed",
        /// The broker has another token for the instrument, or none.
        TokenChanged = "token_changed",
        /// The lot size changed.
        LotChanged = "lot_changed",
        /// The tick size changed.
        TickChanged = "tick_changed",
        /// Nothing changed.
        Unchanged = "unchanged",
    }
}

words! {
    /// The data of the plan that were compared with the catalog.
    VerificationBasis {
        /// The identities, the tokens and the terms that the plan stored.
        Identities = "identities",
        /// Only the keys: the plan names no broker, is for historical data, or was stored by an earlier release.
        Keys = "keys",
    }
}

words! {
    /// A property of an instrument that differs from the plan.
    ChangedField {
        /// The key of the instrument to which the token of the plan belongs.
        TokenOwner = "token_owner",
        /// The last trading date.
        Expiry = "expiry",
        /// The key.
        Key = "key",
        /// The broker's token. Null if the last file of the broker does not contain the instrument.
        BrokerToken = "broker_token",
        /// The number of units in a lot.
        LotSize = "lot_size",
        /// The smallest price step, in rupees.
        TickSize = "tick_size",
    }
}

/// The instruments of a plan, compared with the current catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verification<'a> {
    /// The id of the plan.
    #[cfg_attr(feature = "openapi", schema(pattern = "^plan_[0-9a-f]{32}$"))]
    pub plan_id: &'a str,
    /// The data of the plan that were compared.
    pub basis: VerificationBasis,
    /// The trading date of the verification, in Asia/Kolkata.
    pub as_of: NaiveDate,
    /// The catalog of the plan and the current one.
    pub catalogue: VerifiedCatalogue<'a>,
    /// The number of instruments by verdict; every verdict is present.
    pub counts: BTreeMap<Verdict, u64>,
    /// The number of instruments whose verdict is not `unchanged`.
    pub stale_instruments: u64,
    /// The instruments, in the order of the plan.
    pub instruments: Vec<VerifiedInstrument<'a>>,
}

/// The catalog of a plan and the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerifiedCatalogue<'a> {
    /// The version of the catalog that the plan was created from.
    pub planned: &'a str,
    /// The version of the current catalog.
    pub current: &'a str,
    /// Whether the contents of the two differ.
    pub has_changed: bool,
}

/// An instrument of a plan, compared with the current catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerifiedInstrument<'a> {
    /// The key of the instrument in the plan.
    pub instrument: &'a str,
    /// Its state in the current catalog.
    pub verdict: Verdict,
    /// Everything that changed, the most important change first.
    pub changes: Vec<InstrumentChange<'a>>,
}

/// A change of an instrument since the plan was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstrumentChange<'a> {
    /// The property that changed.
    pub field: ChangedField,
    /// The value in the plan. Null if it had no value.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub from: Option<ChangedValue<'a>>,
    /// The current value. Null if it has no value now.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub to: Option<ChangedValue<'a>>,
}

/// A value of a property that changed: a number for the lot size and the tick size, otherwise a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum ChangedValue<'a> {
    /// A key, a token or a date.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    Text(Cow<'a, str>),
    /// A lot size or a tick size.
    #[serde(serialize_with = "as_number")]
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    Number(Amount),
}

/// Serializes a number without decimals as an integer, because a lot size is one.
fn as_number<S: Serializer>(number: &Amount, serializer: S) -> Result<S::Ok, S::Error> {
    const UNIT: i64 = 10_000;
    match number.ten_thousandths() {
        whole if whole % UNIT == 0 => serializer.serialize_i64(whole / UNIT),
        _ => number.serialize(serializer),
    }
}

impl Verdict {
    /// Returns the verdict about an instrument that is listed, by its first change.
    pub(super) fn of_first(changes: &[InstrumentChange<'_>]) -> Self {
        match changes.first().map(|change| change.field) {
            None => Verdict::Unchanged,
            Some(ChangedField::TokenOwner) => Verdict::TokenReused,
            Some(ChangedField::Expiry) => Verdict::ExpiryMoved,
            Some(ChangedField::Key) => Verdict::Renamed,
            Some(ChangedField::BrokerToken) => Verdict::TokenChanged,
            Some(ChangedField::LotSize) => Verdict::LotChanged,
            Some(ChangedField::TickSize) => Verdict::TickChanged,
        }
    }
}

impl<'a> InstrumentChange<'a> {
    /// Returns a change of a text.
    pub(super) fn of_text(field: ChangedField, from: Option<&'a str>, to: Option<&'a str>) -> Self {
        let text = |text: &'a str| ChangedValue::Text(Cow::Borrowed(text));
        InstrumentChange { field, from: from.map(text), to: to.map(text) }
    }

    /// Returns a change of the last trading date.
    pub(super) fn of_expiry(from: Option<NaiveDate>, to: Option<NaiveDate>) -> Self {
        let text = |date: NaiveDate| ChangedValue::Text(Cow::Owned(date.to_string()));
        InstrumentChange { field: ChangedField::Expiry, from: from.map(text), to: to.map(text) }
    }

    /// Returns a change of a number.
    pub(super) fn of_number(field: ChangedField, from: Amount, to: Amount) -> Self {
        InstrumentChange { field, from: Some(ChangedValue::Number(from)), to: Some(ChangedValue::Number(to)) }
    }
}
