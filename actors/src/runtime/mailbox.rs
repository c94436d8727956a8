//! Typed, bounded handles in front of actors.
//!
//! ractor's own mailboxes are unbounded. The bound here is a permit that travels inside the message, within its
//! [`Reply`], until the reply is sent. It limits waiting calls and calls in progress together. If no permit is free, a
//! call fails at once.
//!
//! A [`Mailbox`] outlives its actor: the supervisor refills its slot after a restart, so that callers always use the
//! same handle. A [`Behaviour`] defines an actor; its `handle` is not async, so that no actor can wait for the network:
//! it decides, starts a task, and the outcome returns as a message through [`Myself`].

mod measures;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwapOption;
use metrics::{Counter, Gauge, counter, gauge};
use ractor::{ACTIVE_STATES, Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Duration, Instant, timeout_at};

use self::measures::Measures;
use super::identity::{as_actor, in_current_actor};
pub use super::inspection::{Inspection, MailboxLoad};

/// A message of an actor.
pub(crate) trait Message: Send + 'static {
    /// Returns the name of the message for metrics.
    fn kind(&self) -> &'static str;
}

/// The definition of an actor.
pub(crate) trait Behaviour: Send + Sync + Sized + 'static {
    type Message: Message;
    type State: Send + 'static;

    /// Creates the first state. Called at every start and restart; must not do I/O.
    fn start(&self, me: Myself<Self::Message>) -> Self::State;

    /// Gets the times at which the message was sent and received, before [`Behaviour::handle`] gets the message.
    fn note_wait(&self, _message: &Self::Message, _sent_at: Instant, _received_at: Instant, _state: &Self::State) {}

    /// Handles one message. Expected failures travel in replies; a panic ends the actor and loses its state.
    fn handle(&self, message: Self::Message, state: &mut Self::State);

    /// Returns what `/ready` shows about the actor.
    fn inspect(&self, _state: &Self::State) -> Inspection {
        Inspection::default()
    }
}

/// The reason why a call got no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No permit is free.
    #[error("the {0} actor is at capacity")]
    Overloaded(&'static str),
    /// The deadline passed. The operation may still complete.
    #[error("deadline exceeded while waiting for the {0} actor")]
    DeadlineExceeded(&'static str),
    /// The actor ended before it replied, or is being restarted.
    #[error("the {0} actor is not running")]
    Gone(&'static str),
}

/// The receiver of a reply. Holds the permit of the call. If it is dropped without a reply, the caller gets
/// [`CallError::Gone`].
#[derive(Debug)]
pub(crate) struct Reply<T> {
    port: oneshot::Sender<T>,
    /// `None` for a call outside the bound.
    _permit: Option<OwnedSemaphorePermit>,
}

impl<T> Reply<T> {
    /// Sends the reply. Has no effect if the caller no longer waits.
    pub(crate) fn send(self, answer: T) {
        let _ = self.port.send(answer);
    }

    /// Whether the caller no longer waits.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.port.is_closed()
    }
}

/// A function that gets the reply, for a caller that has no waiting task: an actor that calls another one sends itself
/// the reply as a message. Holds the permit of the call. If it is dropped without a reply, the function gets
/// [`CallError::Gone`].
pub(crate) struct Continuation<T> {
    /// `None` after it was called: it is called exactly once.
    then: Option<Then<T>>,
    actor: &'static str,
    _permit: Option<OwnedSemaphorePermit>,
}

type Then<T> = Box<dyn FnOnce(Result<T, NoReply>) + Send>;

/// The reason why there is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoReply {
    /// The actor did not get the call.
    NotAsked(CallError),
    /// The actor ended while it had the call: the operation may be done or not.
    Dropped(CallError),
}

impl<T> Continuation<T> {
    pub(crate) fn send(mut self, answer: T) {
        if let Some(then) = self.then.take() {
            then(Ok(answer));
        }
    }
}

impl<T> Drop for Continuation<T> {
    fn drop(&mut self) {
        if let Some(then) = self.then.take() {
            then(Err(NoReply::Dropped(CallError::Gone(self.actor))));
        }
    }
}

pub(crate) struct Envelope<M> {
    sent_at: Instant,
    body: Body<M>,
}

enum Body<M> {
    Message(M),
    Inspect(oneshot::Sender<Inspection>),
    /// A task has panicked, so that its completion will never arrive.
    TaskPanicked,
    #[cfg(any(test, feature = "fault-injection"))]
    Panic,
}

