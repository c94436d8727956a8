//! Creating a profile with an idempotency key.

use std::sync::Arc;
use std::time::Instant;

use axum::http::{StatusCode, Uri};
use axum::response::Response;
use registry_actors::persistence::PersistenceError;
use registry_store::profiles::ProfileClaim;
use registry_store::profiles::{Change, CommandOutcome, Done, ProfileCommand};
use serde::Deserialize;

use super::body::user_id;
use super::changes::{change_answer, change_of, new_id, new_profile, with_tag};
use super::problems::{change_outcome, failed_change};
use super::{Caller, deadline, now, profile_context};
use crate::http::body::JsonBody;
use crate::http::context::{AppState, RequestContext, snapshot};
use crate::http::idempotency::{RequestHasher, answer_to, parse, replayed, stored_answer};
use crate::http::problem::Problem;
use crate::http::response::json_bytes;

/// Returns the stored response of the key, or creates the profile and stores the response with it.
pub(super) async fn create(
    state: &AppState,
    context: &RequestContext,
    caller: &Caller,
    uri: &Uri,
    body: &JsonBody,
    key: String,
) -> Result<Response, Problem> {
    let started_at = Instant::now();
    let snapshot = snapshot(state)?;
    let deadline = deadline(context, &snapshot);
    let Some(user_id) = user_id(&mut body.fields()?) else {
        // Parsing the profile reports the missing user together with all other faults.
        return Err(new_profile(uri, body, now(), snapshot.brokers.capacity()).err().unwrap_or_else(Problem::internal));
    };
    let guard = state.keys_in_flight.enter(format!("profile/{user_id}"), key);
    let keyed = guard.request(RequestHasher::new("profile", uri).with_body(body.bytes()));
    // Look up the key before parsing: a time in the body may have passed since the first response.
    if let Some(answer) = stored_answer(&state.system.persistence, &guard, &keyed, deadline).await? {
        return answered(context, &answer).map(replayed);
    }
    let now = now();
    let (user_id, draft) = new_profile(uri, body, now, snapshot.brokers.capacity())?;
    let command = ProfileCommand::Create {
        profile_id: new_id(),
        user_id,
        draft,
        profile_context: profile_context(&snapshot, now),
    };
    let strategy = snapshot.settings.conflict_resolution_strategy;
    let write = move |done: &Done| {
        let answer = change_answer(done, "created", strategy, started_at);
        // Serialization cannot fail: the answer contains only strings, numbers and lists.
        serde_json::to_string(&answer).unwrap_or_default()
    };
    let claim = ProfileClaim { request: Arc::clone(&keyed), answer: Arc::new(write) };
    let change = Change { claim: Some(claim), ..change_of(command, caller, context, now) };
    match state.system.persistence.change_profile(change, deadline.into()).await {
        Ok(CommandOutcome::Kept(_, answer)) => answered(context, &answer),
        Ok(CommandOutcome::Answered(stored)) => answered(context, &answer_to(&keyed, stored)?).map(replayed),
        Ok(other) => Err(change_outcome(other).err().unwrap_or_else(Problem::internal)),
        Err(PersistenceError::UnknownOutcome) => Err(unknown_outcome()),
        Err(fault) => Err(failed_change(fault)),
    }
}

fn unknown_outcome() -> Problem {
    let detail = "the database connection failed during the write, so the outcome is unknown; repeat the request with the \
                  same `Idempotency-Key`";
    Problem::of(StatusCode::GATEWAY_TIMEOUT, "unknown_outcome", detail)
}

/// The fields of a stored response that determine its headers.
#[derive(Deserialize)]
struct StoredChange {
    profile: StoredVersion,
}

#[derive(Deserialize)]
struct StoredVersion {
    version: u32,
}

/// Returns the response with the fields of this request.
fn answered(context: &RequestContext, stored: &str) -> Result<Response, Problem> {
    let StoredChange { profile: StoredVersion { version } } = parse(stored)?;
    let fields = stored.trim_end().strip_suffix('}').ok_or_else(Problem::internal)?;
    let correlation_id = serde_json::to_string(&*context.correlation_id).map_err(|_| Problem::internal())?;
    let elapsed = context.elapsed_ms();
    let json = format!("{fields},\"correlation_id\":{correlation_id},\"response_time_ms\":{elapsed}}}");
    Ok(with_tag(json_bytes(json.into_bytes()), version))
}
