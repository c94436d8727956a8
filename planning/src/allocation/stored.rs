//! The stored form of subscriptions: a column for each field, and runs instead of equal values. It is a quarter of the
//! size of a list of objects, and the size of a plan determines the time of storing it.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::NaiveDate;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{SubscribedInstrument, SubscribedLeg, Subscriptions, Terms, TermsId};
use crate::instrument::Amount;
use crate::vocabulary::{Mode, Segment};

/// A value and the number of its repetitions.
type Run<T> = (T, u32);

/// Expiry, lot size and tick size.
type StoredTerms = (Option<NaiveDate>, u32, Amount);

#[derive(Serialize, Deserialize)]
struct Columns<'a> {
    catalogue_version: Cow<'a, str>,
    tokens: Vec<Option<Cow<'a, str>>>,
    segments: Vec<Run<Option<Segment>>>,
    modes: Vec<Run<Option<Mode>>>,
    /// The bytes of all identities in Base64 without padding.
    identities: Cow<'a, str>,
    #[serde(default)]
    terms: TermsColumns,
    legs: LegColumns,
}

/// The terms of the instruments. Empty in plans that were stored without them.
#[derive(Default, Serialize, Deserialize)]
struct TermsColumns {
    /// The distinct terms.
    distinct: Vec<StoredTerms>,
    /// The positions of the terms of each instrument in `distinct`.
    positions: Vec<Run<Option<u32>>>,
}

#[derive(Serialize, Deserialize)]
struct LegColumns {
    /// The differences of the positions to the previous ones.
    steps: Vec<Run<i64>>,
    connections: Vec<Run<u32>>,
    modes: Vec<Run<Mode>>,
}

impl Serialize for Subscriptions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Subscriptions { catalogue_version, terms, instruments, legs } = self;
        let mut last = 0;
        let steps = runs(legs.iter().map(|leg| {
            let position = i64::from(leg.instrument);
            position - std::mem::replace(&mut last, position)
        }));
        let columns = Columns {
            catalogue_version: catalogue_version.into(),
            tokens: instruments.iter().map(|of| of.token.as_deref().map(Cow::Borrowed)).collect(),
            segments: runs(instruments.iter().map(|of| of.segment)),
            modes: runs(instruments.iter().map(|of| of.mode)),
            identities: encoded(instruments).into(),
            terms: TermsColumns {
                distinct: terms.iter().map(|of| (of.expiry, of.lot_size, of.tick_size)).collect(),
                positions: runs(instruments.iter().map(|of| of.terms.map(|id| id.0.get() - 1))),
            },
            legs: LegColumns {
                steps,
                connections: runs(legs.iter().map(|leg| leg.connection)),
                modes: runs(legs.iter().map(|leg| leg.mode)),
            },
        };
        columns.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Subscriptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Columns { catalogue_version, tokens, segments, modes, identities, mut terms, legs } =
            Columns::deserialize(deserializer)?;
        let identities =
            decoded(&identities).ok_or_else(|| D::Error::custom("expected identities of eight bytes in Base64"))?;
        let count = tokens.len() as u64;
        if terms.positions.is_empty() && count > 0 {
            terms.positions.push((None, u32::try_from(count).unwrap_or(u32::MAX)));
        }
        let counts = [total(&segments), total(&modes), identities.len() as u64, total(&terms.positions)];
        if counts.iter().any(|of_column| *of_column != count) {
            return Err(D::Error::custom(format!("expected {count} instruments in each column")));
        }
        let tokens = tokens.into_iter().map(|token| token.map(|token| token.into_owned().into_boxed_str()));
        let columns = tokens.zip(values(&segments)).zip(values(&modes)).zip(identities).zip(values(&terms.positions));
        let instruments: Result<Vec<SubscribedInstrument>, D::Error> = columns
            .map(|((((token, segment), mode), identity), position)| {
                let terms = position.map(|position| terms.id_at(position)).transpose().map_err(D::Error::custom)?;
                Ok(SubscribedInstrument { token, segment, mode, identity, terms })
            })
            .collect();

        let leg_count = total(&legs.steps);
        if total(&legs.connections) != leg_count || total(&legs.modes) != leg_count {
            return Err(D::Error::custom(format!("expected {leg_count} subscriptions in each column")));
        }
        let mut position = 0i64;
        let columns = values(&legs.steps).zip(values(&legs.connections)).zip(values(&legs.modes));
        let legs: Result<Vec<SubscribedLeg>, D::Error> = columns
            .map(|((step, connection), mode)| {
                position = position.saturating_add(step);
                let instrument = u32::try_from(position).ok().filter(|instrument| u64::from(*instrument) < count);
                let instrument = instrument
                    .ok_or_else(|| D::Error::custom(format!("expected a position below {count}, got {position}")))?;
                Ok(SubscribedLeg { instrument, connection, mode })
            })
            .collect();
        Ok(Subscriptions {
            catalogue_version: catalogue_version.into_owned(),
            terms: terms.into_terms(),
            instruments: instruments?,
            legs: legs?,
        })
    }
}

