//! Versions of profiles, conflicts and the audit log.

use std::collections::BTreeMap;

use registry_planning::json::Json;
use registry_planning::profile::{Action, ConflictStatus, ConflictType, Draft, Profile};
use registry_planning::vocabulary::SubscriptionType;

use super::profiles::{
    FAIL, LATEST, ParsedEntry, activating, actor, at, audit_page, audited, change, conflict_page, creation, deactivate,
    deactivating, done, draft, make, make_for, named, own, profile_id, refused, rows, ten, update, whole,
};
use super::{Database, prepared};
use crate::paging::Page;
use crate::profiles::{Actor, CommandOutcome, Conflict, ConflictFilter, NewEntry, ProfileCommand, ProfileStats};
use crate::{COUNT_MAX, Position, Store};

/// Creates one profile and renames it `changes` times: its versions and audit log entries are of the seconds 1 to
/// `changes` + 1.
async fn renamed(store: &dyn Store, changes: u32) {
    make(store, 1, &own(1)).await;
    for number in 1..=changes {
        done(store.change_profile(&update(1, None, &named(&format!("name {number}")), i64::from(number) + 1)).await);
    }
}

async fn entries(store: &dyn Store, position: Position, limit: u32) -> Page<ParsedEntry> {
    audit_page(store, 1, position, limit).await
}

/// A version with its parsed profile.
struct ParsedVersion {
    profile: Profile,
    action: Action,
    actor: Actor,
}

async fn versions(store: &dyn Store, position: Position, limit: u32) -> Page<ParsedVersion> {
    let portion = store.profile_versions(&profile_id(1), &position, rows(limit)).await.unwrap();
    whole(portion, |version| ParsedVersion {
        profile: version.profile().unwrap(),
        action: version.action,
        actor: version.actor,
    })
}

fn version_numbers(page: &Page<ParsedVersion>) -> Vec<u32> {
    page.items.iter().map(|version| version.profile.version).collect()
}

fn resolving(conflict: &Conflict, status: ConflictStatus, note: Option<&str>) -> ProfileCommand {
    ProfileCommand::ResolveConflict { conflict_id: conflict.conflict_id.clone(), status, note: note.map(str::to_owned) }
}

pub(crate) async fn every_change_is_audited_with_its_old_and_new_state(database: &dyn Database) {
    let store = prepared(database).await;
    let made = make(&*store, 1, &own(1)).await;
    let updated = done(store.change_profile(&update(1, None, &named("Close"), 2)).await).profile;
    let deactivated = deactivate(&*store, 1, 3).await;
    let back = done(store.change_profile(&activating(1, FAIL, 10, 4)).await).profile;
    // Changes that are not made have no audit log entry.
    store.change_profile(&update(1, Some(&[1]), &named("x"), 5)).await.unwrap();

    let page = entries(&*store, Position::Offset(0), 10).await;

    let json = |profile| Json::of(profile).unwrap();
    let entry = |action, old_data, new_data, second| NewEntry {
        profile_id: profile_id(1),
        user_id: "u".into(),
        action,
        actor: Actor { user_id: Some("u".into()), ..actor() },
        old_data,
        new_data: Some(new_data),
        correlation_id: format!("c{second}"),
        created_at: at(second),
    };
    let expected = [
        entry(Action::Activate, Some(json(&deactivated)), json(&back), 4),
        entry(Action::Deactivate, Some(json(&updated)), json(&deactivated), 3),
        entry(Action::Update, Some(json(&made)), json(&updated), 2),
        entry(Action::Create, None, json(&made), 1),
    ];
    assert_eq!(page.items.iter().map(|item| item.entry.clone()).collect::<Vec<_>>(), expected);
    assert!(page.items.is_sorted_by(|newer, older| newer.audit_id > older.audit_id));
    assert_eq!(page.total, 4);
    assert!(!page.total_is_lower_bound);
    assert!(!page.has_next);
    store.close().await;
}

