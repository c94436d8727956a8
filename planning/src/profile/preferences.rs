//! What a profile prefers of its plans.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::broker::Mode;
use crate::catalogue::search::Selector;
use crate::dump::{BROKER_IDS, Broker};
use crate::feed::{Feed, MODES, PRIORITY_MAX};
use crate::request::{FilteringStrictness, OptimizationLevel};

/// Most instruments that `modes` and `priorities` may name.
const NAMED_MAX: usize = 5000;

/// The preferences that plans are made with; a request's own options go before them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// How much a plan is worked over.
    pub optimization_level: Option<OptimizationLevel>,
    /// What a key must be, to be kept.
    pub filtering_strictness: Option<FilteringStrictness>,
    /// Broker, modes and priorities.
    pub feed: Feed,
    /// Instruments that the profile names by what they are: they are looked up when a plan is made.
    pub selectors: Vec<Selector>,
}

/// What is wrong with a preference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreferenceFault {
    /// Where it stands, as names with a slash before each.
    pub place: String,
    /// What is wrong.
    pub detail: String,
}

impl Preferences {
    /// Reads them out of a profile's preferences.
    ///
    /// # Errors
    /// The first that has another value than it allows.
    pub fn of(preferences: &Map<String, Value>) -> Result<Self, PreferenceFault> {
        let levels = "low, moderate, aggressive";
        let strictnesses = "lenient, moderate, strict";
        Ok(Preferences {
            optimization_level: word(preferences, "optimization_level", OptimizationLevel::parse, levels)?,
            filtering_strictness: word(preferences, "filtering_strictness", FilteringStrictness::parse, strictnesses)?,
            feed: Feed {
                broker: word(preferences, "broker", Broker::parse, BROKER_IDS)?,
                mode: word(preferences, "mode", Mode::parse, MODES)?,
                modes: named(preferences, "modes", MODES, |value| Mode::parse(value.as_str()?))?,
                priorities: named(
                    preferences,
                    "priorities",
                    &format!("a whole number from 0 to {PRIORITY_MAX}"),
                    |value| u32::try_from(value.as_u64()?).ok().filter(|number| *number <= PRIORITY_MAX),
                )?,
            },
            selectors: match present(preferences, "selectors") {
                None => Vec::new(),
                Some(list) => Selector::read_all(list)
                    .map_err(|(place, detail)| PreferenceFault { place: format!("/selectors{place}"), detail })?,
            },
        })
    }
}

fn present<'a>(preferences: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    preferences.get(name).filter(|value| !value.is_null())
}

fn word<T>(
    preferences: &Map<String, Value>,
    name: &str,
    parse: fn(&str) -> Option<T>,
    allowed: &str,
) -> Result<Option<T>, PreferenceFault> {
    let Some(value) = present(preferences, name) else { return Ok(None) };
    value.as_str().and_then(parse).map(Some).ok_or_else(|| not_allowed(format!("/{name}"), value, allowed))
}

/// A value for each of some instruments.
fn named<T>(
    preferences: &Map<String, Value>,
    name: &str,
    allowed: &str,
    parse: impl Fn(&Value) -> Option<T>,
) -> Result<BTreeMap<String, T>, PreferenceFault> {
    let Some(value) = present(preferences, name) else { return Ok(BTreeMap::new()) };
    let fault = |detail| PreferenceFault { place: format!("/{name}"), detail };
    let entries =
        value.as_object().ok_or_else(|| fault(format!("must be an object of instruments, each: {allowed}")))?;
    if entries.len() > NAMED_MAX {
        return Err(fault(format!("names {} instruments; allowed: {NAMED_MAX}", entries.len())));
    }
    let read = |(key, value): (&String, &Value)| match parse(value) {
        Some(parsed) => Ok((key.clone(), parsed)),
        None => Err(not_allowed(format!("/{name}/{}", key.replace('~', "~0").replace('/', "~1")), value, allowed)),
    };
    entries.iter().map(read).collect()
}

fn not_allowed(place: String, value: &Value, allowed: &str) -> PreferenceFault {
    let shown: String = value.to_string().chars().take(80).collect();
    PreferenceFault { place, detail: format!("is `{shown}`; allowed: {allowed}") }
}

/// Parts of a name that speak of a secret, which has no place in a profile.
const SECRET_WORDS: [&str; 4] = ["password", "secret", "token", "key"];

/// Where in the preferences a name stands that looks like a secret's: its path with dots. Objects and lists are gone
/// through, but not those whose names are instruments: what they hold is no text of the caller's.
pub fn secret_name(preferences: &Map<String, Value>) -> Option<String> {
    let of_caller = preferences.iter().filter(|(name, _)| !["modes", "priorities"].contains(&name.as_str()));
    of_caller.map(|(name, value)| (name.as_str(), value)).find_map(secret_at)
}

fn secret_at((name, value): (&str, &Value)) -> Option<String> {
    let lower = name.to_lowercase();
    if SECRET_WORDS.iter().any(|word| lower.contains(word)) {
        return Some(name.to_owned());
    }
    secret_within(value).map(|inner| format!("{name}.{inner}"))
}

fn secret_within(value: &Value) -> Option<String> {
    match value {
        Value::Object(map) => map.iter().map(|(name, value)| (name.as_str(), value)).find_map(secret_at),
        Value::Array(items) => items.iter().find_map(secret_within),
        _ => None,
    }
}
