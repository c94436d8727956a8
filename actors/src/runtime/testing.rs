//! A supervisor for tests of single actors.

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};

struct Parent;

impl Actor for Parent {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        _: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// Starts a supervisor that does nothing when a child ends.
pub(crate) async fn parent() -> ActorCell {
    Actor::spawn(None, Parent, ()).await.unwrap().0.get_cell()
}
