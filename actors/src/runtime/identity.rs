//! The name of the actor whose code runs, for the log.
//!
//! A span cannot hold it: an actor handles a message in the span of the request that caused it, and the message that
//! follows is handled in the same span by the next actor.

tokio::task_local! {
    static ACTOR: &'static str;
}

/// Returns the name of the actor whose handler or task calls this. `None` outside of actors.
pub fn current_actor() -> Option<&'static str> {
    ACTOR.try_with(|actor| *actor).ok()
}

/// Runs `work` as the actor.
pub(super) fn as_actor<T>(actor: &'static str, work: impl FnOnce() -> T) -> T {
    ACTOR.sync_scope(actor, work)
}

/// Returns `work` for a new task, as the actor that calls this.
pub(crate) fn in_current_actor<F: Future>(work: F) -> impl Future<Output = F::Output> + use<F> {
    let actor = current_actor();
    async move {
        match actor {
            Some(actor) => ACTOR.scope(actor, work).await,
            None => work.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_has_the_actor_that_started_it() {
        let of_handler = as_actor("planner_3", || tokio::spawn(in_current_actor(async { current_actor() })));
        let of_no_actor = tokio::spawn(in_current_actor(async { current_actor() }));

        assert_eq!(of_handler.await.unwrap(), Some("planner_3"));
        assert_eq!(of_no_actor.await.unwrap(), None);
        assert_eq!(current_actor(), None);
    }
}
