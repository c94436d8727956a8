//! Compares the price steps and lot sizes of a file with those of other brokers for the same contracts.
//!
//! A figure in another unit (paise for rupees, lots for units) is valid in every row, so no other gate detects it in a
//! first file. A difference counts if it is at least tenfold: units differ by that much, whereas exchanges revise lots
//! and price steps by less, on a day on which the files of other brokers may still have the previous figures.
//!
//! Which side is wrong is decided by number: a file is rejected if more brokers contradict it than agree with it. A
//! contract that the broker's own last file had with the same figure does not count against the next one, so that an
//! operator who forces a right file against a wrong one does so once.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use super::super::archive::compare;
use super::{GateFault, LastFile};
use crate::dump::Row;
use crate::instrument::Amount;
use crate::vocabulary::{Broker, Segment};

pub(super) const GATE: &str = "units";

/// The number of contracts that two brokers must share in a segment to be compared.
const SHARED_MIN: usize = 100;
/// The ratio from which two figures have different units.
const RATIO_MIN: u64 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum UnitField {
    TickSize,
    LotSize,
}

impl UnitField {
    const ALL: [UnitField; 2] = [UnitField::TickSize, UnitField::LotSize];

    /// Returns the figure of a row; `None` if it is unknown.
    fn of(self, row: &Row) -> Option<u64> {
        let figure = match self {
            UnitField::TickSize => u64::try_from(row.tick_size.ten_thousandths()).unwrap_or_default(),
            UnitField::LotSize => u64::from(row.lot_size),
        };
        (figure > 0).then_some(figure)
    }

    fn name(self) -> &'static str {
        match self {
            UnitField::TickSize => "tick sizes",
            UnitField::LotSize => "lot sizes",
        }
    }

    fn show(self, figure: u64) -> String {
        match self {
            UnitField::TickSize => Amount::from_ten_thousandths(i64::try_from(figure).unwrap_or(i64::MAX)).to_string(),
            UnitField::LotSize => figure.to_string(),
        }
    }
}

/// Whether two figures are too different to have the same unit.
fn are_apart(one: u64, other: u64) -> bool {
    one.max(other) >= one.min(other).saturating_mul(RATIO_MIN)
}

/// Returns the contracts of a file, and which of their figures the last file of the broker has. The rows of both files
/// are sorted by exchange and symbol.
fn contracts<'a, R: Borrow<Row>>(
    rows: impl IntoIterator<Item = &'a Row>,
    last: Option<&'a LastFile<R>>,
) -> impl Iterator<Item = ComparedContract<'a>> {
    let mut before = last.map(|last| last.rows.as_slice()).unwrap_or_default().iter().map(Borrow::borrow).peekable();
    rows.into_iter().filter(|row| row.expiry.is_some()).map(move |row| {
        while before.next_if(|other| compare(other, row).is_lt()).is_some() {}
        let before = before.next_if(|other| is_same(other, row));
        let has = |figure: UnitField| {
            before.and_then(|before| figure.of(before)).zip(figure.of(row)).is_some_and(|(a, b)| !are_apart(a, b))
        };
        ComparedContract { row, is_known: UnitField::ALL.map(has) }
    })
}

/// Whether a file may have another unit than the last file of the broker. It has the same one in a segment if most
/// contracts have the same figures: then no file of another broker needs to be read.
pub fn units_may_differ<'a, R: Borrow<Row>>(
    rows: impl IntoIterator<Item = &'a Row>,
    last: Option<&'a LastFile<R>>,
) -> bool {
    let mut counts: BTreeMap<(Segment, UnitField), (usize, usize)> = BTreeMap::new();
    for ComparedContract { row, is_known } in contracts(rows, last) {
        for (figure, is_known) in
            UnitField::ALL.into_iter().zip(is_known).filter(|(figure, _)| figure.of(row).is_some())
        {
            let (known, unknown) = counts.entry((row.segment, figure)).or_default();
            *(if is_known { known } else { unknown }) += 1;
        }
    }
    counts.into_values().any(|(known, unknown)| unknown > known && unknown * 2 > SHARED_MIN)
}

/// The contracts of a file, and their comparison with the files of other brokers.
#[derive(Debug)]
pub struct Units<'a> {
    /// In the order of keys.
    contracts: Vec<ComparedContract<'a>>,
    tallies: BTreeMap<(Segment, UnitField), Vec<Tally>>,
}

#[derive(Debug)]
struct ComparedContract<'a> {
    row: &'a Row,
    /// For each of [`UnitField::ALL`]: whether the last file of the broker has it, in the same unit.
    is_known: [bool; 2],
}

