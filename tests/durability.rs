//! Acknowledged plans survive every end of the process: a kill, a signal and a shutdown during traffic.

mod ending;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::{Arc, Mutex};

use chrono::{Days, NaiveDate};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::support::{Answer, Client, CommandResult, Process, SOON, body, eventually, with, with_path_only};

/// The acknowledged plans as in their answers, and the bodies of all other answers.
#[derive(Clone, Default)]
struct Ledger {
    plans: Arc<Mutex<Vec<Value>>>,
    refusals: Arc<Mutex<Vec<String>>>,
}

impl Ledger {
    fn len(&self) -> usize {
        self.plans.lock().expect("nobody panics with it").len()
    }

    fn plans(&self) -> Vec<Value> {
        self.plans.lock().expect("nobody panics with it").clone()
    }

    fn refusals(&self) -> Vec<String> {
        self.refusals.lock().expect("nobody panics with it").clone()
    }

    fn note(&self, answer: &Answer) {
        if answer.status == 200 {
            let plan = answer.json()["plan_data"].clone();
            self.plans.lock().expect("nobody panics with it").push(plan);
        } else {
            self.refusals.lock().expect("nobody panics with it").push(answer.text.clone());
        }
    }
}

const CLIENTS: usize = 8;

/// Starts clients. Each requests one new plan after the other until the service does not answer.
fn traffic(client: &Client, ledger: &Ledger, round: usize) -> Vec<JoinHandle<()>> {
    let first_day = NaiveDate::from_ymd_opt(2030, 1, 1).expect("it is a date");
    let ask_on = move |client: Client, ledger: Ledger, user_id: String| async move {
        for n in 0.. {
            let day = first_day.checked_add_days(Days::new(n)).expect("there are enough days");
            let keys = ["NSE:TCS", "NSE:INFY", "BSE:ITC", "NSE:NOPE", "NSE:TCS"];
            let keys = &keys[..=usize::try_from(n).expect("it is small") % keys.len()];
            let request = client.request(reqwest::Method::POST, &format!("plan?user_id={user_id}"));
            let request = request.json(&with(body(keys), "as_of", day.to_string()));
            match Answer::attempt(request).await {
                Ok(answer) => ledger.note(&answer),
                Err(_) => return,
            }
        }
    };
    (0..CLIENTS)
        .map(|number| tokio::spawn(ask_on(client.clone(), ledger.clone(), format!("round-{round}.client-{number}"))))
        .collect()
}

async fn assert_all_stored(client: &Client, ledger: &Ledger) {
    for plan in ledger.plans() {
        let id = plan["plan_id"].as_str().expect("an id is a text");
        assert_eq!(client.read(&format!("plans/{id}")).await["plan"], plan);
    }
}

