//! The steps of a change, the same in every database.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use registry_planning::json::Json;
use registry_planning::keys::KeyList;
use registry_planning::plan::Rejection;
use registry_planning::profile::{
    Accepted, Action, ConflictStatus, DetectedConflict, Draft, Profile, Resolution, Strategy, distinct, exceeds,
    removed_from_union, resolve_conflicts,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Actor, Change, CommandOutcome, Conflict, Done, IfVersion, NewEntry, Patch, ProfileCommand, ProfileContext,
    Transaction,
};
use crate::error::StoreError;
use crate::idempotency::{Claimed, KeyClaim};
use crate::profiles::ProfileClaim;

/// The change of a profile before it is checked for conflicts.
enum Edit {
    Content(Draft),
    /// With a new expiry time, or none, if given.
    Activation(Option<Option<DateTime<Utc>>>),
}

/// Decides a change and writes it, with conflicts and audit log entries. The caller must commit after every `Ok`
/// result, and roll back after an error.
pub(crate) async fn apply(transaction: &mut dyn Transaction, change: &Change) -> Result<CommandOutcome, StoreError> {
    let Some(ProfileClaim { request, answer }) = &change.claim else { return decide(transaction, change).await };
    // The key is claimed first: of two requests with one key the later one must see the response of the earlier one,
    // not its profile. The response is not known yet.
    let claim = KeyClaim { request: Arc::clone(request), plan_id: None, answer: "null".to_owned() };
    if let Claimed::Taken(stored) = transaction.claim(&claim).await? {
        return Ok(CommandOutcome::Answered(stored));
    }
    match decide(transaction, change).await? {
        CommandOutcome::Done(done) => {
            let answer = answer(&done);
            transaction.set_answer(request, &answer).await?;
            Ok(CommandOutcome::Kept(done, answer))
        }
        // Stored conflicts are kept; the key is free for another attempt.
        other => {
            transaction.release(request).await?;
            Ok(other)
        }
    }
}

async fn decide(transaction: &mut dyn Transaction, change: &Change) -> Result<CommandOutcome, StoreError> {
    let mut work = Work { transaction, change };
    match &change.command {
        ProfileCommand::Create { profile_id, user_id, draft, profile_context } => {
            work.transaction.lock_user(user_id).await?;
            let profile = Profile {
                profile_id: profile_id.clone(),
                user_id: user_id.clone(),
                draft: Draft { instruments: distinct(&draft.instruments), ..draft.clone() },
                is_active: true,
                version: 1,
                created_at: change.now,
                updated_at: change.now,
            };
            work.resolve_and_write(None, profile, Action::Create, profile_context).await
        }
        ProfileCommand::Update { profile_id, if_version, patch, profile_context } => {
            let old = match work.locked(profile_id, if_version.as_ref()).await? {
                Ok(old) => old,
                Err(refusal) => return Ok(refusal),
            };
            let draft = patched(&old.draft, patch);
            work.edit(old, Edit::Content(draft), Action::Update, profile_context).await
        }
        ProfileCommand::Restore { profile_id, if_version, version, profile_context } => {
            let old = match work.locked(profile_id, if_version.as_ref()).await? {
                Ok(old) => old,
                Err(refusal) => return Ok(refusal),
            };
            let Some(restored) = work.transaction.version(profile_id, *version).await? else {
                return Ok(CommandOutcome::NoVersion);
            };
            let mut draft = restored.draft;
            // An expiry time that has passed is not restored; the current one is kept.
            if draft.expires_at.is_some_and(|expires_at| expires_at <= change.now) {
                draft.expires_at = old.draft.expires_at;
            }
            work.edit(old, Edit::Content(draft), Action::Restore, profile_context).await
        }
        ProfileCommand::Activate { profile_id, if_version, expires_at, profile_context } => {
            let old = match work.locked(profile_id, if_version.as_ref()).await? {
                Ok(old) => old,
                Err(refusal) => return Ok(refusal),
            };
            work.edit(old, Edit::Activation(*expires_at), Action::Activate, profile_context).await
        }
        ProfileCommand::Deactivate { profile_id, if_version } => {
            match work.locked(profile_id, if_version.as_ref()).await? {
                Ok(old) if !old.is_active => Ok(CommandOutcome::Unchanged(Box::new(old))),
                Ok(old) => work.deactivate(old, None).await,
                Err(refusal) => Ok(refusal),
            }
        }
        ProfileCommand::Expire { profile_id } => match work.locked(profile_id, None).await? {
            // Another replica may have deactivated it, or its user may have postponed its expiry.
            Ok(old) if !old.is_active || !old.is_expired(change.now) => Ok(CommandOutcome::Unchanged(Box::new(old))),
            Ok(old) => work.deactivate(old, Some("expired")).await,
            Err(refusal) => Ok(refusal),
        },
        ProfileCommand::ResolveConflict { conflict_id, status, note } => {
            work.resolve(conflict_id, *status, note.as_deref()).await
        }
    }
}

