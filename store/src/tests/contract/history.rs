//! Versions with their changes, and rejected files.

use registry_planning::dump::Row;
use registry_planning::ingest::QuarantinedRow;
use registry_planning::ingest::archive::Kept;
use registry_planning::ingest::diff::ChangeKind;
use registry_planning::ingest::gate::GateFault;
use registry_planning::vocabulary::Broker;

use super::catalogue::{accept, catalogue, compared_load, offer_of, shares, tuesday};
use super::{Database, prepared, seconds, t0};
use crate::{ARCHIVES_KEPT, LoadSummary, RejectedFile, RejectedFileRecord, Store, StoreError, StoredFault};

fn fault(gate: &'static str) -> GateFault {
    GateFault { gate, detail: "fault injected by a test".into() }
}

async fn numbers(store: &dyn Store, before: Option<i64>, limit: u32) -> Vec<i64> {
    store.versions(before, limit).await.unwrap().into_iter().map(|load| load.version).collect()
}

pub(crate) async fn a_load_is_rejected_if_another_one_came_first(database: &dyn Database) {
    let store = prepared(database).await;
    accept(&*store, Broker::Kite, &shares()).await;
    let early = compared_load(&*store, offer_of(Broker::Kite, shares()[..1].to_vec())).await;
    let first = compared_load(&*store, offer_of(Broker::Upstox, shares().to_vec())).await;

    // A load of another broker does not conflict.
    accept(&*store, Broker::Upstox, &shares()).await;
    accept(&*store, Broker::Kite, &shares()[..2]).await;
    let before = catalogue(&*store).await;

    assert_eq!(store.accept_load(&early).await, Err(StoreError::Overtaken));
    assert_eq!(store.accept_load(&first).await, Err(StoreError::Overtaken));
    let after = catalogue(&*store).await;
    assert_eq!(after.version(), before.version());
    assert_eq!(after.content_hash(), before.content_hash());
    let again = compared_load(&*store, early.offer).await;
    assert!(store.accept_load(&again).await.is_ok());
}

pub(crate) async fn the_last_load_includes_removed_instruments(database: &dyn Database) {
    let store = prepared(database).await;
    let none = store.last_load(Broker::Kite).await;
    accept(&*store, Broker::Kite, &shares()).await;
    let version = accept(&*store, Broker::Kite, &shares()[..1]).await;
    accept(&*store, Broker::Upstox, &shares()[1..]).await;

    let last = store.last_load(Broker::Kite).await.unwrap().unwrap();

    assert!(none.unwrap().is_none());
    assert_eq!(last.version, version);
    assert_eq!(last.file_date, Some(tuesday()));
    let next = [shares()[0].clone()];
    assert_eq!(last.file(&next).unwrap().rows, [Kept::Same(&next[0])]);
    let state = last.instruments.state().unwrap();
    let active: Vec<_> = state.rows().iter().map(|row| (row.row.symbol.as_str(), row.is_active)).collect();
    assert_eq!(active, [("TCS", false), ("INFY", false), ("TCS", true)]);
}

pub(crate) async fn versions_are_listed_newest_first_with_all_fields(database: &dyn Database) {
    let store = prepared(database).await;
    let mut versions = vec![accept(&*store, Broker::Kite, &shares()).await];
    let mut forced = compared_load(&*store, offer_of(Broker::Kite, shares()[..2].to_vec())).await;
    forced.overruled = vec![fault("rows")];
    forced.warnings = vec![fault("segments")];
    versions.push(store.accept_load(&forced).await.unwrap());
    versions.push(accept(&*store, Broker::Upstox, &shares()[..1]).await);
    versions.reverse();

    let listed = store.versions(None, 10).await.unwrap();

    assert_eq!(listed.iter().map(|load| load.version).collect::<Vec<_>>(), versions);
    assert_eq!(
        listed[1],
        LoadSummary {
            version: versions[1],
            broker: Broker::Kite,
            source: "a test".into(),
            file_date: Some(tuesday()),
            content_hash: "05".repeat(32),
            loaded_at: t0(),
            instruments: 2,
            rows_read: 8,
            rejected: [("fault injected by a test".to_owned(), 3)].into(),
            skipped: [("not carried".to_owned(), 2)].into(),
            duplicates: 1,
            diff_counts: Some([("removed".to_owned(), 1)].into()),
            overruled: vec![StoredFault { gate: "rows".into(), detail: "fault injected by a test".into() }],
            warnings: vec![StoredFault { gate: "segments".into(), detail: "fault injected by a test".into() }],
        }
    );
    assert_eq!(listed[0].warnings, []);
    assert_eq!(listed[0].diff_counts, Some([("added".to_owned(), 1)].into()));
    assert_eq!(numbers(&*store, None, 2).await, versions[..2]);
    assert_eq!(numbers(&*store, Some(versions[1]), 2).await, versions[2..]);
    assert_eq!(numbers(&*store, Some(versions[2]), 2).await, [0; 0]);
}

