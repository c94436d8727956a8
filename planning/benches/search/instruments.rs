//! The instruments of the benchmark: those of real files, if available, extended to the requested number.

use std::collections::HashSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use chrono::{Days, NaiveDate};
use registry_planning::dump::{Limits, Row};
use registry_planning::ingest::read_file;
use registry_planning::instrument::Amount;
use registry_planning::vocabulary::{Broker, Exchange, InstrumentType, Segment};

/// The files, newest first: instruments that only an older file contains are not active.
const FILES: [(Broker, &str); 3] = [
    (Broker::Kite, "kite_nfo_bfo_2026-08-17.csv.gz"),
    (Broker::Upstox, "upstox_complete_2025-06-12.json.gz"),
    (Broker::Upstox, "upstox_complete_2024-09-05.csv.gz"),
];

/// Returns exactly `count` rows with unique keys, whether each is active, and their origin.
pub(crate) fn rows(count: usize) -> (Vec<(Row, bool)>, &'static str) {
    let real = real_rows();
    let origin = if real.is_empty() {
        "SYNTHETIC, because no folder `data` with real files was found in $REGISTRY_SHARED (default ../shared)"
    } else {
        "those of real files, and their contracts repeated in later years"
    };
    let rows = if real.is_empty() { synthetic_rows() } else { real };
    let mut collected = RowCollector { rows: Vec::with_capacity(count), keys: HashSet::new(), count };
    for (row, is_active) in &rows {
        collected.add(row.clone(), *is_active);
    }
    for years in 1.. {
        if collected.rows.len() >= count {
            break;
        }
        for (row, _) in &rows {
            if let Some(later) = later(row, years) {
                collected.add(later, true);
            }
        }
    }
    (collected.rows, origin)
}

struct RowCollector {
    rows: Vec<(Row, bool)>,
    keys: HashSet<(Exchange, String)>,
    count: usize,
}

impl RowCollector {
    /// Adds the row, unless the number is reached or its key exists already.
    fn add(&mut self, mut row: Row, is_active: bool) {
        // Aliases would be counted in addition.
        row.alias = None;
        if self.rows.len() < self.count && self.keys.insert((row.exchange, row.symbol.clone())) {
            self.rows.push((row, is_active));
        }
    }
}

/// Returns the same contract some years later.
fn later(row: &Row, years: u64) -> Option<Row> {
    let underlying = row.underlying.as_deref()?;
    let expiry = row.expiry?.checked_add_days(Days::new(365 * years))?;
    let rest = row.symbol.strip_prefix(underlying)?;
    let year: u64 = rest.get(..2)?.parse().ok()?;
    let symbol = format!("{underlying}{:02}{}", (year + years) % 100, rest.get(2..)?);
    Some(Row { symbol, expiry: Some(expiry), ..row.clone() })
}

fn real_rows() -> Vec<(Row, bool)> {
    let Some(folder) = folder() else { return Vec::new() };
    let mut rows = Vec::new();
    for (at, (broker, name)) in FILES.into_iter().enumerate() {
        let Ok(file) = fs::read(folder.join(name)) else { continue };
        if let Ok(load) = read_file(broker, &file[..], &Limits::default(), &mut |_| ControlFlow::Continue(())) {
            rows.extend(load.rows.into_iter().map(|row| (row, at < 2)));
        }
    }
    rows
}

/// Returns the folder of real files: `$REGISTRY_SHARED`, by default `../shared`, relative to the root of the workspace.
fn folder() -> Option<PathBuf> {
    let shared = std::env::var_os("REGISTRY_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    // An absolute path does not change.
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(shared).join("data");
    data.is_dir().then_some(data)
}

/// Creates shares with names of several words, and contracts on some of them.
fn synthetic_rows() -> Vec<(Row, bool)> {
    let words = ["TATA", "BHARAT", "HINDUSTAN", "STEEL", "POWER", "FINANCE", "MOTORS", "INDIA", "LABS", "CEMENT"];
    let mut rows = Vec::new();
    let mut random = Random::seeded(3);
    for number in 0..20_000 {
        let mut word = || words[random.below(words.len())];
        let (first, second) = (word(), word());
        let symbol = format!("{}{}{number}", &first[..2], &second[..3]);
        let share = Row {
            exchange: if number % 3 == 0 { Exchange::Bse } else { Exchange::Nse },
            symbol: symbol.clone(),
            alias: None,
            name: format!("{first} {second} {number} LIMITED"),
            segment: if number % 3 == 0 { Segment::BseEquity } else { Segment::NseEquity },
            class: InstrumentType::Equity,
            isin: Some(format!("INE{number:05}01011")),
            series: None,
            underlying: None,
            expiry: None,
            strike: None,
            tick_size: Amount::from_ten_thousandths(500),
            lot_size: 1,
            token: String::new(),
        };
        if number % 60 == 0 {
            for (written, day) in [("26AUG", (2026, 8, 25)), ("26SEP", (2026, 9, 29)), ("26OCT", (2026, 10, 27))] {
                for strike in (500..2000).step_by(50) {
                    for class in [InstrumentType::Call, InstrumentType::Put] {
                        rows.push((contract(&share, written, day, strike, class), true));
                    }
                }
            }
        }
        rows.push((share, number % 50 != 0));
    }
    rows
}

fn contract(
    share: &Row,
    written: &str,
    (year, month, day): (i32, u32, u32),
    strike: u32,
    class: InstrumentType,
) -> Row {
    Row {
        exchange: Exchange::Nfo,
        symbol: format!("{}{written}{strike}{}", share.symbol, class.as_str()),
        name: share.symbol.clone(),
        segment: Segment::NseDerivative,
        class,
        isin: None,
        underlying: Some(share.symbol.clone()),
        expiry: NaiveDate::from_ymd_opt(year, month, day),
        strike: Some(Amount::from_ten_thousandths(i64::from(strike) * 10_000)),
        lot_size: 75,
        ..share.clone()
    }
}

/// Marsaglia's xorshift64: sufficient for sampling, and reproducible.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("below a usize")
    }
}