pub(crate) async fn the_audit_log_of_a_profile_is_read_in_pages(database: &dyn Database) {
    let store = prepared(database).await;
    renamed(&*store, 6).await;
    make(&*store, 2, &own(2)).await;

    let first = entries(&*store, Position::Offset(0), 3).await;
    let last = first.items.last().unwrap().audit_id.to_string();
    let second = entries(&*store, Position::After(last), 3).await;
    let third = entries(&*store, Position::Offset(6), 3).await;

    let correlation_ids = |page: &Page<ParsedEntry>| -> Vec<String> {
        page.items.iter().map(|item| item.entry.correlation_id.clone()).collect()
    };
    assert_eq!(correlation_ids(&first), ["c7", "c6", "c5"]);
    assert_eq!(correlation_ids(&second), ["c4", "c3", "c2"]);
    assert_eq!(correlation_ids(&third), ["c1"]);
    assert_eq!(first.total, 7);
    assert!(first.has_next);
    assert!(second.has_next);
    assert!(!third.has_next);
    let none = Page { items: vec![], total: 0, total_is_lower_bound: false, has_next: false };
    assert_eq!(audit_page(&*store, 3, Position::Offset(0), 3).await, none);
    for cursor in ["0", "-1", "x", ""] {
        assert_eq!(entries(&*store, Position::After(cursor.into()), 3).await.items, [], "{cursor}");
    }
    store.close().await;
}

pub(crate) async fn the_audit_log_is_append_only(database: &dyn Database) {
    let store = prepared(database).await;
    renamed(&*store, 1).await;
    let before = audited(&*store, 1).await;

    for statement in [
        "update subscription_audit_log set user_id = 'somebody else'",
        "update subscription_audit_log set created_at = created_at",
        "delete from subscription_audit_log",
        "delete from subscription_audit_log where audit_id = 1",
    ] {
        let refused = database.attempt(statement).await;
        assert!(matches!(&refused, Err(why) if why.contains("the audit log")), "{statement}: {refused:?}");
    }

    assert_eq!(before.len(), 2);
    assert_eq!(audited(&*store, 1).await, before);
    store.close().await;
}

pub(crate) async fn audit_entries_past_retention_are_deleted_in_portions(database: &dyn Database) {
    let store = prepared(database).await;
    renamed(&*store, 6).await;

    let mut deleted = Vec::new();
    for _ in 0..4 {
        // The first five of the seven entries are older.
        deleted.push(store.delete_audit_before(at(6), 2).await.unwrap());
    }
    let refused = database.attempt("delete from subscription_audit_log").await;

    assert_eq!(deleted, [2, 2, 1, 0]);
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(audited(&*store, 1).await.iter().map(|entry| entry.created_at).collect::<Vec<_>>(), [at(7), at(6)]);
    // The versions and the profile are kept.
    assert_eq!(versions(&*store, Position::Offset(0), 10).await.total, 7);
    store.close().await;
}

pub(crate) async fn the_cutoff_of_the_audit_log_never_moves_back(database: &dyn Database) {
    let store = prepared(database).await;
    assert_eq!(store.delete_audit_before(at(10), 100).await, Ok(0));
    // With a longer retention no newer entries are deleted.
    make(&*store, 5, &own(5)).await;
    assert_eq!(store.delete_audit_before(at(5), 100).await, Ok(0));
    assert_eq!(audited(&*store, 5).await.len(), 1);

    // Their deletion is still permitted.
    assert_eq!(database.attempt("delete from subscription_audit_log").await, Ok(1));
    store.close().await;
}

