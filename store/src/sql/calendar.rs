//! Queries and rows of the table `calendar_loads`.

use registry_planning::calendar::Calendar;

use super::columns::{Columns, column};
use crate::calendar::{CalendarRecord, StoredCalendar};
use crate::error::StoreError;

pub(crate) const NEWEST: &str =
    "select version, source, loaded_at, document from calendar_loads where version > $1 order by version desc limit 1";

pub(crate) fn calendar(row: &impl Columns) -> Result<StoredCalendar, StoreError> {
    let calendar = Calendar::parse(column(row, "document")?).map_err(|faults| {
        let fault = faults.first().map(ToString::to_string).unwrap_or_default();
        StoreError::Data(format!("invalid column `document`: {fault}"))
    })?;
    let record = CalendarRecord { source: column(row, "source")?, loaded_at: column(row, "loaded_at")?, calendar };
    Ok(StoredCalendar { version: column(row, "version")?, record })
}
