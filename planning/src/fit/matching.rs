//! Keeps candidates and gives them modes: the lexicographically greatest assignment that fits.
//!
//! Each candidate has a set of modes. By the theorem of Rado, candidates can all get a mode of their sets if and only
//! if for every set of modes the candidates whose sets are parts of it are at most its rank. Kept candidates form a
//! matroid, so that taking them in order of value is best.

use std::ops::Range;

use super::region::Way;

/// The modes that a candidate can get, by their positions, from the highest to the lowest. Not empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Chain(pub(super) Vec<u8>);

impl Chain {
    fn set(&self) -> usize {
        self.0.iter().map(|position| 1 << position).sum()
    }
}

/// The candidates in order of value.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    /// The different chains.
    pub(super) chains: Vec<Chain>,
    /// The chain of each candidate, by its position in `chains`.
    pub(super) of: Vec<u16>,
    /// The end of each class.
    pub(super) class_ends: Vec<usize>,
}

/// The numbers of candidates by the sets that contain their modes, and the ways that may carry them.
#[derive(Clone)]
struct Demand<'a> {
    /// For each set of modes, the number of candidates whose modes are all in it.
    within: Vec<u32>,
    /// The first one carries the demand.
    ways: &'a [Way],
}

/// Whether the number within a set grows if a candidate with the modes `set` is added, or replaces one with the modes
/// `replaced`.
fn grows(outer: usize, set: usize, replaced: Option<usize>) -> bool {
    outer & set == set && replaced.is_none_or(|replaced| outer & replaced != replaced)
}

impl Demand<'_> {
    /// Returns the numbers with one more candidate, whether or not a way carries them.
    fn with(&self, set: usize, replaced: Option<usize>) -> Vec<u32> {
        let within = self.within.iter().enumerate();
        within.map(|(outer, count)| count + u32::from(grows(outer, set, replaced))).collect()
    }

    /// Returns the number of further candidates with this set of modes that a way carries.
    fn capacity_left(&self, way: &Way, set: usize, replaced: Option<usize>) -> u32 {
        let mut least = u32::MAX;
        for (outer, (count, rank)) in self.within.iter().zip(&way.rank).enumerate() {
            match rank.checked_sub(*count) {
                None => return 0,
                Some(left) if grows(outer, set, replaced) => least = least.min(left),
                Some(_) => {}
            }
        }
        least
    }

    /// Adds up to `count` candidates with this set of modes, or replaces the sets of as many, as far as a way carries
    /// them. Returns their number.
    fn add(&mut self, set: usize, replaced: Option<usize>, count: u32) -> u32 {
        let mut added = 0;
        while added < count {
            let Some(at) = self.ways.iter().position(|way| self.capacity_left(way, set, replaced) > 0) else { break };
            // The demand only grows: the ways before this one never carry it again, and each way is passed once.
            self.ways = &self.ways[at..];
            let more = self.capacity_left(&self.ways[0], set, replaced).min(count - added);
            for (outer, within) in self.within.iter_mut().enumerate() {
                *within += if grows(outer, set, replaced) { more } else { 0 };
            }
            added += more;
        }
        added
    }
}

pub(super) struct Assignment {
    /// The mode of each candidate, by its position; `None` if the candidate does not fit.
    pub(super) modes: Vec<Option<u8>>,
    pub(super) closings: Vec<Closing>,
}

/// A chain without capacity for further candidates.
#[derive(Clone, Debug)]
pub(super) struct Closing {
    pub(super) chain: usize,
    /// The mode that no further candidate can get; `None` if none can be kept.
    pub(super) mode: Option<u8>,
    /// The demand with one more of them, which no way carries.
    pub(super) demand: Vec<u32>,
}

/// Assigns modes. Each class is complete before the next one begins.
pub(super) fn assign(candidates: &Candidates, ways: &[Way]) -> Assignment {
    if let Some(modes) = all_at_their_highest(candidates, ways) {
        return Assignment { modes, closings: Vec::new() };
    }
    let sets = ways.first().map_or(1, |way| way.rank.len());
    let chains = candidates.chains.len();
    let mut assigning = AssignmentState {
        chains: &candidates.chains,
        sets_of: candidates.chains.iter().map(Chain::set).collect(),
        demand: Demand { within: vec![0; sets], ways },
        is_full: vec![false; chains],
        next_mode: vec![0; chains],
        modes: vec![None; candidates.of.len()],
        closings: Vec::new(),
    };
    let mut start = 0;
    for end in &candidates.class_ends {
        let of_class: Vec<CandidateRun> = runs(&candidates.of, start..*end).collect();
        let mut kept = Vec::with_capacity(of_class.len());
        assigning.keep(&of_class, &mut kept);
        assigning.give_modes(&kept);
        start = *end;
    }
    Assignment { modes: assigning.modes, closings: assigning.closings }
}

