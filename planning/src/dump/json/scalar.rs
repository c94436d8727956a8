//! A value of a JSON object, of any type.

use std::borrow::Cow;
use std::fmt;

use chrono::NaiveDate;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::dump::{date, field};
use crate::instrument::Amount;

/// A value of any type. If a number is required, a string that contains one is accepted.
#[derive(Default)]
pub(in crate::dump) enum Scalar<'a> {
    /// Absent, or `null`.
    #[default]
    Missing,
    Text(Cow<'a, str>),
    Number(f64),
    Flag(bool),
    /// An array or object.
    Compound,
}

impl Scalar<'_> {
    /// Returns the text without surrounding white space; an empty text for other types.
    pub(in crate::dump) fn text(&self) -> &str {
        match self {
            Scalar::Text(text) => text.trim(),
            _ => "",
        }
    }

    /// Returns a number above zero with at most four decimals.
    pub(in crate::dump) fn positive(&self) -> Option<Amount> {
        match self {
            Scalar::Text(text) => field::price(text.trim()),
            Scalar::Number(number) => amount_of(*number).filter(|amount| *amount > Amount::ZERO),
            _ => None,
        }
    }

    /// Returns the text, or the digits of a whole number; an empty text for other values.
    pub(in crate::dump) fn id(&self) -> Cow<'_, str> {
        match self {
            Scalar::Number(number) => {
                whole_of(*number).map_or(Cow::Borrowed(""), |whole| Cow::Owned(whole.to_string()))
            }
            _ => Cow::Borrowed(self.text()),
        }
    }

    /// Returns a whole number.
    pub(in crate::dump) fn whole(&self) -> Option<i64> {
        match self {
            Scalar::Text(text) => text.trim().parse().ok(),
            Scalar::Number(number) => whole_of(*number),
            _ => None,
        }
    }

    /// Returns the number of units in a lot: a whole number above zero.
    pub(in crate::dump) fn lot_size(&self) -> Option<u32> {
        field::lot_size(&self.id())
    }

    /// Returns the date in Asia/Kolkata of a time in milliseconds since 1970.
    pub(in crate::dump) fn date_of_milliseconds(&self) -> Option<NaiveDate> {
        date::at_milliseconds(self.whole()?)
    }

    /// Returns the date in Asia/Kolkata of a time in seconds since 1970.
    pub(in crate::dump) fn date_of_seconds(&self) -> Option<NaiveDate> {
        date::at_seconds(self.whole()?)
    }
}

fn amount_of(number: f64) -> Option<Amount> {
    let scaled = number * 10_000.0;
    // A fifth decimal results in a remainder of at least 0.1; the product of a double is off by far less.
    let is_exact = (scaled - scaled.round()).abs() < 0.05;
    whole_of(scaled.round()).filter(|_| is_exact).map(Amount::from_ten_thousandths)
}

#[allow(clippy::cast_possible_truncation)]
fn whole_of(number: f64) -> Option<i64> {
    /// The limit up to which a double represents every whole number.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i64)
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Missing)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number))
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number as f64))
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Compound)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Compound)
    }
}
