-- Loaded trading calendars. The newest one applies; earlier ones are kept for a while.
create table calendar_loads (
    version   bigint      generated always as identity,
    source    text        not null,
    loaded_at timestamptz not null,
    -- The calendar as a CSV, in the form of the files.
    document  text        not null,
    constraint calendar_loads_pkey primary key (version)
);
