//! Properties of the readers for every file, however broken. `make fuzz` runs these tests for minutes.

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;
use crate::ingest::QUARANTINED_PER_REASON_MAX;

/// A change to a file at a position, given in 65,536ths of its length.
#[derive(Clone, Debug)]
enum Change {
    Put(u16, Vec<u8>),
    Flip(u16, u8),
    Cut(u16, u16),
    CutOff(u16),
    /// Inserts a piece of the file at another position.
    Repeat(u16, u16, u16),
    /// Exchanges two rows.
    Swap(u16, u16),
    RepeatRow(u16, u16),
}

fn changes(at_most: usize) -> impl Strategy<Value = Vec<Change>> {
    // Text that is significant to a reader does more harm than random bytes.
    let telling = prop::sample::select(vec![
        "\"",
        ",",
        "\n",
        "\r",
        "\t",
        ";",
        "{",
        "}",
        "[",
        "]",
        ":",
        "|",
        "-",
        "\\",
        "NaN",
        "null",
        "-1",
        "0",
        "1e300",
        "9223372036854775807",
        "18446744073709551616",
        "0.00001",
        "₹",
        "\u{0}",
        "\u{feff}",
        "\u{202e}",
        "NA",
        "CE",
        "FUT",
        "\\ud800",
        "\u{1f}\u{8b}",
        "PK\u{3}\u{4}",
        "PK\u{7}\u{8}",
        "",
    ]);
    let text = prop_oneof![telling.prop_map(|text| text.as_bytes().to_vec()), prop::collection::vec(any::<u8>(), 0..8)];
    let change = prop_oneof![
        4 => (any::<u16>(), text).prop_map(|(position, text)| Change::Put(position, text)),
        3 => (any::<u16>(), any::<u8>()).prop_map(|(position, bits)| Change::Flip(position, bits)),
        2 => (any::<u16>(), 0..8_u16).prop_map(|(position, length)| Change::Cut(position, length)),
        1 => (any::<u16>(), 0..400_u16).prop_map(|(position, length)| Change::Cut(position, length)),
        1 => any::<u16>().prop_map(Change::CutOff),
        1 => (any::<u16>(), 0..400_u16, any::<u16>()).prop_map(|(from, length, to)| Change::Repeat(from, length, to)),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(a, b)| Change::Swap(a, b)),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(from, to)| Change::RepeatRow(from, to)),
    ];
    prop::collection::vec(change, 1..at_most)
}

fn index_in(length: usize, position: u16) -> usize {
    usize::from(position) * length / 65_536
}

fn changed(mut file: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let at = |position: &u16| index_in(file.len(), *position);
        match change {
            Change::Put(to, text) => {
                let to = at(to);
                file.splice(to..to, text.iter().copied());
            }
            Change::Flip(to, bits) => {
                let to = at(to);
                if let Some(byte) = file.get_mut(to) {
                    *byte ^= bits;
                }
            }
            Change::Cut(from, length) => {
                let from = at(from);
                file.drain(from..(from + usize::from(*length)).min(file.len()));
            }
            Change::CutOff(from) => file.truncate(at(from)),
            Change::Repeat(from, length, to) => {
                let (from, to) = (at(from), at(to));
                let piece = file[from..(from + usize::from(*length)).min(file.len())].to_vec();
                file.splice(to..to, piece);
            }
            Change::Swap(a, b) => {
                let mut rows = rows_of(&file);
                let (a, b) = (index_in(rows.len(), *a), index_in(rows.len(), *b));
                if !rows.is_empty() {
                    rows.swap(a, b);
                }
                file = rows.concat();
            }
            Change::RepeatRow(from, to) => {
                let mut rows = rows_of(&file);
                let (from, to) = (index_in(rows.len(), *from), index_in(rows.len(), *to));
                if let Some(row) = rows.get(from).copied() {
                    rows.insert(to, row);
                }
                file = rows.concat();
            }
        }
    }
    file
}

/// Splits a file into the lines of a CSV or the objects of a JSON file.
fn rows_of(file: &[u8]) -> Vec<&[u8]> {
    file.split_inclusive(|byte| matches!(byte, b'\n' | b'}')).collect()
}

/// Checks the invariants of a file that is accepted, and the message of one that is rejected.
fn check(broker: Broker, file: &[u8]) -> Result<Option<FileContent>, TestCaseError> {
    let mut handed_over = 0;
    let mut lines = Vec::new();
    let mut on_progress = |_| ControlFlow::Continue(());
    let read = read_entries(broker, file, &Limits::default(), &mut on_progress, &mut |line, _| {
        handed_over += 1;
        lines.push(line);
    });
    prop_assert!(lines.is_sorted(), "lines are handed over in their order");

    let loaded = load(broker, file);
    prop_assert!(loaded.is_err() || read.is_ok());
    let load = match loaded {
        Ok(load) => load,
        Err(error) => {
            let sentence = error.to_string();
            // Only all rows together show that the order of day and month is unknown.
            prop_assert!(read.is_err() || sentence.contains("order of day and month"), "{sentence:?}");
            prop_assert!(sentence.starts_with("expected a "), "{sentence:?}");
            let found = sentence.split_once(", got ").map(|(_, found)| found).unwrap_or_default();
            prop_assert!((1..=100).contains(&found.chars().count()), "{sentence:?}");
            prop_assert!(!sentence.contains(|c: char| c.is_control() || c == '\u{202e}'), "{sentence:?}");
            return Ok(None);
        }
    };
    prop_assert_eq!(load.rows_read, handed_over);
    prop_assert_eq!(accounted(&load), load.rows_read);
    let keys: Vec<(Exchange, &str)> = load.rows.iter().map(|row| (row.exchange, row.symbol.as_str())).collect();
    prop_assert!(keys.is_sorted_by(|a, b| a < b), "keys are sorted and unique");
    let kept: u64 = load.rejected.values().map(|count| (*count).min(QUARANTINED_PER_REASON_MAX)).sum();
    prop_assert_eq!(load.quarantine.len() as u64, kept);
    for row in &load.quarantine {
        prop_assert!(lines.contains(&row.line) && row.text.chars().count() <= TEXT_CHARACTERS_MAX);
    }
    Ok(Some(load))
}

