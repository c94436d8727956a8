-- What the config service last gave, so that a start without it needs no guess. Settings only, never secrets.
create table settings_last_good (
    setting_key   text    not null,
    setting_value text    not null,
    saved_at      integer not null,
    constraint settings_last_good_pkey primary key (setting_key)
) strict, without rowid;
