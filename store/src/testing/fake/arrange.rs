//! Arranges faults and contents, and reads contents back.

use super::*;

impl FakeStore {
    /// Sets the maximum number of batches in progress.
    pub fn allow_batches_in_flight(&self, count: usize) {
        self.state().batches_in_flight_max = count;
    }

    /// Makes inserts wait.
    pub fn hold_inserts(&self) {
        self.inserts.forget_permits(UNLIMITED);
    }

    /// Lets `count` inserts pass.
    pub fn release_inserts(&self, count: usize) {
        self.inserts.add_permits(count);
    }

    /// Lets all inserts pass.
    pub fn release_all_inserts(&self) {
        self.release_inserts(UNLIMITED);
    }

    /// Makes reads wait.
    pub fn hold_reads(&self) {
        self.reads.forget_permits(UNLIMITED);
    }

    /// Lets all reads pass.
    pub fn release_all_reads(&self) {
        self.reads.add_permits(UNLIMITED);
    }

    /// Makes lists of loads wait.
    pub fn hold_lists(&self) {
        self.lists.forget_permits(UNLIMITED);
    }

    /// Lets all lists of loads pass.
    pub fn release_all_lists(&self) {
        self.lists.add_permits(UNLIMITED);
    }

    /// Sets the errors of the next lists of loads. Later lists succeed.
    pub fn fail_lists(&self, faults: impl IntoIterator<Item = StoreError>) {
        self.state().list_answers.extend(faults);
    }

    /// Makes deletions of old plans wait.
    pub fn hold_deletions(&self) {
        self.deletions.forget_permits(UNLIMITED);
    }

    /// Lets all deletions of old plans pass.
    pub fn release_all_deletions(&self) {
        self.deletions.add_permits(UNLIMITED);
    }

    /// Adds a profile without a call.
    pub fn put_profile(&self, profile: Profile) {
        self.state().profiles.insert(profile.profile_id.clone(), profile);
    }

    /// Removes a profile without a call.
    pub fn drop_profile(&self, profile_id: &str) {
        self.state().profiles.remove(profile_id);
    }

    /// Returns the ids of active profiles.
    pub fn active_profiles(&self) -> Vec<String> {
        let state = self.state();
        state.profiles.values().filter(|profile| profile.is_active).map(|profile| profile.profile_id.clone()).collect()
    }

    /// Makes the row of a profile unreadable.
    pub fn break_profile(&self, profile_id: &str) {
        self.state().broken_profile = Some(profile_id.to_owned());
    }

    /// Adds entries of this time to the audit log without a call.
    pub fn put_audit_entries(&self, count: usize, created_at: DateTime<Utc>) {
        let audited = &mut self.state().audited;
        audited.resize(audited.len() + count, created_at);
    }

    /// Returns the number of entries in the audit log.
    pub fn audit_entry_count(&self) -> usize {
        self.state().audited.len()
    }

    /// Makes the row of a plan unreadable.
    pub fn break_plan(&self, plan_id: &str) {
        self.state().broken_plan = Some(plan_id.to_owned());
    }

    /// Makes every call fail.
    pub fn go_down(&self) {
        self.state().fault = Some(StoreError::Unavailable("fault injected by a test".to_owned()));
    }

    /// Makes calls succeed again.
    pub fn come_up(&self) {
        self.state().fault = None;
    }

    /// Sets the results of the next inserts. Later inserts succeed.
    pub fn answer_inserts(&self, answers: impl IntoIterator<Item = Result<(), StoreError>>) {
        self.state().insert_answers.extend(answers);
    }

    /// Makes the store reject the plans of a user because of their data.
    pub fn refuse_plans_of(&self, user_id: &str) {
        self.state().refused_user = Some(user_id.to_owned());
    }

    /// Makes the next insert panic.
    pub fn panic_at_next_insert(&self) {
        self.state().panics_at_insert = true;
    }

    /// Makes the next call of a method panic.
    pub fn panic_at(&self, method: &'static str) {
        self.state().panics_at.push(method);
    }

    /// Makes `ping` hang or work again.
    pub fn hang_at_ping(&self, hangs: bool) {
        self.state().hangs_at_ping = hangs;
    }

    /// Makes `close` hang.
    pub fn hang_at_close(&self) {
        self.state().hangs_at_close = true;
    }

    /// Sets the stored catalog and its version.
    pub fn set_catalogue(&self, version: i64, rows: Vec<Row>) {
        self.state().catalogue = Some((version, rows));
    }

    /// Makes `prepare` hang.
    pub fn hang_at_prepare(&self) {
        self.state().hangs_at_prepare = true;
    }

    /// Sets the stored rejections of files.
    pub fn set_rejected_files(&self, rejected_files: Vec<RejectedFile>) {
        self.state().rejected_files = rejected_files;
    }

    /// Returns the stored values of settings by key.
    pub fn stored_settings(&self) -> BTreeMap<String, String> {
        let state = self.state();
        state.last_good.iter().filter_map(|(key, setting)| Some((key.clone(), setting.value.clone()?))).collect()
    }

    /// Stores the value of a setting as of `said_at` without a call.
    pub fn store_setting(&self, key: &str, value: Option<&str>, said_at: DateTime<Utc>) {
        self.state().last_good.insert(key.to_owned(), LastGoodSetting { value: value.map(str::to_owned), said_at });
    }
}
