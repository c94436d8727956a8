//! Decides which keys of a request are kept, by the requested strictness and the rules of a profile.

use std::cmp::Reverse;

use chrono::NaiveDate;

use crate::catalogue::{Availability, Catalogue, InstrumentId};
use crate::help::{Help, Helper};
use crate::profile::Rules;
use crate::rejection::{Reason, Rejection};
use crate::request::{PlanRequest, Resolved, ResolvedItem, check_key};
use crate::source::ProfileSource;
use crate::vocabulary::FilteringStrictness;

/// The keys that are kept, in canonical order, and the rejected ones with their positions in the request.
pub(crate) struct FilterResult {
    pub(crate) kept: Vec<ResolvedItem>,
    pub(crate) rejected: Vec<(u32, Rejection)>,
    /// Positions of kept keys that the catalog does not contain; only lenient keeps such keys.
    pub(crate) unknown: Vec<u32>,
}

pub(crate) fn filter(request: &PlanRequest, resolved: &Resolved, catalogue: &Catalogue) -> FilterResult {
    let mut kept = Vec::with_capacity(resolved.items.len());
    let mut rejected = Vec::new();
    let mut unknown = Vec::new();
    // The keys are explained in canonical order, so that only the request determines which of them are.
    let mut helper = Helper::new(catalogue, request.options.as_of);
    let strictness = request.strictness();
    for item in &resolved.items {
        let key = || resolved.keys.key(item.position as usize);
        let rejection = match item.id {
            None => reject_unlisted(key(), strictness, &mut helper),
            Some(id) if strictness == FilteringStrictness::Strict => {
                reject_unusable(key(), id, request.options.as_of, catalogue, &mut helper)
            }
            Some(_) => None,
        };
        let rejection = rejection.or_else(|| reject_unlisted_by_broker(request, key, item.id?, catalogue, &mut helper));
        match rejection {
            Some(rejection) => rejected.push((item.position, rejection)),
            None => {
                if item.id.is_none() {
                    unknown.push(item.position);
                }
                kept.push(*item);
            }
        }
    }
    if let Some(ProfileSource { rules, .. }) = request.source.profile()
        && !rules.is_empty()
    {
        let not_allowed = disallowed(request, resolved, rules, &kept, catalogue);
        let gets_in =
            |position: u32| not_allowed.binary_search_by_key(&position, |(disallowed, _)| *disallowed).is_err();
        kept.retain(|item| gets_in(item.position));
        unknown.retain(|position| gets_in(*position));
        rejected.extend(not_allowed);
    }
    for position in &resolved.repeats {
        let key = resolved.keys.key(*position as usize);
        rejected
            .push((*position, Rejection::new(key, Reason::Duplicate, "duplicate of an earlier key in this request")));
    }
    FilterResult { kept, rejected, unknown }
}

/// Rejects a key that the catalog does not contain, unless the strictness allows it.
fn reject_unlisted(key: &str, strictness: FilteringStrictness, helper: &mut Helper<'_>) -> Option<Rejection> {
    let reason = match check_key(key) {
        Err(_) => Reason::Malformed,
        Ok(()) if strictness == FilteringStrictness::Lenient => return None,
        Ok(()) => Reason::Unknown,
    };
    Some(rejection(key, reason, helper.unknown(key)))
}

/// Rejects a key that the catalog contains, if the strict filter does not allow it.
fn reject_unusable(
    key: &str,
    id: InstrumentId,
    as_of: NaiveDate,
    catalogue: &Catalogue,
    helper: &mut Helper<'_>,
) -> Option<Rejection> {
    let instrument = catalogue.get(id);
    if !instrument.is_active() {
        return Some(rejection(key, Reason::Inactive, helper.inactive(id)));
    }
    if instrument.is_expired_on(as_of) {
        return Some(rejection(key, Reason::Expired, helper.expired(id)?));
    }
    None
}

