//! Compares the time of planning with that of a straightforward version, measures the time of reading real files, and
//! compares the time of creating a catalog from one with that of deserializing it. It also compares the time of plans
//! at the limits of a broker with that of a first-fit, and the times of verifications, differences and schedules of few
//! and of many instruments.
//!
//! `cargo bench -p registry-planning` measures; `cargo test -p registry-planning --benches`, or the argument `--test`,
//! runs every case once. Requests are random instruments of a synthetic catalog of 100,000. They are parsed already,
//! in the form that each version would receive. The measured time is everything between that and the finished plan:
//! look-ups, omitting repeats, the canonical order, the cache key, and the plan itself. Ours lists every rejected key
//! in the plan; the other version only counts them.

#[path = "planning/dumps.rs"]
mod dumps;
#[path = "planning/first_fit.rs"]
mod first_fit;
#[path = "planning/fitting.rs"]
mod fitting;
#[path = "planning/growth.rs"]
mod growth;
#[path = "planning/ready.rs"]
mod ready;
#[path = "planning/straightforward.rs"]
mod straightforward;
#[path = "planning/synthetic.rs"]
mod synthetic;
#[path = "planning/transitions.rs"]
mod transitions;
#[path = "planning/verifying.rs"]
mod verifying;

use std::env;
use std::hint::black_box;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use chrono::DateTime;
use registry_planning::catalogue::Catalogue;
use registry_planning::plan::Plan;
use registry_planning::request::{PlanRequest, Resolved};
use registry_planning::vocabulary::OptimizationLevel;
use registry_planning::{Stamp, create_plan};

use crate::straightforward::Straightforward;
use crate::synthetic::{Case, Mix, Random};
use registry_planning::basis::Basis;
use registry_planning::broker::BrokerModels;
use registry_planning::keys::KeyList;
use registry_planning::source::Source;

/// The allocator of the service. That of the system returns large blocks at once, so that each round would fault their
/// pages in.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const CATALOGUE_INSTRUMENTS: usize = 100_000;

/// The number of distinct requests of a case: together they reach most of the catalog, as requests in production do.
const REQUESTS: usize = 64;

/// The number of rounds. Every request occurs equally often.
const ROUNDS: usize = 8 * REQUESTS;

const SNAPSHOT_HASH: [u8; 32] = [7; 32];

const CASES: [Case; 9] = {
    use OptimizationLevel::{Aggressive, Low, Moderate};
    const fn case(instruments: usize, instruments_max: u32, level: OptimizationLevel, mix: Mix) -> Case {
        Case { instruments, instruments_max, level, mix }
    }
    [
        case(100, 5000, Moderate, Mix::AllKnown),
        case(1000, 5000, Moderate, Mix::AllKnown),
        case(5000, 5000, Moderate, Mix::AllKnown),
        case(1000, 5000, Low, Mix::AllKnown),
        case(1000, 5000, Aggressive, Mix::AllKnown),
        case(5000, 5000, Aggressive, Mix::AllKnown),
        case(1000, 500, Moderate, Mix::AllKnown),
        case(1000, 500, Aggressive, Mix::AllKnown),
        case(1000, 5000, Moderate, Mix::TenthLeftOut),
    ]
};

fn main() -> io::Result<()> {
    // Cargo passes `--bench` if it measures, and omits it if it tests.
    let has = |flag: &str| env::args().any(|argument| argument == flag);
    let is_test = has("--test") || !has("--bench");
    let mut out = io::stdout().lock();
    compare(&mut out, if is_test { 1 } else { ROUNDS })?;
    writeln!(out)?;
    fitting::measure(&mut out, if is_test { 1 } else { 31 })?;
    writeln!(out)?;
    verifying::measure(&mut out, if is_test { 1 } else { 31 })?;
    writeln!(out)?;
    transitions::measure(&mut out, if is_test { 1 } else { 31 })?;
    writeln!(out)?;
    dumps::measure(&mut out, if is_test { 1 } else { 7 })?;
    writeln!(out)?;
    ready::measure(&mut out, if is_test { 1 } else { 15 })
}

