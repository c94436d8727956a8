-- Loaded trading calendars. The newest one applies; earlier ones are kept for a while.
create table calendar_loads (
    version   integer not null primary key autoincrement,
    source    text    not null,
    loaded_at integer not null,
    -- The calendar as a CSV, in the form of the files.
    document  text    not null
) strict;
