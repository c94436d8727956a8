//! Lists whose rows contain documents, in portions.

use registry_planning::profile::{Draft, Profile};
use serde_json::json;

use super::profiles::{
    FAIL, creation, deactivate, done, draft, make, make_for, named, own, profile_id, refused, rows, update,
};
use super::{Database, prepared};
use crate::paging::{Portion, PortionLimit, RowOutline};
use crate::profiles::{ConflictFilter, ProfileFilter, ProfileSummary};
use crate::{Position, StoreError};

const START: &Position = &Position::Offset(0);
const NOTE_BYTES: u64 = 4000;

/// Returns the content of profile `number` with preferences of somewhat more than [`NOTE_BYTES`].
fn noted(number: u32) -> Draft {
    let note = "n".repeat(usize::try_from(NOTE_BYTES).unwrap());
    Draft { preferences: json!({ "note": note }).as_object().unwrap().clone().into(), ..own(number) }
}

/// Returns a limit that two documents with one note each do not exceed, but three do.
const fn two_notes(rows: u32) -> PortionLimit {
    PortionLimit { rows, bytes: 3 * NOTE_BYTES - 1 }
}

/// Returns the keys of the page that were not read.
fn rest<T>(portion: &Portion<T>) -> Vec<String> {
    portion.outline.items[portion.read..].iter().map(|row| row.key.clone()).collect()
}

fn keys(outline: &[RowOutline]) -> Vec<&str> {
    outline.iter().map(|row| row.key.as_str()).collect()
}

pub(crate) async fn a_list_of_profiles_reads_no_documents(database: &dyn Database) {
    let store = prepared(database).await;
    let made = make(&*store, 1, &noted(1)).await;
    // JSON, but neither preferences nor rules.
    let broken = "update subscription_profiles set preferences = '7', validation_rules = '7'";
    assert_eq!(database.attempt(broken).await, Ok(1));

    let page = store.profiles(&ProfileFilter::default(), START, 10).await.unwrap();

    assert_eq!(page.items, [ProfileSummary::from(&made)]);
    let read = store.profile(&profile_id(1)).await;
    assert!(matches!(read, Err(StoreError::Data(_))), "{read:?}");
    store.close().await;
}

pub(crate) async fn whole_profiles_are_read_in_portions(database: &dyn Database) {
    let store = prepared(database).await;
    let mut made: Vec<Profile> = Vec::new();
    for number in 1..=5 {
        made.insert(0, make(&*store, number, &noted(number)).await);
    }
    make_for(&*store, 6, "other", &own(6)).await;
    let filter = ProfileFilter { user_id: Some("u".into()), is_active: Some(true), ..ProfileFilter::default() };

    let portion = store.whole_profiles(&filter, START, two_notes(4)).await.unwrap();
    let rest = rest(&portion);
    // A row of the page stays one, even if it does not match the filter any more.
    let changed = deactivate(&*store, 2, 10).await;
    let others = [&rest[..], &[profile_id(6), profile_id(7)]].concat();
    let others = store.whole_profiles_of(&filter, &others).await.unwrap();

    assert_eq!(keys(&portion.outline.items), [5, 4, 3, 2].map(profile_id));
    assert!(portion.outline.items.iter().all(|row| (NOTE_BYTES..NOTE_BYTES + 100).contains(&row.bytes)), "{portion:?}");
    assert_eq!(portion.outline.total, 5);
    assert!(portion.outline.has_next);
    let read: Vec<Profile> = portion.rows.into_iter().chain(others).map(|stored| stored.parse().unwrap()).collect();
    assert_eq!(read, [made[0].clone(), made[1].clone(), made[2].clone(), changed]);
    store.close().await;
}

pub(crate) async fn a_row_above_the_limit_is_a_portion(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &noted(1)).await;
    make(&*store, 2, &noted(2)).await;
    let limit = PortionLimit { rows: 10, bytes: 1 };

    let first = store.whole_profiles(&ProfileFilter::default(), START, limit).await.unwrap();
    let second = store.whole_profiles(&ProfileFilter::default(), &Position::After(profile_id(2)), limit).await.unwrap();
    let none = store.whole_profiles(&ProfileFilter::default(), &Position::After(profile_id(1)), limit).await.unwrap();

    assert_eq!(first.read, 1);
    assert_eq!(first.rows[0].profile_id, profile_id(2));
    assert_eq!(rest(&first), [profile_id(1)]);
    assert_eq!(second.rows[0].profile_id, profile_id(1));
    assert_eq!(rest(&second), [""; 0]);
    assert_eq!(none.read, 0);
    assert_eq!(none.outline.total, 2);
    store.close().await;
}

pub(crate) async fn versions_and_audit_entries_are_read_in_portions(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &noted(1)).await;
    make(&*store, 2, &own(2)).await;
    // From ten on, the orders of texts and of numbers differ.
    for second in 2..=11 {
        done(store.change_profile(&update(1, None, &named(&format!("name {second}")), second)).await);
    }
    done(store.change_profile(&update(2, None, &named("other"), 12)).await);
    let id = profile_id(1);

    let versions = store.profile_versions(&id, START, two_notes(10)).await.unwrap();
    let more_versions = store.profile_versions_of(&id, &rest(&versions)).await.unwrap();
    let entries = store.audit_entries(&id, START, PortionLimit { rows: 20, bytes: 5 * NOTE_BYTES - 1 }).await.unwrap();
    let mut more_entries = rest(&entries);
    // Neither an entry of another profile nor one that does not exist is read.
    let of_other = store.audit_entries(&profile_id(2), START, rows(1)).await.unwrap().outline.items;
    more_entries.extend([of_other[0].key.clone(), "1000000".to_owned()]);
    let more_entries = store.audit_entries_of(&id, &more_entries).await.unwrap();

    assert_eq!(versions.read, 2);
    assert_eq!(keys(&versions.outline.items), ["11", "10", "9", "8", "7", "6", "5", "4", "3", "2"]);
    assert!(versions.outline.has_next);
    let read = versions.rows.iter().chain(&more_versions).map(|version| version.profile().unwrap().version);
    assert_eq!(read.collect::<Vec<_>>(), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    // An entry has the old and the new state.
    assert_eq!(entries.read, 2);
    let read = entries.rows.iter().chain(&more_entries).map(|entry| entry.entry.correlation_id.as_str());
    assert_eq!(read.collect::<Vec<_>>(), ["c11", "c10", "c9", "c8", "c7", "c6", "c5", "c4", "c3", "c2", "c1"]);
    store.close().await;
}

pub(crate) async fn conflicts_are_read_in_portions(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &draft(&["NSE:A"])).await;
    for number in 2..=4 {
        refused(store.change_profile(&creation(number, "u", &own(number), FAIL, 1)).await);
    }
    refused(store.change_profile(&creation(5, "v", &own(5), FAIL, 0)).await);
    let filter = |user: &str| ConflictFilter { user_id: user.into(), ..ConflictFilter::default() };
    let of_other = store.conflicts(&filter("v"), START, rows(1)).await.unwrap().outline.items;

    let portion = store.conflicts(&filter("u"), START, PortionLimit { rows: 10, bytes: 1 }).await.unwrap();
    let mut rest = rest(&portion);
    rest.push(of_other[0].key.clone());
    let more = store.conflicts_of(&filter("u"), &rest).await.unwrap();

    assert_eq!(portion.read, 1);
    let read = portion.rows.iter().chain(&more).map(|conflict| conflict.profile_id.clone());
    assert_eq!(read.collect::<Vec<_>>(), [4, 3, 2].map(profile_id));
    store.close().await;
}
