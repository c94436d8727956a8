//! The metrics of a service on PostgreSQL and Redis after requests to every endpoint.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use test_servers::{PostgresServer, RedisServer, promtool};

use super::alerts::folder;
use crate::documents::{first_cells, read_repository_file};
use crate::http_ingest::{FEW, kite_of};
use crate::http_process::exposition::use_everything;
use crate::http_process::measures::series;
use crate::support::{Answer, Client, Process, REGISTRY, SOON, body, eventually, with};

/// A service with all dependencies except the config service, after requests to every endpoint.
pub(super) struct FullRun {
    pub(super) service: Process,
    _folder: TempDir,
    _redis: RedisServer,
    _database: PostgresServer,
}

impl FullRun {
    /// Returns `None` if a server is not installed.
    pub(super) async fn new() -> Option<Self> {
        let (database, redis) = (PostgresServer::start()?, RedisServer::start()?);
        let folder = TempDir::new().expect("a folder can be made");
        let variables = [FEW, ("DATABASE_URL", &*database.url()), ("REDIS_URL", &*redis.url()), ("PROBE_PORT", "0")];
        let service = Process::start(folder.path(), &variables).await;
        let client = &service.client;
        use_everything(client).await;
        plans_of_every_kind(client, "first").await;
        refuse_a_file(client).await;
        fail(client).await;
        Some(FullRun { service, _folder: folder, _redis: redis, _database: database })
    }
}

/// Creates new plans of all levels, with and without a broker, describes them, and repeats one.
pub(super) async fn plans_of_every_kind(client: &Client, user: &str) {
    for level in ["low", "moderate", "aggressive"] {
        let request = with(body(&["NSE:SHARE1", "NSE:SHARE2"]), "optimization_level", level);
        client.plan(user, &request).await;
        client.plan(user, &request).await;
        let placed = client.plan(user, &with(request, "broker", "kite")).await;
        let plan_id = placed["plan_id"].as_str().expect("the value is an id");
        for level in ["basic", "detailed", "comprehensive"] {
            client.post(&format!("plan/{plan_id}/describe"), &json!({"description_level": level})).await.json();
        }
    }
}

/// Uploads a file of Kite with this number of shares.
async fn upload(client: &Client, shares: u32) {
    let request = client.request(Method::POST, &format!("{REGISTRY}/brokers/kite/ingest"));
    Answer::to(request.header("Content-Type", "application/octet-stream").body(kite_of(shares))).await.json();
}

async fn until_metric(client: &Client, name: &str, value: f64) {
    let series = format!("instrument_registry_catalogue_{name}{{broker_id=\"kite\"}}");
    eventually(&series, SOON, async || (client.metric(&series).await == Some(value)).then_some(())).await;
}

