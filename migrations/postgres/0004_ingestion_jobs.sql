-- Loads of brokers' files that were asked for. One that is not finished is alive as long as its heartbeat is.
create table ingestion_jobs (
    job_id              text        not null,
    broker_id           text        not null,
    -- The time of a schedule and the attempt; null of a job that a caller asked for.
    slot                text,
    is_finished         boolean     not null,
    is_cancel_requested boolean     not null default false,
    heartbeat_at        timestamptz not null default now(),
    document            json        not null,
    constraint ingestion_jobs_pkey primary key (job_id)
);

-- A broker has one job at a time.
create unique index ingestion_jobs_unfinished on ingestion_jobs (broker_id) where not is_finished;
-- Of several replicas one takes a slot.
create unique index ingestion_jobs_slots on ingestion_jobs (broker_id, slot) where slot is not null;
