//! Accepts a load as the last one of its broker.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use registry_planning::dump::Row as FileRow;
use registry_planning::instrument::Amount;
use registry_planning::vocabulary::{Broker, hex};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres};

use super::super::super::documents::json;
use super::super::super::error::StoreError;
use super::super::super::loads::{ARCHIVES_KEPT, LoadRecord, first_of, stored};
use super::super::super::merging;
use super::super::connections::{Bound, Connections};
use super::loads;

/// Number of rows in one statement: a few megabytes.
const CHUNK: usize = 10_000;

/// Loads run one after the other, so that versions become visible in order; readers continue.
const LOCK: &str = "lock table catalogue_loads in exclusive mode";

/// Deactivates tokens that are missing from the broker's file. It runs first, so that other rows are written only once.
const DEACTIVATE_TOKENS: &str = "
    update broker_tokens
    set is_active = false
    where broker_id = $1
        and is_active
        and not exists (
            select
            from unnest($2::text[], $3::text[]) as kept (exchange, symbol)
            where kept.exchange = broker_tokens.exchange and kept.symbol = broker_tokens.symbol)";

const UPSERT_INSTRUMENTS: &str = "
    insert into instruments (
        exchange, symbol, alias, name, segment, instrument_type, isin, series, underlying_symbol, expiry, strike, tick_size,
        lot_size, is_active, last_updated)
    select *, $15
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::date[], $11::bigint[], $12::bigint[], $13::bigint[], $14::boolean[])
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
        last_updated = excluded.last_updated
    where (
        instruments.alias, instruments.name, instruments.segment, instruments.instrument_type, instruments.isin,
        instruments.series, instruments.underlying_symbol, instruments.expiry, instruments.strike, instruments.tick_size,
        instruments.lot_size, instruments.is_active)
        is distinct from (
        excluded.alias, excluded.name, excluded.segment, excluded.instrument_type, excluded.isin, excluded.series,
        excluded.underlying_symbol, excluded.expiry, excluded.strike, excluded.tick_size, excluded.lot_size,
        excluded.is_active)";

const UPSERT_TOKENS: &str = "
    insert into broker_tokens (broker_id, exchange, symbol, segment, broker_token, is_active, last_updated)
    select $1, *, true, $6
    from unnest($2::text[], $3::text[], $4::text[], $5::text[])
    on conflict (broker_id, exchange, symbol) do update set
        segment = excluded.segment,
        broker_token = excluded.broker_token,
        is_active = true,
        last_updated = excluded.last_updated
    where (broker_tokens.segment, broker_tokens.broker_token, broker_tokens.is_active)
        is distinct from (excluded.segment, excluded.broker_token, true)";

const INSERT_LOAD: &str = "
    insert into catalogue_loads (
        broker_id, source, file_date, content_hash, rows_read, rows_kept, rejected, loaded_at, archive, diff, diff_counts,
        overruled, quarantine, skipped, duplicates, warnings)
    values (
        $1, $2, $3, $4, $5, $6, $7::json, $8, $9, $10, $11::json, $12::json, $13::json, $14::json, $15, $16::json)
    returning version";

const DROP_OLD_ARCHIVES: &str = "
    update catalogue_loads
    set archive = null
    where broker_id = $1
        and archive is not null
        and version not in (
            select version from catalogue_loads where broker_id = $1 order by version desc limit $2)";

/// Accepts the load in one transaction.
pub(super) async fn accept(connections: &Connections, record: &LoadRecord) -> Result<i64, StoreError> {
    let offer = &record.offer;
    let documents = LoadDocuments {
        rejected: json(&offer.load.rejected)?,
        diff_counts: json(&record.diff_counts)?,
        overruled: json(&stored(&record.overruled))?,
        quarantine: json(&first_of(&offer.load.quarantine))?,
        skipped: json(&offer.load.skipped)?,
        warnings: json(&stored(&record.warnings))?,
    };
    let mut lease = connections.begin("begin", Bound::Bulk).await?;
    lease.attempt(async |connection| sqlx::query(LOCK).execute(connection).await).await?;
    let (own, others): (Vec<_>, _) =
        loads(&mut lease, None).await?.into_iter().partition(|load| load.broker == offer.broker);
    if own.first().map(|load| load.version) != record.after {
        return Err(StoreError::Overtaken);
    }
    drop(own);
    let mut instruments = merging::instruments(others, record, CHUNK);
    lease.attempt(async |connection| deactivate_tokens(connection, record).await).await?;
    while let Some(rows) = instruments.next().await? {
        let upsert =
            async |connection: &mut PgConnection| upsert_instruments(&rows, offer.loaded_at).execute(connection).await;
        lease.attempt(upsert).await?;
    }
    let version = lease.attempt(async |connection| write(connection, record, documents).await).await?;
    let committed = lease.commit(async |connection| sqlx::query("commit").execute(connection).await).await;
    lease.release(committed)?;
    Ok(version)
}

