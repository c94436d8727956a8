//! The table `ingestion_jobs`.

use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use sqlx::SqliteConnection;

use super::super::error::StoreError;
use super::super::idempotency::{Claimed, KeyClaim};
use super::super::jobs::{Created, JOBS_KEPT, Job, JobStore, document, job, orphaned};
use super::SqliteStore;
use super::{fault, keys};

#[async_trait]
impl JobStore for SqliteStore {
    async fn create_job(&self, job: &Job) -> Result<Created, StoreError> {
        let mut transaction = self.writer.begin_with("begin immediate").await.map_err(fault)?;
        let created = insert(&mut transaction, job).await?;
        if created == Created::Yes {
            transaction.commit().await.map_err(fault)?;
        }
        Ok(created)
    }

    async fn create_keyed_job(&self, job: &Job, claim: &KeyClaim) -> Result<Created, StoreError> {
        // One transaction, which claims the key first: of two requests with one key the later one must see the response
        // of the earlier one, not its job.
        let mut transaction = self.writer.begin_with("begin immediate").await.map_err(fault)?;
        if let Claimed::Taken(answer) = keys::claim(&mut transaction, claim).await? {
            return Ok(Created::Answered(answer));
        }
        let created = insert(&mut transaction, job).await?;
        if created == Created::Yes {
            transaction.commit().await.map_err(fault)?;
        }
        Ok(created)
    }

    async fn save_job(&self, job: &Job) -> Result<bool, StoreError> {
        let is_wanted: Option<bool> = sqlx::query_scalar(
            "update ingestion_jobs set document = ?2, is_finished = ?3, heartbeat_at = ?4 \
             where job_id = ?1 and is_finished = 0 returning is_cancel_requested = 0",
        )
        .bind(&job.job_id)
        .bind(document(job)?)
        .bind(job.status.is_finished())
        .bind(Utc::now().timestamp_millis())
        .fetch_optional(&self.writer)
        .await
        .map_err(fault)?;
        Ok(is_wanted.unwrap_or(false))
    }

    async fn job(&self, job_id: &str) -> Result<Option<Job>, StoreError> {
        let document: Option<String> = sqlx::query_scalar("select document from ingestion_jobs where job_id = ?")
            .bind(job_id)
            .fetch_optional(&self.readers)
            .await
            .map_err(fault)?;
        document.as_deref().map(job).transpose()
    }

    async fn latest_jobs(&self, limit: u32) -> Result<Vec<Job>, StoreError> {
        let query = sqlx::query_scalar("select document from ingestion_jobs order by job_id desc limit ?").bind(limit);
        let documents: Vec<String> = query.fetch_all(&self.readers).await.map_err(fault)?;
        documents.iter().map(|document| job(document)).collect()
    }

    async fn cancel_job(&self, job_id: &str) -> Result<Option<Job>, StoreError> {
        let document: Option<String> =
            sqlx::query_scalar("update ingestion_jobs set is_cancel_requested = 1 where job_id = ? returning document")
                .bind(job_id)
                .fetch_optional(&self.writer)
                .await
                .map_err(fault)?;
        document.as_deref().map(job).transpose()
    }

    async fn fail_stale_jobs(&self, stale_after: Duration) -> Result<Vec<Job>, StoreError> {
        let now = Utc::now();
        let oldest = now
            .timestamp_millis()
            .saturating_sub(i64::try_from(stale_after.as_millis()).unwrap_or(i64::MAX))
            .max(self.opened_at);
        let stale: Vec<String> =
            sqlx::query_scalar("select document from ingestion_jobs where is_finished = 0 and heartbeat_at < ?")
                .bind(oldest)
                .fetch_all(&self.writer)
                .await
                .map_err(fault)?;
        let mut orphans = Vec::new();
        for document in stale {
            let orphan = orphaned(&document, now)?;
            // Only if it is still stale: its replica may have sent a heartbeat since.
            let failed = sqlx::query(
                "update ingestion_jobs set document = ?2, is_finished = 1 \
                 where job_id = ?1 and is_finished = 0 and heartbeat_at < ?3",
            )
            .bind(&orphan.job_id)
            .bind(super::super::jobs::document(&orphan)?)
            .bind(oldest)
            .execute(&self.writer)
            .await
            .map_err(fault)?;
            if failed.rows_affected() == 1 {
                orphans.push(orphan);
            }
        }
        Ok(orphans)
    }
}

/// Inserts the job and deletes old ones, unless another job prevents it.
async fn insert(transaction: &mut SqliteConnection, new: &Job) -> Result<Created, StoreError> {
    let inserted = sqlx::query(
        "insert into ingestion_jobs (job_id, broker_id, slot, is_finished, heartbeat_at, document) \
         values (?, ?, ?, 0, ?, ?) on conflict do nothing",
    )
    .bind(&new.job_id)
    .bind(new.broker.as_str())
    .bind(&new.slot)
    .bind(Utc::now().timestamp_millis())
    .bind(document(new)?)
    .execute(&mut *transaction)
    .await
    .map_err(fault)?;
    if inserted.rows_affected() == 0 {
        let in_the_way: Option<(String, bool)> = sqlx::query_as(
            "select document, slot is ?2 and ?2 is not null from ingestion_jobs \
             where broker_id = ?1 and (is_finished = 0 or slot = ?2) order by 2 desc limit 1",
        )
        .bind(new.broker.as_str())
        .bind(&new.slot)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(fault)?;
        return match in_the_way {
            Some((other, true)) => Ok(Created::Taken(job(&other)?)),
            Some((other, false)) => Ok(Created::Busy(job(&other)?)),
            None => Err(StoreError::Data("duplicate job id".to_owned())),
        };
    }
    sqlx::query(
        "delete from ingestion_jobs where broker_id = ?1 and is_finished = 1 and job_id not in \
         (select job_id from ingestion_jobs where broker_id = ?1 order by job_id desc limit ?2)",
    )
    .bind(new.broker.as_str())
    .bind(JOBS_KEPT)
    .execute(&mut *transaction)
    .await
    .map_err(fault)?;
    Ok(Created::Yes)
}
