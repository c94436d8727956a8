//! Detection and resolution of conflicts.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::draft;
use crate::plan::{Reason, Rejection};
use crate::profile::{
    Accepted, ConflictType, DUPLICATE_SHARE, DetectedConflict, DistinguishingPreferences, Draft, ExistingProfile,
    ProfilePolicy, Resolution, Strategy, exceeds, resolve_conflicts,
};
use crate::vocabulary::{Broker, SubscriptionType};

fn policy(strategy: Strategy) -> ProfilePolicy {
    ProfilePolicy { strategy, profiles_max: 3, is_strict: false }
}

/// Creates a draft with `count` distinct keys.
fn of_length(count: usize) -> Draft {
    Draft { instruments: (0..count).map(|number| format!("NSE:S{number}")).collect(), ..draft(&[]) }
}

/// Returns the `number`th other profile; each is a minute younger than the previous one.
fn other(number: i64, instruments: u32, shared: u32) -> ExistingProfile {
    let first: DateTime<Utc> = "2026-11-24T03:45:00Z".parse().unwrap();
    ExistingProfile {
        profile_id: format!("profile_{number}"),
        profile_name: format!("number {number}"),
        subscription_type: SubscriptionType::LiveFeed,
        created_at: first + TimeDelta::minutes(number),
        instruments,
        shared,
        distinguishing: DistinguishingPreferences::default(),
    }
}

fn invalid(count: usize) -> Vec<Rejection> {
    let rejection = |number| Rejection::new(&format!("NSE:BAD{number}"), Reason::Unknown, "is not there");
    (0..count).map(rejection).collect()
}

fn ids(numbers: &[i64]) -> Vec<String> {
    numbers.iter().map(|number| format!("profile_{number}")).collect()
}

/// Returns the types and resolutions of the detected conflicts.
fn resolutions_of(resolution: &Resolution) -> Vec<(ConflictType, Option<Value>)> {
    resolution.found.iter().map(|found| (found.conflict_type, found.resolution.clone())).collect()
}

const EVERY: &[Strategy] = &Strategy::ALL;

/// Resolves the conflicts of an additional profile.
fn resolved(draft: &Draft, policy: &ProfilePolicy, invalid: &[Rejection], others: &[ExistingProfile]) -> Resolution {
    resolve_conflicts(draft, policy, invalid, others, true)
}

#[test]
fn other_selectors_or_brokers_are_not_duplicates() {
    let of = |preferences: Value, strategy| {
        let Value::Object(preferences) = preferences else { panic!("it is an object") };
        let draft = Draft { preferences: preferences.into(), ..of_length(10) };
        resolved(&draft, &policy(strategy), &[], &[other(1, 10, 10)])
    };

    for apart in [json!({"broker": "kite"}), json!({"selectors": [{"underlying": "NIFTY"}]})] {
        for strategy in EVERY {
            assert_eq!(resolutions_of(&of(apart.clone(), *strategy)), [], "{apart}");
        }
    }
    assert_eq!(resolutions_of(&of(json!({"broker": null, "mode": "full"}), Strategy::LatestWins)).len(), 1);
}

#[test]
fn overlapping_profiles_with_equal_options_go_first() {
    let kite = DistinguishingPreferences { broker: Some(Broker::Kite), ..DistinguishingPreferences::default() };
    let others = [ExistingProfile { distinguishing: kite, ..other(1, 9, 3) }, other(2, 9, 3), other(3, 9, 0)];
    let of = |strategy| {
        let resolution = resolved(&of_length(10), &ProfilePolicy { profiles_max: 3, ..policy(strategy) }, &[], &others);
        resolution.accepted.expect("the profile is accepted")
    };

    assert_eq!(of(Strategy::Merge).united, ids(&[2]));
    assert_eq!(of(Strategy::LatestWins).deactivated, ids(&[2]));
}

#[test]
fn the_maximum_does_not_apply_to_an_active_profile() {
    let policy = ProfilePolicy { profiles_max: 1, ..policy(Strategy::LatestWins) };
    let others = [other(1, 10, 0), other(2, 10, 0)];

    let edited = resolve_conflicts(&of_length(3), &policy, &[], &others, false);

    assert_eq!(edited, Resolution { found: Vec::new(), accepted: Some(Accepted::default()) });
    assert_eq!(resolved(&of_length(3), &policy, &[], &others).found.len(), 1);
}

