//! The last good settings of the config service.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::error::StoreError;

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

/// Keeps the later value of each key of either side.
pub fn merge_last_good(kept: &mut LastGoodSettings, others: LastGoodSettings) {
    for (key, other) in others {
        if kept.get(&key).is_none_or(|ours| ours.said_at < other.said_at) {
            kept.insert(key, other);
        }
    }
}

/// The table of last good settings.
#[async_trait]
pub trait SettingsStore: Send + Sync + 'static {
    /// Reads the last good settings, which may include keys of another release.
    async fn last_good(&self) -> Result<LastGoodSettings, StoreError>;

    /// Merges settings into the stored ones like [`merge_last_good`], all or none.
    async fn save_last_good(&self, settings: &LastGoodSettings) -> Result<(), StoreError>;
}
