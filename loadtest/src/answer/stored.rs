//! Checks responses to reading a plan by its id.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::plan::PlanData;
use super::{Text, cut, hash_of, parse, status_fault};
use crate::args::Dialect;
use crate::fault::Fault;
use crate::ledger::{Acknowledgement, Digest};
use crate::plan_id::PlanId;
use crate::wire::Answer;

const PLAN: &[u8] = b"\"plan\":";

/// The state of a valid response, for the comparison with later ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeenStored {
    length: usize,
    bytes: u64,
}

#[derive(Deserialize)]
struct StoredAnswer<'a> {
    #[serde(borrow)]
    plan: &'a RawValue,
}

/// The fields of a plan that the yardstick stores.
#[derive(Deserialize)]
struct YardstickStored<'a> {
    #[serde(borrow)]
    plan_id: Cow<'a, str>,
    #[serde(borrow)]
    instruments: Vec<Text<'a>>,
}

/// Checks the response to reading a plan back, and compares it with its acknowledgement if that is known. `seen`
/// contains the state of an earlier valid response, if there was one, and receives the state of this one.
///
/// # Errors
///
/// [`Fault::Lost`] for a 404, [`Fault::Different`] for another plan, other instruments or other fields,
/// [`Fault::Unread`] for a response that shows neither.
pub(crate) fn check_stored(
    dialect: Dialect,
    plan_id: PlanId,
    acknowledged: Option<Acknowledgement>,
    answer: &Answer<'_>,
    seen: &mut Option<SeenStored>,
    rest: &mut Vec<u8>,
) -> Result<(), Fault> {
    match answer.status {
        200 => {}
        404 => return Err(Fault::Lost(plan_id)),
        _ => return Err(Fault::Unread { plan_id, reason: status_fault(answer).to_string() }),
    }
    if let Some(seen) = seen
        && cut(answer.body, PLAN, seen.length, seen.bytes, rest)
        && serde_json::from_slice::<IgnoredAny>(rest).is_ok()
    {
        return Ok(());
    }
    let unread = |fault: Fault| Fault::Unread { plan_id, reason: fault.to_string() };
    let StoredAnswer { plan: raw } = parse(answer.body).map_err(unread)?;
    let stored = match dialect {
        Dialect::Registry => parse::<PlanData<'_>>(raw.get().as_bytes()).map_err(unread)?.acknowledgement(),
        Dialect::Yardstick => {
            let plan: YardstickStored<'_> = parse(raw.get().as_bytes()).map_err(unread)?;
            let digest = Digest::of(&plan.instruments);
            PlanId::parse(&plan.plan_id).map(|plan_id| Acknowledgement { plan_id, digest, fields: None })
        }
    };
    let is_same = |stored: Acknowledgement| {
        stored.plan_id == plan_id && acknowledged.is_none_or(|acknowledged| !stored.differs(acknowledged))
    };
    if !stored.is_some_and(is_same) {
        return Err(Fault::Different(plan_id));
    }
    *seen = Some(SeenStored { length: raw.get().len(), bytes: hash_of(raw.get().as_bytes()) });
    Ok(())
}
