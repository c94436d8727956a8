//! The checks of a running service: those of `/ready`, with the remedies of its status.

use anyhow::anyhow;
use chrono::Utc;
use registry_planning::vocabulary::counted;
use reqwest::StatusCode;
use serde_json::Value;

use super::dependencies::{OtherTime, of_clock};
use super::{Check, Deadline, Finding, FindingStatus};
use crate::cli::output::{list, shown};
use crate::cli::remote::{Remote, error_status};

pub(super) async fn checks(remote: &Remote, deadline: Deadline) -> Vec<Check> {
    let (mut date, mut document) = (None, Value::Null);
    let before = Utc::now();
    let service = deadline.check("service", async {
        match within(deadline, remote.probe("/health")).await {
            Ok(health) if health.body["service"] == "instrument_registry" => {
                date = health.date;
                Finding::ok(format!("version {} at {}", shown(&health.body["version"]), remote.url()))
            }
            Ok(_) => Finding::failed(format!("{} is another service", remote.url()), "Correct --server."),
            Err(fault) => {
                let remedy = format!("Check that the service runs: `curl -i {}health`", remote.url());
                Finding::failed(format!("{fault:#}"), remedy)
            }
        }
    });
    let mut checks = vec![service.await];
    if checks[0].finding.status == FindingStatus::Failed {
        return checks;
    }
    if let Some(date) = date {
        let time = OtherTime::of_service(before, date);
        checks.push(deadline.check("clock", async { of_clock(&time) }).await);
    }
    let mut name = "key";
    let key = deadline.check("key", async {
        match within(deadline, remote.get(&["status"], &[])).await {
            Ok(status) => {
                document = status;
                Finding::ok("accepted")
            }
            Err(fault) if error_status(&fault) == Some(StatusCode::UNAUTHORIZED) => Finding::failed(
                format!("{fault:#}"),
                "Set INTERNAL_API_KEY to the key of the service, or DATA_DIR to its data folder.",
            ),
            Err(fault) => {
                name = "status";
                Finding::failed(format!("no status document: {fault:#}"), "Read the log of the service.")
            }
        }
    });
    let key = key.await;
    checks.push(Check { check: name.to_owned(), ..key });
    let mut reported = Vec::new();
    let ready = deadline.check("ready", async {
        match within(deadline, remote.probe("/ready")).await {
            Ok(ready) if ready.body["checks"].is_object() => {
                reported = findings(&ready.body["checks"], list(&document["health"]["problems"]));
                Finding::ok("responded")
            }
            Ok(_) => not_ready(remote, "the response contains no checks"),
            Err(fault) => not_ready(remote, &format!("{fault:#}")),
        }
    });
    let ready = ready.await;
    if ready.finding.status == FindingStatus::Failed {
        checks.push(ready);
    }
    checks.extend(reported.into_iter().map(|(check, finding)| Check { check, finding, duration_ms: 0 }));
    checks
}

fn not_ready(remote: &Remote, why: &str) -> Finding {
    let remedy = format!("Check the response of the service: `curl -i {}ready`", remote.url());
    Finding::failed(format!("/ready: {why}"), remedy)
}

async fn within<T>(deadline: Deadline, response: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    deadline.response(response).await.unwrap_or_else(|why| Err(anyhow!(why)))
}

/// Returns the checks of `/ready` with the remedies of the problems, then the other problems.
fn findings(ready: &Value, problems: &[Value]) -> Vec<(String, Finding)> {
    let (mut found, mut actors, mut named) = (Vec::new(), 0_usize, Vec::new());
    for (name, check) in ready.as_object().into_iter().flatten() {
        let is_actor = name.starts_with("actor_") || name.starts_with("planner_");
        let subject = match name.as_str() {
            "catalogue" => "catalog",
            name => name.strip_prefix("actor_").unwrap_or(name),
        };
        actors += usize::from(is_actor);
        let own: Vec<Finding> =
            problems.iter().filter(|problem| problem["subject"] == *subject).map(of_problem).collect();
        named.push(subject.to_owned());
        match (own.is_empty(), is_actor) {
            (false, _) => found.push((subject.to_owned(), Finding::joined(&own))),
            (true, true) if check["status"] == "ok" => {}
            (true, _) => found.push((subject.to_owned(), of_check(check))),
        }
    }
    found.push(("actors".to_owned(), Finding::ok(format!("{} reported", counted(actors, "actor")))));
    let other = problems.iter().filter(|problem| !named.iter().any(|name| problem["subject"] == **name));
    found.extend(other.map(|problem| (shown(&problem["subject"]), of_problem(problem))));
    found
}

fn of_problem(problem: &Value) -> Finding {
    let (detail, remedy) = (shown(&problem["detail"]), shown(&problem["remedy"]));
    match problem["severity"] == "critical" {
        true => Finding::failed(detail, remedy),
        false => Finding::warning(detail, remedy),
    }
}

fn of_check(check: &Value) -> Finding {
    let status = shown(&check["status"]);
    let detail = match (&check["detail"], &check["in_flight"], &check["permits"]) {
        (Value::String(detail), ..) => detail.clone(),
        (_, Value::Number(used), Value::Number(max)) => format!("{used} of {max} in flight"),
        _ => status.clone(),
    };
    match status.as_str() {
        "ok" => Finding::ok(detail),
        "not_configured" => Finding::skipped("not configured"),
        "unavailable" => Finding::failed(detail, "Read the log of the service."),
        _ => Finding::warning(detail, "Read the log of the service."),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(severity: &str, subject: &str) -> Value {
        json!({"severity": severity, "subject": subject, "detail": "broken", "remedy": "repair it"})
    }

    #[test]
    fn checks_have_the_remedies_of_their_problems() {
        let ready = json!({
            "database": {"status": "unavailable"}, "redis": {"status": "not_configured"},
            "requests": {"status": "ok", "in_flight": 1, "permits": 4096},
            "catalogue": {"status": "degraded"}, "actor_cache": {"status": "ok"},
        });
        let problems = [problem("critical", "database"), problem("warning", "catalog"), problem("critical", "memory")];

        let found = findings(&ready, &problems);

        let of =
            |name: &str| found.iter().find(|(check, _)| check == name).map(|(_, finding)| finding.clone()).unwrap();
        assert_eq!(of("database"), Finding::failed("broken", "repair it"));
        assert_eq!(of("catalog"), Finding::warning("broken", "repair it"));
        assert_eq!(of("memory"), Finding::failed("broken", "repair it"));
        assert_eq!(of("redis"), Finding::skipped("not configured"));
        assert_eq!(of("requests"), Finding::ok("1 of 4096 in flight"));
        assert_eq!(of("actors"), Finding::ok("1 actor reported"));
        assert_eq!(found.len(), 6);
    }
}
