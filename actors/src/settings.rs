//! The settings, their keys and ranges.

use std::collections::BTreeMap;
use std::time::Duration;

use registry_planning::instrument::Amount;
use registry_planning::json::shortened;
use registry_planning::profile::{ProfilePolicy, Strategy};
use registry_planning::vocabulary::{FilteringStrictness, OptimizationLevel};
use serde::Serialize;
use sha2::{Digest, Sha256};
use strum::VariantArray;

/// The origin of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Origin {
    /// The config service, at the last refresh.
    ConfigService,
    /// The config service, at an earlier refresh.
    LastGood,
    /// The environment of the process.
    Environment,
    /// Built in.
    Default,
}

impl Origin {
    /// All of them.
    pub const ALL: &[Origin] = Origin::VARIANTS;

    /// Returns the word of the origin in the API.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Describes the origin, for messages.
    pub const fn describe(self) -> &'static str {
        match self {
            Origin::ConfigService => "the config service",
            Origin::LastGood => "the last good settings",
            Origin::Environment => "the environment",
            Origin::Default => "the built-in defaults",
        }
    }
}

/// The settings of planner and profiles, typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The optimization level of a request that names none.
    pub optimization_level: OptimizationLevel,
    /// The time from the arrival of a request to its deadline.
    pub planner_timeout: Duration,
    /// Maximum number of instruments in a plan.
    pub max_instruments_per_plan: u32,
    /// The filtering strictness of a request that names none.
    pub filtering_strictness: FilteringStrictness,
    /// The time for which a plan is reused.
    pub plan_cache_ttl: Duration,
    /// The price of one instrument in USD.
    pub cost_per_instrument: Amount,
    /// The retention of plans in days.
    pub plan_retention_days: u32,
    /// The time from the arrival of a request about profiles to its deadline.
    pub subscription_timeout: Duration,
    /// Maximum number of active profiles of a user, of all types together.
    pub max_subscriptions_per_user: u32,
    /// Whether a profile must comply with the maximum number of instruments of its type, and contain only instruments that
    /// can be planned.
    pub profile_validation_strict: bool,
    /// The retention of the audit log of profiles in days.
    pub audit_retention_days: u32,
    /// The strategy that resolves conflicts of profiles.
    pub conflict_resolution_strategy: Strategy,
    /// The daily budget of one user for plans in USD. Descriptions of plans compare their cost with it.
    pub daily_budget_per_user: Option<Amount>,
}

impl Settings {
    /// Returns the rules for changes of profiles.
    pub fn profile_policy(&self) -> ProfilePolicy {
        ProfilePolicy {
            strategy: self.conflict_resolution_strategy,
            profiles_max: self.max_subscriptions_per_user,
            is_strict: self.profile_validation_strict,
        }
    }
}

/// Maximum number of characters of a rejected value in a message.
const SHOWN_CHARACTERS_MAX: usize = 100;

/// A value that a key does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: expected {allowed}, got {} from {}", quoted(value), origin.describe())]
pub struct SettingFault {
    /// The key.
    pub key: &'static str,
    /// The value, or its start.
    pub value: String,
    /// The origin of the value.
    pub origin: Origin,
    /// The values that the key allows, in words.
    pub allowed: &'static str,
}

fn quoted(value: &str) -> String {
    if value.is_empty() { "an empty string".to_owned() } else { format!("`{value}`") }
}

/// One setting: its key, default and range, and how it is stored in [`Settings`].
pub struct SettingKey {
    /// The name, in the config service and the environment alike.
    pub name: &'static str,
    /// The built-in value.
    pub default: &'static str,
    /// The range in words.
    pub allowed: &'static str,
    /// Whether `planner/config` shows it.
    pub is_planner_key: bool,
    apply: fn(&str, &mut Settings) -> Option<()>,
}

impl std::fmt::Debug for SettingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SettingKey").field("name", &self.name).finish_non_exhaustive()
    }
}

fn within(value: &str, min: u32, max: u32) -> Option<u32> {
    let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|number| is_digits && (min..=max).contains(number))
}

fn seconds(value: &str, min: u32, max: u32) -> Option<Duration> {
    within(value, min, max).map(|seconds| Duration::from_secs(seconds.into()))
}

