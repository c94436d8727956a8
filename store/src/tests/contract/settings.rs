//! Last good settings.

use chrono::{DateTime, Utc};

use super::{Database, prepared};
use crate::{LastGoodSetting, LastGoodSettings};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_123 + seconds * 1000).unwrap()
}

fn last_good(settings: &[(&str, Option<&str>, i64)]) -> LastGoodSettings {
    let one = |(key, value, seconds): &(&str, Option<&str>, i64)| {
        ((*key).to_owned(), LastGoodSetting { value: value.map(str::to_owned), said_at: at(*seconds) })
    };
    settings.iter().map(one).collect()
}

pub(crate) async fn no_last_good_settings_exist_before_the_first_save(database: &dyn Database) {
    let store = prepared(database).await;

    assert_eq!(store.last_good().await, Ok(last_good(&[])));
    assert_eq!(store.save_last_good(&last_good(&[])).await, Ok(()));
    assert_eq!(store.last_good().await, Ok(last_good(&[])));
    store.close().await;
}

pub(crate) async fn the_later_value_of_each_setting_is_kept(database: &dyn Database) {
    let store = prepared(database).await;
    store
        .save_last_good(&last_good(&[("A", Some("1"), 5), ("B", Some("₹ 'two'"), 5), ("C", Some("3"), 5)]))
        .await
        .unwrap();

    let later = last_good(&[("A", None, 6), ("C", Some("2"), 4), ("D", None, 1), ("E", Some(""), 1)]);
    store.save_last_good(&later).await.unwrap();
    store.close().await;
    let reopened = prepared(database).await;

    // Other keys are kept, because another release may know them.
    let expected = last_good(&[
        ("A", None, 6),
        ("B", Some("₹ 'two'"), 5),
        ("C", Some("3"), 5),
        ("D", None, 1),
        ("E", Some(""), 1),
    ]);
    assert_eq!(reopened.last_good().await, Ok(expected));
    reopened.close().await;
}

pub(crate) async fn replicas_may_save_last_good_settings_at_the_same_time(database: &dyn Database) {
    let store = prepared(database).await;

    let saving = [4, 2, 3, 1].map(|n| {
        let store = std::sync::Arc::clone(&store);
        let value = n.to_string();
        let settings = last_good(&[("A", Some(&value), n), ("B", Some(&value), n), ("C", None, n)]);
        tokio::spawn(async move { store.save_last_good(&settings).await })
    });
    for saved in saving {
        saved.await.unwrap().unwrap();
    }

    assert_eq!(store.last_good().await, Ok(last_good(&[("A", Some("4"), 4), ("B", Some("4"), 4), ("C", None, 4)])));
    store.close().await;
}
