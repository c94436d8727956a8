//! Reads and lists of profiles.

use chrono::{DateTime, Utc};
use registry_planning::json::Document;
use registry_planning::profile::{ConflictStatus, ConflictType, Draft, Profile, ProfilePolicy, Rules, Strategy};
use registry_planning::vocabulary::{Exchange, InstrumentType, SubscriptionType};
use serde_json::value::RawValue;

use super::{Database, prepared, seconds, t0};
use crate::paging::{Page, Portion, PortionLimit};
use crate::profiles::{
    Actor, AuditEntry, Change, CommandOutcome, Conflict, ConflictFilter, Done, IfVersion, NewEntry, Patch,
    ProfileCommand, ProfileContext, ProfileFilter, ProfileSummary,
};
use crate::testing::catalogue;
use crate::{COUNT_MAX, Position, Store, StoreError};

pub(crate) const LATEST: Strategy = Strategy::LatestWins;
pub(super) const MERGE: Strategy = Strategy::Merge;
pub(crate) const FAIL: Strategy = Strategy::FailOnConflict;

pub(super) fn at(second: i64) -> DateTime<Utc> {
    t0() + seconds(second)
}

pub(crate) fn profile_id(number: u32) -> String {
    format!("profile_{number:032x}")
}

pub(crate) fn draft(keys: &[&str]) -> Draft {
    Draft {
        profile_name: "Opening".into(),
        subscription_type: SubscriptionType::LiveFeed,
        instruments: keys.iter().collect(),
        preferences: Document::default(),
        validation_rules: Rules::default(),
        max_instruments: None,
        expires_at: None,
    }
}

/// Returns content with ten keys from `NSE:S<first>` on.
pub(super) fn ten(first: usize) -> Draft {
    Draft { instruments: (first..first + 10).map(|number| format!("NSE:S{number}")).collect(), ..draft(&[]) }
}

/// Returns the content of profile `number`, which has no instrument in common with others.
pub(crate) fn own(number: u32) -> Draft {
    draft(&[&format!("NSE:OWN{number}")])
}

pub(super) fn profile_context(strategy: Strategy, profiles_max: u32) -> ProfileContext {
    let policy = ProfilePolicy { strategy, profiles_max, is_strict: false };
    ProfileContext { policy, catalogue: catalogue(), today: "2026-11-24".parse().unwrap() }
}

pub(super) fn actor() -> Actor {
    Actor {
        user_id: None,
        key_name: "desk".into(),
        address: Some("192.0.2.7".into()),
        user_agent: Some("a \"test\" \u{1f680}".into()),
    }
}

/// Returns a change `second` seconds after the first moment.
pub(crate) fn change(command: ProfileCommand, second: i64) -> Change {
    Change { command, actor: actor(), correlation_id: format!("c{second}"), now: at(second), claim: None }
}

/// Returns the creation of profile `number`, `number` seconds after the first moment.
pub(crate) fn creation(number: u32, user: &str, draft: &Draft, strategy: Strategy, maximum: u32) -> Change {
    let command = ProfileCommand::Create {
        profile_id: profile_id(number),
        user_id: user.into(),
        draft: draft.clone(),
        profile_context: profile_context(strategy, maximum),
    };
    change(command, number.into())
}

pub(crate) fn done(changed: Result<CommandOutcome, StoreError>) -> Done {
    match changed {
        Ok(CommandOutcome::Done(done)) => *done,
        other => panic!("{other:?}"),
    }
}

/// Creates profile `number` of the user `u` with a high maximum.
pub(crate) async fn make(store: &dyn Store, number: u32, draft: &Draft) -> Profile {
    make_for(store, number, "u", draft).await
}

pub(super) async fn make_for(store: &dyn Store, number: u32, user: &str, draft: &Draft) -> Profile {
    let Done { profile, conflicts, .. } =
        done(store.change_profile(&creation(number, user, draft, Strategy::FailOnConflict, 1000)).await);
    assert_eq!(conflicts, []);
    profile
}

pub(super) async fn deactivate(store: &dyn Store, number: u32, second: i64) -> Profile {
    let command = ProfileCommand::Deactivate { profile_id: profile_id(number), if_version: None };
    done(store.change_profile(&change(command, second)).await).profile
}