/// Rejects a key that the requested broker does not list. Lenient keeps such keys, too.
fn reject_unlisted_by_broker<'a>(
    request: &PlanRequest,
    key: impl Fn() -> &'a str,
    id: InstrumentId,
    catalogue: &Catalogue,
    helper: &mut Helper<'_>,
) -> Option<Rejection> {
    let broker = request.feed.broker?;
    if request.strictness() == FilteringStrictness::Lenient || catalogue.is_listed_by(broker, id) {
        return None;
    }
    Some(rejection(key(), Reason::NotAtBroker, helper.not_at_broker(id, broker)))
}

/// Returns the kept keys that the rules reject, in the caller's order. `max_per_underlying` allows the first ones:
/// streamable before dead, then by priority, then in the caller's order, whichever order is the canonical one.
fn disallowed(
    request: &PlanRequest,
    resolved: &Resolved,
    rules: &Rules,
    kept: &[ResolvedItem],
    catalogue: &Catalogue,
) -> Vec<(u32, Rejection)> {
    let mut items = kept.to_vec();
    items.sort_unstable_by_key(|item| item.position);
    let key = |item: &ResolvedItem| resolved.keys.key(item.position as usize);
    let (broker, as_of) = (request.feed.broker, request.options.as_of);
    if !resolved.options.is_empty() {
        items.sort_by_key(|item| {
            let options = resolved.options_of(item.position);
            Reverse((options.is_pinned, options.priority))
        });
    }
    items.sort_by_cached_key(|item| Reverse(Availability::of(item.id, catalogue, broker, as_of)));
    let judged = rules.judge(items.iter().map(key), catalogue, as_of);
    let reject = |(item, why): (&ResolvedItem, Option<String>)| {
        Some((item.position, Rejection::new(key(item), Reason::NotAllowed, why?)))
    };
    let mut disallowed: Vec<(u32, Rejection)> = items.iter().zip(judged).filter_map(reject).collect();
    disallowed.sort_unstable_by_key(|(position, _)| *position);
    disallowed
}

