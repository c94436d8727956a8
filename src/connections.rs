//! Open connections: their number, their deadlines, and the eviction when too many are open.
//!
//! A caller without a key can open connections too, so a connection must not cost anything for long. The head of the
//! first request must arrive within 10 s of the connection, the head of a later one within 10 s of its first byte, and
//! a response must be read without a pause of 30 s. Between two requests a connection may be idle for 100 s. hyper has
//! one timeout for idle time and head together, so these deadlines are checked here, below hyper, in [`BoundedStream`].
//!
//! If the maximum number of connections is open, a new one takes the place of an idle one. A connection is idle if no
//! byte of a request has arrived since the last response was handed to the operating system. If none is idle, a head
//! that is incomplete for a second makes way too, because nothing of its request has been done. The task of the evicted
//! connection closes it, and only if the socket has no byte to read at that moment; otherwise it serves the request and
//! another idle connection is evicted. Two cases remain: a request that is on its way through the network while the
//! connection is closed, as with every timeout of idle connections, and a client that sends the end of one request and
//! a part of the next in one packet. If no connection can be evicted, the new one is refused.

pub(crate) mod descriptors;
mod exchange;
mod register;

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum_server::accept::Accept;
use metrics::{Gauge, counter, gauge};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::warn;

use self::exchange::TrackedService;
use self::register::{Admission, Eviction, Register};
use crate::closing::LateEnd;
use crate::http::ThrottledLog;
use crate::metrics::{
    ACCEPT_ERRORS, CONNECTIONS_EVICTED, CONNECTIONS_MAX, CONNECTIONS_OPEN, CONNECTIONS_REFUSED, CONNECTIONS_TIMED_OUT,
    LATE_REQUEST, UNREAD_RESPONSE,
};

/// Minimum rate at which a client must read a response that fills the buffer of its socket. The part of a response that
/// is being sent needs memory, and other responses wait for it.
const READ_BYTES_PER_SECOND_MIN: f64 = 16_384.0;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connections_max: usize,
    /// The timeout for the head of a request, from the accept of the connection or the first byte of a later request.
    pub(crate) head_within: Duration,
    /// The timeout for the first byte of the next request.
    pub(crate) idle_within: Duration,
    /// The timeout for a client that does not read its response.
    pub(crate) write_within: Duration,
    /// The time for which a client may be slower than [`READ_BYTES_PER_SECOND_MIN`].
    pub(crate) lag_max: Duration,
}

impl Limits {
    pub(crate) const fn new(connections_max: usize) -> Self {
        Limits {
            connections_max,
            head_within: Duration::from_secs(10),
            // Clients keep idle connections for 90 s. With a shorter timeout, a connection could be closed just when it
            // is used again.
            idle_within: Duration::from_secs(100),
            write_within: Duration::from_secs(30),
            lag_max: Duration::from_secs(60),
        }
    }
}

/// Returns the maximum number of evicted connections that are not closed yet, if `connections_max` may be open. In a
/// burst, connections are accepted before the tasks of the evicted ones run.
pub(crate) const fn closing_max(connections_max: usize) -> usize {
    connections_max / 8 + 1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EvictionCause {
    Maximum,
    /// The operating system has no free file descriptor.
    Descriptors,
}

/// Accepts connections up to a limit, and evicts idle ones.
#[derive(Clone)]
pub(crate) struct BoundedAcceptor(Arc<Listener>);

struct Listener {
    /// The name in logs and metrics.
    name: &'static str,
    limits: Limits,
    register: Mutex<Register>,
    open: Gauge,
    log: ThrottledLog,
}

impl BoundedAcceptor {
    pub(crate) fn new(name: &'static str, limits: Limits) -> Self {
        let connections_max = limits.connections_max;
        gauge!(CONNECTIONS_MAX, "listener" => name).set(connections_max as f64);
        let open = gauge!(CONNECTIONS_OPEN, "listener" => name);
        open.set(0);
        let register = Mutex::new(Register::new(connections_max, closing_max(connections_max)));
        BoundedAcceptor(Arc::new(Listener { name, limits, register, open, log: ThrottledLog::default() }))
    }

    /// Counts and logs a failed `accept`. Without a free file descriptor, an idle connection is evicted.
    pub(crate) fn note_error(&self, fault: &io::Error) {
        let listener = &*self.0;
        counter!(ACCEPT_ERRORS).increment(1);
        if let Some(untold) = listener.log.note("accept", Instant::now().into()) {
            warn!(listener = listener.name, %fault, untold, "failed to accept a connection");
        }
        let has_no_descriptor = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error).map(Some);
        if has_no_descriptor.contains(&fault.raw_os_error()) {
            let evicted = listener.lock().evict(Instant::now());
            listener.conclude_eviction(evicted, EvictionCause::Descriptors);
        }
    }
}

