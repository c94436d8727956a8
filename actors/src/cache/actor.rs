//! Keeps L1 within its budget, and owns the access to L2.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge};
use registry_planning::vocabulary::CacheKey;
use tokio::time::Instant;

use super::local::{Local, QueuedEntry};
use super::sharing::{Sharing, SharingEvent};
use super::{SharedCache, SharedPlan};
use crate::runtime::breaker::ForcedState;
use crate::runtime::guard::ForcedChange;
use crate::runtime::mailbox::{Behaviour, Inspection, Message, Myself, Reply};

/// Interval at which expired entries are removed. Readers check the expiry themselves; this only frees memory.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

pub(crate) enum CacheMessage {
    Inserted { key: CacheKey, generation: u64 },
    LookUp { key: CacheKey, reply: Reply<Option<String>> },
    Share { shared: SharedPlan, reply: Reply<Option<String>> },
    Sharing(SharingEvent),
    ClearExpired { reply: Reply<u64> },
    SweepDue,
    Force { forced: Option<ForcedState>, reply: Reply<Option<ForcedChange>> },
}

impl Message for CacheMessage {
    fn kind(&self) -> &'static str {
        match self {
            CacheMessage::Inserted { .. } => "inserted",
            CacheMessage::LookUp { .. } => "look_up",
            CacheMessage::Share { .. } => "share",
            CacheMessage::Sharing(event) => event.kind(),
            CacheMessage::ClearExpired { .. } => "clear_expired",
            CacheMessage::SweepDue => "sweep_due",
            CacheMessage::Force { .. } => "force",
        }
    }
}

pub(crate) struct CacheActor {
    pub(super) local: Arc<Local>,
    pub(super) byte_budget: usize,
    pub(super) shared: Option<Arc<dyn SharedCache>>,
}

pub(crate) struct State {
    me: Myself<CacheMessage>,
    /// Invariant: contains every entry of L1 that the actor knows exactly once; `bytes` is the sum of their sizes.
    queue: VecDeque<QueuedEntry>,
    bytes: usize,
    /// Entries of an earlier generation may have been counted before their message arrived.
    counted_below: u64,
    /// L2, if configured.
    sharing: Option<Sharing>,
}

impl Behaviour for CacheActor {
    type Message = CacheMessage;
    type State = State;

    fn start(&self, me: Myself<CacheMessage>) -> State {
        me.tell_after(SWEEP_EVERY, CacheMessage::SweepDue);
        let sharing = self.shared.clone().map(|shared| Sharing::new(shared, me.narrow(CacheMessage::Sharing)));
        let mut state = State { me, queue: VecDeque::new(), bytes: 0, counted_below: 0, sharing };
        self.recount(&mut state);
        state
    }

    fn handle(&self, message: CacheMessage, state: &mut State) {
        match message {
            CacheMessage::Inserted { key, generation } => self.account_for(key, generation, state),
            CacheMessage::LookUp { key, reply } => match &mut state.sharing {
                Some(sharing) => sharing.look_up(key, reply),
                None => reply.send(None),
            },
            CacheMessage::Share { shared, reply } => match &mut state.sharing {
                Some(sharing) => sharing.put(shared, reply),
                None => reply.send(None),
            },
            CacheMessage::Sharing(event) => {
                if let Some(sharing) = &mut state.sharing {
                    sharing.handle(event);
                }
            }
            CacheMessage::ClearExpired { reply } => reply.send(self.sweep(state)),
            CacheMessage::Force { forced, reply } => {
                reply.send(state.sharing.as_mut().map(|sharing| sharing.force(forced)));
            }
            CacheMessage::SweepDue => {
                self.sweep(state);
                state.me.tell_after(SWEEP_EVERY, CacheMessage::SweepDue);
            }
        }
    }

    fn inspect(&self, state: &State) -> Inspection {
        let sharing = state.sharing.as_ref();
        Inspection {
            breaker: sharing.map(|sharing| sharing.breaker_state().as_str()),
            circuit: sharing.map(Sharing::breaker_report),
            reached: sharing.map(Sharing::is_reached),
            in_flight: Some(state.queue.len()),
            tls_fault: sharing.and_then(Sharing::tls_fault).map(str::to_owned),
            loss: sharing.and_then(Sharing::loss).map(str::to_owned),
            dropped: sharing.filter(|sharing| sharing.has_full_queue()).map(|_| "puts"),
            ..Inspection::default()
        }
    }
}

impl CacheActor {
    fn account_for(&self, key: CacheKey, generation: u64, state: &mut State) {
        let Some(queued) = self.local.queued(key, generation) else { return };
        let may_be_counted = generation < state.counted_below;
        if may_be_counted && state.queue.iter().any(|other| other.generation == generation) {
            return;
        }
        // The other entries are evicted first. Otherwise a new plan would be evicted first if all of them were used
        // recently.
        state.bytes += queued.bytes;
        self.evict(state);
        state.queue.push_back(queued);
        self.evict(state);
        self.show(state);
    }

    /// Accounts for every entry whose message was lost, for example during a restart of the actor.
    fn recount(&self, state: &mut State) {
        let known: HashSet<u64> = state.queue.iter().map(|queued| queued.generation).collect();
        for queued in self.local.all() {
            if !known.contains(&queued.generation) {
                state.bytes += queued.bytes;
                state.queue.push_back(queued);
            }
        }
        state.counted_below = self.local.next_generation();
    }

    /// Evicts entries until L1 is within its budget. Entries that were used since the last round get a second chance:
    /// they move to the end of the queue.
    fn evict(&self, state: &mut State) {
        let mut spared = 0;
        while self.bytes(state) > self.byte_budget {
            let Some(queued) = state.queue.pop_front() else { return };
            // After one round every entry has had its chance. Without this limit readers could keep the queue turning.
            if spared <= state.queue.len() && self.local.take_used(queued) {
                spared += 1;
                state.queue.push_back(queued);
                continue;
            }
            state.bytes -= queued.bytes;
            if self.local.remove(queued) {
                counter!("instrument_registry_cache_operations_total", "operation" => "evict", "status" => "success")
                    .increment(1);
            }
        }
    }

    /// Removes entries that have expired or were replaced, and returns the number of removed plans.
    fn sweep(&self, state: &mut State) -> u64 {
        let now = Instant::now();
        let mut removed = 0;
        let mut bytes = 0;
        state.queue.retain(|queued| {
            if queued.expires_at <= now {
                removed += u64::from(self.local.remove(*queued));
                return false;
            }
            let is_there = self.local.queued(queued.key, queued.generation).is_some();
            bytes += if is_there { queued.bytes } else { 0 };
            is_there
        });
        state.bytes = bytes;
        if self.local.len() > state.queue.len() {
            self.recount(state);
        }
        self.evict(state);
        counter!("instrument_registry_cache_operations_total", "operation" => "expire", "status" => "success")
            .increment(removed);
        self.show(state);
        removed
    }

    /// Returns the size that counts against the budget. Aliases arrive without a message: the next entry or sweep frees
    /// memory for them.
    fn bytes(&self, state: &State) -> usize {
        state.bytes + self.local.alias_bytes()
    }

    #[allow(clippy::cast_precision_loss)]
    fn show(&self, state: &State) {
        gauge!("instrument_registry_cache_entries", "tier" => "l1").set(state.queue.len() as f64);
        gauge!("instrument_registry_cache_bytes", "tier" => "l1").set(self.bytes(state) as f64);
    }
}
