//! Fields that hold booleans, lists of words, and objects.

use serde::de::Deserializer;
use serde_json::value::RawValue;

use super::{Entries, Fields, ItemFaults, kind_of, shown, whole};

impl<'a> Fields<'a> {
    /// Takes an optional boolean.
    pub(crate) fn optional_bool(&mut self, name: &str) -> Option<bool> {
        let value = self.take(name)?;
        let parsed = serde_json::from_str::<bool>(value.get()).ok();
        if parsed.is_none() {
            self.fault(name, format!("expected a boolean, got {}", kind_of(value)));
        }
        parsed
    }

    /// Takes an optional integer from `min` to `max`, or a word of a closed list that maps to an integer.
    pub(crate) fn optional_number_or_word(
        &mut self,
        name: &str,
        min: u8,
        max: u8,
        parse: fn(&str) -> Option<u8>,
        expected: &str,
    ) -> Option<u8> {
        let value = self.take(name)?;
        let number =
            whole(value).and_then(|number| u8::try_from(number).ok()).filter(|number| (min..=max).contains(number));
        let parsed = number.or_else(|| parse(&serde_json::from_str::<String>(value.get()).ok()?));
        if parsed.is_none() {
            self.fault(name, format!("expected {expected}, got {}", shown(value)));
        }
        parsed
    }

    /// Takes an optional list of words of a closed list, without duplicates. An empty list counts as absent.
    pub(crate) fn optional_words<T: PartialEq>(
        &mut self,
        name: &str,
        parse: fn(&str) -> Option<T>,
        words: &str,
    ) -> Vec<T> {
        let Some(value) = self.take(name) else { return Vec::new() };
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
            self.fault(name, format!("expected an array of strings, got {}", kind_of(value)));
            return Vec::new();
        };
        let mut parsed = Vec::new();
        let mut bad = ItemFaults::default();
        for (at, item) in items.into_iter().enumerate() {
            let word = serde_json::from_str::<String>(item.get()).ok();
            match word.as_deref().and_then(parse) {
                Some(word) if parsed.contains(&word) => {}
                Some(word) => parsed.push(word),
                None => bad.add_if(at, Some(format!("expected one of {words}, got {}", shown(item)))),
            }
        }
        self.item_faults(name, bad);
        parsed
    }

    /// Takes the fields of an optional inner object. The caller must return them with [`Self::close`].
    pub(crate) fn optional_object(&mut self, name: &str) -> Fields<'a> {
        let prefix = format!("{}/{name}", self.prefix);
        let mut inner = Fields { prefix, ..Fields::none() };
        if let Some(value) = self.take(name) {
            match serde_json::Deserializer::from_str(value.get()).deserialize_map(Entries) {
                Ok(entries) => inner.entries = entries,
                Err(_) if value.get().starts_with('{') => {
                    self.fault(name, "field names must be valid Unicode".to_owned());
                }
                Err(_) => self.fault(name, format!("expected an object, got {}", kind_of(value))),
            }
        }
        inner
    }

    /// Adds the faults of an inner object, including its unknown fields.
    pub(crate) fn close(&mut self, mut inner: Fields<'a>) {
        inner.judge_unknown();
        self.faults.append(&mut inner.faults);
        self.more_faults += inner.more_faults;
    }
}
