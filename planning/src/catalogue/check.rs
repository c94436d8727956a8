//! Checks whether the files of several brokers fit together in one catalog.
//!
//! The merge joins the rows of an instrument by key, and keeps every contradiction. Two faults remain invisible to it:
//! an instrument that has another key at another broker, and a broker whose figures have another unit.
//! [`Catalogue::check`] finds both, and counts the contradictions.

mod contradicted;
mod doubled;
mod indices;
mod listed;
mod units;

pub use self::contradicted::Disagreement;
pub use self::doubled::{Doubled, MatchedBy};
pub use self::indices::{DoubledIndex, SingleIndex};
use self::listed::ListedInstrument;
pub use self::units::{Ratio, SuspiciousUnit, UnitFault};
use super::{Catalogue, Contradiction, Field, Instrument, InstrumentId, Source};

/// The result of a check. Lists of keys are in the order of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings<'a> {
    /// Instruments with two keys in files of one date: a fault of a file, or of its reader. Files without a date count
    /// as files of one date, because nothing excuses the difference. If symbol and series are the same under both keys,
    /// no date excuses it either.
    pub doubled: Vec<Doubled<'a>>,
    /// Securities whose keys differ only in the series, in files of different dates: they may have moved to another
    /// series between the dates.
    pub series_differs_by_date: Vec<Doubled<'a>>,
    /// Instruments whose symbols differ in files of different dates: they may have been renamed between the dates.
    pub symbol_differs_by_date: Vec<Doubled<'a>>,
    /// Indices with two keys that differ only in case, spaces or punctuation, or in the use of the short or the long
    /// name.
    pub doubled_indices: Vec<DoubledIndex<'a>>,
    /// Indices that only one of several brokers lists, and that resemble no index of another one.
    pub single_indices: Vec<SingleIndex<'a>>,
    /// Contradictions between two brokers, grouped by field.
    pub disagreements: Vec<Disagreement<'a>>,
    /// Lot sizes and price steps of a broker and segment whose unit seems to be wrong.
    pub suspicious_units: Vec<SuspiciousUnit<'a>>,
}

impl Findings<'_> {
    /// Whether a file or its reader is at fault: an instrument has two keys on one date, or a unit is suspicious. Other
    /// findings can have a cause in the market, such as a move to another series between the dates of two files.
    pub fn has_faults(&self) -> bool {
        !self.doubled.is_empty() || !self.suspicious_units.is_empty()
    }
}

impl Catalogue {
    /// Compares the files of all brokers with each other, by a scan of the whole catalog. Considers only instruments
    /// that are in the last file of a broker, except for the contradictions.
    pub fn check(&self) -> Findings<'_> {
        let listed = ListedInstrument::all(self);
        let mut findings = Findings {
            disagreements: contradicted::disagreements(self.contradictions()),
            suspicious_units: units::suspicious(self, &listed),
            ..Findings::default()
        };
        (findings.doubled_indices, findings.single_indices) = indices::compare(self, &listed);
        doubled::find(self.sources(), &listed, &mut findings);
        findings
    }
}

#[cfg(test)]
mod tests;
