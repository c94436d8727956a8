//! Profiles that conflict with others, with a limit or with their own rules.

use std::sync::Arc;

use registry_planning::keys::KeyList;
use registry_planning::profile::{Action, ConflictStatus, ConflictType, Draft, Rules};
use registry_planning::vocabulary::{Exchange, SubscriptionType};
use serde_json::json;

use super::profiles::{
    FAIL, LATEST, MERGE, active, at, audited, conflicts, creation, deactivate, done, draft, make, make_for, own,
    profile, profile_id, refused, resolutions_of, rows, ten,
};
use super::{Database, prepared};
use crate::profiles::{CommandOutcome, Done};
use crate::{Position, StoreError};

pub(crate) async fn latest_wins_deactivates_duplicates(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &ten(0)).await;
    make(&*store, 2, &ten(100)).await;

    let Done { profile: new, conflicts: resolved, deactivated } =
        done(store.change_profile(&creation(3, "u", &ten(1), LATEST, 1000)).await);

    assert_eq!(new.draft, ten(1));
    assert_eq!(deactivated, vec![profile_id(1)]);
    assert_eq!(active(&*store, "u").await, [3, 2]);
    let earlier = profile(&*store, 1).await;
    assert!(!earlier.is_active);
    assert_eq!(earlier.version, 2);
    assert_eq!(earlier.updated_at, at(3));
    assert_eq!(earlier.draft, ten(0));
    assert_eq!(
        resolutions_of(&resolved),
        [(ConflictType::DuplicateSubscription, ConflictStatus::Resolved, Some("latest_wins"))]
    );
    assert_eq!(resolved[0].resolution_data, Some(json!({"deactivated_profiles": [profile_id(1)]})));
    // Nine of eleven instruments are in both.
    assert_eq!(resolved[0].conflict_data["profiles"][0]["shared"], 9);
    assert_eq!(resolved[0].conflict_data["profiles"][0]["share"], 0.8182);
    assert_eq!(resolved[0].created_at, at(3));
    assert_eq!(resolved[0].resolved_at, Some(at(3)));
    assert_eq!(conflicts(&*store).await, resolved);
    let entry = audited(&*store, 1).await.remove(0);
    assert_eq!(entry.action, Action::Deactivate);
    assert_eq!(entry.created_at, at(3));
    assert_eq!(&*entry.correlation_id, "c3");
    assert_eq!(entry.new_data.unwrap().get("deactivated"), Some(&json!({"made_room_for": profile_id(3)}).into()));
    store.close().await;
}

pub(crate) async fn profiles_with_other_broker_or_selectors_can_coexist(database: &dyn Database) {
    let store = prepared(database).await;
    let with = |preferences: serde_json::Value| {
        let Some(preferences) = preferences.as_object().cloned() else { panic!("it is an object") };
        Draft { preferences: preferences.into(), ..ten(0) }
    };
    let selectors = |underlying| json!([{"underlying": underlying, "expiries": 1, "min_strike": 24500.5}]);
    let apart = [
        json!({}),
        json!({"broker": "kite"}),
        json!({"broker": "upstox", "text": "\u{0}"}),
        json!({"selectors": selectors("NIFTY")}),
        json!({"selectors": selectors("BANKNIFTY")}),
        json!({"selectors": selectors("NIFTY"), "broker": "kite"}),
    ];
    for (number, preferences) in (1..).zip(&apart) {
        let done = done(store.change_profile(&creation(number, "u", &with(preferences.clone()), LATEST, 10)).await);
        assert_eq!(done.deactivated, [""; 0], "{preferences}");
    }

    for (number, preferences) in (1..).zip(&apart) {
        let again =
            done(store.change_profile(&creation(number + 10, "u", &with(preferences.clone()), MERGE, 10)).await);
        assert_eq!(again.deactivated, [profile_id(number)], "{preferences}");
    }
    store.close().await;
}

pub(crate) async fn latest_wins_deactivates_the_oldest_at_the_maximum(database: &dyn Database) {
    let store = prepared(database).await;
    for number in 1..=3 {
        make(&*store, number, &own(number)).await;
    }

    let first = done(store.change_profile(&creation(4, "u", &own(4), LATEST, 3)).await);
    // The setting may have been lowered since. A profile with a common instrument is deactivated before the oldest one.
    let overlapping = Draft { instruments: ["NSE:OWN4", "NSE:OWN5"].iter().collect(), ..own(5) };
    let second = done(store.change_profile(&creation(5, "u", &overlapping, LATEST, 2)).await);

    assert_eq!(first.deactivated, [profile_id(1)]);
    assert_eq!(
        resolutions_of(&first.conflicts),
        [(ConflictType::LimitExceeded, ConflictStatus::Resolved, Some("latest_wins"))]
    );
    assert_eq!(second.deactivated, [profile_id(4), profile_id(2)]);
    assert_eq!(active(&*store, "u").await, [5, 3]);
    store.close().await;
}

