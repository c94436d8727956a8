//! The connections, leased one by one.
//!
//! Invariant: a connection is reused only after [`Lease::release`], when its work is done. If a lease ends in any other
//! way, its connection is closed, and the server rolls back an open transaction. The pool of sqlx 0.9.0 reuses a
//! connection whose `begin` was canceled inside the transaction: later writes through it are acknowledged and never
//! committed ([sqlx 4393](https://github.com/launchbadge/sqlx/issues/4393)). The workaround is a round trip after every
//! statement, in addition to the two of the pool. This module needs none, and it reports a refused connection at once.
//! It can be deleted when sqlx fixes the issue.
//!
//! An event that breaks one connection, such as a restart of the server or a change of its address, usually breaks the
//! others too. If a connection is lost, no older connection is leased again: a retry gets a new one.

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
use super::tls::connect_fault;

/// Maximum idle time of a connection, so that the connections of a burst are closed.
const IDLE_MAX: Duration = Duration::from_secs(600);
/// Maximum age of a connection: the memory of sessions grows, and the name of the server may resolve to another
/// address.
const AGE_MAX: Duration = Duration::from_secs(1800);
/// Time from the timeout of the server to that of the client. The server's timeout shows that nothing was done.
const GRACE: Duration = Duration::from_secs(1);
/// Maximum time to close a connection properly.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(200);

/// Maximum durations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Waiting for a permit, and connecting if no connection is idle.
    pub(crate) lease: Duration,
    /// Idle time after which a connection is pinged before it is used.
    pub(crate) fresh: Duration,
    /// A ping.
    pub(crate) ping: Duration,
    /// One statement on the server.
    pub(crate) statement: Duration,
    /// A transaction that reads or writes a whole catalog.
    pub(crate) bulk: Duration,
}

/// The limit of a transaction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    /// [`Limits::statement`] for the whole transaction: somebody waits for its result, or for a lock that it holds.
    Statement,
    /// [`Limits::bulk`].
    Bulk,
}

/// The kinds of calls, by the meaning of a failure.
#[derive(Clone, Copy, Debug)]
enum CallKind {
    Read,
    /// A read whose duration does not indicate the state of the server.
    List,
    Write,
}

impl CallKind {
    fn error(self, fault: Fault) -> StoreError {
        match self {
            CallKind::Read => fault.of_attempt(),
            CallKind::List => fault.of_list(),
            CallKind::Write => fault.of_commit(),
        }
    }

    /// Returns the error of a second attempt, after the connection died under the first one.
    fn error_of_second(self, fault: Fault) -> StoreError {
        match self {
            CallKind::Write => fault.of_second_commit(),
            CallKind::Read | CallKind::List => self.error(fault),
        }
    }

    /// Whether other connections are probably broken too.
    fn affects_all(self, fault: &Fault) -> bool {
        match fault {
            Fault::Lost(_) => true,
            Fault::TimedOut(_) => !matches!(self, CallKind::List),
            Fault::Data(_) | Fault::Undone(_) | Fault::Canceled(_) => false,
        }
    }
}

pub(super) struct Connections {
    options: PgConnectOptions,
    limits: Limits,
    /// One permit for every possible connection.
    permits: Semaphore,
    /// The idle connections, longest idle first.
    idle: Mutex<Vec<IdleConnection>>,
    /// Number of lost connections. A connection that was created at a lower number is not leased again.
    generation: AtomicU64,
}

struct IdleConnection {
    connection: PgConnection,
    origin: ConnectionOrigin,
    since: Instant,
}

/// The time and the generation at which a connection was created.
#[derive(Clone, Copy)]
struct ConnectionOrigin {
    at: Instant,
    generation: u64,
}

impl Connections {
    /// Creates the connections of a store; none is opened yet.
    pub(super) fn new(options: PgConnectOptions, limits: Limits) -> Self {
        let permits = Semaphore::new(CONNECTIONS_MAX);
        Connections { options, limits, permits, idle: Mutex::default(), generation: AtomicU64::new(0) }
    }

