//! Queries and rows of the tables `catalogue_loads`, `catalogue_refusals`, `instruments` and `broker_tokens`.

use registry_planning::dump::Row as Instrument;
use registry_planning::ingest::archive::{ArchivedRow, StoredInstruments};
use registry_planning::ingest::diff::{ChangeKind, read_changes};
use registry_planning::instrument::Amount;
use registry_planning::vocabulary::{Broker, Exchange, InstrumentType, Segment};

use super::columns::{Columns, column, document, optional, optional_document, word};
use crate::background::{self, Priority};
use crate::error::StoreError;
use crate::loads::{LoadDiff, LoadSummary, RejectedFile};
use crate::merging::{self, StoredLoad};

pub(crate) const LAST_VERSION: &str = "select max(version) from catalogue_loads";

/// Reads the last accepted load of each broker, or of one.
pub(crate) const LOADS: &str = "
    select version, broker_id, file_date, loaded_at, archive
    from catalogue_loads
    where version in (select max(version) from catalogue_loads group by broker_id)
        and (cast($1 as text) is null or broker_id = $1)
    order by broker_id";

/// Reads the instruments of a broker from the tables. Fields that its file leaves empty have the values of other
/// brokers' files.
pub(crate) const STATE: &str = "
    select exchange, symbol, alias, name, broker_tokens.segment as segment, instrument_type, isin, series,
        underlying_symbol, expiry, strike, tick_size, lot_size, broker_token, broker_tokens.is_active as is_active
    from broker_tokens
    join instruments using (exchange, symbol)
    where broker_id = $1";

pub(crate) const VERSIONS: &str = "
    select version, broker_id, source, file_date, content_hash, loaded_at, rows_kept, rows_read, rejected, skipped,
        duplicates, diff_counts, overruled, warnings
    from catalogue_loads
    where cast($1 as bigint) is null or version < $1
    order by version desc
    limit $2";

/// Reads the last accepted load of each broker, without its instruments.
pub(crate) const LAST_SUMMARIES: &str = "
    select version, broker_id, source, file_date, content_hash, loaded_at, rows_kept, rows_read, rejected, skipped,
        duplicates, diff_counts, overruled, warnings
    from catalogue_loads
    where version in (select max(version) from catalogue_loads group by broker_id)
    order by broker_id";

pub(crate) const DIFF: &str = "
    select version, broker_id, source, file_date, content_hash, loaded_at, rows_kept, rows_read, rejected, skipped,
        duplicates, diff_counts, overruled, warnings, diff
    from catalogue_loads
    where version = $1";

pub(crate) const REJECTED_FILES: &str = "
    select refusal_id, broker_id, source, refused_at, faults
    from catalogue_refusals
    where not exists (
        select 1
        from catalogue_loads
        where catalogue_loads.broker_id = catalogue_refusals.broker_id and version > after_version)
    order by refusal_id desc
    limit $1";

pub(crate) const DISMISS: &str = "delete from catalogue_refusals where broker_id = $1";

pub(crate) fn broker(row: &impl Columns) -> Result<Broker, StoreError> {
    word(row, "broker_id", Broker::parse)
}

/// Reads the archive of the broker, if the row contains it in a format that this release knows.
pub(crate) fn archive(row: &impl Columns) -> Result<Option<StoredInstruments>, StoreError> {
    let archive = row.bytes("archive")?.filter(|archive| !merging::is_foreign(archive));
    Ok(archive.map(|archive| StoredInstruments::Archive(archive.into())))
}

pub(crate) fn load(row: &impl Columns, instruments: StoredInstruments) -> Result<StoredLoad, StoreError> {
    let (version, file_date) = (column(row, "version")?, optional(row, "file_date")?);
    Ok(StoredLoad::new(version, broker(row)?, file_date, column(row, "loaded_at")?, instruments))
}

pub(crate) fn archived(row: &impl Columns) -> Result<ArchivedRow, StoreError> {
    Ok(ArchivedRow::new(instrument(row)?, column(row, "is_active")?))
}

fn instrument(row: &impl Columns) -> Result<Instrument, StoreError> {
    Ok(Instrument {
        exchange: word(row, "exchange", Exchange::parse)?,
        symbol: column(row, "symbol")?,
        alias: optional(row, "alias")?,
        name: column(row, "name")?,
        segment: word(row, "segment", Segment::parse)?,
        class: word(row, "instrument_type", InstrumentType::parse)?,
        isin: optional(row, "isin")?,
        series: optional(row, "series")?,
        underlying: optional(row, "underlying_symbol")?,
        expiry: optional(row, "expiry")?,
        strike: optional(row, "strike")?.map(Amount::from_ten_thousandths),
        tick_size: Amount::from_ten_thousandths(column(row, "tick_size")?),
        lot_size: column(row, "lot_size")?,
        token: column(row, "broker_token")?,
    })
}

pub(crate) fn summary(row: &impl Columns) -> Result<LoadSummary, StoreError> {
    Ok(LoadSummary {
        version: column(row, "version")?,
        broker: broker(row)?,
        source: column(row, "source")?,
        file_date: optional(row, "file_date")?,
        content_hash: column(row, "content_hash")?,
        loaded_at: column(row, "loaded_at")?,
        instruments: column(row, "rows_kept")?,
        rows_read: column(row, "rows_read")?,
        rejected: document(row, "rejected")?,
        skipped: optional_document(row, "skipped")?.unwrap_or_default(),
        duplicates: optional(row, "duplicates")?.unwrap_or_default(),
        diff_counts: optional_document(row, "diff_counts")?,
        overruled: optional_document(row, "overruled")?.unwrap_or_default(),
        warnings: optional_document(row, "warnings")?.unwrap_or_default(),
    })
}

/// Reads a load with at most `limit` of its changes on a thread of its own: to find the changes of a kind, the whole
/// document may have to be read, and neither requests nor the lookup of names must wait for it. The permits of the
/// caller's lane bound the number of these threads.
pub(crate) async fn diff<R: Columns + Send + 'static>(
    row: R,
    kind: Option<ChangeKind>,
    limit: u32,
) -> Result<LoadDiff, StoreError> {
    let reading = background::run(Priority::Normal, move || read_diff(&row, kind, limit)).await;
    reading.unwrap_or_else(|fault| Err(StoreError::Data(format!("failed to read the changes of a load: {fault}"))))
}

fn read_diff(row: &impl Columns, kind: Option<ChangeKind>, limit: u32) -> Result<LoadDiff, StoreError> {
    let changes = row.bytes("diff")?.map(|changes| read_changes(changes, kind, limit as usize)).transpose();
    let changes = changes.map_err(|fault| StoreError::Data(format!("invalid column `diff`: {fault}")))?;
    Ok(LoadDiff { load: summary(row)?, changes })
}

pub(crate) fn rejected_file(row: &impl Columns) -> Result<RejectedFile, StoreError> {
    Ok(RejectedFile {
        rejection_id: column(row, "refusal_id")?,
        broker: broker(row)?,
        source: column(row, "source")?,
        rejected_at: column(row, "refused_at")?,
        faults: document(row, "faults")?,
    })
}
