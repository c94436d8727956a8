//! Changes of profiles, and the reasons for which they are not made.

use std::sync::Arc;

use registry_planning::profile::{Action, ConflictStatus, ConflictType, Draft, Profile};
use registry_planning::vocabulary::SubscriptionType;
use serde_json::json;

use super::profiles::{
    FAIL, LATEST, activating, active, actor, at, audited, change, deactivate, deactivating, done, expiring, make,
    named, own, profile, profile_context, profile_id, refused, resolutions_of, restoring, ten, update,
};
use super::{Database, prepared};
use crate::profiles::{Actor, CommandOutcome, IfVersion, Patch, ProfileCommand};

pub(crate) async fn an_update_changes_only_its_fields(database: &dyn Database) {
    let store = prepared(database).await;
    let first = Draft { max_instruments: Some(20), expires_at: Some(at(1000)), ..ten(0) };
    let made = make(&*store, 1, &first).await;

    let renamed = done(store.change_profile(&update(1, None, &named("Close"), 2)).await).profile;
    let freed = Patch {
        subscription_type: Some(SubscriptionType::Alerts),
        instruments: Some(["NSE:TCS", "NSE:TCS"].iter().collect()),
        max_instruments: Some(None),
        expires_at: Some(None),
        ..Patch::default()
    };
    let freed = done(store.change_profile(&update(1, Some(&[7, 2]), &freed, 3)).await).profile;

    let draft = Draft { profile_name: "Close".into(), ..first };
    assert_eq!(renamed, Profile { draft: draft.clone(), version: 2, updated_at: at(2), ..made.clone() });
    let draft = Draft {
        subscription_type: SubscriptionType::Alerts,
        instruments: ["NSE:TCS"].iter().collect(),
        max_instruments: None,
        expires_at: None,
        ..draft
    };
    assert_eq!(freed, Profile { draft, version: 3, updated_at: at(3), ..made });
    assert_eq!(profile(&*store, 1).await, freed);
    store.close().await;
}

pub(crate) async fn a_profile_is_not_a_duplicate_of_itself(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &ten(0)).await;

    let command = ProfileCommand::Update {
        profile_id: profile_id(1),
        if_version: None,
        patch: named("Close"),
        profile_context: profile_context(FAIL, 1),
    };

    assert_eq!(done(store.change_profile(&change(command, 2)).await).conflicts, []);
    store.close().await;
}

pub(crate) async fn a_change_of_another_version_is_rejected(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &own(1)).await;
    let updated = done(store.change_profile(&update(1, Some(&[1]), &named("Close"), 2)).await).profile;

    let if_version = Some(IfVersion(vec![1, 3]));
    let profile_context = profile_context(FAIL, 10);
    let profile_id = profile_id(1);
    for command in [
        ProfileCommand::Update {
            profile_id: profile_id.clone(),
            if_version: if_version.clone(),
            patch: named("x"),
            profile_context: profile_context.clone(),
        },
        ProfileCommand::Restore {
            profile_id: profile_id.clone(),
            if_version: if_version.clone(),
            version: 1,
            profile_context: profile_context.clone(),
        },
        ProfileCommand::Activate {
            profile_id: profile_id.clone(),
            if_version: if_version.clone(),
            expires_at: None,
            profile_context,
        },
        ProfileCommand::Deactivate { profile_id, if_version },
    ] {
        assert_eq!(store.change_profile(&change(command, 3)).await, Ok(CommandOutcome::OtherVersion(2)));
    }

    assert_eq!(profile(&*store, 1).await, updated);
    store.close().await;
}

pub(crate) async fn unknown_profiles_versions_and_conflicts_do_not_change(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &own(1)).await;

    for change in [
        update(2, None, &named("x"), 2),
        restoring(2, 1, 2),
        activating(2, FAIL, 10, 2),
        deactivating(2, 2),
        expiring(2, 2),
    ] {
        assert_eq!(store.change_profile(&change).await, Ok(CommandOutcome::NoProfile), "{change:?}");
    }
    assert_eq!(store.change_profile(&restoring(1, 2, 2)).await, Ok(CommandOutcome::NoVersion));
    store.close().await;
}

pub(crate) async fn an_inactive_profile_can_only_be_activated(database: &dyn Database) {
    let store = prepared(database).await;
    let made = make(&*store, 1, &own(1)).await;

    let deactivated = done(store.change_profile(&deactivating(1, 2)).await).profile;
    assert_eq!(deactivated, Profile { is_active: false, version: 2, updated_at: at(2), ..made.clone() });
    assert_eq!(
        store.change_profile(&deactivating(1, 3)).await,
        Ok(CommandOutcome::Unchanged(Box::new(deactivated.clone())))
    );
    assert_eq!(store.change_profile(&update(1, None, &named("x"), 3)).await, Ok(CommandOutcome::Inactive));
    assert_eq!(store.change_profile(&restoring(1, 1, 3)).await, Ok(CommandOutcome::Inactive));
    assert_eq!(profile(&*store, 1).await, deactivated);
    let back = done(store.change_profile(&activating(1, FAIL, 10, 4)).await).profile;
    assert_eq!(back, Profile { version: 3, updated_at: at(4), ..made });
    assert_eq!(store.change_profile(&activating(1, FAIL, 10, 5)).await, Ok(CommandOutcome::Unchanged(Box::new(back))));
    store.close().await;
}