impl TermsColumns {
    fn id_at(&self, position: u32) -> Result<TermsId, String> {
        let (position, count) = (position as usize, self.distinct.len());
        let id = TermsId::of(position).filter(|_| position < count);
        id.ok_or_else(|| format!("expected a position below {count} in the terms, got {position}"))
    }

    fn into_terms(self) -> Vec<Terms> {
        let terms = self.distinct.into_iter();
        terms.map(|(expiry, lot_size, tick_size)| Terms { expiry, lot_size, tick_size }).collect()
    }
}

fn runs<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<Run<T>> {
    let mut runs: Vec<Run<T>> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((last, count)) if *last == value => *count += 1,
            _ => runs.push((value, 1)),
        }
    }
    runs
}

fn values<T: Copy>(runs: &[Run<T>]) -> impl Iterator<Item = T> {
    runs.iter().flat_map(|(value, count)| std::iter::repeat_n(*value, *count as usize))
}

fn total<T>(runs: &[Run<T>]) -> u64 {
    runs.iter().map(|(_, count)| u64::from(*count)).sum()
}

fn encoded(instruments: &[SubscribedInstrument]) -> String {
    let bytes: Vec<u8> = instruments.iter().flat_map(|of| of.identity.to_be_bytes()).collect();
    STANDARD_NO_PAD.encode(bytes)
}

