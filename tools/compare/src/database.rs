//! Creates databases on the given server.

use std::cell::RefCell;
use std::process;

use anyhow::Context;
use reqwest::Url;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection};

pub(crate) struct Server {
    url: Url,
    created: RefCell<Vec<String>>,
}

pub(crate) struct Database {
    pub(crate) url: Url,
    pool: PgPool,
}

impl Server {
    pub(crate) fn new(url: &str) -> anyhow::Result<Self> {
        let url = Url::parse(url).context("failed to parse --database-url")?;
        Ok(Self { url, created: RefCell::default() })
    }

    pub(crate) async fn create(&self, purpose: &str) -> anyhow::Result<Database> {
        let name = format!("compare_{}_{}_{purpose}", process::id(), self.created.borrow().len());
        self.created.borrow_mut().push(name.clone());
        self.execute(format!("create database {name}")).await.context("failed to create a database")?;
        let mut url = self.url.clone();
        url.set_path(&name);
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy(url.as_str())?;
        Ok(Database { url, pool })
    }

    pub(crate) async fn drop_all(&self) {
        for name in self.created.take() {
            // Errors are ignored, because a private server may have stopped already.
            let _ = self.execute(format!("drop database if exists {name} with (force)")).await;
        }
    }

    async fn execute(&self, statement: String) -> sqlx::Result<()> {
        let mut connection = PgConnection::connect(self.url.as_str()).await?;
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
        connection.close().await
    }
}

impl Database {
    pub(crate) async fn count(&self, table: &str) -> anyhow::Result<u64> {
        let query = format!("select count(*) from {table}");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&self.pool).await?;
        Ok(u64::try_from(count)?)
    }

    /// Returns the first column, which must be text.
    pub(crate) async fn texts(&self, query: &str) -> anyhow::Result<Vec<String>> {
        Ok(sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&self.pool).await?)
    }

    pub(crate) async fn execute(&self, statement: &str) -> anyhow::Result<()> {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&self.pool).await.context("failed to execute a statement")?;
        Ok(())
    }
}
