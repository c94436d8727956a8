//! Answers while the service, its database or its disk is unavailable.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use test_servers::{Proxy, TestDatabase};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::recording::Call;
use super::*;
use crate::support::{Process, Standin};

async fn sqlite(service: &Service) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(service.database());
    options.connect().await.expect("the database is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_before_the_service_is_ready() {
    let service = Service::without_database().await;
    let recorder = Recorder::new(&service.client);

    recorder.record("not_ready", get("/ready").without_key()).await;
    recorder.record("not_ready_health", get("/health").without_key()).await;
    recorder.record("not_ready_plan", post("plan?user_id=u", &plan_request(&["NSE:TCS"]))).await;
    recorder.record("not_ready_profile", post(PROFILES, &profile("desk", "A", &["NSE:TCS"]))).await;
    recorder.record("not_ready_search", post_nothing(format!("{REGISTRY}/search"))).await;
    service.give_database();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_before_the_api_key_is_known() {
    let standin = Standin::stopped(&[]).await;
    let variables = [("CONFIG_SERVICE_URL", standin.url()), ("CONFIG_SERVICE_API_KEY", crate::support::KEY.to_owned())];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let folder = TempDir::new().expect("a folder can be created");
    let service = Service::run_with(folder, &variables, Default::default()).await;
    let recorder = Recorder::new(&service.client);

    recorder.record("not_ready_without_api_key", get("plans")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_after_the_deadline() {
    let variables = [("INSTRUMENT_REGISTRY_PLANNER_TIMEOUT", "1"), ("INSTRUMENT_REGISTRY_SUBSCRIPTION_TIMEOUT", "1")];
    let service = Service::with(&variables).await;
    let recorder = Recorder::new(&service.client);
    let mut locker = sqlite(&service).await;
    sqlx::query("begin exclusive").execute(&mut locker).await.expect("nobody else has locked it");

    recorder.record("deadline_exceeded_plan", post("plan?user_id=u", &plan_request(&["NSE:TCS"]))).await;
    recorder.record("deadline_exceeded_profile", post(PROFILES, &profile("desk", "A", &["NSE:TCS"]))).await;
    locker.close().await.expect("the connection can be closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_when_a_row_cannot_be_read() {
    let service = Service::start().await;
    let recorder = Recorder::new(&service.client);
    let created_profile = service.client.post(PROFILES, &profile("desk", "A", &["NSE:TCS"])).await.json();
    let mut connection = sqlite(&service).await;
    sqlx::query("pragma ignore_check_constraints = 1").execute(&mut connection).await.expect("the pragma is set");
    let broken = "update subscription_profiles set preferences = '['";
    sqlx::query(broken).execute(&mut connection).await.expect("the row can be broken");

    recorder.record("internal", get(format!("{PROFILES}/{}", text(&created_profile["profile_id"])))).await;
    connection.close().await.expect("the connection can be closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_while_an_actor_is_restarted() {
    let service = Service::start().await;
    let recorder = Recorder::new(&service.client);

    // The delay grows with each restart, so one request falls into it.
    for _ in 0..5 {
        assert!(service.engine.crash("config"));
        let answer = recorder.send(get("planner/config")).await;
        if answer.status == 503 {
            recorder.compare("unavailable", &get("planner/config"), &answer);
            return;
        }
    }
    panic!("the actor responded to every request");
}

/// Sends a request in a task that returns the answer.
fn send_in_background(client: &Client, call: &Call) -> JoinHandle<Answer> {
    let (client, call) = (client.clone(), call.clone());
    tokio::spawn(async move { call.send(&client).await })
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_while_the_database_is_unavailable() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let service = Service::with(&[("DATABASE_URL", &database.url_at(&proxy.address()))]).await;
    let recorder = Recorder::new(&service.client);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);

    // The database terminates the session during a write.
    locker.execute("begin; lock table instrument_registry.subscription_plans in exclusive mode").await;
    let request = post("plan?user_id=v", &plan_request(&["NSE:INFY"]));
    let planned = send_in_background(&service.client, &request);
    admin.until_blocked().await;
    admin.terminate("wait_event_type = 'Lock'").await;
    recorder.compare("unknown_outcome_plan", &request, &planned.await.expect("the task does not panic"));
    locker.execute("rollback").await;

    // The database terminates the session during the commit of a profile.
    for statement in [
        "create function instrument_registry.wait() returns trigger language plpgsql as \
         'begin perform pg_advisory_xact_lock(7); return null; end'",
        "create constraint trigger wait after insert on instrument_registry.subscription_profiles \
         deferrable initially deferred for each row execute function instrument_registry.wait()",
    ] {
        admin.execute(statement).await;
    }
    locker.execute("begin; select pg_advisory_xact_lock(7)").await;
    let request = post(PROFILES, &profile("desk", "A", &["NSE:TCS"]));
    let created = send_in_background(&service.client, &request);
    admin.until_blocked().await;
    admin.terminate("wait_event_type = 'Lock' and query = 'commit'").await;
    recorder.compare("unknown_outcome_profile", &request, &created.await.expect("the task does not panic"));
    locker.execute("rollback").await;

    proxy.refuse().await;
    recorder.record("database_unavailable_plan", post("plan?user_id=w", &plan_request(&["NSE:TCS"]))).await;
    recorder.record("database_unavailable_list", get("plans")).await;
    recorder.record("database_unavailable_profile", post(PROFILES, &profile("desk", "B", &["NSE:TCS"]))).await;
    let lines = "profile_name,instrument\nA,NSE:TCS\nB,NSE:INFY\n";
    let import = format!("{PROFILES}/users/desk/import");
    recorder.record("not_tried", post_nothing(import).sending("text/csv", lines)).await;
    proxy.accept_again().await;
}

/// Sends the first byte of a file.
async fn begin_upload(service: &Process, path: &str) -> TcpStream {
    let (host, key) = service.client.raw();
    let mut stream = TcpStream::connect(service.address).await.expect("the service listens");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nX-Internal-API-Key: {key}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: 100\r\n\r\nx"
    );
    stream.write_all(head.as_bytes()).await.expect("the head can be sent");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_while_uploads_are_at_capacity() {
    let folder = TempDir::new().expect("a folder can be created");
    let service = Process::start(folder.path(), &[]).await;
    let recorder = Recorder::new(&service.client);
    let path = format!("{REGISTRY}/brokers/kite/ingest");

    // Two unfinished uploads use the capacity of the service.
    let started = eventually("two files arrive", SOON, async || {
        let arriving = [begin_upload(&service, &path).await, begin_upload(&service, &path).await];
        let third = service.client.request(reqwest::Method::POST, &path);
        let third = Answer::to(third.header("Content-Type", "application/octet-stream").body("x")).await;
        (third.status == 503).then_some(arriving)
    })
    .await;
    let upload = post_nothing(&path).sending("application/octet-stream", "x");
    recorder.record("overloaded", upload).await;
    drop(started);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_while_the_disk_is_full() {
    let folder = TempDir::new().expect("a folder can be created");
    let service = Process::start_with_small_files(folder.path(), 16).await;
    let recorder = Recorder::new(&service.client);
    let file = vec![b'x'; 20 << 20];

    let upload = post_nothing(format!("{REGISTRY}/brokers/kite/ingest"));
    recorder.record("no_room", upload.sending("application/octet-stream", file)).await;
}