#[test]
fn every_strategy_accepts_a_profile_without_conflicts() {
    for strategy in EVERY {
        let resolution = resolved(&of_length(10), &policy(*strategy), &[], &[other(1, 10, 5), other(2, 0, 0)]);

        assert_eq!(resolution, Resolution { found: vec![], accepted: Some(Accepted::default()) }, "{strategy}");
    }
}

#[test]
fn strict_validation_has_a_maximum_for_each_type() {
    for (kind, maximum) in
        [(SubscriptionType::LiveFeed, 50), (SubscriptionType::Historical, 200), (SubscriptionType::Alerts, 100)]
    {
        let draft = Draft { subscription_type: kind, ..draft(&[]) };

        assert_eq!(exceeds(&draft, maximum, true), None, "{kind}");
        let found = exceeds(&draft, maximum + 1, true).unwrap();
        let limit = format!("at most {maximum} instruments (a {kind} profile with strict validation)");
        let detail = format!("expected {limit}, got {}", maximum + 1);
        let data = json!({"limit": "instruments", "count": maximum + 1, "maximum": maximum});
        assert_eq!(
            found,
            DetectedConflict { conflict_type: ConflictType::LimitExceeded, detail, data, resolution: None }
        );
        assert_eq!(exceeds(&draft, 1000, false), None, "{kind}");
        assert_eq!(exceeds(&draft, 1001, false).unwrap().detail, "expected at most 1000 instruments, got 1001");
    }
}

#[test]
fn a_profiles_own_maximum_lowers_the_limit_and_never_raises_it() {
    let own = |max_instruments| Draft { max_instruments: Some(max_instruments), ..draft(&[]) };

    assert_eq!(exceeds(&own(10), 10, true), None);
    let detail = exceeds(&own(10), 11, true).unwrap().detail;
    assert_eq!(detail, "expected at most 10 instruments (max_instruments of the profile), got 11");
    assert_eq!(exceeds(&own(10), 11, false).unwrap().data["maximum"], 10);
    assert_eq!(exceeds(&own(2000), 51, true).unwrap().data["maximum"], 50);
    assert_eq!(exceeds(&own(2000), 1001, false).unwrap().data["maximum"], 1000);
}

#[test]
fn every_strategy_rejects_too_many_instruments() {
    for strategy in EVERY {
        let resolution = resolved(&of_length(1001), &policy(*strategy), &[], &[]);

        assert_eq!(resolution.accepted, None, "{strategy}");
        assert_eq!(resolutions_of(&resolution), [(ConflictType::LimitExceeded, None)], "{strategy}");
    }
}

#[test]
fn merging_counts_only_instruments_that_stay() {
    let draft = of_length(1001);

    let merged = resolved(&draft, &policy(Strategy::Merge), &invalid(1), &[]);
    let latest = resolved(&draft, &policy(Strategy::LatestWins), &invalid(1), &[]);

    assert_eq!(merged.accepted, Some(Accepted { removes_invalid: true, ..Accepted::default() }));
    assert_eq!(latest.accepted, None);
}

#[test]
fn latest_wins_keeps_and_merge_removes_invalid_instruments() {
    let draft = of_length(3);
    let of = |strategy| resolved(&draft, &policy(strategy), &invalid(2), &[]);
    let kind = ConflictType::InvalidInstrument;

    let latest = of(Strategy::LatestWins);
    assert_eq!(resolutions_of(&latest), [(kind, Some(json!({"kept_as_sent": true, "left_out_of_plans": 2})))]);
    assert_eq!(latest.accepted, Some(Accepted::default()));
    let merged = of(Strategy::Merge);
    assert_eq!(resolutions_of(&merged), [(kind, Some(json!({"removed": 2})))]);
    assert_eq!(merged.accepted, Some(Accepted { removes_invalid: true, ..Accepted::default() }));
    let failed = of(Strategy::FailOnConflict);
    assert_eq!(resolutions_of(&failed), [(kind, None)]);
    assert_eq!(failed.accepted, None);
    assert_eq!(failed.found[0].detail, "2 of 3 instruments are invalid; first: `NSE:BAD0` (is not there)");
    assert_eq!(failed.found[0].data["count"], 2);
    let one = resolved(&of_length(1), &policy(Strategy::FailOnConflict), &invalid(1), &[]);
    assert_eq!(one.found[0].detail, "1 of 1 instrument is invalid; first: `NSE:BAD0` (is not there)");
    let brought = crate::profile::removed_from_union(&invalid(1)).unwrap();
    assert_eq!(
        brought.detail,
        "1 instrument is invalid after merging with other profiles; first: `NSE:BAD0` (is not there)"
    );
    let single = Draft { max_instruments: Some(1), ..of_length(2) };
    assert_eq!(
        exceeds(&single, 2, false).unwrap().detail,
        "expected at most 1 instrument (max_instruments of the profile), got 2"
    );
    assert_eq!(failed.found[0].data["instruments"][1]["instrument"], "NSE:BAD1");
}

