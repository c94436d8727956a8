-- Answers kept for requests with an Idempotency-Key. Each is written in the transaction of the result that it names. Times
-- are milliseconds since 1970.
create table idempotency_keys (
    -- The operation, and whose request it is where the operation has keys per user or broker.
    scope          text    not null,
    key            text    not null,
    -- SHA-256 of the request: the same key with another one is refused.
    request_digest blob    not null constraint idempotency_keys_digest check (length(request_digest) = 32),
    -- The plan that the answer holds, which is kept as long as the key; null of other operations.
    plan_id        text,
    -- JSON.
    answer         text    not null,
    created_at     integer not null,
    expires_at     integer not null,
    constraint idempotency_keys_pkey primary key (scope, key),
    constraint idempotency_keys_times check (expires_at > created_at)
) strict, without rowid;

-- For those whose time is over.
create index idempotency_keys_by_expiry on idempotency_keys (expires_at);
-- For plans past their retention, of which a key may still name one.
create index idempotency_keys_by_plan on idempotency_keys (plan_id) where plan_id is not null;
