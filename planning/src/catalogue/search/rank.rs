//! The order of instruments that match equally well.

use chrono::{Datelike, NaiveDate};

use super::bits::{WORD, numbers_of};
use crate::catalogue::{Catalogue, InstrumentId};
use crate::vocabulary::{Exchange, InstrumentType};

/// The rank of every instrument by its worth to a reader: active before inactive; instruments without an expiry before
/// contracts, those with derivatives first; contracts by expiry, the nearest first.
///
/// Which contracts have expired is not known when a catalog is built, only when it is searched. So expired contracts
/// are moved back at that time.
#[derive(Debug, Default)]
pub(super) struct Ranks {
    /// The rank by instrument.
    ranks: Vec<u32>,
    /// The lowest rank among the 64 instruments of each word of a set.
    least: Vec<u32>,
    /// Active contracts: each expiry with the rank after its last contract.
    expiry_ends: Vec<(NaiveDate, u32)>,
    /// The first rank of an active contract, and the first rank of an inactive instrument.
    dated_from: u32,
    inactive_from: u32,
}

impl Ranks {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let mut order: Vec<u32> = (0..u32::try_from(catalogue.len()).unwrap_or(u32::MAX)).collect();
        order.sort_by_cached_key(|id| worth(catalogue, InstrumentId(*id)));
        let mut ranks = vec![0; order.len()];
        let mut expiry_ends: Vec<(NaiveDate, u32)> = Vec::new();
        let (mut dated_from, mut inactive_from) = (None, None);
        for (rank, id) in (0..).zip(&order) {
            ranks[*id as usize] = rank;
            let record = &catalogue.records[*id as usize];
            if !record.is_active {
                inactive_from.get_or_insert(rank);
            } else if let Some(expiry) = record.expiry {
                dated_from.get_or_insert(rank);
                match expiry_ends.last_mut() {
                    Some((last, end)) if *last == expiry => *end = rank + 1,
                    _ => expiry_ends.push((expiry, rank + 1)),
                }
            }
        }
        let end = u32::try_from(order.len()).unwrap_or(u32::MAX);
        let least = ranks.chunks(WORD).map(|of_word| of_word.iter().copied().min().unwrap_or(u32::MAX)).collect();
        let inactive_from = inactive_from.unwrap_or(end);
        Ranks { ranks, least, expiry_ends, dated_from: dated_from.unwrap_or(inactive_from), inactive_from }
    }

    /// Returns the order on a date.
    pub(super) fn on(&self, date: NaiveDate) -> RanksOnDate<'_> {
        let expired = self.expiry_ends.partition_point(|(expiry, _)| *expiry < date);
        let expired_end = expired.checked_sub(1).map_or(self.dated_from, |last| self.expiry_ends[last].1);
        RanksOnDate { ranks: self, expired_end }
    }

    /// Returns the number of active contracts that expired before the date.
    pub(super) fn expired_count(&self, date: NaiveDate) -> usize {
        (self.on(date).expired_end - self.dated_from) as usize
    }
}

/// The sort key of an instrument; a lower value is listed first.
type Worth = (bool, u8, i32, u8, u8, u32, u32, i64);

fn worth(catalogue: &Catalogue, id: InstrumentId) -> Worth {
    let record = &catalogue.records[id.index()];
    let class = record.class.worth_rank();
    let exchange = reach(record.exchange);
    let is_inactive = !record.is_active;
    match record.expiry {
        None => {
            let tier = u8::from(!(record.has_futures || record.has_options));
            let length = u32::try_from(catalogue.key(id).len()).unwrap_or(u32::MAX);
            (is_inactive, tier, 0, class, exchange, length, 0, 0)
        }
        Some(expiry) => {
            let days = expiry.num_days_from_ce();
            // Of expired instruments, the latest is most likely meant.
            let nearness = if is_inactive { -days } else { days };
            let strike = record.strike.map_or(0, |strike| strike.ten_thousandths() * 2);
            let put_after_call = i64::from(record.class == InstrumentType::Put);
            (is_inactive, 2, nearness, class, exchange, record.underlying.0, 0, strike + put_after_call)
        }
    }
}

/// Ranks the exchanges that most readers mean first.
fn reach(exchange: Exchange) -> u8 {
    match exchange {
        Exchange::Nse | Exchange::Nfo => 0,
        Exchange::Bse | Exchange::Bfo => 1,
        Exchange::Mcx => 2,
        _ => 3,
    }
}

/// The order of instruments on a date. See [`Ranks::on`].
#[derive(Clone, Copy)]
pub(super) struct RanksOnDate<'a> {
    ranks: &'a Ranks,
    /// Active contracts below this rank have expired.
    expired_end: u32,
}

impl RanksOnDate<'_> {
    /// Returns the rank of an instrument. Ranks are unique.
    pub(super) fn of(&self, id: u32) -> u32 {
        self.moved(self.ranks.ranks[id as usize])
    }

    /// Moves expired contracts behind all live instruments; inactive instruments follow them. The result is never less
    /// than `rank`.
    fn moved(&self, rank: u32) -> u32 {
        let length = u32::try_from(self.ranks.ranks.len()).unwrap_or(u32::MAX);
        if rank >= self.ranks.inactive_from {
            rank.saturating_add(length).saturating_add(length)
        } else if (self.ranks.dated_from..self.expired_end).contains(&rank) {
            rank.saturating_add(length)
        } else {
            rank
        }
    }

    /// Returns the first `count` instruments of a set, given by its words, in order.
    pub(super) fn first(&self, words: impl Iterator<Item = (usize, u64)>, count: usize) -> Vec<u32> {
        let mut first: Vec<(u32, u32)> = Vec::with_capacity(count.min(1024) * 2);
        // An instrument with a higher rank cannot be among the first.
        let mut worst = u32::MAX;
        for (index, word) in words {
            if self.ranks.least[index] > worst {
                continue;
            }
            for id in numbers_of(index, word) {
                let rank = self.of(id);
                if rank <= worst {
                    first.push((rank, id));
                }
            }
            if first.len() >= count.saturating_mul(2).max(count.saturating_add(WORD)) {
                worst = keep_first(&mut first, count);
            }
        }
        keep_first(&mut first, count);
        first.sort_unstable();
        first.into_iter().map(|(_, id)| id).collect()
    }
}

/// Drops all but the first `count`, in any order, and returns the highest rank that is kept.
fn keep_first(ranked: &mut Vec<(u32, u32)>, count: usize) -> u32 {
    if count == 0 || ranked.len() <= count {
        ranked.truncate(count);
        return u32::MAX;
    }
    let (_, last, _) = ranked.select_nth_unstable(count - 1);
    let worst = last.0;
    ranked.truncate(count);
    worst
}
