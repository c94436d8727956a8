//! Measures the time of comparing two plans and of scheduling the messages between them, and how it grows with the
//! number of instruments.

use std::hint::black_box;
use std::io::{self, Write};

use registry_planning::basis::Basis;
use registry_planning::broker::BrokerModels;
use registry_planning::plan::Plan;
use registry_planning::request::PlanRequest;
use registry_planning::transition::{ScheduleOptions, diff, schedule};
use registry_planning::vocabulary::{Broker, OptimizationLevel};

use crate::growth::{catalogue_at_kite, inputs, write_growth};
use crate::synthetic::{Case, Mix, Random, request, rows};
use crate::{keys_of, plan_ours};

const CATALOGUE_INSTRUMENTS: usize = 20_000;
const FEW: usize = 900;
/// The capacity of one account of Kite.
const MANY: usize = 9000;
/// One instrument of this many changes.
const CHANGED: usize = 20;

pub(crate) fn measure(out: &mut impl Write, rounds: usize) -> io::Result<()> {
    writeln!(
        out,
        "differences and schedules of two plans at Kite; 5 % of the instruments are new (medians of {rounds} rounds)\n"
    )?;
    writeln!(out, "{:<58} {:>9} {:>12} {:>8}", "", "900, ms", "9,000, ms", "ratio")?;
    let (catalogue, brokers) =
        (catalogue_at_kite(&rows(CATALOGUE_INSTRUMENTS), |number| 35_000 + number), BrokerModels::embedded());
    let basis = Basis { catalogue: &catalogue, brokers: &brokers };
    let pairs = inputs(FEW, MANY, |count, seed| plans_of(count, seed, basis));
    let compare = |pair: &[Plan; 2]| {
        let found = diff(Some(&pair[0]), &pair[1]).expect("the plans are at one broker");
        assert!(found.actions.len() >= pair[1].instruments.len() / CHANGED);
        drop(black_box(found));
    };
    let plan_messages = |pair: &[Plan; 2]| {
        let options = ScheduleOptions::default();
        let found = schedule(Some(&pair[0]), &pair[1], options, basis).expect("the plans are at one broker");
        assert!(!found.batches.is_empty());
        drop(black_box(found));
    };
    write_growth(out, "difference", rounds, &pairs, compare)?;
    write_growth(out, "schedule", rounds, &pairs, plan_messages)
}

/// Returns two plans of as many instruments.
fn plans_of(count: usize, seed: u64, basis: Basis<'_>) -> [Plan; 2] {
    let all: Vec<&str> = basis.catalogue.instruments().map(|instrument| instrument.key()).collect();
    let instruments = count + count / CHANGED;
    let case = Case { instruments, instruments_max: 50_000, level: OptimizationLevel::Low, mix: Mix::AllKnown };
    let of_both = request(&mut Random::seeded(seed), &all, &case);
    let keys: Vec<String> = keys_of(&of_both).iter().map(str::to_owned).collect();
    let plan = |keys: &[String]| {
        let mut request = PlanRequest { source: keys.iter().collect(), ..of_both.clone() };
        request.feed.broker = Some(Broker::Kite);
        let plan = plan_ours(&request, basis);
        assert_eq!(plan.instruments.len(), count);
        plan
    };
    // The new instruments take the positions of others, so that no other instrument moves to another connection.
    let mut changed = keys[..count].to_vec();
    for (position, new) in changed.iter_mut().step_by(CHANGED).zip(&keys[count..]) {
        position.clone_from(new);
    }
    [plan(&keys[..count]), plan(&changed)]
}
