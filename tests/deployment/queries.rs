//! The queries of dashboards and alerts, evaluated by a Prometheus that scrapes the service.

use std::collections::BTreeSet;

use serde_json::Value;
use test_servers::PrometheusServer;
use tokio::time::timeout;

use super::alerts::{folder, rules};
use super::metrics::{FullRun, plans_of_every_kind};
use crate::documents::read_repository_file;
use crate::support::{Process, SOON};

/// Queries that return nothing if all is well, with the reason.
const EMPTY: [(&str, &str); 1] = [(
    "ALERTS{alertname=~\"InstrumentRegistry.*\"}",
    "no alert has to be pending; the state is tested by the unit tests",
)];

/// A query, with the dashboard and panel or the rule that contains it, and the labels in its legend.
struct Query {
    place: String,
    expression: String,
    labels: Vec<String>,
}

/// Returns the queries of all panels.
fn of_dashboards() -> Vec<Query> {
    let mut found = Vec::new();
    for name in ["instrument-registry", "instrument-registry-causes"] {
        let dashboard: Value =
            serde_json::from_str(&read_repository_file(format!("deploy/grafana/dashboards/{name}.json")))
                .expect("the text is JSON");
        assert_eq!(dashboard["uid"], name);
        for panel in dashboard["panels"].as_array().expect("a dashboard has panels") {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let text = |field: &str| target[field].as_str().expect("a target has the field").to_owned();
                let legend = text("legendFormat");
                let labels = legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
                found.push(Query {
                    place: format!("{name}: {}", panel["title"]),
                    expression: text("expr"),
                    labels: labels.map(str::to_owned).collect(),
                });
            }
        }
    }
    found
}

/// Returns a query for every selector of an alert or a recording rule. Its metrics must exist with these labels even if
/// the condition of the alert is not met.
fn of_rules() -> Vec<Query> {
    let mut found = Vec::new();
    for rule in rules() {
        let place = rule.alert.unwrap_or_else(|| "a recording rule".to_owned());
        for selector in selectors(&rule.expression) {
            found.push(Query { place: place.clone(), expression: selector, labels: Vec::new() });
        }
    }
    found
}

/// Returns the metrics of an expression with their matchers.
fn selectors(expression: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut found = BTreeSet::new();
    let mut rest = expression;
    while let Some(start) = rest.find(is_name) {
        let tail = &rest[start..];
        let name_end = tail.find(|c| !is_name(c)).unwrap_or(tail.len());
        let (name, mut end) = (&tail[..name_end], name_end);
        if tail[end..].starts_with('{') {
            end += tail[end..].find('}').expect("the braces are closed") + 1;
        }
        if name == "up" || name.contains("instrument_registry_") || name.starts_with("process_") {
            found.insert(tail[..end].to_owned());
        }
        rest = &tail[end.max(1)..];
    }
    found
}

#[test]
fn selectors_of_an_expression_are_found_with_matchers() {
    let found =
        selectors("sum by (job) (rate(instrument_registry_a{b=~\"c|d\"}[5m])) / job:instrument_registry_e:f > 2");

    assert_eq!(found.iter().collect::<Vec<_>>(), ["instrument_registry_a{b=~\"c|d\"}", "job:instrument_registry_e:f"]);
}

/// Starts Prometheus with the rules of the deployment and a scrape of the service every second.
fn prometheus_of(service: &Process) -> Option<PrometheusServer> {
    let configuration = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{}]\nscrape_configs:\n  \
         - job_name: instrument-registry\n    static_configs: [{{targets: [\"{}\"]}}]\n",
        folder().join("alerts.yml").display(),
        service.probe_address(),
    );
    PrometheusServer::start(&configuration)
}

/// Evaluates a query. Returns the reason if its result has no value or lacks a label of the legend.
async fn evaluate(client: &reqwest::Client, prometheus: &PrometheusServer, query: &Query) -> Result<(), String> {
    let encoded: String = query.expression.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let request = client.post(format!("{}/api/v1/query", prometheus.url()));
    let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(format!("query={encoded}"));
    let answer: Value = request.send().await.expect("it responds").json().await.expect("the text is JSON");
    let fault = |what: &str| Err(format!("{}: {what}: {}", query.place, query.expression));
    let Some(found) = answer["data"]["result"].as_array() else { return fault(&answer["error"].to_string()) };
    let is_value = |series: &&Value| series["value"][1].as_str().is_some_and(|value| value != "NaN");
    let Some(first) = found.iter().find(is_value) else { return fault("no value") };
    // The alternative `or sum(…)` of a query returns a series without the labels of its legend.
    let has = |label: &String| first["metric"][label].is_string() || query.expression.contains(" or sum(");
    if query.labels.iter().all(has) { Ok(()) } else { fault(&format!("no label of {:?} in {first}", query.labels)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_dashboards_and_alerts_has_data() {
    let Some(run) = FullRun::new().await else { return };
    let Some(prometheus) = prometheus_of(&run.service) else { return };
    let client = reqwest::Client::new();
    let mut queries = of_dashboards();
    assert!(queries.len() >= 60, "{}", queries.len());
    queries.extend(of_rules());
    queries.retain(|query| !EMPTY.iter().any(|(expression, _)| *expression == query.expression));

    let mut reasons = Vec::new();
    let all_have_data = async {
        for round in 0.. {
            plans_of_every_kind(&run.service.client, &format!("round-{round}")).await;
            (queries, reasons) = without_data(&client, &prometheus, std::mem::take(&mut queries)).await;
            if queries.is_empty() {
                return;
            }
        }
    };
    let is_in_time = timeout(SOON, all_have_data).await.is_ok();

    assert!(is_in_time, "{reasons:#?}");
}

/// Evaluates queries. Returns those without data, and the reason for each.
async fn without_data(
    client: &reqwest::Client,
    prometheus: &PrometheusServer,
    queries: Vec<Query>,
) -> (Vec<Query>, Vec<String>) {
    let mut missing = Vec::new();
    for query in queries {
        if let Err(reason) = evaluate(client, prometheus, &query).await {
            missing.push((query, reason));
        }
    }
    missing.into_iter().unzip()
}
