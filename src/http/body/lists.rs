//! Fields that hold booleans, lists of words or objects, and objects.

use std::fmt;

use registry_planning::vocabulary::{Word, counted};
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{FAULTS_PER_FIELD_MAX, FieldVisitor, Fields, ItemFaults, kind_of, shown, shown_for_number, whole};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NumberOrTexts {
    Number(u32),
    Texts(Vec<String>),
}

impl<'a> Fields<'a> {
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
    pub(crate) fn optional_words<T: Word>(&mut self, name: &str) -> Vec<T> {
        let Some(value) = self.take(name) else { return Vec::new() };
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
            self.fault(name, format!("expected an array of strings, got {}", kind_of(value)));
            return Vec::new();
        };
        let mut parsed = Vec::new();
        let mut bad = ItemFaults::default();
        for (at, item) in items.into_iter().enumerate() {
            let word = serde_json::from_str::<String>(item.get()).ok();
            match word.as_deref().and_then(T::parse) {
                Some(word) if parsed.contains(&word) => {}
                Some(word) => parsed.push(word),
                None => bad.add_if(at, Some(format!("expected one of {}, got {}", T::WORDS, shown(item)))),
            }
        }
        self.item_faults(name, bad);
        parsed
    }

    /// Takes an optional integer from 1 to `max`, or a list of 1 to `max` distinct strings of 1 to `characters_max`
    /// characters.
    pub(crate) fn optional_number_or_texts(
        &mut self,
        name: &str,
        max: u32,
        characters_max: usize,
    ) -> Option<NumberOrTexts> {
        let value = self.take(name)?;
        let Some(List { first: items, total }) = limited(value, max as usize) else {
            let number = whole(value).and_then(|number| u32::try_from(number).ok());
            let number = number.filter(|number| (1..=max).contains(number)).map(NumberOrTexts::Number);
            if number.is_none() {
                let expected = format!("an integer from 1 to {max} or an array of 1 to {max} strings");
                self.fault(name, format!("expected {expected}, got {}", shown_for_number(value)));
            }
            return number;
        };
        if !(1..=max as usize).contains(&total) {
            self.fault(name, format!("expected 1 to {max} items, got {total}"));
            return None;
        }
        let mut texts: Vec<String> = Vec::new();
        let mut bad = ItemFaults::default();
        for (at, item) in items.iter().enumerate() {
            match serde_json::from_str::<String>(item.get()) {
                Ok(text) if texts.contains(&text) => {
                    bad.add_if(at, Some(format!("duplicate of an earlier item: {}", shown(item))));
                }
                Ok(text) if is_line(&text, characters_max) => texts.push(text),
                _ => {
                    let expected = format!("a string of 1 to {characters_max} characters without control characters");
                    bad.add_if(at, Some(format!("expected {expected}, got {}", shown_for_number(item))));
                }
            }
        }
        let is_good = bad.total == 0;
        self.item_faults(name, bad);
        is_good.then_some(NumberOrTexts::Texts(texts))
    }

    pub(crate) fn optional_raw(&mut self, name: &str) -> Option<&'a RawValue> {
        self.take(name)
    }

    /// Reads a list of `min` to `max` objects, the value of a field. `read` takes the fields of each object. The faults
    /// of the first objects that have any are listed, and the other objects counted.
    pub(crate) fn objects_within<T>(
        &mut self,
        name: &str,
        value: &'a RawValue,
        (min, max): (usize, usize),
        mut read: impl FnMut(&mut Fields<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(List { first, total }) = limited(value, max) else {
            self.fault(name, format!("expected an array of objects, got {}", kind_of(value)));
            return None;
        };
        if !(min..=max).contains(&total) {
            self.fault(name, format!("expected {min} to {max} items, got {total}"));
            return None;
        }
        let mut parsed = Vec::with_capacity(first.len());
        let mut bad = 0;
        for (at, item) in first.into_iter().enumerate() {
            let mut inner = Fields { prefix: format!("{}/{name}/{at}", self.prefix), ..Fields::none() };
            let read = match inner.open(item) {
                Ok(()) => read(&mut inner),
                Err(detail) => {
                    inner.fault_of_all(&detail);
                    None
                }
            };
            inner.report_unknown_fields();
            match read {
                Some(read) if inner.faults.is_empty() => parsed.push(read),
                _ => {
                    bad += 1;
                    if bad <= FAULTS_PER_FIELD_MAX {
                        self.close(inner);
                    }
                }
            }
        }
        if bad > FAULTS_PER_FIELD_MAX {
            let beyond = bad - FAULTS_PER_FIELD_MAX;
            self.fault(name, format!("and {}", counted(beyond, "more invalid item")));
            // The note itself counts as one fault.
            self.more_faults += beyond - 1;
        }
        (bad == 0).then_some(parsed)
    }

    /// Takes the fields of an optional inner object. The caller must return them with [`Self::close`].
    pub(crate) fn optional_object(&mut self, name: &str) -> Fields<'a> {
        let prefix = format!("{}/{name}", self.prefix);
        let mut inner = Fields { prefix, ..Fields::none() };
        if let Some(value) = self.take(name)
            && let Err(detail) = inner.open(value)
        {
            self.fault(name, detail);
        }
        inner
    }

    /// Takes over the fields of an object.
    fn open(&mut self, value: &'a RawValue) -> Result<(), String> {
        match serde_json::Deserializer::from_str(value.get()).deserialize_map(FieldVisitor) {
            Ok(entries) => {
                self.entries = entries;
                Ok(())
            }
            Err(_) if value.get().starts_with('{') => Err("field names must be valid Unicode".to_owned()),
            Err(_) => Err(format!("expected an object, got {}", kind_of(value))),
        }
    }

    /// Adds the faults of an inner object, including its unknown fields.
    pub(crate) fn close(&mut self, mut inner: Fields<'a>) {
        inner.report_unknown_fields();
        self.faults.append(&mut inner.faults);
        self.more_faults += inner.more_faults;
    }
}

/// Whether a text has 1 to `characters_max` characters and no control character.
fn is_line(text: &str, characters_max: usize) -> bool {
    (1..=characters_max).contains(&text.chars().count()) && !text.contains(char::is_control)
}

struct List<'a> {
    first: Vec<&'a RawValue>,
    total: usize,
}

/// Returns the first `max` items of a list, and counts the others: a list can have a million items. Returns `None` for
/// any other value.
fn limited(value: &RawValue, max: usize) -> Option<List<'_>> {
    struct ListVisitor(usize);

    impl<'de> Visitor<'de> for ListVisitor {
        type Value = List<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
            let mut first = Vec::new();
            while first.len() < self.0 {
                match sequence.next_element()? {
                    Some(item) => first.push(item),
                    None => return Ok(List { total: first.len(), first }),
                }
            }
            let mut total = first.len();
            while sequence.next_element::<IgnoredAny>()?.is_some() {
                total += 1;
            }
            Ok(List { first, total })
        }
    }

    serde_json::Deserializer::from_str(value.get()).deserialize_seq(ListVisitor(max)).ok()
}