impl Listener {
    fn lock(&self) -> MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the task of an evicted connection, and counts and logs it.
    fn conclude_eviction(&self, evicted: Option<Arc<Eviction>>, cause: EvictionCause) {
        let Some(evicted) = evicted else { return };
        evicted.notify();
        counter!(CONNECTIONS_EVICTED).increment(1);
        let (listener, now) = (self.name, Instant::now().into());
        match cause {
            EvictionCause::Maximum => {
                if let Some(untold) = self.log.note("evicted", now) {
                    let maximum = self.limits.connections_max;
                    warn!(listener, maximum, untold, "too many connections: closing the longest idle one");
                }
            }
            EvictionCause::Descriptors => {
                if let Some(untold) = self.log.note("no_descriptor", now) {
                    warn!(listener, untold, "no free file descriptor: closing the longest idle connection");
                }
            }
        }
    }

    fn refuse(&self) -> io::Error {
        counter!(CONNECTIONS_REFUSED).increment(1);
        if let Some(untold) = self.log.note("refused", Instant::now().into()) {
            let maximum = self.limits.connections_max;
            warn!(listener = self.name, maximum, untold, "too many connections and none idle: refusing a connection");
        }
        io::Error::new(io::ErrorKind::ConnectionRefused, "too many open connections")
    }
}

impl<I, S> Accept<I, S> for BoundedAcceptor {
    type Stream = BoundedStream<LateEnd<I>>;
    type Service = TrackedService<S>;
    type Future = std::future::Ready<io::Result<(Self::Stream, TrackedService<S>)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let listener = &self.0;
        let eviction = Arc::default();
        let now = Instant::now();
        let admitted = listener.lock().admit(&eviction, now);
        std::future::ready(match admitted {
            Some(Admission { slot, evicted }) => {
                listener.open.increment(1);
                listener.conclude_eviction(evicted, EvictionCause::Maximum);
                let connection = Arc::new(Connection {
                    listener: Arc::clone(listener),
                    slot,
                    eviction,
                    phase: AtomicU8::new(Phase::Fresh as u8),
                    exchanges: AtomicU32::new(0),
                });
                let tracked = TrackedService::new(service, Arc::clone(&connection));
                Ok((BoundedStream::new(LateEnd::new(stream), connection, now), tracked))
            }
            None => Err(listener.refuse()),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// No byte has arrived.
    Fresh,
    /// Bytes of the head of a request have arrived.
    Head,
    /// A part of the head has arrived, and no more bytes can be read yet.
    PartialHead,
    /// A request is being handled, or the body of its response is not complete.
    InFlight,
    /// The response is complete, but it is not written yet.
    Answered,
    /// The response is written, and no byte of the next request has arrived.
    Idle,
}

impl Phase {
    const ALL: [Phase; 6] =
        [Phase::Fresh, Phase::Head, Phase::PartialHead, Phase::InFlight, Phase::Answered, Phase::Idle];
}

/// The state that the stream and the service of a connection share. Only the task of the connection changes the phase.
struct Connection {
    listener: Arc<Listener>,
    slot: usize,
    eviction: Arc<Eviction>,
    phase: AtomicU8,
    /// The number of requests so far, which wraps around.
    exchanges: AtomicU32,
}

impl Connection {
    fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.phase.load(Ordering::Relaxed))]
    }

    fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    fn receive(&self) {
        if matches!(self.phase(), Phase::Fresh | Phase::Idle) {
            self.leave_idle(Phase::Head);
        }
    }

    /// Records that the head of a request is complete.
    fn begin_exchange(&self) {
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        // hyper may have read this request together with the last one, so that the connection is idle.
        if matches!(self.phase(), Phase::Fresh | Phase::PartialHead | Phase::Idle) {
            self.leave_idle(Phase::InFlight);
        } else {
            self.set_phase(Phase::InFlight);
        }
    }

    /// Records that the head of a request is not complete.
    fn wait_for_head(&self) {
        self.set_phase(Phase::PartialHead);
        self.listener.lock().mark_partial(self.slot, Instant::now());
    }

    fn leave_idle(&self, phase: Phase) {
        self.set_phase(phase);
        let evicted = self.listener.lock().mark_busy(self.slot, Instant::now);
        self.listener.conclude_eviction(evicted, EvictionCause::Maximum);
    }

    /// Records that hyper has the whole response.
    fn end_exchange(&self) {
        if self.phase() == Phase::InFlight {
            self.set_phase(Phase::Answered);
        }
    }

    /// Records that everything that hyper had is written.
    fn become_idle(&self) {
        self.set_phase(Phase::Idle);
        let evicted = self.listener.lock().mark_idle(self.slot, Instant::now);
        self.listener.conclude_eviction(evicted, EvictionCause::Maximum);
    }
}

/// A connection with a place among the open ones, until it is dropped.
pub(crate) struct BoundedStream<I> {
    stream: I,
    connection: Arc<Connection>,
    wait: WaitDeadline,
    /// The deadline for the client to read more of the response, while the socket's buffer is full.
    write_until: Option<Instant>,
    /// The bytes that wait because the client reads slowly, until all of them are written.
    lag: Option<Lag>,
    /// The timer may end before the current deadline: resetting it then is cheaper than resetting it for every request.
    timer: Option<Pin<Box<Sleep>>>,
}

