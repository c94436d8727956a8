//! The order of instruments that match equally well.

use std::ops::Range;

use chrono::{Datelike, NaiveDate};

use super::bits::{WORD, numbers_of};
use crate::catalogue::{Catalogue, InstrumentId};
use crate::vocabulary::{Exchange, InstrumentType};

/// The rank of every instrument by its worth to a reader: active before inactive; instruments without an expiry, those
/// with derivatives first; then futures, then options, both by expiry, the nearest first. Options of one expiry are
/// sorted by their distance from the middle of their chain.
///
/// Which contracts have expired is not known when a catalog is built, only when it is searched. So expired contracts
/// are moved back at that time.
#[derive(Debug, Default)]
pub(super) struct Ranks {
    /// The rank by instrument.
    ranks: Vec<u32>,
    /// The lowest rank among the 64 instruments of each word of a set.
    least: Vec<u32>,
    /// The active futures, and the active options.
    dated: [DatedRanks; 2],
    /// The first rank of an inactive instrument.
    inactive_from: u32,
}

/// Active contracts, whose ranks follow each other by expiry.
#[derive(Debug, Default)]
struct DatedRanks {
    from: u32,
    /// Each expiry with the rank after its last contract.
    expiry_ends: Vec<(NaiveDate, u32)>,
}

impl DatedRanks {
    fn push(&mut self, expiry: NaiveDate, rank: u32) {
        if self.expiry_ends.is_empty() {
            self.from = rank;
        }
        match self.expiry_ends.last_mut() {
            Some((last, end)) if *last == expiry => *end = rank + 1,
            _ => self.expiry_ends.push((expiry, rank + 1)),
        }
    }

    /// Returns the ranks of the contracts that expired before the date.
    fn expired_on(&self, date: NaiveDate) -> Range<u32> {
        let expired = self.expiry_ends.partition_point(|(expiry, _)| *expiry < date);
        self.from..expired.checked_sub(1).map_or(self.from, |last| self.expiry_ends[last].1)
    }
}

impl Ranks {
    /// `from_middle` is the position of each option in its chain, counted from the middle.
    pub(super) fn new(catalogue: &Catalogue, from_middle: &[u16]) -> Self {
        let ids = (0..u32::try_from(catalogue.len()).unwrap_or(u32::MAX)).map(InstrumentId);
        let mut order: Vec<u128> = ids.map(|id| worth(catalogue, id, from_middle)).collect();
        order.sort_unstable();
        let mut ranks = vec![0; order.len()];
        let mut dated: [DatedRanks; 2] = Default::default();
        let mut inactive_from = None;
        for (rank, worth) in (0..).zip(&order) {
            let id = id_of(*worth);
            ranks[id] = rank;
            let record = &catalogue.records[id];
            if !record.is_active {
                inactive_from.get_or_insert(rank);
            } else if let Some(expiry) = record.expiry {
                dated[usize::from(record.class != InstrumentType::Future)].push(expiry, rank);
            }
        }
        let end = u32::try_from(order.len()).unwrap_or(u32::MAX);
        let least = ranks.chunks(WORD).map(|of_word| of_word.iter().copied().min().unwrap_or(u32::MAX)).collect();
        Ranks { ranks, least, dated, inactive_from: inactive_from.unwrap_or(end) }
    }

    /// Returns the rank of an instrument on a date on which no contract has expired. Ranks are unique.
    pub(super) fn of(&self, id: u32) -> u32 {
        self.ranks[id as usize]
    }

    /// Returns the order on a date.
    pub(super) fn on(&self, date: NaiveDate) -> RanksOnDate<'_> {
        let [futures, options] = &self.dated;
        RanksOnDate { ranks: self, expired: [futures.expired_on(date), options.expired_on(date)] }
    }

    /// Returns the number of active contracts that expired before the date.
    pub(super) fn expired_count(&self, date: NaiveDate) -> usize {
        self.on(date).expired.iter().map(Range::len).sum()
    }
}

/// Returns the sort key of an instrument; a lower one is listed first. It is one number, because numbers are sorted in
/// a fraction of the time of tuples.
fn worth(catalogue: &Catalogue, id: InstrumentId, from_middle: &[u16]) -> u128 {
    let record = &catalogue.records[id.index()];
    let (class, reach) = (record.class.worth_rank().into(), reach(record.exchange).into());
    let is_inactive = u32::from(!record.is_active);
    let (tier, nearness, exchange, text, from_middle) = match record.expiry {
        None => {
            let tier = u32::from(!(record.has_futures || record.has_options));
            let length = u32::try_from(catalogue.key(id).len()).unwrap_or(u32::MAX);
            (tier, 0, 0, length, 0)
        }
        Some(expiry) => {
            let tier = if record.class == InstrumentType::Future { 2 } else { 3 };
            let days = expiry.num_days_from_ce();
            // Of expired instruments, the latest is most likely meant.
            let nearness = if record.is_active { days } else { -days };
            (tier, nearness, record.exchange as u32, record.underlying.0, from_middle[id.index()].into())
        }
    };
    // The order of signed numbers, as unsigned ones.
    let nearness = nearness.cast_unsigned() ^ (1 << 31);
    // Each part with its number of bits, the most significant one first.
    let parts = [
        (is_inactive, 1),
        (tier, 2),
        (nearness, 32),
        (class, 4),
        (reach, 2),
        (exchange, 4),
        (text, 32),
        (from_middle, 16),
        (id.as_u32(), 32),
    ];
    parts.into_iter().fold(0, |key, (part, bits)| {
        debug_assert!(u64::from(part) < 1 << bits, "{part} has more than {bits} bits");
        key << bits | u128::from(part)
    })
}

/// Returns the index of the instrument with a sort key.
fn id_of(worth: u128) -> usize {
    // The lowest bits are the id.
    (worth & u128::from(u32::MAX)) as usize
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
pub(super) struct RanksOnDate<'a> {
    ranks: &'a Ranks,
    /// The ranks of the active futures and options that have expired.
    expired: [Range<u32>; 2],
}

impl RanksOnDate<'_> {
    /// Returns the rank of an instrument. Ranks are unique.
    pub(super) fn of(&self, id: u32) -> u32 {
        self.moved(self.ranks.of(id))
    }

    /// Moves expired contracts behind all live instruments; inactive instruments follow them. The result is never less
    /// than `rank`.
    fn moved(&self, rank: u32) -> u32 {
        let length = u32::try_from(self.ranks.ranks.len()).unwrap_or(u32::MAX);
        if rank >= self.ranks.inactive_from {
            rank.saturating_add(length).saturating_add(length)
        } else if self.expired.iter().any(|expired| expired.contains(&rank)) {
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
