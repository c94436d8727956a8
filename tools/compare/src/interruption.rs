//! A signal ends everything that was started, and then this program, the ordinary way.
//!
//! Every child leads a process group of its own: a signal from the terminal reaches it only through here, whatever it has
//! started is ended with it, and what was made for it on disk and in the database is taken away as after any failure.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

/// The groups of all children that live, and whether a signal came.
#[derive(Clone, Default)]
pub(crate) struct Interruption {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    was_interrupted: bool,
    groups: BTreeSet<u32>,
}

impl Interruption {
    /// Listens for the signals that end a program.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let interruption = Self::default();
        let heard = interruption.clone();
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().context("failed to listen for signals")?;
        let mut signals = {
            let _inside = runtime.enter();
            let listen = |kind| signal(kind).context("failed to listen for signals");
            [listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?, listen(SignalKind::hangup())?]
        };
        thread::spawn(move || {
            runtime.block_on(async {
                let [interrupt, terminate, hangup] = &mut signals;
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
            });
            heard.interrupt();
        });
        Ok(interruption)
    }

    fn interrupt(&self) {
        let mut state = self.state();
        state.was_interrupted = true;
        for group in &state.groups {
            end(*group);
        }
    }

    pub(crate) fn was_interrupted(&self) -> bool {
        self.state().was_interrupted
    }

    /// # Errors
    /// After a signal: nothing more is begun.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(!self.was_interrupted(), "interrupted");
        Ok(())
    }

    /// Starts a process group, which is ended by a signal from now on. Invariant: its leader is not reaped while it is
    /// listed, for the number may be another's after that.
    pub(crate) fn start<T>(&self, start: impl FnOnce() -> anyhow::Result<(T, u32)>) -> anyhow::Result<T> {
        let mut state = self.state();
        anyhow::ensure!(!state.was_interrupted, "interrupted");
        let (started, group) = start()?;
        state.groups.insert(group);
        Ok(started)
    }

    /// Reaps the leader of a group if it has ended; true of `reap` says that it has.
    pub(crate) fn reap<T>(
        &self,
        group: u32,
        reap: impl FnOnce() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<Option<T>> {
        let mut state = self.state();
        let reaped = reap()?;
        if reaped.is_some() {
            state.groups.remove(&group);
        }
        Ok(reaped)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in there is half done when a holder panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends all of a group at once. One that is gone is ended.
pub(crate) fn end(group: u32) {
    signal_group(group, Signal::KILL);
}

/// Asks all of a group to end.
pub(crate) fn ask_to_end(group: u32) {
    signal_group(group, Signal::TERM);
}

fn signal_group(group: u32, signal: Signal) {
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}
