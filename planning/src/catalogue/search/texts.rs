//! Texts that instruments share, such as names and ISINs: each is stored once, with the instruments that have it.

use std::ops::Range;

use foldhash::HashMap;
use memchr::memmem::Finder;

use super::bits::Bits;

/// Distinct texts in ascending order, in capital letters.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// The texts, each followed by a line feed, so that no match extends over two of them.
    text: String,
    /// The end of each text, without its line feed.
    ends: Vec<u32>,
    /// The instruments of all texts. Neighbors often share one, so a run of them takes the memory of two.
    runs: Vec<Range<u32>>,
    /// The end of the runs of each text.
    run_ends: Vec<u32>,
    /// The words, sorted by the text from their start to the end of the line.
    words: Vec<WordStart>,
}

/// The start of a word, and its text.
#[derive(Clone, Copy, Debug)]
struct WordStart {
    start: u32,
    index: u32,
}

/// A word that is in more than one of this many texts, such as `LIMITED` in names, distinguishes none of them. It
/// counts only if a text starts with it, and as any other part does.
const COMMON_PART: usize = 32;
/// The number of texts up to which no word is common.
const COMMON_MIN: usize = 64;

impl Texts {
    /// Collects the texts of instruments, which must be in the order of their ids. Empty texts are omitted.
    pub(super) fn new<'a>(texts: impl Iterator<Item = (u32, &'a str)>) -> Self {
        let mut ids_of: HashMap<&str, Vec<Range<u32>>> = HashMap::default();
        // Neighbors with one text are looked up once.
        let mut neighbors = ("", 0..0);
        for (id, text) in texts.filter(|(_, text)| !text.is_empty()) {
            if neighbors.1.end == id && neighbors.0 == text {
                neighbors.1.end += 1;
                continue;
            }
            let (text, ids) = std::mem::replace(&mut neighbors, (text, id..id + 1));
            add_to_runs(ids_of.entry(text).or_default(), ids);
        }
        add_to_runs(ids_of.entry(neighbors.0).or_default(), neighbors.1);
        ids_of.remove("");
        let mut sorted: Vec<(String, Vec<Range<u32>>)> =
            ids_of.into_iter().map(|(text, runs)| (folded(text), runs)).collect();
        sorted.sort_by(|(a, a_runs), (b, b_runs)| (a, a_runs[0].start).cmp(&(b, b_runs[0].start)));
        let mut collected = Texts::default();
        // Texts that differ only in capitalization are one text.
        for of_text in sorted.chunk_by(|(a, _), (b, _)| a == b) {
            collected.text.push_str(&of_text[0].0);
            collected.ends.push(as_u32(collected.text.len()));
            collected.text.push('\n');
            let mut runs: Vec<Range<u32>> = of_text.iter().flat_map(|(_, runs)| runs.iter().cloned()).collect();
            runs.sort_unstable_by_key(|run| run.start);
            let mut joined = Vec::with_capacity(runs.len());
            runs.into_iter().for_each(|run| add_to_runs(&mut joined, run));
            collected.runs.append(&mut joined);
            collected.run_ends.push(as_u32(collected.runs.len()));
        }
        collected.text.shrink_to_fit();
        collected.ends.shrink_to_fit();
        collected.runs.shrink_to_fit();
        collected.run_ends.shrink_to_fit();
        collected
    }

    /// Indexes the words, so that they can be found by prefix.
    pub(super) fn with_words(mut self) -> Self {
        let mut words = self.words_of_all();
        let text_of = |word: &WordStart| self.word(word.start);
        let mut counts: HashMap<&str, usize> = HashMap::default();
        words.iter().for_each(|word| *counts.entry(text_of(word)).or_default() += 1);
        let common = (self.len() / COMMON_PART).max(COMMON_MIN);
        words.retain(|word| self.begins(*word) || counts[text_of(word)] < common);
        words.sort_by_cached_key(|word| {
            let line = self.line(word.start);
            (beginning_of(line), line)
        });
        words.shrink_to_fit();
        self.words = words;
        self
    }

    fn words_of_all(&self) -> Vec<WordStart> {
        let bytes = self.text.as_bytes();
        let begins_word =
            |at: &usize| bytes[*at].is_ascii_alphanumeric() && (*at == 0 || !bytes[at - 1].is_ascii_alphanumeric());
        let mut index = 0;
        let word = |at: usize| {
            while self.ends[index] < as_u32(at) {
                index += 1;
            }
            WordStart { start: as_u32(at), index: as_u32(index) }
        };
        (0..bytes.len()).filter(begins_word).map(word).collect()
    }

    /// Whether its text starts with the word.
    fn begins(&self, word: WordStart) -> bool {
        word.start.checked_sub(1).is_none_or(|before| self.text.as_bytes()[before as usize] == b'\n')
    }

    /// Returns the word that starts at the position.
    fn word(&self, start: u32) -> &str {
        let line = &self.text[start as usize..];
        let end = line.bytes().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(line.len());
        &line[..end]
    }

    /// Returns the text from the position to the end of its line.
    fn line(&self, start: u32) -> &[u8] {
        let rest = &self.text.as_bytes()[start as usize..];
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        &rest[..end]
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize + 1);
        &self.text[start..self.ends[index] as usize]
    }

    /// Returns the instruments that have a text.
    pub(super) fn runs(&self, index: usize) -> &[Range<u32>] {
        let start = index.checked_sub(1).map_or(0, |before| self.run_ends[before] as usize);
        &self.runs[start..self.run_ends[index] as usize]
    }

    /// Returns the position of a text in the order; `None` if it is not in the list.
    pub(super) fn find(&self, text: &str) -> Option<usize> {
        let index = self.position(text.as_bytes());
        (index < self.len() && self.get(index) == text).then_some(index)
    }

    /// Returns the number of texts that precede the text.
    fn position(&self, text: &[u8]) -> usize {
        partition_point(self.len(), |index| self.get(index).as_bytes() < text)
    }

    /// Returns the longest text that is a prefix of `text`.
    pub(super) fn longest_prefix_of(&self, text: &str) -> Option<usize> {
        let mut rest = text;
        loop {
            // The greatest text that is not greater than `rest` shares a prefix with it that is as long as that of any
            // other text.
            let index = partition_point(self.len(), |index| self.get(index) <= rest).checked_sub(1)?;
            let found = self.get(index);
            if rest.starts_with(found) {
                return Some(index);
            }
            let common = rest.bytes().zip(found.bytes()).take_while(|(a, b)| a == b).count();
            rest = rest.get(..common).filter(|rest| !rest.is_empty())?;
        }
    }

    /// Adds the instruments of one text.
    pub(super) fn insert(&self, index: usize, into: &mut Bits) {
        self.runs(index).iter().for_each(|run| into.insert_range(run.clone()));
    }

    /// Adds the instruments of every text in which a word starts with `prefix`, which may be several words.
    pub(super) fn insert_with_word(&self, prefix: &str, into: &mut Bits) {
        let prefix = prefix.as_bytes();
        let first = self.words.partition_point(|word| self.line(word.start) < prefix);
        let rest = &self.words[first..];
        let count = rest.partition_point(|word| self.line(word.start).starts_with(prefix));
        rest[..count].iter().for_each(|word| self.insert(word.index as usize, into));
    }

    /// Adds the instruments of every text that contains `needle`.
    pub(super) fn insert_containing(&self, needle: &Finder<'_>, into: &mut Bits) {
        for start in needle.find_iter(self.text.as_bytes()) {
            self.insert(self.index_at(as_u32(start)), into);
        }
    }

    /// Returns the index of the text at the position.
    fn index_at(&self, start: u32) -> usize {
        self.ends.partition_point(|end| *end < start)
    }

    /// Returns every distinct word, in ascending order.
    pub(super) fn distinct_words(&self) -> Vec<&str> {
        let mut words: Vec<&str> = self.words.iter().map(|word| self.word(word.start)).collect();
        words.sort_unstable();
        words.dedup();
        words
    }
}

