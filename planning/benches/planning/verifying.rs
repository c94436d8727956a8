//! Measures the time of comparing plans with a catalog, and how it grows with the number of instruments.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use chrono::NaiveDate;
use registry_planning::basis::Basis;
use registry_planning::broker::BrokerModels;
use registry_planning::catalogue::{Builder, Catalogue};
use registry_planning::dump::Row;
use registry_planning::feed::Accounts;
use registry_planning::plan::Plan;
use registry_planning::verify::{Verdict, verify};
use registry_planning::vocabulary::{Broker, OptimizationLevel};

use crate::synthetic::{Case, Mix, Random, request, rows};
use crate::{median, plan_ours};

const CATALOGUE_INSTRUMENTS: usize = 250_000;
const FEW: usize = 5000;
const MANY: usize = 50_000;
/// Accounts of Kite that carry all instruments: three connections each, with 3,000 instruments.
const ACCOUNTS: u32 = 6;
/// The maximum of the time for ten times as many instruments, as a multiple.
const RATIO_MAX: f64 = 12.0;
/// The day of the verification, before all contracts expire.
const TODAY: (i32, u32, u32) = (2026, 8, 18);

pub(crate) fn measure(out: &mut impl Write, rounds: usize) -> io::Result<()> {
    writeln!(out, "verifications of plans at Kite, catalog of {CATALOGUE_INSTRUMENTS} (medians of {rounds} rounds)\n")?;
    writeln!(out, "{:<58} {:>9} {:>12} {:>8}", "", "5,000, ms", "50,000, ms", "ratio")?;
    let rows = rows(CATALOGUE_INSTRUMENTS);
    let brokers = BrokerModels::embedded();
    let before = catalogue_of(&rows, |_| false);
    let plans = [FEW, MANY].map(|count| plan_of(count, Basis { catalogue: &before, brokers: &brokers }));
    // The new token of one instrument is the old one of the next.
    let after = catalogue_of(&rows, |number| number % 20 == 0);
    for (name, catalogue) in [("an equal catalog", &before), ("one token in 20 is that of another instrument", &after)]
    {
        let basis = Basis { catalogue, brokers: &brokers };
        let [few, many] = plans.each_ref().map(|plan| median_ms(plan, basis, rounds));
        let ratio = many / few;
        let gate = if ratio <= RATIO_MAX { "holds" } else { "MISSED" };
        writeln!(out, "{name:<58} {few:>9.2} {many:>12.2} {ratio:>7.2}x  at most {RATIO_MAX}x: {gate}")?;
    }
    Ok(())
}

/// Creates a catalog in which Kite lists all instruments. Some of them have the token that is two numbers above their own.
fn catalogue_of(rows: &[Row], is_changed: impl Fn(u64) -> bool) -> Catalogue {
    let mut builder = Builder::new();
    for (number, row) in (1..).zip(rows) {
        let token = 35_000 + 2 * number + u64::from(is_changed(number)) * 2;
        // The next instrument gives its token up.
        let token = if is_changed(number - 1) { token + 1 } else { token };
        builder.add_token(Broker::Kite, format!("{}:{}", row.exchange, row.symbol), &token.to_string());
        builder.add(row.clone(), true);
    }
    builder.build("bench".to_owned(), vec![])
}

fn plan_of(count: usize, basis: Basis<'_>) -> Plan {
    let all: Vec<&str> = basis.catalogue.instruments().map(|instrument| instrument.key()).collect();
    let case =
        Case { instruments: count, instruments_max: 50_000, level: OptimizationLevel::Moderate, mix: Mix::AllKnown };
    let mut request = request(&mut Random::seeded(count as u64), &all, &case);
    request.feed.broker = Some(Broker::Kite);
    request.feed.accounts = Some(Accounts::Count(ACCOUNTS));
    let plan = plan_ours(&request, basis);
    assert_eq!(plan.instruments.len(), count);
    plan
}

fn median_ms(plan: &Plan, basis: Basis<'_>, rounds: usize) -> f64 {
    let (year, month, day) = TODAY;
    let today = NaiveDate::from_ymd_opt(year, month, day).expect("a valid date");
    let verification = verify(plan, basis, today);
    let reused = verification.counts[&Verdict::TokenReused];
    let is_equal = plan.metadata.catalogue.content_hash == hash_of(basis);
    assert!(if is_equal { verification.stale_instruments == 0 } else { reused > plan.instruments.len() as u64 / 40 });
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let start = Instant::now();
        drop(black_box(verify(black_box(plan), basis, today)));
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    median(times)
}

fn hash_of(basis: Basis<'_>) -> String {
    registry_planning::vocabulary::hex(basis.catalogue.content_hash())
}