fn compare(out: &mut impl Write, rounds: usize) -> io::Result<()> {
    let catalogue = synthetic::catalogue(CATALOGUE_INSTRUMENTS);
    let straightforward = Straightforward::new(&catalogue);
    let requests = REQUESTS.min(rounds);
    writeln!(
        out,
        "planning with a catalog of {CATALOGUE_INSTRUMENTS} instruments (medians of {rounds} interleaved rounds, \
         {requests} requests)\n"
    )?;
    writeln!(
        out,
        "{:>11} {:>5}  {:<10}  {:<12} {:>18} {:>22} {:>9} {:>9}",
        "", "", "", "", "ours", "straightforward", "ratio of", "median"
    )?;
    writeln!(
        out,
        "{:>11} {:>5}  {:<10}  {:<12} {:>9} {:>8} {:>13} {:>8} {:>9} {:>9}",
        "instruments", "max", "level", "keys", "µs", "ns each", "µs", "ns each", "medians", "ratio"
    )?;
    for case in &CASES {
        let Timings { ours, theirs } = measure(case, &catalogue, &straightforward, rounds);
        let ratios = ours.iter().zip(&theirs).map(|(ours, theirs)| theirs.as_secs_f64() / ours.as_secs_f64());
        let median_ratio = median(ratios.collect());
        let ours = median(ours.iter().map(Duration::as_secs_f64).collect());
        let theirs = median(theirs.iter().map(Duration::as_secs_f64).collect());
        let each = |seconds: f64| seconds * 1e9 / case.instruments as f64;
        writeln!(
            out,
            "{:>11} {:>5}  {:<10}  {:<12} {:>9.1} {:>8.1} {:>13.1} {:>8.1} {:>8.2}x {:>8.2}x",
            case.instruments,
            case.instruments_max,
            case.level.as_str(),
            case.mix.as_str(),
            ours * 1e6,
            each(ours),
            theirs * 1e6,
            each(theirs),
            theirs / ours,
            median_ratio
        )?;
    }
    Ok(())
}

struct Timings {
    ours: Vec<Duration>,
    theirs: Vec<Duration>,
}

fn measure(case: &Case, catalogue: &Catalogue, straightforward: &Straightforward, rounds: usize) -> Timings {
    let mut random = Random::seeded(case.instruments as u64);
    let keys: Vec<&str> = catalogue.instruments().map(|instrument| instrument.key()).collect();
    let requests: Vec<PlanRequest> =
        (0..REQUESTS.min(rounds)).map(|_| synthetic::request(&mut random, &keys, case)).collect();
    let texts: Vec<Vec<String>> =
        requests.iter().map(|request| keys_of(request).iter().map(str::to_owned).collect()).collect();
    let brokers = BrokerModels::embedded();
    let basis = Basis { catalogue, brokers: &brokers };
    check(case, &requests[0], &texts[0], basis, straightforward);

    let mut measured = Timings { ours: Vec::with_capacity(rounds), theirs: Vec::with_capacity(rounds) };
    for round in 0..rounds {
        let (request, texts) = (&requests[round % requests.len()], &texts[round % requests.len()]);
        let mut time_ours = || {
            // A request that was just parsed is in the nearest cache, and so is a copy of it.
            let request = black_box(request.clone());
            let start = Instant::now();
            drop(black_box(plan_ours(&request, basis)));
            measured.ours.push(start.elapsed());
        };
        let mut time_theirs = || {
            let texts = black_box(texts.clone());
            let start = Instant::now();
            drop(black_box(straightforward.plan(&request.user_id, &texts, case.instruments_max)));
            measured.theirs.push(start.elapsed());
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
    measured
}

fn keys_of(request: &PlanRequest) -> &KeyList {
    match &request.source {
        Source::Keys(keys) => keys,
        _ => unreachable!("every request of the benchmark names its keys"),
    }
}

fn plan_ours(request: &PlanRequest, basis: Basis<'_>) -> Plan {
    let resolved = Resolved::new(request, basis, &SNAPSHOT_HASH);
    let stamp = Stamp { plan_id: String::new(), created_at: DateTime::UNIX_EPOCH, expires_at: DateTime::UNIX_EPOCH };
    create_plan(request, &resolved, basis, stamp).expect("nothing is pinned")
}

/// Asserts that both versions create equal plans, as far as they are supposed to.
fn check(case: &Case, request: &PlanRequest, texts: &[String], basis: Basis<'_>, straightforward: &Straightforward) {
    let ours = plan_ours(request, basis);
    let theirs = straightforward.plan(&request.user_id, texts, case.instruments_max);
    assert_eq!(ours.instruments.len() + ours.rejected.len(), case.instruments);
    let has_capacity = case.instruments <= case.instruments_max as usize;
    if has_capacity && case.level == OptimizationLevel::Moderate {
        assert!(ours.instruments.iter().eq(theirs.kept.iter().map(String::as_str)), "the plans differ");
        assert_eq!(ours.rejected.len(), theirs.removed);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}
