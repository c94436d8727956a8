//! What is asked for: a sequence of requests that depends on the seed alone.
//!
//! Request `index` is a pure function of the seed, so that a run can be repeated whatever the number of
//! connections, and a repeat needs no memory of the body it repeats.

use std::collections::HashSet;

use fastrand::Rng;
use serde::Serialize;

/// Large equities on NSE, one key a line.
const BUILT_IN_KEYS: &str = include_str!("workload/nse.txt");

/// The longest key that the contract allows, in characters.
const KEY_LENGTH_MAX: usize = 100;

/// Separates the draws that make a body from those that choose what to repeat, so that a change of the
/// repeat share leaves the bodies as they are.
const BODY_STREAM: u64 = 0x5bd1_e995_1b87_3593;

/// Why a list of keys cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeysError {
    /// Nothing to draw from.
    #[error("the list holds no key")]
    Empty,
    /// The registry would refuse the key.
    #[error("line {line} has {got} characters and exceeds the maximum of {KEY_LENGTH_MAX} for a key")]
    TooLong {
        /// Line number from 1.
        line: usize,
        /// Characters in the line.
        got: usize,
    },
}

/// Distinct instrument keys to draw from, in the order of their first appearance; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys(Vec<String>);

impl Keys {
    /// The large Indian equities that every catalogue has.
    pub(crate) fn built_in() -> Self {
        Self::parse(BUILT_IN_KEYS).expect("the built-in list is checked by a test")
    }

    /// Reads one key a line. Surrounding space, empty lines and repeats are dropped.
    ///
    /// # Errors
    ///
    /// [`KeysError`] when no key is left, or at the first that is too long.
    pub(crate) fn parse(text: &str) -> Result<Self, KeysError> {
        let mut seen = HashSet::new();
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let key = line.trim();
            let got = key.chars().count();
            if got > KEY_LENGTH_MAX {
                return Err(KeysError::TooLong { line: index + 1, got });
            }
            if got > 0 && seen.insert(key) {
                keys.push(key.to_owned());
            }
        }
        if keys.is_empty() { Err(KeysError::Empty) } else { Ok(Keys(keys)) }
    }

    /// Keys in the list.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Draws `count` distinct keys in random order (Floyd's method: the cost depends on `count` alone).
    fn draw(&self, count: usize, rng: &mut Rng) -> Vec<&str> {
        let mut chosen = HashSet::with_capacity(count);
        let mut drawn = Vec::with_capacity(count);
        for last in self.0.len() - count..self.0.len() {
            let candidate = rng.usize(..=last);
            let index = if chosen.insert(candidate) { candidate } else { last };
            chosen.insert(index);
            drawn.push(self.0[index].as_str());
        }
        rng.shuffle(&mut drawn);
        drawn
    }
}

/// How requests are made.
///
/// Invariant: `instruments` is at most the number of keys.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    /// What instruments are drawn from.
    pub(crate) keys: Keys,
    /// Instruments in each request.
    pub(crate) instruments: usize,
    /// Distinct users that the requests are spread over; at least one.
    pub(crate) users: u32,
    /// Share of requests, 0–1, that repeat an earlier one.
    pub(crate) repeat_share: f64,
    /// What the whole sequence follows from.
    pub(crate) seed: u64,
}

/// One request for a plan.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PlanRequest<'a> {
    /// The index of the first request with this user and body; the request's own unless it is a repeat.
    pub(crate) origin: u64,
    /// Whom the plan is for.
    pub(crate) user_id: String,
    /// The keys asked for, all distinct.
    pub(crate) instruments: Vec<&'a str>,
    /// The JSON that is sent.
    pub(crate) body: Vec<u8>,
}

#[derive(Serialize)]
struct Body<'a> {
    plan_name: String,
    subscription_type: &'static str,
    instruments: &'a [&'a str],
}