#[test]
fn merging_rejects_a_profile_that_would_be_empty() {
    let of = |strategy| resolved(&of_length(2), &policy(strategy), &invalid(2), &[]);

    assert_eq!(of(Strategy::Merge).accepted, None);
    assert_eq!(of(Strategy::LatestWins).accepted, Some(Accepted::default()));
}

#[test]
fn conflicts_list_100_invalid_instruments_and_count_all() {
    let resolution = resolved(&of_length(200), &policy(Strategy::LatestWins), &invalid(150), &[]);

    let data = &resolution.found[0].data;
    assert_eq!(data["count"], 150);
    assert_eq!(data["instruments"].as_array().unwrap().len(), 100);
}

#[test]
fn four_fifths_of_common_instruments_make_a_duplicate() {
    assert!((DUPLICATE_SHARE - 0.8).abs() < f64::EPSILON);
    let is_duplicate = |own, others, shared| {
        let resolution = resolved(&of_length(own), &policy(Strategy::FailOnConflict), &[], &[other(1, others, shared)]);
        resolution.accepted.is_none()
    };

    assert!(is_duplicate(10, 10, 10));
    let found = resolved(&of_length(10), &policy(Strategy::FailOnConflict), &[], &[other(1, 10, 10)]).found;
    assert_eq!(found[0].detail, "duplicate of `profile_1`: it shares at least 80 % of the combined instruments");
    // 8 of the 10 combined instruments, and 8 of 11.
    assert!(is_duplicate(9, 9, 8));
    assert!(!is_duplicate(10, 9, 8));
    assert!(is_duplicate(8, 10, 8));
    assert!(!is_duplicate(7, 10, 7));
    assert!(!is_duplicate(1, 1, 0));
}

#[test]
fn duplicates_are_deactivated_merged_or_rejected() {
    let others = [other(1, 10, 10), other(2, 10, 1), other(3, 9, 9)];
    let of = |strategy| resolved(&of_length(10), &ProfilePolicy { profiles_max: 4, ..policy(strategy) }, &[], &others);
    let kind = ConflictType::DuplicateSubscription;

    let latest = of(Strategy::LatestWins);
    assert_eq!(resolutions_of(&latest), [(kind, Some(json!({"deactivated_profiles": ids(&[1, 3])})))]);
    assert_eq!(latest.accepted, Some(Accepted { deactivated: ids(&[1, 3]), ..Accepted::default() }));
    let merged = of(Strategy::Merge);
    assert_eq!(resolutions_of(&merged), [(kind, Some(json!({"merged_profiles": ids(&[1, 3])})))]);
    assert_eq!(merged.accepted, Some(Accepted { united: ids(&[1, 3]), ..Accepted::default() }));
    let failed = of(Strategy::FailOnConflict);
    assert_eq!(resolutions_of(&failed), vec![(kind, None)]);
    assert_eq!(failed.accepted, None);
    let detail = "duplicate of `profile_1` and `profile_3`: each shares at least 80 % of the combined instruments";
    assert_eq!(failed.found[0].detail, detail);
    let listed = json!([
        {"profile_id": "profile_1", "profile_name": "number 1", "shared": 10, "share": 1.0},
        {"profile_id": "profile_3", "profile_name": "number 3", "shared": 9, "share": 0.9},
    ]);
    assert_eq!(failed.found[0].data, json!({"profiles": listed, "share_from": 0.8}));
}

