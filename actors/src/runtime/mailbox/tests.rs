use super::super::identity::current_actor;
use super::*;
use crate::testing::{run_ready_tasks, soon};

struct Doubler;

enum Ask {
    Double { number: u32, reply: Reply<u32> },
    Hold { reply: Reply<u32> },
    DoubleThen { number: u32, reply: Continuation<u32> },
    Keep { reply: Continuation<u32> },
    Release,
    Work { panics: bool, reply: Reply<u32> },
    Worked { reply: Reply<u32> },
}

impl Message for Ask {
    fn kind(&self) -> &'static str {
        "ask"
    }
}

impl Behaviour for Doubler {
    type Message = Ask;
    type State = (Myself<Ask>, Vec<Reply<u32>>, Vec<Continuation<u32>>);

    fn start(&self, me: Myself<Ask>) -> Self::State {
        (me, Vec::new(), Vec::new())
    }

    fn handle(&self, message: Ask, (me, held, kept): &mut Self::State) {
        match message {
            Ask::Double { number, reply } => reply.send(number * 2),
            Ask::Hold { reply } => held.push(reply),
            Ask::DoubleThen { number, reply } => reply.send(number * 2),
            Ask::Keep { reply } => kept.push(reply),
            Ask::Release => held.drain(..).for_each(|reply| reply.send(0)),
            Ask::Work { panics, reply } => me.run(async move {
                assert!(!panics, "panic injected by a test");
                Ask::Worked { reply }
            }),
            Ask::Worked { reply } => reply.send(1),
        }
    }
}

