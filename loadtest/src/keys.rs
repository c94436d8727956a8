//! Instrument keys for random plans.

use std::collections::BTreeSet;
use std::ops::Range;

use anyhow::ensure;
use fastrand::Rng;
use foldhash::{HashMap, HashMapExt};

/// The longest key that the contract allows, in characters.
const KEY_LENGTH_MAX: usize = 100;

/// Maximum number of keys in a list. A catalog has about 130,000 with every option.
pub(crate) const KEYS_MAX: usize = 100_000;

/// Distinct instrument keys, each with a number from 0 in the order of their texts, which is the order of keys in
/// plans.
///
/// They are stored as adjacent JSON strings, so that a request is assembled by copying.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    quoted: Vec<u8>,
    /// The end of each key in `quoted`.
    ends: Vec<u32>,
    numbers: HashMap<Box<str>, u32>,
}

impl Keys {
    /// Parses one key per line, at most [`KEYS_MAX`]. Surrounding whitespace, empty lines and duplicates are dropped.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        Self::collect(text.lines().map(str::trim))
    }

    /// Collects the keys of an iterator, as [`Keys::parse`] does with lines.
    pub(crate) fn collect<'a>(keys: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Self> {
        let mut distinct = BTreeSet::new();
        for (index, key) in keys.into_iter().enumerate() {
            let got = key.chars().count();
            let line = index + 1;
            ensure!(
                got <= KEY_LENGTH_MAX,
                "line {line}: expected a key of at most {KEY_LENGTH_MAX} characters, got {got}"
            );
            if got > 0 && distinct.len() < KEYS_MAX {
                distinct.insert(key);
            }
        }
        let mut list = Keys { numbers: HashMap::with_capacity(distinct.len()), ..Keys::default() };
        for (number, key) in (0..).zip(distinct) {
            list.numbers.insert(key.into(), number);
            serde_json::to_writer(&mut list.quoted, key).expect("a string can be written as JSON to memory");
            list.ends.push(u32::try_from(list.quoted.len()).expect("some 100,000 keys of 100 characters"));
        }
        ensure!(!list.ends.is_empty(), "the list contains no keys");
        Ok(list)
    }

    /// Returns the keys of the yardstick: `NSE:STOCK1` to `NSE:STOCK100000`.
    pub(crate) fn of_the_yardstick() -> Self {
        let names: Vec<String> = (1..=KEYS_MAX).map(|number| format!("NSE:STOCK{number}")).collect();
        Self::collect(names.iter().map(String::as_str)).expect("the names are short, and there are some")
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns key `number` as a JSON string with quotes.
    pub(crate) fn quoted(&self, number: u32) -> &[u8] {
        &self.quoted[self.range(number as usize)]
    }

    /// Writes keys as the content of a JSON array.
    pub(crate) fn write_list(&self, numbers: &[u32], out: &mut Vec<u8>) {
        for (place, &number) in numbers.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(self.quoted(number));
        }
    }

    /// Returns key `number` with JSON escapes and without quotes.
    pub(crate) fn escaped(&self, number: u32) -> &[u8] {
        let quoted = self.quoted(number);
        &quoted[1..quoted.len() - 1]
    }

    /// Returns the number of `key`, or `None` if it is not in the list.
    pub(crate) fn number(&self, key: &str) -> Option<u32> {
        self.numbers.get(key).copied()
    }

    fn range(&self, index: usize) -> Range<usize> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[index] as usize
    }

    /// Draws `count` distinct keys in random order into `drawn` (Floyd's method: the cost depends only on `count`).
    ///
    /// Invariant: `count` is at most the number of keys.
    pub(crate) fn draw(&self, count: usize, rng: &mut Rng, marks: &mut Marks, drawn: &mut Vec<u32>) {
        marks.start(self.len());
        drawn.clear();
        for last in self.len() - count..self.len() {
            let candidate = rng.usize(..=last) as u32;
            let number = if marks.set(candidate) { candidate } else { last as u32 };
            marks.set(number);
            drawn.push(number);
        }
        rng.shuffle(drawn);
    }
}

