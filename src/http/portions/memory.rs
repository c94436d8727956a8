//! The memory for documents of all responses together. Lists wait for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use registry_actors::trace::{Stage, measured_async};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::http::problem::Problem;

/// Maximum size of the documents that all responses together have in memory, in KiB.
pub(super) const MEMORY_KIB_MAX: u32 = 16 << 10;
/// Maximum time for which a list normally waits. Above it the check `list_memory` is degraded.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(2);

/// Maximum size of the large responses that are written as a whole, and of the plans whose subscriptions are sent, in
/// KiB.
const WHOLE_KIB_MAX: u32 = 32 << 10;

pub(super) static MEMORY: Pool = Pool::new(MEMORY_KIB_MAX);
/// The portions of a list wait for [`MEMORY`] while the list holds a share of this memory, so they are different ones:
/// lists that wait for each other would never end.
pub(super) static WHOLE: Pool = Pool::new(WHOLE_KIB_MAX);

/// Returns the load of the memory for documents and large responses.
pub(crate) fn memory_load() -> MemoryLoad {
    MEMORY.load().and(WHOLE.load())
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MemoryLoad {
    /// The number of bytes that responses have.
    pub(crate) bytes: usize,
    pub(crate) bytes_max: usize,
    pub(crate) waiting: usize,
    /// The time for which the first of them has waited, or zero.
    pub(crate) oldest_wait: Duration,
}

impl MemoryLoad {
    pub(super) fn and(self, other: MemoryLoad) -> MemoryLoad {
        MemoryLoad {
            bytes: self.bytes + other.bytes,
            bytes_max: self.bytes_max + other.bytes_max,
            waiting: self.waiting + other.waiting,
            oldest_wait: self.oldest_wait.max(other.oldest_wait),
        }
    }
}

/// A bounded size of memory.
pub(super) struct Pool {
    /// One permit for each KiB.
    permits: Semaphore,
    kib: u32,
    queue: Mutex<Queue>,
}

/// The times since which lists wait, by their numbers.
struct Queue {
    next: u64,
    since: BTreeMap<u64, Instant>,
}

impl Pool {
    pub(super) const fn new(kib: u32) -> Self {
        let queue = Mutex::new(Queue { next: 0, since: BTreeMap::new() });
        Pool { permits: Semaphore::const_new(kib as usize), kib, queue }
    }

    /// Returns the permits for a size: at least one, and at most all.
    fn permits_for(&self, bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).clamp(1, self.kib)
    }

    pub(super) fn load(&self) -> MemoryLoad {
        let kib = self.kib as usize;
        let used = kib.saturating_sub(self.permits.available_permits());
        let queue = self.queue();
        MemoryLoad {
            bytes: used << 10,
            bytes_max: kib << 10,
            waiting: queue.since.len(),
            oldest_wait: queue.since.values().next().map_or(Duration::ZERO, Instant::elapsed),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_to_wait(&self) -> QueueGuard<'_> {
        let mut queue = self.queue();
        let number = queue.next;
        queue.next += 1;
        queue.since.insert(number, Instant::now());
        QueueGuard { pool: self, number }
    }
}

/// A list that waits. It leaves the queue when it is dropped.
struct QueueGuard<'p> {
    pool: &'p Pool,
    number: u64,
}

impl Drop for QueueGuard<'_> {
    fn drop(&mut self) {
        self.pool.queue().since.remove(&self.number);
    }
}

/// A share of the memory, released when it is dropped.
pub(in crate::http) struct Memory {
    pool: &'static Pool,
    share: SemaphorePermit<'static>,
}

impl Memory {
    /// Waits for a share. The lists that wait get their shares in the order of their arrival.
    ///
    /// # Errors
    /// 503 at the deadline.
    pub(super) async fn reserve(pool: &'static Pool, bytes: u64, deadline: Instant) -> Result<Self, Problem> {
        let permits = pool.permits_for(bytes);
        if let Ok(share) = pool.permits.try_acquire_many(permits) {
            return Ok(Memory { pool, share });
        }
        let _waiting = pool.begin_to_wait();
        let share = tokio::time::timeout_at(deadline.into(), pool.permits.acquire_many(permits));
        let share = measured_async(Stage::Queue, share).await;
        // The semaphore is never closed.
        let share = share.ok().and_then(Result::ok).ok_or_else(Problem::overloaded)?;
        Ok(Memory { pool, share })
    }

    /// Whether the share is large enough. The share of all memory is large enough for everything.
    pub(super) fn is_enough_for(&self, bytes: u64) -> bool {
        self.share.num_permits() >= self.pool.permits_for(bytes) as usize
    }

    /// Adapts the share to rows that were read. A row that is larger than the share does not wait for more, because it
    /// is in memory already.
    pub(super) fn resize(&mut self, bytes: u64) {
        let (has, needs) = (self.share.num_permits(), self.pool.permits_for(bytes) as usize);
        if has > needs {
            drop(self.share.split(has - needs));
        } else if let Ok(more) = self.pool.permits.try_acquire_many(u32::try_from(needs - has).unwrap_or(u32::MAX)) {
            self.share.merge(more);
        }
    }
}