pub(crate) async fn versions_are_listed_newest_first_with_originator(database: &dyn Database) {
    let store = prepared(database).await;
    let made = make(&*store, 1, &Draft { expires_at: Some(at(100)), max_instruments: Some(20), ..ten(0) }).await;
    let updated = done(store.change_profile(&update(1, None, &named("Close"), 2)).await).profile;
    let deactivated = deactivate(&*store, 1, 3).await;

    let page = versions(&*store, Position::Offset(0), 10).await;

    let of = |profile: &Profile, action| (profile.clone(), action, "desk".to_owned());
    let read =
        page.items.iter().map(|version| (version.profile.clone(), version.action, version.actor.key_name.clone()));
    assert_eq!(
        read.collect::<Vec<_>>(),
        [of(&deactivated, Action::Deactivate), of(&updated, Action::Update), of(&made, Action::Create)]
    );
    assert_eq!(page.total, 3);
    assert!(!page.total_is_lower_bound);
    assert!(!page.has_next);
    store.close().await;
}

pub(crate) async fn versions_are_read_in_pages(database: &dyn Database) {
    let store = prepared(database).await;
    // From ten on, the orders of texts and of numbers differ.
    renamed(&*store, 11).await;

    let first = versions(&*store, Position::Offset(0), 5).await;
    let second = versions(&*store, Position::After("8".into()), 5).await;
    let third = versions(&*store, Position::Offset(10), 5).await;
    let after_ten = versions(&*store, Position::After("10".into()), 1).await;

    assert_eq!(version_numbers(&first), vec![12, 11, 10, 9, 8]);
    assert_eq!(first.total, 12);
    assert!(first.has_next);
    assert_eq!(version_numbers(&second), vec![7, 6, 5, 4, 3]);
    assert!(second.has_next);
    assert_eq!(version_numbers(&third), vec![2, 1]);
    assert!(!third.has_next);
    assert_eq!(version_numbers(&after_ten), [9]);
    let unknown = store.profile_versions(&profile_id(2), &Position::Offset(0), rows(5)).await.unwrap();
    assert_eq!(unknown.outline.items, []);
    store.close().await;
}

pub(crate) async fn conflicts_are_filtered_by_user_status_and_type(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &ten(0)).await;
    let limited = refused(store.change_profile(&creation(2, "u", &own(2), FAIL, 1)).await).remove(0);
    let duplicate = refused(store.change_profile(&creation(3, "u", &ten(0), FAIL, 10)).await).remove(0);
    let resolved_conflict =
        done(store.change_profile(&creation(4, "u", &ten(0), LATEST, 10)).await).conflicts.remove(0);
    let failed = Draft { max_instruments: Some(1), ..ten(0) };
    let failed = refused(store.change_profile(&creation(5, "u", &failed, LATEST, 10)).await);
    let [failed_duplicate, failed_limit] = [&failed[1], &failed[0]];
    let too_many = Draft { max_instruments: Some(1), ..draft(&["NSE:A", "NSE:B"]) };
    let others = refused(store.change_profile(&creation(6, "v", &too_many, FAIL, 10)).await).remove(0);

    let select = |user: &str, status, conflict_type| ConflictFilter { user_id: user.into(), status, conflict_type };
    let (pending, resolved) = (Some(ConflictStatus::Pending), Some(ConflictStatus::Resolved));
    let (limit, of_duplicate) = (Some(ConflictType::LimitExceeded), Some(ConflictType::DuplicateSubscription));
    let cases = [
        (select("u", None, None), vec![failed_duplicate, failed_limit, &resolved_conflict, &duplicate, &limited]),
        (select("u", pending, None), vec![&duplicate, &limited]),
        (select("u", resolved, None), vec![&resolved_conflict]),
        (select("u", Some(ConflictStatus::Failed), None), vec![failed_duplicate, failed_limit]),
        (select("u", None, of_duplicate), vec![failed_duplicate, &resolved_conflict, &duplicate]),
        (select("u", pending, limit), vec![&limited]),
        (select("u", None, Some(ConflictType::InvalidInstrument)), vec![]),
        (select("v", None, None), vec![&others]),
        (select("w", None, None), vec![]),
    ];

    for (filter, expected) in cases {
        let page = conflict_page(&*store, &filter, Position::Offset(0), 10).await;

        assert_eq!(page.items.iter().collect::<Vec<_>>(), expected, "{filter:?}");
        assert_eq!(page.total, expected.len() as u64, "{filter:?}");
        assert!(!page.has_next, "{filter:?}");
    }
    let all = select("u", None, None);
    let first = conflict_page(&*store, &all, Position::Offset(0), 2).await;
    let after = Position::After(failed_limit.conflict_id.clone());
    let rest = conflict_page(&*store, &all, after, 10).await;
    assert_eq!(first.items.len(), 2);
    assert_eq!(first.total, 5);
    assert!(first.has_next);
    assert_eq!(rest.items, [resolved_conflict, duplicate, limited]);
    assert_eq!(rest.total, 5);
    assert!(!rest.has_next);
    store.close().await;
}

