//! What a store keeps of the settings.

use std::collections::BTreeMap;

use super::{Database, prepared};
use crate::persistence::LastGoodChange;

fn change(changes: &[(&'static str, Option<&str>)]) -> LastGoodChange {
    changes.iter().map(|(key, value)| (*key, value.map(str::to_owned))).collect()
}

fn kept(values: &[(&str, &str)]) -> BTreeMap<String, String> {
    values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(in super::super) async fn without_a_save_there_are_no_last_good_settings(database: &dyn Database) {
    let store = prepared(database).await;

    assert_eq!(store.last_good().await, Ok(BTreeMap::new()));
    assert_eq!(store.save_last_good(&change(&[])).await, Ok(()));
    assert_eq!(store.last_good().await, Ok(BTreeMap::new()));
    store.close().await;
}

pub(in super::super) async fn last_good_settings_are_kept_replaced_and_deleted_by_key(database: &dyn Database) {
    let store = prepared(database).await;
    store.save_last_good(&change(&[("A", Some("1")), ("B", Some("₹ 'two'")), ("C", Some("3"))])).await.unwrap();

    store.save_last_good(&change(&[("A", None), ("C", Some("4")), ("D", None), ("E", Some(""))])).await.unwrap();
    store.close().await;
    let reopened = prepared(database).await;

    // A key that is not named stays: another release may know it.
    assert_eq!(reopened.last_good().await, Ok(kept(&[("B", "₹ 'two'"), ("C", "4"), ("E", "")])));
    reopened.close().await;
}

pub(in super::super) async fn replicas_may_save_last_good_settings_at_the_same_time(database: &dyn Database) {
    let store = prepared(database).await;
    let values = ["1", "2", "3", "4"];

    let saving = values.map(|value| {
        let store = std::sync::Arc::clone(&store);
        let change = change(&[("A", Some(value)), ("B", Some(value)), ("C", None)]);
        tokio::spawn(async move { store.save_last_good(&change).await })
    });
    for saved in saving {
        saved.await.unwrap().unwrap();
    }

    let last_good = store.last_good().await.unwrap();
    assert_eq!(last_good["A"], last_good["B"]);
    assert!(values.contains(&last_good["A"].as_str()) && last_good.len() == 2, "{last_good:?}");
    store.close().await;
}
