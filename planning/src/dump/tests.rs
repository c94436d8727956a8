//! Requirements for the readers of all brokers.

mod bad;
mod fixtures;
mod limits;
mod properties;
mod zips;

use std::io::Write;
use std::ops::ControlFlow;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::ingest::{FileContent, read_file};

fn load(broker: Broker, file: impl Read) -> Result<FileContent, DumpError> {
    read_file(broker, file, &Limits::default(), &mut |_| ControlFlow::Continue(()))
}

/// Returns the number of rows whose outcome is counted.
fn accounted(load: &FileContent) -> u64 {
    load.rows.len() as u64 + load.rejected_total() + load.skipped_total() + load.duplicates
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn is_packed(file: &[u8]) -> bool {
    is_gzip(file) || zip::is_zip(file)
}

#[test]
fn an_instrument_has_equal_key_and_terms_in_every_file() {
    let bare = |row: &Row| Row {
        alias: None,
        name: String::new(),
        isin: None,
        series: None,
        // A form that has another figure than the units of a lot does not have them.
        lot_size: 0,
        token: String::new(),
        ..row.clone()
    };
    let [(_, broker, first), ..] = fixtures::all();
    let first = load(broker, first.as_bytes()).unwrap();
    let keys: Vec<String> = first.rows.iter().map(|row| format!("{}:{}", row.exchange, row.symbol)).collect();
    assert_eq!(keys, fixtures::KEYS);

    for (form, broker, file) in fixtures::all() {
        let load = load(broker, file.as_bytes()).unwrap();

        assert_eq!(load.rows_read, 9, "{form}: {:?}", load.quarantine);
        assert_eq!(load.rejected.len(), 0, "{form}: {:?}", load.quarantine);
        for (row, expected) in load.rows.iter().zip(&first.rows) {
            assert_eq!(bare(row), bare(expected), "{form}");
            let is_known_equal = [0, expected.lot_size].contains(&row.lot_size) || expected.lot_size == 0;
            assert!(is_known_equal, "{form}: {}", row.symbol);
            assert!(!row.token.is_empty(), "{form}");
        }
        let alias = load.rows.iter().find_map(|row| row.alias.as_deref());
        assert_eq!(alias, Some("NIFTY"), "{form}");
    }
}

#[test]
fn byte_order_marks_and_line_ends_are_accepted() {
    for (form, broker, file) in fixtures::all() {
        let expected = load(broker, file.as_bytes()).unwrap();
        let marked = format!("\u{feff}\n{}\n\n", file.replace('\n', "\r\n"));
        assert_eq!(load(broker, marked.as_bytes()).unwrap().rows, expected.rows, "{form}");
    }
}