/// Returns the first bytes of a text as a number with the same order: they distinguish most texts.
fn beginning_of(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text[..length]);
    u64::from_be_bytes(bytes)
}

fn add_to_runs(runs: &mut Vec<Range<u32>>, ids: Range<u32>) {
    match runs.last_mut() {
        Some(run) if run.end == ids.start => run.end = ids.end,
        _ => runs.push(ids),
    }
}

/// Returns how many of the first numbers satisfy the condition, which must hold for all numbers up to a point and for
/// none after it.
pub(super) fn partition_point(length: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Converts a text to capital letters. Letters beyond ASCII are not changed, so that every character keeps its
/// position.
pub(super) fn folded(text: &str) -> String {
    text.to_ascii_uppercase()
}

pub(super) fn as_u32(number: usize) -> u32 {
    u32::try_from(number).expect("a catalog is limited to 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Texts {
        let names = ["Tata Consultancy Services", "NIFTY", "NIFTY", "", "TATA MOTORS", "Nifty", "NIFTYNXT50", "BANK"];
        Texts::new((0..).zip(names)).with_words()
    }

    fn found(insert: impl Fn(&Texts, &mut Bits)) -> Vec<u32> {
        let mut bits = Bits::new(8);
        insert(&texts(), &mut bits);
        bits.iter().collect()
    }

    #[test]
    fn a_text_is_found_by_all_of_it_by_words_and_by_parts() {
        let by_word = |prefix: &str| found(|texts, bits| texts.insert_with_word(prefix, bits));
        let by_part = |needle: &str| found(|texts, bits| texts.insert_containing(&Finder::new(needle), bits));

        assert_eq!(found(|texts, bits| texts.insert(texts.find("NIFTY").unwrap(), bits)), [1, 2, 5]);
        assert_eq!(texts().find("NIFT"), None);
        assert_eq!(by_word("TATA"), [0, 4]);
        assert_eq!(by_word("TATA M"), [4]);
        assert_eq!(by_word("SERV"), [0]);
        assert_eq!(by_word("ATA"), [0u32; 0]);
        assert_eq!(by_part("ATA"), [0, 4]);
        assert_eq!(by_part("IFTY"), [1, 2, 5, 6]);
        assert_eq!(by_part("S\nN"), [0u32; 0]);
    }

    #[test]
    fn the_longest_prefix_of_a_text_wins() {
        let longest = |text: &str| {
            let texts = texts();
            texts.longest_prefix_of(text).map(|index| texts.get(index).to_owned())
        };

        assert_eq!(longest("NIFTYNXT5026AUGFUT").as_deref(), Some("NIFTYNXT50"));
        assert_eq!(longest("NIFTYNXT4026AUGFUT").as_deref(), Some("NIFTY"));
        assert_eq!(longest("NIFTY").as_deref(), Some("NIFTY"));
        assert_eq!(longest("NIFT26AUGFUT"), None);
        assert_eq!(longest("₹"), None);
    }

    #[test]
    fn every_word_is_listed_once() {
        assert_eq!(
            texts().distinct_words(),
            ["BANK", "CONSULTANCY", "MOTORS", "NIFTY", "NIFTYNXT50", "SERVICES", "TATA"]
        );
    }
}
