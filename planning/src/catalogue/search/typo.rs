//! Finds words with typing errors.

use super::texts::as_u32;

/// The length of the longest word that is compared; longer ones are not words that a person mistypes.
pub(super) const LETTERS_MAX: usize = 40;

/// The maximum number of similar words: if numbered names make thousands similar, none is more likely than another.
const NEAR_MAX: usize = 64;

/// Returns the number of typing errors that are allowed in a word with this many letters: 0 in the shortest words,
/// because each of them would be similar to all others.
pub(crate) fn mistakes_allowed(letters: usize) -> usize {
    match letters {
        0..=2 => 0,
        3..=7 => 1,
        8..=LETTERS_MAX => 2,
        _ => 0,
    }
}

/// Distinct words, ordered by length: only words of about the requested length are compared, and most of them only by
/// the letters that they contain.
///
/// It is a scan instead of an automaton over a sorted list: a catalog has some ten thousands of words, and scanning
/// the masks of the right lengths takes less time than stepping through the branches that an automaton keeps open for
/// two errors.
#[derive(Debug, Default)]
pub(super) struct Words {
    text: String,
    ends: Vec<u32>,
    /// The letters of each word, one bit for each of 32 kinds.
    masks: Vec<u32>,
    /// The first word of each length, up to one more than the greatest length.
    by_length: Vec<u32>,
}

impl Words {
    pub(super) fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut sorted: Vec<&str> = words.into_iter().filter(|word| (1..=LETTERS_MAX).contains(&word.len())).collect();
        sorted.sort_unstable_by_key(|word| (word.len(), *word));
        sorted.dedup();
        let mut words = Words { by_length: vec![0; LETTERS_MAX + 2], ..Words::default() };
        for word in &sorted {
            words.text.push_str(word);
            words.ends.push(as_u32(words.text.len()));
            words.masks.push(mask_of(word));
            words.by_length[word.len() + 1] += 1;
        }
        for length in 1..words.by_length.len() {
            words.by_length[length] += words.by_length[length - 1];
        }
        words.text.shrink_to_fit();
        words.ends.shrink_to_fit();
        words.masks.shrink_to_fit();
        words
    }

    fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.text[start..self.ends[index] as usize]
    }

    /// Returns the words with at most `mistakes` errors, each with its number of errors: fewest errors first, then by
    /// length and text, at most [`NEAR_MAX`].
    pub(super) fn near(&self, word: &str, mistakes: usize) -> Vec<(&str, usize)> {
        let mut near = Vec::new();
        if mistakes == 0 || word.is_empty() || word.len() > LETTERS_MAX || self.by_length.is_empty() {
            return near;
        }
        let shortest = word.len().saturating_sub(mistakes).max(1);
        let longest = (word.len() + mistakes).min(LETTERS_MAX);
        let indices = self.by_length[shortest] as usize..self.by_length[longest + 1] as usize;
        let mask = mask_of(word);
        // An error changes at most one letter into another one.
        let differences_max = u32::try_from(2 * mistakes).unwrap_or(u32::MAX);
        for (index, other) in indices.clone().zip(&self.masks[indices]) {
            if (mask ^ other).count_ones() <= differences_max {
                let other = self.get(index);
                if let Some(distance) = distance(word.as_bytes(), other.as_bytes(), mistakes) {
                    near.push((other, distance));
                }
            }
        }
        near.sort_by_key(|(_, distance)| *distance);
        near.truncate(NEAR_MAX);
        near
    }

    /// Returns those of the [similar](Self::near) words that have the fewest errors. In most cases that is one error,
    /// so that two need not be searched for.
    pub(super) fn nearest(&self, word: &str, mistakes: usize) -> Vec<&str> {
        let near = (1..=mistakes).map(|mistakes| self.near(word, mistakes)).find(|near| !near.is_empty());
        let near = near.unwrap_or_default();
        let least = near.first().map(|(_, distance)| *distance);
        near.into_iter().take_while(|(_, distance)| Some(*distance) == least).map(|(word, _)| word).collect()
    }
}

fn mask_of(word: &str) -> u32 {
    word.bytes().fold(0, |mask, byte| mask | 1 << (byte & 31))
}