/// Returns a file a few bytes at a time, as a slow connection does.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

/// Returns the same bytes again and again, and counts them.
struct Endless<'a> {
    start: &'a [u8],
    again: &'a [u8],
    given: u64,
}

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut given = self.start.read(buffer)?;
        while given + self.again.len() <= buffer.len() {
            buffer[given..given + self.again.len()].copy_from_slice(self.again);
            given += self.again.len();
        }
        self.given += given as u64;
        Ok(given)
    }
}

proptest! {
    // The default is 256 cases; `PROPTEST_CASES` overrides it.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_reader_panic(file in prop::collection::vec(any::<u8>(), 0..2000)) {
        for broker in Broker::WITH_FILES {
            check(broker, &file)?;
        }
    }

    #[test]
    fn significant_bytes_make_no_reader_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "[", "]", "{", "}", "\"", ":", ",", "\n", "\\", "\"fyToken\"", "\"exch_seg\":", "\"instrument_key\":",
            "NSE:", "NSE:A-EQ", "instrument_key", "1", "null", "\t", " ", "{\"a\":[", ",,,,,,,,,",
        ]), 0..60)
    ) {
        for broker in Broker::WITH_FILES {
            check(broker, words.concat().as_bytes())?;
        }
    }

    #[test]
    fn every_row_of_a_broken_file_is_kept_or_quarantined(changes in changes(12)) {
        for (_, broker, file) in fixtures::all() {
            check(broker, &changed(file.into_bytes(), &changes))?;
        }
    }

    #[test]
    fn a_broken_file_gives_the_same_result_gzipped(changes in changes(4), piece in 1_usize..200) {
        for (form, broker, file) in fixtures::all() {
            let file = changed(file.into_bytes(), &changes);
            let packed = gzip(&file);
            let trickled = load(broker, Trickle(&packed, piece)).map_err(|error| error.to_string());
            // Unpacked content is not unpacked again.
            if !is_packed(&file) {
                prop_assert_eq!(trickled, load(broker, &file[..]).map_err(|error| error.to_string()), "{}", form);
            }
        }
    }

    #[test]
    fn a_broken_gzip_file_is_rejected_or_unchanged(changes in changes(4)) {
        for (form, broker, file) in fixtures::all() {
            let packed = gzip(file.as_bytes());
            let broken = changed(packed.clone(), &changes);
            if let Some(read) = check(broker, &broken)? && broken.len() <= packed.len() {
                // The checksum detects every other change; the header before it does not affect the packed content.
                prop_assert_eq!(&read.rows, &load(broker, file.as_bytes()).unwrap().rows, "{}", form);
            }
        }
    }

    #[test]
    fn no_reading_exceeds_the_limits(again in prop::collection::vec(any::<u8>(), 1..200), keeps_lines: bool) {
        const LIMITS: Limits = Limits { bytes_max: 50_000, rows_max: 200 };
        const BUFFERED: u64 = 64 * 1024;
        for (form, broker, file) in fixtures::all() {
            let again = if keeps_lines { [&again[..], b"\n"].concat() } else { again.clone() };
            let file = file.trim_end_matches([']', '}', '\n']);
            let mut endless = Endless { start: file.as_bytes(), again: &again, given: 0 };
            let mut rows = 0;
            let mut on_progress = |_| ControlFlow::Continue(());

            let refused = read_entries(broker, &mut endless, &LIMITS, &mut on_progress, &mut |_, _| rows += 1);

            prop_assert!(refused.is_err(), "{form}");
            prop_assert!(rows <= LIMITS.rows_max && endless.given <= LIMITS.bytes_max + BUFFERED, "{form}");
        }
    }

    #[test]
    fn a_row_of_random_bytes_affects_no_other_row(
        bytes in prop::collection::vec(any::<u8>().prop_filter("a line", |byte| *byte != b'\n'), 0..300)
    ) {
        for (form, broker, file) in fixtures::all().into_iter().filter(|(_, _, file)| !file.starts_with(['[', '{'])) {
            let expected = load(broker, file.as_bytes()).unwrap();
            let mut broken = file.into_bytes();
            broken.extend(&bytes);
            check(broker, &broken)?;
            let load = load(broker, &broken[..]).unwrap();
            prop_assert_eq!(&load.rows, &expected.rows, "{}", form);
        }
    }
}