/// A response that is sent more slowly than it is written.
struct Lag {
    since: Instant,
    /// The number of bytes written since `since`.
    bytes: u64,
}

impl Lag {
    fn until(&self, lag_max: Duration) -> Instant {
        self.since + lag_max + Duration::from_secs_f64(self.bytes as f64 / READ_BYTES_PER_SECOND_MIN)
    }
}

/// A deadline for the next bytes of a connection.
struct WaitDeadline {
    /// The number of earlier requests.
    exchanges: u32,
    /// Whether no byte of the next request has arrived. A connection that never had a request is not idle in this
    /// sense.
    is_idle: bool,
    until: Instant,
}

impl<I> BoundedStream<I> {
    fn new(stream: I, connection: Arc<Connection>, now: Instant) -> Self {
        let wait = WaitDeadline { exchanges: 0, is_idle: false, until: now + connection.listener.limits.head_within };
        BoundedStream { stream, connection, wait, write_until: None, lag: None, timer: None }
    }

    /// Returns the deadline for what the connection waits for.
    fn wait_until(&mut self, is_idle: bool) -> Instant {
        let exchanges = self.connection.exchanges.load(Ordering::Relaxed);
        if (self.wait.exchanges, self.wait.is_idle) != (exchanges, is_idle) {
            let limits = &self.connection.listener.limits;
            let within = if is_idle { limits.idle_within } else { limits.head_within };
            self.wait = WaitDeadline { exchanges, is_idle, until: Instant::now() + within };
        }
        self.wait.until
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>, until: Instant) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() > until {
            timer.as_mut().reset(until);
        }
        ready!(timer.as_mut().poll(cx));
        if timer.deadline() < until {
            timer.as_mut().reset(until);
            ready!(timer.as_mut().poll(cx));
        }
        Poll::Ready(())
    }

    /// Ends a write that makes no progress, or too little.
    fn poll_written(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            self.write_until = None;
            if let (Some(lag), Ok(bytes)) = (&mut self.lag, &written) {
                lag.bytes += *bytes as u64;
            }
            return Poll::Ready(written);
        }
        let Limits { write_within, lag_max, .. } = self.connection.listener.limits;
        let read_until = *self.write_until.get_or_insert_with(|| Instant::now() + write_within);
        let lag = self.lag.get_or_insert_with(|| Lag { since: Instant::now(), bytes: 0 });
        let until = read_until.min(lag.until(lag_max));
        self.poll_timer(cx, until).map(|()| Err(time_out(UNREAD_RESPONSE)))
    }
}

impl<I: Socket> BoundedStream<I> {
    /// Ends a read that waits too long, or that belongs to an evicted connection. hyper closes a connection at the end
    /// of its input.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_idle = match self.connection.phase() {
            // The handler has deadlines for the body.
            Phase::InFlight | Phase::Answered => return Poll::Pending,
            Phase::Head => {
                self.connection.wait_for_head();
                false
            }
            Phase::Fresh | Phase::PartialHead => false,
            Phase::Idle => true,
        };
        // Register the waker before the check, so that an eviction after the check wakes the task.
        self.connection.eviction.waker.register(cx.waker());
        if self.connection.eviction.is_ordered() && !self.stream.has_input() {
            return Poll::Ready(Ok(()));
        }
        let until = self.wait_until(is_idle);
        ready!(self.poll_timer(cx, until));
        match is_idle {
            false => Poll::Ready(Err(time_out(LATE_REQUEST))),
            // The runtime wakes the task for these bytes.
            true if self.stream.has_input() => Poll::Pending,
            true => Poll::Ready(Ok(())),
        }
    }
}

fn time_out(phase: &'static str) -> io::Error {
    counter!(CONNECTIONS_TIMED_OUT, "phase" => phase).increment(1);
    io::ErrorKind::TimedOut.into()
}

impl<I> Drop for BoundedStream<I> {
    fn drop(&mut self) {
        let listener = &self.connection.listener;
        listener.lock().remove(self.connection.slot);
        listener.open.decrement(1);
    }
}

/// A stream that can be asked for input that the runtime has not noticed yet.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin {
    fn has_input(&self) -> bool;
}

impl Socket for TcpStream {
    fn has_input(&self) -> bool {
        let peeked = rustix::net::recv(self, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        peeked.is_ok_and(|(_, count)| count > 0)
    }
}

impl<I: Socket> Socket for LateEnd<I> {
    fn has_input(&self) -> bool {
        self.get_ref().has_input()
    }
}

impl<I: Socket> AsyncRead for BoundedStream<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_pending() {
            return self.poll_end(cx);
        }
        if buffer.filled().len() > filled {
            self.connection.receive();
        }
        read
    }
}

impl<I: Socket> AsyncWrite for BoundedStream<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.poll_written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.poll_written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        // hyper flushes when everything that it has is written.
        self.lag = None;
        if self.connection.phase() == Phase::Answered {
            self.connection.become_idle();
            // If hyper has found no input during the request, it does not read again until the task is woken.
            if self.poll_end(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
