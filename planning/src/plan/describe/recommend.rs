//! Recommends actions for the findings of a description.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{EXPIRY_NOTICE_DAYS, Facts, Grade, Recommendation, broker_of, is_superseded};
use crate::allocation::Allocation;
use crate::catalogue::Catalogue;
use crate::plan::{Plan, Reason};
use crate::vocabulary::{counted, verb};

/// The maximum number of instruments that a recommendation names.
const INSTRUMENTS_MAX: usize = 10;

struct Recommendations<'a> {
    plan: &'a Plan,
    list: Vec<Recommendation>,
}

impl<'a> Recommendations<'a> {
    fn add(&mut self, kind: &str, priority: Grade, message: String, action: &str) {
        self.about(kind, priority, message, action, std::iter::empty());
    }

    /// Adds a recommendation about instruments, which a plan without a broker does not name.
    fn about<'k>(
        &mut self,
        kind: &str,
        priority: Grade,
        message: String,
        action: &str,
        instruments: impl Iterator<Item = &'k str>,
    ) {
        let max = if self.plan.metadata.broker_part.is_some() { INSTRUMENTS_MAX } else { 0 };
        self.list.push(Recommendation {
            kind: kind.to_owned(),
            priority,
            message,
            suggested_action: action.to_owned(),
            instruments: instruments.take(max).map(str::to_owned).collect(),
        });
    }

    fn rejected(&self, reasons: &'static [Reason]) -> impl Iterator<Item = &'a str> + use<'a> {
        let rejected = self.plan.rejected.iter().filter(|rejection| reasons.contains(&rejection.reason));
        rejected.map(|rejection| rejection.instrument.as_str())
    }

    fn count(&self, reasons: &'static [Reason]) -> u64 {
        self.rejected(reasons).count() as u64
    }

    fn add_invalid(&mut self) {
        const INVALID: &[Reason] = &[Reason::Malformed, Reason::Unknown, Reason::Inactive, Reason::Expired];
        let (requested, invalid) = (self.plan.metadata.original_instrument_count, self.count(INVALID));
        if invalid > 0 {
            let priority = if invalid * 10 > requested { Grade::High } else { Grade::Medium };
            let (keys, are) = (counted(requested, "key"), verb(invalid, "is", "are"));
            let message = format!("{invalid} of {keys} {are} malformed, unknown, inactive or expired");
            let action = "correct the keys: see reason and suggestions in `rejected`";
            self.about("validation", priority, message, action, self.rejected(INVALID));
        }
        let not_listed = self.count(&[Reason::NotAtBroker]);
        if let Some(broker) = broker_of(self.plan)
            && not_listed > 0
        {
            let (instruments, are) = (counted(not_listed, "instrument"), verb(not_listed, "is", "are"));
            let message = format!("{instruments} {are} not listed in the last accepted file of {}", broker.as_str());
            let action = "use another broker for them, or ingest a newer file";
            self.about("broker", Grade::Medium, message, action, self.rejected(&[Reason::NotAtBroker]));
        }
    }

    fn add_over_limit(&mut self) {
        let over_limit = self.count(&[Reason::OverLimit]);
        if over_limit > 0 {
            let left_out = counted(over_limit, "instrument");
            let max = self.plan.metadata.max_instruments;
            let message = format!("{left_out} left out: the plan is at its maximum of {max}");
            let action = "raise the maximum, or split the request into several plans";
            self.about("capacity", Grade::High, message, action, self.rejected(&[Reason::OverLimit]));
        }
    }

    /// Adds the findings about the limits of the broker.
    fn add_allocation(&mut self, allocation: &Allocation) {
        let broker = allocation.broker;
        let needed = allocation.needed.as_ref().map(|needed| needed.text.clone());
        let over_capacity = self.count(&[Reason::OverCapacity]);
        if over_capacity > 0 {
            let message =
                format!("{} left out: the limits of {broker} are reached", counted(over_capacity, "instrument"));
            let action = needed.clone().unwrap_or_else(|| "use another broker for them".to_owned());
            self.about("capacity", Grade::High, message, &action, self.rejected(&[Reason::OverCapacity]));
        }
        let not_offered = self.count(&[Reason::NotOffered]);
        if not_offered > 0 {
            let message = format!("{broker} does not offer the mode of {}", counted(not_offered, "instrument"));
            let action = "request another mode, or allow a lower one with `min_mode`";
            self.about("mode", Grade::Medium, message, action, self.rejected(&[Reason::NotOffered]));
        }
        let mut lowered: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for of in &allocation.lowered {
            lowered.entry(&of.limit).or_default().push(&of.instrument);
        }
        for (limit, keys) in lowered {
            let (instruments, have) = (counted(keys.len(), "instrument"), verb(keys.len(), "has", "have"));
            let message = format!("{instruments} {have} a lower mode than requested, because of the limit `{limit}`");
            let action = needed.clone().unwrap_or_else(|| "request the lower mode".to_owned());
            self.about("mode", Grade::Medium, message, &action, keys.into_iter());
        }
        if over_capacity == 0 {
            self.add_nearly_full(allocation);
        }
    }

    /// Adds the broker's limit that is used most, if at least nine tenths of it are used.
    fn add_nearly_full(&mut self, allocation: &Allocation) {
        // A connection that is used is no sign of a load.
        let is_of_load = |limit: &str| limit != "connections" && limit != "max_instruments";
        let nearly_full = |used: u32, allowed: u32| u64::from(used) * 10 >= u64::from(allowed) * 9;
        let full = allocation.limits.iter().filter(|of| is_of_load(&of.limit) && nearly_full(of.used, of.allowed));
        let fullest = full.rev().max_by_key(|of| u64::from(of.used) * 10_000 / u64::from(of.allowed.max(1)));
        if let Some(of) = fullest {
            let message = format!("{} of {} of the limit `{}` are used by {}", of.used, of.allowed, of.limit, of.scope);
            self.add("capacity", Grade::Low, message, "plan the next instruments with another account or connection");
        }
    }

    fn add_expiry(&mut self, facts: &Facts<'_>, today: NaiveDate) {
        let (expired, ending_soon) = (facts.expired.len(), facts.ending_soon.len());
        if expired > 0 {
            let message = format!("{} expired before {today}", counted(expired, "contract"));
            let action = "create a new plan without them or with the next expiry";
            self.about("expiry", Grade::High, message, action, facts.expired.iter().copied());
        }
        if ending_soon > 0 {
            let (contracts, expire) = (counted(ending_soon, "contract"), verb(ending_soon, "expires", "expire"));
            let message = format!("{contracts} {expire} within {EXPIRY_NOTICE_DAYS} days");
            let action = "create a plan with the next expiry";
            self.about("expiry", Grade::Medium, message, action, facts.ending_soon.iter().copied());
        }
    }
}

