//! Shares that moved to another series, among all securities of NSE.

use registry_planning::ingest::diff::{ChangeKind, diff};

use super::*;

const OF_SHARES: [&str; 6] = ["EQ", "BE", "BZ", "SM", "ST", "SZ"];

/// Returns the symbol without the series.
fn base(row: &Row) -> &str {
    let series = row.series.as_deref().unwrap_or("EQ");
    row.symbol.strip_suffix(series).and_then(|stem| stem.strip_suffix('-')).unwrap_or(&row.symbol)
}

/// Returns the row of a share after its move to another series, with a new key and a new token.
fn in_series(row: &Row, series: &str, token: usize) -> Row {
    let base = base(row);
    let symbol = if series == "EQ" { base.to_owned() } else { format!("{base}-{series}") };
    Row { symbol, series: Some(series.to_owned()), token: token.to_string(), ..row.clone() }
}

/// Kite's file has no ISINs, so a share is recognized without them. The series are from Fyers' file of the next month.
#[test]
fn kites_shares_are_followed_into_the_series_of_the_next_month() {
    let kite = read_dump(Broker::Kite, "kite_nse_2025-10.csv.gz");
    let fyers = read_dump(Broker::Fyers, "fyers_nse_cm_2025-11-10.csv.gz");
    let (Some(kite), Some(fyers)) = (kite, fyers) else {
        writeln!(io::stderr(), "skipped: the files of NSE's securities are not in {}", folder().display())
            .expect("standard error can be written to");
        return;
    };
    let is_share =
        |row: &&Row| row.segment == Segment::NseEquity && OF_SHARES.contains(&row.series.as_deref().unwrap_or("EQ"));
    let mut next: HashMap<&str, &str> = HashMap::new();
    for row in fyers.load.rows.iter().filter(is_share) {
        next.insert(base(row), row.series.as_deref().unwrap_or("EQ"));
    }
    let mut after = kite.load.rows.clone();
    let mut moved = 0;
    for (number, row) in after.iter_mut().enumerate().filter(|(_, row)| is_share(&&**row) && !row.name.is_empty()) {
        let now = next.get(base(row)).filter(|series| **series != row.series.as_deref().unwrap_or("EQ"));
        if let Some(series) = now {
            *row = in_series(row, series, 4_000_000_000 + number);
            moved += 1;
        }
    }
    after.sort_by(|a, b| (a.exchange, &a.symbol).cmp(&(b.exchange, &b.symbol)));

    let diff = diff(&kite.load.rows, &after);

    assert_eq!(moved, 105);
    assert_eq!(diff.in_both, kite.load.rows.len());
    let expected = [(ChangeKind::TokenChanged, 105), (ChangeKind::SeriesChanged, 105)];
    assert_eq!(diff.counts(), BTreeMap::from(expected));
    assert_eq!(diff.key_changes.len(), 105);
}