/// A set of key numbers that is cleared without cost: marks of earlier rounds are ignored.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    round: u32,
    marked: Vec<u32>,
}

impl Marks {
    /// Clears the set, for numbers below `count`.
    pub(crate) fn start(&mut self, count: usize) {
        // After 2^32 rounds, old marks would look current.
        if self.round == u32::MAX {
            *self = Self::default();
        }
        self.round += 1;
        if self.marked.len() < count {
            self.marked.resize(count, 0);
        }
    }

    /// Adds `number`. Returns false if the set already contained it.
    pub(crate) fn set(&mut self, number: u32) -> bool {
        std::mem::replace(&mut self.marked[number as usize], self.round) != self.round
    }

    /// Removes `number`. Returns false if the set did not contain it.
    pub(crate) fn clear(&mut self, number: u32) -> bool {
        std::mem::replace(&mut self.marked[number as usize], 0) == self.round
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn draw(keys: &Keys, count: usize, rng: &mut Rng) -> Vec<u32> {
        let mut drawn = Vec::new();
        keys.draw(count, rng, &mut Marks::default(), &mut drawn);
        drawn
    }

    #[test]
    fn a_list_drops_whitespace_empty_lines_and_duplicates() {
        let keys = Keys::parse(" NSE:TCS\r\n\nNSE:A\"B\nNSE:TCS \n").expect("two keys");

        assert_eq!(keys.len(), 2);
        assert_eq!(keys.quoted(0), &b"\"NSE:A\\\"B\""[..]);
        assert_eq!(keys.quoted(1), &b"\"NSE:TCS\""[..]);
        assert_eq!(keys.number("NSE:A\"B"), Some(0));
        assert_eq!(keys.number("NSE:TCS"), Some(1));
        assert_eq!(keys.number("NSE:X"), None);
    }

    #[test]
    fn an_empty_list_and_a_long_key_are_rejected() {
        let long = format!("NSE:TCS\nNSE:{}", "X".repeat(97));

        assert_eq!(Keys::parse(" \n\n").expect_err("nothing in it").to_string(), "the list contains no keys");
        let error = Keys::parse(&long).expect_err("a long one").to_string();
        assert_eq!(error, "line 2: expected a key of at most 100 characters, got 101");
    }

    #[test]
    fn the_yardstick_knows_a_hundred_thousand_keys() {
        let keys = Keys::of_the_yardstick();

        assert_eq!(keys.len(), 100_000);
        assert_eq!(keys.number("NSE:STOCK1"), Some(0));
        assert_eq!(keys.number("NSE:STOCK99999"), Some(99_999));
    }

    #[test]
    fn a_draw_has_distinct_keys_up_to_the_whole_list() {
        let keys = Keys::of_the_yardstick();

        for count in [1, 7, keys.len()] {
            let drawn = draw(&keys, count, &mut Rng::with_seed(3));

            assert_eq!(drawn.len(), count);
            assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), count);
        }
    }

    #[test]
    fn a_draw_takes_every_key_about_equally_often() {
        let keys = Keys::parse("NSE:A\nNSE:B\nNSE:C\nNSE:D\nNSE:E").expect("five keys");
        let mut rng = Rng::with_seed(1);

        let drawn: Vec<_> = (0..5_000).flat_map(|_| draw(&keys, 2, &mut rng)).collect();

        for key in 0..5 {
            let share = drawn.iter().filter(|&&other| other == key).count() as f64 / drawn.len() as f64;
            assert!((0.18..0.22).contains(&share), "{key} has a share of {share}");
        }
    }

    #[test]
    fn marks_of_an_earlier_round_are_ignored() {
        let mut marks = Marks::default();
        marks.start(3);

        assert!(marks.set(1) && !marks.set(1));
        assert!(marks.clear(1) && !marks.clear(1) && !marks.clear(2));
        marks.set(2);
        marks.start(3);
        assert!(!marks.clear(2) && marks.set(2));
    }
}
