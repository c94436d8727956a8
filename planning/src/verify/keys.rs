//! Compares the instruments of a plan that stored no identities: only their keys are known.

use std::collections::HashSet;

use chrono::NaiveDate;

use super::answer::{ChangedField, InstrumentChange, Verdict, VerifiedInstrument};
use crate::catalogue::{Catalogue, Instrument};
use crate::plan::Plan;

pub(super) fn verified<'a>(plan: &'a Plan, catalogue: &'a Catalogue, today: NaiveDate) -> Vec<VerifiedInstrument<'a>> {
    let unknown = plan.validation_results.unknown_instruments.iter().flatten();
    let unknown: HashSet<&str> = unknown.map(String::as_str).collect();
    let found = catalogue.find_all(&plan.instruments);
    let verified = |(key, id): (&'a str, Option<_>)| {
        let Some(id) = id else {
            // The plan may contain keys that no catalog had.
            let verdict = if unknown.contains(key) { Verdict::Unchanged } else { Verdict::Gone };
            return VerifiedInstrument { instrument: key, verdict, changes: Vec::new() };
        };
        compared(key, catalogue.get(catalogue.target(id)), catalogue, today)
    };
    plan.instruments.iter().zip(found).map(verified).collect()
}

fn compared<'a>(
    key: &'a str,
    at_key: Instrument<'a>,
    catalogue: &'a Catalogue,
    today: NaiveDate,
) -> VerifiedInstrument<'a> {
    let mut changes = Vec::new();
    let successor = catalogue.successor(at_key.id()).map(|id| catalogue.get(id));
    if let Some(successor) = successor {
        if at_key.expiry() != successor.expiry() {
            changes.push(InstrumentChange::of_expiry(at_key.expiry(), successor.expiry()));
        }
        changes.push(InstrumentChange::of_text(ChangedField::Key, Some(key), Some(successor.key())));
    }
    let verdict = if successor.unwrap_or(at_key).is_expired_on(today) {
        Verdict::Expired
    } else if !at_key.is_active() && successor.is_none() {
        Verdict::Gone
    } else {
        Verdict::of_first(&changes)
    };
    VerifiedInstrument { instrument: key, verdict, changes }
}