/// The bounded handle of an actor.
pub(crate) struct Mailbox<M> {
    inner: Arc<Inner<M>>,
}

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Mailbox { inner: Arc::clone(&self.inner) }
    }
}

struct Inner<M> {
    actor: &'static str,
    slot: ArcSwapOption<ActorRef<Envelope<M>>>,
    permits: Arc<Semaphore>,
    capacity: usize,
    depth: Arc<Depth>,
    overloads: Counter,
}

/// Number of waiting messages, which ractor does not expose.
struct Depth {
    waiting: AtomicI64,
    gauge: Gauge,
}

impl Depth {
    #[allow(clippy::cast_precision_loss)]
    fn change(&self, by: i64) {
        let waiting = self.waiting.fetch_add(by, Ordering::Relaxed) + by;
        self.gauge.set(waiting as f64);
    }
}

impl<M: Message> Mailbox<M> {
    /// Creates the handle of the actor `actor`. All callers together may have `capacity` calls in progress.
    pub(crate) fn new(actor: &'static str, capacity: usize) -> Self {
        let depth = Depth {
            waiting: AtomicI64::new(0),
            gauge: gauge!("instrument_registry_actor_mailbox_depth", "actor" => actor),
        };
        depth.gauge.set(0.0);
        let overloads = counter!("instrument_registry_actor_mailbox_overloaded_total", "actor" => actor);
        overloads.absolute(0);
        let inner = Inner {
            actor,
            slot: ArcSwapOption::empty(),
            permits: Arc::new(Semaphore::new(capacity)),
            capacity,
            depth: Arc::new(depth),
            overloads,
        };
        Mailbox { inner: Arc::new(inner) }
    }

    /// Calls the actor and waits for the reply until `deadline`.
    ///
    /// # Cancel safety
    /// The message stays in the mailbox, and the actor sees that nobody waits.
    pub(crate) async fn call<T>(&self, deadline: Instant, message: impl FnOnce(Reply<T>) -> M) -> Result<T, CallError> {
        self.wait_for(self.ask(message)?, deadline).await
    }

    /// Calls the actor without a permit. Only for the few calls of a shutdown and of an operator, which must succeed
    /// even if no permit is free.
    pub(crate) async fn call_outside_bound<T>(
        &self,
        deadline: Instant,
        message: impl FnOnce(Reply<T>) -> M,
    ) -> Result<T, CallError> {
        self.wait_for(self.send_call(None, message)?, deadline).await
    }

    /// Calls the actor as [`Mailbox::call`] does, with a large message that takes several permits. If fewer are free, it
    /// takes those: a message fails only if none is free, so that its sender can check before it prepares the message.
    pub(crate) async fn call_weighted<T>(
        &self,
        deadline: Instant,
        weight: u32,
        message: impl FnOnce(Reply<T>) -> M,
    ) -> Result<T, CallError> {
        let mut permit = self.permit()?;
        let more =
            weight.saturating_sub(1).min(u32::try_from(self.inner.permits.available_permits()).unwrap_or(u32::MAX));
        if more > 0
            && let Ok(more) = Arc::clone(&self.inner.permits).try_acquire_many_owned(more)
        {
            permit.merge(more);
        }
        self.wait_for(self.send_call(Some(permit), message)?, deadline).await
    }

    async fn wait_for<T>(&self, answer: oneshot::Receiver<T>, deadline: Instant) -> Result<T, CallError> {
        match timeout_at(deadline, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(CallError::Gone(self.inner.actor)),
            Err(_) => Err(CallError::DeadlineExceeded(self.inner.actor)),
        }
    }

    /// Calls the actor and returns the receiver of the reply.
    pub(crate) fn ask<T>(&self, message: impl FnOnce(Reply<T>) -> M) -> Result<oneshot::Receiver<T>, CallError> {
        self.send_call(Some(self.permit()?), message)
    }

    fn permit(&self) -> Result<OwnedSemaphorePermit, CallError> {
        Arc::clone(&self.inner.permits).try_acquire_owned().map_err(|_| {
            self.inner.overloads.increment(1);
            CallError::Overloaded(self.inner.actor)
        })
    }

    fn send_call<T>(
        &self,
        permit: Option<OwnedSemaphorePermit>,
        message: impl FnOnce(Reply<T>) -> M,
    ) -> Result<oneshot::Receiver<T>, CallError> {
        let (port, answer) = oneshot::channel();
        self.send(Body::Message(message(Reply { port, _permit: permit })))?;
        Ok(answer)
    }

