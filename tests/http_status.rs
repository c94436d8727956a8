//! The status for operators, and its stream.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use test_servers::RedisServer;
use tokio::time::timeout;

use crate::http_ingest::{FEW, kite_of};
use crate::support::{Answer, Client, Process, REGISTRY, SOON, Service, body, eventually};

async fn status(client: &Client) -> Value {
    client.get(&format!("{REGISTRY}/status")).await.json()
}

/// Returns the entry of a list whose field has this value.
#[track_caller]
fn entry<'a>(list: &'a Value, field: &str, value: &str) -> &'a Value {
    let found = list.as_array().and_then(|list| list.iter().find(|entry| entry[field] == value));
    found.unwrap_or_else(|| panic!("no {field} {value}: {list}"))
}

fn problems<'a>(status: &'a Value, subject: &str) -> Vec<&'a Value> {
    let problems = status["health"]["problems"].as_array().expect("the value is a list");
    problems.iter().filter(|problem| problem["subject"] == subject).collect()
}

/// Waits until a subject has a problem, and returns the status.
async fn until_problem(client: &Client, subject: &str) -> Value {
    eventually(subject, SOON, async || {
        Some(status(client).await).filter(|status| !problems(status, subject).is_empty())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_counts_requests_and_plans() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let client = &service.client;
    client.plan("u", &body(&["NSE:TCS"])).await;
    client.plan("u", &body(&["NSE:TCS"])).await;
    client.post("plan", &json!({})).await.faults();

    let status = status(client).await;

    let plans = entry(&status["endpoints"], "endpoint", &format!("{REGISTRY}/subscriptions/plan"));
    assert_eq!(plans["requests"], 3);
    assert_eq!(plans["client_errors"], 1);
    assert!(plans["p50_ms"].as_f64().is_some_and(|p50| p50 > 0.0), "{plans}");
    assert_eq!(status["endpoints"][0], *plans, "busiest first");
    assert_eq!(status["plans"]["created_by_broker"]["none"], 1);
    assert_eq!(status["caches"]["l1"]["entries"], 1);
    assert_eq!(status["caches"]["l1"]["hit_ratio"], 0.5);
    assert_eq!(status["caches"]["l2"], Value::Null);
    assert_eq!(status["batches"]["rows_p50"], 1.0);
    assert_eq!(status["requests"]["in_flight"], 1, "the request for the status");
    assert!(status["requests"]["last_minute"]["requests_per_second"].as_f64().is_some_and(|rate| rate > 0.0));
    assert!(status["process"]["resident_memory_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20));
    assert_eq!(status["process"]["log_level"], "info");
    let persistence = entry(&status["actors"], "name", "persistence");
    assert_eq!(persistence["state"], "running");
    assert_eq!(persistence["restarts"], 0);
    assert!(persistence["handled_per_second"].as_f64().is_some_and(|rate| rate > 0.0), "{persistence}");
    assert_eq!(entry(&status["breakers"], "dependency", "database")["state"], "closed");
    assert_eq!(status["health"]["status"], "degraded");
    assert_eq!(status["health"]["summary"], "catalog: the demonstration catalog is served.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_served_without_a_database() {
    let service = Service::without_database().await;

    let status = until_problem(&service.client, "database").await;

    assert_eq!(status["health"]["status"], "not_ready");
    let database = problems(&status, "database")[0];
    assert_eq!(database["severity"], "critical");
    assert_eq!(database["runbook"], "InstrumentRegistryDatabaseUnavailable");
    assert_eq!(status["catalog"]["version"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn unavailable_redis_is_a_problem() {
    let Some(mut redis) = RedisServer::start() else { return };
    let service = Service::with(&[("REDIS_URL", &redis.url())]).await;
    let client = &service.client;
    eventually("Redis responds", SOON, async || problems(&status(client).await, "redis").is_empty().then_some(()))
        .await;

    redis.kill();
    let status = eventually("the breaker opens", SOON, async || {
        let status = status(client).await;
        (entry(&status["breakers"], "dependency", "redis")["state"] != "closed").then_some(status)
    })
    .await;

    let breaker = entry(&status["breakers"], "dependency", "redis");
    assert!(breaker["opened_at"].is_string(), "{breaker}");
    assert!(breaker["next_trial_ms"].is_u64(), "{breaker}");
    let problem = problems(&status, "redis")[0];
    assert_eq!(problem["severity"], "warning");
    assert_eq!(problem["runbook"], "InstrumentRegistryRedisUnavailable");
    let url = redis.url();
    let address = url.trim_start_matches("redis://").split('/').next().unwrap();
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("unavailable: ") && detail.contains("refused"), "{detail}");
    assert!(detail.ends_with(&format!(", at {address}")), "{detail}");
    assert!(status["caches"]["l2"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_actor_is_a_problem() {
    let service = Service::start().await;
    assert!(service.engine.crash("ingest"));

    let status = until_problem(&service.client, "ingest").await;

    let problem = problems(&status, "ingest").pop().expect("there is one");
    assert_eq!(problem["runbook"], "InstrumentRegistryActorRestarts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_is_a_problem_until_the_next_one() {
    let service = Service::with(&[FEW]).await;
    let client = &service.client;
    upload(client, kite_of(20)).await;
    let accepted = status(client).await;
    upload(client, kite_of(2)).await;

    let refused = status(client).await;

    let broker = entry(&accepted["catalog"]["brokers"], "broker_id", "kite");
    assert_eq!(broker["last_diff"], json!({"added": 20}));
    assert_eq!(broker["version"], 1);
    assert_eq!(broker["refusal"], Value::Null);
    let refusal = &entry(&refused["catalog"]["brokers"], "broker_id", "kite")["refusal"];
    assert!(refusal["faults"].as_array().is_some_and(|faults| !faults.is_empty()), "{refusal}");
    let runbooks: Vec<_> = problems(&refused, "catalog").iter().map(|problem| &problem["runbook"]).collect();
    assert!(runbooks.contains(&&"InstrumentRegistryFileRejected".into()), "{runbooks:?}");
    let statuses: Vec<_> = refused["jobs"].as_array().unwrap().iter().map(|job| &job["status"]).collect();
    assert_eq!(statuses, ["failed", "completed"], "newest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dismissed_rejection_is_not_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[FEW]).await;
    let client = &service.client;
    upload(client, kite_of(20)).await;
    upload(client, kite_of(2)).await;
    let dismiss = async |rejections: &str| {
        Answer::to(client.request(Method::DELETE, &format!("{REGISTRY}/brokers/{rejections}"))).await
    };
    let of_files = |status: &Value| {
        problems(status, "catalog").iter().filter(|one| one["runbook"] == "InstrumentRegistryFileRejected").count()
    };
    assert_eq!(of_files(&status(client).await), 1);

    let dismissed = dismiss("kite/rejections").await.json();

    assert_eq!(dismissed["dismissed"], 1);
    assert_eq!(of_files(&status(client).await), 0, "at once");
    let detail = client.get("/ready").await.json()["checks"]["catalogue"]["detail"].to_string();
    assert!(!detail.contains("rejected"), "{detail}");
    assert_eq!(entry(&status(client).await["catalog"]["brokers"], "broker_id", "kite")["version"], 1);
    let line = &audit_lines(&service)[2];
    assert_eq!(line["action"], "dismiss_rejections");
    assert_eq!(line["subject"], "kite");
    assert_eq!(line["old"], "1");
    assert_eq!(dismiss("kite/rejections").await.json()["dismissed"], 0);
    dismiss("nobody/rejections").await.problem(404, "not_found");
    dismiss("kite/rejections?force=true").await.faults();
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_and_files_of_other_processes_are_in_the_status() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Process::start(folder.path(), &[FEW]).await;
    upload(&first.client, kite_of(20)).await;
    first.terminate();
    assert!(first.end(SOON).await.success());

    let second = Process::start(folder.path(), &[FEW]).await;
    let status = eventually("the job is read", SOON, async || {
        Some(status(&second.client).await).filter(|status| status["jobs"][0].is_object())
    })
    .await;

    assert_eq!(status["jobs"][0]["status"], "completed");
    let broker = entry(&status["catalog"]["brokers"], "broker_id", "kite");
    assert_eq!(broker["last_diff"], json!({"added": 20}));
    assert_eq!(broker["version"], 1);
}

/// Uploads a file of Kite, and waits until its job has finished.
async fn upload(client: &Client, file: String) {
    // The status reports the end of the last job shortly before the end is stored. Until then, the broker is busy.
    let answer = eventually("the file is taken", SOON, async || {
        let request = client.request(Method::POST, &format!("{REGISTRY}/brokers/kite/ingest"));
        let request = request.header("Content-Type", "application/octet-stream").body(file.clone());
        Some(Answer::to(request).await).filter(|answer| answer.status == 200)
    })
    .await;
    let job_id = answer.json()["job_id"].as_str().expect("the value is a string").to_owned();
    eventually("the job finishes", SOON, async || {
        let status = status(client).await;
        let job = status["jobs"].as_array()?.iter().find(|job| job["job_id"] == job_id.as_str())?.clone();
        job["finished_at"].is_string().then_some(())
    })
    .await;
}

/// An open stream of events, and the bytes that arrived after the last complete event.
struct Stream {
    response: Response,
    rest: String,
}

impl Stream {
    async fn open(client: &Client) -> Self {
        let request = client.request(Method::GET, &format!("{REGISTRY}/status/stream"));
        let response = request.send().await.expect("the service responds");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream { response, rest: String::new() }
    }

    /// Returns name and data of the next event, or `None` at the end of the stream.
    async fn next(&mut self) -> Option<(String, Value)> {
        while !self.rest.contains("\n\n") {
            let chunk = timeout(SOON, self.response.chunk()).await.expect("an event arrives").ok()??;
            self.rest += std::str::from_utf8(&chunk).expect("an event is text");
        }
        let (event, rest) = self.rest.split_once("\n\n")?;
        let (name, data) = event.split_once('\n')?;
        let data = serde_json::from_str(data.strip_prefix("data: ")?).expect("the data is JSON");
        let event = (name.strip_prefix("event: ")?.to_owned(), data);
        self.rest = rest.to_owned();
        Some(event)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_the_service_drains() {
    let service = Service::start().await;
    let mut stream = Stream::open(&service.client).await;
    let (first, document) = stream.next().await.unwrap();
    assert_eq!(first, "status");
    assert!(document["health"]["summary"].is_string());
    stream.next().await.unwrap();

    let (running, _folder) = service.stop();
    let mut last = String::new();
    while let Some((name, _)) = stream.next().await {
        last = name;
    }

    assert_eq!(last, "draining");
    timeout(SOON, running).await.expect("it ends").unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_sends_each_point_of_the_history_once() {
    let service = Service::start().await;
    let mut stream = Stream::open(&service.client).await;
    let mut ends: Vec<String> = Vec::new();
    // Two points take 10 s.
    while ends.len() < 2 {
        let (_, document) = stream.next().await.unwrap();
        let points = document["history"]["points"].as_array().unwrap();
        ends.extend(points.iter().map(|point| point["at"].as_str().unwrap().to_owned()));
    }

    let (_, whole) = Stream::open(&service.client).await.next().await.unwrap();

    let all: Vec<&str> =
        whole["history"]["points"].as_array().unwrap().iter().map(|p| p["at"].as_str().unwrap()).collect();
    assert_eq!(ends, all[..2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_16_streams_are_open() {
    let service = Service::start().await;
    let path = format!("{REGISTRY}/status/stream");
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(Stream::open(&service.client).await);
    }

    service.client.get(&path).await.problem(503, "overloaded");
    streams.pop();

    eventually("a stream is free", SOON, async || {
        let response = service.client.request(Method::GET, &path).send().await.unwrap();
        (response.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_needs_a_key_and_has_no_parameters() {
    let service = Service::start().await;
    for path in ["status", "status/stream"] {
        let path = format!("{REGISTRY}/{path}");
        Answer::to(service.client.request_without_key(Method::GET, &path)).await.problem(401, "unauthorized");
        assert_eq!(service.client.get(&format!("{path}?since=1")).await.pointers(), ["/query/since"]);
    }
}

/// Sends a request of an operator to `admin/{path}`.
async fn act(client: &Client, method: Method, path: &str, body: &Value) -> Answer {
    Answer::to(client.request(method, &format!("{REGISTRY}/admin/{path}")).json(body)).await
}

async fn force(client: &Client, dependency: &str, action: &str) -> Value {
    act(client, Method::POST, &format!("breakers/{dependency}"), &json!({"action": action})).await.json()
}

/// Returns the audit lines of the log.
fn audit_lines(service: &Process) -> Vec<Value> {
    let lines: Vec<Value> = service.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    lines.into_iter().filter(|line| line["audit"] == true).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_breaker_rejects_until_its_reset() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let client = &service.client;

    let forced = force(client, "database", "force_open").await;
    client.ask("u", &body(&["NSE:TCS"])).await.problem(503, "database_unavailable");
    let status_while_forced = status(client).await;
    let ready = client.get("/ready").await.json();
    let reset = force(client, "database", "reset").await;
    client.plan("u", &body(&["NSE:TCS"])).await;

    assert_eq!(forced["state"], "open");
    assert_eq!(forced["forced"], "open");
    assert_eq!(forced["next_trial_ms"], Value::Null);
    assert_eq!(entry(&status_while_forced["breakers"], "dependency", "database")["forced"], "open");
    assert_eq!(problems(&status_while_forced, "database").len(), 2);
    let detail = ready["checks"]["database"]["detail"].as_str().unwrap();
    assert!(detail.ends_with("circuit breaker forced open by an operator"), "{detail}");
    assert_eq!(reset["state"], "closed");
    assert_eq!(reset["forced"], Value::Null);
    let line = &audit_lines(&service)[0];
    assert_eq!(line["action"], "force_breaker");
    assert_eq!(line["subject"], "database");
    assert_eq!(line["old"], "closed");
    assert_eq!(line["new"], "forced_open");
    assert_eq!(line["key"], "environment");
    assert!(line["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1:")), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_of_a_missing_dependency_is_not_found() {
    let service = Service::start().await;
    for dependency in ["redis", "config_service", "mongo"] {
        let path = format!("breakers/{dependency}");
        let answer = act(&service.client, Method::POST, &path, &json!({"action": "reset"})).await;
        answer.problem(404, "not_found");
    }
    let answer = act(&service.client, Method::POST, "breakers/database", &json!({"action": "open"})).await;
    assert_eq!(answer.pointers(), ["/action"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_level_changes_and_is_audited() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let client = &service.client;
    let set = async |level: &str| act(client, Method::PUT, "log-level", &json!({"level": level})).await;

    set("debug").await.json();
    client.get("/health").await;
    let quiet = set("error").await.json();
    let debug_lines = service.log().matches("\"DEBUG\"").count();
    client.get("/health").await;

    assert!(debug_lines > 0);
    assert_eq!(service.log().matches("\"DEBUG\"").count(), debug_lines);
    assert_eq!(quiet["previous"], "debug");
    assert_eq!(quiet["level"], "error");
    assert_eq!(status(client).await["process"]["log_level"], "error");
    for wrong in ["verbose", "", "info,loud", "registry_actors=loud"] {
        assert_eq!(set(wrong).await.pointers(), ["/level"], "{wrong}");
    }
    let lines = audit_lines(&service);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[1]["old"], "debug");
    assert_eq!(lines[1]["new"], "error");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_without_a_config_service_is_not_configured() {
    let service = Service::start().await;
    let answer = act(&service.client, Method::POST, "settings/refresh", &json!({})).await.json();
    assert_eq!(answer["outcome"], "not_configured");
}
