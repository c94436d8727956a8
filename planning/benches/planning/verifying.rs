//! Measures the time of comparing plans with a catalog, and how it grows with the number of instruments.

use std::hint::black_box;
use std::io::{self, Write};

use chrono::NaiveDate;
use registry_planning::basis::Basis;
use registry_planning::broker::BrokerModels;
use registry_planning::feed::Accounts;
use registry_planning::plan::Plan;
use registry_planning::verify::{Verdict, verify};
use registry_planning::vocabulary::{Broker, OptimizationLevel};

use crate::growth::{catalogue_at_kite, inputs, write_growth};
use crate::plan_ours;
use crate::synthetic::{Case, Mix, Random, request, rows};

const CATALOGUE_INSTRUMENTS: usize = 250_000;
const FEW: usize = 5000;
const MANY: usize = 50_000;
/// Accounts of Kite that carry all instruments: three connections each, with 3,000 instruments.
const ACCOUNTS: u32 = 6;
/// The day of the verification, before all contracts expire.
const TODAY: (i32, u32, u32) = (2026, 8, 18);

pub(crate) fn measure(out: &mut impl Write, rounds: usize) -> io::Result<()> {
    writeln!(out, "verifications of plans at Kite, catalog of {CATALOGUE_INSTRUMENTS} (medians of {rounds} rounds)\n")?;
    writeln!(out, "{:<58} {:>9} {:>12} {:>8}", "", "5,000, ms", "50,000, ms", "ratio")?;
    let rows = rows(CATALOGUE_INSTRUMENTS);
    let brokers = BrokerModels::embedded();
    let before = catalogue_at_kite(&rows, |number| token_of(number, false));
    let plans = inputs(FEW, MANY, |count, seed| plan_of(count, seed, Basis { catalogue: &before, brokers: &brokers }));
    let after = catalogue_at_kite(&rows, |number| token_of(number, true));
    for (name, catalogue) in [("an equal catalog", &before), ("one token in 20 is that of another instrument", &after)]
    {
        let basis = Basis { catalogue, brokers: &brokers };
        let today = trading_date();
        plans.iter().flatten().for_each(|plan| check(plan, basis, today));
        write_growth(out, name, rounds, &plans, |plan| drop(black_box(verify(plan, basis, today))))?;
    }
    Ok(())
}

/// Returns the token of an instrument. If tokens are reused, one instrument in 20 has the token that was that of the
/// next.
fn token_of(number: u64, is_reused: bool) -> u64 {
    let is_changed = |number: u64| is_reused && number.is_multiple_of(20);
    let token = 35_000 + 2 * number + u64::from(is_changed(number)) * 2;
    // The next instrument gives its token up.
    token + u64::from(is_changed(number - 1))
}

fn plan_of(count: usize, seed: u64, basis: Basis<'_>) -> Plan {
    let all: Vec<&str> = basis.catalogue.instruments().map(|instrument| instrument.key()).collect();
    let case =
        Case { instruments: count, instruments_max: 50_000, level: OptimizationLevel::Moderate, mix: Mix::AllKnown };
    let mut request = request(&mut Random::seeded(seed), &all, &case);
    request.feed.broker = Some(Broker::Kite);
    request.feed.accounts = Some(Accounts::Count(ACCOUNTS));
    let plan = plan_ours(&request, basis);
    assert_eq!(plan.instruments.len(), count);
    plan
}

/// Checks that a verification finds what the catalog changes.
fn check(plan: &Plan, basis: Basis<'_>, today: NaiveDate) {
    let verification = verify(plan, basis, today);
    let reused = verification.counts[&Verdict::TokenReused];
    let is_equal = plan.metadata.catalogue.content_hash == hash_of(basis);
    assert!(if is_equal { verification.stale_instruments == 0 } else { reused > plan.instruments.len() as u64 / 40 });
}

fn trading_date() -> NaiveDate {
    let (year, month, day) = TODAY;
    NaiveDate::from_ymd_opt(year, month, day).expect("a valid date")
}

fn hash_of(basis: Basis<'_>) -> String {
    registry_planning::vocabulary::hex(basis.catalogue.content_hash())
}
