//! Finds lot sizes and price steps of a broker whose unit seems to be wrong.
//!
//! Files do not name their units: one has paise instead of rupees, another has a number of lots instead of units per
//! lot. A single value shows nothing, because exchanges change lots and steps. A wrong unit affects most instruments of
//! a segment in the same way, so only a majority of at least [`COUNT_MIN`] instruments is a finding.

mod ratio;

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;

pub use self::ratio::Ratio;
use super::listed::{Brokers, ListedInstrument};
use super::{Catalogue, Contradiction, Field, Instrument, InstrumentId};
use crate::instrument::Amount;
use crate::vocabulary::{Broker, InstrumentType, Segment};

/// The minimum number of instruments of a finding. Fewer can agree by chance.
const COUNT_MIN: usize = 20;
/// The smallest price step of a contract on any of the exchanges: that of currencies.
const CONTRACT_TICK_MIN: Amount = Amount::from_ten_thousandths(25);
/// The range of the median price step of the shares of an exchange. Most shares have the step 0.01 or 0.05; the large
/// steps up to 5 rupees are those of a few expensive shares.
const SHARE_TICKS: [Amount; 2] = [Amount::from_ten_thousandths(100), Amount::from_ten_thousandths(1000)];
/// The maximum of the median of price step divided by strike, in millionths. In files with the right unit it is 33 for
/// shares, 28 for currencies, and below 10 for commodities; a file in paise has a hundred times as much.
const TICK_OF_STRIKE_MAX: i64 = 200;

/// A field of one broker and segment whose unit seems to be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuspiciousUnit<'a> {
    /// The segment of the instruments.
    pub segment: Segment,
    /// The field with the suspicious unit: the lot size or the price step.
    pub field: Field,
    /// The broker whose values have the suspicious unit.
    pub broker: Broker,
    /// The reason why the unit seems to be wrong.
    pub fault: UnitFault,
    /// The number of instruments that were compared.
    pub compared: usize,
    /// The keys of the instruments to which the reason applies, in order.
    pub keys: Vec<&'a str>,
}

/// The reason why a unit seems to be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitFault {
    /// Most values differ from those of other brokers by the same factor: by a power of ten, or, in files of one date,
    /// by another whole number. The values of most brokers are right; of two brokers, the value that is used.
    Factor {
        /// The value of the broker divided by that of the others.
        factor: Ratio,
        /// The brokers whose values differ by the factor.
        others: Vec<Broker>,
    },
    /// All contracts of the segment have a lot of 1, so that it seems to be a number of lots.
    LotsOfOne,
    /// The median price step is too small for contracts.
    TickOfContracts(Amount),
    /// The median price step is too small or too large for shares.
    TickOfShares(Amount),
    /// The price step is too large for the strikes: the median of their quotient, in millionths.
    TickOfStrikes(i64),
}

impl fmt::Display for UnitFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [share_min, share_max] = SHARE_TICKS;
        match self {
            UnitFault::Factor { factor, others } => {
                let others: Vec<&str> = others.iter().map(|broker| broker.as_str()).collect();
                write!(f, "{factor} × the value of {}", others.join(", "))
            }
            UnitFault::LotsOfOne => f.write_str("lot size 1 for all contracts"),
            UnitFault::TickOfContracts(median) => {
                write!(f, "median {median}, expected at least {CONTRACT_TICK_MIN}")
            }
            UnitFault::TickOfShares(median) => write!(f, "median {median}, expected {share_min} to {share_max}"),
            UnitFault::TickOfStrikes(millionths) => {
                write!(f, "median {millionths} millionths of the strike, expected at most {TICK_OF_STRIKE_MAX}")
            }
        }
    }
}

/// Applies all rules, and returns the findings by segment, field and broker.
pub(super) fn suspicious<'a>(catalogue: &'a Catalogue, listed: &[ListedInstrument<'a>]) -> Vec<SuspiciousUnit<'a>> {
    let contradictions = Contradictions::of(catalogue);
    let mut found = of_factor(catalogue, listed, &contradictions);
    found.extend(lots_of_one(listed, &contradictions));
    found.extend(implausible_ticks(listed));
    found.sort_by_key(|unit| (unit.segment, unit.field, unit.broker));
    found
}

/// The contradictions by instrument and field.
struct Contradictions<'a>(BTreeMap<(InstrumentId, Field), &'a Contradiction>);

impl<'a> Contradictions<'a> {
    fn of(catalogue: &'a Catalogue) -> Self {
        let of = |other: &'a Contradiction| Some(((catalogue.find(&other.key)?, other.field), other));
        let is_number = |other: &&Contradiction| matches!(other.field, Field::LotSize | Field::TickSize);
        Contradictions(catalogue.contradictions().iter().filter(is_number).filter_map(of).collect())
    }

