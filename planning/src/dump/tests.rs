//! What every reader must do, whichever broker's.

mod fixtures;

use proptest::prelude::*;

use super::*;
use crate::load::{FileLoad, QUARANTINED_PER_REASON_MAX, read_file};

fn load(broker: Broker, file: &[u8]) -> Result<FileLoad, DumpError> {
    read_file(broker, file, &mut |_| {})
}

#[test]
fn one_instrument_has_one_key_and_the_same_terms_in_every_file() {
    let bare = |row: &Row| Row {
        alias: None,
        name: String::new(),
        isin: None,
        series: None,
        token: String::new(),
        ..row.clone()
    };
    let [(_, broker, first), ..] = fixtures::all();
    let first = load(broker, first.as_bytes()).unwrap();
    let keys: Vec<String> = first.rows.iter().map(|row| format!("{}:{}", row.exchange, row.symbol)).collect();
    assert_eq!(keys, fixtures::KEYS);

    for (form, broker, file) in fixtures::all() {
        let load = load(broker, file.as_bytes()).unwrap();

        assert_eq!((load.rows_read, load.rejected.len()), (9, 0), "{form}: {:?}", load.quarantine);
        for (row, expected) in load.rows.iter().zip(&first.rows) {
            assert_eq!(bare(row), bare(expected), "{form}");
            assert!(!row.token.is_empty(), "{form}");
        }
        let alias = load.rows.iter().find_map(|row| row.alias.as_deref());
        assert_eq!(alias, Some("NIFTY"), "{form}");
    }
}

#[test]
fn a_mark_of_byte_order_and_other_line_ends_do_no_harm() {
    for (form, broker, file) in fixtures::all() {
        let expected = load(broker, file.as_bytes()).unwrap();
        let marked = format!("\u{feff}\n{}\n\n", file.replace('\n', "\r\n"));
        assert_eq!(load(broker, marked.as_bytes()).unwrap().rows, expected.rows, "{form}");
    }
}

#[test]
fn every_reader_refuses_what_is_no_instrument_file() {
    let noise: Vec<u8> = (0..9000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    for broker in Broker::ALL {
        for file in [&b""[..], b" \n ", b"<!DOCTYPE html>\n<html>maintenance</html>", b"{\"status\":\"error\"}", &noise]
        {
            let error = load(broker, file).unwrap_err().to_string();
            assert!(error.starts_with("expected a "), "{broker:?}: {error}");
            assert!(error.contains(", found ") && error.chars().count() < 200, "{broker:?}: {error}");
        }
    }
}

#[test]
fn every_reader_refuses_the_file_of_another_broker() {
    for (form, owner, file) in fixtures::all() {
        for broker in Broker::ALL.into_iter().filter(|broker| *broker != owner) {
            let error = load(broker, file.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("expected a ") && error.contains(", found "), "{form} as {broker:?}: {error}");
        }
    }
}

/// A change to a file at some place in it, of 65,536.
#[derive(Clone, Debug)]
enum Change {
    Put(u16, Vec<u8>),
    Cut(u16, u16),
    /// Puts a piece of the file to another place of it.
    Repeat(u16, u16, u16),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    // What means something to a reader does more harm than a byte of any kind.
    let telling = prop::sample::select(vec![
        "\"", ",", "\n", "\t", ";", "{", "}", "[", "]", ":", "\\", "NaN", "-1", "1e300", "₹", "\u{0}", "NA", "",
    ]);
    let text =
        prop_oneof![telling.prop_map(|text| text.as_bytes().to_vec()), prop::collection::vec(any::<u8>(), 0..8),];
    let change = prop_oneof![
        4 => (any::<u16>(), text).prop_map(|(place, text)| Change::Put(place, text)),
        1 => (any::<u16>(), 0..400_u16).prop_map(|(place, length)| Change::Cut(place, length)),
        1 => (any::<u16>(), 0..400_u16, any::<u16>()).prop_map(|(from, length, to)| Change::Repeat(from, length, to)),
    ];
    prop::collection::vec(change, 1..12)
}

fn changed(mut file: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    let place = |file: &[u8], place: u16| usize::from(place) * file.len() / 65_536;
    for change in changes {
        match change {
            Change::Put(at, text) => {
                let at = place(&file, *at);
                file.splice(at..at, text.iter().copied());
            }
            Change::Cut(at, length) => {
                let at = place(&file, *at);
                file.drain(at..(at + usize::from(*length)).min(file.len()));
            }
            Change::Repeat(from, length, to) => {
                let (from, to) = (place(&file, *from), place(&file, *to));
                let piece = file[from..(from + usize::from(*length)).min(file.len())].to_vec();
                file.splice(to..to, piece);
            }
        }
    }
    file
}

/// What holds of every file, however broken, that is not refused.
fn check(broker: Broker, file: &[u8]) -> Result<(), TestCaseError> {
    let mut handed_over = 0;
    let mut lines = Vec::new();
    let read = read(broker, file, &mut |line, _| {
        handed_over += 1;
        lines.push(line);
    });
    prop_assert!(lines.is_sorted(), "lines are handed over in their order");

    let loaded = load(broker, file);
    prop_assert_eq!(loaded.is_err(), read.is_err());
    let Ok(load) = loaded else { return Ok(()) };
    prop_assert_eq!(load.rows_read, handed_over);
    prop_assert_eq!(load.rows.len() as u64 + load.rejected_total(), load.rows_read);
    let kept: u64 = load.rejected.values().map(|count| (*count).min(QUARANTINED_PER_REASON_MAX)).sum();
    prop_assert_eq!(load.quarantine.len() as u64, kept);
    for row in &load.quarantine {
        prop_assert!(lines.contains(&row.line) && row.text.chars().count() <= TEXT_CHARACTERS_MAX);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn no_bytes_make_a_reader_panic(file in prop::collection::vec(any::<u8>(), 0..2000)) {
        for broker in Broker::ALL {
            check(broker, &file)?;
        }
    }

    #[test]
    fn of_a_broken_file_every_row_is_kept_or_quarantined(changes in changes()) {
        for (_, broker, file) in fixtures::all() {
            check(broker, &changed(file.into_bytes(), &changes))?;
        }
    }

    #[test]
    fn a_row_of_any_bytes_after_a_header_costs_no_other_row(
        bytes in prop::collection::vec(any::<u8>().prop_filter("a line", |byte| *byte != b'\n'), 0..300)
    ) {
        for (form, broker, file) in fixtures::all().into_iter().filter(|(_, _, file)| !file.starts_with(['[', '{'])) {
            let expected = load(broker, file.as_bytes()).unwrap();
            let mut broken = file.into_bytes();
            broken.extend(&bytes);
            check(broker, &broken)?;
            let load = load(broker, &broken).unwrap();
            prop_assert_eq!(&load.rows, &expected.rows, "{}", form);
        }
    }
}