#[derive(Debug)]
struct Tally {
    broker: Broker,
    shared: usize,
    apart: usize,
    /// A contract whose figures are apart: its key, the figure of the other broker, and that of the file.
    example: Option<(String, u64, u64)>,
}

impl Tally {
    fn contradicts(&self) -> bool {
        self.apart * 2 > self.shared
    }
}

impl<'a> Units<'a> {
    /// Collects the contracts of a file. The rows of the file and of the broker's last one are sorted by exchange and
    /// symbol.
    pub fn new<R: Borrow<Row>>(rows: impl IntoIterator<Item = &'a Row>, last: Option<&'a LastFile<R>>) -> Self {
        Units { contracts: contracts(rows, last).collect(), tallies: BTreeMap::new() }
    }

    /// Compares the file with the rows of the last file of another broker, which are sorted by exchange and symbol.
    /// Only one of them is in memory at a time.
    ///
    /// # Errors
    /// The first error of `rows`. The comparison is then incomplete.
    pub fn compare<E>(&mut self, broker: Broker, rows: impl IntoIterator<Item = Result<Row, E>>) -> Result<(), E> {
        let mut tallies: BTreeMap<(Segment, UnitField), Tally> = BTreeMap::new();
        let mut contracts = self.contracts.iter().peekable();
        for row in rows {
            let row = row?;
            while contracts.next_if(|contract| compare(contract.row, &row).is_lt()).is_some() {}
            let Some(contract) = contracts.next_if(|contract| is_same(contract.row, &row)) else { continue };
            for (figure, is_known) in UnitField::ALL.into_iter().zip(contract.is_known) {
                let Some((own, other)) = figure.of(contract.row).zip(figure.of(&row)) else { continue };
                let tally = tallies.entry((row.segment, figure));
                let tally = tally.or_insert(Tally { broker, shared: 0, apart: 0, example: None });
                tally.shared += 1;
                if are_apart(own, other) && !is_known {
                    tally.apart += 1;
                    tally.example.get_or_insert_with(|| (format!("{}:{}", row.exchange, row.symbol), other, own));
                }
            }
        }
        for (what, tally) in tallies.into_iter().filter(|(_, tally)| tally.shared >= SHARED_MIN) {
            self.tallies.entry(what).or_default().push(tally);
        }
        Ok(())
    }

    /// Returns the figures in which more brokers contradict the file than agree with it. Those in which others are
    /// contradicted, which are probably wrong themselves, are added to `warnings`.
    pub fn faults(&self, warnings: &mut Vec<GateFault>) -> Vec<GateFault> {
        let mut faults = Vec::new();
        for ((segment, figure), tallies) in &self.tallies {
            let (against, with): (Vec<&Tally>, Vec<&Tally>) = tallies.iter().partition(|tally| tally.contradicts());
            let list = if against.len() > with.len() { &mut faults } else { &mut *warnings };
            list.extend(against.into_iter().map(|tally| describe(*segment, *figure, tally)));
        }
        faults
    }
}

fn is_same(one: &Row, other: &Row) -> bool {
    compare(one, other).is_eq() && one.segment == other.segment && one.expiry == other.expiry
}

