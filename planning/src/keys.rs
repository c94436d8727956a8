//! A list of instrument keys in one piece of memory.

use std::fmt;

use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ordered list of keys, held as one text with the end of each key beside it: two allocations, however
/// many keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KeyList {
    text: String,
    ends: Vec<u32>,
}

impl KeyList {
    /// An empty list with room for `count` keys of together `bytes` bytes.
    pub fn with_capacity(count: usize, bytes: usize) -> Self {
        KeyList { text: String::with_capacity(bytes), ends: Vec::with_capacity(count) }
    }

    /// Appends a key.
    ///
    /// # Panics
    /// If the list would hold 4 GiB of text; requests are bounded far below.
    pub fn push(&mut self, key: &str) {
        self.text.push_str(key);
        self.ends.push(u32::try_from(self.text.len()).expect("a request is bounded far below 4 GiB"));
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The key at `index`, counted from 0.
    ///
    /// # Panics
    /// If there is no such key.
    pub fn key(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.text[start..self.ends[index] as usize]
    }

    /// The keys in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        (0..self.len()).map(|index| self.key(index))
    }

    /// Bytes of text, all keys together.
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

/// Appends one key to the list straight from the input, without a string of its own in between.
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
    fn a_list_gives_back_its_keys_and_survives_json() {
        let list: KeyList = ["NSE:TCS", "", "NSE:M&M"].into_iter().collect();

        assert_eq!(list.iter().collect::<Vec<_>>(), ["NSE:TCS", "", "NSE:M&M"]);
        let json = serde_json::to_string(&list).unwrap();
        assert_eq!(json, r#"["NSE:TCS","","NSE:M&M"]"#);
        assert_eq!(serde_json::from_str::<KeyList>(&json).unwrap(), list);
    }
}