pub(crate) async fn the_total_of_conflicts_is_a_lower_bound_above_its_maximum(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &own(1)).await;
    refused(store.change_profile(&creation(2, "u", &own(2), FAIL, 1)).await);
    let copies = format!(
        "insert into subscription_conflicts
        with recursive n (i) as (select 1 union all select i + 1 from n where i < {COUNT_MAX})
        select 'conflict_x' || i, profile_id, user_id, conflict_type, conflict_data, status, resolution_strategy,
            resolution_data, created_at, resolved_at
        from subscription_conflicts, n"
    );
    assert_eq!(database.attempt(&copies).await, Ok(COUNT_MAX));

    let filter = ConflictFilter { user_id: "u".into(), status: Some(ConflictStatus::Pending), conflict_type: None };
    let page = conflict_page(&*store, &filter, Position::Offset(COUNT_MAX), 10).await;
    let stats = store.profile_stats(at(3)).await.unwrap();

    assert_eq!(page.items.len(), 1);
    assert_eq!(page.total, COUNT_MAX);
    assert!(page.total_is_lower_bound);
    assert!(!page.has_next);
    assert_eq!(stats.total_conflicts, COUNT_MAX + 1);
    assert_eq!(stats.pending_conflicts, COUNT_MAX + 1);
    store.close().await;
}

pub(crate) async fn a_pending_conflict_is_resolved_manually_once(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &own(1)).await;
    let pending = refused(store.change_profile(&creation(2, "u", &own(2), FAIL, 1)).await).remove(0);
    let other = refused(store.change_profile(&creation(3, "u", &own(3), FAIL, 1)).await).remove(0);

    let command = resolving(&pending, ConflictStatus::Resolved, Some("the desk\nknows"));
    let resolved_conflict = match store.change_profile(&change(command.clone(), 4)).await {
        Ok(CommandOutcome::Resolved(conflict)) => *conflict,
        other => panic!("{other:?}"),
    };
    let again = store.change_profile(&change(command, 5)).await;
    let command = resolving(&other, ConflictStatus::Failed, None);
    let failed = store.change_profile(&change(command, 6)).await;

    assert_eq!(
        resolved_conflict,
        Conflict {
            status: ConflictStatus::Resolved,
            resolution_strategy: Some("manual".into()),
            resolution_data: resolved_conflict.resolution_data.clone(),
            resolved_at: Some(at(4)),
            ..pending.clone()
        }
    );
    let resolution = resolved_conflict.resolution_data.clone().unwrap();
    assert_eq!(resolution["note"], "the desk\nknows");
    assert_eq!(resolution["by"]["key_name"], "desk");
    assert_eq!(again, Ok(CommandOutcome::NotPending(ConflictStatus::Resolved)));
    assert!(
        matches!(&failed, Ok(CommandOutcome::Resolved(conflict)) if conflict.status == ConflictStatus::Failed),
        "{failed:?}"
    );
    let all = ConflictFilter { user_id: "u".into(), ..ConflictFilter::default() };
    let kept = conflict_page(&*store, &all, Position::Offset(0), 10).await.items;
    let statuses: Vec<_> = kept.iter().map(|conflict| conflict.status).collect();
    assert_eq!(statuses, [ConflictStatus::Failed, ConflictStatus::Resolved]);
    assert_eq!(kept[1], resolved_conflict);
    // The profile was never created, but the audit log has an entry about its conflict.
    let [entry] = &audited(&*store, 2).await[..] else { panic!("there is one entry") };
    assert_eq!(entry.action, Action::ResolveConflict);
    assert_eq!(entry.created_at, at(4));
    assert_eq!(entry.old_data, Some(Json::of(&pending).unwrap()));
    assert_eq!(entry.new_data, Some(Json::of(&resolved_conflict).unwrap()));
    let unknown =
        ProfileCommand::ResolveConflict { conflict_id: "conflict_".into(), status: ConflictStatus::Failed, note: None };
    assert_eq!(store.change_profile(&change(unknown, 7)).await, Ok(CommandOutcome::NoConflict));
    store.close().await;
}