/// Returns the recommendations for a plan, most urgent first.
pub(super) fn recommendations(
    facts: &Facts<'_>,
    plan: &Plan,
    catalogue: &Catalogue,
    today: NaiveDate,
) -> Vec<Recommendation> {
    let mut found = Recommendations { plan, list: Vec::new() };
    found.add_invalid();
    found.add_over_limit();
    if let Some(part) = &plan.metadata.broker_part {
        found.add_allocation(&part.allocation);
    }
    found.add_expiry(facts, today);
    if is_superseded(plan, catalogue) {
        let message = "the catalog has changed since the plan was created".to_owned();
        found.add("staleness", Grade::Medium, message, "send the request again");
    }
    if facts.redundant > 0 {
        let saved = plan.metadata.cost_per_instrument.times(facts.redundant);
        let (slots, hold) = (counted(facts.redundant, "slot"), verb(facts.redundant, "holds", "hold"));
        let message = format!("{slots} {hold} another listing or name of a planned instrument");
        let action = format!("use optimization_level `aggressive` to save {saved} USD per day");
        found.add("cost", Grade::Medium, message, &action);
    }
    let repeats = found.count(&[Reason::Duplicate]);
    if repeats > 0 {
        let (keys, are) = (counted(repeats, "key"), verb(repeats, "is a duplicate", "are duplicates"));
        let message = format!("{keys} of the request {are}");
        found.about("deduplication", Grade::Low, message, "send each key once", found.rejected(&[Reason::Duplicate]));
    }
    found.list.sort_by_key(|recommendation| std::cmp::Reverse(recommendation.priority));
    found.list
}
