-- Subscription profiles: as they are, each version of them, conflicts on the way, and the audit log.

create table subscription_profiles (
    profile_id        text collate "C" not null,
    user_id           text collate "C" not null,
    profile_name      text             not null,
    subscription_type text             not null,
    instruments       text[]           not null,
    instrument_count  integer          not null,
    -- json and not jsonb, as in plans: a text may hold U+0000, for which jsonb has no place.
    preferences       json             not null,
    validation_rules  json             not null,
    max_instruments   integer,
    is_active         boolean          not null,
    version           integer          not null,
    created_at        timestamptz      not null,
    updated_at        timestamptz      not null,
    expires_at        timestamptz,
    constraint subscription_profiles_pkey primary key (profile_id),
    constraint subscription_profiles_type check (subscription_type in ('live_feed', 'historical', 'alerts')),
    constraint subscription_profiles_count check (instrument_count = cardinality(instruments)),
    constraint subscription_profiles_version check (version > 0)
);

-- Nobody asks for profiles by what these columns hold, so that statistics of them help no query; of an array every element
-- would be counted.
alter table subscription_profiles
    alter column profile_name     set statistics 0,
    alter column instruments      set statistics 0,
    alter column preferences      set statistics 0,
    alter column validation_rules set statistics 0;

-- Ids begin with their time, so that newest first is their descending order, which every list has.
create index subscription_profiles_by_user on subscription_profiles (user_id, profile_id);
create index subscription_profiles_by_type on subscription_profiles (subscription_type, profile_id);
-- A user's active profiles are few among many, and read at every change under the user's lock.
create index subscription_profiles_active_by_user on subscription_profiles (user_id, profile_id) where is_active;
create index subscription_profiles_active on subscription_profiles (profile_id) where is_active;
create index subscription_profiles_inactive on subscription_profiles (profile_id) where not is_active;
-- For those whose time is over.
create index subscription_profiles_by_expiry on subscription_profiles (expires_at)
    where is_active and expires_at is not null;

create table profile_versions (
    profile_id text collate "C" not null,
    version    integer          not null,
    action     text             not null,
    -- JSON objects: who made it so, and the whole profile as it was.
    actor      json             not null,
    document   json             not null,
    constraint profile_versions_pkey primary key (profile_id, version),
    constraint profile_versions_action check (
        action in ('create', 'update', 'deactivate', 'activate', 'restore', 'resolve_conflict'))
);

create table subscription_conflicts (
    conflict_id         text collate "C" not null,
    -- Of a profile that was not made, the id that it would have had.
    profile_id          text collate "C" not null,
    user_id             text collate "C" not null,
    conflict_type       text             not null,
    -- JSON objects: what it is about, and what was done.
    conflict_data       json             not null,
    status              text             not null,
    resolution_strategy text,
    resolution_data     json,
    created_at          timestamptz      not null,
    resolved_at         timestamptz,
    constraint subscription_conflicts_pkey primary key (conflict_id),
    constraint subscription_conflicts_type check (
        conflict_type in ('limit_exceeded', 'duplicate_subscription', 'invalid_instrument')),
    constraint subscription_conflicts_status check (status in ('pending', 'resolved', 'failed')),
    constraint subscription_conflicts_strategy check (
        resolution_strategy in ('latest_wins', 'merge', 'fail_on_conflict', 'manual')),
    constraint subscription_conflicts_resolved check ((status = 'pending') = (resolved_at is null))
);

create index subscription_conflicts_by_user on subscription_conflicts (user_id, conflict_id);
-- Those that somebody has to look at are few among many.
create index subscription_conflicts_pending on subscription_conflicts (user_id, conflict_id) where status = 'pending';

create table subscription_audit_log (
    audit_id       bigint generated always as identity,
    profile_id     text collate "C" not null,
    user_id        text collate "C" not null,
    action         text             not null,
    -- JSON objects: who did it, what was before (null of a new profile) and what is now.
    actor          json             not null,
    old_data       json,
    new_data       json,
    correlation_id text             not null,
    created_at     timestamptz      not null,
    constraint subscription_audit_log_pkey primary key (audit_id),
    constraint subscription_audit_log_action check (
        action in ('create', 'update', 'deactivate', 'activate', 'restore', 'resolve_conflict'))
);

create index subscription_audit_log_by_profile on subscription_audit_log (profile_id, audit_id);
-- For those that have outlived their retention.
create index subscription_audit_log_by_time on subscription_audit_log (created_at);

-- One row, or none before the first clean-up. What is older than the cutoff may be deleted from the audit log.
create table audit_retention (
    is_only_row  boolean not null default true,
    cutoff       timestamptz,
    -- When entries past their retention were last looked for.
    last_cleanup timestamptz,
    constraint audit_retention_pkey primary key (is_only_row),
    constraint audit_retention_one_row check (is_only_row)
);

-- The schema is named here, and nowhere else, so that no session's own search_path or temporary table leads to another
-- audit_retention.
create function refuse_change_of_audit_log() returns trigger
    language plpgsql
    set search_path = instrument_registry, pg_temp
as $$
begin
    if tg_op = 'DELETE' then
        -- Without a cutoff this is null, which is not true.
        if old.created_at < (select cutoff from audit_retention) then
            return old;
        end if;
        raise exception 'the audit log keeps entry % until its retention is over', old.audit_id
            using errcode = 'restrict_violation';
    end if;
    raise exception 'the audit log is append-only: % is refused', lower(tg_op) using errcode = 'restrict_violation';
end
$$;

create trigger subscription_audit_log_rows
    before update or delete on subscription_audit_log
    for each row execute function refuse_change_of_audit_log();
create trigger subscription_audit_log_truncate
    before truncate on subscription_audit_log
    for each statement execute function refuse_change_of_audit_log();

-- A retention is a day at least, so that no cutoff is later than that; an hour is left for clocks that differ.
create function refuse_late_cutoff() returns trigger
    language plpgsql
    set search_path = instrument_registry, pg_temp
as $$
begin
    if new.cutoff > now() - interval '23 hours' then
        raise exception 'the audit log keeps every entry for a day at least: the cutoff % is refused', new.cutoff
            using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;

create trigger audit_retention_cutoff
    before insert or update on audit_retention
    for each row execute function refuse_late_cutoff();

-- The profile and its version that a plan was made from. Last, since it keeps the table from all others until the end.
alter table subscription_plans
    add column profile_id      text collate "C",
    add column profile_version integer;
create index subscription_plans_by_profile on subscription_plans (profile_id, plan_id) where profile_id is not null;