    /// Calls the actor; `then` gets the reply, or the reason why the call failed.
    pub(crate) fn ask_then<T: 'static>(
        &self,
        message: impl FnOnce(Continuation<T>) -> M,
        then: impl FnOnce(Result<T, NoReply>) + Send + 'static,
    ) {
        let permit = match self.permit() {
            Ok(permit) => permit,
            Err(error) => return then(Err(NoReply::NotAsked(error))),
        };
        // Checked before sending: a message that cannot be sent is dropped, which would look like a call in progress.
        // If the actor ends at this moment, the reply is `Dropped`, which is the safe side.
        let is_running = |actor: &Arc<ActorRef<Envelope<M>>>| ACTIVE_STATES.contains(&actor.get_status());
        let actor = self.inner.actor;
        if !self.inner.slot.load().as_ref().is_some_and(is_running) {
            return then(Err(NoReply::NotAsked(CallError::Gone(actor))));
        }
        let continuation = Continuation { then: Some(Box::new(then)), actor, _permit: Some(permit) };
        let _ = self.send(Body::Message(message(continuation)));
    }

    /// Whether a permit is free.
    pub(crate) fn has_capacity(&self) -> bool {
        self.inner.permits.available_permits() > 0
    }

    /// Sends a message without a reply and without a permit. Only for messages that their cause limits.
    pub(crate) fn tell(&self, message: M) -> Result<(), CallError> {
        self.send(Body::Message(message))
    }

    pub(crate) async fn inspect(&self, timeout: Duration) -> Result<Inspection, CallError> {
        let (port, answer) = oneshot::channel();
        self.send(Body::Inspect(port))?;
        match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(inspection)) => Ok(Inspection { mailbox: self.load(), ..inspection }),
            Ok(Err(_)) => Err(CallError::Gone(self.inner.actor)),
            Err(_) => Err(CallError::DeadlineExceeded(self.inner.actor)),
        }
    }

    pub(crate) fn load(&self) -> MailboxLoad {
        MailboxLoad {
            waiting: usize::try_from(self.inner.depth.waiting.load(Ordering::Relaxed)).unwrap_or(0),
            in_flight: self.inner.capacity - self.inner.permits.available_permits(),
            permits: self.inner.capacity,
        }
    }

    /// Takes all free permits, for tests.
    #[cfg(any(test, feature = "fault-injection"))]
    pub(crate) fn take_permits(&self) -> Option<OwnedSemaphorePermit> {
        let free = u32::try_from(self.inner.permits.available_permits()).ok()?;
        Arc::clone(&self.inner.permits).try_acquire_many_owned(free).ok()
    }

    /// Makes the actor panic at its next message.
    #[cfg(any(test, feature = "fault-injection"))]
    pub(crate) fn crash(&self) -> Result<(), CallError> {
        self.send(Body::Panic)
    }

    fn send(&self, body: Body<M>) -> Result<(), CallError> {
        let slot = self.inner.slot.load();
        let actor = slot.as_ref().ok_or(CallError::Gone(self.inner.actor))?;
        self.inner.depth.change(1);
        actor.send_message(Envelope { sent_at: Instant::now(), body }).map_err(|_| {
            self.inner.depth.change(-1);
            CallError::Gone(self.inner.actor)
        })
    }

    /// Returns the current actor.
    pub(crate) fn actor(&self) -> Option<ActorCell> {
        self.inner.slot.load().as_ref().map(|actor| actor.get_cell())
    }

    /// Starts an actor with this handle, which replaces the previous one.
    pub(crate) async fn spawn<B>(&self, behaviour: B, supervisor: ActorCell) -> Result<ActorCell, SpawnErr>
    where
        B: Behaviour<Message = M>,
    {
        let runner = Runner { behaviour, actor: self.inner.actor, depth: Arc::clone(&self.inner.depth) };
        // The messages that waited in the previous actor's mailbox are lost.
        self.inner.depth.change(-self.inner.depth.waiting.load(Ordering::Relaxed));
        let (actor, _) = Actor::spawn_linked(None, runner, (), supervisor).await?;
        let cell = actor.get_cell();
        self.inner.slot.store(Some(Arc::new(actor)));
        Ok(cell)
    }
}

/// A handle by which an actor sends itself messages: completions of its tasks, and timers.
///
/// Belongs to one incarnation: messages from a task of an actor that has ended are dropped, and do not reach its
/// successor.
pub(crate) struct Myself<M> {
    address: Arc<dyn Address<M>>,
}

impl<M> Clone for Myself<M> {
    fn clone(&self) -> Self {
        Myself { address: Arc::clone(&self.address) }
    }
}