/// Parses an amount in a range of ten-thousandths.
fn amount(value: &str, min: i64, max: i64) -> Option<Amount> {
    Amount::parse(value).filter(|amount| (min..=max).contains(&amount.ten_thousandths()))
}

/// Sets the field. Returns `None`, and keeps the field, if there is no value.
fn put<T>(field: &mut T, value: Option<T>) -> Option<()> {
    *field = value?;
    Some(())
}

/// Every setting.
pub const SETTINGS: &[SettingKey] = &[
    SettingKey {
        name: "INSTRUMENT_REGISTRY_PLANNER_OPTIMIZATION_LEVEL",
        default: "moderate",
        allowed: "one of low, moderate, aggressive",
        is_planner_key: true,
        apply: |value, settings| put(&mut settings.optimization_level, OptimizationLevel::parse(value)),
    },
    SettingKey {
        name: "INSTRUMENT_REGISTRY_PLANNER_TIMEOUT",
        default: "30",
        allowed: "an integer from 1 to 300 (seconds)",
        is_planner_key: true,
        apply: |value, settings| put(&mut settings.planner_timeout, seconds(value, 1, 300)),
    },
    SettingKey {
        name: "INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN",
        default: "1000",
        allowed: "an integer from 1 to 50000",
        is_planner_key: true,
        apply: |value, settings| put(&mut settings.max_instruments_per_plan, within(value, 1, 50_000)),
    },
    SettingKey {
        name: "INSTRUMENT_REGISTRY_FILTERING_STRICTNESS",
        default: "moderate",
        allowed: "one of lenient, moderate, strict",
        is_planner_key: true,
        apply: |value, settings| put(&mut settings.filtering_strictness, FilteringStrictness::parse(value)),
    },
    SettingKey {
        name: "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL",
        default: "300",
        allowed: "an integer from 1 to 86400 (seconds)",
        is_planner_key: true,
        apply: |value, settings| put(&mut settings.plan_cache_ttl, seconds(value, 1, 86_400)),
    },
    SettingKey {
        name: "INSTRUMENT_REGISTRY_COST_PER_INSTRUMENT",
        default: "0.05",
        allowed: "a number from 0 to 1000 (USD, at most 4 decimals)",
        is_planner_key: false,
        apply: |value, settings| put(&mut settings.cost_per_instrument, amount(value, 0, 10_000_000)),
    },
    SettingKey {
        name: "INSTRUMENT_REGISTRY_PLAN_RETENTION_DAYS",
        default: "30",
        allowed: "an integer from 1 to 3650 (days)",
        is_planner_key: false,
        apply: |value, settings| put(&mut settings.plan_retention_days, within(value, 1, 3650)),
    },
    SettingKey {
        name: "INSTRUMENT_REGISTRY_SUBSCRIPTION_TIMEOUT",
        default: "30",
        allowed: "an integer from 1 to 300 (seconds)",
        is_planner_key: false,
        apply: |value, settings| put(&mut settings.subscription_timeout, seconds(value, 1, 300)),
    },
    SettingKey {
        name: "INSTRUMENT_REGISTRY_MAX_SUBSCRIPTIONS_PER_USER",
        default: "100",
        allowed: "an integer from 1 to 10000",
        is_planner_key: false,
        apply: |value, settings| put(&mut settings.max_subscriptions_per_user, within(value, 1, 10_000)),
    },
    SettingKey {
        name: "INSTRUMENT_REGISTRY_PROFILE_VALIDATION_STRICT",
        default: "true",
        allowed: "true or false",
        is_planner_key: false,
        apply: |value, settings| put(&mut settings.profile_validation_strict, value.parse().ok()),
    },
    SettingKey {
        name: "INSTRUMENT_REGISTRY_AUDIT_RETENTION_DAYS",
        default: "365",
        allowed: "an integer from 1 to 3650 (days)",
        is_planner_key: false,
        apply: |value, settings| put(&mut settings.audit_retention_days, within(value, 1, 3650)),
    },
    SettingKey {
        name: "INSTRUMENT_REGISTRY_CONFLICT_RESOLUTION_STRATEGY",
        default: "latest_wins",
        allowed: "one of latest_wins, merge, fail_on_conflict",
        is_planner_key: false,
        apply: |value, settings| put(&mut settings.conflict_resolution_strategy, Strategy::parse(value)),
    },
    SettingKey {
        name: "INSTRUMENT_REGISTRY_DAILY_BUDGET_PER_USER",
        default: "",
        allowed: "a number from 0.0001 to 1000000 (USD, at most 4 decimals), or empty for no budget",
        is_planner_key: false,
        apply: |value, settings| {
            let budget = if value.is_empty() { Some(None) } else { amount(value, 1, 10_000_000_000).map(Some) };
            put(&mut settings.daily_budget_per_user, budget)
        },
    },
];

