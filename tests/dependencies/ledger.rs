//! The ledger of the traffic itself. The tests of outages would not notice a loss that the ledger does not detect.

use std::time::Duration;

use test_servers::TestDatabase;

use super::*;
use crate::support::Traffic;

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_finds_exactly_the_lost_and_changed_plans() {
    let Some(database) = TestDatabase::new() else { return };
    let (service, _folder) = service(&[("DATABASE_URL", &database.url())]).await;
    let traffic = Traffic::start(&service.client, 8, Duration::from_millis(5)).await;
    traffic.more(200, 50).await;
    let ledger = traffic.end().await;
    let before = ledger.lost(&database.url()).await;
    let [gone, changed] = [3, 7].map(|n| ledger.ids().nth(n).expect("there are more plans"));

    let mut admin = database.admin().await;
    let rows = "instrument_registry.subscription_plans";
    admin.execute(&format!("delete from {rows} where plan_id = '{gone}'")).await;
    admin.execute(&format!("update {rows} set user_id = 'somebody' where plan_id = '{changed}'")).await;

    assert_eq!(before, Vec::<String>::new());
    assert_eq!(ledger.lost(&database.url()).await, [gone, changed]);
}