impl Workload {
    /// The request at `index`. A repeat has the same user and, byte for byte, the same body as its origin.
    pub(crate) fn request(&self, index: u64) -> PlanRequest<'_> {
        debug_assert!(self.instruments <= self.keys.len(), "checked with the arguments");
        let origin = self.origin(index);
        let mut rng = Rng::with_seed(mix(self.seed ^ BODY_STREAM, origin));
        let user_id = format!("load-{}-{}", self.seed, rng.u32(..self.users));
        let instruments = self.keys.draw(self.instruments, &mut rng);
        let body = Body {
            plan_name: format!("Load test {origin}"),
            subscription_type: "live_feed",
            instruments: &instruments,
        };
        let body = serde_json::to_vec(&body).expect("strings always serialise");
        PlanRequest { origin, user_id, instruments, body }
    }

    /// Follows repeats back to the request that they repeat. Each repeats any earlier request with equal
    /// chance, repeats included, so that some bodies grow popular and most are asked for once or twice.
    fn origin(&self, mut index: u64) -> u64 {
        while index > 0 {
            let mut rng = Rng::with_seed(mix(self.seed, index));
            if rng.f64() >= self.repeat_share {
                break;
            }
            index = rng.u64(..index);
        }
        index
    }
}

/// Spreads neighbouring indices over all of 64 bits: the finaliser of `SplitMix64`,
/// <https://prng.di.unimi.it/splitmix64.c>.
fn mix(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(repeat_share: f64) -> Workload {
        Workload { keys: Keys::built_in(), instruments: 20, users: 10, repeat_share, seed: 1 }
    }

    #[test]
    fn the_built_in_list_holds_distinct_well_formed_keys() {
        let keys = Keys::built_in();

        assert_eq!(keys.len(), BUILT_IN_KEYS.lines().count());
        assert!(keys.len() >= 50);
        assert!(keys.0.iter().all(|key| key.strip_prefix("NSE:").is_some_and(|symbol| !symbol.is_empty())));
    }

    #[test]
    fn a_list_drops_space_empty_lines_and_repeats() {
        let keys = Keys::parse(" NSE:TCS\r\n\nNSE:INFY\nNSE:TCS \n");

        assert_eq!(keys, Ok(Keys(vec!["NSE:TCS".into(), "NSE:INFY".into()])));
    }

    #[test]
    fn an_empty_list_and_a_long_key_are_refused() {
        let long = format!("NSE:TCS\nNSE:{}", "X".repeat(97));

        assert_eq!(Keys::parse(" \n\n"), Err(KeysError::Empty));
        assert_eq!(Keys::parse(&long), Err(KeysError::TooLong { line: 2, got: 101 }));
    }

    #[test]
    fn a_draw_holds_distinct_keys_up_to_the_whole_list() {
        let keys = Keys::built_in();

        for count in [1, 7, keys.len()] {
            let drawn = keys.draw(count, &mut Rng::with_seed(3));

            assert_eq!(drawn.len(), count);
            assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), count);
        }
    }

    #[test]
    fn a_draw_takes_every_key_about_equally_often() {
        let keys = Keys::parse("NSE:A\nNSE:B\nNSE:C\nNSE:D\nNSE:E").expect("five keys");
        let mut rng = Rng::with_seed(1);

        let drawn: Vec<_> = (0..5_000).flat_map(|_| keys.draw(2, &mut rng)).collect();

        for key in &keys.0 {
            let share = drawn.iter().filter(|&other| other == key).count() as f64 / drawn.len() as f64;
            assert!((0.18..0.22).contains(&share), "{key} has a share of {share}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_requests_and_another_seed_gives_others() {
        let one = workload(0.5);
        let two = Workload { seed: 2, ..workload(0.5) };

        assert_eq!(one.request(41), workload(0.5).request(41));
        assert_ne!(one.request(41).body, two.request(41).body);
        assert_ne!(one.request(0).instruments, one.request(1).instruments);
    }

    #[test]
    fn a_repeat_is_byte_for_byte_the_earlier_request() {
        let workload = workload(0.5);
        let repeat = (0..100).map(|index| (index, workload.request(index))).find(|(index, it)| it.origin != *index);

        let (index, repeat) = repeat.expect("half of a hundred requests repeat");

        assert!(repeat.origin < index);
        assert_eq!(repeat, workload.request(repeat.origin));
    }

    #[test]
    fn the_share_of_repeats_is_the_one_asked_for() {
        for (share, low, high) in [(0.0, 0, 0), (0.3, 2_800, 3_200), (1.0, 9_999, 9_999)] {
            let workload = workload(share);

            let repeats = (0..10_000).filter(|&index| workload.origin(index) != index).count();

            assert!((low..=high).contains(&repeats), "{share} gave {repeats}");
        }
    }
}
