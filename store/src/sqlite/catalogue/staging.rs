//! The rows of a load to be written, in temporary tables of the connection: only those that differ from the stored
//! ones.

use futures_util::TryStreamExt;
use registry_planning::dump::Row as FileRow;
use registry_planning::instrument::Amount;
use registry_planning::vocabulary::Exchange;
use sqlx::sqlite::Sqlite;
use sqlx::{Connection, Executor, QueryBuilder, SqliteConnection};

use super::super::super::error::StoreError;
use super::super::super::loads::LoadRecord;
use super::super::super::merging;
use super::load::last_versions;
use super::{fault, loads};

/// Number of rows in one statement. With 14 columns it stays far below SQLite's limit of 32,766 parameters.
const CHUNK: usize = 500;

/// Temporary tables are in an unnamed file, which is deleted with the connection.
const CREATE: &str = "
    create temp table staged_instruments as
        select exchange, symbol, alias, name, segment, instrument_type, isin, series, underlying_symbol, expiry, strike,
            tick_size, lot_size, is_active
        from instruments
        limit 0;
    create temp table staged_tokens as select exchange, symbol, segment, broker_token from broker_tokens limit 0;
    create temp table staged_gone as select exchange, symbol from broker_tokens limit 0";

const DROP: &str = "
    drop table if exists temp.staged_instruments;
    drop table if exists temp.staged_tokens;
    drop table if exists temp.staged_gone";

const APPLY_GONE: &str = "
    update broker_tokens
    set is_active = 0
    from temp.staged_gone as gone
    where broker_id = ? and broker_tokens.exchange = gone.exchange and broker_tokens.symbol = gone.symbol";

const APPLY_TOKENS: &str = "
    insert into broker_tokens (broker_id, exchange, symbol, segment, broker_token, is_active, last_updated)
    select ?, exchange, symbol, segment, broker_token, 1, ?
    from temp.staged_tokens
    where true
    on conflict (broker_id, exchange, symbol) do update set
        segment = excluded.segment,
        broker_token = excluded.broker_token,
        is_active = excluded.is_active,
        last_updated = excluded.last_updated";

const APPLY_INSTRUMENTS: &str = "
    insert into instruments (
        exchange, symbol, alias, name, segment, instrument_type, isin, series, underlying_symbol, expiry, strike, tick_size,
        lot_size, is_active, last_updated)
    select exchange, symbol, alias, name, segment, instrument_type, isin, series, underlying_symbol, expiry, strike,
        tick_size, lot_size, is_active, ?
    from temp.staged_instruments
    where true
    on conflict (exchange, symbol) do update set
        alias = excluded.alias,
        name = excluded.name,
        segment = excluded.segment,
        instrument_type = excluded.instrument_type,
        isin = excluded.isin,
        series = excluded.series,
        underlying_symbol = excluded.underlying_symbol,
        expiry = excluded.expiry,
        strike = excluded.strike,
        tick_size = excluded.tick_size,
        lot_size = excluded.lot_size,
        is_active = excluded.is_active,
        last_updated = excluded.last_updated";

/// Stages the rows that differ, and returns the loads from which they were created. All reads are in one transaction,
/// which writes only to temporary tables and holds no lock.
pub(super) async fn stage(connection: &mut SqliteConnection, record: &LoadRecord) -> Result<Vec<i64>, StoreError> {
    clear(connection).await?;
    let mut transaction = connection.begin().await.map_err(fault)?;
    transaction.execute(CREATE).await.map_err(fault)?;
    let versions = last_versions(&mut transaction).await?;
    let broker = record.offer.broker;
    let (own, others): (Vec<_>, _) =
        loads(&mut transaction, None).await?.into_iter().partition(|load| load.broker == broker);
    if own.first().map(|load| load.version) != record.after {
        return Err(StoreError::Overtaken);
    }
    drop(own);

    let mut instruments = merging::instruments(others, record, CHUNK);
    while let Some(rows) = instruments.next().await? {
        stage_instruments(&mut transaction, &rows).await?;
    }
    for rows in record.offer.load.rows.chunks(CHUNK) {
        stage_tokens(&mut transaction, broker.as_str(), rows).await?;
    }
    for keys in gone(&mut transaction, record).await?.chunks(CHUNK) {
        stage_gone(&mut transaction, keys).await?;
    }
    transaction.commit().await.map_err(fault)?;
    Ok(versions)
}

