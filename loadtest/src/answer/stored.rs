//! Checks responses to reading a plan by its id.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::plan::PlanData;
use super::{Seen, SeenBytes, Text, parse, status_fault};
use crate::args::Dialect;
use crate::fault::Fault;
use crate::ledger::{Acknowledgement, Digest};
use crate::plan_id::PlanId;
use crate::wire::Answer;

const PLAN: &[u8] = b"\"plan\":";

#[derive(Deserialize)]
struct StoredAnswer<'a> {
    #[serde(borrow)]
    plan: &'a RawValue,
}

/// The fields of a plan that the yardstick stores.
#[derive(Deserialize)]
struct YardstickStored<'a> {
    #[serde(borrow)]
    plan_id: Text<'a>,
    instruments: Vec<Text<'a>>,
}

/// Checks the response to reading a plan back, and compares it with its acknowledgement if that is known. `seen`
/// contains the state of an earlier valid response, if there was one, and receives the state of this one.
///
/// # Errors
///
/// A fault of the kind `lost` for a 404, `different` for another plan, other instruments or other fields, `unread` for
/// a response that shows neither.
pub(crate) fn check_stored(
    dialect: Dialect,
    plan_id: PlanId,
    acknowledged: Option<Acknowledgement>,
    answer: &Answer<'_>,
    seen: &mut Option<Seen>,
    rest: &mut Vec<u8>,
) -> Result<(), Fault> {
    match answer.status {
        200 => {}
        404 => return Err(Fault::new("lost", format!("plan `{plan_id}` was acknowledged and is lost"))),
        _ => return Err(unread(plan_id, &status_fault(answer))),
    }
    if let Some(seen) = seen
        && seen.bytes.cut(answer.body, PLAN, rest)
        && serde_json::from_slice::<IgnoredAny>(rest).is_ok()
    {
        return Ok(());
    }
    let unread = |fault: Fault| unread(plan_id, &fault);
    let StoredAnswer { plan: raw } = parse(answer.body).map_err(unread)?;
    let raw = raw.get().as_bytes();
    let stored = match dialect {
        Dialect::Registry => parse::<PlanData<'_>>(raw).map_err(unread)?.acknowledgement(),
        Dialect::Yardstick => {
            let plan: YardstickStored<'_> = parse(raw).map_err(unread)?;
            let digest = Digest::of(&plan.instruments);
            PlanId::parse(&plan.plan_id).map(|plan_id| Acknowledgement { plan_id, digest, fields: None })
        }
    };
    let is_same = |stored: &Acknowledgement| {
        stored.plan_id == plan_id && acknowledged.is_none_or(|acknowledged| !stored.differs(acknowledged))
    };
    let Some(acknowledgement) = stored.filter(is_same) else {
        return Err(Fault::new("different", format!("plan `{plan_id}` differs from the acknowledged plan")));
    };
    *seen = Some(Seen { acknowledgement, bytes: SeenBytes::of(raw) });
    Ok(())
}

/// Returns the fault of an acknowledged plan whose state is unknown.
pub(crate) fn unread(plan_id: PlanId, cause: &impl std::fmt::Display) -> Fault {
    Fault::new("unread", format!("failed to read back plan `{plan_id}`: {cause}"))
}