/// Returns the number of typing errors between two words, if it is at most `max`: an additional, missing or wrong
/// letter, or two exchanged neighbors (optimal string alignment).
///
/// It goes row by row over the table of all pairs of prefixes, at most `max` away from the diagonal. A search with a
/// typing error takes 1.2 times as long with the function of the crate strsim, which has no maximum
/// (`benches/search.rs`).
pub(crate) fn distance(a: &[u8], b: &[u8], max: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > max || a.len() > LETTERS_MAX || b.len() > LETTERS_MAX {
        return None;
    }
    // Most words that are compared have a common prefix or suffix, and only the part in between counts.
    let alike = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[alike..], &b[alike..]);
    let alike = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - alike], &b[..b.len() - alike]);
    match (a, b) {
        ([], []) => return Some(0),
        ([_], [] | [_]) | ([], [_]) => return Some(1).filter(|one| *one <= max),
        ([a1, a2], [b1, b2]) if a1 == b2 && a2 == b1 => return Some(1).filter(|one| *one <= max),
        _ if max < 2 => return None,
        _ => {}
    }
    const WIDTH: usize = LETTERS_MAX + 1;
    let far = max + 1;
    let (mut before_last, mut last, mut row) = ([far; WIDTH], [far; WIDTH], [far; WIDTH]);
    for (column, cell) in last.iter_mut().enumerate().take(b.len().min(max) + 1) {
        *cell = column;
    }
    for i in 1..=a.len() {
        row[..=b.len()].fill(far);
        if i <= max {
            row[0] = i;
        }
        let mut least = row[0];
        for j in i.saturating_sub(max).max(1)..=(i + max).min(b.len()) {
            let wrong = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut cell = wrong.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cell = cell.min(before_last[j - 2] + 1);
            }
            row[j] = cell;
            least = least.min(cell);
        }
        // An exchange may still refer to the row before the last one.
        if least > max && last[..=b.len()].iter().all(|cell| *cell >= max) {
            return None;
        }
        (before_last, last, row) = (last, row, before_last);
    }
    Some(last[b.len()]).filter(|distance| *distance <= max)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_kind_of_typing_error_counts_as_one() {
        let between = |a: &str, b: &str| distance(a.as_bytes(), b.as_bytes(), 2);

        for (a, b, expected) in [
            ("TCS", "TCS", Some(0)),
            ("TCS", "TCSS", Some(1)),
            ("TCS", "TC", Some(1)),
            ("TCS", "TVS", Some(1)),
            ("RELAINCE", "RELIANCE", Some(1)),
            ("TSC", "TCS", Some(1)),
            ("RELANCES", "RELIANCE", Some(2)),
            ("", "AB", Some(2)),
            ("INFY", "TITAN", None),
            ("ABCD", "DCBA", None),
        ] {
            assert_eq!(between(a, b), expected, "{a} {b}");
            assert_eq!(between(b, a), expected, "{b} {a}");
        }
    }

    /// Computes the whole table, as in the definition.
    fn plainly(a: &[u8], b: &[u8]) -> usize {
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                table[i][j] = if i == 0 || j == 0 {
                    i + j
                } else {
                    let wrong = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    let mut least = wrong.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                    if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                        least = least.min(table[i - 2][j - 2] + 1);
                    }
                    least
                };
            }
        }
        table[a.len()][b.len()]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) })]

        #[test]
        fn the_band_and_the_whole_table_give_equal_distances(a in "[ABC]{0,9}", b in "[ABC]{0,9}", max in 1usize..3) {
            let expected = plainly(a.as_bytes(), b.as_bytes());

            prop_assert_eq!(distance(a.as_bytes(), b.as_bytes(), max), Some(expected).filter(|d| *d <= max));
        }

        #[test]
        fn every_similar_word_is_found(words in prop::collection::vec("[A-E]{1,9}", 1..40), word in "[A-E]{1,9}") {
            let near: Vec<(String, usize)> = Words::new(words.iter().map(String::as_str))
                .near(&word, 2)
                .into_iter()
                .map(|(near, distance)| (near.to_owned(), distance))
                .collect();

            let mut expected: Vec<(String, usize)> = words
                .iter()
                .map(|other| (other.clone(), plainly(word.as_bytes(), other.as_bytes())))
                .filter(|(_, distance)| *distance <= 2)
                .collect();
            expected.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
            expected.dedup();
            expected.sort_by_key(|(_, distance)| *distance);
            prop_assert_eq!(near, expected);
        }
    }
}
