//! The open connections of a listener, and the order in which idle ones are evicted.
//!
//! Every request changes the state of its connection twice, so each change takes constant time: the idle connections
//! are linked through the slots of all connections, the longest idle first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

/// The time that a connection has for its first byte before it is evicted in preference to a connection that has
/// already sent requests, and the time that it has for a head before it can be evicted.
const GRACE: Duration = Duration::from_secs(1);

/// The end of a linked list of slots.
const NONE: usize = usize::MAX;

/// Orders the task of a connection to close it if it is still idle.
#[derive(Debug, Default)]
pub(super) struct Eviction {
    is_ordered: AtomicBool,
    pub(super) waker: AtomicWaker,
}

impl Eviction {
    pub(super) fn is_ordered(&self) -> bool {
        self.is_ordered.load(Ordering::Acquire)
    }

    /// Wakes the task of the connection. Must be called without the lock of the register.
    pub(super) fn notify(&self) {
        self.waker.wake();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SlotState {
    /// A request has begun to arrive and its response is not complete.
    Busy,
    /// No byte has arrived yet.
    Fresh,
    /// A part of a head has arrived, and no more bytes can be read yet.
    Partial,
    /// The last response is complete and no byte of another request has arrived.
    Idle,
    /// Evicted, but its task has not closed it yet.
    Closing,
    /// No connection has the slot.
    Free,
}

struct Slot {
    state: SlotState,
    previous: usize,
    next: usize,
    /// When the connection was accepted, or had a part of a head.
    since: Instant,
    eviction: Arc<Eviction>,
}

#[derive(Clone, Copy)]
struct List {
    first: usize,
    last: usize,
}

impl List {
    const EMPTY: List = List { first: NONE, last: NONE };
}

/// See the [module](self).
pub(super) struct Register {
    slots: Vec<Slot>,
    free: Vec<usize>,
    fresh: List,
    partial: List,
    idle: List,
    /// The number of connections, including evicted ones that are not closed yet.
    open: usize,
    closing: usize,
    connections_max: usize,
    /// Maximum number of open connections including evicted ones that are not closed yet.
    open_max: usize,
}

#[derive(Debug)]
pub(super) struct Admission {
    pub(super) slot: usize,
    /// The connection that was evicted in favor of the new one.
    pub(super) evicted: Option<Arc<Eviction>>,
}

impl Register {
    pub(super) fn new(connections_max: usize, closing_max: usize) -> Self {
        Register {
            slots: Vec::new(),
            free: Vec::new(),
            fresh: List::EMPTY,
            partial: List::EMPTY,
            idle: List::EMPTY,
            open: 0,
            closing: 0,
            connections_max,
            open_max: connections_max + closing_max,
        }
    }

    /// Adds a new connection. If the register is full, it evicts an idle connection. Returns `None` if none is idle.
    pub(super) fn admit(&mut self, eviction: &Arc<Eviction>, now: Instant) -> Option<Admission> {
        let evicted = if self.open - self.closing < self.connections_max {
            None
        } else if self.open < self.open_max {
            Some(self.evict(now)?)
        } else {
            return None;
        };
        self.open += 1;
        let new =
            Slot { state: SlotState::Busy, previous: NONE, next: NONE, since: now, eviction: Arc::clone(eviction) };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = new;
                slot
            }
            None => {
                self.slots.push(new);
                self.slots.len() - 1
            }
        };
        self.append(slot, SlotState::Fresh);
        Some(Admission { slot, evicted })
    }

    /// Marks a connection as busy, because a byte of a request has arrived. If the connection was to be closed, it
    /// stays open, and another idle one is evicted and returned.
    pub(super) fn mark_busy(&mut self, slot: usize, now: impl FnOnce() -> Instant) -> Option<Arc<Eviction>> {
        self.take(slot);
        self.slots[slot].state = SlotState::Busy;
        self.evict_excess(now)
    }

    pub(super) fn mark_partial(&mut self, slot: usize, now: Instant) {
        self.take(slot);
        self.slots[slot].since = now;
        self.append(slot, SlotState::Partial);
    }

    /// Marks a connection as idle. Returns a connection that was evicted because more than allowed are open.
    pub(super) fn mark_idle(&mut self, slot: usize, now: impl FnOnce() -> Instant) -> Option<Arc<Eviction>> {
        self.take(slot);
        self.append(slot, SlotState::Idle);
        self.evict_excess(now)
    }

