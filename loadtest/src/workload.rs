//! What is asked for: a sequence of requests that depends on the seed alone.
//!
//! What request `index` asks for is a pure function of the seed, so that a run can be repeated whatever the number of
//! connections, and a repeat needs no memory of the body it repeats. Only which of the acknowledged plans is read or
//! described depends on the answers.

use fastrand::Rng;

use crate::keys::{Keys, Marks};
use crate::kind::{Kind, Mix};

/// Separates the draws that make a body from those that choose what to repeat, so that another mix leaves the bodies as
/// they are.
const BODY_STREAM: u64 = 0x5bd1_e995_1b87_3593;
/// The draws that put an earlier request into another order.
const ORDER_STREAM: u64 = 0x94d0_49bb_1331_11eb;

/// How requests are made.
///
/// Invariant: every size is at most the number of keys.
#[derive(Debug)]
pub(crate) struct Workload {
    /// What instruments are drawn from; empty where nothing asks for plans.
    pub(crate) keys: Keys,
    /// Instruments of a plan, drawn evenly; never empty.
    pub(crate) sizes: Vec<usize>,
    /// Distinct users that the requests are spread over; at least one.
    pub(crate) users: u32,
    /// What the whole sequence follows from.
    pub(crate) seed: u64,
    /// Weights of the kinds.
    pub(crate) mix: Mix,
    /// Distinct requests that are repeated where the mix has nothing new; at least one.
    pub(crate) pool: u64,
}

/// A request for a plan but for its instruments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    /// What tells distinct requests apart: the index of the first one with this user and these instruments, or the place
    /// in the pool where the mix has nothing new.
    pub(crate) origin: u64,
    /// Number of the user.
    pub(crate) user: u32,
}

impl Workload {
    /// The kind of request `index`. The first of a mix with something new is new, so that there is one to repeat.
    pub(crate) fn kind(&self, index: u64) -> Kind {
        let weights = self.mix.weights();
        if index == 0 && self.has_new() {
            return Kind::New;
        }
        let mut left = Rng::with_seed(mix(self.seed, index)).u32(..self.mix.total());
        for kind in Kind::ALL {
            match left.checked_sub(weights[kind as usize]) {
                Some(rest) => left = rest,
                None => return kind,
            }
        }
        unreachable!("the draw is below the sum of the weights")
    }

    /// Whether plans never asked for before are in the mix.
    pub(crate) fn has_new(&self) -> bool {
        self.mix.weights()[Kind::New as usize] > 0
    }

    /// The plan request that `index`, of a kind that asks for a plan, is about.
    pub(crate) fn ask(&self, index: u64) -> Ask {
        self.ask_of(self.origin(index))
    }

    /// The plan request with this origin.
    pub(crate) fn ask_of(&self, origin: u64) -> Ask {
        let user = Rng::with_seed(mix(self.seed ^ BODY_STREAM, origin)).u32(..self.users);
        Ask { origin, user }
    }

    /// The id of a user.
    pub(crate) fn user_id(&self, user: u32) -> String {
        format!("load-{}-{user}", self.seed)
    }

    /// Draws the instruments that the request with this origin asks for.
    pub(crate) fn instruments(&self, origin: u64, marks: &mut Marks, drawn: &mut Vec<u32>) {
        let mut rng = Rng::with_seed(mix(self.seed ^ BODY_STREAM, origin));
        let _user = rng.u32(..self.users);
        let size = self.sizes[rng.usize(..self.sizes.len())];
        self.keys.draw(size, &mut rng, marks, drawn);
    }

    /// Puts instruments into the order in which request `index` asks for them.
    pub(crate) fn reorder(&self, index: u64, drawn: &mut [u32]) {
        Rng::with_seed(mix(self.seed ^ ORDER_STREAM, index)).shuffle(drawn);
    }

    /// Draws a number below `bound` for request `index`; for what is not part of a plan request.
    pub(crate) fn choice(&self, index: u64, bound: usize) -> usize {
        Rng::with_seed(mix(self.seed ^ !BODY_STREAM, index)).usize(..bound.max(1))
    }

    /// Follows repeats back to the new request that they repeat. Each repeats any earlier request with equal chance,
    /// repeats included, so that some bodies grow popular and most are asked for once or twice.
    fn origin(&self, mut index: u64) -> u64 {
        if !self.has_new() {
            return Rng::with_seed(mix(self.seed ^ ORDER_STREAM, index)).u64(..self.pool);
        }
        while self.kind(index) != Kind::New {
            // The first request is new, so this ends.
            index = Rng::with_seed(mix(self.seed ^ ORDER_STREAM, index)).u64(..index);
        }
        index
    }

    /// Writes the JSON body for `instruments` in their order.
    pub(crate) fn write_body(&self, ask: Ask, instruments: &[u32], out: &mut Vec<u8>) {
        let Ask { origin, .. } = ask;
        let start = format!(r#"{{"plan_name":"Load test {origin}","subscription_type":"live_feed","instruments":["#);
        out.extend_from_slice(start.as_bytes());
        self.keys.write_list(instruments, out);
        out.extend_from_slice(b"]}");
    }
}

/// Spreads neighbouring indices over all of 64 bits: the finaliser of `SplitMix64`,
/// <https://prng.di.unimi.it/splitmix64.c>.
pub(crate) fn mix(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
