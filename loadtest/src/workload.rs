//! The sequence of requests, which depends only on the seed.
//!
//! The request `index` is a pure function of the seed. Therefore a run can be repeated with another number of
//! connections, and a repeat does not need the body of the repeated request in memory. Only the choice of the
//! acknowledged plan that is read or described depends on the responses.

use fastrand::Rng;

use crate::keys::{Keys, Marks};
use crate::kind::RequestKind;
use crate::scenario::Scenario;

/// Separates the draws of bodies from those of repeats, so that another mix does not change the bodies.
const BODY_STREAM: u64 = 0x5bd1_e995_1b87_3593;
/// The draws that change the order of an earlier request.
const ORDER_STREAM: u64 = 0x94d0_49bb_1331_11eb;

/// The parameters of the sequence.
///
/// Invariant: every size is at most the number of keys.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    /// The keys that instruments are drawn from. Empty if no request contains instruments.
    pub(crate) keys: Keys,
    pub(crate) scenario: Scenario,
    /// The broker of the plans, without characters that JSON escapes.
    pub(crate) broker: Option<String>,
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlanRequest {
    /// Identifies a distinct request: the index of the first request with this user and these instruments, or the
    /// position in the pool if the mix has no new requests.
    pub(crate) origin: u64,
    pub(crate) user: u32,
}

impl Workload {
    /// Returns the kind of request `index`. If the mix has new requests, the first one is new, so that it can be
    /// repeated.
    pub(crate) fn kind(&self, index: u64) -> RequestKind {
        if index == 0 && self.has_new() {
            return RequestKind::New;
        }
        let mut left = Rng::with_seed(mix(self.seed, index)).u32(..self.scenario.mix.total());
        for (&kind, &weight) in &self.scenario.mix.0 {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return kind,
            }
        }
        unreachable!("the draw is below the sum of the weights")
    }

    pub(crate) fn has_new(&self) -> bool {
        self.scenario.mix.has(&[RequestKind::New])
    }

    /// Returns the plan request `index`, which must be of a kind that requests a plan.
    pub(crate) fn plan_request(&self, index: u64) -> PlanRequest {
        self.plan_request_of(self.origin(index))
    }

    /// Returns the plan request with this origin.
    pub(crate) fn plan_request_of(&self, origin: u64) -> PlanRequest {
        let user = Rng::with_seed(mix(self.seed ^ BODY_STREAM, origin)).u32(..self.scenario.users);
        PlanRequest { origin, user }
    }

    pub(crate) fn user_id(&self, user: u32) -> String {
        format!("load-{}-{user}", self.seed)
    }

    /// Draws the instruments of the request with this origin.
    pub(crate) fn instruments(&self, origin: u64, marks: &mut Marks, drawn: &mut Vec<u32>) {
        let mut rng = Rng::with_seed(mix(self.seed ^ BODY_STREAM, origin));
        let _user = rng.u32(..self.scenario.users);
        let size = self.scenario.sizes[rng.usize(..self.scenario.sizes.len())];
        self.keys.draw(size, &mut rng, marks, drawn);
    }

    /// Sorts instruments into the order of request `index`.
    pub(crate) fn reorder(&self, index: u64, drawn: &mut [u32]) {
        Rng::with_seed(mix(self.seed ^ ORDER_STREAM, index)).shuffle(drawn);
    }

    /// Draws a number below `bound` for request `index`, for other purposes than plan requests.
    pub(crate) fn choice(&self, index: u64, bound: usize) -> usize {
        Rng::with_seed(mix(self.seed ^ !BODY_STREAM, index)).usize(..bound.max(1))
    }

    /// Follows repeats back to the new request that they repeat. Each repeats any earlier request with equal
    /// probability, including repeats, so that some bodies become popular and most are sent once or twice.
    fn origin(&self, mut index: u64) -> u64 {
        if !self.has_new() {
            return Rng::with_seed(mix(self.seed ^ ORDER_STREAM, index)).u64(..self.scenario.pool);
        }
        while self.kind(index) != RequestKind::New {
            // The first request is new, so this ends.
            index = Rng::with_seed(mix(self.seed ^ ORDER_STREAM, index)).u64(..index);
        }
        index
    }

    /// Writes the JSON body for `instruments` in their order.
    pub(crate) fn write_body(&self, request: PlanRequest, instruments: &[u32], out: &mut Vec<u8>) {
        let PlanRequest { origin, .. } = request;
        let start = format!(r#"{{"plan_name":"Load test {origin}","subscription_type":"live_feed","#);
        out.extend_from_slice(start.as_bytes());
        if let Some(broker) = &self.broker {
            out.extend_from_slice(format!(r#""broker":"{broker}","#).as_bytes());
        }
        out.extend_from_slice(br#""instruments":["#);
        self.keys.write_list(instruments, out);
        out.extend_from_slice(b"]}");
    }
}

/// Distributes adjacent indices over 64 bits: the finalizer of `SplitMix64`,
/// <https://prng.di.unimi.it/splitmix64.c>.
pub(crate) fn mix(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
