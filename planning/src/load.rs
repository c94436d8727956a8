//! One broker's whole file, settled: every row either kept under a key of its own or rejected with a reason.

pub mod archive;
pub mod diff;
mod document;
pub mod gate;

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use sha2::{Digest, Sha256};

pub use self::document::DocumentError;
use crate::dump::{self, Broker, DumpError, Row};
use crate::instrument::{Class, Exchange};

/// What was read of a file. Invariant: `rows.len()` plus all of `rejected` is `rows_read`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLoad {
    /// The rows kept, sorted by exchange and symbol, keys unique.
    pub rows: Vec<Row>,
    /// How many rows the file has, the header not counted.
    pub rows_read: u64,
    /// How many rows were left out, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Rows that were left out, in the order of the file: of each reason the first
    /// [`QUARANTINED_PER_REASON_MAX`], so that one that strikes thousands hides no other.
    pub quarantine: Vec<QuarantinedRow>,
    /// SHA-256 of the rows kept.
    pub content_hash: [u8; 32],
}

impl FileLoad {
    /// How many rows were left out, whatever the reason.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }
}

/// How many of the rows left out for one reason are kept as they were.
pub const QUARANTINED_PER_REASON_MAX: u64 = 100;

/// A row that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedRow {
    /// Line of a CSV, or position in a JSON file; both from 1. 0 where the row shares its key with others.
    pub line: u64,
    /// Why it was left out: one of the reasons in [`FileLoad::rejected`].
    pub reason: &'static str,
    /// The row as it stands in the file, as far as it is known. Of one that could be read and was left out because of
    /// others, its key and token.
    pub text: String,
}

/// Two different instruments cannot be told apart by what the file says of them.
const AMBIGUOUS: &str = "several rows share one key and nothing tells them apart";
/// The same instrument twice.
const REPEATED: &str = "the row repeats an earlier one";

/// Reads and settles a file. `on_progress` is told the number of rows read so far, now and then.
///
/// Several securities may share one cash symbol (ordinary share, warrant, debenture). The ordinary share
/// keeps the symbol; the others are keyed `SYMBOL-SERIES`, as Kite writes them. Where neither share nor series
/// tells two rows of one key apart, none of them is kept: serving the wrong instrument is worse than none.
///
/// # Errors
/// [`DumpError`] where the file as a whole is unreadable.
pub fn read_file(broker: Broker, file: impl Read, on_progress: &mut dyn FnMut(u64)) -> Result<FileLoad, DumpError> {
    let mut rows_read = 0;
    let mut left_out = LeftOut::default();
    let mut by_key: HashMap<(Exchange, String), Vec<Row>> = HashMap::new();
    dump::read(broker, file, &mut |row| {
        rows_read += 1;
        if rows_read % 1024 == 0 {
            on_progress(rows_read);
        }
        match row {
            Ok(row) => by_key.entry((row.exchange, row.symbol.clone())).or_default().push(row),
            Err(row) => left_out.add(row.line, row.reason, String::new),
        }
    })?;
    on_progress(rows_read);

    let mut rows = Vec::with_capacity(by_key.len());
    let mut contested = Vec::new();
    for (_, mut sharing) in by_key {
        match sharing.len() {
            1 => rows.append(&mut sharing),
            _ => contested.push(sharing),
        }
    }
    rows.sort_by(|a, b| (a.exchange, &a.symbol).cmp(&(b.exchange, &b.symbol)));
    contested.sort_by(|a, b| (a[0].exchange, &a[0].symbol).cmp(&(b[0].exchange, &b[0].symbol)));
    for sharing in contested {
        settle(sharing, &mut rows, &mut left_out);
    }
    rows.sort_by(|a, b| (a.exchange, &a.symbol).cmp(&(b.exchange, &b.symbol)));
    let content_hash = hash_rows(&rows);
    let LeftOut { rejected, quarantine } = left_out;
    Ok(FileLoad { rows, rows_read, rejected, quarantine, content_hash })
}

/// The rows that are not kept.
#[derive(Default)]
struct LeftOut {
    rejected: BTreeMap<&'static str, u64>,
    quarantine: Vec<QuarantinedRow>,
}

impl LeftOut {
    fn add(&mut self, line: u64, reason: &'static str, text: impl FnOnce() -> String) {
        let count = self.rejected.entry(reason).or_default();
        *count += 1;
        if *count <= QUARANTINED_PER_REASON_MAX {
            self.quarantine.push(QuarantinedRow { line, reason, text: text() });
        }
    }

    fn add_row(&mut self, row: &Row, reason: &'static str) {
        self.add(0, reason, || format!("{}:{} {}", row.exchange, row.symbol, row.token));
    }
}

/// Decides among rows that share a key. `rows` holds those kept already, the uncontested ones sorted in front.
fn settle(mut sharing: Vec<Row>, rows: &mut Vec<Row>, left_out: &mut LeftOut) {
    let mut distinct: Vec<Row> = Vec::with_capacity(sharing.len());
    for row in sharing.drain(..) {
        if distinct.contains(&row) {
            left_out.add_row(&row, REPEATED);
        } else {
            distinct.push(row);
        }
    }
    if distinct.len() == 1 {
        rows.append(&mut distinct);
        return;
    }

    let is_share = |row: &Row| row.class == Class::Equity;
    let share_is_clear = distinct.iter().filter(|row| is_share(row)).count() == 1;
    let mut renamed: Vec<Row> = Vec::with_capacity(distinct.len());
    for mut row in distinct {
        if share_is_clear && is_share(&row) {
            rows.push(row);
            continue;
        }
        match row.series.as_deref().filter(|series| !series.is_empty()) {
            Some(series) => {
                row.symbol = format!("{}-{series}", row.symbol);
                renamed.push(row);
            }
            None => left_out.add_row(&row, AMBIGUOUS),
        }
    }
    // A series that several of them have, or a symbol that another row has as its own, still tells nothing apart.
    let same_key = |a: &Row, b: &Row| a.exchange == b.exchange && a.symbol == b.symbol;
    for row in &renamed {
        let is_unique = renamed.iter().filter(|other| same_key(row, other)).count() == 1;
        if is_unique && !rows.iter().any(|other| same_key(row, other)) {
            rows.push(row.clone());
        } else {
            left_out.add_row(row, AMBIGUOUS);
        }
    }
}

