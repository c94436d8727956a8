//! The contract on PostgreSQL, and tests of faults that only PostgreSQL can have. They are skipped unless
//! `REGISTRY_TEST_DATABASE_URL` is set.

mod cancellation;
mod keys;
mod outage;
mod profiles;
mod schema;
mod values;

use std::sync::Arc;

use async_trait::async_trait;
use registry_planning::plan::Plan;
use test_servers::TestDatabase;

use super::contract::{self, Database, contract, t0};
use crate::postgres::{CONNECTIONS_MAX, LIMITS, Limits, PostgresStore};
use crate::testing::plan_of_user;
use crate::{PlanStore, Store, StoreError};

/// The statement of the release before plans could be documents.
const READ_OF_PREVIOUS_RELEASE: &str = "
    select
        plan_id, user_id, plan_name, description, subscription_type, status, optimization_level, filtering_strictness,
        instruments, estimated_cost, performance_metrics::text, validation_results::text, rejected::text, metadata::text,
        cache_key, created_at, expires_at
    from subscription_plans
    where plan_id = any ($1)";

#[async_trait]
impl Database for TestDatabase {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(PostgresStore::new(&self.url()).unwrap())
    }

    fn open_writing_documents(&self) -> Arc<dyn Store> {
        Arc::new(PostgresStore::new(&self.url()).unwrap().writing_documents())
    }

    fn read_of_previous_release(&self, plan_id: &str) -> String {
        READ_OF_PREVIOUS_RELEASE.replace("$1", &format!("array['{plan_id}']"))
    }

    async fn refuse_bad(&self) {
        let constraint = "alter table instrument_registry.subscription_plans \
                          add constraint refuse_bad check (user_id <> 'bad')";
        self.admin().await.execute(constraint).await;
        let constraint = "alter table instrument_registry.broker_tokens \
                          add constraint refuse_bad check (symbol <> 'BAD')";
        self.admin().await.execute(constraint).await;
    }

    async fn forget_archives(&self) {
        self.admin().await.execute("update instrument_registry.catalogue_loads set archive = null").await;
    }

    async fn archives(&self) -> i64 {
        self.admin().await.number("select count(archive) from instrument_registry.catalogue_loads").await
    }

    async fn updated(&self, table: &str) -> Vec<String> {
        let t0 = t0().timestamp();
        let rows = format!(
            "select exchange || ':' || symbol || ' ' || (extract(epoch from last_updated) - {t0})::bigint \
             from instrument_registry.{table} order by 1 limit 100"
        );
        self.admin().await.texts(&rows).await
    }

    async fn texts(&self, query: &str) -> Vec<String> {
        let mut admin = self.admin().await;
        admin.execute("set search_path = instrument_registry").await;
        admin.texts(query).await
    }

    async fn attempt(&self, statement: &str) -> Result<u64, String> {
        let mut admin = self.admin().await;
        admin.execute("set search_path = instrument_registry").await;
        admin.attempt(statement).await
    }
}

mod as_superuser {
    use super::{TestDatabase, contract};

    contract!(TestDatabase::new);
}

mod as_a_role_that_may_use_the_schema_alone {
    use super::{TestDatabase, contract};

    contract!(TestDatabase::restricted);
}

/// Creates and prepares a store.
async fn prepared(url: &str, limits: Limits) -> PostgresStore {
    let store = PostgresStore::with_limits(url, limits).unwrap();
    store.prepare().await.unwrap();
    store
}

async fn insert(store: &dyn Store, plan: &Plan) -> Result<(), StoreError> {
    store.insert_plans(&[Arc::new(plan.clone())]).await
}

/// Asserts that `store` works, and that another session sees its writes.
async fn assert_sound(store: &PostgresStore, database: &TestDatabase) {
    let plan = plan_of_user("u");
    insert(store, &plan).await.unwrap();
    let seen = format!("select plan_id from instrument_registry.subscription_plans where plan_id = '{}'", plan.plan_id);
    assert_eq!(database.admin().await.texts(&seen).await, [plan.plan_id.as_str()]);
    assert_eq!(store.plan(&plan.plan_id).await, Ok(Some(plan)));
}
