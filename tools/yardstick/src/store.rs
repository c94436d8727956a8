//! One table in its own schema, separate from the registry's; one INSERT per plan.

use anyhow::Context;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

const CONNECTIONS: u32 = 20;

/// The statements that create the table, with the registry's columns that this program can fill, and its indexes.
const SCHEMA: [&str; 5] = [
    "create schema if not exists yardstick",
    "create table if not exists yardstick.plans (
        plan_id           varchar(64) primary key,
        user_id           varchar(64) not null,
        plan_name         varchar(255) not null,
        subscription_type varchar(32) not null,
        instruments       jsonb not null,
        status            varchar(32) not null,
        cache_key         varchar(128) not null,
        created_at        timestamptz not null default now(),
        expires_at        timestamptz not null
    )",
    "create index if not exists plans_by_user on yardstick.plans (user_id, created_at)",
    "create index if not exists plans_by_key on yardstick.plans (cache_key)",
    "create index if not exists plans_by_expiry on yardstick.plans (expires_at)",
];

/// A stored plan.
#[derive(sqlx::FromRow)]
pub(crate) struct StoredPlan {
    pub(crate) plan_id: String,
    pub(crate) user_id: String,
    pub(crate) plan_name: String,
    pub(crate) subscription_type: String,
    /// A JSON array.
    pub(crate) instruments: String,
    pub(crate) status: String,
    /// The hash of the request, in hex.
    pub(crate) cache_key: String,
}

#[derive(Clone)]
pub(crate) struct Store {
    pool: PgPool,
}

impl Store {
    pub(crate) async fn open(url: &str) -> anyhow::Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect(url)
            .await
            .context("failed to connect to the database")?;
        for statement in SCHEMA {
            sqlx::query(statement).execute(&pool).await.context("failed to create the table")?;
        }
        Ok(Self { pool })
    }

    /// Stores a plan; it is durable when the function returns.
    pub(crate) async fn insert(&self, plan: &StoredPlan) -> sqlx::Result<()> {
        sqlx::query(
            "insert into yardstick.plans
                (plan_id, user_id, plan_name, subscription_type, instruments, status, cache_key, expires_at)
             values ($1, $2, $3, $4, $5::jsonb, $6, $7, now() + interval '300 s')",
        )
        .bind(&plan.plan_id)
        .bind(&plan.user_id)
        .bind(&plan.plan_name)
        .bind(&plan.subscription_type)
        .bind(&plan.instruments)
        .bind(&plan.status)
        .bind(&plan.cache_key)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub(crate) async fn find(&self, plan_id: &str) -> sqlx::Result<Option<StoredPlan>> {
        sqlx::query_as(
            "select plan_id, user_id, plan_name, subscription_type, instruments::text, status, cache_key
             from yardstick.plans
             where plan_id = $1",
        )
        .bind(plan_id)
        .fetch_optional(&self.pool)
        .await
    }
}
