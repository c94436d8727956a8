//! A plan request, its canonical form and its cache key.

mod cache_key;
mod calendar;
mod document;
mod repeat;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;

use self::cache_key::cache_key;
pub use self::document::RequestDocument;
use crate::accounts::smallest_limit;
use crate::basis::Basis;
use crate::catalogue::{Catalogue, InstrumentId};
use crate::feed::StreamOptions;
use crate::instrument::{Amount, compare_keys, split_key};
use crate::keys::KeyList;
use crate::source::{ItemOptions, ProfileSource, Source, SourceKeys};
use crate::vocabulary::{CacheKey, FilteringStrictness, Mode, OptimizationLevel, SubscriptionType, counted, named};

/// The options of a request with every default filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The optimization level.
    pub optimization_level: OptimizationLevel,
    /// The condition that a key must meet to be kept.
    pub filtering_strictness: FilteringStrictness,
    /// The maximum number of instruments in the plan; at least 1.
    pub max_instruments: u32,
    /// The price of one instrument of the plan, in USD.
    pub cost_per_instrument: Amount,
    /// The trading date for which the plan is created.
    pub as_of: NaiveDate,
}

/// A validated request for a plan, before it is resolved against a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRequest {
    /// The user that the plan belongs to.
    pub user_id: String,
    /// The caller's name for the plan. It does not affect the cache key.
    pub plan_name: String,
    /// The caller's description, if it sent one. It does not affect the cache key.
    pub description: Option<String>,
    /// The use of the instruments, which determines the default mode.
    pub subscription_type: SubscriptionType,
    /// The source of the instruments: keys, selectors, entries or a profile.
    pub source: Source,
    /// The options with defaults filled in.
    pub options: Options,
    /// The stream options: broker, modes, priorities, accounts and placement.
    pub feed: StreamOptions,
    /// Warnings about the request, which the plan repeats.
    pub warnings: Vec<String>,
}

impl PlanRequest {
    /// The condition that a key must meet to be kept.
    pub(crate) fn strictness(&self) -> FilteringStrictness {
        match self.source.profile() {
            Some(ProfileSource { is_strict: true, .. }) => FilteringStrictness::Strict,
            _ => self.options.filtering_strictness,
        }
    }
}

/// One distinct key of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResolvedItem {
    /// The position of its first occurrence in the request, counted from 0.
    pub(crate) position: u32,
    /// The instrument; `None` if the catalog does not contain it.
    pub(crate) id: Option<InstrumentId>,
}

/// A request resolved against one catalog: its keys, the distinct ones in canonical order, its repeats, its cache key.
///
/// The canonical order is exchange, then symbol, if order cannot change the plan: the level is not `low`, and all
/// distinct keys fit under the maximum. Otherwise it is the caller's. The rules of a profile may depend on the order;
/// it belongs to the version of the profile, which is in the cache key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// All keys of the request, with repeats.
    pub(crate) keys: Arc<KeyList>,
    pub(crate) items: Vec<ResolvedItem>,
    /// The options of each key, by its position; empty if no key has options of its own.
    pub(crate) options: Vec<ItemOptions>,
    /// Positions of keys that repeat an earlier one, in the order of the request.
    pub(crate) repeats: Vec<u32>,
    pub(crate) is_order_free: bool,
    /// Warnings about the request and its source.
    pub(crate) warnings: Vec<String>,
    cache_key: CacheKey,
}

impl Resolved {
    /// Resolves a request. `snapshot_hash` is the hash of the content of settings, catalog and broker models.
    pub fn new(request: &PlanRequest, basis: Basis<'_>, snapshot_hash: &[u8; 32]) -> Self {
        let catalogue = basis.catalogue;
        let options = &request.options;
        let SourceKeys { keys, options: of_keys, warnings: of_source, .. } =
            request.source.resolve(catalogue, options.as_of);
        let (mut items, repeats) = distinct_items(&keys, catalogue);
        let mut options_of = if of_keys.is_empty() { request.feed.options_of(&keys) } else { of_keys };
        let conflicting = merge_repeats(request, basis, &keys, &items, &repeats, &mut options_of);
        let is_order_free = options.optimization_level != OptimizationLevel::Low
            && items.len() <= options.max_instruments as usize
            && fits_in_any_order(request, basis, &options_of, items.len());
        if is_order_free {
            sort_items(&mut items, &keys, catalogue);
        }
        let mut warnings = request.warnings.clone();
        warnings.extend(of_source);
        warnings.extend(conflicting);
        let none = CacheKey([0; 32]);
        let mut resolved =
            Resolved { keys, items, options: options_of, repeats, is_order_free, warnings, cache_key: none };
        resolved.cache_key = cache_key(request, &resolved, basis, snapshot_hash);
        resolved
    }

