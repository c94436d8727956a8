//! The tables `catalogue_loads`, `instruments` and `broker_tokens`.

use chrono::NaiveDate;
use futures_util::TryStreamExt;
use registry_planning::catalogue::{Builder, Source, hex};
use registry_planning::dump::{Broker, Row as Instrument};
use registry_planning::instrument::{Amount, Class, Exchange, Segment};
use sqlx::sqlite::{Sqlite, SqlitePool, SqliteRow};
use sqlx::{QueryBuilder, Row, SqliteConnection};

use super::super::documents::corrupt;
use super::super::store::{LoadRecord, StoreError, StoredCatalogue};
use super::fault;

/// Rows in one statement; times 15 columns stays far below SQLite's 32,766 parameters.
const CHUNK: usize = 500;

pub(super) async fn version(pool: &SqlitePool) -> Result<Option<i64>, StoreError> {
    sqlx::query_scalar("select max(version) from catalogue_loads").fetch_one(pool).await.map_err(fault)
}

/// Reads in one transaction, so that instruments and tokens are of one version.
pub(super) async fn read(pool: &SqlitePool) -> Result<Option<StoredCatalogue>, StoreError> {
    let mut transaction = pool.begin().await.map_err(fault)?;
    let loads = sqlx::query(
        "select version, broker_id, file_date from catalogue_loads \
         where version in (select max(version) from catalogue_loads group by broker_id) order by broker_id",
    )
    .fetch_all(&mut *transaction)
    .await
    .map_err(fault)?;
    let Some(version) = loads.iter().map(|row| row.get::<i64, _>("version")).max() else { return Ok(None) };
    let sources = loads
        .iter()
        .map(|row| {
            let broker: String = row.try_get("broker_id").map_err(fault)?;
            let broker = Broker::parse(&broker).ok_or_else(|| corrupt("broker_id", &broker))?;
            Ok(Source { broker: Some(broker), file_date: date(row, "file_date")? })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;

    // Row by row: the rows of a whole catalogue at once would take several times its own memory.
    let mut builder = Builder::new();
    let mut instruments = sqlx::query(
        "select exchange, symbol, alias, name, segment, instrument_type, isin, series, underlying_symbol, expiry, \
         strike, tick_size, lot_size, is_active from instruments",
    )
    .fetch(&mut *transaction);
    while let Some(row) = instruments.try_next().await.map_err(fault)? {
        builder.add(instrument_of(&row)?, row.try_get::<i64, _>("is_active").map_err(fault)? != 0);
    }
    drop(instruments);
    let mut tokens =
        sqlx::query("select broker_id, exchange, symbol, broker_token from broker_tokens where is_active = 1")
            .fetch(&mut *transaction);
    while let Some(row) = tokens.try_next().await.map_err(fault)? {
        let broker: &str = row.try_get("broker_id").map_err(fault)?;
        let broker = Broker::parse(broker).ok_or_else(|| corrupt("broker_id", broker))?;
        let exchange: &str = row.try_get("exchange").map_err(fault)?;
        let symbol: &str = row.try_get("symbol").map_err(fault)?;
        builder.add_token(broker, format!("{exchange}:{symbol}"), row.try_get("broker_token").map_err(fault)?);
    }
    drop(tokens);
    transaction.commit().await.map_err(fault)?;

    // Building takes tens of milliseconds of processor time: not on a thread that serves requests.
    let built = tokio::task::spawn_blocking(move || builder.build(version.to_string(), sources));
    let catalogue = built.await.map_err(|e| StoreError::Data(format!("building the catalogue failed: {e}")))?;
    Ok(Some(StoredCatalogue { version, catalogue }))
}

fn instrument_of(row: &SqliteRow) -> Result<Instrument, StoreError> {
    fn text<'r>(row: &'r SqliteRow, name: &str) -> Result<&'r str, StoreError> {
        row.try_get(name).map_err(fault)
    }
    fn word<T>(row: &SqliteRow, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = text(row, name)?;
        parse(text).ok_or_else(|| corrupt(name, text))
    }
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
        token: String::new(),
    })
}

fn date(row: &SqliteRow, name: &str) -> Result<Option<NaiveDate>, StoreError> {
    let text: Option<&str> = row.try_get(name).map_err(fault)?;
    text.map(|text| text.parse().map_err(|_| corrupt(name, text))).transpose()
}

