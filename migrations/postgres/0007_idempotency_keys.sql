-- Answers kept for requests with an Idempotency-Key. Each is written in the transaction of the result that it names.
create table idempotency_keys (
    -- The operation, and whose request it is where the operation has keys per user or broker.
    scope          text collate "C" not null,
    key            text collate "C" not null,
    -- SHA-256 of the request: the same key with another one is refused.
    request_digest bytea            not null,
    -- The plan that the answer holds, which is kept as long as the key; null of other operations.
    plan_id        text collate "C",
    answer         json             not null,
    created_at     timestamptz      not null,
    expires_at     timestamptz      not null,
    constraint idempotency_keys_pkey primary key (scope, key),
    constraint idempotency_keys_digest check (length(request_digest) = 32),
    constraint idempotency_keys_times check (expires_at > created_at)
);

-- For those whose time is over.
create index idempotency_keys_by_expiry on idempotency_keys (expires_at);
-- For plans past their retention, of which a key may still name one.
create index idempotency_keys_by_plan on idempotency_keys (plan_id) where plan_id is not null;