/// Delivers to the mailbox behind a [`Myself`].
trait Address<M>: Send + Sync {
    fn send(&self, body: Body<M>);
}

/// The mailbox of one incarnation of an actor.
struct Incarnation<M> {
    actor: ActorRef<Envelope<M>>,
    depth: Arc<Depth>,
}

impl<M: Message> Address<M> for Incarnation<M> {
    fn send(&self, body: Body<M>) {
        self.depth.change(1);
        let envelope = Envelope { sent_at: Instant::now(), body };
        if self.actor.send_message(envelope).is_err() {
            self.depth.change(-1);
        }
    }
}

/// The mailbox of an actor for the messages of one of its parts.
struct NarrowedAddress<M, E> {
    whole: Myself<M>,
    widen: fn(E) -> M,
}

impl<M: Message, E: Message> Address<E> for NarrowedAddress<M, E> {
    fn send(&self, body: Body<E>) {
        self.whole.address.send(match body {
            Body::Message(event) => Body::Message((self.widen)(event)),
            Body::Inspect(port) => Body::Inspect(port),
            Body::TaskPanicked => Body::TaskPanicked,
            #[cfg(any(test, feature = "fault-injection"))]
            Body::Panic => Body::Panic,
        });
    }
}

impl<M: Message> Myself<M> {
    /// Returns the address for a part of the actor, which knows its own events and not the messages of the actor.
    pub(crate) fn narrow<E: Message>(&self, widen: fn(E) -> M) -> Myself<E> {
        Myself { address: Arc::new(NarrowedAddress { whole: self.clone(), widen }) }
    }

    /// Sends the message to the own mailbox.
    pub(crate) fn tell(&self, message: M) {
        self.address.send(Body::Message(message));
    }

    /// Sends the message after `delay`. It cannot be canceled: a timer that may become stale carries a generation, and
    /// the handler ignores an old one.
    pub(crate) fn tell_after(&self, delay: Duration, message: M) {
        let me = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            me.tell(message);
        });
    }

    /// Runs `work` in a task and sends the message that it returns. The task keeps the current span and actor. If it
    /// panics, the actor ends, because it would wait for the message forever.
    pub(crate) fn run(&self, work: impl Future<Output = M> + Send + 'static) {
        let mut guard = TaskGuard(Some(self.clone()));
        tokio::spawn(tracing::Instrument::in_current_span(in_current_actor(async move {
            let message = work.await;
            if let Some(me) = guard.0.take() {
                me.tell(message);
            }
        })));
    }
}

/// Sends the actor [`Body::TaskPanicked`] if it is dropped by a panic.
struct TaskGuard<M: Message>(Option<Myself<M>>);

impl<M: Message> Drop for TaskGuard<M> {
    fn drop(&mut self) {
        if let Some(me) = self.0.take().filter(|_| std::thread::panicking()) {
            me.address.send(Body::TaskPanicked);
        }
    }
}

/// Runs a [`Behaviour`] as an actor of ractor, and measures every message.
struct Runner<B> {
    behaviour: B,
    actor: &'static str,
    depth: Arc<Depth>,
}

impl<B: Behaviour> Actor for Runner<B> {
    type Msg = Envelope<B::Message>;
    type State = (B::State, Measures);
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, (): ()) -> Result<Self::State, ActorProcessingErr> {
        let myself = Myself { address: Arc::new(Incarnation { actor: myself, depth: Arc::clone(&self.depth) }) };
        let state = as_actor(self.actor, || self.behaviour.start(myself));
        Ok((state, Measures::default()))
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        envelope: Self::Msg,
        (state, measures): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        self.depth.change(-1);
        let started_at = Instant::now();
        match envelope.body {
            Body::Message(message) => {
                let measure = measures.of(self.actor, message.kind());
                measure.wait.record(started_at - envelope.sent_at);
                as_actor(self.actor, || self.behaviour.note_wait(&message, envelope.sent_at, started_at, state));
                as_actor(self.actor, || self.behaviour.handle(message, state));
                measure.handling.record(started_at.elapsed());
            }
            Body::Inspect(port) => {
                let _ = port.send(as_actor(self.actor, || self.behaviour.inspect(state)));
            }
            Body::TaskPanicked => return Err("a task of the actor panicked".into()),
            #[cfg(any(test, feature = "fault-injection"))]
            Body::Panic => panic!("panic injected by a test into the {} actor", self.actor),
        }
        Ok(())
    }
}