pub(crate) async fn latest_wins_keeps_invalid_instruments(database: &dyn Database) {
    let rules = Rules { allowed_exchanges: Some(vec![Exchange::Nse]), ..Rules::default() };
    let draft = Draft { validation_rules: rules, ..draft(&["BSE:TCS", "NSE:TCS"]) };
    let store = prepared(database).await;

    let made = done(store.change_profile(&creation(1, "u", &draft, LATEST, 10)).await);

    assert_eq!(made.profile.draft, draft);
    let expected = [(ConflictType::InvalidInstrument, ConflictStatus::Resolved, Some("latest_wins"))];
    assert_eq!(resolutions_of(&made.conflicts), expected);
    assert_eq!(conflicts(&*store).await, made.conflicts);
    store.close().await;
}

pub(crate) async fn merge_unites_duplicates_and_removes_invalid_instruments(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &ten(0)).await;
    let mut keys: KeyList = ["BSE:TCS"].iter().collect();
    ten(0).instruments.iter().skip(1).for_each(|key| keys.push(key));
    let rules = Rules { allowed_exchanges: Some(vec![Exchange::Nse]), ..Rules::default() };
    let draft = Draft { instruments: keys, validation_rules: rules, ..ten(0) };

    let merged = done(store.change_profile(&creation(2, "u", &draft, MERGE, 10)).await);

    // Its own instruments in their order, then those that only the other profile has.
    let expected: Vec<String> = (1..10).chain([0]).map(|number| format!("NSE:S{number}")).collect();
    assert_eq!(merged.profile.draft.instruments.iter().collect::<Vec<_>>(), expected);
    assert_eq!(merged.deactivated, [profile_id(1)]);
    assert_eq!(
        resolutions_of(&merged.conflicts),
        [
            (ConflictType::InvalidInstrument, ConflictStatus::Resolved, Some("merge")),
            (ConflictType::DuplicateSubscription, ConflictStatus::Resolved, Some("merge")),
        ]
    );
    assert_eq!(merged.conflicts[0].resolution_data, Some(json!({"removed": 1})));
    assert_eq!(active(&*store, "u").await, [2]);
    assert_eq!(profile(&*store, 2).await, merged.profile);
    assert_eq!(conflicts(&*store).await, merged.conflicts);
    let earlier = audited(&*store, 1).await.remove(0);
    assert_eq!(earlier.new_data.unwrap().get("deactivated"), Some(&json!({"merged_into": profile_id(2)}).into()));
    store.close().await;
}

pub(crate) async fn profiles_too_large_when_merged_are_rejected(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &ten(0)).await;
    let draft = Draft { max_instruments: Some(10), ..ten(1) };

    let conflicts = refused(store.change_profile(&creation(2, "u", &draft, MERGE, 10)).await);

    let failed = (ConflictStatus::Failed, Some("merge"));
    assert_eq!(
        resolutions_of(&conflicts),
        [(ConflictType::DuplicateSubscription, failed.0, failed.1), (ConflictType::LimitExceeded, failed.0, failed.1)]
    );
    assert_eq!(active(&*store, "u").await, [1]);
    store.close().await;
}

pub(crate) async fn fail_on_conflict_stores_only_pending_conflicts(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &ten(0)).await;
    let rules = Rules { allowed_exchanges: Some(vec![Exchange::Bse]), ..Rules::default() };
    let draft = Draft { validation_rules: rules, ..ten(0) };

    let left = refused(store.change_profile(&creation(2, "u", &draft, FAIL, 1)).await);

    let pending = |kind| (kind, ConflictStatus::Pending, None);
    assert_eq!(
        resolutions_of(&left),
        [
            pending(ConflictType::InvalidInstrument),
            pending(ConflictType::DuplicateSubscription),
            pending(ConflictType::LimitExceeded)
        ]
    );
    assert!(left.iter().all(|conflict| conflict.profile_id == profile_id(2) && conflict.resolved_at.is_none()));
    assert!(left.iter().all(|conflict| conflict.resolution_data.is_none()));
    assert_eq!(conflicts(&*store).await, left);
    assert_eq!(store.profile(&profile_id(2)).await, Ok(None));
    assert_eq!(audited(&*store, 2).await, []);
    assert_eq!(store.profile_versions(&profile_id(2), &Position::Offset(0), rows(10)).await.unwrap().outline.total, 0);
    assert_eq!(profile(&*store, 1).await.version, 1);
    store.close().await;
}

