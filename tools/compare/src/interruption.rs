//! On a signal, kills all child processes; then this program fails and exits.
//!
//! Every child leads its own process group. It gets a signal from the terminal only through this module, its own child
//! processes are killed with it, and its files and databases are removed as after any other failure.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

/// The process groups of all running children, and whether a signal has arrived.
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
    /// Listens for SIGINT, SIGTERM and SIGHUP.
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

    /// Fails if a signal has arrived, so that no further step starts.
    ///
    /// # Errors
    /// A signal has arrived.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(!self.was_interrupted(), "interrupted");
        Ok(())
    }

    /// Starts a process group, which a signal kills from now on. Invariant: the leader is not reaped while it is in the
    /// list, because its id can be reused afterwards.
    pub(crate) fn start<T>(&self, start: impl FnOnce() -> anyhow::Result<(T, u32)>) -> anyhow::Result<T> {
        let mut state = self.state();
        anyhow::ensure!(!state.was_interrupted, "interrupted");
        let (started, group) = start()?;
        state.groups.insert(group);
        Ok(started)
    }

    /// Reaps the leader of a group, if it has exited: then `reap` returns `Some`.
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
        // The state is consistent even if a holder of the lock panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Kills all processes of a group. Ignores a group that no longer exists.
pub(crate) fn end(group: u32) {
    signal_group(group, Signal::KILL);
}

/// Sends SIGTERM to all processes of a group.
pub(crate) fn ask_to_end(group: u32) {
    signal_group(group, Signal::TERM);
}

fn signal_group(group: u32, signal: Signal) {
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}
