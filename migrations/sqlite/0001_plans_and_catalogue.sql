-- Times are milliseconds since 1970 in UTC, dates are days as text YYYY-MM-DD, money and prices are whole
-- ten-thousandths. Rows are made by the service alone.

create table subscription_plans (
    plan_id              text    not null primary key,
    user_id              text    not null,
    plan_name            text    not null,
    description          text    not null,
    subscription_type    text    not null
        constraint subscription_plans_type check (subscription_type in ('live_feed', 'historical', 'alerts')),
    status               text    not null
        constraint subscription_plans_status check (status in ('draft', 'optimized', 'validated', 'error')),
    optimization_level   text    not null,
    filtering_strictness text    not null,
    -- A JSON array of keys: json_each unnests it. No child table and no index per instrument, which at thousands of
    -- plans a second would be hundreds of thousands of entries.
    instruments          text    not null,
    estimated_cost       integer not null,
    performance_metrics  text    not null,
    validation_results   text    not null,
    rejected             text    not null,
    metadata             text    not null,
    cache_key            text    not null,
    created_at           integer not null,
    expires_at           integer not null
) strict;

-- Plan ids begin with their time, so that newest first is their descending order: a list of all needs no index of its
-- own, a user's list needs this one.
create index subscription_plans_by_user on subscription_plans (user_id, plan_id);

-- For lists by type, and for lists by a status that hardly any plan has: of the usual one every plan is a hit.
create index subscription_plans_by_type on subscription_plans (subscription_type, plan_id);
create index subscription_plans_by_rare_status on subscription_plans (status, plan_id) where status <> 'optimized';

-- For counting unexpired plans, of which there are few among many.
create index subscription_plans_by_expiry on subscription_plans (expires_at, subscription_type);

create table catalogue_loads (
    version      integer not null primary key autoincrement,
    broker_id    text    not null,
    source       text    not null,
    file_date    text,
    content_hash text    not null,
    rows_read    integer not null,
    rows_kept    integer not null,
    -- A JSON object: reason to number of rows.
    rejected     text    not null,
    loaded_at    integer not null
) strict;

create table instruments (
    exchange          text    not null,
    symbol            text    not null,
    alias             text,
    name              text    not null,
    segment           text    not null,
    instrument_type   text    not null,
    isin              text,
    series            text,
    underlying_symbol text,
    expiry            text,
    strike            integer,
    tick_size         integer not null,
    lot_size          integer not null,
    is_active         integer not null,
    last_updated      integer not null,
    constraint instruments_pkey primary key (exchange, symbol)
) strict, without rowid;

-- A token is unique within (broker, segment), never within (broker, exchange).
create table broker_tokens (
    broker_id    text    not null,
    exchange     text    not null,
    symbol       text    not null,
    segment      text    not null,
    broker_token text    not null,
    is_active    integer not null,
    last_updated integer not null,
    constraint broker_tokens_pkey primary key (broker_id, exchange, symbol)
) strict, without rowid;