pub(crate) async fn too_many_instruments_are_rejected_by_every_strategy(database: &dyn Database) {
    let store = prepared(database).await;
    let draft = Draft { max_instruments: Some(9), ..ten(0) };

    for (number, strategy, status, by) in [
        (1, LATEST, ConflictStatus::Failed, Some("latest_wins")),
        (2, MERGE, ConflictStatus::Failed, Some("merge")),
        (3, FAIL, ConflictStatus::Pending, None),
    ] {
        let conflicts = refused(store.change_profile(&creation(number, "u", &draft, strategy, 10)).await);

        assert_eq!(resolutions_of(&conflicts), [(ConflictType::LimitExceeded, status, by)], "{strategy}");
        assert_eq!(store.profile(&profile_id(number)).await, Ok(None), "{strategy}");
    }
    store.close().await;
}

pub(crate) async fn duplicates_are_active_unexpired_and_of_the_same_type(database: &dyn Database) {
    let store = prepared(database).await;
    let alerts = Draft { subscription_type: SubscriptionType::Alerts, ..ten(0) };
    make(&*store, 1, &ten(0)).await;
    deactivate(&*store, 1, 2).await;
    make(&*store, 3, &Draft { expires_at: Some(at(20)), ..ten(0) }).await;
    make(&*store, 4, &alerts).await;
    make_for(&*store, 5, "v", &ten(0)).await;

    let while_one_lasts = refused(store.change_profile(&creation(19, "u", &ten(0), FAIL, 10)).await);
    let afterwards = done(store.change_profile(&creation(20, "u", &ten(0), FAIL, 2)).await);
    // The maximum applies to all types together.
    let beyond = refused(store.change_profile(&creation(21, "u", &ten(100), FAIL, 2)).await);

    assert_eq!(while_one_lasts[0].conflict_data["profiles"].as_array().unwrap().len(), 1);
    assert_eq!(while_one_lasts[0].conflict_data["profiles"][0]["profile_id"], json!(profile_id(3)));
    assert_eq!(afterwards.conflicts, []);
    assert_eq!(resolutions_of(&beyond), [(ConflictType::LimitExceeded, ConflictStatus::Pending, None)]);
    store.close().await;
}

pub(crate) async fn concurrent_changes_do_not_exceed_the_maximum(database: &dyn Database) {
    for (strategy, made) in [(FAIL, 3), (LATEST, 9)] {
        let user = strategy.as_str();
        let store = prepared(database).await;

        let making: Vec<_> = (1..=9)
            .map(|number| {
                let store = Arc::clone(&store);
                let number = number + 100 * u32::from(strategy == LATEST);
                let creation = creation(number, user, &own(number), strategy, 3);
                tokio::spawn(async move { store.change_profile(&creation).await })
            })
            .collect();
        let mut count = 0;
        for creation in making {
            match creation.await.unwrap().unwrap() {
                CommandOutcome::Done(_) => count += 1,
                CommandOutcome::Refused(conflicts) => assert_eq!(conflicts.len(), 1),
                other => panic!("{other:?}"),
            }
        }

        assert_eq!(count, made, "{strategy}");
        assert_eq!(active(&*store, user).await.len(), 3, "{strategy}");
        store.close().await;
    }
}

/// The new version of the other profile fails only after the new profile and its audit log entry were written.
pub(crate) async fn a_change_that_fails_midway_leaves_nothing(database: &dyn Database) {
    let store = prepared(database).await;
    let other = make(&*store, 1, &ten(0)).await;
    let version = format!("insert into profile_versions values ('{}', 2, 'update', '{{}}', '{{}}')", profile_id(1));
    assert_eq!(database.attempt(&version).await, Ok(1));

    let failed = store.change_profile(&creation(2, "u", &ten(0), LATEST, 10)).await;

    assert!(matches!(failed, Err(StoreError::Data(_))), "{failed:?}");
    assert_eq!(store.profile(&profile_id(2)).await, Ok(None));
    assert_eq!(profile(&*store, 1).await, other);
    assert_eq!(audited(&*store, 2).await, vec![]);
    assert_eq!(conflicts(&*store).await, vec![]);
    // The store and the lock of the user still work.
    make(&*store, 3, &own(3)).await;
    store.close().await;
}