    fn get(&self, instrument: &Instrument<'_>, field: Field) -> Option<&'a Contradiction> {
        self.0.get(&(instrument.id(), field)).copied()
    }
}

/// The values of one broker in one segment that differ from those of the others by one factor.
#[derive(Default)]
struct Deviation<'a> {
    others: Brokers,
    /// Whether each pair of values is from files of one date.
    is_of_one_date: bool,
    keys: Vec<&'a str>,
}

/// Finds brokers whose values differ from those of the other brokers by one factor.
fn of_factor<'a>(
    catalogue: &'a Catalogue,
    listed: &[ListedInstrument<'a>],
    contradictions: &Contradictions<'a>,
) -> Vec<SuspiciousUnit<'a>> {
    let dates: BTreeMap<Broker, Option<NaiveDate>> =
        catalogue.sources().iter().filter_map(|source| Some((source.broker?, source.file_date))).collect();
    let mut found = Vec::new();
    for field in [Field::LotSize, Field::TickSize] {
        let mut compared: BTreeMap<(Segment, Broker), usize> = BTreeMap::new();
        let mut deviations: BTreeMap<(Segment, Broker, Ratio), Deviation<'a>> = BTreeMap::new();
        for ListedInstrument { instrument, brokers } in listed.iter().filter(|listed| listed.brokers.len() > 1) {
            if value_of(instrument, field) == 0 {
                continue;
            }
            for broker in brokers.iter() {
                *compared.entry((instrument.segment(), broker)).or_default() += 1;
            }
            let Some(contradiction) = contradictions.get(instrument, field) else { continue };
            let values = numbers(contradiction);
            let Some(right) = right_value(&values) else { continue };
            let others: Vec<Broker> =
                values.iter().filter(|(_, value)| *value == right).map(|(broker, _)| *broker).collect();
            for (broker, value) in values.iter().filter(|(_, value)| *value != right) {
                let Some(factor) = Ratio::of(*value, right) else { continue };
                let is_of_one_date = others.iter().all(|other| dates.get(other) == dates.get(broker));
                let new = || Deviation { is_of_one_date: true, ..Deviation::default() };
                let deviation = deviations.entry((instrument.segment(), *broker, factor)).or_insert_with(new);
                others.iter().for_each(|other| deviation.others.insert(*other));
                deviation.is_of_one_date &= is_of_one_date;
                deviation.keys.push(instrument.key());
            }
        }
        for ((segment, broker, factor), Deviation { others, is_of_one_date, keys }) in deviations {
            let compared = compared.get(&(segment, broker)).copied().unwrap_or(0);
            let is_of_unit = factor.is_power_of_ten() || (is_of_one_date && factor.is_whole());
            if is_of_unit && is_most(keys.len(), compared) {
                let fault = UnitFault::Factor { factor, others: others.to_vec() };
                found.push(SuspiciousUnit { segment, field, broker, fault, compared, keys });
            }
        }
    }
    found
}

/// Finds brokers that list a lot of 1 for all contracts of a segment.
///
/// The lot of a broker is known if it is used, or if it contradicts the one that is used. In other cases the broker
/// agrees or its file has none.
fn lots_of_one<'a>(listed: &[ListedInstrument<'a>], contradictions: &Contradictions<'a>) -> Vec<SuspiciousUnit<'a>> {
    #[derive(Default)]
    struct Lots<'a> {
        contracts: usize,
        has_other: bool,
        ones: Vec<&'a str>,
    }
    let mut lots: BTreeMap<(Segment, Broker), Lots<'a>> = BTreeMap::new();
    for ListedInstrument { instrument, brokers } in listed.iter().filter(|listed| is_contract(&listed.instrument)) {
        let contradiction = contradictions.get(instrument, Field::LotSize).map(numbers);
        for broker in brokers.iter() {
            let lots = lots.entry((instrument.segment(), broker)).or_default();
            lots.contracts += 1;
            let known = match &contradiction {
                Some(values) => values.iter().find(|(other, _)| *other == broker).map(|(_, value)| *value),
                None if instrument.source(Field::LotSize) == Some(broker) => {
                    Some(i64::from(instrument.lot_size())).filter(|lot| *lot != 0)
                }
                None => None,
            };
            match known {
                Some(1) => lots.ones.push(instrument.key()),
                Some(_) => lots.has_other = true,
                None => {}
            }
        }
    }
    let is_suspicious =
        |(_, lots): &((Segment, Broker), Lots<'a>)| !lots.has_other && is_most(lots.ones.len(), lots.contracts);
    let unit = |((segment, broker), lots): ((Segment, Broker), Lots<'a>)| SuspiciousUnit {
        segment,
        field: Field::LotSize,
        broker,
        fault: UnitFault::LotsOfOne,
        compared: lots.contracts,
        keys: lots.ones,
    };
    lots.into_iter().filter(is_suspicious).map(unit).collect()
}

