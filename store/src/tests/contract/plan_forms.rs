//! The two forms of a stored plan: with a column for each part, which the previous release reads and writes, and with
//! one document. Both releases may use the database during a deployment.

use std::sync::Arc;

use registry_planning::keys::KeyList;
use registry_planning::plan::{Metadata, Plan};
use registry_planning::vocabulary::Broker;
use serde_json::Value;

use super::{Database, plan_id, prepared, t0};
use crate::testing::{plan_for, request};
use crate::{PlanFilter, Position, Store};

/// The columns that the previous release writes, without the id.
const WRITTEN_BY_PREVIOUS_RELEASE: &str = "
    user_id, plan_name, description, subscription_type, status, optimization_level, filtering_strictness, instruments,
    estimated_cost, performance_metrics, validation_results, rejected, metadata, cache_key, created_at, expires_at,
    profile_id, profile_version";

/// Returns a plan with rejected keys and a broker.
fn full_plan(number: u64) -> Plan {
    let mut request = request("u", &["NSE:TCS", "XX:NEW", "a\0b", "NSE:TCS", "NSE:INFY"]);
    request.feed.broker = Some(Broker::Kite);
    plan_for(&request, plan_id(t0(), number), t0())
}

async fn insert(store: &dyn Store, plan: &Plan) {
    store.insert_plans(&[Arc::new(plan.clone())]).await.unwrap();
}

pub(crate) async fn a_plan_of_the_previous_release_reads_back_equal(database: &dyn Database) {
    let store = prepared(database).await;
    let plan = full_plan(1);
    insert(&*store, &plan).await;
    let previous = Plan { plan_id: plan_id(t0(), 2), ..plan.clone() };
    let columns = WRITTEN_BY_PREVIOUS_RELEASE;
    let written = database
        .attempt(&format!(
            "insert into subscription_plans (plan_id, {columns}) \
             select '{}', {columns} from subscription_plans where plan_id = '{}'",
            previous.plan_id, plan.plan_id
        ))
        .await;
    assert_eq!(written, Ok(1));

    assert_eq!(store.plan(&previous.plan_id).await, Ok(Some(previous.clone())));
    let page = store.plans(&PlanFilter::default(), &Position::Offset(0), 10).await.unwrap();
    let listed: Vec<String> = page.items.into_iter().map(|plan| plan.plan_id).collect();
    assert_eq!(listed, [previous.plan_id, plan.plan_id]);
}

pub(crate) async fn a_plan_is_readable_by_the_previous_release(database: &dyn Database) {
    let store = prepared(database).await;
    let plan = full_plan(1);
    insert(&*store, &plan).await;

    let read = async |column: &str| {
        let previous = database.read_of_previous_release(&plan.plan_id);
        let texts = database.texts(&format!("select {column} from ({previous}) as previous")).await;
        assert_eq!(texts.len(), 1, "{column}");
        serde_json::from_str::<Value>(&texts[0]).unwrap()
    };
    assert_eq!(read("performance_metrics").await, serde_json::to_value(&plan.performance_metrics).unwrap());
    assert_eq!(read("validation_results").await, serde_json::to_value(&plan.validation_results).unwrap());
    assert_eq!(read("rejected").await, serde_json::to_value(&plan.rejected).unwrap());
    let mut metadata: Metadata = serde_json::from_value(read("metadata").await).unwrap();
    assert_eq!(metadata.optimization_result.optimized_instruments, Arc::new(KeyList::default()));
    metadata.restore_instruments(&plan.instruments);
    assert_eq!(metadata, plan.metadata);
}

pub(crate) async fn a_plan_written_as_a_document_reads_back_equal(database: &dyn Database) {
    prepared(database).await.close().await;
    let next = database.open_writing_documents();
    next.prepare().await.unwrap();
    let plan = full_plan(1);
    insert(&*next, &plan).await;

    let documents = "select plan_id from subscription_plans where document is not null and broker_id = 'kite'";
    assert_eq!(database.texts(documents).await, [plan.plan_id.as_str()]);
    assert_eq!(next.plan(&plan.plan_id).await, Ok(Some(plan.clone())));
    next.close().await;
    let store = prepared(database).await;
    assert_eq!(store.plan(&plan.plan_id).await, Ok(Some(plan)));
}

pub(crate) async fn the_broker_of_the_stream_is_a_column(database: &dyn Database) {
    let store = prepared(database).await;
    let usual = plan_for(&request("u", &["NSE:TCS"]), plan_id(t0(), 2), t0());
    insert(&*store, &full_plan(1)).await;
    insert(&*store, &usual).await;

    let brokers = "select coalesce(broker_id, 'none') from subscription_plans order by plan_id";

    assert_eq!(database.texts(brokers).await, ["kite", "none"]);
}