pub(crate) async fn a_diff_is_filtered_by_kind_and_limit(database: &dyn Database) {
    let store = prepared(database).await;
    accept(&*store, Broker::Kite, &shares()).await;
    let changed: Vec<Row> = shares()[..2].iter().map(|row| Row { lot_size: 7, ..row.clone() }).collect();
    let version = accept(&*store, Broker::Kite, &changed).await;
    let changes = async |kind, limit| -> Vec<String> {
        let diff = store.diff(version, kind, limit).await.unwrap().unwrap();
        diff.changes.unwrap().iter().map(|c| format!("{} {} {}", c.kind.as_str(), c.key, c.after)).collect()
    };

    assert_eq!(changes(None, 10).await, ["removed BSE:TCS ", "lot_changed NSE:INFY 7", "lot_changed NSE:TCS 7"]);
    assert_eq!(changes(None, 1).await, ["removed BSE:TCS "]);
    assert_eq!(changes(Some(ChangeKind::LotChanged), 1).await, ["lot_changed NSE:INFY 7"]);
    assert_eq!(changes(Some(ChangeKind::Added), 10).await, [""; 0]);
    let summary = store.diff(version, None, 1).await.unwrap().unwrap().load;
    assert_eq!(summary, store.versions(None, 1).await.unwrap()[0]);
    assert_eq!(store.diff(version + 1, None, 10).await, Ok(None));
}

pub(crate) async fn five_archives_and_all_diffs_are_kept(database: &dyn Database) {
    let store = prepared(database).await;
    accept(&*store, Broker::Upstox, &shares()).await;

    let mut versions = Vec::new();
    for round in 0..7 {
        let row = Row { lot_size: round + 1, ..shares()[0].clone() };
        versions.push(accept(&*store, Broker::Kite, &[row]).await);
    }

    assert_eq!(database.archives().await, ARCHIVES_KEPT + 1, "the other broker's too");
    for version in versions {
        assert_eq!(store.diff(version, None, 10).await.unwrap().unwrap().changes.unwrap().len(), 1);
    }
}

pub(crate) async fn a_rejection_is_listed_until_the_next_accepted_load(database: &dyn Database) {
    let store = prepared(database).await;
    accept(&*store, Broker::Kite, &shares()).await;
    let rejected = |broker, number| RejectedFileRecord {
        broker,
        source: format!("file {number}"),
        rejected_at: t0() + seconds(number),
        faults: vec![fault("rows"), fault("lots")],
        quarantine: vec![QuarantinedRow {
            line: 2,
            member: None,
            reason: "fault injected by a test",
            text: "₹".repeat(1000),
        }],
    };
    let sources =
        async || -> Vec<String> { store.rejected_files().await.unwrap().into_iter().map(|file| file.source).collect() };

    assert_eq!(store.rejected_files().await, Ok(vec![]));
    for (broker, number) in [(Broker::Kite, 1), (Broker::Upstox, 2), (Broker::Kite, 3)] {
        store.reject_load(&rejected(broker, number)).await.unwrap();
    }
    let rejected_files = store.rejected_files().await.unwrap();
    accept(&*store, Broker::Kite, &shares()).await;
    let of_upstox = sources().await;
    accept(&*store, Broker::Upstox, &shares()).await;
    let none = sources().await;
    store.reject_load(&rejected(Broker::Upstox, 4)).await.unwrap();

    let stored = |gate: &str| StoredFault { gate: gate.into(), detail: "fault injected by a test".into() };
    assert_eq!(
        rejected_files[0],
        RejectedFile {
            rejection_id: rejected_files[0].rejection_id,
            broker: Broker::Kite,
            source: "file 3".into(),
            rejected_at: t0() + seconds(3),
            faults: vec![stored("rows"), stored("lots")],
        }
    );
    assert!(rejected_files.is_sorted_by(|a, b| a.rejection_id > b.rejection_id));
    assert_eq!(rejected_files.iter().map(|file| &file.source).collect::<Vec<_>>(), ["file 3", "file 2", "file 1"]);
    assert_eq!(of_upstox, ["file 2"]);
    assert!(none.is_empty());
    assert_eq!(sources().await, ["file 4"]);
}

pub(crate) async fn a_hundred_rejections_per_broker_are_kept(database: &dyn Database) {
    let store = prepared(database).await;
    for number in 0..105 {
        let (faults, quarantine) = (vec![fault("rows")], vec![]);
        let (broker, source) = (Broker::Kite, format!("file {number}"));
        store.reject_load(&RejectedFileRecord { broker, source, rejected_at: t0(), faults, quarantine }).await.unwrap();
    }

    let rejected_files = store.rejected_files().await.unwrap();

    assert_eq!(rejected_files.len(), 100);
    assert_eq!(rejected_files[0].source, "file 104");
    assert_eq!(rejected_files[99].source, "file 5");
}

pub(crate) async fn rejections_of_one_broker_are_dismissed(database: &dyn Database) {
    let store = prepared(database).await;
    for (broker, number) in [(Broker::Kite, 1), (Broker::Upstox, 2), (Broker::Kite, 3)] {
        let (faults, source) = (vec![fault("rows")], format!("file {number}"));
        let record = RejectedFileRecord { broker, source, rejected_at: t0(), faults, quarantine: vec![] };
        store.reject_load(&record).await.unwrap();
    }

    assert_eq!(store.dismiss_rejected_files(Broker::Kite).await, Ok(2));
    assert_eq!(store.dismiss_rejected_files(Broker::Kite).await, Ok(0));
    let left = store.rejected_files().await.unwrap();
    assert_eq!(left.iter().map(|file| &file.source).collect::<Vec<_>>(), ["file 2"]);
}

pub(crate) async fn the_last_load_of_each_broker_is_listed(database: &dyn Database) {
    let store = prepared(database).await;
    assert_eq!(store.last_summaries().await, Ok(vec![]));

    accept(&*store, Broker::Kite, &shares()).await;
    accept(&*store, Broker::Upstox, &shares()).await;
    accept(&*store, Broker::Kite, &shares()).await;

    let versions = store.versions(None, 10).await.unwrap();
    assert_eq!(store.last_summaries().await, Ok(versions[..2].to_vec()), "kite, then upstox");
}
