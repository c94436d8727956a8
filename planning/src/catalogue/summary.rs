//! Counts the content of a catalog.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::provenance::ContradictionCounts;
use super::{Catalogue, Instrument};
use crate::vocabulary::{Broker, Exchange, InstrumentType, Segment};

/// The number of instruments, by whether the last accepted file of a broker contains them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The number of instruments in the last accepted file of a broker.
    pub active: usize,
    /// The number of instruments that are in none of these files any more.
    pub inactive: usize,
}

impl Counts {
    /// Returns the number of instruments, active and inactive.
    pub fn total(self) -> usize {
        self.active + self.inactive
    }

    fn add(&mut self, instrument: &Instrument<'_>) {
        if instrument.is_active() { self.active += 1 } else { self.inactive += 1 }
    }
}

/// The number of active instruments that lack data on which a reader may rely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// Instruments without a name in words.
    pub without_name: usize,
    /// Cash securities without an ISIN: they cannot be joined over exchanges.
    pub without_isin: usize,
    /// Instruments without a lot size, except indices.
    pub without_lot_size: usize,
    /// Instruments without a tick size, except indices.
    pub without_tick_size: usize,
    /// Instruments without a token of any broker: nothing can subscribe to them.
    pub without_token: usize,
    /// Contracts whose last trading date has passed.
    pub expired: usize,
}

/// The numbers of instruments of a catalog, without aliases, and the quality of their data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The counts of all instruments.
    pub all: Counts,
    /// The counts by exchange; exchanges without instruments are absent.
    pub by_exchange: BTreeMap<Exchange, Counts>,
    /// The counts by type; types without instruments are absent.
    pub by_class: BTreeMap<InstrumentType, Counts>,
    /// The numbers of active instruments that lack data.
    pub quality: Quality,
    /// The numbers of fields on which brokers do not agree.
    pub contradictions: ContradictionCounts,
}

impl Catalogue {
    /// Counts everything by a scan of the whole catalog. Contracts have expired if their last trading date is before
    /// `as_of`.
    pub fn summary(&self, as_of: NaiveDate) -> Summary {
        let contradictions = ContradictionCounts::of(self.contradictions());
        let mut summary = Summary { contradictions, ..Summary::default() };
        for instrument in self.instruments() {
            summary.all.add(&instrument);
            summary.by_exchange.entry(instrument.exchange()).or_default().add(&instrument);
            summary.by_class.entry(instrument.class()).or_default().add(&instrument);
            if instrument.is_active() {
                summary.quality.judge(&instrument);
            }
        }
        summary.quality.expired = self.expired_count(as_of);
        summary
    }
}

impl Quality {
    fn judge(&mut self, instrument: &Instrument<'_>) {
        let is_cash = matches!(instrument.segment(), Segment::NseEquity | Segment::BseEquity);
        let is_index = instrument.class() == InstrumentType::Index;
        for (count, is_lacking) in [
            (&mut self.without_name, instrument.name().is_empty()),
            (&mut self.without_isin, is_cash && instrument.isin().is_none()),
            (&mut self.without_lot_size, !is_index && instrument.lot_size() == 0),
            (&mut self.without_tick_size, !is_index && instrument.tick_size().ten_thousandths() == 0),
            (&mut self.without_token, Broker::WITH_FILES.iter().all(|broker| instrument.token(*broker).is_none())),
        ] {
            *count += usize::from(is_lacking);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Builder;
    use crate::testing::{equity, future, index};

    #[test]
    fn instruments_are_counted_by_exchange_type_and_missing_data() {
        let mut builder = Builder::new();
        builder.add(index("NSE", "NIFTY 50", Some("NIFTY")), true);
        let mut unnamed = equity("NSE", "TCS", "INE467B01029");
        (unnamed.name, unnamed.isin) = (String::new(), None);
        builder.add(unnamed, true);
        builder.add(equity("BSE", "GONE", "INE000B01019"), false);
        builder.add(future("NIFTY", "NIFTY26OCTFUT", "2026-10-27"), true);
        builder.add_token(Broker::Kite, "NSE:TCS".into(), "1");
        let catalogue = builder.build("1".into(), vec![]);

        let summary = catalogue.summary("2026-11-24".parse().unwrap());

        let counts = |active, inactive| Counts { active, inactive };
        assert_eq!(summary.all, counts(3, 1));
        assert_eq!(summary.by_exchange[&Exchange::Nse], counts(2, 0));
        assert_eq!(summary.by_exchange[&Exchange::Bse], counts(0, 1));
        assert_eq!(summary.by_class[&InstrumentType::Future], counts(1, 0));
        let lacking = Quality { without_name: 1, without_isin: 1, without_token: 2, expired: 1, ..Quality::default() };
        assert_eq!(summary.quality, lacking);
    }
}
