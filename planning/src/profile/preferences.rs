//! The preferences of a profile for its plans.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde_json::{Map, Value};

use crate::capacity::{NAME_FORM, is_name};
use crate::catalogue::Catalogue;
use crate::catalogue::search::{DocumentFault, Selector};
use crate::feed::{
    ACCOUNTS_MAX, Accounts, CONNECTIONS_MAX, PRIORITY_MAX, StreamOptions, account_count_fault, account_duplicate_fault,
};
use crate::instrument::split_key;
use crate::json::{kind_of, mismatch, pointer_part, whole_number, word_mismatch};
use crate::vocabulary::{FilteringStrictness, Mode, OptimizationLevel, Word};

/// The maximum number of instruments in `modes`, `priorities`, `min_modes` and `pinned`.
const NAMED_MAX: usize = 5000;

/// The preferences with which plans are created. The options of a request take precedence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// The optimization level; `None` if the default applies.
    pub optimization_level: Option<OptimizationLevel>,
    /// The condition that a key must meet to be kept; `None` if the default applies.
    pub filtering_strictness: Option<FilteringStrictness>,
    /// The stream options: the broker, its accounts, modes, priorities and pins.
    pub feed: StreamOptions,
    /// Selectors of instruments, which are applied when a plan is created.
    pub selectors: Vec<Selector>,
}

impl Preferences {
    /// Reads them from the preferences of a profile, each independently: an invalid one is ignored and reported as a
    /// fault.
    pub fn of(preferences: &Map<String, Value>) -> (Self, Vec<DocumentFault>) {
        let mut faults = Vec::new();
        let mut reader = PreferencesReader { preferences, faults: &mut faults };
        let mode_words = format!("one of {}", Mode::WORDS);
        let mode_of = |value: &Value| Mode::parse(value.as_str()?);
        let mut read = Preferences {
            optimization_level: reader.word("optimization_level"),
            filtering_strictness: reader.word("filtering_strictness"),
            feed: StreamOptions {
                broker: reader.word("broker"),
                mode: reader.word("mode"),
                modes: reader.named("modes", &mode_words, word_mismatch, mode_of),
                priorities: reader.named(
                    "priorities",
                    &format!("an integer from 0 to {PRIORITY_MAX}"),
                    mismatch,
                    |value| u32::try_from(whole_number(value)?).ok().filter(|number| *number <= PRIORITY_MAX),
                ),
                min_mode: reader.word("min_mode"),
                min_modes: reader.named("min_modes", &mode_words, word_mismatch, mode_of),
                pinned: reader.keys("pinned"),
                tier: reader.text("tier"),
                accounts: reader.accounts("accounts"),
                connections: reader.number("connections", CONNECTIONS_MAX),
                placement: reader.word("placement"),
                previous: None,
            },
            selectors: match present(preferences, "selectors") {
                None => Vec::new(),
                Some(list) => Selector::read_all(list, "/selectors", &mut faults),
            },
        };
        // The mode of the subscription type is not known here.
        faults.extend(read.feed.retain_valid_modes(None));
        (read, faults)
    }

    /// Whether plans with these preferences can contain an instrument, by the broker and the strictness.
    pub(super) fn let_in(&self, key: &str, catalogue: &Catalogue, as_of: NaiveDate) -> bool {
        let Some(id) = catalogue.find(key) else { return true };
        let is_lenient = self.filtering_strictness == Some(FilteringStrictness::Lenient);
        let is_strict = self.filtering_strictness == Some(FilteringStrictness::Strict);
        let instrument = catalogue.get(id);
        let is_usable = instrument.is_active() && !instrument.is_expired_on(as_of);
        let is_listed = self.feed.broker.is_none_or(|broker| catalogue.is_listed_by(broker, id));
        (is_listed || is_lenient) && (is_usable || !is_strict)
    }
}

fn present<'a>(preferences: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    preferences.get(name).filter(|value| !value.is_null())
}

struct PreferencesReader<'a> {
    preferences: &'a Map<String, Value>,
    faults: &'a mut Vec<DocumentFault>,
}

