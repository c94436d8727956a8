//! Measures a catalog of 250,000 instruments with the tokens of two brokers: its memory, the time of building it, and
//! the time of look-ups and searches, each compared with a plain way to do the same.
//!
//! `cargo bench -p registry-planning` measures; `cargo test -p registry-planning --benches`, or the argument `--test`,
//! runs every case once. The instruments are those of real files of brokers, if available, extended with the same
//! contracts in later years; otherwise they are synthetic, and the output states it.

#[path = "search/instruments.rs"]
mod instruments;
#[path = "search/memory.rs"]
mod memory;
#[path = "search/plainly.rs"]
mod plainly;

use std::collections::HashMap;
use std::env;
use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use chrono::{DateTime, NaiveDate};
use registry_planning::catalogue::search::{Query, Reach};
use registry_planning::catalogue::{Builder, Catalogue};
use registry_planning::feed::StreamOptions;
use registry_planning::help::Helper;
use registry_planning::instrument::Amount;
use registry_planning::request::{Options, PlanRequest, Resolved};
use registry_planning::vocabulary::{Broker, FilteringStrictness, OptimizationLevel, SubscriptionType};
use registry_planning::{Stamp, create_plan};

use crate::instruments::Random;
use crate::memory::Counting;
use registry_planning::basis::Basis;
use registry_planning::broker::BrokerModels;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const INSTRUMENTS: usize = 250_000;

/// The targets.
const MEMORY_MB_MAX: f64 = 40.0;
const PREFIX_P99_US_MAX: f64 = 50.0;
const NEAR_P99_US_MAX: f64 = 2000.0;
const PART_P99_US_MAX: f64 = 3000.0;
const LOOK_UP_RATIO_MAX: f64 = 2.0;

fn main() -> io::Result<()> {
    let has = |flag: &str| env::args().any(|argument| argument == flag);
    let is_test = has("--test") || !has("--bench");
    let mut out = io::stdout().lock();
    let count = if is_test { 20_000 } else { INSTRUMENTS };

    let before = memory::live();
    let (builder, origin) = builder(count);
    memory::forget_peak();
    let start = Instant::now();
    let catalogue = builder.build("bench".to_owned(), vec![]);
    let seconds = start.elapsed().as_secs_f64();
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    writeln!(
        out,
        "catalog of {} instruments, each with the tokens of two brokers; instruments: {origin}\n",
        catalogue.len()
    )?;
    let live = megabytes(memory::live() - before);
    let rounds = if is_test { 20 } else { 4000 };
    writeln!(out, "{:<34} {live:>9.1} MB   at most {MEMORY_MB_MAX} MB", "memory, including indexes")?;
    writeln!(out, "{:<34} {:>9.1} MB", "peak while building, including rows", megabytes(memory::peak() - before))?;
    writeln!(out, "{:<34} {:>9.0} ms\n", "time to build from rows", seconds * 1e3)?;
    look_up(&mut out, &catalogue, rounds)?;
    writeln!(out)?;
    search(&mut out, &catalogue, rounds)?;
    writeln!(out)?;
    unknown(&mut out, &catalogue, if is_test { 1 } else { 41 })
}

/// Returns a builder of exactly `count` instruments with a token of each broker, and the origin of the instruments.
fn builder(count: usize) -> (Builder, &'static str) {
    let (rows, origin) = instruments::rows(count);
    let mut builder = Builder::new();
    for (number, (row, is_active)) in (1..).zip(rows) {
        let key = format!("{}:{}", row.exchange, row.symbol);
        // In the notation of the brokers: a number, and a segment with a number or an ISIN.
        let number = number * 256 + 2_000_000;
        builder.add_token(Broker::Kite, key.clone(), &number.to_string());
        let of_segment = row.isin.clone().unwrap_or_else(|| (number / 20).to_string());
        builder.add_token(Broker::Upstox, key, &format!("{}|{of_segment}", row.segment.as_str()));
        builder.add(row, is_active);
    }
    (builder, origin)
}

