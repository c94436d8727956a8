alter table catalogue_loads
    -- What the broker's files said up to this load, compact; kept of a broker's last five loads. Loads of the release
    -- before have none: what they said is in the tables.
    add column archive     bytea,
    -- The difference to the broker's load before, compact, and a JSON object: kind of change to number.
    add column diff        bytea,
    add column diff_counts json,
    -- JSON arrays: gates that the file did not pass and an operator overruled, and the first rows that were left out.
    add column overruled   json,
    add column quarantine  json;

-- Both are compressed already.
alter table catalogue_loads
    alter column archive set storage external,
    alter column diff set storage external;

create index catalogue_loads_by_broker on catalogue_loads (broker_id, version);

-- Files that were not accepted. One stands until a later load of its broker is.
create table catalogue_refusals (
    refusal_id    bigint generated always as identity,
    broker_id     text        not null,
    source        text        not null,
    refused_at    timestamptz not null,
    -- The broker's last accepted load at that time, 0 where there was none.
    after_version bigint      not null,
    -- JSON arrays: gates that it did not pass, and the first rows that were left out.
    faults        json        not null,
    quarantine    json        not null,
    constraint catalogue_refusals_pkey primary key (refusal_id)
);
