-- What the broker's files said up to this load, compact; kept of a broker's last five loads. Loads of the release before
-- have none: what they said is in the tables.
alter table catalogue_loads add column archive blob;

-- The difference to the broker's load before, compact, and a JSON object: kind of change to number.
alter table catalogue_loads add column diff blob;
alter table catalogue_loads add column diff_counts text;

-- JSON arrays: gates that the file did not pass and an operator overruled, and the first rows that were left out.
alter table catalogue_loads add column overruled text;
alter table catalogue_loads add column quarantine text;

create index catalogue_loads_by_broker on catalogue_loads (broker_id, version);

-- Files that were not accepted. One stands until a later load of its broker is.
create table catalogue_refusals (
    refusal_id    integer not null primary key autoincrement,
    broker_id     text    not null,
    source        text    not null,
    refused_at    integer not null,
    -- The broker's last accepted load at that time, 0 where there was none.
    after_version integer not null,
    -- JSON arrays: gates that it did not pass, and the first rows that were left out.
    faults        text    not null,
    quarantine    text    not null
) strict;