fn describe(segment: Segment, figure: UnitField, tally: &Tally) -> GateFault {
    let Tally { broker, shared, apart, example } = tally;
    let example = example.as_ref().map(|(key, other, own)| {
        format!(", for example {key}: expected {}, got {}", figure.show(*other), figure.show(*own))
    });
    let detail = format!(
        "expected the {} of {} in the last accepted file of {}, got at least {RATIO_MIN} times more or less for {apart} of \
         {shared} shared contracts{}; one of the two files has another unit",
        figure.name(),
        segment.as_str(),
        broker.as_str(),
        example.unwrap_or_default(),
    );
    GateFault { gate: GATE, detail }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::testing::future;

    fn of_silver(count: usize, tick_size: &str, lot_size: u32) -> Vec<Row> {
        let contract = |n: usize| Row {
            exchange: crate::vocabulary::Exchange::Nco,
            segment: Segment::NseCommodity,
            tick_size: Amount::parse(tick_size).unwrap(),
            lot_size,
            ..future("SILVER", &format!("SILVER27APR{n:06}CE"), "2027-04-29")
        };
        (0..count).map(contract).collect()
    }

    /// Returns the faults and the number of warnings of a file.
    fn judged(file: &[Row], last: Option<Vec<Row>>, others: &[(Broker, Vec<Row>)]) -> (Vec<String>, usize) {
        let last = last.map(|rows| LastFile { rows, file_date: None });
        let mut units = Units::new(file, last.as_ref());
        for (broker, rows) in others {
            units.compare(*broker, rows.iter().cloned().map(Ok::<_, Infallible>)).unwrap();
        }
        let mut warnings = Vec::new();
        let faults = units.faults(&mut warnings);
        (faults.iter().map(ToString::to_string).collect(), warnings.len())
    }

    const NONE: Vec<String> = Vec::new();

    #[test]
    fn a_file_in_paise_is_rejected() {
        let (paise, rupees) = (of_silver(100, "50", 30), of_silver(120, "0.5", 30));

        assert_eq!(
            judged(&paise, None, &[(Broker::Kite, rupees.clone())]).0,
            [
                "units: expected the tick sizes of NSE_COM in the last accepted file of kite, got at least 10 times more or \
                 less for 100 of 100 shared contracts, for example NCO:SILVER27APR000000CE: expected 0.5, got 50; one of the \
                 two files has another unit"
            ]
        );
        assert_eq!(judged(&paise[..99], None, &[(Broker::Kite, rupees.clone())]), (NONE, 0));
        assert_eq!(judged(&rupees, None, &[(Broker::Kite, rupees.clone())]), (NONE, 0));
    }

    #[test]
    fn a_file_whose_lots_count_lots_is_rejected() {
        let (lots, units) = (of_silver(100, "1", 1), of_silver(100, "1", 100));

        let (faults, _) = judged(&lots, None, &[(Broker::Upstox, units)]);

        assert_eq!(faults.len(), 1);
        assert!(
            faults[0].starts_with("units: expected the lot sizes of NSE_COM in the last accepted file of upstox, got"),
            "{faults:?}"
        );
        assert!(faults[0].contains(": expected 100, got 1;"), "{faults:?}");
    }

    #[test]
    fn more_than_half_of_the_contracts_must_differ() {
        let right = of_silver(200, "0.5", 30);
        let some = |count: usize| [&of_silver(count, "50", 30)[..], &right[count..]].concat();

        assert_eq!(judged(&some(100), None, &[(Broker::Kite, right.clone())]), (NONE, 0));
        assert_eq!(judged(&some(101), None, &[(Broker::Kite, right.clone())]).0.len(), 1);
    }

    #[test]
    fn other_files_are_needed_only_if_the_unit_may_have_changed() {
        let may_differ = |file: &[Row], last: Option<Vec<Row>>| {
            let last = last.map(|rows| LastFile { rows, file_date: None });
            units_may_differ(file, last.as_ref())
        };
        let right = of_silver(200, "0.5", 30);

        assert!(may_differ(&right, None));
        assert!(!may_differ(&right[..50], None), "too few contracts to be compared");
        assert!(!may_differ(&right, Some(right.clone())));
        assert!(!may_differ(&right, Some(right[..100].to_vec())), "half of the contracts are new");
        assert!(may_differ(&right, Some(right[..99].to_vec())));
        assert!(may_differ(&of_silver(200, "50", 30), Some(right)));
    }

    #[test]
    fn a_revision_by_the_exchange_is_accepted() {
        let (before, after) = (of_silver(200, "0.05", 15), of_silver(200, "0.01", 75));

        assert_eq!(judged(&after, Some(before.clone()), &[(Broker::Kite, before)]), (NONE, 0));
    }

    #[test]
    fn unknown_figures_and_other_expiries_do_not_count() {
        let file = of_silver(200, "0.5", 1);
        let unknown = of_silver(200, "0.5", 0);
        let other = of_silver(200, "50", 100).into_iter().map(|row| Row { expiry: "2027-04-28".parse().ok(), ..row });

        assert_eq!(judged(&file, None, &[(Broker::Fyers, unknown)]), (NONE, 0));
        assert_eq!(judged(&file, None, &[(Broker::Kite, other.collect())]), (NONE, 0));
    }

    #[test]
    fn a_file_with_which_another_broker_agrees_is_accepted() {
        let (paise, rupees) = (of_silver(200, "50", 30), of_silver(200, "0.5", 30));
        let others = [(Broker::Upstox, paise.clone()), (Broker::Kite, rupees.clone())];

        assert_eq!(judged(&rupees, None, &others), (NONE, 1));
        let others = [&others[..], &[(Broker::Dhan, rupees)]].concat();
        assert_eq!(judged(&paise, None, &others).0.len(), 2);
    }

    #[test]
    fn a_known_contradiction_rejects_no_later_file() {
        let (wrong, right) = (of_silver(300, "50", 30), of_silver(300, "0.5", 30));
        let others = [(Broker::Upstox, wrong.clone())];

        assert_eq!(judged(&right, None, &others).0.len(), 1);
        assert_eq!(judged(&right, Some(right[..200].to_vec()), &others), (NONE, 0));
        assert_eq!(judged(&right, Some(wrong), &others).0.len(), 1);
    }
}