impl PreferencesReader<'_> {
    fn fault(&mut self, pointer: String, detail: String) {
        self.faults.push(DocumentFault { pointer, detail });
    }

    fn word<T: Word>(&mut self, name: &str) -> Option<T> {
        let value = present(self.preferences, name)?;
        let word = value.as_str().and_then(T::parse);
        if word.is_none() {
            self.fault(format!("/{name}"), word_mismatch(value, &format!("one of {}", T::WORDS)));
        }
        word
    }

    fn number(&mut self, name: &str, max: u32) -> Option<u32> {
        let value = present(self.preferences, name)?;
        let number = number_up_to(value, max);
        if number.is_none() {
            self.fault(format!("/{name}"), mismatch(value, &format!("an integer from 1 to {max}")));
        }
        number
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let value = present(self.preferences, name)?;
        let text = value.as_str().filter(|text| is_name(text)).map(str::to_owned);
        if text.is_none() {
            self.fault(format!("/{name}"), mismatch(value, NAME_FORM));
        }
        text
    }

    /// Reads a number of accounts, or a list of names.
    fn accounts(&mut self, name: &str) -> Option<Accounts> {
        let value = present(self.preferences, name)?;
        let Some(items) = value.as_array() else {
            let count = number_up_to(value, ACCOUNTS_MAX).map(Accounts::Count);
            if count.is_none() {
                let expected = format!("an integer from 1 to {ACCOUNTS_MAX} or an array of 1 to {ACCOUNTS_MAX} names");
                self.fault(format!("/{name}"), mismatch(value, &expected));
            }
            return count;
        };
        if let Some(detail) = account_count_fault(items.len()) {
            self.fault(format!("/{name}"), detail);
            return None;
        }
        let mut names: Vec<String> = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let Some(text) = item.as_str().filter(|text| is_name(text)) else {
                self.fault(format!("/{name}/{at}"), mismatch(item, NAME_FORM));
                continue;
            };
            match account_duplicate_fault(text, &names) {
                Some(detail) => self.fault(format!("/{name}/{at}"), detail),
                None => names.push(text.to_owned()),
            }
        }
        (names.len() == items.len()).then_some(Accounts::Named(names))
    }

    /// Reads a list of instruments.
    fn keys(&mut self, name: &str) -> BTreeSet<String> {
        let Some(value) = present(self.preferences, name) else { return BTreeSet::new() };
        let Some(items) = value.as_array() else {
            self.fault(format!("/{name}"), format!("expected an array of instrument keys, got {}", kind_of(value)));
            return BTreeSet::new();
        };
        if items.len() > NAMED_MAX {
            self.fault(format!("/{name}"), format!("expected at most {NAMED_MAX} instruments, got {}", items.len()));
            return BTreeSet::new();
        }
        let mut keys = BTreeSet::new();
        for (at, item) in items.iter().enumerate() {
            match item.as_str().filter(|key| split_key(key).is_ok()) {
                Some(key) => drop(keys.insert(key.to_owned())),
                None => self.fault(format!("/{name}/{at}"), mismatch(item, KEY_FORM)),
            }
        }
        keys
    }

    /// Reads an object that maps instruments to values.
    fn named<T>(
        &mut self,
        name: &str,
        expected: &str,
        detail: fn(&Value, &str) -> String,
        parse: impl Fn(&Value) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let Some(value) = present(self.preferences, name) else { return BTreeMap::new() };
        let Some(entries) = value.as_object() else {
            let expected = format!("an object that maps each instrument key to {expected}");
            self.fault(format!("/{name}"), format!("expected {expected}, got {}", kind_of(value)));
            return BTreeMap::new();
        };
        if entries.len() > NAMED_MAX {
            self.fault(format!("/{name}"), format!("expected at most {NAMED_MAX} instruments, got {}", entries.len()));
            return BTreeMap::new();
        }
        let mut read = BTreeMap::new();
        for (key, value) in entries {
            let pointer = format!("/{name}/{}", pointer_part(key));
            match parse(value) {
                _ if split_key(key).is_err() => {
                    self.fault(pointer, format!("expected {KEY_FORM}"));
                }
                Some(parsed) => drop(read.insert(key.clone(), parsed)),
                None => self.fault(pointer, detail(value, expected)),
            }
        }
        read
    }
}

const KEY_FORM: &str = "a key of the form `EXCHANGE:SYMBOL`";

fn number_up_to(value: &Value, max: u32) -> Option<u32> {
    u32::try_from(whole_number(value)?).ok().filter(|number| (1..=max).contains(number))
}

/// Parts of names that indicate a secret, which must not be in a profile.
const SECRET_WORDS: [&str; 4] = ["password", "secret", "token", "key"];

/// The preferences whose names are instruments.
const NAMES_OF_INSTRUMENTS: [&str; 3] = ["modes", "priorities", "min_modes"];

/// Returns the path, with dots, of the first name in the preferences that looks like that of a secret. It searches
/// objects and lists, except those whose names must be instruments.
pub fn secret_name(preferences: &Map<String, Value>) -> Option<String> {
    let of_caller = preferences.iter().filter(|(name, _)| !NAMES_OF_INSTRUMENTS.contains(&name.as_str()));
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
