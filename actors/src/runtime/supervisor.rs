//! Starts the actors in order, and restarts those that end.
//!
//! One for one: a child that ends is restarted alone, behind the same handle. A child that ends more often than its
//! budget allows escalates: the supervisor reports it, and the process drains and exits.

mod restarts;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use metrics::counter;
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use tokio::sync::{oneshot, watch};
use tokio::time::{Duration, Instant, timeout};
use tracing::{error, info, warn};

use self::restarts::{RestartDecision, Restarts};

/// Maximum time that one actor takes to stop after its work is done.
pub(crate) const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// Starts one child under the given supervisor.
type Start = Box<dyn Fn(ActorCell) -> Pin<Box<dyn Future<Output = Result<ActorCell, SpawnErr>> + Send>> + Send + Sync>;

pub(crate) struct ChildSpec {
    name: &'static str,
    start: Start,
}

impl ChildSpec {
    /// `start` gets the supervisor and returns the child. It is called at every start and restart.
    pub(crate) fn new<F, S>(name: &'static str, start: S) -> Self
    where
        F: Future<Output = Result<ActorCell, SpawnErr>> + Send + 'static,
        S: Fn(ActorCell) -> F + Send + Sync + 'static,
    {
        ChildSpec { name, start: Box::new(move |supervisor| Box::pin(start(supervisor))) }
    }
}

/// The handle of a running supervisor.
pub(crate) struct SupervisorHandle {
    actor: ActorRef<SupervisorMessage>,
    escalated: watch::Receiver<Option<&'static str>>,
}

impl SupervisorHandle {
    /// Starts the children in their order.
    pub(crate) async fn start(children: Vec<ChildSpec>) -> Result<Self, SpawnErr> {
        let (escalate, escalated) = watch::channel(None);
        let (actor, _) = Actor::spawn(None, Supervisor { children, escalated: escalate }, ()).await?;
        Ok(SupervisorHandle { actor, escalated })
    }

    /// Waits until a child ended more often than its budget allows, and returns its name.
    pub(crate) async fn escalated(&self) -> &'static str {
        let mut escalated = self.escalated.clone();
        loop {
            if let Some(name) = *escalated.borrow_and_update() {
                return name;
            }
            if escalated.changed().await.is_err() {
                return "supervisor";
            }
        }
    }

    /// Stops restarting children that end.
    pub(crate) async fn begin_shutdown(&self) {
        let (reply, answer) = oneshot::channel();
        if self.actor.send_message(SupervisorMessage::ShutDown { reply }).is_ok() {
            let _ = timeout(STOP_TIMEOUT, answer).await;
        }
    }

    pub(crate) async fn stop(&self) {
        stop(self.actor.get_cell()).await;
    }
}

/// Stops an actor that has no work in progress.
pub(crate) async fn stop(actor: ActorCell) {
    if actor.stop_and_wait(None, Some(STOP_TIMEOUT)).await.is_err() {
        // It hangs in a handler, or has ended already.
        actor.kill();
    }
}

enum SupervisorMessage {
    Restart { child: usize },
    ShutDown { reply: oneshot::Sender<()> },
}

struct Supervisor {
    children: Vec<ChildSpec>,
    /// Set to the name of the child that escalated.
    escalated: watch::Sender<Option<&'static str>>,
}

struct State {
    running: HashMap<ActorId, usize>,
    restarts: Vec<Restarts>,
    is_shutting_down: bool,
}

impl Actor for Supervisor {
    type Msg = SupervisorMessage;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<SupervisorMessage>, (): ()) -> Result<State, ActorProcessingErr> {
        let mut running = HashMap::new();
        for (index, child) in self.children.iter().enumerate() {
            let actor = (child.start)(myself.get_cell()).await?;
            running.insert(actor.get_id(), index);
            counter!("instrument_registry_actor_restarts_total", "actor" => child.name).absolute(0);
        }
        let restarts = self.children.iter().map(|_| Restarts::default()).collect();
        Ok(State { running, restarts, is_shutting_down: false })
    }

    async fn handle(
        &self,
        myself: ActorRef<SupervisorMessage>,
        message: SupervisorMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMessage::Restart { child } if !state.is_shutting_down => {
                let spec = &self.children[child];
                match (spec.start)(myself.get_cell()).await {
                    Ok(actor) => {
                        state.running.insert(actor.get_id(), child);
                        info!(actor = spec.name, "actor restarted");
                    }
                    Err(fault) => {
                        warn!(actor = spec.name, %fault, "failed to restart actor");
                        self.restart_or_escalate(child, &myself, state);
                    }
                }
            }
            SupervisorMessage::Restart { .. } => {}
            SupervisorMessage::ShutDown { reply } => {
                state.is_shutting_down = true;
                let _ = reply.send(());
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SupervisorMessage>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let (actor, why) = match event {
            SupervisionEvent::ActorFailed(actor, fault) => (actor, fault.to_string()),
            SupervisionEvent::ActorTerminated(actor, _, reason) => (actor, reason.unwrap_or_default()),
            _ => return Ok(()),
        };
        let Some(child) = state.running.remove(&actor.get_id()) else { return Ok(()) };
        if state.is_shutting_down {
            return Ok(());
        }
        error!(actor = self.children[child].name, why, "actor stopped unexpectedly");
        self.restart_or_escalate(child, &myself, state);
        Ok(())
    }
}

impl Supervisor {
    /// Restarts a child that ended, or escalates. The restart is a message, so that other events do not wait for it.
    fn restart_or_escalate(&self, child: usize, myself: &ActorRef<SupervisorMessage>, state: &mut State) {
        let name = self.children[child].name;
        match state.restarts[child].decide(Instant::now()) {
            RestartDecision::Restart(delay) => {
                counter!("instrument_registry_actor_restarts_total", "actor" => name).increment(1);
                let myself = myself.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    // Fails if the supervisor has ended.
                    let _ = myself.send_message(SupervisorMessage::Restart { child });
                });
            }
            RestartDecision::Escalate => {
                error!(actor = name, "actor stopped too often: not restarting it");
                self.escalated.send_replace(Some(name));
            }
        }
    }
}
