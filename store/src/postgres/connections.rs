//! The connections, lent one by one.
//!
//! Invariant: a connection comes back only by [`Lease::release`], when its work is done. Whatever else becomes of a lease
//! closes its connection, and the server rolls back what was open. sqlx's own pool takes a connection back whose `begin`
//! was cancelled, inside the transaction: what is written through it later is acknowledged and never committed
//! ([sqlx 4393](https://github.com/launchbadge/sqlx/issues/4393)). The cure there is one more round trip after every
//! statement, beside the pool's own two; this way there is none, and a refused port is told at once.
//!
//! Whatever ends one connection, a restart of the server or a change of its address, mostly ends the others too. So if a
//! connection is lost, no connection that was made before is lent again: a retry gets a new one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

use super::super::error::StoreError;
use super::super::store::ConnectionCounts;
use super::CONNECTIONS_MAX;
use super::fault::Fault;

/// A connection that rested longer is closed, so that a burst's connections do not stay.
const REST_MAX: Duration = Duration::from_secs(600);
/// A connection that is older is not used again: sessions of a server grow, and its name may point elsewhere by then.
const AGE_MAX: Duration = Duration::from_secs(1800);
/// How much later than the server's own timeout, which says for certain that nothing was done, the client's comes.
const GRACE: Duration = Duration::from_secs(1);
/// Saying goodbye is a courtesy.
const GOODBYE: Duration = Duration::from_millis(200);

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Until a caller has a connection: a free place, and where none rests, connecting.
    pub(crate) lease: Duration,
    /// How long a connection may rest before it is asked for a sign of life.
    pub(crate) fresh: Duration,
    /// That sign of life.
    pub(crate) ping: Duration,
    /// The server's work on one statement.
    pub(crate) statement: Duration,
    /// A transaction that moves a whole catalogue.
    pub(crate) bulk: Duration,
}

/// Which of the [`Limits`] a transaction has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    /// [`Limits::statement`], for the whole of it: somebody waits for its answer, or for a lock that it holds.
    Statement,
    /// [`Limits::bulk`].
    Bulk,
}

pub(super) struct Connections {
    options: PgConnectOptions,
    limits: Limits,
    /// One permit for every connection there may be.
    places: Semaphore,
    /// Those at rest, the one that rests longest first.
    resting: Mutex<Vec<Resting>>,
    /// Counts the connections that were lost. One that was made under an older count is not lent again.
    generation: AtomicU64,
}

struct Resting {
    connection: PgConnection,
    made: Made,
    since: Instant,
}

/// When a connection was made.
#[derive(Clone, Copy)]
struct Made {
    at: Instant,
    generation: u64,
}

impl Connections {
    /// Connects nothing yet.
    pub(super) fn new(options: PgConnectOptions, limits: Limits) -> Self {
        let places = Semaphore::new(CONNECTIONS_MAX);
        Connections { options, limits, places, resting: Mutex::default(), generation: AtomicU64::new(0) }
    }