/// Measures look-ups of random keys, a tenth of them unknown, in batches: a single look-up is shorter than reading the
/// clock.
fn look_up(out: &mut impl Write, catalogue: &Catalogue, rounds: usize) -> io::Result<()> {
    const BATCH: usize = 1000;
    let map: HashMap<&str, u32> =
        catalogue.instruments().map(|instrument| (instrument.key(), instrument.id().as_u32())).collect();
    let all: Vec<&str> = catalogue.instruments().map(|instrument| instrument.key()).collect();
    let mut random = Random::seeded(1);
    let mut ratios = Vec::new();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds / 10 {
        let keys: Vec<String> = (0..BATCH)
            .map(|number| {
                let key = all[random.below(all.len())];
                if number % 10 == 9 { format!("{key}X") } else { key.to_owned() }
            })
            .collect();
        let ours_now = || {
            let start = Instant::now();
            let found = keys.iter().filter(|key| black_box(catalogue.find(key)).is_some()).count();
            (start.elapsed().as_secs_f64() / BATCH as f64 * 1e9, found)
        };
        let theirs_now = || {
            let start = Instant::now();
            let found = keys.iter().filter(|key| black_box(map.get(key.as_str())).is_some()).count();
            (start.elapsed().as_secs_f64() / BATCH as f64 * 1e9, found)
        };
        // The order alternates, so that neither version always finds the caches as the other left them.
        let (mine, other) = if round % 2 == 0 {
            (ours_now(), theirs_now())
        } else {
            let other = theirs_now();
            (ours_now(), other)
        };
        assert_eq!(mine.1, other.1, "both find the same number of keys");
        ours.push(mine.0);
        theirs.push(other.0);
        ratios.push(mine.0 / other.0);
    }
    let median = |values: &mut Vec<f64>| percentile(values, 0.5);
    writeln!(
        out,
        "lookup of one key: {:.0} ns; in a HashMap<&str, u32>: {:.0} ns; median ratio {:.2}, at most {LOOK_UP_RATIO_MAX}",
        median(&mut ours),
        median(&mut theirs),
        median(&mut ratios)
    )
}

