-- What the config service last gave, so that a start without it needs no guess. Settings only, never secrets.
create table settings_last_good (
    setting_key   text    not null primary key,
    setting_value text    not null,
    saved_at      integer not null
) strict, without rowid;
