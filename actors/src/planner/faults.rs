//! Requests that panic, and planners that are held, for tests.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};

/// The step at which a request panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanicAt {
    /// While its plan is created.
    Planning,
    /// In another step of the planner.
    Handling,
}

/// The users whose requests panic, and whether planners are held.
#[derive(Default)]
pub(super) struct Faults {
    panics: Mutex<HashMap<String, PanicAt>>,
    is_held: Mutex<bool>,
    released: Condvar,
}

impl Faults {
    pub(super) fn set(&self, user_id: &str, at: PanicAt) {
        self.panics.lock().expect("the lock is never poisoned").insert(user_id.to_owned(), at);
    }

    /// Panics if a test has requested it for this step, and waits while the planners are held.
    pub(super) fn strike(&self, user_id: &str, here: PanicAt) {
        self.wait_while_held();
        let at = self.panics.lock().expect("the lock is never poisoned").get(user_id).copied();
        assert!(at != Some(here), "panic injected by a test while {here:?}");
    }

    fn wait_while_held(&self) {
        let is_held = self.is_held.lock().expect("the lock is never poisoned");
        if *is_held {
            // Other tasks of this thread go on.
            tokio::task::block_in_place(|| {
                let released = self.released.wait_while(is_held, |is_held| *is_held);
                drop(released.expect("the lock is never poisoned"));
            });
        }
    }

    pub(super) fn hold(self: &Arc<Self>) -> PlannerHold {
        *self.is_held.lock().expect("the lock is never poisoned") = true;
        PlannerHold(Arc::clone(self))
    }
}

/// Releases the planners when it is dropped.
pub(super) struct PlannerHold(Arc<Faults>);

impl Drop for PlannerHold {
    fn drop(&mut self) {
        *self.0.is_held.lock().expect("the lock is never poisoned") = false;
        self.0.released.notify_all();
    }
}