    pub(crate) fn options_of(&self, position: u32) -> ItemOptions {
        self.options.get(position as usize).copied().unwrap_or_default()
    }

    /// Returns the number of keys of the request, with repeats.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// Returns the key under which the plan is cached.
    pub fn cache_key(&self) -> CacheKey {
        self.cache_key
    }
}

/// Splits a request into distinct keys and repeats, both in the caller's order.
fn distinct_items(keys: &KeyList, catalogue: &Catalogue) -> (Vec<ResolvedItem>, Vec<u32>) {
    let mut seen = IdSet::with_capacity(keys.len());
    // Keys that the catalog lacks come from the caller alone: the default hasher keeps them from colliding.
    let mut seen_unknown: HashSet<&str> = HashSet::new();
    let mut items = Vec::with_capacity(keys.len());
    let mut repeats = Vec::new();
    for ((position, key), id) in (0u32..).zip(keys.iter()).zip(catalogue.find_all(keys)) {
        let is_new = match id {
            Some(id) => seen.insert(id),
            None => seen_unknown.insert(key),
        };
        if is_new {
            items.push(ResolvedItem { position, id });
        } else {
            repeats.push(position);
        }
    }
    (items, repeats)
}

/// Merges the options of repeated keys into those of the first occurrence: the highest mode, minimum and priority
/// count, and the key is pinned if one occurrence is. Returns a warning if their modes differ.
fn merge_repeats(
    request: &PlanRequest,
    basis: Basis<'_>,
    keys: &KeyList,
    items: &[ResolvedItem],
    repeats: &[u32],
    options: &mut [ItemOptions],
) -> Option<String> {
    if options.is_empty() || repeats.is_empty() {
        return None;
    }
    let usual = request.feed.mode_of_others(request.subscription_type, basis.brokers);
    let first: HashMap<&str, u32> =
        items.iter().map(|item| (keys.key(item.position as usize), item.position)).collect();
    let (mut conflicting, mut named_before) = (Vec::new(), HashSet::new());
    for repeat in repeats {
        let key = keys.key(*repeat as usize);
        let Some(first) = first.get(key) else { continue };
        let (repeated, of) = (options[*repeat as usize], &mut options[*first as usize]);
        if repeated.mode.or(usual) != of.mode.or(usual) && named_before.insert(key) {
            conflicting.push(format!("`{key}`"));
        }
        of.merge(repeated, usual);
    }
    (!conflicting.is_empty()).then(|| {
        let count = counted(conflicting.len(), "instrument");
        format!("{count} repeated with another mode; the higher mode counts: {}", named(conflicting.iter()))
    })
}

/// Whether no limit of the broker can bind for that number of instruments, so that their order cannot change the plan.
fn fits_in_any_order(request: &PlanRequest, basis: Basis<'_>, options: &[ItemOptions], count: usize) -> bool {
    let Some(broker) = request.feed.broker else { return true };
    let Some(usual) = request.feed.mode_of_others(request.subscription_type, basis.brokers) else { return true };
    let mut modes: Vec<Mode> = options.iter().filter_map(|options| options.mode).collect();
    modes.push(usual);
    modes.sort_unstable();
    modes.dedup();
    count <= smallest_limit(&request.feed, broker, &modes, basis.brokers) as usize
}