/// The value of every key in effect, with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsTable {
    values: BTreeMap<&'static str, (String, Origin)>,
    settings: Settings,
}

impl Default for SettingsTable {
    fn default() -> Self {
        let settings = Settings {
            optimization_level: OptimizationLevel::Moderate,
            planner_timeout: Duration::ZERO,
            max_instruments_per_plan: 0,
            filtering_strictness: FilteringStrictness::Moderate,
            plan_cache_ttl: Duration::ZERO,
            cost_per_instrument: Amount::ZERO,
            plan_retention_days: 0,
            subscription_timeout: Duration::ZERO,
            max_subscriptions_per_user: 0,
            profile_validation_strict: true,
            audit_retention_days: 0,
            conflict_resolution_strategy: Strategy::LatestWins,
            daily_budget_per_user: None,
        };
        let mut table = SettingsTable { values: BTreeMap::new(), settings };
        for key in SETTINGS {
            table.set(key, key.default, Origin::Default).expect("every default is within its range");
        }
        table
    }
}

impl SettingsTable {
    /// Returns the typed settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the value and origin of every key.
    pub fn values(&self) -> &BTreeMap<&'static str, (String, Origin)> {
        &self.values
    }

    /// Sets one key.
    ///
    /// # Errors
    /// [`SettingFault`] if the value is out of range. The previous value stays.
    pub fn set(&mut self, key: &SettingKey, value: &str, origin: Origin) -> Result<(), SettingFault> {
        let shown = || shortened(value, SHOWN_CHARACTERS_MAX).into_owned();
        let fault = || SettingFault { key: key.name, value: shown(), origin, allowed: key.allowed };
        (key.apply)(value.trim(), &mut self.settings).ok_or_else(fault)?;
        self.values.insert(key.name, (value.trim().to_owned(), origin));
        Ok(())
    }

    /// Returns the SHA-256 of the values in effect that may change a plan, whatever their origin. Timeouts, retention and
    /// rules that apply to profiles only are not included, so that cached plans stay valid when they change. The time to
    /// live is included, because a plan contains the end of its reuse.
    pub fn content_hash(&self) -> [u8; 32] {
        digest(&Settings {
            planner_timeout: Duration::ZERO,
            plan_retention_days: 0,
            subscription_timeout: Duration::ZERO,
            max_subscriptions_per_user: 0,
            profile_validation_strict: true,
            audit_retention_days: 0,
            conflict_resolution_strategy: Strategy::LatestWins,
            daily_budget_per_user: None,
            ..self.settings.clone()
        })
    }

    /// Returns the SHA-256 of all values in effect, whatever their origin.
    pub(crate) fn version_hash(&self) -> [u8; 32] {
        digest(&self.settings)
    }
}

