//! The entries of the catalog of errors, sorted by code.

use super::{ErrorEntry, Example, Retry, example};

macro_rules! registry {
    ($path:literal) => {
        concat!("/api/v1/internal/instrument-registry", $path)
    };
}

macro_rules! profiles {
    ($path:literal) => {
        concat!("/api/v1/internal/subscription-profiles", $path)
    };
}

pub(super) const CATALOG: [ErrorEntry; 38] = [
    ErrorEntry {
        code: "body_timeout",
        status: 408,
        meaning: "The body of the request did not arrive in time.",
        cause: "A slow or interrupted connection, or a `Content-Length` that is larger than the body.",
        retry: Retry::Resend,
        action: "Check that the body is as long as `Content-Length`. Send a large file over a faster \
                 connection.",
        example: example(registry!("/subscriptions/plan"), "timeout: the request body did not arrive within 10 s"),
    },
    ErrorEntry {
        code: "body_too_large",
        status: 413,
        meaning: "The body of the request is larger than the maximum.",
        cause: "A JSON body of more than 2 MiB (4 MiB if it requests a plan of `items`), or an uploaded file \
                beyond the limit of the service.",
        retry: Retry::Changed,
        action: "Send fewer instruments in one request, or use `selectors` or a profile instead of a list of \
                 keys.",
        example: example(registry!("/subscriptions/plan"), "request body exceeds 2097152 bytes"),
    },
    ErrorEntry {
        code: "conflict_not_pending",
        status: 409,
        meaning: "The conflict of a profile is already resolved or failed.",
        cause: "Another caller, or the strategy of the service, resolved it.",
        retry: Retry::AfterAction,
        action: "List the pending conflicts of the user again.",
        example: example(
            profiles!("/conflicts/conflict_01a2287037de75ad95a4fd1c06c1a564/resolve"),
            "conflict is not pending: its status is resolved",
        ),
    },
    ErrorEntry {
        code: "database_unavailable",
        status: 503,
        meaning: "The database cannot be reached.",
        cause: "An outage or a restart of the database, or of the connection to it. Plans in a cache are \
                still served.",
        retry: Retry::Later,
        action: "If it lasts, the check `database` of `/ready` has the cause.",
        example: example(registry!("/subscriptions/plan"), "database unavailable; retry later"),
    },
    ErrorEntry {
        code: "deadline_exceeded",
        status: 504,
        meaning: "The response was not ready before the deadline of the request.",
        cause: "A slow database, much load, or a list whose filters select too much.",
        retry: Retry::SameKey,
        action: "For a list, use more selective filters. A request for a plan can be repeated without a key \
                 too: it returns the plan that was created.",
        example: example(registry!("/subscriptions/plan"), "deadline exceeded; the operation may still complete"),
    },
    ErrorEntry {
        code: "duplicate_subscription",
        status: 409,
        meaning: "Another active profile of the user holds almost the same instruments.",
        cause: "The strategy for conflicts is `fail_on_conflict`, and the two profiles share at least 80 % \
                of their combined instruments.",
        retry: Retry::AfterAction,
        action: "Use the other profile, which `conflicts` names, or deactivate it, or send other \
                 instruments.",
        example: Example {
            path: profiles!(""),
            detail: "profile rejected: duplicate of `profile_01a2287037de75ad95a4fd1c06c1a564`: it shares at \
                     least 80 % of the combined instruments",
            errors: &[(
                "/instruments",
                "duplicate of `profile_01a2287037de75ad95a4fd1c06c1a564`: it shares at least 80 % of the \
                    combined instruments",
            )],
        },
    },
    ErrorEntry {
        code: "empty_body",
        status: 400,
        meaning: "The uploaded file is empty.",
        cause: "An upload of a broker's file without any byte.",
        retry: Retry::Changed,
        action: "Check that the file was downloaded completely.",
        example: example(registry!("/brokers/kite/ingest"), "uploaded file is empty"),
    },
    ErrorEntry {
        code: "idempotency_key_in_flight",
        status: 409,
        meaning: "A request with the same `Idempotency-Key` is still in flight.",
        cause: "A retry that was sent before the first request was answered.",
        retry: Retry::Later,
        action: "The retry returns the response of the first request if that one succeeded.",
        example: example(
            registry!("/subscriptions/plan"),
            "a request with this Idempotency-Key is in flight; retry later",
        ),
    },
    ErrorEntry {
        code: "idempotency_key_reused",
        status: 422,
        meaning: "The `Idempotency-Key` belongs to another request.",
        cause: "A request with another query or body had the same key within the last 24 hours.",
        retry: Retry::NewKey,
        action: "Create one key for each request, and keep it for the retries of this request only.",
        example: example(
            registry!("/subscriptions/plan"),
            "the Idempotency-Key was used with another request within the last 24 hours; use a \
                         new key",
        ),
    },
    ErrorEntry {
        code: "internal",
        status: 500,
        meaning: "The service failed to process the request.",
        cause: "A fault of the service. Its log has the cause.",
        retry: Retry::SameKey,
        action: "Report the `correlation_id` to the operator of the service. If the same request fails \
                 again, do not repeat it.",
        example: example(registry!("/subscriptions/plan"), "internal error; the service log has the cause"),
    },
    ErrorEntry {
        code: "invalid_instrument",
        status: 409,
        meaning: "A profile holds instruments that cannot be subscribed.",
        cause: "The strategy for conflicts is `fail_on_conflict`, or no instrument would be left, and \
                instruments are unknown, inactive, expired, malformed or excluded by a rule.",
        retry: Retry::AfterAction,
        action: "Correct the instruments that `errors` lists. Their details name the nearest keys.",
        example: Example {
            path: profiles!(""),
            detail: "profile rejected: 1 of 4 instruments is invalid; first: `NSE:RELAINCE` (instrument not \
                     in the catalog; nearest: `NSE:RELIANCE`)",
            errors: &[(
                "/instruments",
                "`NSE:RELAINCE` (unknown): instrument not in the catalog; nearest: `NSE:RELIANCE`",
            )],
        },
    },
    ErrorEntry {
        code: "invalid_json",
        status: 400,
        meaning: "The body is not valid JSON.",
        cause: "A syntax error, or no body at all.",
        retry: Retry::Changed,
        action: "The detail has the line and the column of the error.",
        example: example(
            registry!("/subscriptions/plan"),
            "request body is not valid JSON: EOF while parsing a value at line 1 column 14",
        ),
    },
    ErrorEntry {
        code: "invalid_utf8",
        status: 400,
        meaning: "The body is not valid UTF-8.",
        cause: "A body in another encoding.",
        retry: Retry::Changed,
        action: "Encode the body as UTF-8. The detail has the position of the first invalid byte.",
        example: example(registry!("/subscriptions/plan"), "request body is not valid UTF-8 at byte 7"),
    },
    ErrorEntry {
        code: "job_in_progress",
        status: 409,
        meaning: "Another file of the broker is being ingested.",
        cause: "A broker has one ingest at a time.",
        retry: Retry::AfterAction,
        action: "Read the job that the detail names until it is finished, then send the request again.",
        example: example(
            registry!("/brokers/dhan/ingest"),
            "job job_01a2287037de75ad95a4fd1c06c1a564 of this broker is running; retry after it \
                         finishes",
        ),
    },
    ErrorEntry {
        code: "limit_exceeded",
        status: 409,
        meaning: "A profile would exceed a limit.",
        cause: "The profile holds more instruments than `max_instruments` or the settings allow, or the user \
                has too many active profiles.",
        retry: Retry::AfterAction,
        action: "Send fewer instruments, or deactivate profiles that are not used.",
        example: Example {
            path: profiles!(""),
            detail: "profile rejected: expected at most 2 active profiles of the user, got 3",
            errors: &[("/user_id", "expected at most 2 active profiles of the user, got 3")],
        },
    },
    ErrorEntry {
        code: "malformed_id",
        status: 422,
        meaning: "An id in the path has the wrong form.",
        cause: "A shortened or mistyped id, or the id of another kind of object.",
        retry: Retry::Changed,
        action: "Use the id exactly as the service returned it.",
        example: example(
            profiles!("/profile_1"),
            "profile id must be `profile_` followed by 32 lowercase hexadecimal digits",
        ),
    },
    ErrorEntry {
        code: "method_not_allowed",
        status: 405,
        meaning: "The path exists, but not with this method.",
        cause: "For example a `GET` of a path that only accepts `POST`.",
        retry: Retry::Changed,
        action: "The header `Allow` lists the methods of the path.",
        example: example(
            registry!("/search"),
            "method not allowed for this path; the `Allow` header lists the allowed methods",
        ),
    },
    ErrorEntry {
        code: "no_room",
        status: 503,
        meaning: "The service cannot store the uploaded file.",
        cause: "The disk of `DATA_DIR` is full or read-only.",
        retry: Retry::Later,
        action: "Ask the operator of the service to free space. A retry fails until there is space.",
        example: example(
            registry!("/brokers/kite/ingest"),
            "failed to write the uploaded file to DATA_DIR; retry later",
        ),
    },
    ErrorEntry {
        code: "not_found",
        status: 404,
        meaning: "The path or the object that it names does not exist.",
        cause: "A mistyped path, the id of a deleted object, or an object of another user.",
        retry: Retry::Changed,
        action: "The detail names the part that is unknown. Plans are deleted after their retention: create \
                 the plan again.",
        example: example(registry!("/subscriptions/plans/plan_01a2287037de75ad95a4fd1c06c1a564"), "unknown plan id"),
    },
    ErrorEntry {
        code: "not_in_plan",
        status: 404,
        meaning: "The request of the plan did not contain this key.",
        cause: "An explanation was requested for a key that nobody asked the plan for.",
        retry: Retry::Changed,
        action: "Use a key of the request of the plan. The detail lists other names of the instrument in it.",
        example: example(
            registry!("/subscriptions/plans/plan_01a2287037de75ad95a4fd1c06c1a564/explain"),
            "the request of the plan does not contain `NSE:NIFTY`; it contains `NSE:NIFTY 50`",
        ),
    },
    ErrorEntry {
        code: "not_ready",
        status: 503,
        meaning: "The service has not finished its start.",
        cause: "The database was not reached yet, the settings or the catalog are not loaded, or the API key \
                has not arrived from the config service.",
        retry: Retry::Later,
        action: "Send traffic only after `/ready` returns 200.",
        example: example(registry!("/subscriptions/plan"), "database not reached yet; retry later"),
    },
    ErrorEntry {
        code: "not_tried",
        status: 503,
        meaning: "A row of an import was skipped.",
        cause: "An earlier row of the same file failed for a reason that applies to this row too, for \
                example an unavailable database. The code is in the results of an import, not in a problem \
                document of its own.",
        retry: Retry::Resend,
        action: "After the reason of the earlier row has passed, import the rows that failed again.",
        example: example(profiles!("/users/desk/import"), "the database is unavailable"),
    },
    ErrorEntry {
        code: "overloaded",
        status: 503,
        meaning: "The service has no capacity for the request.",
        cause: "More requests or uploads than it can process at the same time.",
        retry: Retry::Later,
        action: "Keep connections open and use them again. A caller that returns before `Retry-After` has \
                 passed is answered later.",
        example: example(registry!("/subscriptions/plan"), "the service is at capacity; retry later"),
    },
    ErrorEntry {
        code: "pinned_over_capacity",
        status: 409,
        meaning: "Not all pinned instruments fit into the limits of the broker.",
        cause: "More instruments are pinned than the accounts can carry in their lowest modes.",
        retry: Retry::AfterAction,
        action: "Pin fewer instruments, allow a lower `min_mode`, or use more accounts. `errors` has the \
                 arithmetic.",
        example: Example {
            path: registry!("/subscriptions/plan"),
            detail: "the limit `connections` allows 4 of 5 pinned instruments; raise it, or pin fewer",
            errors: &[("/items", "the request pins 5 instruments"), ("/items", "without capacity: `NSE:RELIANCE`")],
        },
    },
    ErrorEntry {
        code: "plan_at_other_broker",
        status: 409,
        meaning: "The two plans are not at the same broker.",
        cause: "A difference, a schedule or a `previous_plan_id` combines plans of different brokers.",
        retry: Retry::AfterAction,
        action: "Use an earlier plan of the same broker, or none.",
        example: example(
            registry!("/subscriptions/plans/plan_01a2287037de75ad95a4fd1c06c1a564/diff"),
            "the plan is at kite, and the earlier plan is at upstox",
        ),
    },
    ErrorEntry {
        code: "plan_without_broker",
        status: 409,
        meaning: "The plan names no broker, so it has no subscriptions.",
        cause: "The request that created the plan had no `broker`.",
        retry: Retry::AfterAction,
        action: "Create the plan again with a `broker`.",
        example: example(
            registry!("/subscriptions/plans/plan_01a2287037de75ad95a4fd1c06c1a564/subscriptions"),
            "the plan names no broker; create a plan with `broker` to get subscriptions",
        ),
    },
    ErrorEntry {
        code: "plan_without_subscriptions",
        status: 409,
        meaning: "The plan has no subscriptions.",
        cause: "Historical data is requested and not streamed, or an earlier release of the service created \
                the plan.",
        retry: Retry::AfterAction,
        action: "Create a plan for `live_feed` or `alerts`.",
        example: example(
            registry!("/subscriptions/plans/plan_01a2287037de75ad95a4fd1c06c1a564/subscriptions"),
            "historical data has no subscriptions; create a plan for `live_feed` or `alerts`",
        ),
    },
    ErrorEntry {
        code: "plan_without_tokens",
        status: 409,
        meaning: "No instrument of the plan has a token of the broker.",
        cause: "The service has no accepted file of the broker that lists an instrument of the plan.",
        retry: Retry::AfterAction,
        action: "Ingest a file of the broker and create the plan again, or use `format=json`.",
        example: example(
            registry!("/subscriptions/plans/plan_01a2287037de75ad95a4fd1c06c1a564/schedule"),
            "no file of groww lists an instrument of the plan; ingest a file of groww and create \
                         the plan again, or use `format=json`",
        ),
    },
    ErrorEntry {
        code: "profile_conflict",
        status: 409,
        meaning: "Conflicts of several kinds prevent the change of a profile.",
        cause: "At least two of `limit_exceeded`, `duplicate_subscription` and `invalid_instrument`.",
        retry: Retry::AfterAction,
        action: "`conflicts` lists each conflict. The sections of their kinds have the remedies.",
        example: Example {
            path: profiles!(""),
            detail: "profile rejected: 1 of 2 instruments is invalid; first: `NSE:RELAINCE` (instrument not \
                     in the catalog; nearest: `NSE:RELIANCE`); expected at most 2 active profiles of the \
                     user, got 3",
            errors: &[
                ("/instruments", "`NSE:RELAINCE` (unknown): instrument not in the catalog; nearest: `NSE:RELIANCE`"),
                ("/user_id", "expected at most 2 active profiles of the user, got 3"),
            ],
        },
    },
    ErrorEntry {
        code: "profile_expired",
        status: 409,
        meaning: "The profile has expired.",
        cause: "Its `expires_at` has passed.",
        retry: Retry::AfterAction,
        action: "Activate the profile with a later `expires_at`, or with null.",
        example: example(
            profiles!("/profile_01a2287037de75ad95a4fd1c06c1a564/replan"),
            "profile expired at 2026-11-29T10:00:00.000Z; POST …/{profile_id}/activate with a \
                         later `expires_at` (or null) to reactivate it",
        ),
    },
    ErrorEntry {
        code: "profile_inactive",
        status: 409,
        meaning: "The profile is inactive.",
        cause: "A caller, or the resolution of a conflict, deactivated it.",
        retry: Retry::AfterAction,
        action: "Activate the profile. Its audit log has the reason of the deactivation.",
        example: example(
            profiles!("/profile_01a2287037de75ad95a4fd1c06c1a564/replan"),
            "profile is inactive; POST …/{profile_id}/activate to activate it, with a later \
                         `expires_at` (or null) if it has expired",
        ),
    },
    ErrorEntry {
        code: "unauthorized",
        status: 401,
        meaning: "The API key is missing or invalid.",
        cause: "No header `X-Internal-API-Key`, a mistyped key, or a key that was replaced.",
        retry: Retry::Changed,
        action: "Send a valid key in the header `X-Internal-API-Key`. The operator of the service has it.",
        example: example(registry!("/subscriptions/plans"), "header X-Internal-API-Key is missing or invalid"),
    },
    ErrorEntry {
        code: "unavailable",
        status: 503,
        meaning: "A part of the service is restarting.",
        cause: "The service restarts a part that has stopped because of a fault.",
        retry: Retry::Later,
        action: "If it lasts, the log of the service has the cause.",
        example: example(
            registry!("/subscriptions/planner/config"),
            "a component of the service is restarting; retry later",
        ),
    },
    ErrorEntry {
        code: "unknown_outcome",
        status: 504,
        meaning: "It is unknown whether the change was stored.",
        cause: "The connection to the database failed during the write.",
        retry: Retry::SameKey,
        action: "A request for a plan can be repeated without a key too. Before you repeat a change of a \
                 profile without a key, list the profiles of the user.",
        example: example(
            registry!("/subscriptions/plan"),
            "the database connection failed during the write, so the outcome is unknown; it is \
                         safe to repeat the request",
        ),
    },
    ErrorEntry {
        code: "unreadable_body",
        status: 400,
        meaning: "The body could not be read to its end.",
        cause: "The connection broke during the body, or its chunks are malformed.",
        retry: Retry::Resend,
        action: "If it happens again, check the HTTP client or the proxy between it and the service.",
        example: example(registry!("/subscriptions/plan"), "failed to read the request body to its end"),
    },
    ErrorEntry {
        code: "unsupported_media_type",
        status: 415,
        meaning: "The body has another `Content-Type` than the operation accepts.",
        cause: "A missing or wrong `Content-Type`.",
        retry: Retry::Changed,
        action: "Set the header to a value that the detail names.",
        example: example(
            registry!("/subscriptions/plan"),
            "`Content-Type` of the request body must be application/json",
        ),
    },
    ErrorEntry {
        code: "validation_failed",
        status: 422,
        meaning: "The request has invalid fields, parameters or headers.",
        cause: "An unknown field, a missing field, or a value outside its limits.",
        retry: Retry::Changed,
        action: "`errors` lists every fault: its `pointer` is the place in the body, or starts with `/query` \
                 or `/header`.",
        example: Example {
            path: registry!("/subscriptions/plan"),
            detail: "validation failed with 2 errors; see `errors`",
            errors: &[("/instruments", "expected 1 to 5000 items, got 0"), ("/query/x", "unknown parameter")],
        },
    },
    ErrorEntry {
        code: "version_mismatch",
        status: 412,
        meaning: "The profile has changed since the caller read it.",
        cause: "The header `If-Match` has the tag of another version.",
        retry: Retry::AfterAction,
        action: "Read the profile again, apply the change to it, and send its new `ETag` in `If-Match`.",
        example: example(
            profiles!("/profile_01a2287037de75ad95a4fd1c06c1a564"),
            "`If-Match` does not match: the profile has version 4; read the profile again and \
                         send its `ETag`",
        ),
    },
];