    /// Lends a connection.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where none came free in time, or none can be made: at once where the port is refused.
    pub(super) async fn lease(&self) -> Result<Lease<'_>, StoreError> {
        match timeout(self.limits.lease, self.take()).await {
            Ok(lease) => lease,
            Err(_) => Err(StoreError::Unavailable(format!("timeout: no connection within {:?}", self.limits.lease))),
        }
    }

    async fn take(&self) -> Result<Lease<'_>, StoreError> {
        let closed = |_| StoreError::Unavailable("the store is closed".to_owned());
        let place = self.places.acquire().await.map_err(closed)?;
        let rested = self.resting().pop();
        let (connection, made) = match self.alive(rested).await {
            Some(alive) => alive,
            None => self.make().await?,
        };
        Ok(Lease { connection, made, until: None, home: self, _place: place })
    }

    async fn make(&self) -> Result<(PgConnection, Made), StoreError> {
        // Read before connecting: a loss meanwhile may affect this connection too.
        let generation = self.generation();
        let connection = connect(&self.options).await?;
        Ok((connection, Made { at: Instant::now(), generation }))
    }

    async fn alive(&self, rested: Option<Resting>) -> Option<(PgConnection, Made)> {
        let Resting { mut connection, made, since } = rested?;
        if made.generation == self.generation()
            && (since.elapsed() < self.limits.fresh
                || matches!(timeout(self.limits.ping, connection.ping()).await, Ok(Ok(()))))
        {
            return Some((connection, made));
        }
        // Those that rested as long have met the same end: one ping in vain is enough.
        self.resting().retain(|other| other.since > since);
        None
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Gives up all connections made so far: one of them was lost.
    fn give_up_all(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        let given_up = std::mem::take(&mut *self.resting());
        drop(given_up);
    }

    /// Runs one read. If the connection dies, retries it on a new one.
    pub(super) async fn read<T, W>(&self, work: impl Fn() -> W) -> Result<T, StoreError>
    where
        W: AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    {
        self.repeatedly(work, Fault::of_attempt).await
    }

    /// Runs one idempotent statement that writes. If the connection dies under it, runs it once more on a new one: done
    /// twice, it leaves behind what it leaves when done once.
    pub(super) async fn write_idempotent<T, W>(&self, work: impl Fn() -> W) -> Result<T, StoreError>
    where
        W: AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    {
        self.repeatedly(work, Fault::of_commit).await
    }

    /// A server that is silent is not asked again: that would double the time until its callers are told.
    async fn repeatedly<T, W>(&self, work: impl Fn() -> W, told: fn(Fault) -> StoreError) -> Result<T, StoreError>
    where
        W: AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    {
        let mut lease = self.lease().await?;
        let lost = match lease.bounded(work()).await {
            Err(Fault::Lost(why)) => why,
            first => return lease.release(first.map_err(told)),
        };
        // Its place may be the last one.
        drop(lease);
        // The second attempt does not show the outcome of the first, unless the database rejects the data.
        let Ok(mut lease) = self.lease().await else { return Err(told(Fault::Lost(lost))) };
        let second = lease.bounded(work()).await;
        lease.release(second.map_err(|fault| match fault {
            Fault::Data(why) => told(Fault::Data(why)),
            Fault::Undone(why) | Fault::Lost(why) | Fault::Silent(why) => told(Fault::Lost(why)),
        }))
    }

    /// Runs one statement that writes, once.
    pub(super) async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let mut lease = self.lease().await?;
        let written = lease.commit(work).await;
        lease.release(written)
    }

    /// Lends a connection with a transaction that `statement` has opened. The lease must not be released before the
    /// transaction is over. If the connection dies over it, opens it on a new one: nothing was done.
    pub(super) async fn begin(&self, statement: &'static str, bound: Bound) -> Result<Lease<'_>, StoreError> {
        let mut lease = self.lease().await?;
        match lease.begin(statement, bound).await {
            Ok(()) => return Ok(lease),
            Err(Fault::Lost(_)) => drop(lease),
            Err(fault) => return Err(fault.of_attempt()),
        }
        let mut lease = self.lease().await?;
        lease.begin(statement, bound).await.map_err(Fault::of_attempt)?;
        Ok(lease)
    }

    fn resting(&self) -> MutexGuard<'_, Vec<Resting>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self) -> ConnectionCounts {
        let idle = self.resting().len();
        ConnectionCounts { busy: CONNECTIONS_MAX.saturating_sub(self.places.available_permits()), idle }
    }

    /// Makes a connection that is nobody else's, with other options where `change` says so.
    pub(super) async fn connect_apart(
        &self,
        change: impl FnOnce(PgConnectOptions) -> PgConnectOptions,
    ) -> Result<PgConnection, StoreError> {
        let options = change(self.options.clone());
        let connecting = timeout(self.limits.lease, connect(&options)).await;
        connecting.unwrap_or_else(|_| {
            Err(StoreError::Unavailable(format!("timeout: no connection within {:?}", self.limits.lease)))
        })
    }

    /// Ends all connections once they have come back. Leases asked for from now on are refused.
    pub(super) async fn close(&self) {
        // Whoever has a lease may finish; whoever comes after waits behind this, and is refused then.
        let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
        let Ok(all) = self.places.acquire_many(all).await else { return };
        self.places.close();
        drop(all);
        let resting = std::mem::take(&mut *self.resting());
        for rested in resting {
            let _ = timeout(GOODBYE, rested.connection.close()).await;
        }
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    options.connect().await.map_err(|e| StoreError::Unavailable(format!("connection failed: {e}")))
}

/// A connection for one caller. Dropped without [`Lease::release`], it is closed.
pub(crate) struct Lease<'a> {
    connection: PgConnection,
    made: Made,
    /// When its transaction must be over.
    until: Option<Instant>,
    home: &'a Connections,
    _place: SemaphorePermit<'a>,
}

impl Lease<'_> {
    async fn begin(&mut self, statement: &'static str, bound: Bound) -> Result<(), Fault> {
        let limit = match bound {
            Bound::Statement => self.home.limits.statement,
            Bound::Bulk => self.home.limits.bulk,
        };
        self.until = Some(Instant::now() + limit);
        // Two statements in one message; `local` ends with the transaction.
        let sql = format!("{statement}; set local statement_timeout = {}", limit.as_millis());
        self.bounded(async |connection| sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(connection).await).await?;
        Ok(())
    }

    /// Waits for work whose loss leaves nothing behind: it reads, or is part of a transaction that is still open.
    pub(super) async fn attempt<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        self.bounded(work).await.map_err(Fault::of_attempt)
    }

    /// Waits for work that commits: a single statement that writes, or a transaction's `commit`.
    pub(super) async fn commit<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        self.bounded(work).await.map_err(Fault::of_commit)
    }

    async fn bounded<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Fault> {
        let until = self.until.unwrap_or_else(|| Instant::now() + self.home.limits.statement) + GRACE;
        let started_at = Instant::now();
        let result = match timeout_at(until, work(&mut self.connection)).await {
            Ok(result) => result.map_err(Fault::from),
            Err(_) => Err(Fault::Silent(format!("timeout: no response within {:.1?}", started_at.elapsed()))),
        };
        if matches!(result, Err(Fault::Lost(_) | Fault::Silent(_))) {
            self.home.give_up_all();
        }
        result
    }

    /// Gives the connection back, if the result says that the session is sound.
    ///
    /// A session may be unsound after any error but one of the data, and after that too inside a transaction: statements
    /// that were prepared before a migration fail for ever, and a server that only reads since a failover stays so.
    pub(crate) fn release<T>(self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let Lease { connection, made, until, home, .. } = self;
        let is_sound = match &result {
            Ok(_) => true,
            Err(StoreError::Data(_)) => until.is_none(),
            Err(_) => false,
        };
        if is_sound && made.at.elapsed() < AGE_MAX && made.generation == home.generation() {
            let now = Instant::now();
            let mut resting = home.resting();
            resting.push(Resting { connection, made, since: now });
            if now - resting[0].since > REST_MAX {
                resting.remove(0);
            }
        }
        result
    }
}