/// Sorts by exchange, then symbol. Ids are numbered in that order, so that only the keys without one are compared
/// as text.
fn sort_items(items: &mut Vec<ResolvedItem>, keys: &KeyList, catalogue: &Catalogue) {
    let text = |item: &ResolvedItem| keys.key(item.position as usize);
    let mut unknown: Vec<ResolvedItem> = items.extract_if(.., |item| item.id.is_none()).collect();
    items.sort_unstable_by_key(|item| item.id.map_or(0, InstrumentId::as_u32));
    if unknown.is_empty() {
        return;
    }
    unknown.sort_unstable_by(|a, b| compare_keys(text(a), text(b)));
    let known = std::mem::take(items);
    let mut known = known.as_slice();
    for item in unknown {
        let is_before =
            |other: &ResolvedItem| other.id.is_some_and(|id| compare_keys(catalogue.key(id), text(&item)).is_lt());
        let (before, after) = known.split_at(known.partition_point(is_before));
        items.extend_from_slice(before);
        items.push(item);
        known = after;
    }
    items.extend_from_slice(known);
}

pub(crate) fn check_key(key: &str) -> Result<(), crate::instrument::MalformedKey> {
    split_key(key).map(|_| ())
}

/// A set of ids that is as small as the request, so that it stays in the nearest cache.
struct IdSet {
    slots: Vec<u32>,
}

impl IdSet {
    fn with_capacity(count: usize) -> Self {
        IdSet { slots: vec![0; (count * 2).next_power_of_two().max(2)] }
    }

