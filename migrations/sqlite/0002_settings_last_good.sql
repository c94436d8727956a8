-- What the config service last said, so that a start without it needs no guess. Settings only, never secrets.
create table settings_last_good (
    setting_key   text    not null,
    -- Null where it said that it has none: an older value must not come back.
    setting_value text,
    -- Milliseconds since 1970.
    said_at       integer not null,
    constraint settings_last_good_pkey primary key (setting_key)
) strict, without rowid;
