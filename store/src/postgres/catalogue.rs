//! The tables `catalogue_loads`, `catalogue_refusals`, `instruments` and `broker_tokens`.

mod history;
mod load;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use registry_planning::dump::{Broker, Row as Instrument};
use registry_planning::instrument::{Amount, Class, Exchange, Segment};
use registry_planning::load::archive::{ArchivedRow, BrokerState, Said};
use registry_planning::load::diff::ChangeKind;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use self::history::{diff, refusals, refuse, versions};
use self::load::accept;
use super::super::documents::corrupt;
use super::super::error::StoreError;
use super::super::loads::{
    CatalogueStore, LastAccepted, LoadDiff, LoadRecord, LoadSummary, Refusal, RefusalRecord, StoredCatalogue,
};
use super::super::merging::{self, StoredLoad};
use super::PostgresStore;
use super::columns::{column, date, word};
use super::connections::{Bound, Connections, Lease};

/// One snapshot for all reads, so that archives and tables have the same version.
const BEGIN: &str = "begin isolation level repeatable read, read only";
/// Reads the last accepted load of each broker, or of one.
const LOADS: &str = "
    select version, broker_id, file_date, loaded_at, archive
    from catalogue_loads
    where version in (select max(version) from catalogue_loads group by broker_id)
        and ($1::text is null or broker_id = $1)
    order by broker_id";
/// The content of a broker's files, according to the tables. Fields that its file leaves empty have the values of other
/// brokers' files.
const STATE: &str = "
    select exchange, symbol, alias, name, broker_tokens.segment, instrument_type, isin, series, underlying_symbol, expiry,
        strike, tick_size, lot_size, broker_token, broker_tokens.is_active
    from broker_tokens
    join instruments using (exchange, symbol)
    where broker_id = $1";

#[async_trait]
impl CatalogueStore for PostgresStore {
    async fn catalogue_version(&self) -> Result<Option<i64>, StoreError> {
        version(&self.connections).await
    }

    async fn catalogue(&self) -> Result<Option<StoredCatalogue>, StoreError> {
        read(&self.connections).await
    }

    async fn last_load(&self, broker: Broker) -> Result<Option<LastAccepted>, StoreError> {
        last(&self.connections, broker).await
    }

    async fn accept_load(&self, record: &LoadRecord) -> Result<i64, StoreError> {
        accept(&self.connections, record).await
    }

    async fn refuse_load(&self, record: &RefusalRecord) -> Result<(), StoreError> {
        refuse(&self.connections, record).await
    }

    async fn refusals(&self) -> Result<Vec<Refusal>, StoreError> {
        refusals(&self.connections).await
    }

    async fn versions(&self, before: Option<i64>, limit: u32) -> Result<Vec<LoadSummary>, StoreError> {
        versions(&self.connections, before, limit).await
    }

    async fn diff(&self, version: i64, kind: Option<ChangeKind>, limit: u32) -> Result<Option<LoadDiff>, StoreError> {
        diff(&self.connections, version, kind, limit).await
    }
}

async fn version(connections: &Connections) -> Result<Option<i64>, StoreError> {
    let version = || {
        async |connection: &mut PgConnection| {
            sqlx::query_scalar("select max(version) from catalogue_loads").fetch_one(connection).await
        }
    };
    connections.read(version).await
}

async fn read(connections: &Connections) -> Result<Option<StoredCatalogue>, StoreError> {
    merging::catalogue(last_loads(connections, None).await?).await
}

async fn last(connections: &Connections, broker: Broker) -> Result<Option<LastAccepted>, StoreError> {
    Ok(merging::last(last_loads(connections, Some(broker)).await?.pop()))
}

async fn last_loads(connections: &Connections, broker: Option<Broker>) -> Result<Vec<StoredLoad>, StoreError> {
    let mut lease = connections.begin(BEGIN, Bound::Bulk).await?;
    let loads = loads(&mut lease, broker).await?;
    let ended = lease.attempt(async |connection| sqlx::query("commit").execute(connection).await).await;
    lease.release(ended)?;
    Ok(loads)
}

async fn loads(lease: &mut Lease<'_>, broker: Option<Broker>) -> Result<Vec<StoredLoad>, StoreError> {
    let query = sqlx::query(LOADS).bind(broker.map(Broker::as_str));
    let rows = lease.attempt(async |connection| query.fetch_all(connection).await).await?;
    let mut loads = Vec::with_capacity(rows.len());
    for row in &rows {
        let broker = word(row, "broker_id", Broker::parse)?;
        let said = match column::<Option<&[u8]>>(row, "archive")? {
            Some(archive) if !merging::is_foreign(archive) => Said::Archive(archive.into()),
            _ => Said::State(lease.attempt(async |connection| state(connection, broker).await).await??),
        };
        let (version, loaded_at) = (column(row, "version")?, column(row, "loaded_at")?);
        loads.push(StoredLoad::new(version, broker, date(row, "file_date")?, loaded_at, said));
    }
    Ok(loads)
}

/// Read row by row: all rows of a catalog at once would need several times their own memory.
async fn state(connection: &mut PgConnection, broker: Broker) -> Result<Result<BrokerState, StoreError>, sqlx::Error> {
    let mut rows = sqlx::query(STATE).bind(broker.as_str()).fetch(connection);
    let mut state = Ok(Vec::new());
    while let Some(row) = rows.try_next().await? {
        state = state.and_then(|mut state: Vec<ArchivedRow>| {
            state.push(ArchivedRow { row: instrument_of(&row)?, is_active: column(&row, "is_active")? });
            Ok(state)
        });
    }
    Ok(state.map(BrokerState::new))
}

fn instrument_of(row: &PgRow) -> Result<Instrument, StoreError> {
    let lot_size: i64 = column(row, "lot_size")?;
    Ok(Instrument {
        exchange: word(row, "exchange", Exchange::parse)?,
        symbol: column(row, "symbol")?,
        alias: column(row, "alias")?,
        name: column(row, "name")?,
        segment: word(row, "segment", Segment::parse)?,
        class: word(row, "instrument_type", Class::parse)?,
        isin: column(row, "isin")?,
        series: column(row, "series")?,
        underlying: column(row, "underlying_symbol")?,
        expiry: date(row, "expiry")?,
        strike: column::<Option<i64>>(row, "strike")?.map(Amount::from_ten_thousandths),
        tick_size: Amount::from_ten_thousandths(column(row, "tick_size")?),
        lot_size: u32::try_from(lot_size).map_err(|_| corrupt("lot_size", &lot_size.to_string()))?,
        token: column(row, "broker_token")?,
    })
}