fn rejection(key: &str, reason: Reason, help: Help) -> Rejection {
    Rejection { suggestions: help.suggestions, ..Rejection::new(key, reason, help.detail) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Builder;
    use crate::testing::{basis, equity, future, index, of_profile, request, stamp};
    use crate::vocabulary::{Broker, Exchange};

    fn catalogue() -> Catalogue {
        let mut builder = Builder::new();
        builder.add(equity("NSE", "TCS", "INE467B01029"), true);
        builder.add(equity("NSE", "GONE", "INE000A01011"), false);
        builder.add(equity("BSE", "ONLYBSE", "INE000B01019"), true);
        builder.add(future("NIFTY", "NIFTY26AUGFUT", "2026-08-25"), true);
        builder.build("1".into(), vec![])
    }

    fn outcome(strictness: FilteringStrictness, keys: &[&str]) -> (Vec<String>, Vec<(String, Reason)>) {
        let mut request = request(keys);
        request.options.filtering_strictness = strictness;
        request.options.as_of = "2026-08-26".parse().unwrap();
        let catalogue = catalogue();
        let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);
        let filtered = filter(&request, &resolved, &catalogue);
        let kept = filtered.kept.iter().map(|item| resolved.keys.key(item.position as usize).to_owned()).collect();
        let rejected = filtered.rejected.into_iter().map(|(_, r)| (r.instrument, r.reason)).collect();
        (kept, rejected)
    }

    const ALL: [&str; 6] = ["NSE:TCS", "NSE:GONE", "NFO:NIFTY26AUGFUT", "NSE:NOPE", "bad", "NSE:TCS"];

    fn pairs(expected: &[(&str, Reason)]) -> Vec<(String, Reason)> {
        expected.iter().map(|(key, reason)| ((*key).to_owned(), *reason)).collect()
    }

    #[test]
    fn lenient_keeps_well_formed_keys() {
        let (kept, rejected) = outcome(FilteringStrictness::Lenient, &ALL);

        assert_eq!(kept, ["NFO:NIFTY26AUGFUT", "NSE:GONE", "NSE:NOPE", "NSE:TCS"]);
        assert_eq!(rejected, pairs(&[("bad", Reason::Malformed), ("NSE:TCS", Reason::Duplicate)]));
    }

    #[test]
    fn moderate_keeps_known_keys() {
        let (kept, rejected) = outcome(FilteringStrictness::Moderate, &ALL);

        assert_eq!(kept, ["NFO:NIFTY26AUGFUT", "NSE:GONE", "NSE:TCS"]);
        let expected =
            pairs(&[("bad", Reason::Malformed), ("NSE:NOPE", Reason::Unknown), ("NSE:TCS", Reason::Duplicate)]);
        assert_eq!(rejected, expected);
    }

    #[test]
    fn strict_keeps_active_unexpired_instruments() {
        let (kept, rejected) = outcome(FilteringStrictness::Strict, &ALL);

        assert_eq!(kept, ["NSE:TCS"]);
        assert!(rejected.contains(&("NSE:GONE".into(), Reason::Inactive)));
        assert!(rejected.contains(&("NFO:NIFTY26AUGFUT".into(), Reason::Expired)));
    }

    /// Returns the kept keys, then the rejected ones with the reason, then the kept ones that the catalog does not
    /// contain.
    fn ruled(rules: Rules, strictness: FilteringStrictness, keys: &[&str]) -> (Vec<String>, Vec<Rejection>, Vec<u32>) {
        let mut request = request(keys);
        request.options.filtering_strictness = strictness;
        request.options.as_of = "2026-08-01".parse().unwrap();
        let request = of_profile(request, "profile_1", 1, rules);
        let mut builder = Builder::new();
        builder.add(equity("NSE", "TCS", "INE467B01029"), true);
        builder.add(equity("NSE", "GONE", "INE000A01011"), false);
        builder.add(equity("BSE", "TCS", "INE467B01029"), true);
        for (symbol, expiry) in
            [("NIFTY26AUGFUT", "2026-08-25"), ("NIFTY26OCTFUT", "2026-10-27"), ("NIFTY26SEPFUT", "2026-09-29")]
        {
            builder.add(future("NIFTY", symbol, expiry), true);
        }
        let catalogue = builder.build("1".into(), vec![]);
        let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);
        assert!(resolved.is_order_free, "the canonical order must be another one than the caller's");
        let FilterResult { kept, rejected, unknown } = filter(&request, &resolved, &catalogue);
        let kept = kept.iter().map(|item| resolved.keys.key(item.position as usize).to_owned()).collect();
        (kept, rejected.into_iter().map(|(_, rejection)| rejection).collect(), unknown)
    }

    fn reasons(rejected: &[Rejection]) -> Vec<(String, Reason)> {
        rejected.iter().map(|rejection| (rejection.instrument.clone(), rejection.reason)).collect()
    }

    #[test]
    fn the_first_instruments_of_an_underlying_are_kept() {
        let rules = Rules { max_per_underlying: Some(2), ..Rules::default() };
        let keys = ["NFO:NIFTY26SEPFUT", "NFO:NIFTY26OCTFUT", "NSE:TCS", "NFO:NIFTY26AUGFUT"];

        let (kept, rejected, _) = ruled(rules, FilteringStrictness::Moderate, &keys);

        // In canonical order, August precedes.
        assert_eq!(kept, ["NFO:NIFTY26OCTFUT", "NFO:NIFTY26SEPFUT", "NSE:TCS"]);
        assert_eq!(reasons(&rejected), pairs(&[("NFO:NIFTY26AUGFUT", Reason::NotAllowed)]));
        assert_eq!(rejected[0].detail, "max_per_underlying allows at most 2 instruments of `NIFTY`");
    }

    #[test]
    fn an_expired_contract_does_not_count_for_its_underlying() {
        let mut builder = Builder::new();
        builder.add(future("NIFTY", "NIFTY26AUGFUT", "2026-08-25"), true);
        builder.add(future("NIFTY", "NIFTY26SEPFUT", "2026-09-29"), true);
        let catalogue = builder.build("1".into(), vec![]);
        let mut request = request(&["NFO:NIFTY26AUGFUT", "NFO:NIFTY26SEPFUT"]);
        request.options.as_of = "2026-08-26".parse().unwrap();
        request.feed.priorities = [("NFO:NIFTY26AUGFUT".to_owned(), 9)].into();
        let request = of_profile(request, "profile_1", 1, Rules { max_per_underlying: Some(1), ..Rules::default() });
        let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);

        let rejected = filter(&request, &resolved, &catalogue).rejected;

        let rejected: Vec<String> = rejected.into_iter().map(|(_, rejection)| rejection.instrument).collect();
        assert_eq!(rejected, ["NFO:NIFTY26AUGFUT"]);
    }

    #[test]
    fn rejected_and_repeated_keys_do_not_count_for_underlyings() {
        let rules = Rules { max_per_underlying: Some(1), ..Rules::default() };
        let keys = ["NSE:GONE", "NSE:GONE", "NSE:TCS", "NSE:TCS", "BSE:TCS"];

        let (kept, rejected, _) = ruled(rules, FilteringStrictness::Strict, &keys);

        assert_eq!(kept, ["NSE:TCS"]);
        let expected = pairs(&[
            ("NSE:GONE", Reason::Inactive),
            ("BSE:TCS", Reason::NotAllowed),
            ("NSE:GONE", Reason::Duplicate),
            ("NSE:TCS", Reason::Duplicate),
        ]);
        assert_eq!(reasons(&rejected), expected);
    }

    #[test]
    fn a_key_rejected_by_rules_is_not_listed_as_unknown() {
        let rules = Rules { allowed_exchanges: Some(vec![Exchange::Nse]), ..Rules::default() };

        let (kept, rejected, unknown) =
            ruled(rules, FilteringStrictness::Lenient, &["XX:NEW", "NSE:NEW", "BSE:TCS", "NSE:TCS"]);

        assert_eq!(kept, ["NSE:NEW", "NSE:TCS"]);
        assert_eq!(reasons(&rejected), pairs(&[("XX:NEW", Reason::NotAllowed), ("BSE:TCS", Reason::NotAllowed)]));
        assert_eq!(unknown, [1]);
    }

    #[test]
    fn empty_rules_reject_nothing() {
        let keys = ["NFO:NIFTY26AUGFUT", "NSE:GONE", "NSE:TCS"];

        let (kept, rejected, _) = ruled(Rules::default(), FilteringStrictness::Moderate, &keys);

        assert_eq!(kept, keys);
        assert!(rejected.is_empty());
    }

    #[test]
    fn unlisted_instruments_are_rejected_unless_lenient() {
        let mut builder = Builder::new();
        builder.add(equity("NSE", "TCS", "INE467B01029"), true);
        builder.add(equity("BSE", "TCS", "INE467B01029"), true);
        builder.add(index("NSE", "NIFTY 50", Some("NIFTY")), true);
        for key in ["NSE:TCS", "NSE:NIFTY 50"] {
            builder.add_token(Broker::Upstox, key.to_owned(), "1");
        }
        let catalogue = builder.build("1".into(), vec![]);
        let outcome = |broker, strictness| {
            let mut request = request(&["NSE:TCS", "BSE:TCS", "NSE:NIFTY", "NSE:NEW"]);
            request.options.filtering_strictness = strictness;
            request.feed.broker = Some(broker);
            let resolved = Resolved::new(&request, basis(&catalogue), &[0; 32]);
            let rejected = filter(&request, &resolved, &catalogue).rejected;
            let warnings =
                crate::create_plan(&request, &resolved, basis(&catalogue), stamp()).unwrap().metadata.warnings;
            (rejected.into_iter().map(|(_, r)| (r.instrument, r.reason)).collect::<Vec<_>>(), warnings)
        };

        let (moderate, _) = outcome(Broker::Upstox, FilteringStrictness::Moderate);
        let (lenient, lenient_warnings) = outcome(Broker::Upstox, FilteringStrictness::Lenient);
        let (not_known, not_known_warnings) = outcome(Broker::Dhan, FilteringStrictness::Moderate);

        assert_eq!(moderate, pairs(&[("BSE:TCS", Reason::NotAtBroker), ("NSE:NEW", Reason::Unknown)]));
        assert_eq!(lenient, []);
        assert_eq!(lenient_warnings[0], "upstox does not list 2 instruments of the plan: `BSE:TCS`, `NSE:NEW`");
        assert_eq!(not_known, pairs(&[("NSE:NEW", Reason::Unknown)]));
        assert_eq!(not_known_warnings, ["the catalog has no file of dhan: it is unknown which instruments dhan lists"]);
    }

    #[test]
    fn an_unlisted_instrument_suggests_listed_ones() {
        let mut builder = Builder::new();
        builder.add(equity("NSE", "TCS", "INE467B01029"), true);
        builder.add(equity("BSE", "TCS", "INE467B01029"), true);
        builder.add(equity("BSE", "ONLYBSE", "INE000B01019"), true);
        for (symbol, expiry) in
            [("NIFTY26AUGFUT", "2026-08-25"), ("NIFTY26SEPFUT", "2026-09-29"), ("NIFTY26OCTFUT", "2026-10-27")]
        {
            builder.add(future("NIFTY", symbol, expiry), true);
        }
        for key in ["NSE:TCS", "NFO:NIFTY26AUGFUT", "NFO:NIFTY26SEPFUT"] {
            builder.add_token(Broker::Upstox, key.to_owned(), key);
        }
        let catalogue = builder.build("1".into(), vec![]);
        let suggestions = |key: &str| {
            let id = catalogue.find(key).unwrap();
            let help = Helper::new(&catalogue, "2026-09-01".parse().unwrap()).not_at_broker(id, Broker::Upstox);
            (help.detail, help.suggestions)
        };

        let (detail, keys) = suggestions("BSE:TCS");
        assert_eq!(detail, "not listed in the last accepted file of upstox; it lists the same security as `NSE:TCS`");
        assert_eq!(keys, ["NSE:TCS"]);
        let (detail, keys) = suggestions("NFO:NIFTY26OCTFUT");
        assert_eq!(
            detail,
            "not listed in the last accepted file of upstox; the nearest contract that it lists is `NFO:NIFTY26SEPFUT`"
        );
        assert_eq!(keys, ["NFO:NIFTY26SEPFUT"], "one that has expired is no alternative");
        assert_eq!(suggestions("BSE:ONLYBSE").1, [""; 0]);
    }

    #[test]
    fn an_unknown_key_suggests_the_exchange_of_its_symbol() {
        let catalogue = catalogue();
        let mut helper = Helper::new(&catalogue, "2026-08-26".parse().unwrap());
        let rejection = reject_unlisted("NSE:ONLYBSE", FilteringStrictness::Moderate, &mut helper).unwrap();

        assert_eq!(rejection.suggestions, ["BSE:ONLYBSE"]);
        assert_eq!(rejection.detail, "`ONLYBSE` is listed only on BSE");
    }

    #[test]
    fn a_lowercase_key_is_malformed_with_a_suggestion() {
        let catalogue = catalogue();
        let mut helper = Helper::new(&catalogue, "2026-08-26".parse().unwrap());
        let rejection = reject_unlisted("nse:tcs", FilteringStrictness::Lenient, &mut helper).unwrap();

        assert_eq!(rejection.reason, Reason::Malformed);
        assert_eq!(rejection.suggestions, ["NSE:TCS"]);
    }
}
