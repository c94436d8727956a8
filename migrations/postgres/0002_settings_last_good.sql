-- What the config service last said, so that a start without it needs no guess. Settings only, never secrets.
create table settings_last_good (
    setting_key   text collate "C" not null,
    -- Null where it said that it has none: an older value must not come back.
    setting_value text,
    said_at       timestamptz      not null,
    constraint settings_last_good_pkey primary key (setting_key)
);
