//! The stored profiles and conflicts: as large as the API accepts, and as many as a page can have.

use anyhow::Context;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::PROFILES_BASE;
use super::caller::{Caller, RequestBody};
use super::course::StepOutcome;
use crate::service::{BASE, Service};

/// The number of profiles of a user: those of the largest page.
pub(super) const PROFILES: usize = 1_000;

/// The number of instruments of a profile: the maximum.
pub(super) const INSTRUMENTS: usize = 1_000;

/// The number of instruments of a profile that the last file does not contain.
pub(super) const INACTIVE: usize = 25;
pub(super) const CHANGES: usize = 250;
pub(super) const CONFLICTS: usize = 1_000;

/// The number of instruments whose preferences a profile has, so that they are nearly as large as allowed.
const PREFERRED: usize = 900;
pub(super) const USER: &str = "pressure";
pub(super) const USER_OF_CONFLICTS: &str = "pressure-conflicts";

pub(super) struct Seed {
    /// The keys of the profile `Filled 0`. Those of `Filled 7` are the same, rotated by 7.
    pub(super) keys: Vec<String>,
    pub(super) history: String,
}

/// Creates a profile for each purpose through the API, and copies rows in the database.
pub(super) async fn fill(service: &Service, caller: &Caller) -> anyhow::Result<(Seed, StepOutcome)> {
    // The inactive instruments come first.
    let mut keys = options(caller, &format!("is_active=false&limit={INACTIVE}")).await?;
    keys.extend(options(caller, &format!("is_active=true&limit={}", INSTRUMENTS - INACTIVE)).await?);
    anyhow::ensure!(keys.len() == INSTRUMENTS, "expected {INSTRUMENTS} instruments, got {}", keys.len());
    let modes: Map<String, Value> = keys.iter().take(PREFERRED).map(|key| (key.clone(), "quote".into())).collect();
    let modes = json!({ "modes": modes });
    let template = create(caller, USER, &keys, &modes, &json!({})).await?;
    service.database.execute(&copied_profiles(&template)).await.context("failed to copy profiles")?;
    let mut rotated = keys[INACTIVE..].to_vec();
    let history = create(caller, "pressure-history", &rotated, &modes, &json!({})).await?;
    for _ in 0..CHANGES {
        rotated.rotate_left(1);
        let change = RequestBody::json(&json!({ "instruments": rotated }));
        caller.send(Method::PUT, &format!("{PROFILES_BASE}/{history}"), Some(&change)).await?;
    }
    let unknown: Vec<String> = (0..INSTRUMENTS).map(|number| format!("NSE:{}{number}", "UNKNOWN".repeat(12))).collect();
    // The rule makes every instrument of the profile invalid, which is a conflict. Preferences for its long keys would
    // be too large.
    let rule = json!({ "allowed_exchanges": ["BSE"] });
    create(caller, USER_OF_CONFLICTS, &unknown, &json!({}), &rule).await?;
    service.database.execute(&copied_conflicts()).await.context("failed to copy conflicts")?;
    service.database.execute("analyze").await?;
    Ok((Seed { keys, history }, StepOutcome::default()))
}

/// Returns the keys of a page of options.
pub(super) async fn options(caller: &Caller, query: &str) -> anyhow::Result<Vec<String>> {
    let listed: Value = caller.get(&format!("{BASE}/instruments?instrument_type=CE&{query}")).await?.parse()?;
    let instruments = listed["instruments"].as_array().context("the list has no instruments")?;
    let key = |entry: &Value| entry["instrument_key"].as_str().map(str::to_owned).context("an instrument has no key");
    instruments.iter().map(key).collect()
}

async fn create(
    caller: &Caller,
    user: &str,
    keys: &[String],
    preferences: &Value,
    rules: &Value,
) -> anyhow::Result<String> {
    let body = json!({
        "user_id": user,
        "profile_name": "Filled 0",
        "subscription_type": "live_feed",
        "instruments": keys,
        "preferences": preferences,
        "validation_rules": rules,
    });
    let created: Value = caller.post(PROFILES_BASE, &RequestBody::json(&body)).await?.parse()?;
    created["profile_id"].as_str().map(str::to_owned).context("the created profile has no id")
}

/// Returns a statement that copies the profile. Ids begin with their time in ms, like those of the service.
fn copied_profiles(template: &str) -> String {
    format!(
        "insert into instrument_registry.subscription_profiles
            (profile_id, user_id, profile_name, subscription_type, instruments, instrument_count, preferences,
             validation_rules, max_instruments, is_active, version, created_at, updated_at, expires_at)
         select 'profile_' || lpad(to_hex((extract(epoch from t.created_at) * 1000)::bigint + number), 12, '0')
                           || '7' || substr(md5(number::text), 1, 19),
                t.user_id, 'Filled ' || number, t.subscription_type,
                t.instruments[number + 1:] || t.instruments[:number], t.instrument_count, t.preferences,
                t.validation_rules, t.max_instruments, t.is_active, t.version, t.created_at, t.updated_at, t.expires_at
         from instrument_registry.subscription_profiles as t, generate_series(1, {PROFILES} - 1) as number
         where t.profile_id = '{template}'"
    )
}

/// Returns a statement that copies the user's only conflict.
fn copied_conflicts() -> String {
    format!(
        "insert into instrument_registry.subscription_conflicts
            (conflict_id, profile_id, user_id, conflict_type, conflict_data, status, resolution_strategy,
             resolution_data, created_at, resolved_at)
         select 'conflict_' || lpad(to_hex((extract(epoch from t.created_at) * 1000)::bigint + number), 12, '0')
                            || '7' || substr(md5(number::text), 1, 19),
                t.profile_id, t.user_id, t.conflict_type, t.conflict_data, t.status, t.resolution_strategy,
                t.resolution_data, t.created_at, t.resolved_at
         from instrument_registry.subscription_conflicts as t, generate_series(1, {CONFLICTS} - 1) as number
         where t.user_id = '{USER_OF_CONFLICTS}'"
    )
}

impl Seed {
    /// Returns the instrument at this place of a copied profile.
    pub(super) fn key(&self, name: &str, place: usize) -> anyhow::Result<&str> {
        let number = name.strip_prefix("Filled ").and_then(|number| number.parse::<usize>().ok());
        let number = number.filter(|number| *number < self.keys.len());
        let number = number.with_context(|| format!("unknown profile `{name}`"))?;
        Ok(&self.keys[(number + place) % self.keys.len()])
    }
}
