-- Subscription profiles: as they are, each version of them, conflicts on the way, and the audit log. Times are milliseconds
-- since 1970.

create table subscription_profiles (
    profile_id        text    not null primary key,
    user_id           text    not null,
    profile_name      text    not null,
    subscription_type text    not null
        constraint subscription_profiles_type check (subscription_type in ('live_feed', 'historical', 'alerts')),
    -- A JSON array of keys.
    instruments       text    not null,
    instrument_count  integer not null
        constraint subscription_profiles_count check (instrument_count = json_array_length(instruments)),
    -- JSON objects.
    preferences       text    not null,
    validation_rules  text    not null,
    max_instruments   integer,
    is_active         integer not null,
    version           integer not null constraint subscription_profiles_version check (version > 0),
    created_at        integer not null,
    updated_at        integer not null,
    expires_at        integer
) strict;

-- Ids begin with their time, so that newest first is their descending order, which every list has.
create index subscription_profiles_by_user on subscription_profiles (user_id, profile_id);
create index subscription_profiles_by_type on subscription_profiles (subscription_type, profile_id);
-- A user's active profiles are few among many, and read at every change.
create index subscription_profiles_active_by_user on subscription_profiles (user_id, profile_id) where is_active = 1;
create index subscription_profiles_active on subscription_profiles (profile_id) where is_active = 1;
create index subscription_profiles_inactive on subscription_profiles (profile_id) where is_active = 0;
-- For those whose time is over.
create index subscription_profiles_by_expiry on subscription_profiles (expires_at)
    where is_active = 1 and expires_at is not null;

create table profile_versions (
    profile_id text    not null,
    version    integer not null,
    action     text    not null
        constraint profile_versions_action check (
            action in ('create', 'update', 'deactivate', 'activate', 'restore', 'resolve_conflict')),
    -- JSON objects: who made it so, and the whole profile as it was.
    actor      text    not null,
    document   text    not null,
    constraint profile_versions_pkey primary key (profile_id, version)
) strict;

create table subscription_conflicts (
    conflict_id         text    not null primary key,
    -- Of a profile that was not made, the id that it would have had.
    profile_id          text    not null,
    user_id             text    not null,
    conflict_type       text    not null
        constraint subscription_conflicts_type check (
            conflict_type in ('limit_exceeded', 'duplicate_subscription', 'invalid_instrument')),
    -- JSON objects: what it is about, and what was done.
    conflict_data       text    not null,
    status              text    not null
        constraint subscription_conflicts_status check (status in ('pending', 'resolved', 'failed')),
    resolution_strategy text
        constraint subscription_conflicts_strategy check (
            resolution_strategy in ('latest_wins', 'merge', 'fail_on_conflict', 'manual')),
    resolution_data     text,
    created_at          integer not null,
    resolved_at         integer,
    constraint subscription_conflicts_resolved check ((status = 'pending') = (resolved_at is null))
) strict;

create index subscription_conflicts_by_user on subscription_conflicts (user_id, conflict_id);
-- Those that somebody has to look at are few among many.
create index subscription_conflicts_pending on subscription_conflicts (user_id, conflict_id) where status = 'pending';

create table subscription_audit_log (
    audit_id       integer not null primary key autoincrement,
    profile_id     text    not null,
    user_id        text    not null,
    action         text    not null
        constraint subscription_audit_log_action check (
            action in ('create', 'update', 'deactivate', 'activate', 'restore', 'resolve_conflict')),
    -- JSON objects: who did it, what was before (null of a new profile) and what is now.
    actor          text    not null,
    old_data       text,
    new_data       text,
    correlation_id text    not null,
    created_at     integer not null
) strict;

create index subscription_audit_log_by_profile on subscription_audit_log (profile_id, audit_id);
-- For those that have outlived their retention.
create index subscription_audit_log_by_time on subscription_audit_log (created_at);

-- One row, or none before the first clean-up. What is older than the cutoff may be deleted from the audit log.
create table audit_retention (
    is_only_row  integer not null primary key constraint audit_retention_one_row check (is_only_row = 1),
    cutoff       integer,
    -- When entries past their retention were last looked for.
    last_cleanup integer
) strict;

create trigger subscription_audit_log_update before update on subscription_audit_log
begin
    select raise(abort, 'the audit log is append-only: update is refused');
end;

-- Without a cutoff the comparison is null, and nothing may go.
create trigger subscription_audit_log_delete before delete on subscription_audit_log
when not coalesce(old.created_at < (select cutoff from audit_retention), 0)
begin
    select raise(abort, 'the audit log keeps an entry until its retention is over');
end;

-- `insert or replace` deletes what is in its way without a delete trigger.
create trigger subscription_audit_log_replace before insert on subscription_audit_log
when exists (select 1 from subscription_audit_log where audit_id = new.audit_id)
begin
    select raise(abort, 'the audit log is append-only: replace is refused');
end;

-- A retention is a day at least, so that no cutoff is later than that; an hour is left for clocks that differ.
create trigger audit_retention_first_cutoff before insert on audit_retention
when new.cutoff > (unixepoch('now') - 82800) * 1000
begin
    select raise(abort, 'the audit log keeps every entry for a day at least: a later cutoff is refused');
end;
create trigger audit_retention_cutoff before update on audit_retention
when new.cutoff > (unixepoch('now') - 82800) * 1000
begin
    select raise(abort, 'the audit log keeps every entry for a day at least: a later cutoff is refused');
end;

-- The profile and its version that a plan was made from.
alter table subscription_plans add column profile_id text;
alter table subscription_plans add column profile_version integer;
create index subscription_plans_by_profile on subscription_plans (profile_id, plan_id) where profile_id is not null;