#[test]
fn latest_wins_deactivates_overlapping_then_oldest_profiles() {
    let of = |others: &[ExistingProfile]| resolved(&of_length(10), &policy(Strategy::LatestWins), &[], others);

    let oldest = of(&[other(3, 9, 0), other(1, 9, 0), other(2, 9, 0)]);
    let resolution = json!({"deactivated_profiles": ids(&[1])});
    assert_eq!(resolutions_of(&oldest), [(ConflictType::LimitExceeded, Some(resolution))]);
    assert_eq!(oldest.accepted, Some(Accepted { deactivated: ids(&[1]), ..Accepted::default() }));
    assert_eq!(oldest.found[0].detail, "expected at most 3 active profiles of the user, got 4");
    assert_eq!(oldest.found[0].data, json!({"limit": "active_profiles", "count": 4, "maximum": 3}));
    let overlapping = of(&[other(1, 9, 0), other(2, 9, 3), other(3, 9, 1)]);
    assert_eq!(overlapping.accepted.unwrap().deactivated, ids(&[2]));
    // A setting may have been lowered since.
    let several = of(&[other(5, 9, 0), other(4, 9, 0), other(3, 9, 0), other(2, 9, 0), other(1, 9, 1)]);
    assert_eq!(several.accepted.unwrap().deactivated, ids(&[1, 2, 3]));
    let at_once =
        [5, 4, 6].map(|number| ExistingProfile { created_at: other(1, 0, 0).created_at, ..other(number, 9, 0) });
    assert_eq!(of(&at_once).accepted.unwrap().deactivated, ids(&[4]));
}

#[test]
fn merge_unites_only_overlapping_profiles_over_the_maximum() {
    let of = |others: &[ExistingProfile]| resolved(&of_length(10), &policy(Strategy::Merge), &[], others);

    let overlapping = of(&[other(1, 9, 0), other(2, 9, 0), other(3, 9, 1)]);
    assert_eq!(overlapping.accepted, Some(Accepted { united: ids(&[3]), ..Accepted::default() }));
    let resolution = json!({"merged_profiles": ids(&[3])});
    assert_eq!(resolutions_of(&overlapping), [(ConflictType::LimitExceeded, Some(resolution))]);
    let apart = of(&[other(1, 9, 0), other(2, 9, 0), other(3, 9, 0)]);
    assert_eq!(resolutions_of(&apart), vec![(ConflictType::LimitExceeded, None)]);
    assert_eq!(apart.accepted, None);
    // Two profiles would have to be merged, and one of them has no common instruments.
    let half = of(&[other(1, 9, 0), other(2, 9, 0), other(3, 9, 0), other(4, 9, 1)]);
    assert_eq!(half.accepted, None);
}

#[test]
fn fail_on_conflict_rejects_a_profile_over_the_maximum() {
    let of = |count| {
        let others: Vec<ExistingProfile> = (0..count).map(|number| other(number, 9, 0)).collect();
        resolved(&of_length(10), &policy(Strategy::FailOnConflict), &[], &others).accepted
    };

    assert_eq!(of(2), Some(Accepted::default()));
    assert_eq!(of(3), None);
}

#[test]
fn removed_duplicates_do_not_count_toward_the_maximum() {
    let others = [other(1, 9, 0), other(2, 9, 0), other(3, 10, 10)];

    for strategy in [Strategy::LatestWins, Strategy::Merge] {
        let resolution = resolved(&of_length(10), &policy(strategy), &[], &others);

        let Accepted { united, deactivated, .. } = resolution.accepted.unwrap();
        assert_eq!([united, deactivated].concat(), ids(&[3]), "{strategy}");
        assert_eq!(resolution.found.len(), 1, "{strategy}");
    }
}

#[test]
fn every_conflict_is_reported_even_if_one_rejects() {
    let others = [other(1, 9, 0), other(2, 9, 0), other(3, 9, 0), other(4, 10, 10)];

    let merged = resolved(&of_length(10), &policy(Strategy::Merge), &invalid(1), &others);
    let failed = resolved(&of_length(10), &policy(Strategy::FailOnConflict), &invalid(1), &others);

    let kinds =
        |resolution: &Resolution| resolutions_of(resolution).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
    let all = [ConflictType::InvalidInstrument, ConflictType::DuplicateSubscription, ConflictType::LimitExceeded];
    assert_eq!(kinds(&merged), all.to_vec());
    assert_eq!(merged.accepted, None);
    assert_eq!(kinds(&failed), all.to_vec());
    assert_eq!(failed.accepted, None);
}