/// The JSON columns of a load.
struct LoadDocuments {
    rejected: String,
    diff_counts: String,
    overruled: String,
    quarantine: String,
    skipped: String,
    warnings: String,
}

async fn deactivate_tokens(connection: &mut PgConnection, record: &LoadRecord) -> Result<(), sqlx::Error> {
    let rows = &record.offer.load.rows;
    once(DEACTIVATE_TOKENS)
        .bind(record.offer.broker.as_str())
        .bind(column(rows, |row| row.exchange.as_str()))
        .bind(column(rows, |row| row.symbol.as_str()))
        .execute(connection)
        .await?;
    Ok(())
}

async fn write(
    connection: &mut PgConnection,
    record: &LoadRecord,
    documents: LoadDocuments,
) -> Result<i64, sqlx::Error> {
    let offer = &record.offer;
    let rows = &offer.load.rows;
    for rows in rows.chunks(CHUNK) {
        upsert_tokens(offer.broker, rows, offer.loaded_at).execute(&mut *connection).await?;
    }
    let version = sqlx::query_scalar(INSERT_LOAD)
        .bind(offer.broker.as_str())
        .bind(storable(&offer.source))
        .bind(offer.file_date)
        .bind(hex(&offer.load.content_hash))
        .bind(i64::try_from(offer.load.rows_read).unwrap_or(i64::MAX))
        .bind(i64::try_from(rows.len()).unwrap_or(i64::MAX))
        .bind(documents.rejected)
        .bind(offer.loaded_at)
        .bind(&record.archive[..])
        .bind(&record.diff)
        .bind(documents.diff_counts)
        .bind(documents.overruled)
        .bind(documents.quarantine)
        .bind(documents.skipped)
        .bind(i64::try_from(offer.load.duplicates).unwrap_or(i64::MAX))
        .bind(documents.warnings)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query(DROP_OLD_ARCHIVES).bind(offer.broker.as_str()).bind(ARCHIVES_KEPT).execute(connection).await?;
    Ok(version)
}

fn upsert_instruments(rows: &[(FileRow, bool)], now: DateTime<Utc>) -> Query<'_, Postgres, PgArguments> {
    once(UPSERT_INSTRUMENTS)
        .bind(column(rows, |(row, _)| row.exchange.as_str()))
        .bind(column(rows, |(row, _)| row.symbol.as_str()))
        .bind(column(rows, |(row, _)| row.alias.as_deref().map(storable)))
        .bind(column(rows, |(row, _)| storable(&row.name)))
        .bind(column(rows, |(row, _)| row.segment.as_str()))
        .bind(column(rows, |(row, _)| row.class.as_str()))
        .bind(column(rows, |(row, _)| row.isin.as_deref().map(storable)))
        .bind(column(rows, |(row, _)| row.series.as_deref().map(storable)))
        .bind(column(rows, |(row, _)| row.underlying.as_deref().map(storable)))
        .bind(column::<_, Option<NaiveDate>>(rows, |(row, _)| row.expiry))
        .bind(column(rows, |(row, _)| row.strike.map(Amount::ten_thousandths)))
        .bind(column(rows, |(row, _)| row.tick_size.ten_thousandths()))
        .bind(column(rows, |(row, _)| i64::from(row.lot_size)))
        .bind(column(rows, |(_, is_active)| *is_active))
        .bind(now)
}

fn upsert_tokens(broker: Broker, rows: &[FileRow], now: DateTime<Utc>) -> Query<'_, Postgres, PgArguments> {
    once(UPSERT_TOKENS)
        .bind(broker.as_str())
        .bind(column(rows, |row| row.exchange.as_str()))
        .bind(column(rows, |row| row.symbol.as_str()))
        .bind(column(rows, |row| row.segment.as_str()))
        .bind(column(rows, |row| storable(&row.token)))
        .bind(now)
}

/// Creates a statement that the server plans for every execution. A generic plan for arrays of any length expects short
/// ones, and may compare every row with every element.
fn once(sql: &'static str) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(sql).persistent(false)
}

/// Invariant: all columns of `rows` have the same length. `unnest` would fill shorter ones with nulls.
fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// Replaces U+0000, which PostgreSQL's text cannot contain. A file with this character in a name is not rejected.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}
