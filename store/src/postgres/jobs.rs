//! The table `ingestion_jobs`. Times are those of the server, because clocks of replicas differ.

use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use sqlx::PgConnection;
use sqlx::postgres::{PgArguments, Postgres};
use sqlx::query::Query;

use super::super::error::StoreError;
use super::super::idempotency::{Claimed, KeyClaim};
use super::super::jobs::{Created, JOBS_KEPT, Job, JobStore, document, job, orphaned};
use super::PostgresStore;
use super::connections::{Bound, Connections};
use super::keys;
use crate::sql::columns::column;

/// Inserts a job and deletes jobs beyond the number that is kept.
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
    select document, slot is not null and slot is not distinct from $2 as is_taken
    from ingestion_jobs
    where broker_id = $1
        and (not is_finished or slot = $2)
    order by is_taken desc
    limit 1";

const READ: &str = "select document from ingestion_jobs where job_id = $1";

const LATEST: &str = "select document from ingestion_jobs order by job_id desc limit $1";

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
    returning document";

const STALE: &str = "
    select document
    from ingestion_jobs
    where not is_finished
        and heartbeat_at < now() - make_interval(secs => $1)";

/// Fails a job only if it is still stale: its replica may have sent a heartbeat since.
const FAIL: &str = "
    update ingestion_jobs
    set document = $2::json,
        is_finished = true
    where job_id = $1
        and not is_finished
        and heartbeat_at < now() - make_interval(secs => $3)";

#[async_trait]
impl JobStore for PostgresStore {
    async fn create_job(&self, job: &Job) -> Result<Created, StoreError> {
        let document = document(job)?;
        let create = || async |connection: &mut PgConnection| creation(job, &document).execute(connection).await;
        if self.connections.write_idempotent(create).await?.rows_affected() == 1 {
            return Ok(Created::Yes);
        }
        in_the_way(&self.connections, job).await
    }

    async fn create_keyed_job(&self, job: &Job, claim: &KeyClaim) -> Result<Created, StoreError> {
        // One transaction, which claims the key first: of two requests with one key the later one must see the response
        // of the earlier one, not its job.
        let document = document(job)?;
        let mut lease = self.connections.begin("begin isolation level read committed", Bound::Statement).await?;
        let claimed = keys::claim(&mut lease, &[claim]).await?.pop();
        let is_created = match &claimed {
            Some(Claimed::Taken(_)) => false,
            _ => {
                let create = async |connection: &mut PgConnection| creation(job, &document).execute(connection).await;
                lease.attempt(create).await?.rows_affected() == 1
            }
        };
        let ended = if is_created {
            lease.commit(async |connection| sqlx::query("commit").execute(connection).await).await
        } else {
            lease.attempt(async |connection| sqlx::query("rollback").execute(connection).await).await
        };
        lease.release(ended)?;
        match claimed {
            Some(Claimed::Taken(answer)) => Ok(Created::Answered(answer)),
            _ if is_created => Ok(Created::Yes),
            _ => in_the_way(&self.connections, job).await,
        }
    }

    async fn save_job(&self, job: &Job) -> Result<bool, StoreError> {
        let document = document(job)?;
        let save = || {
            async |connection: &mut PgConnection| {
                let query = sqlx::query(SAVE).bind(&job.job_id).bind(&document).bind(job.status.is_finished());
                query.fetch_optional(connection).await
            }
        };
        self.connections.write_idempotent(save).await?.map_or(Ok(false), |row| column(&row, "is_wanted"))
    }

    async fn job(&self, job_id: &str) -> Result<Option<Job>, StoreError> {
        let read =
            || async |connection: &mut PgConnection| sqlx::query(READ).bind(job_id).fetch_optional(connection).await;
        self.connections.read(read).await?.map(|row| job(column(&row, "document")?)).transpose()
    }

    async fn latest_jobs(&self, limit: u32) -> Result<Vec<Job>, StoreError> {
        let read = || {
            async |connection: &mut PgConnection| sqlx::query(LATEST).bind(i64::from(limit)).fetch_all(connection).await
        };
        self.connections.read(read).await?.iter().map(|row| job(column(row, "document")?)).collect()
    }

    async fn cancel_job(&self, job_id: &str) -> Result<Option<Job>, StoreError> {
        let cancel =
            || async |connection: &mut PgConnection| sqlx::query(CANCEL).bind(job_id).fetch_optional(connection).await;
        self.connections.write_idempotent(cancel).await?.map(|row| job(column(&row, "document")?)).transpose()
    }

    async fn fail_stale_jobs(&self, stale_after: Duration) -> Result<Vec<Job>, StoreError> {
        let stale_after = stale_after.as_secs_f64();
        let find =
            || async |connection: &mut PgConnection| sqlx::query(STALE).bind(stale_after).fetch_all(connection).await;
        let mut orphans = Vec::new();
        for row in self.connections.read(find).await? {
            let orphan = orphaned(column(&row, "document")?, Utc::now())?;
            let document = document(&orphan)?;
            // Not retried: a second attempt would not find the job that the first one has failed, and nobody would
            // report it.
            let fail = async |connection: &mut PgConnection| {
                sqlx::query(FAIL).bind(&orphan.job_id).bind(&document).bind(stale_after).execute(connection).await
            };
            if self.connections.write(fail).await?.rows_affected() == 1 {
                orphans.push(orphan);
            }
        }
        Ok(orphans)
    }
}

fn creation<'a>(new: &'a Job, document: &'a str) -> Query<'a, Postgres, PgArguments> {
    let query = sqlx::query(CREATE).bind(&new.job_id).bind(new.broker.as_str()).bind(&new.slot);
    query.bind(document).bind(JOBS_KEPT - 1)
}

/// Returns the reason for which a job was not created.
async fn in_the_way(connections: &Connections, new: &Job) -> Result<Created, StoreError> {
    let in_the_way = || {
        async |connection: &mut PgConnection| {
            sqlx::query(IN_THE_WAY).bind(new.broker.as_str()).bind(&new.slot).fetch_optional(connection).await
        }
    };
    // The other job may have finished meanwhile.
    let ended = || StoreError::Unavailable("the other job of the broker finished at the same time; retry".to_owned());
    let row = connections.read(in_the_way).await?.ok_or_else(ended)?;
    let other = job(column(&row, "document")?)?;
    // An earlier attempt whose response was lost has created it.
    if other.job_id == new.job_id {
        return Ok(Created::Yes);
    }
    Ok(if column(&row, "is_taken")? { Created::Taken(other) } else { Created::Busy(other) })
}