    /// Leases a connection.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if no connection becomes free in time or can be created; at once if it is refused.
    pub(super) async fn lease(&self) -> Result<Lease<'_>, StoreError> {
        match timeout(self.limits.lease, self.take()).await {
            Ok(lease) => lease,
            Err(_) => Err(StoreError::Unavailable(format!("timeout: no connection within {:?}", self.limits.lease))),
        }
    }

    async fn take(&self) -> Result<Lease<'_>, StoreError> {
        let closed = |_| StoreError::Unavailable("the store is closed".to_owned());
        let permit = self.permits.acquire().await.map_err(closed)?;
        let idle = self.idle().pop();
        let (connection, origin) = match self.alive(idle).await {
            Some(alive) => alive,
            None => self.make().await?,
        };
        Ok(Lease { connection, origin, until: None, home: self, _permit: permit })
    }

    async fn make(&self) -> Result<(PgConnection, ConnectionOrigin), StoreError> {
        // Read before connecting: a loss meanwhile may affect this connection too.
        let generation = self.generation();
        let connection = connect(&self.options).await?;
        Ok((connection, ConnectionOrigin { at: Instant::now(), generation }))
    }

    async fn alive(&self, idle: Option<IdleConnection>) -> Option<(PgConnection, ConnectionOrigin)> {
        let IdleConnection { mut connection, origin, since } = idle?;
        if origin.generation == self.generation()
            && (since.elapsed() < self.limits.fresh
                || matches!(timeout(self.limits.ping, connection.ping()).await, Ok(Ok(()))))
        {
            return Some((connection, origin));
        }
        // Connections that were idle for longer are broken too: one failed ping is enough.
        self.idle().retain(|other| other.since > since);
        None
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Discards all connections that were created so far, because one of them was lost.
    fn discard_all(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        let given_up = std::mem::take(&mut *self.idle());
        drop(given_up);
    }

    /// Runs one read. If the connection dies, retries it on a new one.
    pub(super) async fn read<T, W>(&self, work: impl Fn() -> W) -> Result<T, StoreError>
    where
        W: AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    {
        self.repeatedly(work, CallKind::Read).await
    }

    /// Runs one list. Differs from [`Connections::read`] if it takes too long: that is [`StoreError::Timeout`].
    pub(super) async fn list<T, W>(&self, work: impl Fn() -> W) -> Result<T, StoreError>
    where
        W: AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    {
        self.repeatedly(work, CallKind::List).await
    }

    /// Runs one idempotent statement that writes. If the connection dies, retries it on a new one.
    pub(super) async fn write_idempotent<T, W>(&self, work: impl Fn() -> W) -> Result<T, StoreError>
    where
        W: AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    {
        self.repeatedly(work, CallKind::Write).await
    }

    /// Does not retry after a timeout, which would double the waiting time of callers.
    async fn repeatedly<T, W>(&self, work: impl Fn() -> W, kind: CallKind) -> Result<T, StoreError>
    where
        W: AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    {
        let mut lease = self.lease().await?;
        let lost = match lease.bounded_as(kind, work()).await {
            Err(Fault::Lost(why)) => why,
            first => return lease.release(first.map_err(|fault| kind.error(fault))),
        };
        // Its permit may be the last one.
        drop(lease);
        let Ok(mut lease) = self.lease().await else { return Err(kind.error(Fault::Lost(lost))) };
        let second = lease.bounded_as(kind, work()).await;
        lease.release(second.map_err(|fault| kind.error_of_second(fault)))
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

    /// Leases a connection with a transaction that `statement` opens. The lease must not be released before the
    /// transaction ends. If the connection dies, opens the transaction on a new one: nothing was done.
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

    fn idle(&self) -> MutexGuard<'_, Vec<IdleConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self) -> ConnectionCounts {
        let idle = self.idle().len();
        ConnectionCounts { busy: CONNECTIONS_MAX.saturating_sub(self.permits.available_permits()), idle }
    }

    /// Creates a connection outside the permits, with options that `change` may modify.
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

    /// Closes all connections after they are released. New leases are rejected from now on.
    pub(super) async fn close(&self) {
        // Current leases may finish. Later requests for a lease queue behind this one, and are then rejected.
        let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
        let Ok(all) = self.permits.acquire_many(all).await else { return };
        self.permits.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for other in idle {
            let _ = timeout(CLOSE_TIMEOUT, other.connection.close()).await;
        }
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let connected = options.connect().await;
    connected.map_err(|fault| StoreError::Unavailable(format!("connection failed: {}", connect_fault(&fault))))
}

/// A connection for one caller. It is closed if it is dropped without [`Lease::release`].
pub(crate) struct Lease<'a> {
    connection: PgConnection,
    origin: ConnectionOrigin,
    /// The deadline of its transaction.
    until: Option<Instant>,
    home: &'a Connections,
    _permit: SemaphorePermit<'a>,
}

impl Lease<'_> {
    async fn begin(&mut self, statement: &'static str, bound: Bound) -> Result<(), Fault> {
        let limit = match bound {
            Bound::Statement => self.home.limits.statement,
            Bound::Bulk => self.home.limits.bulk,
        };
        self.until = Some(Instant::now() + limit);
        // Two statements in one message; the effect of `local` ends with the transaction.
        let sql = format!("{statement}; set local statement_timeout = {}", limit.as_millis());
        self.bounded(async |connection| sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(connection).await).await?;
        Ok(())
    }

    /// Waits for work that has no effect if the connection is lost: it reads, or is part of an open transaction.
    pub(super) async fn attempt<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        self.bounded(work).await.map_err(Fault::of_attempt)
    }

    /// Waits for work that commits: a single statement that writes, or the `commit` of a transaction.
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
        self.bounded_as(CallKind::Read, work).await
    }

    async fn bounded_as<T>(
        &mut self,
        kind: CallKind,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Fault> {
        let until = self.until.unwrap_or_else(|| Instant::now() + self.home.limits.statement) + GRACE;
        let started_at = Instant::now();
        let result = match timeout_at(until, work(&mut self.connection)).await {
            Ok(result) => result.map_err(Fault::from),
            Err(_) => Err(Fault::TimedOut(format!("timeout: no response within {:.1?}", started_at.elapsed()))),
        };
        if result.as_ref().is_err_and(|fault| kind.affects_all(fault)) {
            self.home.discard_all();
        }
        result
    }

    /// Returns the connection for reuse, if the result shows that its session is sound.
    ///
    /// A session may be unsound after any error except a data error, and inside a transaction after that one too:
    /// statements that were prepared before a migration keep failing, and a server that is read-only after a failover
    /// stays read-only.
    pub(crate) fn release<T>(self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let Lease { connection, origin, until, home, .. } = self;
        let is_sound = match &result {
            Ok(_) => true,
            Err(StoreError::Data(_)) => until.is_none(),
            Err(_) => false,
        };
        if is_sound && origin.at.elapsed() < AGE_MAX && origin.generation == home.generation() {
            let now = Instant::now();
            let mut idle = home.idle();
            idle.push(IdleConnection { connection, origin, since: now });
            if now - idle[0].since > IDLE_MAX {
                idle.remove(0);
            }
        }
        result
    }
}