    pub(super) fn remove(&mut self, slot: usize) {
        self.take(slot);
        self.slots[slot].state = SlotState::Free;
        self.free.push(slot);
        self.open -= 1;
    }

    /// Evicts a connection without a request: one that has not sent a byte within its grace period, or else the longest
    /// idle, or else one that has not sent the rest of a head within its grace period, or else the oldest that has not
    /// sent a byte.
    pub(super) fn evict(&mut self, now: Instant) -> Option<Arc<Eviction>> {
        let is_late = |slot: &usize| self.slots.get(*slot).is_some_and(|slot| now >= slot.since + GRACE);
        let first = |list: List| (list.first != NONE).then_some(list.first);
        let slot = first(self.fresh)
            .filter(is_late)
            .or_else(|| first(self.idle))
            .or_else(|| first(self.partial).filter(is_late))
            .or_else(|| first(self.fresh))?;
        self.take(slot);
        self.closing += 1;
        let evicted = &mut self.slots[slot];
        evicted.state = SlotState::Closing;
        evicted.eviction.is_ordered.store(true, Ordering::Release);
        Some(Arc::clone(&evicted.eviction))
    }

    fn evict_excess(&mut self, now: impl FnOnce() -> Instant) -> Option<Arc<Eviction>> {
        if self.open - self.closing > self.connections_max { self.evict(now()) } else { None }
    }

    fn list(&mut self, state: SlotState) -> Option<&mut List> {
        match state {
            SlotState::Fresh => Some(&mut self.fresh),
            SlotState::Partial => Some(&mut self.partial),
            SlotState::Idle => Some(&mut self.idle),
            SlotState::Busy | SlotState::Closing | SlotState::Free => None,
        }
    }

    fn append(&mut self, slot: usize, state: SlotState) {
        let Some(list) = self.list(state) else { return };
        let last = std::mem::replace(&mut list.last, slot);
        if last == NONE {
            list.first = slot;
        } else {
            self.slots[last].next = slot;
        }
        let appended = &mut self.slots[slot];
        appended.state = state;
        appended.previous = last;
        appended.next = NONE;
    }