async fn doubler(capacity: usize) -> (Mailbox<Ask>, ActorCell) {
    let (parent, mailbox) = (crate::testing::parent().await, Mailbox::new("doubler", capacity));
    mailbox.spawn(Doubler, parent.clone()).await.unwrap();
    (mailbox, parent)
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered() {
    let (mailbox, _) = doubler(1).await;

    assert_eq!(mailbox.call(soon(), |reply| Ask::Double { number: 4, reply }).await, Ok(8));
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_rejects_calls_until_a_reply_frees_a_permit() {
    let (mailbox, _) = doubler(1).await;
    let held = mailbox.ask(|reply| Ask::Hold { reply }).unwrap();

    let refused = mailbox.call(soon(), |reply| Ask::Double { number: 1, reply }).await;
    mailbox.tell(Ask::Release).unwrap();
    held.await.unwrap();
    let answered = mailbox.call(soon(), |reply| Ask::Double { number: 1, reply }).await;

    assert_eq!(refused, Err(CallError::Overloaded("doubler")));
    assert_eq!(answered, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn an_inspection_shows_the_load_of_the_mailbox() {
    let (mailbox, _) = doubler(2).await;
    let held = [mailbox.ask(|reply| Ask::Hold { reply }).unwrap(), mailbox.ask(|reply| Ask::Hold { reply }).unwrap()];

    let full = mailbox.inspect(Duration::from_secs(1)).await.unwrap().mailbox;
    mailbox.tell(Ask::Release).unwrap();
    for reply in held {
        reply.await.unwrap();
    }
    let empty = mailbox.inspect(Duration::from_secs(1)).await.unwrap().mailbox;

    assert_eq!(full, MailboxLoad { waiting: 0, in_flight: 2, permits: 2 });
    assert!(full.is_full());
    assert_eq!(empty, MailboxLoad { waiting: 0, in_flight: 0, permits: 2 });
    assert!(!empty.is_full());
}

#[tokio::test(start_paused = true)]
async fn a_large_message_takes_several_or_all_free_permits() {
    let (mailbox, _) = doubler(3).await;
    let hold = |weight| {
        let mailbox = mailbox.clone();
        tokio::spawn(async move { mailbox.call_weighted(soon(), weight, |reply| Ask::Hold { reply }).await })
    };

    let first = hold(2);
    run_ready_tasks().await;
    let has_capacity_after_first = mailbox.has_capacity();
    let second = hold(5);
    run_ready_tasks().await;
    let has_capacity_after_second = mailbox.has_capacity();
    let refused = hold(1).await.unwrap();
    mailbox.tell(Ask::Release).unwrap();

    assert!(has_capacity_after_first && !has_capacity_after_second);
    assert_eq!(refused, Err(CallError::Overloaded("doubler")));
    assert_eq!(first.await.unwrap(), Ok(0));
    assert_eq!(second.await.unwrap(), Ok(0));
    assert!(mailbox.has_capacity());
}

/// Calls the actor and returns a receiver of the reply.
fn reply_to(
    mailbox: &Mailbox<Ask>,
    message: impl FnOnce(Continuation<u32>) -> Ask,
) -> oneshot::Receiver<Result<u32, NoReply>> {
    let (sender, receiver) = oneshot::channel();
    mailbox.ask_then(message, |answer| sender.send(answer).expect("a caller waits"));
    receiver
}

#[tokio::test(start_paused = true)]
async fn a_continuation_needs_no_task_and_frees_its_permit() {
    let (mailbox, _) = doubler(1).await;

    for number in 1..4 {
        assert_eq!(reply_to(&mailbox, |reply| Ask::DoubleThen { number, reply }).await, Ok(Ok(number * 2)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsent_call_is_distinguished_from_a_dropped_one() {
    let (mailbox, _) = doubler(1).await;

    let mut kept = reply_to(&mailbox, |reply| Ask::Keep { reply });
    run_ready_tasks().await;
    let beyond = reply_to(&mailbox, |reply| Ask::DoubleThen { number: 1, reply }).await;
    let while_kept = kept.try_recv();
    mailbox.crash().unwrap();
    let taken_along = kept.await;
    run_ready_tasks().await;
    let afterwards = reply_to(&mailbox, |reply| Ask::DoubleThen { number: 1, reply }).await;
    let never = Mailbox::<Ask>::new("absent", 1);

    assert_eq!(beyond, Ok(Err(NoReply::NotAsked(CallError::Overloaded("doubler")))));
    assert!(while_kept.is_err());
    assert_eq!(taken_along, Ok(Err(NoReply::Dropped(CallError::Gone("doubler")))));
    assert_eq!(afterwards, Ok(Err(NoReply::NotAsked(CallError::Gone("doubler")))));
    let absent = reply_to(&never, |reply| Ask::DoubleThen { number: 1, reply }).await;
    assert_eq!(absent, Ok(Err(NoReply::NotAsked(CallError::Gone("absent")))));
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline() {
    let (mailbox, _) = doubler(4).await;

    let outcome = mailbox.call(soon(), |reply| Ask::Hold { reply }).await;

    assert_eq!(outcome, Err(CallError::DeadlineExceeded("doubler")));
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_crashed_actor_fail_until_its_successor_starts() {
    let (mailbox, parent) = doubler(4).await;
    let held = mailbox.ask(|reply| Ask::Hold { reply }).unwrap();

    mailbox.crash().unwrap();
    assert!(held.await.is_err());
    mailbox.spawn(Doubler, parent).await.unwrap();

    assert_eq!(mailbox.call(soon(), |reply| Ask::Double { number: 2, reply }).await, Ok(4));
    assert_eq!(mailbox.inner.depth.waiting.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_outside_the_bound_needs_no_permit() {
    let (mailbox, _) = doubler(1).await;
    let _held = mailbox.ask(|reply| Ask::Hold { reply }).unwrap();

    let answered = mailbox.call_outside_bound(soon(), |reply| Ask::Double { number: 3, reply }).await;

    assert_eq!(answered, Ok(6));
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_call_frees_its_permit_when_it_is_dropped() {
    let (mailbox, _) = doubler(1).await;
    drop(mailbox.ask(|reply| Ask::Hold { reply }).unwrap());

    let early = mailbox.call(soon(), |reply| Ask::Double { number: 1, reply }).await;
    mailbox.tell(Ask::Release).unwrap();
    run_ready_tasks().await;
    let late = mailbox.call(soon(), |reply| Ask::Double { number: 1, reply }).await;

    assert_eq!(early, Err(CallError::Overloaded("doubler")));
    assert_eq!(late, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn the_completion_of_a_task_is_a_message() {
    let (mailbox, _) = doubler(1).await;

    assert_eq!(mailbox.call(soon(), |reply| Ask::Work { panics: false, reply }).await, Ok(1));
}

/// Regression: the actor continued, and waited for the completion forever.
#[tokio::test(start_paused = true)]
async fn an_actor_whose_task_panics_ends() {
    let (mailbox, parent) = doubler(4).await;
    let held = mailbox.ask(|reply| Ask::Hold { reply }).unwrap();

    let outcome = mailbox.call(soon(), |reply| Ask::Work { panics: true, reply }).await;
    let held = held.await;
    let gone = mailbox.call(soon(), |reply| Ask::Double { number: 1, reply }).await;
    mailbox.spawn(Doubler, parent).await.unwrap();

    assert_eq!(outcome, Err(CallError::Gone("doubler")));
    assert_eq!(gone, Err(CallError::Gone("doubler")));
    assert!(held.is_err());
    assert_eq!(mailbox.call(soon(), |reply| Ask::Double { number: 2, reply }).await, Ok(4));
    assert_eq!(mailbox.inner.depth.waiting.load(Ordering::Relaxed), 0);
}

/// Notes its callbacks, each with the actor that it runs as.
#[derive(Clone, Default)]
struct Named(Arc<std::sync::Mutex<Vec<String>>>);

impl Named {
    fn note(&self, callback: &str) {
        let actor = current_actor().unwrap_or("no actor");
        self.0.lock().unwrap().push(format!("{callback} of {actor}"));
    }
}

impl Behaviour for Named {
    type Message = Ask;
    type State = ();

    fn start(&self, _: Myself<Ask>) {
        self.note("start");
    }

    fn note_wait(&self, _: &Ask, _: Instant, _: Instant, (): &()) {
        self.note("note_wait");
    }

    fn handle(&self, _: Ask, (): &mut ()) {
        self.note("handle");
    }

    fn inspect(&self, (): &()) -> Inspection {
        self.note("inspect");
        Inspection::default()
    }
}

#[tokio::test(start_paused = true)]
async fn all_code_of_an_actor_has_its_name() {
    let (parent, mailbox, named) = (crate::testing::parent().await, Mailbox::new("named", 1), Named::default());
    mailbox.spawn(named.clone(), parent).await.unwrap();

    mailbox.tell(Ask::Release).unwrap();
    mailbox.inspect(Duration::from_secs(1)).await.unwrap();

    let expected = ["start of named", "note_wait of named", "handle of named", "inspect of named"];
    assert_eq!(*named.0.lock().unwrap(), expected);
}
