//! Faults and contents that tests arrange.

use super::*;

impl FakeStore {
    /// From now on this plan's row cannot be read.
    pub(crate) fn break_plan(&self, plan_id: &str) {
        self.state().broken_plan = Some(plan_id.to_owned());
    }

    /// From now on every call fails.
    pub(crate) fn go_down(&self) {
        self.state().fault = Some(StoreError::Unavailable("fault injected by a test".to_owned()));
    }

    pub(crate) fn come_up(&self) {
        self.state().fault = None;
    }

    /// What the next inserts answer; those after them succeed.
    pub(crate) fn answer_inserts(&self, answers: impl IntoIterator<Item = Result<(), StoreError>>) {
        self.state().insert_answers.extend(answers);
    }

    pub(crate) fn refuse_plans_of(&self, user_id: &str) {
        self.state().refused_user = Some(user_id.to_owned());
    }

    pub(crate) fn panic_at_next_insert(&self) {
        self.state().panics_at_insert = true;
    }

    /// The next call of this method panics.
    pub(crate) fn panic_at(&self, method: &'static str) {
        self.state().panics_at.push(method);
    }

    pub(crate) fn hang_at_ping(&self, hangs: bool) {
        self.state().hangs_at_ping = hangs;
    }

    pub(crate) fn hang_at_close(&self) {
        self.state().hangs_at_close = true;
    }

    pub(crate) fn set_catalogue(&self, version: i64, rows: Vec<Row>) {
        self.state().catalogue = Some((version, rows));
    }

    pub(crate) fn hang_at_prepare(&self) {
        self.state().hangs_at_prepare = true;
    }

    pub(crate) fn set_refusals(&self, refusals: Vec<Refusal>) {
        self.state().refusals = refusals;
    }

    /// What it keeps of the settings.
    pub(crate) fn kept_settings(&self) -> BTreeMap<String, String> {
        let state = self.state();
        state.last_good.iter().filter_map(|(key, said)| Some((key.clone(), said.value.clone()?))).collect()
    }

    /// Puts a setting into it behind the engine's back, as said then.
    pub(crate) fn keep_setting(&self, key: &str, value: Option<&str>, said_at: DateTime<Utc>) {
        self.state().last_good.insert(key.to_owned(), LastSaid { value: value.map(str::to_owned), said_at });
    }
}