/// Compares plans of 5,000 keys that the catalog does not contain with plans of keys that it contains.
fn unknown(out: &mut impl Write, catalogue: &Catalogue, rounds: usize) -> io::Result<()> {
    const KEYS: usize = 5000;
    let all: Vec<&str> = catalogue.instruments().map(|instrument| instrument.key()).collect();
    let mut random = Random::seeded(5);
    let known: Vec<String> = (0..KEYS).map(|_| all[random.below(all.len())].to_owned()).collect();
    let mistyped: Vec<String> = known
        .iter()
        .map(|key| {
            let (exchange, symbol) = key.split_once(':').expect("a key has a colon");
            format!("{exchange}:{}", mistyped(&mut random, symbol))
        })
        .collect();
    writeln!(out, "creating a plan of {KEYS} keys (median of {rounds}), and suggestions for one unknown key\n")?;
    let brokers = BrokerModels::embedded();
    for (name, keys) in [("known keys", &known), ("mistyped keys", &mistyped)] {
        let request = plan_request(keys);
        let basis = Basis { catalogue, brokers: &brokers };
        let mut millis: Vec<f64> = (0..rounds)
            .map(|_| {
                let start = Instant::now();
                let resolved = Resolved::new(&request, basis, &[7; 32]);
                black_box(create_plan(&request, &resolved, basis, stamp())).expect("nothing is pinned");
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        writeln!(out, "{name:<30} {:>8.2} ms", percentile(&mut millis, 0.5))?;
    }
    let mut micros = Vec::new();
    for key in mistyped.iter().filter(|key| catalogue.find(key).is_none()) {
        let start = Instant::now();
        black_box(Helper::new(catalogue, as_of()).unknown(key));
        micros.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let (p50, p99) = (percentile(&mut micros, 0.5), percentile(&mut micros, 0.99));
    writeln!(out, "{:<30} {p50:>8.1} µs   p99 {p99:.1} µs", "suggestions for one unknown key")
}

fn plan_request(keys: &[String]) -> PlanRequest {
    PlanRequest {
        user_id: "user-4711".to_owned(),
        plan_name: "Bench".to_owned(),
        description: None,
        subscription_type: SubscriptionType::LiveFeed,
        source: keys.iter().collect(),
        options: Options {
            optimization_level: OptimizationLevel::Moderate,
            filtering_strictness: FilteringStrictness::Moderate,
            max_instruments: 5000,
            cost_per_instrument: Amount::from_ten_thousandths(500),
            as_of: as_of(),
        },
        feed: StreamOptions::default(),
        warnings: Vec::new(),
    }
}

fn stamp() -> Stamp {
    Stamp { plan_id: String::new(), created_at: DateTime::UNIX_EPOCH, expires_at: DateTime::UNIX_EPOCH }
}

fn as_of() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 8, 17).expect("valid date")
}

struct Case {
    name: &'static str,
    reach: Reach,
    /// Creates the text of a search from the symbol and the name of an instrument.
    text: fn(&mut Random, &str, &str) -> String,
    /// Searches in a plain way, and returns the number of results.
    plainly: fn(&[plainly::Fields<'_>], &str) -> usize,
    p99_us_max: f64,
}

const CASES: [Case; 5] = [
    Case {
        name: "prefix of 1 to 8 letters",
        reach: Reach::Prefix,
        text: |random, symbol, _| part(symbol, 0, 1 + random.below(8)),
        plainly: plainly::beginning,
        p99_us_max: PREFIX_P99_US_MAX,
    },
    Case {
        name: "part of a symbol",
        reach: Reach::Part,
        text: |random, symbol, _| {
            let start = random.below(symbol.len());
            part(symbol, start, 3 + random.below(5))
        },
        plainly: plainly::containing,
        p99_us_max: PART_P99_US_MAX,
    },
    Case {
        name: "part of a name",
        reach: Reach::Part,
        text: |random, _, name| {
            let start = random.below(name.chars().count().max(1));
            part(name, start, 3 + random.below(8))
        },
        plainly: plainly::containing,
        p99_us_max: PART_P99_US_MAX,
    },
    Case {
        name: "symbol with a typo",
        reach: Reach::Near,
        text: |random, symbol, _| mistyped(random, &part(symbol, 0, 12)),
        plainly: plainly::near,
        p99_us_max: NEAR_P99_US_MAX,
    },
    Case {
        name: "word of a name with a typo",
        reach: Reach::Near,
        text: |random, symbol, name| {
            let word = name.split_whitespace().max_by_key(|word| word.len()).unwrap_or(symbol);
            mistyped(random, word)
        },
        plainly: plainly::near,
        p99_us_max: NEAR_P99_US_MAX,
    },
];

/// Measures complete searches: the first 20 results, and their number. Each text is searched for three times, so that
/// other work of the machine is not measured.
fn search(out: &mut impl Write, catalogue: &Catalogue, rounds: usize) -> io::Result<()> {
    let fields = plainly::fields(catalogue);
    let plain_rounds = (rounds / 100).max(5);
    writeln!(
        out,
        "search for {rounds} texts of random instruments, returning the first 20 and the total: microseconds, median of \
         three runs per text; plain scan: median of {plain_rounds} texts\n"
    )?;
    writeln!(
        out,
        "{:<30} {:>8} {:>8} {:>8} {:>9}   {:>9} {:>7}",
        "", "p50", "p99", "max", "p99 limit", "plain p50", "ratio"
    )?;
    for case in &CASES {
        let mut random = Random::seeded(7);
        let texts: Vec<String> = (0..rounds)
            .map(|_| {
                let instrument = &fields[random.below(fields.len())];
                (case.text)(&mut random, instrument.symbol, instrument.name)
            })
            .collect();
        let mut micros = Vec::with_capacity(rounds);
        for text in &texts {
            let query = Query { reach: case.reach, ..Query::new(text.as_str(), as_of()) };
            let mut runs = [(); 3].map(|()| {
                let start = Instant::now();
                black_box(catalogue.search(black_box(&query)));
                start.elapsed().as_secs_f64() * 1e6
            });
            micros.push(percentile(&mut runs, 0.5));
        }
        let mut plain = Vec::with_capacity(plain_rounds);
        for text in &texts[..plain_rounds.min(texts.len())] {
            let start = Instant::now();
            black_box((case.plainly)(&fields, black_box(text)));
            plain.push(start.elapsed().as_secs_f64() * 1e6);
        }
        let (p50, p99) = (percentile(&mut micros, 0.5), percentile(&mut micros, 0.99));
        let plain = percentile(&mut plain, 0.5);
        writeln!(
            out,
            "{:<30} {p50:>8.1} {p99:>8.1} {:>8.1} {:>9.0}   {plain:>9.0} {:>6.0}x",
            case.name,
            percentile(&mut micros, 1.0),
            case.p99_us_max,
            plain / p50
        )?;
    }
    Ok(())
}

fn part(text: &str, start: usize, length: usize) -> String {
    text.chars().skip(start).take(length).collect()
}

/// Exchanges one letter with its neighbor, omits it, or replaces it.
fn mistyped(random: &mut Random, word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = random.below(letters.len().max(1));
    match random.below(3) {
        0 if at + 1 < letters.len() => letters.swap(at, at + 1),
        1 if letters.len() > 1 => drop(letters.remove(at)),
        _ => letters.iter_mut().skip(at).take(1).for_each(|letter| *letter = 'Q'),
    }
    letters.into_iter().collect()
}

fn percentile(values: &mut [f64], part: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let at = ((values.len() - 1) as f64 * part).round() as usize;
    values[at]
}
