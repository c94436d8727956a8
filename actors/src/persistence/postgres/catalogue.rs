//! The tables `catalogue_loads`, `instruments` and `broker_tokens`.

mod load;

use futures_util::TryStreamExt;
use registry_planning::catalogue::{Builder, Catalogue, Source};
use registry_planning::dump::{Broker, Row as Instrument};
use registry_planning::instrument::{Amount, Class, Exchange, Segment};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use tokio::sync::mpsc;

pub(super) use self::load::accept;
use super::super::documents::corrupt;
use super::super::store::{StoreError, StoredCatalogue};
use super::columns::{column, date, word};
use super::connections::Connections;

/// Rows handed over together from the connection to the builder.
const CHUNK: usize = 512;
/// Chunks that may wait for the builder: it bounds what a quarter of a million rows take before they are built.
const CHUNKS_WAITING: usize = 4;

/// Everything is read in one snapshot, so that instruments and tokens are of one version.
const BEGIN: &str = "begin isolation level repeatable read, read only";
const LOADS: &str = "
    select version, broker_id, file_date
    from catalogue_loads
    where version in (select max(version) from catalogue_loads group by broker_id)
    order by broker_id";
const INSTRUMENTS: &str = "
    select exchange, symbol, alias, name, segment, instrument_type, isin, series, underlying_symbol, expiry, strike,
        tick_size, lot_size, is_active
    from instruments";
const TOKENS: &str = "select broker_id, exchange, symbol, broker_token from broker_tokens where is_active";

pub(super) async fn version(connections: &Connections) -> Result<Option<i64>, StoreError> {
    let query = sqlx::query_scalar("select max(version) from catalogue_loads");
    let mut lease = connections.lease().await?;
    let version = lease.attempt(async |connection| query.fetch_one(connection).await).await;
    lease.release(version)
}

pub(super) async fn read(connections: &Connections) -> Result<Option<StoredCatalogue>, StoreError> {
    let mut lease = connections.lease().await?;
    lease.begin(BEGIN).await?;
    let loads = lease.attempt(async |connection| sqlx::query(LOADS).fetch_all(connection).await).await?;
    let sources = loads.iter().map(source_of).collect::<Result<Vec<_>, _>>()?;
    let versions = loads.iter().map(|load| column::<i64>(load, "version")).collect::<Result<Vec<_>, _>>()?;
    let Some(version) = versions.into_iter().max() else {
        let ended = lease.attempt(async |connection| sqlx::query("commit").execute(connection).await).await;
        lease.release(ended)?;
        return Ok(None);
    };

    let (chunks, waiting) = mpsc::channel(CHUNKS_WAITING);
    // Building takes tens of milliseconds of processor time: not on a thread that serves requests.
    let building = tokio::task::spawn_blocking(move || build(version, sources, waiting));
    let streamed = lease
        .attempt(async |connection| {
            stream(connection, INSTRUMENTS, Part::Instruments, &chunks).await?;
            stream(connection, TOKENS, Part::Tokens, &chunks).await?;
            sqlx::query("commit").execute(connection).await
        })
        .await;
    drop(chunks);
    let built = building.await.map_err(|e| StoreError::Data(format!("building the catalogue failed: {e}")))?;
    lease.release(streamed)?;
    Ok(Some(StoredCatalogue { version, catalogue: built? }))
}

/// Rows of one of the two tables.
enum Part {
    Instruments(Vec<PgRow>),
    Tokens(Vec<PgRow>),
}

/// Hands the rows of `query` over. Ends early where nobody takes them any more: the builder knows why.
async fn stream(
    connection: &mut PgConnection,
    query: &'static str,
    part: fn(Vec<PgRow>) -> Part,
    chunks: &mpsc::Sender<Part>,
) -> Result<(), sqlx::Error> {
    let mut rows = sqlx::query(query).fetch(connection).try_chunks(CHUNK);
    while let Some(chunk) = rows.try_next().await.map_err(|e| e.1)? {
        if chunks.send(part(chunk)).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn build(version: i64, sources: Vec<Source>, mut chunks: mpsc::Receiver<Part>) -> Result<Catalogue, StoreError> {
    let mut builder = Builder::new();
    while let Some(part) = chunks.blocking_recv() {
        match part {
            Part::Instruments(rows) => {
                for row in &rows {
                    builder.add(instrument_of(row)?, column(row, "is_active")?);
                }
            }
            Part::Tokens(rows) => {
                for row in &rows {
                    let broker = word(row, "broker_id", Broker::parse)?;
                    let (exchange, symbol): (&str, &str) = (column(row, "exchange")?, column(row, "symbol")?);
                    builder.add_token(broker, format!("{exchange}:{symbol}"), column(row, "broker_token")?);
                }
            }
        }
    }
    Ok(builder.build(version.to_string(), sources))
}

fn source_of(row: &PgRow) -> Result<Source, StoreError> {
    Ok(Source { broker: Some(word(row, "broker_id", Broker::parse)?), file_date: date(row, "file_date")? })
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
        token: String::new(),
    })
}