struct Work<'a> {
    transaction: &'a mut dyn Transaction,
    change: &'a Change,
}

impl Work<'_> {
    /// Reads a profile under the lock of its user. `Err` has the outcome of a change that is not possible.
    async fn locked(
        &mut self,
        profile_id: &str,
        if_version: Option<&IfVersion>,
    ) -> Result<Result<Profile, CommandOutcome>, StoreError> {
        let Some(seen) = self.transaction.profile(profile_id).await? else { return Ok(Err(CommandOutcome::NoProfile)) };
        self.transaction.lock_user(&seen.user_id).await?;
        // It may have changed before this transaction acquired the lock.
        let Some(profile) = self.transaction.profile(profile_id).await? else {
            return Ok(Err(CommandOutcome::NoProfile));
        };
        match if_version {
            Some(IfVersion(versions)) if !versions.contains(&profile.version) => {
                Ok(Err(CommandOutcome::OtherVersion(profile.version)))
            }
            _ => Ok(Ok(profile)),
        }
    }

    /// Changes an existing profile, unless it is inactive and is not being activated.
    async fn edit(
        &mut self,
        old: Profile,
        edit: Edit,
        action: Action,
        profile_context: &ProfileContext,
    ) -> Result<CommandOutcome, StoreError> {
        let now = self.change.now;
        let draft = match edit {
            Edit::Activation(expires_at) => {
                Draft { expires_at: expires_at.unwrap_or(old.draft.expires_at), ..old.draft.clone() }
            }
            Edit::Content(_) if !old.is_active => return Ok(CommandOutcome::Inactive),
            Edit::Content(draft) => draft,
        };
        if old.is_active && !old.is_expired(now) && draft == old.draft {
            return Ok(CommandOutcome::Unchanged(Box::new(old)));
        }
        if let Some(expires_at) = draft.expires_at.filter(|expires_at| *expires_at <= now) {
            return Ok(CommandOutcome::Expired(expires_at));
        }
        let new = Profile { draft, is_active: true, version: old.version + 1, updated_at: now, ..old.clone() };
        self.resolve_and_write(Some(old), new, action, profile_context).await
    }

    /// Resolves the conflicts of a profile, and writes it if the strategy accepts it. The caller holds the lock of its
    /// user.
    async fn resolve_and_write(
        &mut self,
        old: Option<Profile>,
        mut new: Profile,
        action: Action,
        profile_context: &ProfileContext,
    ) -> Result<CommandOutcome, StoreError> {
        let ProfileContext { policy, catalogue, today } = profile_context;
        let invalid = new.draft.invalid(catalogue, *today, policy.is_strict);
        // Instruments that will be removed are not compared.
        let compared = match policy.strategy {
            Strategy::Merge => without(&new.draft.instruments, &invalid),
            Strategy::LatestWins | Strategy::FailOnConflict => new.draft.instruments.clone(),
        };
        let kind = new.draft.subscription_type;
        let others =
            self.transaction.existing_profiles(&new.user_id, &new.profile_id, kind, &compared, self.change.now).await?;
        // A profile that already counts is not counted again.
        let is_one_more = old.as_ref().is_none_or(|old| !old.is_active || old.is_expired(self.change.now));
        let Resolution { mut found, accepted } = resolve_conflicts(&new.draft, policy, &invalid, &others, is_one_more);
        let Some(accepted) = accepted else { return self.refuse(&new, found, policy.strategy).await };

        let Accepted { removes_invalid, united, deactivated } = accepted;
        if removes_invalid {
            new.draft.instruments = compared;
        }
        let mut gone = Vec::with_capacity(united.len() + deactivated.len());
        for profile_id in united.iter().chain(&deactivated) {
            gone.extend(self.transaction.profile(profile_id).await?);
        }
        if !united.is_empty() {
            for profile in gone.iter().filter(|profile| united.contains(&profile.profile_id)) {
                new.draft.unite(&profile.draft);
            }
            // Instruments of the other profiles may be invalid too.
            let brought = new.draft.invalid(catalogue, *today, policy.is_strict);
            new.draft.instruments = without(&new.draft.instruments, &brought);
            found.extend(removed_from_union(&brought));
        }
        if let Some(too_many) = exceeds(&new.draft, new.draft.instruments.len(), policy.is_strict) {
            found.push(DetectedConflict {
                detail: format!("after merging with other profiles: {}", too_many.detail),
                ..too_many
            });
            return self.refuse(&new, found, policy.strategy).await;
        }

        if let Some(old) = &old
            && old.draft == new.draft
            && old.is_active
            && !old.is_expired(self.change.now)
            && gone.is_empty()
        {
            // The content is the same after invalid instruments are removed.
            return Ok(CommandOutcome::Unchanged(Box::new(old.clone())));
        }

        let conflicts: Vec<Conflict> = found
            .into_iter()
            .map(|found| self.conflict(&new, found, ConflictStatus::Resolved, Some(policy.strategy)))
            .collect();
        self.write(old.as_ref(), &new, action).await?;
        for profile in gone {
            let why = if united.contains(&profile.profile_id) { "merged_into" } else { "made_room_for" };
            self.put_out_of_use(&profile, json!({ why: new.profile_id })).await?;
        }
        for conflict in &conflicts {
            self.transaction.put_conflict(conflict).await?;
            self.audit_resolution(None, conflict).await?;
        }
        let deactivated = united.into_iter().chain(deactivated).collect();
        Ok(CommandOutcome::Done(Box::new(Done { profile: new, conflicts, deactivated })))
    }

    /// Stores the conflicts that prevent a change. They stay pending if the strategy leaves them to people.
    async fn refuse(
        &mut self,
        profile: &Profile,
        found: Vec<DetectedConflict>,
        strategy: Strategy,
    ) -> Result<CommandOutcome, StoreError> {
        let (status, by) = match strategy {
            Strategy::FailOnConflict => (ConflictStatus::Pending, None),
            Strategy::LatestWins | Strategy::Merge => (ConflictStatus::Failed, Some(strategy)),
        };
        // None of the possible resolutions was applied.
        let undone = found.into_iter().map(|found| DetectedConflict { resolution: None, ..found });
        let conflicts: Vec<Conflict> = undone.map(|found| self.conflict(profile, found, status, by)).collect();
        for conflict in &conflicts {
            self.transaction.put_conflict(conflict).await?;
        }
        Ok(CommandOutcome::Refused(conflicts))
    }

    fn conflict(
        &self,
        profile: &Profile,
        found: DetectedConflict,
        status: ConflictStatus,
        by: Option<Strategy>,
    ) -> Conflict {
        let DetectedConflict { conflict_type, detail, mut data, resolution } = found;
        data["detail"] = detail.into();
        data["profile_name"] = profile.draft.profile_name.as_str().into();
        Conflict {
            conflict_id: format!("conflict_{}", Uuid::now_v7().simple()),
            profile_id: profile.profile_id.clone(),
            user_id: profile.user_id.clone(),
            conflict_type,
            conflict_data: data,
            status,
            resolution_strategy: by.map(|strategy| strategy.as_str().to_owned()),
            resolution_data: resolution,
            created_at: self.change.now,
            resolved_at: (status != ConflictStatus::Pending).then_some(self.change.now),
        }
    }

    async fn deactivate(&mut self, old: Profile, why: Option<&str>) -> Result<CommandOutcome, StoreError> {
        let reason = why.map_or(Value::Null, |why| json!({"reason": why}));
        let profile = self.put_out_of_use(&old, reason).await?;
        Ok(CommandOutcome::Done(Box::new(Done { profile, conflicts: Vec::new(), deactivated: Vec::new() })))
    }

    async fn put_out_of_use(&mut self, old: &Profile, reason: Value) -> Result<Profile, StoreError> {
        let new = Profile { is_active: false, version: old.version + 1, updated_at: self.change.now, ..old.clone() };
        self.transaction.put(&new, Action::Deactivate, &self.actor_for(&new.user_id)).await?;
        let mut new_data = document(&new)?;
        if !reason.is_null() {
            new_data.set("deactivated", reason.into());
        }
        let entry = self.entry(&new, Action::Deactivate, Some(document(old)?), Some(new_data));
        self.transaction.audit(&entry).await?;
        Ok(new)
    }

    async fn write(&mut self, old: Option<&Profile>, new: &Profile, action: Action) -> Result<(), StoreError> {
        self.transaction.put(new, action, &self.actor_for(&new.user_id)).await?;
        let old_data = old.map(document).transpose()?;
        let entry = self.entry(new, action, old_data, Some(document(new)?));
        self.transaction.audit(&entry).await
    }

    async fn resolve(
        &mut self,
        conflict_id: &str,
        status: ConflictStatus,
        note: Option<&str>,
    ) -> Result<CommandOutcome, StoreError> {
        let Some(seen) = self.transaction.conflict(conflict_id).await? else { return Ok(CommandOutcome::NoConflict) };
        self.transaction.lock_user(&seen.user_id).await?;
        let Some(old) = self.transaction.conflict(conflict_id).await? else { return Ok(CommandOutcome::NoConflict) };
        if old.status != ConflictStatus::Pending {
            return Ok(CommandOutcome::NotPending(old.status));
        }
        let new = Conflict {
            status,
            resolution_strategy: Some("manual".to_owned()),
            resolution_data: Some(json!({"note": note, "by": self.actor_for(&old.user_id)})),
            resolved_at: Some(self.change.now),
            ..old.clone()
        };
        self.transaction.put_conflict(&new).await?;
        self.audit_resolution(Some(&old), &new).await?;
        Ok(CommandOutcome::Resolved(Box::new(new)))
    }

    /// Adds an audit log entry for a resolved conflict, which is an old one or was detected in this change.
    async fn audit_resolution(&mut self, old: Option<&Conflict>, new: &Conflict) -> Result<(), StoreError> {
        let entry = NewEntry {
            profile_id: new.profile_id.clone(),
            user_id: new.user_id.clone(),
            action: Action::ResolveConflict,
            actor: self.actor_for(&new.user_id),
            old_data: old.map(document).transpose()?,
            new_data: Some(document(new)?),
            correlation_id: self.change.correlation_id.clone(),
            created_at: self.change.now,
        };
        self.transaction.audit(&entry).await
    }

    /// Returns the originator, with the user of the profile if it is a caller.
    fn actor_for(&self, user_id: &str) -> Actor {
        let mut actor = self.change.actor.clone();
        if actor != Actor::system() && actor.user_id.is_none() {
            actor.user_id = Some(user_id.to_owned());
        }
        actor
    }

    fn entry(&self, profile: &Profile, action: Action, old_data: Option<Json>, new_data: Option<Json>) -> NewEntry {
        NewEntry {
            profile_id: profile.profile_id.clone(),
            user_id: profile.user_id.clone(),
            action,
            actor: self.actor_for(&profile.user_id),
            old_data,
            new_data,
            correlation_id: self.change.correlation_id.clone(),
            created_at: self.change.now,
        }
    }
}

fn patched(draft: &Draft, patch: &Patch) -> Draft {
    let instruments = patch.instruments.as_ref().map(distinct);
    Draft {
        profile_name: patch.profile_name.clone().unwrap_or_else(|| draft.profile_name.clone()),
        subscription_type: patch.subscription_type.unwrap_or(draft.subscription_type),
        instruments: instruments.unwrap_or_else(|| draft.instruments.clone()),
        preferences: patch.preferences.clone().unwrap_or_else(|| draft.preferences.clone()),
        validation_rules: patch.validation_rules.clone().unwrap_or_else(|| draft.validation_rules.clone()),
        max_instruments: patch.max_instruments.unwrap_or(draft.max_instruments),
        expires_at: patch.expires_at.unwrap_or(draft.expires_at),
    }
}

/// Returns the keys without the invalid ones.
fn without(keys: &KeyList, invalid: &[Rejection]) -> KeyList {
    let invalid: HashSet<&str> = invalid.iter().map(|rejection| rejection.instrument.as_str()).collect();
    keys.iter().filter(|key| !invalid.contains(key)).collect()
}

fn document(value: &impl serde::Serialize) -> Result<Json, StoreError> {
    Json::of(value).map_err(|e| StoreError::Data(e.to_string()))
}