pub(crate) async fn profiles_conflicts_and_audit_entries_are_counted(database: &dyn Database) {
    let store = prepared(database).await;
    let empty = store.profile_stats(at(0)).await.unwrap();
    let alerts = |number| Draft { subscription_type: SubscriptionType::Alerts, ..own(number) };
    make(&*store, 1, &ten(0)).await;
    make(&*store, 2, &Draft { expires_at: Some(at(50)), ..own(2) }).await;
    make_for(&*store, 3, "v", &alerts(3)).await;
    make_for(&*store, 4, "v", &Draft { expires_at: Some(at(50)), ..alerts(4) }).await;
    done(store.change_profile(&deactivating(4, 5)).await);
    refused(store.change_profile(&creation(6, "u", &ten(0), FAIL, 2)).await);
    done(store.change_profile(&creation(7, "u", &ten(0), LATEST, 10)).await);
    store.delete_audit_before(at(2), 10).await.unwrap();

    let stats = store.profile_stats(at(49)).await.unwrap();
    let later = store.profile_stats(at(50)).await.unwrap();

    assert_eq!(empty, ProfileStats::default());
    let expected = ProfileStats {
        total_profiles: 5,
        active_profiles: 3,
        profiles_by_type: BTreeMap::from([(SubscriptionType::LiveFeed, 3), (SubscriptionType::Alerts, 2)]),
        total_conflicts: 3,
        pending_conflicts: 2,
        // Four creations, two deactivations, one creation and one resolution, without the first one.
        total_audit_logs: 7,
        last_cleanup: stats.last_cleanup,
    };
    assert_eq!(stats, expected);
    let age = chrono::Utc::now() - stats.last_cleanup.unwrap();
    assert!(age.abs() < chrono::TimeDelta::minutes(10), "{age}");
    assert_eq!(later, ProfileStats { active_profiles: 2, ..expected });
    store.close().await;
}

pub(crate) async fn expired_profiles_are_found_while_they_are_active(database: &dyn Database) {
    let store = prepared(database).await;
    for (number, expires_at) in [(1, None), (2, Some(40)), (3, Some(20)), (4, Some(30)), (5, Some(10)), (6, Some(60))] {
        make(&*store, number, &Draft { expires_at: expires_at.map(at), ..own(number) }).await;
    }
    deactivate(&*store, 5, 7).await;

    assert_eq!(store.expired_profiles(at(19), 10).await, Ok(vec![]));
    assert_eq!(store.expired_profiles(at(20), 10).await, Ok(vec![profile_id(3)]));
    assert_eq!(store.expired_profiles(at(59), 10).await, Ok([3, 4, 2].map(profile_id).to_vec()));
    assert_eq!(store.expired_profiles(at(59), 2).await, Ok([3, 4].map(profile_id).to_vec()));
    store.close().await;
}