/// Uploads a file that a gate rejects, because it has fewer rows than the accepted one.
async fn refuse_a_file(client: &Client) {
    upload(client, 1).await;
    until_metric(client, "refusals_in_effect", 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_in_effect_until_the_next_file() {
    let folder = TempDir::new().expect("a folder can be made");
    let service = Process::start(folder.path(), &[FEW]).await;
    let client = &service.client;
    upload(client, 3).await;
    eventually("the file is served", SOON, async || (load_time(client).await > 0.0).then_some(())).await;

    refuse_a_file(client).await;
    upload(client, 4).await;

    until_metric(client, "refusals_in_effect", 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_age_of_a_file() {
    let folder = TempDir::new().expect("a folder can be made");
    let mut service = Process::start(folder.path(), &[FEW]).await;
    upload(&service.client, 3).await;
    let served = async || Some(load_time(&service.client).await).filter(|at| *at > 0.0);
    let before = eventually("the file is served", SOON, served).await;
    service.terminate();
    assert!(service.end(SOON).await.success());

    let service = Process::start(folder.path(), &[FEW]).await;

    assert!((load_time(&service.client).await - before).abs() < f64::EPSILON);
}

/// Returns the time at which the last file of Kite was accepted, in seconds since 1970; 0 without a file.
async fn load_time(client: &Client) -> f64 {
    let series = "instrument_registry_catalogue_load_timestamp_seconds{broker_id=\"kite\"}";
    client.metric(series).await.expect("the metric is there")
}

/// Sends requests without a key, for an unknown path, with another method, and with a body that is not JSON.
async fn fail(client: &Client) {
    Answer::to(client.request_without_key(Method::GET, "plans")).await;
    client.get("/nothing").await;
    Answer::to(client.request(Method::PATCH, "plans")).await;
    client.post_text("plan?user_id=u", "{").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_of_a_full_run_are_documented_and_valid() {
    let Some(run) = FullRun::new().await else { return };
    let text = run.service.client.get("/metrics").await.text;

    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let exported: BTreeSet<String> = types.map(str::to_owned).collect();
    let is_metric = |name: &String| name.starts_with("instrument_registry_") || name.starts_with("process_");
    let documented: BTreeSet<String> =
        first_cells(&read_repository_file("docs/operating.md")).into_iter().filter(is_metric).collect();
    assert_eq!(exported, documented);

    let Some(checked) = promtool(&folder(), &["check", "metrics"], &text) else { return };
    // promtool prints one line for each fault, but exits with 0 for some of them.
    let faults = String::from_utf8_lossy(&checked.stderr).into_owned() + &String::from_utf8_lossy(&checked.stdout);
    assert_eq!(faults, "");
    assert!(checked.status.success(), "{checked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_a_full_run_come_from_closed_lists() {
    let Some(run) = FullRun::new().await else { return };
    let text = run.service.client.get("/metrics").await.text;

    let mut values = BTreeSet::new();
    for (_, labels, _) in series(&text) {
        values.extend(labels.split(',').filter_map(|label| label.split_once('=')).map(owned));
    }
    let strange: Vec<&(String, String)> = values.iter().filter(|(name, value)| !is_expected(name, value)).collect();

    assert!(values.len() > 150, "{}", values.len());
    assert_eq!(strange, Vec::<&(String, String)>::new());
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.trim_matches('"').to_owned())
}

/// Returns the possible values of a label; `None` if its values follow another rule.
fn words(label: &str) -> Option<&'static [&'static str]> {
    Some(match label {
        "method" => &["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "_OTHER"],
        "broker_id" => &["aliceblue", "angel", "dhan", "fyers", "groww", "kite", "nuvama", "shoonya", "upstox"],
        "broker" => &[
            "aliceblue",
            "angel",
            "breeze",
            "dhan",
            "fivepaisa",
            "fyers",
            "groww",
            "kite",
            "kotak",
            "none",
            "nuvama",
            "shoonya",
            "upstox",
        ],
        "dependency" => &["config_service", "database", "redis"],
        "listener" => &["main", "probe"],
        "lane" => &["batches", "change", "keyed", "list", "point", "upkeep"],
        "tier" => &["l1"],
        "phase" => &["request", "response"],
        "origin" => &["config_service", "default", "environment", "last_good"],
        "from" | "to" => &["closed", "half_open", "open"],
        "subscription_type" => &["alerts", "historical", "live_feed"],
        "optimization_level" => &["aggressive", "low", "moderate"],
        "filtering_strictness" => &["lenient", "moderate", "strict"],
        "description_level" => &["basic", "comprehensive", "detailed"],
        "mode" => &["full_catalog", "incremental", "on_demand"],
        "version" => &[env!("CARGO_PKG_VERSION")],
        _ => return None,
    })
}

/// Returns whether a value is possible for its label. Labels without a list have words from the code, which do not
/// contain the digits of an id, a key, a token or a time.
fn is_expected(label: &str, value: &str) -> bool {
    if let Some(words) = words(label) {
        return words.contains(&value);
    }
    match label {
        "endpoint" => is_template(value),
        "le" => value == "+Inf" || value.parse::<f64>().is_ok(),
        "actor" => value.strip_prefix("planner_").map_or_else(|| is_word(value), |n| n.parse::<u8>().is_ok()),
        "status" if value.starts_with(|c: char| c.is_ascii_digit()) => {
            value.parse::<u16>().is_ok_and(|status| (200..600).contains(&status))
        }
        "operation" | "message" | "outcome" | "status" | "state" | "gate" | "action" | "conflict_type"
        | "resolution" | "lookup_type" => is_word(value),
        _ => false,
    }
}

fn is_word(value: &str) -> bool {
    value.len() <= 40 && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Returns whether the value is a route: segments of words, and names in braces.
fn is_template(value: &str) -> bool {
    let is_part = |part: &str| {
        let part = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')).unwrap_or(part);
        part == "v1" || part.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-.:".contains(&byte))
    };
    value == "unmatched" || (value.starts_with('/') && value.split('/').all(is_part))
}