struct AssignmentState<'a> {
    chains: &'a [Chain],
    sets_of: Vec<usize>,
    demand: Demand<'a>,
    /// Whether no further candidate of a chain fits. None ever fits later, because the demand only grows.
    is_full: Vec<bool>,
    /// For each chain, the position of the highest mode that may have capacity left.
    next_mode: Vec<usize>,
    modes: Vec<Option<u8>>,
    closings: Vec<Closing>,
}

impl AssignmentState<'_> {
    /// Keeps as many candidates as fit, in their order. If all of them fit, their order does not matter, so that
    /// candidates of many chains in turns are not tried one by one.
    fn keep(&mut self, runs: &[CandidateRun], kept: &mut Vec<CandidateRun>) {
        let added =
            |assigning: &Self, chain: usize| (!assigning.is_full[chain]).then(|| (assigning.sets_of[chain], None));
        if self.adds_all(runs, added) {
            kept.extend(runs.iter().filter(|run| !self.is_full[run.chain]).copied());
            return;
        }
        let [run] = runs else {
            let (first, rest) = runs.split_at(runs.len() / 2);
            self.keep(first, kept);
            return self.keep(rest, kept);
        };
        let set = self.sets_of[run.chain];
        let count = self.demand.add(set, None, run.count);
        kept.push(CandidateRun { count, ..*run });
        self.is_full[run.chain] = true;
        self.closings.push(Closing { chain: run.chain, mode: None, demand: self.demand.with(set, None) });
    }

    /// Gives kept candidates their highest modes, in their order.
    fn give_modes(&mut self, runs: &[CandidateRun]) {
        let added = |assigning: &Self, chain: usize| {
            let (set, all) = (1 << assigning.chains[chain].0[assigning.next_mode[chain]], assigning.sets_of[chain]);
            (set != all).then_some((set, Some(all)))
        };
        if self.adds_all(runs, added) {
            for CandidateRun { start, chain, count } in runs {
                let mode = self.chains[*chain].0[self.next_mode[*chain]];
                self.modes[*start..*start + *count as usize].fill(Some(mode));
            }
            return;
        }
        let [run] = runs else {
            let (first, rest) = runs.split_at(runs.len() / 2);
            self.give_modes(first);
            return self.give_modes(rest);
        };
        let CandidateRun { start, chain, count } = *run;
        let of_chain = &self.chains[chain].0;
        let (mode, all) = (of_chain[self.next_mode[chain]], self.sets_of[chain]);
        assert!(self.next_mode[chain] + 1 < of_chain.len(), "a kept candidate gets one of its modes");
        let given = self.demand.add(1 << mode, Some(all), count);
        self.modes[start..start + given as usize].fill(Some(mode));
        let demand = self.demand.with(1 << mode, Some(all));
        self.closings.push(Closing { chain, mode: Some(mode), demand });
        self.next_mode[chain] += 1;
        self.give_modes(&[CandidateRun { start: start + given as usize, chain, count: count - given }]);
    }

    /// Adds all candidates if a way carries them: each with the set of its chain, which may replace another one.
    /// Returns whether it did.
    fn adds_all(
        &mut self,
        runs: &[CandidateRun],
        of_chain: impl Fn(&Self, usize) -> Option<(usize, Option<usize>)>,
    ) -> bool {
        let mut counts = vec![0; self.chains.len()];
        runs.iter().for_each(|run| counts[run.chain] += run.count);
        let mut demand = self.demand.clone();
        for (chain, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            if let Some((set, replaced)) = of_chain(self, chain)
                && demand.add(set, replaced, count) < count
            {
                return false;
            }
        }
        self.demand = demand;
        true
    }
}

/// Consecutive candidates with the same chain.
#[derive(Clone, Copy, Debug)]
struct CandidateRun {
    start: usize,
    chain: usize,
    count: u32,
}

fn runs(of: &[u16], range: Range<usize>) -> impl Iterator<Item = CandidateRun> {
    let mut start = range.start;
    of[range].chunk_by(|a, b| a == b).map(move |run| {
        let of_run = CandidateRun { start, chain: usize::from(run[0]), count: run.len() as u32 };
        start += run.len();
        of_run
    })
}

/// Returns the highest mode of each candidate, if all fit with it.
fn all_at_their_highest(candidates: &Candidates, ways: &[Way]) -> Option<Vec<Option<u8>>> {
    let sets = ways.first()?.rank.len();
    let mut counts = vec![0u32; candidates.chains.len()];
    for chain in &candidates.of {
        counts[usize::from(*chain)] += 1;
    }
    let mut within = vec![0u32; sets];
    for (chain, count) in candidates.chains.iter().zip(&counts) {
        let contain_it = within.iter_mut().enumerate().filter(|(set, _)| set & (1 << chain.0[0]) != 0);
        contain_it.for_each(|(_, sum)| *sum += count);
    }
    let highest: Vec<u8> = candidates.chains.iter().map(|chain| chain.0[0]).collect();
    let is_carried = ways.iter().any(|way| way.carries(&within));
    is_carried.then(|| candidates.of.iter().map(|chain| Some(highest[usize::from(*chain)])).collect())
}
