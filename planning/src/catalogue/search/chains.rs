//! The contracts of each underlying that a search lists before the others: its futures, and the options around the
//! middle of its option chain with the nearest expiry.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::NaiveDate;

use super::Expiry;
use super::rank::Ranks;
use super::texts::{Texts, as_u32};
use crate::catalogue::{Catalogue, InstrumentId, Record};
use crate::vocabulary::{Exchange, InstrumentType};

/// The number of options around the middle of a chain: the calls and puts of ten strikes.
const AROUND_MIDDLE: u32 = 20;

/// The futures and option chains of all underlyings.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// The active futures, each with its underlying, in that order.
    futures: Vec<(u32, InstrumentId)>,
    /// The chains of active options by underlying, exchange and expiry.
    chains: Vec<Chain>,
}

/// The active options of one underlying on one exchange with one expiry.
#[derive(Debug)]
struct Chain {
    underlying: u32,
    exchange: Exchange,
    expiry: NaiveDate,
    /// Contains all options of the chain. Few other contracts have a symbol between theirs.
    ids: Range<u32>,
    /// The option nearest to the middle. The ranks of the others follow its rank without a gap.
    first: u32,
}

/// The result of [`Chains::collect`]: the contracts of all underlyings by chain, expiry and strike.
pub(super) struct ContractIndex {
    pub(super) chains: Chains,
    /// The expiries of active contracts, by underlying, exchange and date.
    pub(super) expiries: Vec<(u32, Exchange, Expiry)>,
    /// The position of each option in its chain, counted from the middle.
    pub(super) from_middle: Vec<u16>,
}

/// The contracts of one underlying on one exchange with one expiry, which are either all active or all inactive.
#[derive(Default)]
struct ExpiryContracts {
    has_futures: bool,
    /// The strikes with their options.
    options: Vec<(i64, bool, u32)>,
}

impl Chains {
    pub(super) fn collect(catalogue: &Catalogue, underlyings: &Texts) -> ContractIndex {
        let mut collected = ContractIndex {
            chains: Chains::default(),
            expiries: Vec::new(),
            from_middle: vec![u16::MAX; catalogue.len()],
        };
        for underlying in 0..underlyings.len() {
            let mut contracts: BTreeMap<(Exchange, NaiveDate, bool), ExpiryContracts> = BTreeMap::new();
            for id in underlyings.runs(underlying).iter().cloned().flatten() {
                let record = &catalogue.records[id as usize];
                let Some(expiry) = record.expiry else { continue };
                let of_expiry = contracts.entry((record.exchange, expiry, record.is_active)).or_default();
                if is_option(record) {
                    let strike = record.strike.map_or(0, |strike| strike.ten_thousandths());
                    of_expiry.options.push((strike, record.class == InstrumentType::Put, id));
                } else if record.class == InstrumentType::Future {
                    of_expiry.has_futures = true;
                    if record.is_active {
                        collected.chains.futures.push((as_u32(underlying), InstrumentId(id)));
                    }
                }
            }
            contracts.into_iter().for_each(|(key, contracts)| collected.add(as_u32(underlying), key, contracts));
        }
        collected.expiries.shrink_to_fit();
        collected.chains.futures.shrink_to_fit();
        collected.chains.chains.shrink_to_fit();
        collected
    }

    /// Returns the active futures of an underlying that have not expired, by id.
    pub(super) fn futures(&self, catalogue: &Catalogue, underlying: usize, as_of: NaiveDate) -> Vec<u32> {
        let underlying = as_u32(underlying);
        let start = self.futures.partition_point(|(other, _)| *other < underlying);
        let of_underlying = self.futures[start..].iter().take_while(|(other, _)| *other == underlying);
        let is_left = |id: &u32| catalogue.records[*id as usize].expiry.is_some_and(|expiry| expiry >= as_of);
        of_underlying.map(|(_, id)| id.0).filter(is_left).collect()
    }

