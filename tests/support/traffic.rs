//! Callers that continue after any answer, and a ledger of the answers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::{Answer, Client, Process, SOON, body, eventually};

/// Maximum number of plans that are read back in parallel. A long run creates tens of thousands of plans.
const READERS: usize = 16;

/// The answers that callers received.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Acknowledged plans by id, each as in its first answer.
    plans: BTreeMap<String, Value>,
    answers: BTreeMap<u16, usize>,
    /// Answers that no caller should receive, and requests without an answer.
    faults: Vec<String>,
}

impl Ledger {
    fn note(&mut self, answer: reqwest::Result<Answer>) {
        let answer = match answer {
            Ok(answer) => answer,
            Err(fault) => return self.faults.push(format!("no answer: {fault:?}")),
        };
        *self.answers.entry(answer.status).or_default() += 1;
        match answer.status {
            200 => {
                let plan = answer.json()["plan_data"].take();
                let id = plan["plan_id"].as_str().expect("an id is a text").to_owned();
                if self.plans.get(&id).is_some_and(|before| *before != plan) {
                    self.faults.push(format!("{id} was answered in two ways"));
                }
                self.plans.insert(id, plan);
            }
            503 if answer.header("Retry-After").parse::<u32>().is_err() => {
                self.faults.push(format!("a 503 without Retry-After: {}", answer.text));
            }
            503 | 504 => {
                let problem: Value = serde_json::from_str(&answer.text).unwrap_or_default();
                let code = problem["code"].as_str().unwrap_or("none").to_owned();
                // This panics if the problem document is incomplete.
                answer.problem(answer.status, &code);
            }
            status => self.faults.push(format!("status {status}: {}", answer.text)),
        }
    }

    /// Returns the ids of the acknowledged plans, sorted.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.plans.keys().map(String::as_str)
    }

    /// Returns the ids of the acknowledged plans that are missing from this database or differ from their answers,
    /// sorted.
    ///
    /// The plans are read through a new process, because the one that created them answers from its cache.
    pub(crate) async fn lost(&self, database_url: &str) -> Vec<String> {
        let folder = TempDir::new().expect("a folder can be made");
        let reader = Process::start(folder.path(), &[("DATABASE_URL", database_url)]).await;
        let client = &reader.client;
        let read = iter(&self.plans).map(async |(id, plan)| (id, stored(client, id).await.as_ref() == Some(plan)));
        let mut lost: Vec<String> = read
            .buffer_unordered(READERS)
            .filter_map(async |(id, is_there)| (!is_there).then(|| id.clone()))
            .collect()
            .await;
        lost.sort_unstable();
        lost
    }
}

/// Returns the stored plan with this id, if it exists.
async fn stored(client: &Client, id: &str) -> Option<Value> {
    let answer = client.get(&format!("plans/{id}")).await;
    (answer.status != 404).then(|| answer.json()["plan"].take())
}

/// Running callers and the ledger that they share.
pub(crate) struct Traffic {
    ledger: Arc<Mutex<Ledger>>,
    is_over: Arc<AtomicBool>,
    callers: Vec<JoinHandle<()>>,
    _machine: AsyncMutexGuard<'static, ()>,
}

/// Held during traffic, which loads the whole machine: tests with traffic run one after the other.
static MACHINE: AsyncMutex<()> = AsyncMutex::const_new(());

impl Traffic {
    /// Starts callers. Each sends its next request after a pause, and every third request repeats the one before it.
    pub(crate) async fn start(client: &Client, callers: usize, pause: Duration) -> Self {
        let machine = MACHINE.lock().await;
        let (ledger, is_over) = (Arc::<Mutex<Ledger>>::default(), Arc::new(AtomicBool::new(false)));
        let callers = (0..callers).map(|caller| {
            let (client, ledger, is_over) = (client.clone(), Arc::clone(&ledger), Arc::clone(&is_over));
            tokio::spawn(async move {
                for n in 0_usize.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let request = if n % 3 == 2 { n - 1 } else { n };
                    let request = client
                        .request(Method::POST, &format!("plan?user_id=caller-{caller}.request-{request}"))
                        .json(&body(&["NSE:TCS", "NSE:INFY", "NSE:NOPE"]));
                    let answer = Answer::attempt(request).await;
                    lock(&ledger).note(answer);
                    sleep(pause).await;
                }
            })
        });
        let callers = callers.collect();
        Traffic { ledger, is_over, callers, _machine: machine }
    }

    /// Returns the number of answers with this status so far.
    pub(crate) fn count(&self, status: u16) -> usize {
        lock(&self.ledger).answers.get(&status).copied().unwrap_or_default()
    }

    /// Waits for this many more answers with the status.
    pub(crate) async fn more(&self, status: u16, count: usize) {
        let enough = self.count(status) + count;
        let what = format!("there are {count} more answers with {status}");
        eventually(&what, SOON, async || (self.count(status) >= enough).then_some(())).await;
    }

    /// Stops the callers, and returns the ledger. Panics if a caller received anything except plans, 503 and 504.
    pub(crate) async fn end(self) -> Ledger {
        self.is_over.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.expect("no answer breaks the contract");
        }
        let ledger = std::mem::take(&mut *lock(&self.ledger));
        assert_eq!(ledger.faults, Vec::<String>::new());
        assert!(!ledger.plans.is_empty());
        ledger
    }

    /// Stops the callers, and returns the number of answers by status. Panics if an acknowledged plan is missing from
    /// this database or differs from its answer.
    pub(crate) async fn assert_nothing_lost(self, database_url: &str) -> BTreeMap<u16, usize> {
        let ledger = self.end().await;
        assert_eq!(ledger.lost(database_url).await, Vec::<String>::new());
        ledger.answers
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().expect("nobody panics with it")
}
