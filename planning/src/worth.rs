//! Computes the worth of a candidate of a plan, by which candidates are ranked.

use std::cmp::Reverse;

use chrono::NaiveDate;

use crate::catalogue::{Availability, Catalogue};
use crate::request::{PlanRequest, ResolvedItem};
use crate::source::ItemOptions;

/// The worth of one candidate. The greater of two is kept first; the fields decide in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Worth {
    /// A dead instrument never takes the slot of a streamable one, whatever its priority.
    pub(crate) availability: Availability,
    /// Whether no limit may leave out the instrument.
    pub(crate) is_pinned: bool,
    pub(crate) priority: u32,
    instrument_type: Reverse<u8>,
    /// A nearer expiry is worth more.
    expiry: Reverse<Option<NaiveDate>>,
    /// Callers list the most important keys first.
    position: Reverse<u32>,
}

impl Worth {
    /// Returns the worth of a key whose instrument first occurs at `position` of the request.
    pub(crate) fn of(
        item: ResolvedItem,
        position: u32,
        options: ItemOptions,
        request: &PlanRequest,
        catalogue: &Catalogue,
    ) -> Worth {
        let instrument = item.id.map(|id| catalogue.get(id));
        Worth {
            availability: Availability::of(item.id, catalogue, request.feed.broker, request.options.as_of),
            is_pinned: options.is_pinned,
            priority: options.priority,
            instrument_type: Reverse(instrument.map_or(u8::MAX, |instrument| instrument.class().worth_rank())),
            expiry: Reverse(instrument.and_then(|instrument| instrument.expiry())),
            position: Reverse(position),
        }
    }

    /// Returns the position of the key in the request.
    pub(crate) fn position(self) -> u32 {
        self.position.0
    }

    /// Returns the same worth wherever the key is in the request.
    #[must_use]
    pub(crate) fn without_position(self) -> Worth {
        Worth { position: Reverse(0), ..self }
    }

    /// Returns the same worth whatever the instrument is.
    #[must_use]
    pub(crate) fn without_terms(self) -> Worth {
        Worth { instrument_type: Reverse(0), expiry: Reverse(None), ..self }
    }

    /// Returns a worth in a class above those of all requests.
    #[must_use]
    pub(crate) fn above_all(self) -> Worth {
        Worth { availability: Availability::Streamable, is_pinned: true, priority: u32::MAX, ..self }
    }

    /// Whether both belong to one class: without a broker its members share slots fairly, and at a broker it is
    /// complete before the next one begins.
    pub(crate) fn is_of_class(&self, other: &Worth) -> bool {
        let class = |worth: &Worth| (worth.availability, worth.is_pinned, worth.priority);
        class(self) == class(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Builder;
    use crate::testing::{equity, future, index, keys_of, request};
    use crate::vocabulary::Broker;

    /// Returns the keys in descending worth.
    fn ranked(keys: &[&str], priorities: &[(&str, u32)], broker: Option<Broker>) -> Vec<String> {
        let mut builder = Builder::new();
        builder.add(index("NSE", "NIFTY 50", None), true);
        builder.add(equity("NSE", "TCS", "INE467B01029"), true);
        builder.add(equity("NSE", "GONE", "INE000A01011"), false);
        for (symbol, expiry) in
            [("NIFTY26DECFUT", "2026-12-29"), ("NIFTY27JANFUT", "2027-01-26"), ("NIFTY27FEBFUT", "2027-02-23")]
        {
            builder.add(future("NIFTY", symbol, expiry), true);
        }
        for key in ["NSE:TCS", "NFO:NIFTY27FEBFUT"] {
            builder.add_token(Broker::Upstox, key.to_owned(), "1");
        }
        let catalogue = builder.build("1".into(), vec![]);
        let mut request = request(keys);
        request.options.as_of = "2027-01-05".parse().unwrap();
        request.feed.broker = broker;
        request.feed.priorities = priorities.iter().map(|(key, priority)| ((*key).to_owned(), *priority)).collect();
        let mut options = request.feed.options_of(keys_of(&request));
        options.resize(keys.len(), ItemOptions::default());
        let worth = |position: u32| {
            let item = ResolvedItem { position, id: catalogue.find(keys[position as usize]) };
            Worth::of(item, position, options[position as usize], &request, &catalogue)
        };
        let mut positions: Vec<u32> = (0u32..).take(keys.len()).collect();
        positions.sort_by_key(|position| Reverse(worth(*position)));
        positions.into_iter().map(|position| keys[position as usize].to_owned()).collect()
    }

    #[test]
    fn streamable_beats_dead_beats_unknown() {
        let keys = ["ZZ:NOPE", "NFO:NIFTY26DECFUT", "NSE:GONE", "NFO:NIFTY27JANFUT"];

        let ranked = ranked(&keys, &[("ZZ:NOPE", 9), ("NSE:GONE", 5)], None);

        assert_eq!(ranked, ["NFO:NIFTY27JANFUT", "NSE:GONE", "NFO:NIFTY26DECFUT", "ZZ:NOPE"]);
    }

    #[test]
    fn an_unlisted_instrument_is_dead_at_that_broker() {
        let keys = ["NSE:NIFTY 50", "NFO:NIFTY27JANFUT", "NFO:NIFTY27FEBFUT", "NSE:TCS"];

        let ranked = ranked(&keys, &[], Some(Broker::Upstox));

        assert_eq!(ranked, ["NSE:TCS", "NFO:NIFTY27FEBFUT", "NSE:NIFTY 50", "NFO:NIFTY27JANFUT"]);
    }

    #[test]
    fn priority_beats_type_beats_expiry_beats_position() {
        let keys = ["NFO:NIFTY27FEBFUT", "NFO:NIFTY27JANFUT", "NSE:TCS", "NSE:NIFTY 50", "ZZ:B", "ZZ:A"];

        assert_eq!(
            ranked(&keys, &[("NFO:NIFTY27FEBFUT", 1)], None),
            ["NFO:NIFTY27FEBFUT", "NSE:NIFTY 50", "NSE:TCS", "NFO:NIFTY27JANFUT", "ZZ:B", "ZZ:A"]
        );
        assert_eq!(
            ranked(&keys, &[], None),
            ["NSE:NIFTY 50", "NSE:TCS", "NFO:NIFTY27JANFUT", "NFO:NIFTY27FEBFUT", "ZZ:B", "ZZ:A"]
        );
    }
}