pub(crate) async fn an_activation_is_checked_like_a_new_profile(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &own(1)).await;
    deactivate(&*store, 1, 2).await;
    make(&*store, 3, &own(3)).await;

    let refused = refused(store.change_profile(&activating(1, FAIL, 1, 4)).await);
    let still = profile(&*store, 1).await;
    let done = done(store.change_profile(&activating(1, LATEST, 1, 5)).await);

    assert_eq!(resolutions_of(&refused), [(ConflictType::LimitExceeded, ConflictStatus::Pending, None)]);
    assert!(!still.is_active);
    assert_eq!(still.version, 2);
    assert_eq!(done.deactivated, [profile_id(3)]);
    assert_eq!(active(&*store, "u").await, [1]);
    store.close().await;
}

pub(crate) async fn an_old_version_can_be_restored(database: &dyn Database) {
    let store = prepared(database).await;
    let made = make(&*store, 1, &Draft { expires_at: Some(at(100)), ..ten(0) }).await;
    let patch = Patch { instruments: Some(own(1).instruments), expires_at: Some(None), ..named("Close") };
    done(store.change_profile(&update(1, None, &patch, 2)).await);

    let restored = done(store.change_profile(&restoring(1, 1, 3)).await).profile;
    done(store.change_profile(&restoring(1, 2, 4)).await);
    // The expiry time of the first version has passed and is not restored; the current one is kept.
    let late = done(store.change_profile(&restoring(1, 1, 100)).await).profile;

    assert_eq!(restored, Profile { version: 3, updated_at: at(3), ..made });
    assert_eq!(late.version, 5);
    assert_eq!(&*late.draft.profile_name, "Opening");
    assert_eq!(late.draft.expires_at, None);
    assert_eq!(profile(&*store, 1).await, late);
    store.close().await;
}

pub(crate) async fn an_expired_profile_is_deactivated(database: &dyn Database) {
    let store = prepared(database).await;
    let made = make(&*store, 1, &Draft { expires_at: Some(at(10)), ..own(1) }).await;

    assert_eq!(store.change_profile(&expiring(1, 9)).await, Ok(CommandOutcome::Unchanged(Box::new(made.clone()))));
    // Expired, but still active: a change must set a later expiry time.
    let renamed = store.change_profile(&update(1, None, &named("x"), 10)).await;
    let deactivated = done(store.change_profile(&expiring(1, 10)).await).profile;
    let again = store.change_profile(&expiring(1, 11)).await;
    let activated = store.change_profile(&activating(1, FAIL, 10, 11)).await;

    assert_eq!(renamed, Ok(CommandOutcome::Expired(at(10))));
    assert_eq!(deactivated, Profile { is_active: false, version: 2, updated_at: at(10), ..made });
    assert_eq!(again, Ok(CommandOutcome::Unchanged(Box::new(deactivated))));
    assert_eq!(activated, Ok(CommandOutcome::Expired(at(10))));
    let entry = audited(&*store, 1).await.remove(0);
    assert_eq!(entry.action, Action::Deactivate);
    assert_eq!(entry.actor, Actor::system());
    assert_eq!(entry.new_data.unwrap().get("deactivated"), Some(&json!({"reason": "expired"}).into()));
    store.close().await;
}

pub(crate) async fn a_profile_with_a_later_expiry_stays_active(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &Draft { expires_at: Some(at(10)), ..own(1) }).await;
    let later = Patch { expires_at: Some(Some(at(100))), ..Patch::default() };

    let updated = done(store.change_profile(&update(1, None, &later, 12)).await).profile;
    let expired = store.change_profile(&expiring(1, 13)).await;

    assert_eq!(updated.draft.expires_at, Some(at(100)));
    assert_eq!(expired, Ok(CommandOutcome::Unchanged(Box::new(updated))));
    store.close().await;
}

pub(crate) async fn one_of_concurrent_changes_of_a_version_is_made(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &own(1)).await;

    let updating: Vec<_> = (0..8)
        .map(|number| {
            let (store, update) = (Arc::clone(&store), update(1, Some(&[1]), &named(&format!("name {number}")), 2));
            tokio::spawn(async move { store.change_profile(&update).await })
        })
        .collect();
    let mut names = Vec::new();
    for update in updating {
        match update.await.unwrap().unwrap() {
            CommandOutcome::Done(done) => names.push(done.profile.draft.profile_name),
            other => assert_eq!(other, CommandOutcome::OtherVersion(2)),
        }
    }

    assert_eq!(names.len(), 1);
    assert_eq!(profile(&*store, 1).await.draft.profile_name, names[0]);
    store.close().await;
}

pub(crate) async fn a_caller_is_stored_as_acting_for_the_user(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &own(1)).await;

    let [entry] = &audited(&*store, 1).await[..] else { panic!("there is one entry") };

    assert_eq!(entry.actor, Actor { user_id: Some("u".into()), ..actor() });
    store.close().await;
}
