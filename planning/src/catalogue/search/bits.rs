//! A set of instruments with one bit for each: sets of a whole catalog are joined and counted in microseconds.
//!
//! A crate for bit sets would replace [`Bits`] only. Ranking and [`Sparse`] work on its words, and most
//! words are empty.

use std::ops::Range;

/// The number of instruments that share a word.
pub(super) const WORD: usize = 64;

/// A set of instrument numbers below a fixed length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// Returns an empty set with capacity for the numbers below `length`.
    pub(super) fn new(length: usize) -> Self {
        Bits { words: vec![0; length.div_ceil(WORD)] }
    }

    pub(super) fn insert(&mut self, number: u32) {
        self.words[number as usize / WORD] |= 1 << (number as usize % WORD);
    }

    pub(super) fn has(&self, number: u32) -> bool {
        self.words[number as usize / WORD] & (1 << (number as usize % WORD)) != 0
    }

    pub(super) fn insert_range(&mut self, range: Range<u32>) {
        if range.is_empty() {
            return;
        }
        let (first, last) = (range.start as usize, range.end as usize - 1);
        let from_first = u64::MAX << (first % WORD);
        let to_last = u64::MAX >> (WORD - 1 - last % WORD);
        if first / WORD == last / WORD {
            self.words[first / WORD] |= from_first & to_last;
            return;
        }
        self.words[first / WORD] |= from_first;
        self.words[first / WORD + 1..last / WORD].fill(u64::MAX);
        self.words[last / WORD] |= to_last;
    }

    /// Keeps the numbers that are in both sets.
    pub(super) fn retain_in(&mut self, other: &Bits) {
        self.join(other, |mine, theirs| mine & theirs);
    }

    /// Removes the numbers that are in the other set.
    pub(super) fn remove_all(&mut self, other: &Bits) {
        self.join(other, |mine, theirs| mine & !theirs);
    }

    /// Adds the numbers that are in the other set.
    pub(super) fn insert_all(&mut self, other: &Bits) {
        self.join(other, |mine, theirs| mine | theirs);
    }

    fn join(&mut self, other: &Bits, combine: impl Fn(u64, u64) -> u64) {
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine = combine(*mine, *theirs);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Returns the words with their indices; empty words are omitted.
    pub(super) fn words(&self) -> impl Iterator<Item = (usize, u64)> {
        self.words.iter().copied().enumerate().filter(|(_, word)| *word != 0)
    }

    /// Returns the numbers in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        self.words().flat_map(|(index, word)| numbers_of(index, word))
    }
}

/// A set as its words that are not empty, each with its index, in ascending order.
#[derive(Clone, Debug, Default)]
pub(super) struct Sparse {
    words: Vec<(u32, u64)>,
    count: usize,
}

impl Sparse {
    /// Returns the numbers in `set` and in `passing` that are neither in `without`, if given, nor in `seen`, and adds
    /// them to `seen`.
    pub(super) fn new_in(set: &Bits, passing: &Bits, without: Option<&Bits>, seen: &mut Bits) -> Self {
        let mut sparse = Sparse::default();
        for (index, word) in set.words() {
            let mut word = word & passing.words[index] & !seen.words[index];
            if let Some(without) = without {
                word &= !without.words[index];
            }
            if word != 0 {
                seen.words[index] |= word;
                // Counting is slow if the build may not assume that the processor has an instruction for it.
                sparse.count += if word == u64::MAX { WORD } else { word.count_ones() as usize };
                sparse.words.push((u32::try_from(index).unwrap_or(u32::MAX), word));
            }
        }
        sparse
    }

    /// Returns the numbers of a sorted list that are in `passing` but not in `seen`, and adds them to `seen`.
    pub(super) fn of_sorted(numbers: &[u32], passing: &Bits, seen: &mut Bits) -> Self {
        let mut sparse = Sparse::default();
        for number in numbers {
            if !passing.has(*number) || seen.has(*number) {
                continue;
            }
            seen.insert(*number);
            sparse.count += 1;
            let (index, bit) = (*number / WORD as u32, 1 << (*number as usize % WORD));
            match sparse.words.last_mut() {
                Some((last, word)) if *last == index => *word |= bit,
                _ => sparse.words.push((index, bit)),
            }
        }
        sparse
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn words(&self) -> impl Iterator<Item = (usize, u64)> {
        self.words.iter().map(|(index, word)| (*index as usize, *word))
    }
}

/// Returns the numbers of the word at this index, in ascending order.
pub(super) fn numbers_of(index: usize, mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        if word == 0 {
            return None;
        }
        let bit = word.trailing_zeros();
        word &= word - 1;
        u32::try_from(index * WORD).ok().map(|first| first + bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_contains_every_number_in_it() {
        for (start, end) in [(0, 0), (0, 1), (3, 64), (63, 65), (64, 128), (5, 200), (199, 200), (0, 200)] {
            let mut bits = Bits::new(200);

            bits.insert_range(start..end);

            assert!(bits.iter().eq(start..end), "{start}..{end}");
            assert_eq!(bits.count(), (end - start) as usize);
            assert_eq!(bits.is_empty(), start == end);
        }
    }

    #[test]
    fn only_new_numbers_that_pass_are_taken_from_a_list() {
        let (mut passing, mut seen) = (Bits::new(300), Bits::new(300));
        passing.insert_range(1..200);
        seen.insert(64);

        let sparse = Sparse::of_sorted(&[0, 1, 1, 63, 64, 65, 199, 200], &passing, &mut seen);

        let numbers: Vec<u32> = sparse.words().flat_map(|(index, word)| numbers_of(index, word)).collect();
        assert_eq!(numbers, [1, 63, 65, 199]);
        assert_eq!(sparse.count(), 4);
        assert_eq!(seen.iter().collect::<Vec<_>>(), [1, 63, 64, 65, 199]);
    }

    #[test]
    fn sets_are_joined() {
        let set = |numbers: &[u32]| {
            let mut bits = Bits::new(100);
            numbers.iter().for_each(|number| bits.insert(*number));
            bits
        };
        let (a, b) = (set(&[1, 64, 99]), set(&[1, 2, 99]));
        let joined = |join: fn(&mut Bits, &Bits)| {
            let mut result = a.clone();
            join(&mut result, &b);
            result
        };

        assert_eq!(joined(Bits::retain_in), set(&[1, 99]));
        assert_eq!(joined(Bits::remove_all), set(&[64]));
        assert_eq!(joined(Bits::insert_all), set(&[1, 2, 64, 99]));
    }
}