    /// Inserts an id. Returns whether it was new.
    fn insert(&mut self, id: InstrumentId) -> bool {
        let mask = self.slots.len() - 1;
        // Fibonacci hashing: neighboring ids, such as those of an option chain, are distributed over the slots.
        let mut position = (id.as_u32().wrapping_mul(0x9e37_79b9) >> 8) as usize & mask;
        loop {
            match self.slots[position] {
                0 => {
                    self.slots[position] = id.as_u32() + 1;
                    return true;
                }
                taken if taken == id.as_u32() + 1 => return false,
                _ => position = (position + 1) & mask,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Rules;
    use crate::testing::{basis, demo_catalogue, of_profile, request};
    use crate::vocabulary::Broker;

    const SNAPSHOT: [u8; 32] = [7; 32];

    fn key_of(request: &PlanRequest) -> CacheKey {
        Resolved::new(request, basis(&demo_catalogue()), &SNAPSHOT).cache_key()
    }

    #[test]
    fn order_does_not_count_if_it_cannot_change_the_plan() {
        let forwards = request(&["NSE:TCS", "NSE:INFY", "XX:NEW", "BSE:TCS"]);
        let backwards = request(&["BSE:TCS", "XX:NEW", "NSE:INFY", "NSE:TCS"]);

        assert_eq!(key_of(&forwards), key_of(&backwards));
    }

    #[test]
    fn order_counts_at_level_low_and_over_the_maximum() {
        let change: [fn(&mut PlanRequest); 2] = [
            |request| request.options.optimization_level = OptimizationLevel::Low,
            |request| request.options.max_instruments = 1,
        ];
        for change in change {
            let (mut forwards, mut backwards) = (request(&["NSE:TCS", "NSE:INFY"]), request(&["NSE:INFY", "NSE:TCS"]));
            change(&mut forwards);
            change(&mut backwards);

            assert_ne!(key_of(&forwards), key_of(&backwards));
        }
    }

    #[test]
    fn repeats_name_and_description_are_not_in_the_cache_key() {
        let mut other = request(&["NSE:TCS", "NSE:TCS", "NSE:INFY"]);
        other.plan_name = "other".into();
        other.description = Some("other".into());

        assert_eq!(key_of(&other), key_of(&request(&["NSE:TCS", "NSE:INFY"])));
    }

    #[test]
    fn everything_else_changes_the_cache_key() {
        let changes: [fn(&mut PlanRequest); 8] = [
            |r| r.user_id.push('x'),
            |r| r.subscription_type = SubscriptionType::Alerts,
            |r| r.options.optimization_level = OptimizationLevel::Aggressive,
            |r| r.options.filtering_strictness = FilteringStrictness::Strict,
            |r| r.options.max_instruments -= 1,
            |r| r.options.cost_per_instrument = Amount::from_ten_thousandths(501),
            |r| r.options.as_of = r.options.as_of.succ_opt().unwrap(),
            |r| r.source = ["NSE:TCS", "NSE:INFY", "NSE:HDFCBANK"].iter().collect(),
        ];
        let base = request(&["NSE:TCS", "NSE:INFY"]);
        for change in changes {
            let mut other = base.clone();
            change(&mut other);
            assert_ne!(key_of(&other), key_of(&base), "{other:?}");
        }
        let other_snapshot = Resolved::new(&base, basis(&demo_catalogue()), &[8; 32]).cache_key();
        assert_ne!(other_snapshot, key_of(&base));
    }

    /// Different releases share plans by the cache key. Another program computed the values from the fields.
    #[test]
    fn the_cache_key_without_a_profile_is_stable() {
        let key = key_of(&request(&["NSE:TCS", "NSE:INFY"])).to_string();

        assert_eq!(key, "1860bc9fcde5a17c6a2f9d9987d28862bb2117d00c9c1b99e8c000775a59a5be");
    }

    #[test]
    fn the_cache_key_with_a_profile_is_stable() {
        let key = key_of(&of_profile(request(&["NSE:TCS", "NSE:INFY"]), "profile_1", 1, Rules::default())).to_string();

        assert_eq!(key, "16e80d0cd01dd70f07dd07945aa96449cdf1593d629fe44b7b564fe50464bfd6");
    }

    #[test]
    fn profile_and_version_change_the_cache_key_rules_do_not() {
        let of = |profile_id, version, rules| {
            key_of(&of_profile(request(&["NSE:TCS", "NSE:INFY"]), profile_id, version, rules))
        };
        let base = of("profile_1", 1, Rules::default());

        let others = [
            key_of(&request(&["NSE:TCS", "NSE:INFY"])),
            of("profile_2", 1, Rules::default()),
            of("profile_1", 2, Rules::default()),
            of("profile_", 11, Rules::default()),
        ];
        assert!(!others.contains(&base), "{others:?}");
        assert_eq!(of("profile_1", 1, Rules { max_per_underlying: Some(1), ..Rules::default() }), base);
    }

    #[test]
    fn stream_options_change_the_cache_key() {
        let base = key_of(&request(&["NSE:TCS", "NSE:INFY"]));
        let feeds = [
            StreamOptions { broker: Some(Broker::Kite), ..StreamOptions::default() },
            StreamOptions { broker: Some(Broker::Upstox), ..StreamOptions::default() },
            StreamOptions { mode: Some(Mode::Full), ..StreamOptions::default() },
            StreamOptions { modes: [("NSE:TCS".to_owned(), Mode::Full)].into(), ..StreamOptions::default() },
            StreamOptions { modes: [("NSE:INFY".to_owned(), Mode::Full)].into(), ..StreamOptions::default() },
            StreamOptions { priorities: [("NSE:TCS".to_owned(), 1)].into(), ..StreamOptions::default() },
        ];

        let keys: HashSet<[u8; 32]> = feeds
            .into_iter()
            .map(|feed| key_of(&PlanRequest { feed, ..request(&["NSE:TCS", "NSE:INFY"]) }).0)
            .collect();

        assert_eq!(keys.len(), 6);
        assert!(!keys.contains(&base.0));
        let warned = PlanRequest { warnings: vec!["told".to_owned()], ..request(&["NSE:TCS", "NSE:INFY"]) };
        assert_ne!(key_of(&warned), base);
    }

    #[test]
    fn unknown_keys_are_sorted_among_known_keys() {
        let keys = ["NSE:TCS", "ZZ:A", "NSE:INFYX", "NSE:INFY", "BSE:TCS", "AA:Z", "NSE:INFX", "NSE:TCS2", "NFO:NEW"];
        let request = request(&keys);
        let resolved = Resolved::new(&request, basis(&demo_catalogue()), &SNAPSHOT);

        let order: Vec<&str> = resolved.items.iter().map(|item| resolved.keys.key(item.position as usize)).collect();
        let mut expected = keys;
        expected.sort_by(|a, b| compare_keys(a, b));
        assert_eq!(order, expected);
    }

    #[test]
    fn repeats_of_unknown_keys_are_found_too() {
        let resolved =
            Resolved::new(&request(&["XX:A", "NSE:TCS", "XX:A", "NSE:TCS"]), basis(&demo_catalogue()), &SNAPSHOT);

        assert_eq!(resolved.repeats, [2, 3]);
        assert_eq!(resolved.items.len(), 2);
    }
}