/// Hashes the debug form, which contains every field, so that a setting added later changes the hash too.
fn digest(settings: &Settings) -> [u8; 32] {
    Sha256::digest(format!("{settings:?}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> &'static SettingKey {
        SETTINGS.iter().find(|key| key.name.ends_with(name)).unwrap()
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let table = SettingsTable::default();

        assert_eq!(table.settings().cost_per_instrument.to_string(), "0.05");
        insta::assert_debug_snapshot!("defaults", table.settings());
    }

    #[test]
    fn a_value_out_of_range_keeps_the_last_good_one() {
        let bounds = [
            ("PLANNER_TIMEOUT", ["0", "301", "abc", "-1", ""]),
            ("MAX_INSTRUMENTS_PER_PLAN", ["0", "50001", "1.5", "1e3", " "]),
            ("PLAN_CACHE_TTL", ["0", "86401", "inf", "∞", "x"]),
            ("COST_PER_INSTRUMENT", ["-0.01", "1000.0001", "0.00001", "nan", "5,0"]),
            ("PLAN_RETENTION_DAYS", ["0", "3651", "one", "99999999999", "+"]),
            ("OPTIMIZATION_LEVEL", ["", "High", "MODERATE", "extreme", "0"]),
            ("FILTERING_STRICTNESS", ["", "Strict", "none", "0", "loose"]),
            ("SUBSCRIPTION_TIMEOUT", ["0", "301", "30s", "-1", ""]),
            ("MAX_SUBSCRIPTIONS_PER_USER", ["0", "10001", "1.5", "1e3", " "]),
            ("PROFILE_VALIDATION_STRICT", ["", "True", "yes", "1", "strict"]),
            ("AUDIT_RETENTION_DAYS", ["0", "3651", "one", "99999999999", "+"]),
            ("CONFLICT_RESOLUTION_STRATEGY", ["", "Merge", "latest wins", "none", "0"]),
            ("DAILY_BUDGET_PER_USER", ["0", "-1", "1000000.0001", "0.00001", "none"]),
        ];
        for (name, values) in bounds {
            for value in values {
                let mut table = SettingsTable::default();
                let fault = table.set(key(name), value, Origin::Environment).unwrap_err();
                assert_eq!(table, SettingsTable::default(), "{name}={value}");
                assert_eq!(fault.key, key(name).name);
            }
        }
    }

    #[test]
    fn a_fault_reads_as_a_sentence() {
        let fault =
            SettingsTable::default().set(key("PLANNER_TIMEOUT"), "301", Origin::Environment).unwrap_err().to_string();

        assert_eq!(
            fault,
            "INSTRUMENT_REGISTRY_PLANNER_TIMEOUT: expected an integer from 1 to 300 (seconds), got `301` from the \
             environment"
        );
        let got = |value: &str| {
            let fault = SettingsTable::default().set(key("PLANNER_TIMEOUT"), value, Origin::Environment).unwrap_err();
            fault.to_string().split_once(", got ").unwrap().1.to_owned()
        };
        assert_eq!(got(""), "an empty string from the environment");
        assert_eq!(got(&"9".repeat(101)), format!("`{}…` from the environment", "9".repeat(100)));
    }

    #[test]
    fn the_hash_follows_the_content_and_not_the_origin() {
        let mut same = SettingsTable::default();
        same.set(key("PLAN_CACHE_TTL"), "300", Origin::Environment).unwrap();

        assert_eq!(same.content_hash(), SettingsTable::default().content_hash());
    }

    #[test]
    fn a_setting_that_may_change_a_plan_changes_the_hash() {
        let values = [
            ("OPTIMIZATION_LEVEL", "low"),
            ("MAX_INSTRUMENTS_PER_PLAN", "999"),
            ("FILTERING_STRICTNESS", "strict"),
            ("PLAN_CACHE_TTL", "301"),
            ("COST_PER_INSTRUMENT", "0.06"),
        ];
        for (name, value) in values {
            let mut other = SettingsTable::default();
            other.set(key(name), value, Origin::ConfigService).unwrap();

            assert_ne!(other.content_hash(), SettingsTable::default().content_hash(), "{name}");
        }
    }

    #[test]
    fn a_setting_outside_plans_changes_the_version_alone() {
        let base = SettingsTable::default();
        let values = [
            ("PLANNER_TIMEOUT", "31"),
            ("PLAN_RETENTION_DAYS", "31"),
            ("SUBSCRIPTION_TIMEOUT", "300"),
            ("MAX_SUBSCRIPTIONS_PER_USER", "10000"),
            ("PROFILE_VALIDATION_STRICT", "false"),
            ("AUDIT_RETENTION_DAYS", "3650"),
            ("CONFLICT_RESOLUTION_STRATEGY", "fail_on_conflict"),
            ("DAILY_BUDGET_PER_USER", "25.5"),
        ];
        for (name, value) in values {
            let mut other = SettingsTable::default();
            other.set(key(name), value, Origin::ConfigService).unwrap();

            assert_ne!(other.settings(), base.settings(), "{name}");
            assert_eq!(other.content_hash(), base.content_hash(), "{name}");
            assert_ne!(other.version_hash(), base.version_hash(), "{name}");
        }
    }
}