pub(super) fn refused(changed: Result<CommandOutcome, StoreError>) -> Vec<Conflict> {
    match changed {
        Ok(CommandOutcome::Refused(conflicts)) => conflicts,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn update(number: u32, if_version: Option<&[u32]>, patch: &Patch, second: i64) -> Change {
    let command = ProfileCommand::Update {
        profile_id: profile_id(number),
        if_version: if_version.map(|versions| IfVersion(versions.to_vec())),
        patch: patch.clone(),
        profile_context: profile_context(FAIL, 1000),
    };
    change(command, second)
}

pub(super) fn restoring(number: u32, version: u32, second: i64) -> Change {
    let profile_context = profile_context(FAIL, 1000);
    change(
        ProfileCommand::Restore { profile_id: profile_id(number), if_version: None, version, profile_context },
        second,
    )
}

pub(super) fn activating(number: u32, strategy: Strategy, maximum: u32, second: i64) -> Change {
    let profile_context = profile_context(strategy, maximum);
    change(
        ProfileCommand::Activate {
            profile_id: profile_id(number),
            if_version: None,
            expires_at: None,
            profile_context,
        },
        second,
    )
}

pub(super) fn deactivating(number: u32, second: i64) -> Change {
    change(ProfileCommand::Deactivate { profile_id: profile_id(number), if_version: None }, second)
}

pub(super) fn expiring(number: u32, second: i64) -> Change {
    Change { actor: Actor::system(), ..change(ProfileCommand::Expire { profile_id: profile_id(number) }, second) }
}

pub(super) fn named(name: &str) -> Patch {
    Patch { profile_name: Some(name.into()), ..Patch::default() }
}

pub(super) async fn profile(store: &dyn Store, number: u32) -> Profile {
    store.profile(&profile_id(number)).await.unwrap().unwrap()
}

/// Reads all conflicts of the user `u`, oldest first.
pub(super) async fn conflicts(store: &dyn Store) -> Vec<Conflict> {
    let filter = ConflictFilter { user_id: "u".into(), ..ConflictFilter::default() };
    let mut conflicts = conflict_page(store, &filter, Position::Offset(0), 100).await.items;
    conflicts.reverse();
    conflicts
}

/// Returns the limit of a page of any size.
pub(crate) const fn rows(rows: u32) -> PortionLimit {
    PortionLimit { rows, bytes: u64::MAX }
}

/// Returns a page that was read completely.
pub(super) fn whole<T, R>(portion: Portion<T>, parse: impl FnMut(T) -> R) -> Page<R> {
    let Portion { outline: Page { items, total, total_is_lower_bound, has_next }, rows, read } = portion;
    assert_eq!(read, items.len());
    Page { items: rows.into_iter().map(parse).collect(), total, total_is_lower_bound, has_next }
}

pub(super) fn parsed<T: serde::de::DeserializeOwned>(json: &RawValue) -> T {
    serde_json::from_str(json.get()).unwrap()
}

pub(super) async fn conflict_page(
    store: &dyn Store,
    filter: &ConflictFilter,
    position: Position,
    limit: u32,
) -> Page<Conflict> {
    let portion = store.conflicts(filter, &position, rows(limit)).await.unwrap();
    whole(portion, |conflict| Conflict {
        conflict_id: conflict.conflict_id,
        profile_id: conflict.profile_id,
        user_id: conflict.user_id,
        conflict_type: conflict.conflict_type,
        conflict_data: parsed(&conflict.conflict_data),
        status: conflict.status,
        resolution_strategy: conflict.resolution_strategy,
        resolution_data: conflict.resolution_data.as_deref().map(parsed),
        created_at: conflict.created_at,
        resolved_at: conflict.resolved_at,
    })
}

/// An entry of the audit log with parsed states.
#[derive(Debug, PartialEq)]
pub(super) struct ParsedEntry {
    pub(super) audit_id: i64,
    pub(super) entry: NewEntry,
}

pub(super) async fn audit_page(store: &dyn Store, number: u32, position: Position, limit: u32) -> Page<ParsedEntry> {
    let portion = store.audit_entries(&profile_id(number), &position, rows(limit)).await.unwrap();
    whole(portion, |AuditEntry { audit_id, entry }| ParsedEntry {
        audit_id,
        entry: NewEntry {
            profile_id: entry.profile_id,
            user_id: entry.user_id,
            action: entry.action,
            actor: entry.actor,
            old_data: entry.old_data.as_deref().map(parsed),
            new_data: entry.new_data.as_deref().map(parsed),
            correlation_id: entry.correlation_id,
            created_at: entry.created_at,
        },
    })
}

pub(crate) async fn audited(store: &dyn Store, number: u32) -> Vec<NewEntry> {
    let page = audit_page(store, number, Position::Offset(0), 100).await;
    page.items.into_iter().map(|entry| entry.entry).collect()
}

/// Returns the type, the status and the resolution of each conflict.
pub(super) fn resolutions_of(conflicts: &[Conflict]) -> Vec<(ConflictType, ConflictStatus, Option<&str>)> {
    conflicts
        .iter()
        .map(|conflict| (conflict.conflict_type, conflict.status, conflict.resolution_strategy.as_deref()))
        .collect()
}

/// Reads the numbers of the user's active profiles, newest first.
pub(crate) async fn active(store: &dyn Store, user: &str) -> Vec<u32> {
    let filter = ProfileFilter { user_id: Some(user.into()), is_active: Some(true), ..ProfileFilter::default() };
    numbers(&page(store, &filter, Position::Offset(0), 100).await)
}

async fn page(store: &dyn Store, filter: &ProfileFilter, position: Position, limit: u32) -> Page<ProfileSummary> {
    store.profiles(filter, &position, limit).await.unwrap()
}

fn numbers(page: &Page<ProfileSummary>) -> Vec<u32> {
    let number = |profile: &ProfileSummary| u32::from_str_radix(&profile.profile_id["profile_".len()..], 16).unwrap();
    page.items.iter().map(number).collect()
}

pub(crate) async fn a_profile_reads_back_equal_in_every_field(database: &dyn Database) {
    let draft = Draft {
        profile_name: "नमस्ते — \u{202e}\"x\" 'y'\t\u{1F4C8}; drop table subscription_profiles".into(),
        subscription_type: SubscriptionType::Historical,
        preferences: Document::parse(
            r#"{"optimization_level":"low","deep":[{"a":null,"b\u0000":"\u0000"}],"n":[0.10,1e400,-0,12345678901234567890123]}"#,
        )
        .unwrap(),
        validation_rules: Rules {
            allowed_exchanges: Some(vec![Exchange::Nse]),
            allowed_types: Some(vec![InstrumentType::Equity, InstrumentType::Put]),
            max_per_underlying: Some(3),
            require_active: Some(true),
            min_days_to_expiry: Some(0),
        },
        max_instruments: Some(2000),
        expires_at: Some(at(3600)),
        ..draft(&["NSE:TCS", "NSE:INFY", "NSE:TCS"])
    };
    let store = prepared(database).await;

    let made = make_for(&*store, 1, "ना'\"\\user", &draft).await;
    let bare = make(&*store, 2, &self::draft(&["{\\,\"}", "NSE:NULL"])).await;
    store.close().await;
    let reopened = prepared(database).await;

    let expected = Profile {
        profile_id: profile_id(1),
        user_id: "ना'\"\\user".into(),
        // Repeated keys are removed.
        draft: Draft { instruments: ["NSE:TCS", "NSE:INFY"].iter().collect(), ..draft },
        is_active: true,
        version: 1,
        created_at: at(1),
        updated_at: at(1),
    };
    assert_eq!(made, expected);
    assert_eq!(reopened.profile(&profile_id(1)).await, Ok(Some(expected.clone())));
    assert_eq!(reopened.profile(&profile_id(2)).await, Ok(Some(bare.clone())));
    let ids = [profile_id(1), profile_id(2)];
    let stored = reopened.whole_profiles_of(&ProfileFilter::default(), &ids).await.unwrap();
    let written = stored.iter().map(|stored| serde_json::to_string(&stored.draft).unwrap());
    let expected_drafts =
        [serde_json::to_string(&bare.draft).unwrap(), serde_json::to_string(&expected.draft).unwrap()];
    assert_eq!(written.collect::<Vec<_>>(), expected_drafts);
    reopened.close().await;
}

pub(crate) async fn an_unknown_id_has_no_profile(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &own(1)).await;

    for id in ["", "profile_", &profile_id(2), "' or 1=1 --", "a\0b"] {
        assert_eq!(store.profile(id).await, Ok(None), "{id}");
    }
    store.close().await;
}

pub(crate) async fn filters_of_profiles_work_alone_and_together(database: &dyn Database) {
    let store = prepared(database).await;
    let alerts = |number| Draft { subscription_type: SubscriptionType::Alerts, ..own(number) };
    for (number, user, draft) in
        [(1, "a", own(1)), (2, "a", alerts(2)), (3, "a", alerts(3)), (4, "b", alerts(4)), (5, "%", own(5))]
    {
        make_for(&*store, number, user, &draft).await;
    }
    deactivate(&*store, 3, 10).await;
    deactivate(&*store, 5, 10).await;

    let user = |user: &str| ProfileFilter { user_id: Some(user.into()), ..ProfileFilter::default() };
    let kind = Some(SubscriptionType::Alerts);
    let cases = [
        (ProfileFilter::default(), vec![5, 4, 3, 2, 1]),
        (user("a"), vec![3, 2, 1]),
        (user("%"), vec![5]),
        (user("A"), vec![]),
        (ProfileFilter { subscription_type: kind, ..ProfileFilter::default() }, vec![4, 3, 2]),
        (ProfileFilter { is_active: Some(true), ..ProfileFilter::default() }, vec![4, 2, 1]),
        (ProfileFilter { is_active: Some(false), ..ProfileFilter::default() }, vec![5, 3]),
        (ProfileFilter { is_active: Some(false), ..user("a") }, vec![3]),
        (ProfileFilter { subscription_type: kind, is_active: Some(true), ..user("a") }, vec![2]),
    ];

    for (filter, expected) in cases {
        let page = page(&*store, &filter, Position::Offset(0), 10).await;

        assert_eq!(numbers(&page), expected, "{filter:?}");
        let shape = (page.total, page.total_is_lower_bound, page.has_next);
        assert_eq!(shape, (expected.len() as u64, false, false), "{filter:?}");
        let whole = store.whole_profiles(&filter, &Position::Offset(0), rows(10)).await.unwrap();
        for (summary, stored) in page.items.iter().zip(whole.rows) {
            let profile = store.profile(&summary.profile_id).await.unwrap().unwrap();
            assert_eq!(*summary, ProfileSummary::from(&profile));
            assert_eq!(stored.parse().unwrap(), profile);
        }
    }
    store.close().await;
}

pub(crate) async fn pages_visit_each_profile_once_while_new_ones_arrive(database: &dyn Database) {
    let store = prepared(database).await;
    for number in 1..=10 {
        make(&*store, number, &own(number)).await;
    }
    let all = ProfileFilter::default();

    let mut shapes = Vec::new();
    let mut by_offset = Vec::new();
    for offset in [0, 4, 8, 12] {
        let page = page(&*store, &all, Position::Offset(offset), 4).await;
        shapes.push((page.items.len(), page.total, page.has_next));
        by_offset.extend(numbers(&page));
    }
    let mut by_cursor = Vec::new();
    let mut page = page(&*store, &all, Position::Offset(0), 3).await;
    for newer in 100.. {
        by_cursor.extend(numbers(&page));
        if !page.has_next {
            break;
        }
        make(&*store, newer, &own(newer)).await;
        page = self::page(&*store, &all, Position::After(profile_id(*by_cursor.last().unwrap())), 3).await;
    }

    assert_eq!(shapes, [(4, 10, true), (4, 10, true), (2, 10, false), (0, 10, false)]);
    let expected: Vec<u32> = (1..=10).rev().collect();
    assert_eq!(by_offset, expected);
    assert_eq!(by_cursor, expected);
    // A page that is exactly full is the last one. The total does not depend on the start of the page.
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.total, 13);
    assert!(!self::page(&*store, &all, Position::After(profile_id(4)), 3).await.has_next);
    assert_eq!(self::page(&*store, &all, Position::Offset(u64::MAX), 3).await.items, []);
    store.close().await;
}

