//! Starts the actors in order, starts them again when they end, and gives up when that does not help.
//!
//! One for one: a child that ends is started again alone, behind the same handle. A child that ends more often than its
//! budget allows escalates: the supervisor says so, and the process drains and ends.

mod restarts;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use metrics::counter;
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tracing::{error, info, warn};

use self::restarts::{Restarts, Verdict};

/// Starts one child under the given supervisor and says which actor it is.
pub(crate) type Start =
    Box<dyn Fn(ActorCell) -> Pin<Box<dyn Future<Output = Result<ActorCell, SpawnErr>> + Send>> + Send + Sync>;

/// One child: its name and how it is started.
pub(crate) struct ChildSpec {
    pub(crate) name: &'static str,
    pub(crate) start: Start,
}

pub(crate) enum SupervisorMessage {
    /// Start the child again.
    Restart { child: usize },
    /// From now on children may end.
    ShutDown { reply: oneshot::Sender<()> },
}

pub(crate) struct Supervisor {
    pub(crate) children: Vec<ChildSpec>,
    /// Set to the name of the child that escalated.
    pub(crate) escalated: watch::Sender<Option<&'static str>>,
}

pub(crate) struct State {
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
                        self.judge(child, &myself, state);
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
        self.judge(child, &myself, state);
        Ok(())
    }
}

impl Supervisor {
    /// Restarts a child that ended, from a message so that other events are not kept waiting, or gives up.
    fn judge(&self, child: usize, myself: &ActorRef<SupervisorMessage>, state: &mut State) {
        let name = self.children[child].name;
        match state.restarts[child].judge(Instant::now()) {
            Verdict::Restart(delay) => {
                counter!("instrument_registry_actor_restarts_total", "actor" => name).increment(1);
                let myself = myself.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    // A supervisor that has ended meanwhile restarts nothing.
                    let _ = myself.send_message(SupervisorMessage::Restart { child });
                });
            }
            Verdict::Escalate => {
                error!(actor = name, "actor stopped too often: not restarting it");
                self.escalated.send_replace(Some(name));
            }
        }
    }
}