fn decoded(identities: &str) -> Option<Vec<u64>> {
    let bytes = STANDARD_NO_PAD.decode(identities).ok()?;
    let (identities, rest) = bytes.as_chunks();
    rest.is_empty().then(|| identities.iter().map(|identity| u64::from_be_bytes(*identity)).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;

    fn subscriptions() -> Subscriptions {
        let instrument = |token: Option<&str>, segment, mode, identity, terms: Option<usize>| SubscribedInstrument {
            token: token.map(Into::into),
            segment,
            mode,
            identity,
            terms: terms.and_then(TermsId::of),
        };
        let terms = |expiry: Option<&str>, lot_size, tick_size: &str| Terms {
            expiry: expiry.map(|expiry| expiry.parse().unwrap()),
            lot_size,
            tick_size: Amount::parse(tick_size).unwrap(),
        };
        let leg = |instrument, connection, mode| SubscribedLeg { instrument, connection, mode };
        Subscriptions {
            catalogue_version: "7".to_owned(),
            terms: vec![terms(None, 1, "0.05"), terms(Some("2026-11-24"), 75, "0.0025")],
            instruments: vec![
                instrument(Some("256265"), Some(Segment::NseEquity), Some(Mode::Full), u64::MAX, Some(0)),
                instrument(Some("NSE_INDEX|Nifty 50"), Some(Segment::NseIndex), Some(Mode::Quote), 1, Some(0)),
                instrument(None, None, None, 0, None),
                instrument(Some("1"), Some(Segment::NseIndex), Some(Mode::Quote), 0x0123_4567_89ab_cdef, Some(1)),
            ],
            legs: vec![leg(3, 1, Mode::Quote), leg(0, 1, Mode::Full), leg(1, 2, Mode::Quote)],
        }
    }

    #[test]
    fn subscriptions_are_stored_in_columns() {
        let stored = serde_json::to_string(&subscriptions()).unwrap();

        assert_eq!(
            stored,
            concat!(
                r#"{"catalogue_version":"7","tokens":["256265","NSE_INDEX|Nifty 50",null,"1"],"#,
                r#""segments":[["NSE_EQ",1],["NSE_INDEX",1],[null,1],["NSE_INDEX",1]],"#,
                r#""modes":[["full",1],["quote",1],[null,1],["quote",1]],"#,
                r#""identities":"//////////8AAAAAAAAAAQAAAAAAAAAAASNFZ4mrze8","#,
                r#""terms":{"distinct":[[null,1,0.05],["2026-11-24",75,0.0025]],"#,
                r#""positions":[[0,2],[null,1],[1,1]]},"#,
                r#""legs":{"steps":[[3,1],[-3,1],[1,1]],"connections":[[1,2],[2,1]],"#,
                r#""modes":[["quote",1],["full",1],["quote",1]]}}"#,
            )
        );
    }

    #[test]
    fn stored_subscriptions_are_read_back() {
        let subscriptions = subscriptions();

        let stored = serde_json::to_value(&subscriptions).unwrap();

        assert_eq!(serde_json::from_value::<Subscriptions>(stored).unwrap(), subscriptions);
        let text = serde_json::to_string(&subscriptions).unwrap();
        assert_eq!(serde_json::from_str::<Subscriptions>(&text).unwrap(), subscriptions);
    }

    /// The number of distinct terms of generated subscriptions.
    const TERMS: usize = 3;

    pub(in crate::allocation) fn any_subscriptions() -> impl Strategy<Value = Subscriptions> {
        let mode = || select(&Mode::ALL[..]);
        let token = prop_oneof![Just(String::new()), "[0-9]{1,8}", "\\PC{0,9}", "[A-Z_]{1,6}[|,\"\\\\][0-9]{1,6}"];
        let columns = (option::of(token), option::of(select(&Segment::ALL[..])), option::of(mode()), any::<u64>());
        let instrument = (columns, option::of(0..TERMS));
        let instruments = vec(instrument, 1..12).prop_map(|instruments| {
            let instruments = instruments.into_iter();
            let instrument = |((token, segment, mode, identity), terms): ((Option<String>, _, _, _), Option<usize>)| {
                let terms = terms.and_then(TermsId::of);
                SubscribedInstrument { token: token.map(String::into_boxed_str), segment, mode, identity, terms }
            };
            instruments.map(instrument).collect::<Vec<_>>()
        });
        let date = option::of((0..40_000i32).prop_map(|days| NaiveDate::from_num_days_from_ce_opt(720_000 + days)));
        let terms = (date, any::<u32>(), 0..1_000_000i64).prop_map(|(expiry, lot_size, tick_size)| Terms {
            expiry: expiry.flatten(),
            lot_size,
            tick_size: Amount::from_ten_thousandths(tick_size),
        });
        let terms = vec(terms, TERMS);
        let legs = vec((any::<Index>(), 1..5_u32, mode()), 0..12);
        ("[0-9a-z]{0,4}", terms, instruments, legs).prop_map(|(catalogue_version, terms, instruments, legs)| {
            let leg = |(index, connection, mode): (Index, u32, Mode)| {
                let instrument = u32::try_from(index.index(instruments.len())).unwrap();
                SubscribedLeg { instrument, connection, mode }
            };
            let legs = legs.into_iter().map(leg).collect();
            Subscriptions { catalogue_version, terms, instruments, legs }
        })
    }

    proptest! {
        #[test]
        fn any_subscriptions_are_read_as_they_were_written(subscriptions in any_subscriptions()) {
            let text = serde_json::to_string(&subscriptions).unwrap();

            prop_assert_eq!(serde_json::from_str::<Subscriptions>(&text).unwrap(), subscriptions);
        }
    }

    #[test]
    fn terms_may_be_absent() {
        let mut stored = serde_json::to_value(subscriptions()).unwrap();
        stored.as_object_mut().unwrap().remove("terms");

        let read: Subscriptions = serde_json::from_value(stored).unwrap();

        assert_eq!(read.instruments.len(), 4);
        assert!(read.instruments.iter().all(|of| read.terms_of(of).is_none()));
    }

    #[test]
    fn columns_of_different_lengths_are_rejected() {
        let stored = serde_json::to_string(&subscriptions()).unwrap();
        for (part, broken, error) in [
            ("[null,1]", "[null,2]", "expected 4 instruments in each column"),
            ("//8", "", "expected identities of eight bytes in Base64"),
            ("//8", "**8", "expected identities of eight bytes in Base64"),
            ("\"connections\":[[1,2]", "\"connections\":[[1,1]", "expected 3 subscriptions in each column"),
            ("[[3,1]", "[[4,1]", "expected a position below 4, got 4"),
            ("[[0,2]", "[[0,3]", "expected 4 instruments in each column"),
            ("[1,1]]}", "[2,1]]}", "expected a position below 2 in the terms, got 2"),
        ] {
            let fault =
                serde_json::from_str::<Subscriptions>(&stored.replacen(part, broken, 1)).unwrap_err().to_string();

            assert!(fault.starts_with(error), "{part}: {fault}");
        }
    }
}