/// Everything in one transaction. It takes the write lock at once (`begin immediate`): a transaction that begins as a
/// reader fails without waiting when another writer is in its way.
pub(super) async fn accept(pool: &SqlitePool, record: &LoadRecord) -> Result<i64, StoreError> {
    let mut transaction = pool.begin_with("begin immediate").await.map_err(fault)?;
    let now = record.loaded_at.timestamp_millis();
    let broker = record.broker.as_str();

    sqlx::query("update broker_tokens set is_active = 0 where broker_id = ?")
        .bind(broker)
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
    for rows in record.load.rows.chunks(CHUNK) {
        upsert_instruments(&mut transaction, rows, now).await?;
        upsert_tokens(&mut transaction, broker, rows, now).await?;
    }
    // An instrument is active while any broker's last file has it.
    sqlx::query(
        "update instruments set is_active = 0, last_updated = ?1 where is_active = 1 and not exists (\
         select 1 from broker_tokens t where t.is_active = 1 and t.broker_id in (select value from json_each(?2)) \
         and t.exchange = instruments.exchange and t.symbol = instruments.symbol)",
    )
    .bind(now)
    // The table's key begins with the broker: naming them all makes this a look-up for each instrument.
    .bind(all_brokers())
    .execute(&mut *transaction)
    .await
    .map_err(fault)?;

    let rejected = serde_json::to_string(&record.load.rejected).map_err(|e| StoreError::Data(e.to_string()))?;
    let version: i64 = sqlx::query_scalar(
        "insert into catalogue_loads (broker_id, source, file_date, content_hash, rows_read, rows_kept, rejected, \
         loaded_at) values (?, ?, ?, ?, ?, ?, ?, ?) returning version",
    )
    .bind(broker)
    .bind(&record.source)
    .bind(record.file_date.map(|date| date.to_string()))
    .bind(hex(&record.load.content_hash))
    .bind(i64::try_from(record.load.rows_read).unwrap_or(i64::MAX))
    .bind(i64::try_from(record.load.rows.len()).unwrap_or(i64::MAX))
    .bind(rejected)
    .bind(now)
    .fetch_one(&mut *transaction)
    .await
    .map_err(fault)?;
    transaction.commit().await.map_err(fault)?;
    Ok(version)
}

/// Every broker's id as a JSON array.
fn all_brokers() -> String {
    let ids: Vec<&str> = Broker::ALL.iter().map(|broker| broker.as_str()).collect();
    serde_json::json!(ids).to_string()
}

/// A file that does not know a field leaves what another broker's file said of it.
async fn upsert_instruments(
    connection: &mut SqliteConnection,
    rows: &[Instrument],
    now: i64,
) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "insert into instruments (exchange, symbol, alias, name, segment, instrument_type, isin, series, \
         underlying_symbol, expiry, strike, tick_size, lot_size, is_active, last_updated) ",
    );
    query.push_values(rows, |mut values, row| {
        values
            .push_bind(row.exchange.as_str())
            .push_bind(&row.symbol)
            .push_bind(&row.alias)
            .push_bind(&row.name)
            .push_bind(row.segment.as_str())
            .push_bind(row.class.as_str())
            .push_bind(&row.isin)
            .push_bind(&row.series)
            .push_bind(&row.underlying)
            .push_bind(row.expiry.map(|date| date.to_string()))
            .push_bind(row.strike.map(Amount::ten_thousandths))
            .push_bind(row.tick_size.ten_thousandths())
            .push_bind(row.lot_size)
            .push_bind(1)
            .push_bind(now);
    });
    query.push(
        " on conflict (exchange, symbol) do update set \
         alias = coalesce(excluded.alias, alias), \
         name = case when excluded.name = '' then name else excluded.name end, \
         segment = excluded.segment, \
         instrument_type = excluded.instrument_type, \
         isin = coalesce(excluded.isin, isin), \
         series = coalesce(excluded.series, series), \
         underlying_symbol = coalesce(excluded.underlying_symbol, underlying_symbol), \
         expiry = excluded.expiry, \
         strike = excluded.strike, \
         tick_size = excluded.tick_size, \
         lot_size = excluded.lot_size, \
         is_active = 1, \
         last_updated = excluded.last_updated",
    );
    query.build().execute(connection).await.map_err(fault)?;
    Ok(())
}

async fn upsert_tokens(
    connection: &mut SqliteConnection,
    broker: &str,
    rows: &[Instrument],
    now: i64,
) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "insert into broker_tokens (broker_id, exchange, symbol, segment, broker_token, is_active, last_updated) ",
    );
    query.push_values(rows, |mut values, row| {
        values
            .push_bind(broker)
            .push_bind(row.exchange.as_str())
            .push_bind(&row.symbol)
            .push_bind(row.segment.as_str())
            .push_bind(&row.token)
            .push_bind(1)
            .push_bind(now);
    });
    query.push(
        " on conflict (broker_id, exchange, symbol) do update set segment = excluded.segment, \
         broker_token = excluded.broker_token, is_active = 1, last_updated = excluded.last_updated",
    );
    query.build().execute(connection).await.map_err(fault)?;
    Ok(())
}
