//! Making a broker's file its last accepted one.

use registry_planning::catalogue::hex;
use registry_planning::dump::Row as Instrument;
use registry_planning::instrument::Amount;
use sqlx::sqlite::{Sqlite, SqlitePool};
use sqlx::{QueryBuilder, SqliteConnection};

use super::super::super::documents::json;
use super::super::super::loads::{ARCHIVES_KEPT, LoadRecord, first_of, stored};
use super::super::super::merging;
use super::super::super::store::StoreError;
use super::{fault, loads};

/// Rows in one statement; times 15 columns stays far below SQLite's 32,766 parameters.
const CHUNK: usize = 500;

/// Everything in one transaction. It takes the write lock at once (`begin immediate`): a transaction that begins as a
/// reader fails without waiting when another writer is in its way.
pub(in super::super) async fn accept(pool: &SqlitePool, record: &LoadRecord) -> Result<i64, StoreError> {
    let offer = &record.offer;
    let mut transaction = pool.begin_with("begin immediate").await.map_err(fault)?;
    let now = offer.loaded_at.timestamp_millis();
    let broker = offer.broker.as_str();
    let (own, others): (Vec<_>, _) =
        loads(&mut transaction, None).await?.into_iter().partition(|load| load.broker == offer.broker);
    if own.first().map(|load| load.version) != record.after {
        return Err(StoreError::Overtaken);
    }
    drop(own);

    sqlx::query("update broker_tokens set is_active = 0 where broker_id = ?")
        .bind(broker)
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
    for rows in offer.load.rows.chunks(CHUNK) {
        upsert_tokens(&mut transaction, broker, rows, now).await?;
    }
    for rows in merging::instruments(others, record).await?.chunks(CHUNK) {
        upsert_instruments(&mut transaction, rows, now).await?;
    }
    let version = insert_load(&mut transaction, record).await?;
    drop_old_archives(&mut transaction, broker).await?;
    transaction.commit().await.map_err(fault)?;
    Ok(version)
}

async fn insert_load(connection: &mut SqliteConnection, record: &LoadRecord) -> Result<i64, StoreError> {
    let offer = &record.offer;
    sqlx::query_scalar(
        "insert into catalogue_loads (broker_id, source, file_date, content_hash, rows_read, rows_kept, rejected, \
         loaded_at, archive, diff, diff_counts, overruled, quarantine) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         returning version",
    )
    .bind(offer.broker.as_str())
    .bind(&offer.source)
    .bind(offer.file_date.map(|date| date.to_string()))
    .bind(hex(&offer.load.content_hash))
    .bind(i64::try_from(offer.load.rows_read).unwrap_or(i64::MAX))
    .bind(i64::try_from(offer.load.rows.len()).unwrap_or(i64::MAX))
    .bind(json(&offer.load.rejected)?)
    .bind(offer.loaded_at.timestamp_millis())
    .bind(&record.archive[..])
    .bind(&record.diff)
    .bind(json(&record.diff_counts)?)
    .bind(json(&stored(&record.overruled))?)
    .bind(json(&first_of(&offer.load.quarantine))?)
    .fetch_one(connection)
    .await
    .map_err(fault)
}

async fn drop_old_archives(connection: &mut SqliteConnection, broker: &str) -> Result<(), StoreError> {
    sqlx::query(
        "update catalogue_loads set archive = null where broker_id = ?1 and archive is not null and version not in \
         (select version from catalogue_loads where broker_id = ?1 order by version desc limit ?2)",
    )
    .bind(broker)
    .bind(ARCHIVES_KEPT)
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

async fn upsert_instruments(
    connection: &mut SqliteConnection,
    rows: &[(Instrument, bool)],
    now: i64,
) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "insert into instruments (exchange, symbol, alias, name, segment, instrument_type, isin, series, \
         underlying_symbol, expiry, strike, tick_size, lot_size, is_active, last_updated) ",
    );
    query.push_values(rows, |mut values, (row, is_active)| {
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
            .push_bind(i64::from(*is_active))
            .push_bind(now);
    });
    query.push(
        " on conflict (exchange, symbol) do update set \
         alias = excluded.alias, \
         name = excluded.name, \
         segment = excluded.segment, \
         instrument_type = excluded.instrument_type, \
         isin = excluded.isin, \
         series = excluded.series, \
         underlying_symbol = excluded.underlying_symbol, \
         expiry = excluded.expiry, \
         strike = excluded.strike, \
         tick_size = excluded.tick_size, \
         lot_size = excluded.lot_size, \
         is_active = excluded.is_active, \
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
