//! Decides which keys of a request are kept, by the strictness asked for.

use chrono::NaiveDate;

use crate::catalogue::{Catalogue, InstrumentId};
use crate::help::{Help, Helper};
use crate::plan::{Reason, Rejection};
use crate::request::{FilteringStrictness, Item, PlanRequest, Resolved, check_key};

/// What the filter leaves, in canonical order, and what it took out, each with its position in the request.
pub(crate) struct Filtered {
    pub(crate) kept: Vec<Item>,
    pub(crate) rejected: Vec<(u32, Rejection)>,
    /// Positions of kept keys that the catalogue lacks; only lenient keeps such.
    pub(crate) unknown: Vec<u32>,
}

pub(crate) fn filter(request: &PlanRequest, resolved: &Resolved, catalogue: &Catalogue) -> Filtered {
    let mut kept = Vec::with_capacity(resolved.items.len());
    let mut rejected = Vec::new();
    let mut unknown = Vec::new();
    // In canonical order, so that it depends on nothing but the request which keys are gone into.
    let mut helper = Helper::new(catalogue, request.options.as_of);
    for item in &resolved.items {
        let key = || request.instruments.key(item.position as usize);
        let rejection = match item.id {
            None => reject_unlisted(key(), request.options.filtering_strictness, &mut helper),
            Some(id) if request.options.filtering_strictness == FilteringStrictness::Strict => {
                reject_unusable(key(), id, request.options.as_of, catalogue, &mut helper)
            }
            Some(_) => None,
        };
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
    for position in &resolved.repeats {
        let key = request.instruments.key(*position as usize);
        rejected.push((*position, Rejection::new(key, Reason::Duplicate, "the key stands further up in the request")));
    }
    Filtered { kept, rejected, unknown }
}

/// Judges a key that the catalogue lacks.
fn reject_unlisted(key: &str, strictness: FilteringStrictness, helper: &mut Helper<'_>) -> Option<Rejection> {
    let reason = match check_key(key) {
        Err(_) => Reason::Malformed,
        Ok(()) if strictness == FilteringStrictness::Lenient => return None,
        Ok(()) => Reason::Unknown,
    };
    Some(rejection(key, reason, helper.unknown(key)))
}

/// Judges a key that the catalogue has, for the strict filter.
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

fn rejection(key: &str, reason: Reason, help: Help) -> Rejection {
    Rejection { suggestions: help.suggestions, ..Rejection::new(key, reason, help.detail) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Builder;
    use crate::testing::{equity, future, request};

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
        let resolved = Resolved::new(&request, &catalogue, &[0; 32]);
        let filtered = filter(&request, &resolved, &catalogue);
        let kept =
            filtered.kept.iter().map(|item| request.instruments.key(item.position as usize).to_owned()).collect();
        let rejected = filtered.rejected.into_iter().map(|(_, r)| (r.instrument, r.reason)).collect();
        (kept, rejected)
    }

    const ALL: [&str; 6] = ["NSE:TCS", "NSE:GONE", "NFO:NIFTY26AUGFUT", "NSE:NOPE", "bad", "NSE:TCS"];

    fn pairs(expected: &[(&str, Reason)]) -> Vec<(String, Reason)> {
        expected.iter().map(|(key, reason)| ((*key).to_owned(), *reason)).collect()
    }

    #[test]
    fn lenient_keeps_what_is_well_formed() {
        let (kept, rejected) = outcome(FilteringStrictness::Lenient, &ALL);

        assert_eq!(kept, ["NFO:NIFTY26AUGFUT", "NSE:GONE", "NSE:NOPE", "NSE:TCS"]);
        assert_eq!(rejected, pairs(&[("bad", Reason::Malformed), ("NSE:TCS", Reason::Duplicate)]));
    }

    #[test]
    fn moderate_keeps_what_is_known() {
        let (kept, rejected) = outcome(FilteringStrictness::Moderate, &ALL);

        assert_eq!(kept, ["NFO:NIFTY26AUGFUT", "NSE:GONE", "NSE:TCS"]);
        let expected =
            pairs(&[("bad", Reason::Malformed), ("NSE:NOPE", Reason::Unknown), ("NSE:TCS", Reason::Duplicate)]);
        assert_eq!(rejected, expected);
    }

    #[test]
    fn strict_keeps_what_is_active_and_alive_on_the_date() {
        let (kept, rejected) = outcome(FilteringStrictness::Strict, &ALL);

        assert_eq!(kept, ["NSE:TCS"]);
        assert!(rejected.contains(&("NSE:GONE".into(), Reason::Inactive)));
        assert!(rejected.contains(&("NFO:NIFTY26AUGFUT".into(), Reason::Expired)));
    }

    #[test]
    fn an_unknown_key_names_where_the_symbol_is_listed() {
        let catalogue = catalogue();
        let mut helper = Helper::new(&catalogue, "2026-08-26".parse().unwrap());
        let rejection = reject_unlisted("NSE:ONLYBSE", FilteringStrictness::Moderate, &mut helper).unwrap();

        assert_eq!(rejection.suggestions, ["BSE:ONLYBSE"]);
        assert_eq!(rejection.detail, "`ONLYBSE` is listed on BSE only");
    }

    #[test]
    fn a_key_in_lower_case_is_malformed_and_the_right_one_is_suggested() {
        let catalogue = catalogue();
        let mut helper = Helper::new(&catalogue, "2026-08-26".parse().unwrap());
        let rejection = reject_unlisted("nse:tcs", FilteringStrictness::Lenient, &mut helper).unwrap();

        assert_eq!(rejection.reason, Reason::Malformed);
        assert_eq!(rejection.suggestions, ["NSE:TCS"]);
    }
}
