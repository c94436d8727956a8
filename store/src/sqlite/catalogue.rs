//! The tables `catalogue_loads`, `catalogue_refusals`, `instruments` and `broker_tokens`.

mod history;
mod load;
mod staging;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate};
use futures_util::TryStreamExt;
use registry_planning::dump::{Broker, Row as Instrument};
use registry_planning::instrument::{Amount, Class, Exchange, Segment};
use registry_planning::load::archive::{ArchivedRow, BrokerState, Said};
use registry_planning::load::diff::ChangeKind;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, SqliteConnection};

use self::history::{diff, refusals, refuse, versions};
use self::load::accept;
use super::super::documents::corrupt;
use super::super::error::StoreError;
use super::super::loads::{
    CatalogueStore, LastAccepted, LoadDiff, LoadRecord, LoadSummary, Refusal, RefusalRecord, StoredCatalogue,
};
use super::super::merging::{self, StoredLoad};
use super::SqliteStore;
use super::fault;

#[async_trait]
impl CatalogueStore for SqliteStore {
    async fn catalogue_version(&self) -> Result<Option<i64>, StoreError> {
        version(&self.readers).await
    }

    async fn catalogue(&self) -> Result<Option<StoredCatalogue>, StoreError> {
        read(&self.readers).await
    }

    async fn last_load(&self, broker: Broker) -> Result<Option<LastAccepted>, StoreError> {
        last(&self.readers, broker).await
    }

    async fn accept_load(&self, record: &LoadRecord) -> Result<i64, StoreError> {
        accept(&self.loader, record).await
    }

    async fn refuse_load(&self, record: &RefusalRecord) -> Result<(), StoreError> {
        refuse(&self.loader, record).await
    }

    async fn refusals(&self) -> Result<Vec<Refusal>, StoreError> {
        refusals(&self.readers).await
    }

    async fn versions(&self, before: Option<i64>, limit: u32) -> Result<Vec<LoadSummary>, StoreError> {
        versions(&self.readers, before, limit).await
    }

    async fn diff(&self, version: i64, kind: Option<ChangeKind>, limit: u32) -> Result<Option<LoadDiff>, StoreError> {
        diff(&self.readers, version, kind, limit).await
    }
}

async fn version(pool: &SqlitePool) -> Result<Option<i64>, StoreError> {
    sqlx::query_scalar("select max(version) from catalogue_loads").fetch_one(pool).await.map_err(fault)
}

async fn read(pool: &SqlitePool) -> Result<Option<StoredCatalogue>, StoreError> {
    merging::catalogue(last_loads(pool, None).await?).await
}

async fn last(pool: &SqlitePool, broker: Broker) -> Result<Option<LastAccepted>, StoreError> {
    Ok(merging::last(last_loads(pool, Some(broker)).await?.pop()))
}

/// Reads in one transaction, so that archives and tables have the same version.
async fn last_loads(pool: &SqlitePool, broker: Option<Broker>) -> Result<Vec<StoredLoad>, StoreError> {
    let mut transaction = pool.begin().await.map_err(fault)?;
    let loads = loads(&mut transaction, broker).await?;
    transaction.commit().await.map_err(fault)?;
    Ok(loads)
}

/// Reads the last accepted load of each broker, or of one.
async fn loads(connection: &mut SqliteConnection, broker: Option<Broker>) -> Result<Vec<StoredLoad>, StoreError> {
    let rows = sqlx::query(
        "select version, broker_id, file_date, loaded_at, archive from catalogue_loads \
         where version in (select max(version) from catalogue_loads group by broker_id) \
         and (?1 is null or broker_id = ?1) order by broker_id",
    )
    .bind(broker.map(Broker::as_str))
    .fetch_all(&mut *connection)
    .await
    .map_err(fault)?;
    let mut loads = Vec::with_capacity(rows.len());
    for row in &rows {
        let broker = word(row, "broker_id", Broker::parse)?;
        let said = match row.try_get::<Option<&[u8]>, _>("archive").map_err(fault)? {
            Some(archive) if !merging::is_foreign(archive) => Said::Archive(archive.into()),
            _ => Said::State(state_in_tables(connection, broker).await?),
        };
        let version = row.try_get("version").map_err(fault)?;
        let loaded_at: i64 = row.try_get("loaded_at").map_err(fault)?;
        let loaded_at =
            DateTime::from_timestamp_millis(loaded_at).ok_or_else(|| corrupt("loaded_at", &loaded_at.to_string()))?;
        loads.push(StoredLoad::new(version, broker, date(row, "file_date")?, loaded_at, said));
    }
    Ok(loads)
}

/// The content of a broker's files, according to the tables. Fields that its file leaves empty have the values of other
/// brokers' files.
async fn state_in_tables(connection: &mut SqliteConnection, broker: Broker) -> Result<BrokerState, StoreError> {
    let mut rows = sqlx::query(
        "select i.exchange, i.symbol, i.alias, i.name, t.segment, i.instrument_type, i.isin, i.series, \
         i.underlying_symbol, i.expiry, i.strike, i.tick_size, i.lot_size, t.broker_token, t.is_active \
         from broker_tokens t join instruments i on i.exchange = t.exchange and i.symbol = t.symbol \
         where t.broker_id = ?",
    )
    .bind(broker.as_str())
    .fetch(connection);
    let mut state = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        let is_active = row.try_get::<i64, _>("is_active").map_err(fault)? != 0;
        state.push(ArchivedRow { row: instrument_of(&row)?, is_active });
    }
    Ok(BrokerState::new(state))
}

fn word<T>(row: &SqliteRow, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
    let text: &str = row.try_get(name).map_err(fault)?;
    parse(text).ok_or_else(|| corrupt(name, text))
}

fn instrument_of(row: &SqliteRow) -> Result<Instrument, StoreError> {
    Ok(Instrument {
        exchange: word(row, "exchange", Exchange::parse)?,
        symbol: row.try_get("symbol").map_err(fault)?,
        alias: row.try_get("alias").map_err(fault)?,
        name: row.try_get("name").map_err(fault)?,
        segment: word(row, "segment", Segment::parse)?,
        class: word(row, "instrument_type", Class::parse)?,
        isin: row.try_get("isin").map_err(fault)?,
        series: row.try_get("series").map_err(fault)?,
        underlying: row.try_get("underlying_symbol").map_err(fault)?,
        expiry: date(row, "expiry")?,
        strike: row.try_get::<Option<i64>, _>("strike").map_err(fault)?.map(Amount::from_ten_thousandths),
        tick_size: Amount::from_ten_thousandths(row.try_get("tick_size").map_err(fault)?),
        lot_size: row.try_get("lot_size").map_err(fault)?,
        token: row.try_get("broker_token").map_err(fault)?,
    })
}

fn date(row: &SqliteRow, name: &str) -> Result<Option<NaiveDate>, StoreError> {
    let text: Option<&str> = row.try_get(name).map_err(fault)?;
    text.map(|text| text.parse().map_err(|_| corrupt(name, text))).transpose()
}
