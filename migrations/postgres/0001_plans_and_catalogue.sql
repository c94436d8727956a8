-- Money and prices are whole ten-thousandths. Rows are made by the service alone. Nothing is named with its schema:
-- search_path is instrument_registry, which holds sqlx's own table too.

create table subscription_plans (
    -- Ids and keys compare byte by byte, as they do in the service, whatever the database's own collation.
    plan_id              text collate "C" not null,
    user_id              text collate "C" not null,
    plan_name            text             not null,
    description          text             not null,
    subscription_type    text             not null,
    status               text             not null,
    optimization_level   text             not null,
    filtering_strictness text             not null,
    -- unnest(instruments) makes rows of it. No child table and no index per instrument, which at thousands of plans a
    -- second would be hundreds of thousands of entries.
    instruments          text[]           not null,
    estimated_cost       bigint           not null,
    -- json and not jsonb: a key is shown as the caller wrote it, and may hold U+0000, for which jsonb has no place.
    -- json keeps the escape as it came.
    performance_metrics  json             not null,
    validation_results   json             not null,
    rejected             json             not null,
    metadata             json             not null,
    cache_key            text             not null,
    created_at           timestamptz      not null,
    expires_at           timestamptz      not null,
    constraint subscription_plans_pkey primary key (plan_id),
    constraint subscription_plans_type check (subscription_type in ('live_feed', 'historical', 'alerts')),
    constraint subscription_plans_status check (status in ('draft', 'optimized', 'validated', 'error'))
);

-- A plan of a hundred instruments is compressed to half. lz4 does it in a third less of the server's time for the whole
-- row; a server that was built without it keeps its own method.
do $$
begin
    alter table subscription_plans
        alter column instruments set compression lz4,
        alter column rejected set compression lz4,
        alter column metadata set compression lz4;
exception
    when feature_not_supported then null;
end
$$;

-- Plan ids begin with their time, so that newest first is their descending order: a list of all needs no index of its
-- own, a user's list needs this one.
create index subscription_plans_by_user on subscription_plans (user_id, plan_id);

-- For counting unexpired plans, of which there are few among many.
create index subscription_plans_by_expiry on subscription_plans (expires_at, subscription_type);

create table catalogue_loads (
    version      bigint generated always as identity,
    broker_id    text        not null,
    source       text        not null,
    file_date    date,
    content_hash text        not null,
    rows_read    bigint      not null,
    rows_kept    bigint      not null,
    -- A JSON object: reason to number of rows.
    rejected     json        not null,
    loaded_at    timestamptz not null,
    constraint catalogue_loads_pkey primary key (version)
);

-- Every load writes every row of its file anew. Pages that are half empty take the new version beside the old one, without
-- an entry in the index: a load takes two thirds of the time, and the table stays half as large.
create table instruments (
    exchange          text collate "C" not null,
    symbol            text collate "C" not null,
    alias             text,
    name              text             not null,
    segment           text             not null,
    instrument_type   text             not null,
    isin              text,
    series            text,
    underlying_symbol text,
    expiry            date,
    strike            bigint,
    tick_size         bigint           not null,
    lot_size          bigint           not null,
    is_active         boolean          not null,
    last_updated      timestamptz      not null,
    constraint instruments_pkey primary key (exchange, symbol)
) with (fillfactor = 50);

-- A token is unique within (broker, segment), never within (broker, exchange).
create table broker_tokens (
    broker_id    text collate "C" not null,
    exchange     text collate "C" not null,
    symbol       text collate "C" not null,
    segment      text             not null,
    broker_token text             not null,
    is_active    boolean          not null,
    last_updated timestamptz      not null,
    constraint broker_tokens_pkey primary key (broker_id, exchange, symbol)
) with (fillfactor = 50);
