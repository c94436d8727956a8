//! Requests that panic, for tests.

use std::collections::HashMap;
use std::sync::Mutex;

/// The step at which a request panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanicAt {
    /// While its plan is created.
    Planning,
    /// In another step of the planner.
    Handling,
}

/// The users whose requests panic.
#[derive(Default)]
pub(super) struct Faults(Mutex<HashMap<String, PanicAt>>);

impl Faults {
    pub(super) fn set(&self, user_id: &str, at: PanicAt) {
        self.0.lock().expect("the lock is never poisoned").insert(user_id.to_owned(), at);
    }

    /// Panics if a test has requested it for this step.
    pub(super) fn strike(&self, user_id: &str, here: PanicAt) {
        let at = self.0.lock().expect("the lock is never poisoned").get(user_id).copied();
        assert!(at != Some(here), "panic injected by a test while {here:?}");
    }
}
