//! A catalog and requests that resemble real ones and are the same on every machine.

use std::collections::HashSet;

use chrono::NaiveDate;
use registry_planning::catalogue::{Builder, Catalogue};
use registry_planning::dump::Row;
use registry_planning::feed::StreamOptions;
use registry_planning::instrument::Amount;
use registry_planning::request::{Options, PlanRequest};
use registry_planning::vocabulary::{
    Exchange, FilteringStrictness, InstrumentType, OptimizationLevel, Segment, SubscriptionType,
};

/// The number of shares on NSE: about the number in a whole file. Every second one is also listed on BSE.
const SHARES: usize = 8000;

/// The number of underlyings of futures and options; the exchange has about 220.
const UNDERLYINGS: usize = 220;

const EXPIRIES: [(&str, (i32, u32, u32)); 3] =
    [("26AUG", (2026, 8, 25)), ("26SEP", (2026, 9, 29)), ("26OCT", (2026, 10, 27))];

/// Creates a catalog of exactly `count` instruments.
pub(crate) fn catalogue(count: usize) -> Catalogue {
    let mut builder = Builder::new();
    for row in rows(count) {
        builder.add(row, true);
    }
    let catalogue = builder.build("bench".to_owned(), vec![]);
    assert_eq!(catalogue.len(), count);
    catalogue
}

/// Creates `count` instruments: shares, futures, and options for the rest.
pub(crate) fn rows(count: usize) -> Vec<Row> {
    let mut rows = Vec::with_capacity(count);
    for number in 0..SHARES {
        rows.push(share(Exchange::Nse, number));
        if number % 2 == 0 {
            rows.push(share(Exchange::Bse, number));
        }
    }
    for number in 0..UNDERLYINGS {
        for (written, expiry) in EXPIRIES {
            rows.push(contract(number, written, expiry, InstrumentType::Future, 0));
        }
    }
    'all: for step in 0.. {
        for number in 0..UNDERLYINGS {
            for (written, expiry) in EXPIRIES {
                for class in [InstrumentType::Call, InstrumentType::Put] {
                    if rows.len() == count {
                        break 'all;
                    }
                    rows.push(contract(number, written, expiry, class, 500 + 50 * step));
                }
            }
        }
    }
    rows
}

fn share(exchange: Exchange, number: usize) -> Row {
    let segment = if exchange == Exchange::Nse { Segment::NseEquity } else { Segment::BseEquity };
    Row {
        exchange,
        symbol: format!("STOCK{number:05}"),
        alias: None,
        name: format!("STOCK NUMBER {number} LIMITED"),
        segment,
        class: InstrumentType::Equity,
        isin: Some(format!("INE{number:04}A01010")),
        series: Some("EQ".to_owned()),
        underlying: None,
        expiry: None,
        strike: None,
        tick_size: Amount::from_ten_thousandths(500),
        lot_size: 1,
        token: String::new(),
    }
}

/// Creates a future, or an option with that strike in rupees.
fn contract(underlying: usize, written: &str, expiry: (i32, u32, u32), class: InstrumentType, strike: u32) -> Row {
    let (year, month, day) = expiry;
    // Names of three to ten letters.
    let mut name = format!("{}{}", ["TCS", "INFY", "NIFTY", "RELIANC"][underlying % 4], letters(underlying));
    name.truncate(10);
    Row {
        exchange: Exchange::Nfo,
        symbol: match class {
            InstrumentType::Future => format!("{name}{written}FUT"),
            _ => format!("{name}{written}{strike}{class}", class = class.as_str()),
        },
        segment: Segment::NseDerivative,
        class,
        isin: None,
        series: None,
        underlying: Some(name),
        expiry: NaiveDate::from_ymd_opt(year, month, day),
        strike: (class != InstrumentType::Future).then(|| Amount::from_ten_thousandths(i64::from(strike) * 10_000)),
        lot_size: 75,
        ..share(Exchange::Nse, 0)
    }
}

fn letters(number: usize) -> String {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let letter = |index: usize| &LETTERS[index..=index];
    format!("{}{}", letter(number / 26), letter(number % 26))
}

/// The kinds of keys in a request.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mix {
    /// Distinct instruments of the catalog.
    AllKnown,
    /// The same, but every 20th key repeats an earlier one, and every 20th is not in the catalog.
    TenthLeftOut,
}

impl Mix {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Mix::AllKnown => "all known",
            Mix::TenthLeftOut => "10% rejected",
        }
    }
}

/// The parameters of a request.
pub(crate) struct Case {
    pub(crate) instruments: usize,
    pub(crate) instruments_max: u32,
    pub(crate) level: OptimizationLevel,
    pub(crate) mix: Mix,
}

/// Creates a request in random order for some of the keys `all`.
pub(crate) fn request(random: &mut Random, all: &[&str], case: &Case) -> PlanRequest {
    let mut keys: Vec<String> = Vec::with_capacity(case.instruments);
    let mut drawn = HashSet::new();
    while keys.len() < case.instruments {
        let index = random.below(all.len());
        match (case.mix, keys.len() % 20) {
            (Mix::TenthLeftOut, 9) => keys.push(keys[random.below(keys.len())].clone()),
            (Mix::TenthLeftOut, 19) => keys.push(format!("{}X", all[index])),
            _ if drawn.insert(index) => keys.push(all[index].to_owned()),
            _ => {}
        }
    }
    PlanRequest {
        user_id: "user-4711".to_owned(),
        plan_name: "Bench".to_owned(),
        description: None,
        subscription_type: SubscriptionType::LiveFeed,
        source: keys.iter().collect(),
        options: Options {
            optimization_level: case.level,
            filtering_strictness: FilteringStrictness::Moderate,
            max_instruments: case.instruments_max,
            cost_per_instrument: Amount::from_ten_thousandths(500),
            as_of: NaiveDate::from_ymd_opt(2026, 8, 17).expect("valid date"),
        },
        feed: StreamOptions::default(),
        warnings: Vec::new(),
    }
}

/// Marsaglia's xorshift64: sufficient for sampling, and reproducible.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
