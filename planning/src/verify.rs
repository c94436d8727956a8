//! Compares the instruments of a plan with the current catalog.
//!
//! A plan stores the token, the identity and the terms of each instrument at its broker. The comparison finds out
//! whether each token still means the same instrument, and which of its terms have changed. A plan without identities
//! is compared by its keys.

mod answer;
mod identities;
mod keys;
mod replan;
mod search;

use std::collections::BTreeMap;

use chrono::NaiveDate;

pub use self::answer::{
    ChangedField, ChangedValue, InstrumentChange, Verdict, Verification, VerificationBasis, VerifiedCatalogue,
    VerifiedInstrument,
};
pub use self::replan::replan;
use crate::basis::Basis;
use crate::plan::Plan;
use crate::vocabulary::hex;

/// Compares the instruments of a plan with the catalog of `basis`. A contract whose last trading date is before `today`
/// has expired.
pub fn verify<'a>(plan: &'a Plan, basis: Basis<'a>, today: NaiveDate) -> Verification<'a> {
    let catalogue = basis.catalogue;
    let part = plan.metadata.broker_part.as_deref();
    let stored = part.and_then(|part| Some((part.allocation.broker, part.subscriptions.as_ref()?)));
    let (basis, instruments) = match stored {
        Some((broker, subscriptions)) => {
            let instruments = identities::verified(&plan.instruments, subscriptions, broker, catalogue, today);
            (VerificationBasis::Identities, instruments)
        }
        None => (VerificationBasis::Keys, keys::verified(plan, catalogue, today)),
    };
    let mut counts: BTreeMap<Verdict, u64> = Verdict::ALL.into_iter().map(|verdict| (verdict, 0)).collect();
    for instrument in &instruments {
        *counts.entry(instrument.verdict).or_default() += 1;
    }
    Verification {
        plan_id: &plan.plan_id,
        basis,
        as_of: today,
        catalogue: VerifiedCatalogue {
            planned: &plan.metadata.catalogue.version,
            current: catalogue.version(),
            has_changed: plan.metadata.catalogue.content_hash != hex(catalogue.content_hash()),
        },
        stale_instruments: instruments.len() as u64 - counts[&Verdict::Unchanged],
        counts,
        instruments,
    }
}

#[cfg(test)]
mod tests;
