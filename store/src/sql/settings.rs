//! Queries and rows of the table `settings_last_good`.

use super::columns::{Columns, column, optional};
use crate::error::StoreError;
use crate::settings::{LastGoodSetting, LastGoodSettings};

/// There are far fewer keys than the limit.
pub(crate) const READ: &str =
    "select setting_key, setting_value, said_at from settings_last_good order by setting_key limit 1000";

/// The statement that merges the rows of a query into the table, as [`crate::merge_last_good`] does.
macro_rules! save_statement {
    ($rows:literal) => {
        concat!(
            "insert into settings_last_good (setting_key, setting_value, said_at) ",
            $rows,
            " on conflict (setting_key) do update set setting_value = excluded.setting_value, \
             said_at = excluded.said_at where settings_last_good.said_at < excluded.said_at"
        )
    };
}
pub(crate) use save_statement;

pub(crate) fn last_good(rows: &[impl Columns]) -> Result<LastGoodSettings, StoreError> {
    let setting =
        |row| Ok(LastGoodSetting { value: optional(row, "setting_value")?, said_at: column(row, "said_at")? });
    rows.iter().map(|row| Ok((column(row, "setting_key")?, setting(row)?))).collect()
}