fn hash_rows(rows: &[Row]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for row in rows {
        // The debug form names every field, so that a field added later changes the hash by itself.
        let line = format!("{row:?}");
        hasher.update((line.len() as u64).to_le_bytes());
        hasher.update(line);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#""instrument_key","exchange_token","tradingsymbol","name","last_price","expiry","strike","tick_size","lot_size","instrument_type","option_type","exchange""#;

    fn json_equity(symbol: &str, series: &str, isin: &str) -> String {
        format!(
            r#"{{"segment":"NSE_EQ","name":"N","exchange":"NSE","isin":"{isin}","instrument_type":"{series}","instrument_key":"NSE_EQ|{isin}","lot_size":1,"exchange_token":"1","tick_size":5.0,"trading_symbol":"{symbol}"}}"#
        )
    }

    fn load_json(rows: &[String]) -> FileLoad {
        let file = format!("[{}]", rows.join(","));
        read_file(Broker::Upstox, file.as_bytes(), &mut |_| {}).unwrap()
    }

    fn keys(load: &FileLoad) -> Vec<String> {
        load.rows.iter().map(|row| format!("{}:{}", row.exchange, row.symbol)).collect()
    }

    #[test]
    fn the_ordinary_share_keeps_a_shared_symbol() {
        let load = load_json(&[
            json_equity("MOTHERSON", "D1", "INE775A08105"),
            json_equity("MOTHERSON", "EQ", "INE775A01035"),
        ]);

        assert_eq!(keys(&load), ["NSE:MOTHERSON", "NSE:MOTHERSON-D1"]);
        assert_eq!(load.rows[0].isin.as_deref(), Some("INE775A01035"));
    }

    #[test]
    fn without_a_share_each_takes_its_series() {
        let load = load_json(&[json_equity("IMC1", "N0", "INE00QS24019"), json_equity("IMC1", "N1", "INE00QS24043")]);

        assert_eq!(keys(&load), ["NSE:IMC1-N0", "NSE:IMC1-N1"]);
    }

    #[test]
    fn rows_of_one_symbol_and_series_are_not_guessed_whatever_their_order() {
        let load = load_json(&[json_equity("IMC1", "N0", "INE00QS24019"), json_equity("IMC1", "N0", "INE00QS24043")]);

        assert_eq!(keys(&load), Vec::<String>::new());
        assert_eq!(load.rejected, BTreeMap::from([(AMBIGUOUS, 2)]));
    }

    #[test]
    fn what_nothing_tells_apart_is_not_guessed() {
        let row = |token: &str, expiry: &str| {
            format!(
                r#""MCX_FO|{token}","{token}","GOLDM24OCTFUT","GOLD","0","{expiry}","0","100.0","1","FUTCOM","FF","MCX_FO""#
            )
        };
        let file = [HEADER.to_owned(), row("438165", "2024-10-31"), row("436401", "2024-10-04")].join("\n");

        let load = read_file(Broker::Upstox, file.as_bytes(), &mut |_| {}).unwrap();

        assert!(load.rows.is_empty());
        assert_eq!(load.rejected, BTreeMap::from([(AMBIGUOUS, 2)]));
        assert_eq!(load.rows_read, 2);
        let texts: Vec<_> = load.quarantine.iter().map(|row| (row.reason, row.text.as_str())).collect();
        let text = |token| (AMBIGUOUS, token);
        assert_eq!(texts, [text("MCX:GOLDM24OCTFUT MCX_FO|438165"), text("MCX:GOLDM24OCTFUT MCX_FO|436401")]);
    }

    #[test]
    fn the_first_rows_left_out_are_kept_with_their_lines() {
        let bad = vec!["1,2,3"; 150];
        let file = [&[HEADER][..], &bad].concat().join("\n");

        let load = read_file(Broker::Upstox, file.as_bytes(), &mut |_| {}).unwrap();

        assert_eq!((load.rejected_total(), load.quarantine.len()), (150, 100));
        assert_eq!((load.quarantine[0].line, load.quarantine[99].line), (2, 101));
        assert!(load.rejected.contains_key(load.quarantine[0].reason));
    }

    #[test]
    fn a_repeated_row_is_kept_once_and_counted() {
        let row = json_equity("TCS", "EQ", "INE467B01029");

        let load = load_json(&[row.clone(), row.clone(), row]);

        assert_eq!(keys(&load), ["NSE:TCS"]);
        assert_eq!(load.rejected, BTreeMap::from([(REPEATED, 2)]));
    }

    #[test]
    fn the_order_of_the_rows_does_not_change_the_hash() {
        let (a, b) = (json_equity("TCS", "EQ", "INE467B01029"), json_equity("ACC", "EQ", "INE012A01025"));

        assert_eq!(load_json(&[a.clone(), b.clone()]).content_hash, load_json(&[b.clone(), a]).content_hash);
        assert_ne!(load_json(&[b]).content_hash, load_json(&[]).content_hash);
    }
}