pub(crate) async fn the_total_of_profiles_is_exact_up_to_its_maximum(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &own(1)).await;
    let copies = |from: u64, to: u64| {
        format!(
            "insert into subscription_profiles
            with recursive n (i) as (select {from} union all select i + 1 from n where i < {to})
            select 'profile_x' || i, user_id, profile_name, subscription_type, instruments, instrument_count, preferences,
                validation_rules, max_instruments, is_active, version, created_at, updated_at, expires_at
            from subscription_profiles, n
            where profile_id = '{}'",
            profile_id(1)
        )
    };

    assert_eq!(database.attempt(&copies(2, COUNT_MAX)).await, Ok(COUNT_MAX - 1));
    let at_maximum = page(&*store, &ProfileFilter::default(), Position::Offset(0), 1).await;
    assert_eq!(database.attempt(&copies(COUNT_MAX + 1, COUNT_MAX + 1)).await, Ok(1));
    let above = page(&*store, &ProfileFilter::default(), Position::Offset(0), 1).await;

    assert_eq!(at_maximum.total, COUNT_MAX);
    assert!(!at_maximum.total_is_lower_bound);
    assert_eq!(above.total, COUNT_MAX);
    assert!(above.total_is_lower_bound);
    assert!(above.has_next);
    store.close().await;
}