    /// Returns the options around the middle of the nearest chain of an underlying on each exchange, by id.
    pub(super) fn around_middle(&self, ranks: &Ranks, underlying: usize, as_of: NaiveDate) -> Vec<u32> {
        let underlying = as_u32(underlying);
        let start = self.chains.partition_point(|chain| chain.underlying < underlying);
        let of_underlying = self.chains[start..].iter().take_while(|chain| chain.underlying == underlying);
        let mut options = Vec::new();
        let mut before = None;
        for chain in of_underlying.filter(|chain| chain.expiry >= as_of) {
            if before == Some(chain.exchange) {
                continue;
            }
            before = Some(chain.exchange);
            let first = ranks.of(chain.first);
            let middle = first..first.saturating_add(AROUND_MIDDLE);
            options.extend(chain.ids.clone().filter(|id| middle.contains(&ranks.of(*id))));
        }
        options
    }
}

impl ContractIndex {
    fn add(&mut self, underlying: u32, key: (Exchange, NaiveDate, bool), mut contracts: ExpiryContracts) {
        let (exchange, date, is_active) = key;
        let ids = contracts.options.iter().map(|(.., id)| *id);
        let ids = ids.clone().min().unwrap_or_default()..ids.max().map_or(0, |last| last + 1);
        sort_from_middle(&mut contracts.options);
        for (position, (.., id)) in contracts.options.iter().enumerate() {
            self.from_middle[*id as usize] = u16::try_from(position).unwrap_or(u16::MAX);
        }
        if !is_active {
            return;
        }
        let first = contracts.options.first().map(|(.., id)| *id);
        let expiry = Expiry { date, has_futures: contracts.has_futures, has_options: first.is_some() };
        self.expiries.push((underlying, exchange, expiry));
        if let Some(first) = first {
            self.chains.chains.push(Chain { underlying, exchange, expiry: date, ids, first });
        }
    }
}

pub(super) fn is_option(record: &Record) -> bool {
    matches!(record.class, InstrumentType::Call | InstrumentType::Put)
}

/// Sorts options by the distance of their strike from the middle of the strikes, then by strike, calls before puts.
///
/// The middle is that of the list, not of the range: brokers list strikes at larger steps far from the price, and more
/// of them on one side.
fn sort_from_middle(options: &mut [(i64, bool, u32)]) {
    options.sort_unstable();
    let mut strikes: Vec<i64> = options.iter().map(|(strike, ..)| *strike).collect();
    strikes.dedup();
    let Some(last) = strikes.len().checked_sub(1) else { return };
    // Of an even number of strikes, the middle is between two of them.
    let doubled_middle = strikes[last / 2].saturating_add(strikes[last.div_ceil(2)]);
    options.sort_by_key(|(strike, ..)| strike.saturating_mul(2).abs_diff(doubled_middle));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(strikes: &[i64]) -> Vec<i64> {
        let mut options: Vec<(i64, bool, u32)> = (0..).zip(strikes).map(|(id, strike)| (*strike, false, id)).collect();
        sort_from_middle(&mut options);
        options.into_iter().map(|(strike, ..)| strike).collect()
    }

    #[test]
    fn strikes_are_sorted_by_distance_from_the_middle() {
        assert_eq!(sorted(&[100, 110, 120, 130, 140]), [120, 110, 130, 100, 140]);
        assert_eq!(sorted(&[130, 100, 120, 110]), [110, 120, 100, 130]);
        assert_eq!(sorted(&[10, 100, 110, 120, 1000]), [110, 100, 120, 10, 1000]);
        assert_eq!(sorted(&[]), [0i64; 0]);
    }

    #[test]
    fn calls_precede_puts() {
        let mut options = vec![(100, true, 1), (110, true, 3), (100, false, 0), (110, false, 2)];

        sort_from_middle(&mut options);

        assert_eq!(options.into_iter().map(|(.., id)| id).collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
