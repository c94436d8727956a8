//! Creates databases on the given server.

use std::cell::Cell;
use std::process;
use std::rc::Rc;

use anyhow::Context;
use reqwest::Url;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection};

use crate::network::Network;

/// The server on which databases are created.
#[derive(Clone)]
pub(crate) struct Server {
    url: Url,
    network: Network,
    made: Rc<Cell<u32>>,
}

/// A database for one service. Dropping the value drops the database and closes all connections to it.
pub(crate) struct Database {
    name: String,
    pub(crate) url: Url,
    pool: PgPool,
    server: Server,
}

impl Server {
    pub(crate) fn new(url: &str, network: &Network) -> anyhow::Result<Self> {
        let url = Url::parse(url).context("failed to parse --database-url")?;
        Ok(Self { url, network: network.clone(), made: Rc::default() })
    }

    /// Creates an empty database.
    pub(crate) fn create(&self, purpose: &str) -> anyhow::Result<Database> {
        self.made.set(self.made.get() + 1);
        let name = format!("compare_{}_{}_{purpose}", process::id(), self.made.get());
        self.execute(&format!("create database {name}"))
            .with_context(|| format!("failed to create database {name}"))?;
        let mut url = self.url.clone();
        url.set_path(&name);
        let pool = self.network.wait(async { PgPoolOptions::new().max_connections(1).connect_lazy(url.as_str()) })?;
        Ok(Database { name, url, pool, server: self.clone() })
    }

    fn execute(&self, statement: &str) -> anyhow::Result<()> {
        self.network.wait(async {
            let mut connection = PgConnection::connect(self.url.as_str()).await?;
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
            connection.close().await
        })
    }
}

impl Database {
    /// Counts the rows of a table.
    pub(crate) fn count(&self, table: &str) -> anyhow::Result<u64> {
        let query = format!("select count(*) from {table}");
        let count: i64 = self.server.network.wait(sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&self.pool))?;
        Ok(u64::try_from(count)?)
    }

    /// Returns the first column, which must be text.
    pub(crate) fn texts(&self, query: &str) -> anyhow::Result<Vec<String>> {
        let query = sqlx::query_scalar(AssertSqlSafe(query));
        self.server.network.wait(query.fetch_all(&self.pool))
    }

    pub(crate) fn execute(&self, statement: &str) -> anyhow::Result<()> {
        self.server.network.wait(sqlx::raw_sql(AssertSqlSafe(statement)).execute(&self.pool))?;
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // This runs after a signal too. Errors are ignored, because a private server may have stopped already.
        let statement = format!("drop database if exists {} with (force)", self.name);
        let _ = self.server.network.regardless(async {
            self.pool.close().await;
            let mut connection = PgConnection::connect(self.server.url.as_str()).await?;
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
            connection.close().await
        });
    }
}
