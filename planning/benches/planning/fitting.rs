//! Compares the time of plans at the limits of a broker with that of a first-fit without modes.

use std::hint::black_box;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use chrono::NaiveDate;
use registry_planning::basis::Basis;
use registry_planning::broker::BrokerModels;
use registry_planning::catalogue::{Builder, Catalogue};
use registry_planning::dump::{Limits, Row};
use registry_planning::feed::Accounts;
use registry_planning::ingest::read_file;
use registry_planning::request::PlanRequest;
use registry_planning::source::{ItemInstruments, ItemOptions, PlanItem, Source};
use registry_planning::vocabulary::{Broker, InstrumentType, Mode, OptimizationLevel};

use crate::first_fit::FirstFit;
use crate::synthetic::{Case, Mix, Random, request, rows};
use crate::{dumps, keys_of, median, plan_ours};

const CATALOGUE_INSTRUMENTS: usize = 250_000;
const FILE: &str = "upstox_complete_2025-06-12.json.gz";
/// The number of rows of NSE's and BSE's futures and options in that file. Some of them are not unique.
const CONTRACTS: usize = 43_595;
/// The day of that file.
const FILE_DATE: (i32, u32, u32) = (2025, 6, 12);

/// The maximum of the time, as a multiple of the time of the first-fit.
const RATIO_MAX: f64 = 3.0;

/// A kind of requests, and whether the ratio of its time has a maximum.
struct Work<'a> {
    name: &'a str,
    has_gate: bool,
    first_fit: &'a FirstFit,
    requests: Vec<PlanRequest>,
}

pub(crate) fn measure(out: &mut impl Write, rounds: usize) -> io::Result<()> {
    let (contracts, origin) = match contracts()? {
        Some(rows) => (rows, FILE),
        None => (synthetic_contracts(), "synthetic"),
    };
    writeln!(
        out,
        "plans at the limits of a broker, compared with a first-fit without modes (medians of {rounds} interleaved rounds; \
         contracts: {origin})\n"
    )?;
    writeln!(out, "{:<58} {:>9} {:>12} {:>8}", "", "ours, ms", "first-fit", "ratio")?;

    let catalogue = catalogue_at(Broker::Kite, rows(CATALOGUE_INSTRUMENTS));
    let first_fit = FirstFit::new(&catalogue, Broker::Kite, 3, 3000);
    let aggressive = |count| of_random_keys(&catalogue, count, OptimizationLevel::Aggressive);
    let works = [
        Work {
            name: "5,000 of 250,000 at Kite, aggressive",
            has_gate: true,
            first_fit: &first_fit,
            requests: aggressive(5000),
        },
        Work {
            name: "9,500 at Kite, aggressive, 200 of them pinned in full",
            has_gate: false,
            first_fit: &first_fit,
            requests: aggressive(9500).into_iter().map(with_pins).collect(),
        },
        Work {
            name: "9,500 at Kite, low, at least quote",
            has_gate: false,
            first_fit: &first_fit,
            requests: of_random_keys(&catalogue, 9500, OptimizationLevel::Low)
                .into_iter()
                .map(|mut request| {
                    request.feed.mode = Some(Mode::Full);
                    request.feed.min_mode = Some(Mode::Quote);
                    request
                })
                .collect(),
        },
    ];
    for work in works {
        compare(out, &work, &catalogue, rounds)?;
    }

    let catalogue = catalogue_at(Broker::Dhan, contracts);
    let first_fit = FirstFit::new(&catalogue, Broker::Dhan, 5, 5000);
    let all: Vec<&str> = catalogue.instruments().map(|instrument| instrument.key()).collect();
    assert_eq!(all.len(), CONTRACTS);
    for (name, has_gate, level) in [
        ("43,595 contracts at Dhan, moderate", true, OptimizationLevel::Moderate),
        ("43,595 contracts at Dhan, aggressive", true, OptimizationLevel::Aggressive),
    ] {
        let case = Case { instruments: all.len(), instruments_max: 50_000, level, mix: Mix::AllKnown };
        let mut of_all = request(&mut Random::seeded(1), &all, &case);
        of_all.feed.broker = Some(Broker::Dhan);
        let (year, month, day) = FILE_DATE;
        of_all.options.as_of = NaiveDate::from_ymd_opt(year, month, day).expect("a valid date");
        compare(out, &Work { name, has_gate, first_fit: &first_fit, requests: vec![of_all] }, &catalogue, rounds)?;
    }
    compare(out, &in_all_modes(&all, &FirstFit::new(&catalogue, Broker::Dhan, 80, 5000)), &catalogue, rounds)
}

/// Returns the case with the most ways to use the accounts: 16 of them share their connections between three endpoints,
/// and each instrument has another mode than the one before it.
fn in_all_modes<'a>(all: &[&str], first_fit: &'a FirstFit) -> Work<'a> {
    const MODES: [Mode; 4] = [Mode::Ltp, Mode::Depth200, Mode::Full, Mode::Depth20];
    let case =
        Case { instruments: all.len(), instruments_max: 50_000, level: OptimizationLevel::Low, mix: Mix::AllKnown };
    let mut request = request(&mut Random::seeded(1), all, &case);
    request.feed.broker = Some(Broker::Dhan);
    request.feed.accounts = Some(Accounts::Count(16));
    let (year, month, day) = FILE_DATE;
    request.options.as_of = NaiveDate::from_ymd_opt(year, month, day).expect("a valid date");
    let item = |(at, key): (usize, &str)| PlanItem {
        instruments: ItemInstruments::Key(key.to_owned()),
        options: ItemOptions { mode: Some(MODES[at % MODES.len()]), ..ItemOptions::default() },
    };
    let items = keys_of(&request).iter().enumerate().map(item).collect();
    request.source = Source::Items(Arc::new(items));
    let name = "43,595 contracts at Dhan in 4 modes, 16 accounts";
    Work { name, has_gate: false, first_fit, requests: vec![request] }
}

