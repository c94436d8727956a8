//! Lanes: kinds of calls with permits of their own.

/// A kind of call. Calls of one lane cannot use the permits of another one, so that slow lists, or changes that wait
/// for a lock, do not delay reads by id and heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Reads by id and small writes. They wait for no other transaction.
    Point,
    /// Changes of profiles, which wait for other changes of the same user.
    Change,
    /// Responses with idempotency keys, which wait for other transactions that take the same key.
    Keyed,
    /// Lists and totals, which take longer the more rows they visit.
    List,
    /// Retention, counts, and calls that move a whole catalog.
    Upkeep,
}

impl Lane {
    /// All lanes, in the order of their declaration.
    pub const ALL: [Lane; 5] = [Lane::Point, Lane::Change, Lane::Keyed, Lane::List, Lane::Upkeep];
}

/// Number of calls of each lane that may be in progress at the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permits {
    pub(crate) point: usize,
    pub(crate) change: usize,
    pub(crate) keyed: usize,
    pub(crate) list: usize,
    pub(crate) upkeep: usize,
}

impl Permits {
    pub(crate) const fn of(self, lane: Lane) -> usize {
        match lane {
            Lane::Point => self.point,
            Lane::Change => self.change,
            Lane::Keyed => self.keyed,
            Lane::List => self.list,
            Lane::Upkeep => self.upkeep,
        }
    }

    pub(crate) const fn sum(self) -> usize {
        self.point + self.change + self.keyed + self.list + self.upkeep
    }
}
