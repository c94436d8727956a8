//! Queries and rows of the table `settings_last_good`.

use super::columns::{Columns, column, optional};
use crate::error::StoreError;
use crate::settings::{LastGoodSetting, LastGoodSettings};

pub(crate) const READ: &str =
    "select setting_key, setting_value, said_at from settings_last_good order by setting_key limit $1";

pub(crate) fn last_good(rows: &[impl Columns]) -> Result<LastGoodSettings, StoreError> {
    let setting =
        |row| Ok(LastGoodSetting { value: optional(row, "setting_value")?, said_at: column(row, "said_at")? });
    rows.iter().map(|row| Ok((column(row, "setting_key")?, setting(row)?))).collect()
}