fn of_random_keys(catalogue: &Catalogue, instruments: usize, level: OptimizationLevel) -> Vec<PlanRequest> {
    let all: Vec<&str> = catalogue.instruments().map(|instrument| instrument.key()).collect();
    let mut random = Random::seeded(instruments as u64);
    let case = Case { instruments, instruments_max: 50_000, level, mix: Mix::AllKnown };
    let at_kite = |mut request: PlanRequest| {
        request.feed.broker = Some(Broker::Kite);
        request
    };
    (0..8).map(|_| at_kite(request(&mut random, &all, &case))).collect()
}

/// Returns the same request with options: every 47th instrument is pinned in `full`.
fn with_pins(request: PlanRequest) -> PlanRequest {
    let item = |(at, key): (usize, &str)| {
        let is_pinned = at % 47 == 0 && at / 47 < 200;
        let options = ItemOptions { mode: is_pinned.then_some(Mode::Full), is_pinned, ..ItemOptions::default() };
        PlanItem { instruments: ItemInstruments::Key(key.to_owned()), options }
    };
    let items = keys_of(&request).iter().enumerate().map(item).collect();
    PlanRequest { source: Source::Items(Arc::new(items)), ..request }
}

fn compare(out: &mut impl Write, work: &Work<'_>, catalogue: &Catalogue, rounds: usize) -> io::Result<()> {
    let brokers = BrokerModels::embedded();
    let basis = Basis { catalogue, brokers: &brokers };
    let keys: Vec<Vec<String>> = work.requests.iter().map(texts_of).collect();
    check(work, &keys[0], basis);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let at = round % keys.len();
        let (request, texts) = (&work.requests[at], &keys[at]);
        let mut time_ours = || {
            let start = Instant::now();
            drop(black_box(plan_ours(black_box(request), basis)));
            ours.push(start.elapsed().as_secs_f64());
        };
        let mut time_theirs = || {
            let start = Instant::now();
            drop(black_box(work.first_fit.plan(&request.user_id, black_box(texts), request.options.as_of)));
            theirs.push(start.elapsed().as_secs_f64());
        };
        // The order alternates, so that neither version always finds the caches as the other left them.
        if round % 2 == 0 {
            time_ours();
            time_theirs();
        } else {
            time_theirs();
            time_ours();
        }
    }
    let ratio = median(ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect());
    let gate = match (work.has_gate, ratio <= RATIO_MAX) {
        (false, _) => String::new(),
        (true, true) => format!("  at most {RATIO_MAX}x: holds"),
        (true, false) => format!("  at most {RATIO_MAX}x: MISSED"),
    };
    let (ours, theirs) = (median(ours) * 1e3, median(theirs) * 1e3);
    writeln!(out, "{:<58} {ours:>9.2} {theirs:>12.2} {ratio:>7.2}x{gate}", work.name)
}

fn texts_of(request: &PlanRequest) -> Vec<String> {
    match &request.source {
        Source::Items(items) => items
            .iter()
            .map(|item| match &item.instruments {
                ItemInstruments::Key(key) => key.clone(),
                ItemInstruments::Selector(_) => unreachable!("every request of the benchmark names its keys"),
            })
            .collect(),
        _ => keys_of(request).iter().map(str::to_owned).collect(),
    }
}

/// Asserts that both versions subscribe to as many instruments and reject as many.
fn check(work: &Work<'_>, texts: &[String], basis: Basis<'_>) {
    let request = &work.requests[0];
    let ours = plan_ours(request, basis);
    let theirs = work.first_fit.plan(&request.user_id, texts, request.options.as_of);
    assert_eq!(ours.instruments.len() + ours.rejected.len(), texts.len());
    // An aggressive plan rejects the listings of one share on two exchanges, which have two tokens.
    if request.options.optimization_level != OptimizationLevel::Aggressive {
        assert_eq!(ours.instruments.len(), theirs.subscribed.len());
        assert_eq!(ours.rejected.len(), theirs.rejected.len());
    }
}

/// Creates a catalog in which a broker lists all instruments.
fn catalogue_at(broker: Broker, rows: Vec<Row>) -> Catalogue {
    let mut builder = Builder::new();
    for (number, row) in (1..).zip(rows) {
        builder.add_token(broker, format!("{}:{}", row.exchange, row.symbol), &(35_000 + number).to_string());
        builder.add(row, true);
    }
    builder.build("bench".to_owned(), vec![])
}

/// Returns futures and options of the file, those of NSE and BSE first; `None` if there is no file.
fn contracts() -> io::Result<Option<Vec<Row>>> {
    let Some(file) = dumps::folder().and_then(|folder| std::fs::read(folder.join(FILE)).ok()) else { return Ok(None) };
    let load = read_file(Broker::Upstox, &file[..], &Limits::default(), &mut |_| ControlFlow::Continue(()))
        .map_err(io::Error::other)?;
    let is_contract =
        |row: &Row| matches!(row.class, InstrumentType::Future | InstrumentType::Call | InstrumentType::Put);
    let mut rows: Vec<Row> = load.rows.into_iter().filter(is_contract).collect();
    rows.sort_by_key(|row| !matches!(row.exchange.as_str(), "NFO" | "BFO"));
    rows.truncate(CONTRACTS);
    Ok(Some(rows))
}

fn synthetic_contracts() -> Vec<Row> {
    let is_contract = |row: &Row| row.expiry.is_some();
    rows(CONTRACTS * 2).into_iter().filter(is_contract).take(CONTRACTS).collect()
}
