//! The last good settings of the config service.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::error::StoreError;

/// Maximum number of settings that are read: far more than there are keys.
pub(super) const LAST_GOOD_MAX: i64 = 1000;

/// The last valid value of a setting that the config service returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastGoodSetting {
    /// The value; `None` if the setting has none.
    pub value: Option<String>,
    /// The time of the response. Of two stored values the later one wins.
    pub said_at: DateTime<Utc>,
}

/// The last good settings by key. Never secrets.
pub type LastGoodSettings = BTreeMap<String, LastGoodSetting>;

/// The table of last good settings.
#[async_trait]
pub trait SettingsStore: Send + Sync + 'static {
    /// Reads the last good settings, which may include keys of another release.
    async fn last_good(&self) -> Result<LastGoodSettings, StoreError>;

    /// Stores settings, all or none. A key whose stored value is later is not changed, and neither are keys that are
    /// not in `settings`.
    async fn save_last_good(&self, settings: &LastGoodSettings) -> Result<(), StoreError>;
}