pub(super) async fn apply(connection: &mut SqliteConnection, record: &LoadRecord) -> Result<(), StoreError> {
    let (broker, now) = (record.offer.broker.as_str(), record.offer.loaded_at.timestamp_millis());
    sqlx::query(APPLY_GONE).bind(broker).execute(&mut *connection).await.map_err(fault)?;
    sqlx::query(APPLY_TOKENS).bind(broker).bind(now).execute(&mut *connection).await.map_err(fault)?;
    sqlx::query(APPLY_INSTRUMENTS).bind(now).execute(&mut *connection).await.map_err(fault)?;
    Ok(())
}

/// Frees the memory and the file of staging.
pub(super) async fn clear(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    connection.clear_cached_statements().await.map_err(fault)?;
    connection.execute(DROP).await.map_err(fault)?;
    Ok(())
}

async fn stage_instruments(connection: &mut SqliteConnection, rows: &[merging::MergedRow]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::<Sqlite>::new(
        "with next (exchange, symbol, alias, name, segment, instrument_type, isin, series, underlying_symbol, expiry, \
         strike, tick_size, lot_size, is_active) as (",
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
            .push_bind(i64::from(*is_active));
    });
    // If there is no row, its `is_active` is null, which differs from every value.
    query.push(
        ") insert into temp.staged_instruments select next.* from next \
         left join main.instruments as was on was.exchange = next.exchange and was.symbol = next.symbol \
         where was.is_active is not next.is_active or was.alias is not next.alias or was.name is not next.name \
         or was.segment is not next.segment or was.instrument_type is not next.instrument_type \
         or was.isin is not next.isin or was.series is not next.series \
         or was.underlying_symbol is not next.underlying_symbol or was.expiry is not next.expiry \
         or was.strike is not next.strike or was.tick_size is not next.tick_size or was.lot_size is not next.lot_size",
    );
    query.build().execute(connection).await.map_err(fault)?;
    Ok(())
}

async fn stage_tokens(connection: &mut SqliteConnection, broker: &str, rows: &[FileRow]) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("with next (exchange, symbol, segment, broker_token) as (");
    query.push_values(rows, |mut values, row| {
        values
            .push_bind(row.exchange.as_str())
            .push_bind(&row.symbol)
            .push_bind(row.segment.as_str())
            .push_bind(&row.token);
    });
    query.push(
        ") insert into temp.staged_tokens select next.* from next \
         left join main.broker_tokens as was \
         on was.exchange = next.exchange and was.symbol = next.symbol and was.broker_id = ",
    );
    query.push_bind(broker);
    query.push(
        " where was.is_active is not 1 or was.segment is not next.segment or was.broker_token is not next.broker_token",
    );
    query.build().execute(connection).await.map_err(fault)?;
    Ok(())
}

/// Reads the keys of active tokens that are missing from the file.
async fn gone(connection: &mut SqliteConnection, record: &LoadRecord) -> Result<Vec<(String, String)>, StoreError> {
    let rows = &record.offer.load.rows;
    let is_kept = |exchange: &str, symbol: &str| {
        let Some(exchange) = Exchange::parse(exchange) else { return false };
        rows.binary_search_by(|row| (row.exchange, row.symbol.as_str()).cmp(&(exchange, symbol))).is_ok()
    };
    let mut active = sqlx::query_as::<_, (String, String)>(
        "select exchange, symbol from broker_tokens where broker_id = ? and is_active = 1",
    )
    .bind(record.offer.broker.as_str())
    .fetch(connection);
    let mut gone = Vec::new();
    while let Some((exchange, symbol)) = active.try_next().await.map_err(fault)? {
        if !is_kept(&exchange, &symbol) {
            gone.push((exchange, symbol));
        }
    }
    Ok(gone)
}

async fn stage_gone(connection: &mut SqliteConnection, keys: &[(String, String)]) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("insert into temp.staged_gone (exchange, symbol) ");
    query.push_values(keys, |mut values, (exchange, symbol)| {
        values.push_bind(exchange).push_bind(symbol);
    });
    query.build().execute(connection).await.map_err(fault)?;
    Ok(())
}