    /// Takes a slot out of its list, or out of the number of connections that are closing.
    fn take(&mut self, slot: usize) {
        let Slot { state, previous, next, .. } = self.slots[slot];
        if state == SlotState::Closing {
            self.closing -= 1;
            self.slots[slot].eviction.is_ordered.store(false, Ordering::Release);
        }
        let Some(list) = self.list(state) else { return };
        if previous == NONE {
            list.first = next;
        }
        if next == NONE {
            list.last = previous;
        }
        if previous != NONE {
            self.slots[previous].next = next;
        }
        if next != NONE {
            self.slots[next].previous = previous;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        register: Register,
        evictions: Vec<Arc<Eviction>>,
        now: Instant,
    }

    impl Fixture {
        fn new(connections_max: usize, closing_max: usize) -> Self {
            Fixture {
                register: Register::new(connections_max, closing_max),
                evictions: Vec::new(),
                now: Instant::now(),
            }
        }

        fn admit(&mut self) -> Option<usize> {
            let eviction = Arc::new(Eviction::default());
            let slot = self.register.admit(&eviction, self.now)?.slot;
            self.evictions.resize_with(self.evictions.len().max(slot + 1), Arc::default);
            self.evictions[slot] = eviction;
            Some(slot)
        }

        fn admit_idle(&mut self) -> usize {
            let slot = self.admit().unwrap();
            self.register.mark_busy(slot, || self.now);
            self.register.mark_idle(slot, || self.now);
            slot
        }

        fn evicted(&self) -> Vec<usize> {
            (0..self.evictions.len()).filter(|slot| self.evictions[*slot].is_ordered()).collect()
        }
    }

    #[test]
    fn the_longest_idle_connection_is_evicted_first() {
        let mut fixture = Fixture::new(3, 3);
        let [a, b, c] = [(); 3].map(|()| fixture.admit_idle());
        fixture.register.mark_busy(a, || fixture.now);
        fixture.register.mark_idle(a, || fixture.now);

        fixture.admit().unwrap();
        assert_eq!(fixture.evicted(), [b]);
        fixture.admit().unwrap();
        assert_eq!(fixture.evicted(), [b, c]);
    }

    #[test]
    fn a_connection_without_a_byte_is_evicted_after_its_grace() {
        let mut fixture = Fixture::new(2, 2);
        let idle = fixture.admit_idle();
        let silent = fixture.admit().unwrap();

        fixture.admit().unwrap();
        assert_eq!(fixture.evicted(), [idle], "a new connection may still send its first byte");
        fixture.now += GRACE;
        fixture.admit().unwrap();
        assert_eq!(fixture.evicted(), [idle, silent]);
    }

    #[test]
    fn a_slow_head_is_evicted_after_its_grace_period() {
        let mut fixture = Fixture::new(2, 2);
        let [slow, busy] = [(); 2].map(|()| fixture.admit().unwrap());
        fixture.register.mark_busy(busy, || fixture.now);
        fixture.register.mark_busy(slow, || fixture.now);
        fixture.register.mark_partial(slow, fixture.now);

        assert_eq!(fixture.admit(), None);
        fixture.now += GRACE;
        fixture.admit().unwrap();
        assert_eq!(fixture.evicted(), [slow]);
        fixture.register.mark_busy(slow, || fixture.now);
        assert_ne!(fixture.evicted(), [slow], "its head is complete after all");
    }

    #[test]
    fn busy_connections_are_never_evicted() {
        let mut fixture = Fixture::new(2, 2);
        for _ in 0..2 {
            let slot = fixture.admit().unwrap();
            fixture.register.mark_busy(slot, || fixture.now);
        }

        assert_eq!(fixture.admit(), None);
        assert_eq!(fixture.register.open, 2);
        fixture.register.remove(0);
        assert_eq!(fixture.admit(), Some(0));
    }

    #[test]
    fn a_request_of_an_evicted_connection_evicts_another_one() {
        let mut fixture = Fixture::new(2, 2);
        let [a, b] = [(); 2].map(|()| fixture.admit_idle());
        let new = fixture.admit().unwrap();
        fixture.register.mark_busy(new, || fixture.now);
        assert_eq!(fixture.evicted(), [a]);

        fixture.register.mark_busy(a, || fixture.now);

        assert_eq!(fixture.evicted(), [b]);
    }

    #[test]
    fn an_excess_connection_is_evicted_when_it_becomes_idle() {
        let mut fixture = Fixture::new(1, 1);
        let first = fixture.admit_idle();
        let second = fixture.admit().unwrap();
        fixture.register.mark_busy(second, || fixture.now);
        fixture.register.mark_busy(first, || fixture.now);
        assert_eq!(fixture.evicted(), [0; 0], "both connections are busy");
        assert_eq!(fixture.admit(), None);

        fixture.register.mark_idle(second, || fixture.now);

        assert_eq!(fixture.evicted(), [second]);
    }

    #[test]
    fn connections_that_are_not_closed_yet_are_bounded() {
        let mut fixture = Fixture::new(4, 1);
        for _ in 0..4 {
            fixture.admit_idle();
        }

        assert!(fixture.admit().is_some());
        assert_eq!(fixture.admit(), None, "the evicted connection is still open");
        fixture.register.remove(0);
        assert!(fixture.admit().is_some());
    }

    #[test]
    fn the_lists_survive_every_order_of_changes() {
        let mut fixture = Fixture::new(40, 8);
        let mut open: Vec<usize> = Vec::new();
        let mut random = 7_u32;
        for _ in 0..20_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let chosen = (random >> 8) as usize % open.len().max(1);
            match random >> 29 {
                0 | 1 => open.extend(fixture.admit()),
                2 if !open.is_empty() => drop(fixture.register.mark_busy(open[chosen], || fixture.now)),
                3 | 4 if !open.is_empty() && fixture.register.slots[open[chosen]].state == SlotState::Busy => {
                    drop(fixture.register.mark_idle(open[chosen], || fixture.now));
                }
                5 if !open.is_empty() && fixture.register.slots[open[chosen]].state == SlotState::Busy => {
                    fixture.register.mark_partial(open[chosen], fixture.now);
                }
                6 if !open.is_empty() => fixture.register.remove(open.swap_remove(chosen)),
                _ => {}
            }
            assert_eq!(fixture.register.open, open.len());
            for state in [SlotState::Fresh, SlotState::Partial, SlotState::Idle] {
                let mut linked = 0;
                let mut at = fixture.register.list(state).unwrap().first;
                while at != NONE {
                    assert_eq!(fixture.register.slots[at].state, state);
                    linked += 1;
                    at = fixture.register.slots[at].next;
                }
                assert_eq!(linked, fixture.register.slots.iter().filter(|slot| slot.state == state).count());
            }
        }
    }
}