/// Finds brokers whose price steps cannot be in rupees, by the median of those that are used: compared with the
/// smallest step of a contract, with the steps of shares, and with the strikes.
fn implausible_ticks<'a>(listed: &[ListedInstrument<'a>]) -> Vec<SuspiciousUnit<'a>> {
    /// Instruments with the figure whose median is compared.
    type Figures<'a> = Vec<(i64, &'a str)>;
    #[derive(Default)]
    struct Ticks<'a> {
        of_contracts: Figures<'a>,
        of_shares: Figures<'a>,
        of_strikes: Figures<'a>,
    }
    let mut ticks: BTreeMap<(Segment, Broker), Ticks<'a>> = BTreeMap::new();
    for ListedInstrument { instrument, .. } in listed {
        let tick = instrument.tick_size().ten_thousandths();
        let Some(broker) = instrument.source(Field::TickSize).filter(|_| tick > 0) else { continue };
        let ticks = ticks.entry((instrument.segment(), broker)).or_default();
        if is_contract(instrument) {
            ticks.of_contracts.push((tick, instrument.key()));
        } else if instrument.class() == InstrumentType::Equity {
            ticks.of_shares.push((tick, instrument.key()));
        }
        if let Some(strike) = instrument.strike().map(Amount::ten_thousandths).filter(|strike| *strike > 0) {
            ticks.of_strikes.push((tick.saturating_mul(1_000_000) / strike, instrument.key()));
        }
    }
    let mut found = Vec::new();
    for ((segment, broker), Ticks { of_contracts, of_shares, of_strikes }) in ticks {
        let mut add = |figures: Figures<'a>, fault: &dyn Fn(i64) -> UnitFault, allowed: [i64; 2]| {
            let is_allowed = |figure: i64| (allowed[0]..=allowed[1]).contains(&figure);
            let Some(median) = median(&figures).filter(|median| !is_allowed(*median)) else { return };
            let compared = figures.len();
            let keys = figures.into_iter().filter(|(figure, _)| !is_allowed(*figure)).map(|(_, key)| key).collect();
            let (field, fault) = (Field::TickSize, fault(median));
            found.push(SuspiciousUnit { segment, field, broker, fault, compared, keys });
        };
        let amount = Amount::from_ten_thousandths;
        let contract_min = CONTRACT_TICK_MIN.ten_thousandths();
        add(of_contracts, &|median| UnitFault::TickOfContracts(amount(median)), [contract_min, i64::MAX]);
        add(of_shares, &|median| UnitFault::TickOfShares(amount(median)), SHARE_TICKS.map(Amount::ten_thousandths));
        add(of_strikes, &UnitFault::TickOfStrikes, [0, TICK_OF_STRIKE_MAX]);
    }
    found
}

/// Returns the middle one of the figures; `None` if they are fewer than [`COUNT_MIN`].
fn median(figures: &[(i64, &str)]) -> Option<i64> {
    let mut sorted: Vec<i64> = figures.iter().map(|(figure, _)| *figure).collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().filter(|_| sorted.len() >= COUNT_MIN)
}

fn is_most(count: usize, of: usize) -> bool {
    count >= COUNT_MIN && count * 2 > of
}

fn is_contract(instrument: &Instrument<'_>) -> bool {
    matches!(instrument.class(), InstrumentType::Future | InstrumentType::Call | InstrumentType::Put)
}

/// Returns the lot size, or the price step in ten-thousandths.
fn value_of(instrument: &Instrument<'_>, field: Field) -> i64 {
    if field == Field::LotSize { i64::from(instrument.lot_size()) } else { instrument.tick_size().ten_thousandths() }
}

/// Returns the values of a contradiction as numbers, the used one first.
fn numbers(contradiction: &Contradiction) -> Vec<(Broker, i64)> {
    let number = |text: &str| match contradiction.field {
        Field::LotSize => text.parse().ok(),
        _ => Amount::parse(text).map(Amount::ten_thousandths),
    };
    contradiction.values.iter().filter_map(|(broker, text)| Some((*broker, number(text)?))).collect()
}

/// Returns the value of most brokers; of those with the same number of brokers, the first one.
fn right_value(values: &[(Broker, i64)]) -> Option<i64> {
    let count = |value: i64| values.iter().filter(|(_, other)| *other == value).count();
    // `max_by_key` returns the last maximum.
    values.iter().rev().max_by_key(|(_, value)| count(*value)).map(|(_, value)| *value)
}
