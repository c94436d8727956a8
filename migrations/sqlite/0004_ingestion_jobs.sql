-- Loads of brokers' files that were asked for. One that is not finished is alive as long as its heartbeat is.
create table ingestion_jobs (
    job_id              text    not null primary key,
    broker_id           text    not null,
    -- The time of a schedule and the attempt; null of a job that a caller asked for.
    slot                text,
    is_finished         integer not null,
    is_cancel_requested integer not null default 0,
    heartbeat_at        integer not null,
    -- JSON.
    document            text    not null
) strict, without rowid;

-- A broker has one job at a time.
create unique index ingestion_jobs_unfinished on ingestion_jobs (broker_id) where is_finished = 0;
-- Of several replicas one takes a slot.
create unique index ingestion_jobs_slots on ingestion_jobs (broker_id, slot) where slot is not null;
