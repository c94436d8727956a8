//! The table `ingestion_jobs`. Times are the server's: clocks of replicas differ.

use std::time::Duration;

use chrono::Utc;

use super::super::jobs::{Created, JOBS_KEPT, Job, document, job, orphaned};
use super::super::store::StoreError;
use super::columns::column;
use super::connections::Connections;

/// What is older than the jobs that are kept goes with it.
const CREATE: &str = "
    with dropped as (
        delete from ingestion_jobs
        where broker_id = $2
            and is_finished
            and job_id not in (
                select job_id from ingestion_jobs where broker_id = $2 order by job_id desc limit $5))
    insert into ingestion_jobs (job_id, broker_id, slot, is_finished, document)
    values ($1, $2, $3, false, $4::json)
    on conflict do nothing";

const IN_THE_WAY: &str = "
    select document::text as document, slot is not null and slot is not distinct from $2 as is_taken
    from ingestion_jobs
    where broker_id = $1
        and (not is_finished or slot = $2)
    order by is_taken desc
    limit 1";

const SAVE: &str = "
    update ingestion_jobs
    set document = $2::json,
        is_finished = $3,
        heartbeat_at = now()
    where job_id = $1
        and not is_finished
    returning not is_cancel_requested as is_wanted";

const CANCEL: &str = "
    update ingestion_jobs
    set is_cancel_requested = true
    where job_id = $1
    returning document::text as document";

const SILENT: &str = "
    select document::text as document
    from ingestion_jobs
    where not is_finished
        and heartbeat_at < now() - make_interval(secs => $1)";

/// Ends a job only if it is still silent: its service may have given a sign since.
const FAIL: &str = "
    update ingestion_jobs
    set document = $2::json,
        is_finished = true
    where job_id = $1
        and not is_finished
        and heartbeat_at < now() - make_interval(secs => $3)";

pub(super) async fn create(connections: &Connections, new: &Job) -> Result<Created, StoreError> {
    let query = sqlx::query(CREATE)
        .bind(&new.job_id)
        .bind(new.broker.as_str())
        .bind(&new.slot)
        .bind(document(new)?)
        .bind(JOBS_KEPT - 1);
    let mut lease = connections.lease().await?;
    let inserted = lease.commit(async |connection| query.execute(connection).await).await;
    if lease.release(inserted)?.rows_affected() == 1 {
        return Ok(Created::Yes);
    }
    let query = sqlx::query(IN_THE_WAY).bind(new.broker.as_str()).bind(&new.slot);
    let mut lease = connections.lease().await?;
    let row = lease.attempt(async |connection| query.fetch_optional(connection).await).await;
    // What was in the way may have ended meanwhile.
    let ended = || StoreError::Unavailable("the broker's other job ended just now".to_owned());
    let row = lease.release(row)?.ok_or_else(ended)?;
    let other = job(column(&row, "document")?)?;
    Ok(if column(&row, "is_taken")? { Created::Taken(other) } else { Created::Busy(other) })
}

pub(super) async fn save(connections: &Connections, job: &Job) -> Result<bool, StoreError> {
    let query = sqlx::query(SAVE).bind(&job.job_id).bind(document(job)?).bind(job.status.is_finished());
    let mut lease = connections.lease().await?;
    let row = lease.commit(async |connection| query.fetch_optional(connection).await).await;
    lease.release(row)?.map_or(Ok(false), |row| column(&row, "is_wanted"))
}

pub(super) async fn read(connections: &Connections, job_id: &str) -> Result<Option<Job>, StoreError> {
    let query = sqlx::query("select document::text as document from ingestion_jobs where job_id = $1").bind(job_id);
    let mut lease = connections.lease().await?;
    let row = lease.attempt(async |connection| query.fetch_optional(connection).await).await;
    lease.release(row)?.map(|row| job(column(&row, "document")?)).transpose()
}

pub(super) async fn cancel(connections: &Connections, job_id: &str) -> Result<Option<Job>, StoreError> {
    let query = sqlx::query(CANCEL).bind(job_id);
    let mut lease = connections.lease().await?;
    let row = lease.commit(async |connection| query.fetch_optional(connection).await).await;
    lease.release(row)?.map(|row| job(column(&row, "document")?)).transpose()
}

pub(super) async fn fail_silent(connections: &Connections, silent: Duration) -> Result<Vec<Job>, StoreError> {
    let query = sqlx::query(SILENT).bind(silent.as_secs_f64());
    let mut lease = connections.lease().await?;
    let rows = lease.attempt(async |connection| query.fetch_all(connection).await).await;
    let mut orphans = Vec::new();
    for row in lease.release(rows)? {
        let orphan = orphaned(column(&row, "document")?, Utc::now())?;
        let query = sqlx::query(FAIL).bind(&orphan.job_id).bind(document(&orphan)?).bind(silent.as_secs_f64());
        let mut lease = connections.lease().await?;
        let failed = lease.commit(async |connection| query.execute(connection).await).await;
        if lease.release(failed)?.rows_affected() == 1 {
            orphans.push(orphan);
        }
    }
    Ok(orphans)
}
