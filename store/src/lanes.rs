//! Lanes: kinds of calls with permits of their own.

/// A kind of call. Calls of one lane cannot use the permits of another one, so that slow lists delay neither reads by id nor
/// retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Reads by id and small writes.
    Point,
    /// Lists and totals, which take longer the more rows they visit.
    List,
    /// Retention, counts, and calls that move a whole catalog.
    Upkeep,
}

impl Lane {
    /// All lanes.
    pub const ALL: [Lane; 3] = [Lane::Point, Lane::List, Lane::Upkeep];
}

/// Number of calls of each lane that may be in progress at the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permits {
    pub(crate) point: usize,
    pub(crate) list: usize,
    pub(crate) upkeep: usize,
}

impl Permits {
    pub(crate) const fn of(self, lane: Lane) -> usize {
        match lane {
            Lane::Point => self.point,
            Lane::List => self.list,
            Lane::Upkeep => self.upkeep,
        }
    }

    pub(crate) const fn sum(self) -> usize {
        self.point + self.list + self.upkeep
    }
}
