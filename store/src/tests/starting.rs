//! The catalog of two brokers' loads, which a service reads at its start. To measure a whole catalog, run
//! `REGISTRY_TEST_START_INSTRUMENTS=250000 cargo test --release -p registry-store -- --nocapture --test-threads 1
//! starting`.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Instant;

use registry_planning::dump::Row;
use registry_planning::instrument::Amount;
use registry_planning::vocabulary::{Broker, Exchange, InstrumentType, Segment};
use tempfile::TempDir;
use test_servers::TestDatabase;

use super::contract::catalogue::{compared_load, offer_of};
use crate::Store;
use crate::background::Priority;
use crate::postgres::PostgresStore;
use crate::sqlite::SqliteStore;
use crate::testing::equity;

const ROUNDS: usize = 7;

fn instruments() -> usize {
    std::env::var("REGISTRY_TEST_START_INSTRUMENTS").map_or(2000, |count| count.parse().unwrap())
}

/// Returns shares and options like those of brokers.
fn rows(broker: Broker, count: usize) -> Vec<Row> {
    let share = |n: usize| Row {
        symbol: format!("STOCK{n:05}"),
        name: format!("STOCK NUMBER {n} LIMITED"),
        isin: Some(format!("INE{n:05}01010")),
        token: format!("{}|INE{n:05}01010", broker.as_str()),
        ..equity("NSE", "", "")
    };
    let option = |n: usize| {
        let (underlying, month, strike) = (n % 220, ["AUG", "SEP", "OCT"][n / 220 % 3], n / 660);
        let strike = i64::try_from(50 * (strike + 1)).unwrap();
        Row {
            exchange: Exchange::Nfo,
            symbol: format!("NAME{underlying}26{month}{strike}CE"),
            name: format!("NAME{underlying}"),
            segment: Segment::NseDerivative,
            class: InstrumentType::Call,
            isin: None,
            series: None,
            underlying: Some(format!("NAME{underlying}")),
            expiry: "2026-08-25".parse().ok(),
            strike: Some(Amount::from_ten_thousandths(strike * 10_000)),
            lot_size: 75,
            token: format!("{}|{n}", broker.as_str()),
            ..equity("NSE", "", "")
        }
    };
    let shares = count / 20;
    (0..shares).map(share).chain((0..count - shares).map(option)).collect()
}

async fn measure(name: &str, store: &dyn Store) {
    let count = instruments();
    store.prepare().await.unwrap();
    for broker in [Broker::Kite, Broker::Upstox] {
        let record = compared_load(store, offer_of(broker, rows(broker, count))).await;
        let started_at = Instant::now();
        store.accept_load(&record).await.unwrap();
        let (took, size) = (started_at.elapsed(), record.archive.len());
        print_line(&format!("{name}: {}'s {count} accepted in {took:.2?}, archive of {size} bytes", broker.as_str()));
    }
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let started_at = Instant::now();
        let stored = store.catalogue(Priority::Normal).await.unwrap().unwrap();
        times.push(started_at.elapsed());
        assert_eq!(stored.catalogue.instrument_count(), count);
        assert_eq!(stored.catalogue.token_counts(), BTreeMap::from([(Broker::Kite, count), (Broker::Upstox, count)]));
    }
    times.sort_unstable();
    print_line(&format!("{name}: {count} instruments of two brokers: median {:.2?} of {times:.2?}", times[ROUNDS / 2]));
}

fn print_line(line: &str) {
    writeln!(std::io::stderr(), "{line}").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_reads_the_catalog_from_sqlite() {
    let folder = TempDir::new().unwrap();
    measure("sqlite", &SqliteStore::new(&folder.path().join("registry.db"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_reads_the_catalog_from_postgres() {
    let Some(database) = TestDatabase::new() else { return };
    measure("postgres", &PostgresStore::new(&database.url()).unwrap()).await;
}
