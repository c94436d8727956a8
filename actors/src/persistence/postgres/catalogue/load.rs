//! Making a broker's file its last accepted one.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use registry_planning::catalogue::hex;
use registry_planning::dump::{Broker, Row as Instrument};
use registry_planning::instrument::Amount;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};

use super::super::super::documents::json;
use super::super::super::store::{LoadRecord, StoreError};
use super::super::connections::Connections;

/// Rows in one statement: a few megabytes.
const CHUNK: usize = 10_000;

/// Loads go one after the other, so that versions become visible in their order; readers go on.
const LOCK: &str = "lock table catalogue_loads in exclusive mode";

/// What the broker's file no longer has. Asked first, so that the other rows are written once and not twice.
const DEACTIVATE_TOKENS: &str = "
    update broker_tokens
    set is_active = false
    where broker_id = $1
        and is_active
        and not exists (
            select
            from unnest($2::text[], $3::text[]) as kept (exchange, symbol)
            where kept.exchange = broker_tokens.exchange and kept.symbol = broker_tokens.symbol)";

/// A file that does not know a field leaves what another broker's file said of it.
const UPSERT_INSTRUMENTS: &str = "
    insert into instruments (
        exchange, symbol, alias, name, segment, instrument_type, isin, series, underlying_symbol, expiry, strike, tick_size,
        lot_size, is_active, last_updated)
    select *, true, $14
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::date[], $11::bigint[], $12::bigint[], $13::bigint[])
    on conflict (exchange, symbol) do update set
        alias = coalesce(excluded.alias, instruments.alias),
        name = case when excluded.name = '' then instruments.name else excluded.name end,
        segment = excluded.segment,
        instrument_type = excluded.instrument_type,
        isin = coalesce(excluded.isin, instruments.isin),
        series = coalesce(excluded.series, instruments.series),
        underlying_symbol = coalesce(excluded.underlying_symbol, instruments.underlying_symbol),
        expiry = excluded.expiry,
        strike = excluded.strike,
        tick_size = excluded.tick_size,
        lot_size = excluded.lot_size,
        is_active = true,
        last_updated = excluded.last_updated";

const UPSERT_TOKENS: &str = "
    insert into broker_tokens (broker_id, exchange, symbol, segment, broker_token, is_active, last_updated)
    select $1, *, true, $6
    from unnest($2::text[], $3::text[], $4::text[], $5::text[])
    on conflict (broker_id, exchange, symbol) do update set
        segment = excluded.segment,
        broker_token = excluded.broker_token,
        is_active = true,
        last_updated = excluded.last_updated";

/// An instrument is active while any broker's last file has it.
const DEACTIVATE_INSTRUMENTS: &str = "
    update instruments
    set is_active = false, last_updated = $1
    where is_active
        and not exists (
            select
            from broker_tokens
            where broker_tokens.is_active
                and broker_tokens.exchange = instruments.exchange
                and broker_tokens.symbol = instruments.symbol)";

const INSERT_LOAD: &str = "
    insert into catalogue_loads (
        broker_id, source, file_date, content_hash, rows_read, rows_kept, rejected, loaded_at)
    values ($1, $2, $3, $4, $5, $6, $7::json, $8)
    returning version";

/// Everything in one transaction.
pub(in super::super) async fn accept(connections: &Connections, record: &LoadRecord) -> Result<i64, StoreError> {
    let rejected = json(&record.load.rejected)?;
    let mut lease = connections.lease().await?;
    lease.begin("begin").await?;
    let version = lease.attempt(async |connection| write(connection, record, rejected).await).await?;
    let committed = lease.commit(async |connection| sqlx::query("commit").execute(connection).await).await;
    lease.release(committed)?;
    Ok(version)
}

async fn write(connection: &mut PgConnection, record: &LoadRecord, rejected: String) -> Result<i64, sqlx::Error> {
    let rows = &record.load.rows;
    sqlx::query(LOCK).execute(&mut *connection).await?;
    once(DEACTIVATE_TOKENS)
        .bind(record.broker.as_str())
        .bind(column(rows, |row| row.exchange.as_str()))
        .bind(column(rows, |row| row.symbol.as_str()))
        .execute(&mut *connection)
        .await?;
    for rows in rows.chunks(CHUNK) {
        upsert_instruments(rows, record.loaded_at).execute(&mut *connection).await?;
        upsert_tokens(record.broker, rows, record.loaded_at).execute(&mut *connection).await?;
    }
    once(DEACTIVATE_INSTRUMENTS).bind(record.loaded_at).execute(&mut *connection).await?;
    sqlx::query_scalar(INSERT_LOAD)
        .bind(record.broker.as_str())
        .bind(&record.source)
        .bind(record.file_date)
        .bind(hex(&record.load.content_hash))
        .bind(i64::try_from(record.load.rows_read).unwrap_or(i64::MAX))
        .bind(i64::try_from(rows.len()).unwrap_or(i64::MAX))
        .bind(rejected)
        .bind(record.loaded_at)
        .fetch_one(connection)
        .await
}

fn upsert_instruments(rows: &[Instrument], now: DateTime<Utc>) -> Query<'_, Postgres, PgArguments> {
    once(UPSERT_INSTRUMENTS)
        .bind(column(rows, |row| row.exchange.as_str()))
        .bind(column(rows, |row| row.symbol.as_str()))
        .bind(column(rows, |row| row.alias.as_deref().map(storable)))
        .bind(column(rows, |row| storable(&row.name)))
        .bind(column(rows, |row| row.segment.as_str()))
        .bind(column(rows, |row| row.class.as_str()))
        .bind(column(rows, |row| row.isin.as_deref().map(storable)))
        .bind(column(rows, |row| row.series.as_deref().map(storable)))
        .bind(column(rows, |row| row.underlying.as_deref().map(storable)))
        .bind(column::<Option<NaiveDate>>(rows, |row| row.expiry))
        .bind(column(rows, |row| row.strike.map(Amount::ten_thousandths)))
        .bind(column(rows, |row| row.tick_size.ten_thousandths()))
        .bind(column(rows, |row| i64::from(row.lot_size)))
        .bind(now)
}

fn upsert_tokens(broker: Broker, rows: &[Instrument], now: DateTime<Utc>) -> Query<'_, Postgres, PgArguments> {
    once(UPSERT_TOKENS)
        .bind(broker.as_str())
        .bind(column(rows, |row| row.exchange.as_str()))
        .bind(column(rows, |row| row.symbol.as_str()))
        .bind(column(rows, |row| row.segment.as_str()))
        .bind(column(rows, |row| storable(&row.token)))
        .bind(now)
}

/// A statement that the server plans anew each time. A plan kept for arrays of any length expects short ones, and may
/// compare every row with every element.
fn once(sql: &'static str) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(sql).persistent(false)
}

/// Invariant: all columns of `rows` are of one length. `unnest` would fill the shorter ones up with nulls.
fn column<'a, T>(rows: &'a [Instrument], value: impl Fn(&'a Instrument) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// PostgreSQL's text has no U+0000. A file that has one in a name is not refused for it.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}
