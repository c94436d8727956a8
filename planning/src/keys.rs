//! A list of instrument keys in one block of memory.

use std::fmt;

use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::heap::block;

/// The typical size of a key in a JSON list, its quotes and its comma included.
const KEY_BYTES_TYPICAL: usize = 16;

/// An ordered list of keys, stored as one text with the end of each key: two allocations for any number of keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KeyList {
    text: String,
    ends: Vec<u32>,
}

impl KeyList {
    /// Returns an empty list with capacity for `count` keys of `bytes` bytes in total.
    pub fn with_capacity(count: usize, bytes: usize) -> Self {
        KeyList { text: String::with_capacity(bytes), ends: Vec::with_capacity(count) }
    }

    /// Reads a list from valid JSON by its quotes alone. Returns `None` for anything but a list of strings without
    /// escapes; a parser must then decide whether it is a list.
    pub fn from_plain_json(json: &str) -> Option<Self> {
        let inside = json.strip_prefix('[')?.strip_suffix(']')?;
        if memchr::memchr(b'\\', inside.as_bytes()).is_some() {
            return None;
        }
        let mut list = KeyList::with_capacity(inside.len() / KEY_BYTES_TYPICAL, inside.len());
        // Quotes come in pairs: if anything but a comma is between two strings, it is not a list of strings.
        let mut quotes = memchr::memchr_iter(b'"', inside.as_bytes());
        let mut rest = 0;
        while let Some(start) = quotes.next() {
            let end = quotes.next()?;
            let separator = inside[rest..start].trim_ascii();
            if separator != if list.is_empty() { "" } else { "," } {
                return None;
            }
            list.push(&inside[start + 1..end]);
            rest = end + 1;
        }
        inside[rest..].trim_ascii().is_empty().then_some(list)
    }

    /// Appends a key.
    ///
    /// # Panics
    /// If the list would hold 4 GiB of text; requests are bounded far below.
    pub fn push(&mut self, key: &str) {
        self.text.push_str(key);
        self.ends.push(u32::try_from(self.text.len()).expect("request limits keep the text far below 4 GiB"));
    }

    /// Returns the number of keys, including repeats.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the list has no keys.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the key at `index`, counted from 0.
    ///
    /// # Panics
    /// If there is no such key.
    pub fn key(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.text[start..self.ends[index] as usize]
    }

    /// Returns the keys in the order in which they were pushed.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let key = &self.text[start..*end as usize];
            start = *end as usize;
            key
        })
    }

    /// Joins all keys with a separator, so that splitting the text results in the same list. Returns `None` if it would
    /// not: if a key is empty or contains the separator.
    pub fn joined(&self, separator: char) -> Option<String> {
        let has_empty = self.ends.first() == Some(&0) || self.ends.windows(2).any(|pair| pair[0] == pair[1]);
        if has_empty || self.text.contains(separator) {
            return None;
        }
        let mut joined = String::with_capacity(self.text.len() + self.len() * separator.len_utf8());
        for (index, key) in self.iter().enumerate() {
            if index > 0 {
                joined.push(separator);
            }
            joined.push_str(key);
        }
        Some(joined)
    }

    /// Writes the list as JSON. The result is that of a serializer, which must check every character.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        // Few keys need an escape, so all are checked at once.
        let is_plain = !self.text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\');
        if !is_plain {
            return serde_json::to_writer(out, self).expect("a list of strings serializes to JSON");
        }
        out.reserve(self.text.len() + 3 * self.len() + 2);
        out.push(b'[');
        for (index, key) in self.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
            out.extend_from_slice(key.as_bytes());
            out.push(b'"');
        }
        out.push(b']');
    }

    /// Returns the size of the blocks of memory that the list owns.
    pub fn heap_bytes(&self) -> usize {
        block(self.text.capacity()) + block(self.ends.capacity() * size_of::<u32>())
    }

    /// Returns the total size of all keys in bytes.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }
}

impl fmt::Debug for KeyList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<S: AsRef<str>> FromIterator<S> for KeyList {
    fn from_iter<I: IntoIterator<Item = S>>(keys: I) -> Self {
        let mut list = KeyList::default();
        for key in keys {
            list.push(key.as_ref());
        }
        list
    }
}

impl Serialize for KeyList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for KeyList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = KeyList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of instrument keys")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<KeyList, A::Error> {
                let mut list = KeyList::default();
                while sequence.next_element_seed(Append(&mut list))?.is_some() {}
                Ok(list)
            }
        }
        deserializer.deserialize_seq(Keys)
    }
}

/// Appends one key to the list directly from the input, without a string of its own.
struct Append<'a>(&'a mut KeyList);

impl<'de> DeserializeSeed<'de> for Append<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Append<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instrument key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        self.0.push(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_returns_its_keys_and_survives_json() {
        let list: KeyList = ["NSE:TCS", "", "NSE:M&M"].into_iter().collect();

        assert_eq!(list.iter().collect::<Vec<_>>(), ["NSE:TCS", "", "NSE:M&M"]);
        let json = serde_json::to_string(&list).unwrap();
        assert_eq!(json, r#"["NSE:TCS","","NSE:M&M"]"#);
        assert_eq!(serde_json::from_str::<KeyList>(&json).unwrap(), list);
        assert_eq!(KeyList::from_plain_json(&json), Some(list));
    }

    #[test]
    fn a_list_is_written_like_a_serializer_does() {
        for keys in [vec![], vec!["NSE:TCS"], vec!["NSE:M&M", "", "é😀"], vec!["a\"b", "c\\d"], vec!["\u{1}", "\u{7f}"]]
        {
            let list: KeyList = keys.into_iter().collect();
            let mut json = Vec::new();
            list.write_json(&mut json);
            assert_eq!(String::from_utf8(json).unwrap(), serde_json::to_string(&list).unwrap());
        }
    }

    #[test]
    fn a_list_is_joined_only_if_it_can_be_split_again() {
        let joined = |keys: &[&str]| keys.iter().collect::<KeyList>().joined('|');

        assert_eq!(joined(&["NSE:TCS", "NSE:É"]).as_deref(), Some("NSE:TCS|NSE:É"));
        assert_eq!(joined(&[]).as_deref(), Some(""));
        assert_eq!(joined(&["A"]).as_deref(), Some("A"));
        for keys in [&[""][..], &["A", ""], &["", "A"], &["A", "", "B"], &["A", "B|C"]] {
            assert_eq!(joined(keys), None, "{keys:?}");
        }
    }

    #[test]
    fn plain_json_is_read_like_a_parser_does() {
        let as_parsed =
            [r"[]", r"[ ]", r#"["NSE:TCS"]"#, "[ \"A\" ,\n\t\"B\",\"\", \"\u{e9}\u{1f600}\" ]", r#"["a,b", "c]"]"#];
        for json in as_parsed {
            assert_eq!(KeyList::from_plain_json(json), serde_json::from_str(json).ok(), "{json}");
        }
    }

    #[test]
    fn other_json_is_left_to_a_parser() {
        let others = [
            r#""NSE:TCS""#,
            "{}",
            "null",
            "[1]",
            "[[]]",
            r#"[{"a": "b"}]"#,
            r#"["a", 1]"#,
            r#"[1, "a"]"#,
            r#"["a", ["b"]]"#,
        ];
        for json in others.into_iter().chain([r#"["a\"b"]"#, r#"["\u0041"]"#, r#"["a", null, "b"]"#, r#"["a" true]"#]) {
            assert_eq!(KeyList::from_plain_json(json), None, "{json}");
        }
    }
}
