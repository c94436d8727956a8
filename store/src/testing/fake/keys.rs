//! Idempotency keys of the fake.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use registry_planning::plan::Plan;

use super::FakeStore;
use crate::idempotency::{Claimed, KeyClaim, KeyedPlan, StoredAnswer};
use crate::jobs::{Created, Job};
use crate::{JobStore, StoreError};

#[derive(Default)]
pub(super) struct Keys {
    kept: BTreeMap<(String, String), (StoredAnswer, DateTime<Utc>)>,
    /// Number of rows of each write.
    writes: Vec<usize>,
    /// Number of further writes that are stored but report an unknown outcome.
    answers_to_lose: u32,
}

impl Keys {
    pub(super) fn get(&self, scope: &str, key: &str, now: DateTime<Utc>) -> Option<StoredAnswer> {
        let (answer, expires_at) = self.kept.get(&(scope.to_owned(), key.to_owned()))?;
        (*expires_at > now).then(|| answer.clone())
    }

    pub(super) fn claim(&mut self, claim: &KeyClaim) -> Claimed {
        let KeyClaim { request, answer, .. } = claim;
        if let Some(taken) = self.get(&request.scope, &request.key, request.now) {
            return Claimed::Taken(taken);
        }
        let stored = StoredAnswer { digest: request.digest, answer: answer.clone() };
        self.kept.insert((request.scope.clone(), request.key.clone()), (stored, request.expires_at()));
        Claimed::Stored
    }

    pub(super) fn delete_expired(&mut self, now: DateTime<Utc>, limit: u32) -> u64 {
        let expired = self.kept.iter().filter(|(_, (_, expires_at))| *expires_at <= now).take(limit as usize);
        let expired: Vec<_> = expired.map(|(name, _)| name.clone()).collect();
        expired.iter().for_each(|name| drop(self.kept.remove(name)));
        expired.len() as u64
    }
}

impl FakeStore {
    /// Returns the number of rows of each write of responses.
    pub fn keyed_writes(&self) -> Vec<usize> {
        self.state().keys.writes.clone()
    }

    /// Makes the next `writes` of responses succeed but report an unknown outcome.
    pub fn lose_answers(&self, writes: u32) {
        self.state().keys.answers_to_lose = writes;
    }

    pub(super) async fn create_keyed(&self, job: &Job, claim: &KeyClaim) -> Result<Created, StoreError> {
        self.inserts.acquire().await.unwrap().forget();
        if let Some(answer) = self.answer()?.keys.get(&claim.request.scope, &claim.request.key, claim.request.now) {
            return Ok(Created::Answered(answer));
        }
        let created = self.create_job(job).await?;
        if created == Created::Yes {
            self.answer()?.keys.claim(claim);
        }
        Ok(created)
    }

    pub(super) async fn insert_keyed(&self, rows: &[KeyedPlan]) -> Result<Vec<Claimed>, StoreError> {
        self.state().keys.writes.push(rows.len());
        self.inserts.acquire().await.unwrap().forget();
        let (before, claimed) = {
            let mut state = self.answer()?;
            let before = state.keys.kept.clone();
            (before, rows.iter().map(|row| state.keys.claim(&row.claim)).collect::<Vec<_>>())
        };
        let won = rows.iter().zip(&claimed).filter(|(_, claimed)| **claimed == Claimed::Stored);
        let new: Vec<Arc<Plan>> = won.filter_map(|(row, _)| row.plan.clone()).collect();
        if let Err(fault) = self.insert(&new) {
            self.state().keys.kept = before;
            return Err(fault);
        }
        let left = &mut self.state().keys.answers_to_lose;
        if *left > 0 {
            *left -= 1;
            return Err(StoreError::UnknownOutcome("fault injected by a test".to_owned()));
        }
        Ok(claimed)
    }
}