async fn until_acknowledged(ledger: &Ledger, count: usize) {
    let enough = ledger.len() + count;
    eventually("plans are acknowledged", SOON, async || (ledger.len() >= enough).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_plans_survive_a_kill_during_traffic() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::default();

    for round in 0..3 {
        let mut service = Process::start(folder.path(), &[]).await;
        let clients = traffic(&service.client, &ledger, round);
        until_acknowledged(&ledger, 80).await;
        service.kill();
        for client in clients {
            client.await.unwrap();
        }

        let service = Process::start(folder.path(), &[]).await;
        assert_all_stored(&service.client, &ledger).await;
    }

    assert!(ledger.len() >= 240);
    assert_eq!(ledger.refusals(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_stored_without_acknowledgment_are_complete() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::default();
    let mut service = Process::start(folder.path(), &[]).await;
    let clients = traffic(&service.client, &ledger, 0);
    until_acknowledged(&ledger, 40).await;
    service.kill();
    for client in clients {
        client.await.unwrap();
    }

    let service = Process::start(folder.path(), &[]).await;
    let mut stored = 0;
    let mut path = "plans?limit=200".to_owned();
    loop {
        let page = service.client.read(&path).await;
        for listed in page["plans"].as_array().unwrap() {
            let plan =
                service.client.read(&format!("plans/{}", listed["plan_id"].as_str().unwrap())).await["plan"].clone();
            assert_eq!(plan["estimated_cost"], listed["estimated_cost"]);
            let kept = plan["instruments"].as_array().unwrap().len() + plan["rejected"].as_array().unwrap().len();
            assert_eq!(plan["metadata"]["original_instrument_count"], kept);
            stored += 1;
        }
        let Some(cursor) = page.get("next_cursor") else { break };
        path = format!("plans?limit=200&cursor={}", cursor.as_str().unwrap());
    }

    // Each client had at most one request in progress.
    assert!((ledger.len()..=ledger.len() + CLIENTS).contains(&stored), "{stored} of {}", ledger.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graceful_shutdown_during_traffic_loses_no_plan() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::default();
    let mut service = Process::start(folder.path(), &[]).await;
    let clients = traffic(&service.client, &ledger, 0);
    until_acknowledged(&ledger, 80).await;

    service.terminate();
    let status = service.end(SOON).await;
    for client in clients {
        client.await.unwrap();
    }

    assert_eq!(status.code(), Some(0), "{}", service.log());
    assert_eq!(ledger.refusals(), Vec::<String>::new());
    assert!(service.log().contains("engine shut down"));
    let service = Process::start(folder.path(), &[]).await;
    assert_all_stored(&service.client, &ledger).await;
    assert_eq!(service.client.read("plans").await["pagination"]["total"], ledger.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_generated_key_is_private_and_shown_once() {
    let folder = TempDir::new().unwrap();
    let data_dir = folder.path().join("a folder");
    let file = data_dir.join("internal_api_key");

    let first = Process::start_with_only(&data_dir, &[]).await;
    let key = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    let (first_greeting, first_log) = (first.greeting.clone(), first.log());
    drop(first);
    let second = Process::start_with_only(&data_dir, &[]).await;

    assert!(key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(mode & 0o777, 0o600);
    assert!(first_greeting.contains(&key), "it is shown once");
    assert!(!first_log.contains(&key) && !second.log().contains(&key), "it is never logged");
    assert!(!second.greeting.contains(&key), "it is shown only once");
    assert!(second.curl_line().contains(&format!("$(cat '{}')", file.display())), "{}", second.curl_line());
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), key);
    second.client.get("plans").await.problem(401, "unauthorized");
    assert_eq!(second.client.clone().with_key(&key).read("plans").await["pagination"]["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_curl_command_of_the_greeting_creates_a_plan() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: there is no curl");
        return;
    }
    let paste = |line: &str, variables: &[(&str, &str)]| -> Value {
        let output = with_path_only(Command::new("sh").args(["-c", line])).envs(variables.iter().copied()).output();
        let finished = CommandResult::from(output.unwrap());
        assert_eq!(finished.code, Some(0));
        assert_eq!(finished.stderr.as_str(), "");
        serde_json::from_str(&finished.output).unwrap()
    };
    let folder = TempDir::new().unwrap();
    let data_dir = folder.path().join("a folder");

    let first = Process::start_with_only(&data_dir, &[]).await;
    let made = paste(first.curl_line(), &[]);
    let again = paste(first.curl_line(), &[]);
    drop(first);
    let second = Process::start_with_only(&data_dir, &[]).await;
    let after = paste(second.curl_line(), &[]);
    drop(second);
    let named = Process::start_with_only(&data_dir, &[("INTERNAL_API_KEY", "a-fake-key-for-the-shell")]).await;
    let with_variable = paste(named.curl_line(), &[("INTERNAL_API_KEY", "a-fake-key-for-the-shell")]);

    assert_eq!(made["status"], "created");
    assert_eq!(again["status"], "cached");
    assert_eq!(made["plan_data"]["instruments"], serde_json::json!(["NSE:NIFTY 50", "NSE:RELIANCE", "NSE:TCS"]));
    assert_eq!(after["status"], "created");
    assert_eq!(with_variable["status"], "created");
    assert!(named.curl_line().contains("$INTERNAL_API_KEY") && !named.greeting.contains("a-fake-key-for-the-shell"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_services_share_a_data_folder() {
    let folder = TempDir::new().unwrap();
    let (a, b) = (Process::start(folder.path(), &[]).await, Process::start(folder.path(), &[]).await);

    let plan = a.client.plan("u", &body(&["NSE:TCS"])).await;
    let read = b.client.read(&format!("plans/{}", plan["plan_id"].as_str().unwrap())).await;

    assert_eq!(read["plan"], plan["plan_data"]);
}
