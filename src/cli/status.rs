//! `status`: the state of a running service.

use serde_json::Value;

use super::breakers;
use super::options::Common;
use super::output::{counts, list, minute, print, shown, table};
use crate::settings::ProcessSettings;

const JOBS_SHOWN: usize = 5;

pub(super) async fn run(arguments: &Common, settings: &ProcessSettings) -> anyhow::Result<()> {
    let answer = arguments.server_or_local(settings)?.get(&["status"], &[]).await?;
    print(arguments.json, &answer, parts)
}

fn parts(answer: &Value) -> Vec<String> {
    let health = &answer["health"];
    let mut parts = vec![format!("{}: {}", shown(&health["status"]), shown(&health["summary"]))];
    parts.extend(problems(list(&health["problems"])));
    parts.push(overview(answer));
    parts.extend(breakers::breakers_table(list(&answer["breakers"])));
    parts.extend(brokers(list(&answer["catalog"]["brokers"])));
    parts.extend(actors(list(&answer["actors"])));
    parts.extend(jobs(list(&answer["jobs"])));
    parts
}

fn problems(problems: &[Value]) -> Option<String> {
    let mut lines = table(&["severity", "subject", "problem and remedy"]);
    for of in problems {
        let text = format!("{}\nremedy: {}", shown(&of["detail"]), shown(&of["remedy"]));
        lines.add_row([shown(&of["severity"]), shown(&of["subject"]), text]);
    }
    (!lines.is_empty()).then(|| lines.to_string())
}

/// Returns the figures of the process, one part per line.
fn overview(answer: &Value) -> String {
    let mut lines = table(&["part", "state"]);
    let process = &answer["process"];
    let version = format!(
        "version {}, {}, up {}, log level {}",
        shown(&process["version"]),
        shown(&process["backend"]),
        duration(process["uptime_seconds"].as_u64().unwrap_or(0)),
        shown(&process["log_level"]),
    );
    lines.add_row(["process", &version]);
    lines.add_row(["resources", &resources(process)]);
    for (name, state) in requests(&answer["requests"]) {
        lines.add_row([name, &state]);
    }
    lines.add_row(["catalog", &catalog(&answer["catalog"])]);
    lines.add_row(["plans", &plans(&answer["plans"])]);
    lines.add_row(["caches", &caches(&answer["caches"])]);
    lines.add_row(["settings", &origins(&answer["settings"])]);
    lines.to_string()
}

fn resources(process: &Value) -> String {
    let memory = match (process["resident_memory_bytes"].as_u64(), process["memory_limit_bytes"].as_u64()) {
        (Some(used), Some(limit)) => format!("{} of {} of memory", bytes(used), bytes(limit)),
        (Some(used), None) => format!("{} of memory", bytes(used)),
        _ => "memory unknown".to_owned(),
    };
    let cores = process["cpu_cores_used"].as_f64().map_or_else(String::new, |cores| format!(", {cores:.2} cores busy"));
    let threads = match process["threads"].as_u64() {
        Some(threads) => format!(", {threads} threads"),
        None => String::new(),
    };
    format!("{memory}{cores}{threads}")
}

fn requests(requests: &Value) -> [(&'static str, String); 2] {
    let minute = &requests["last_minute"];
    let figure = |name: &str| minute[name].as_f64().unwrap_or(0.0);
    let load = format!(
        "{:.1}/s, {:.1} % server errors, {:.1}/s rejected at capacity, {} of {} in flight",
        figure("requests_per_second"),
        figure("server_error_ratio") * 100.0,
        figure("shed_per_second"),
        shown(&requests["in_flight"]),
        shown(&requests["permits"]),
    );
    let of = |name: &str| milliseconds(&minute[name]);
    [("requests", load), ("latency", format!("p50 {}, p95 {}, p99 {}", of("p50_ms"), of("p95_ms"), of("p99_ms")))]
}

fn catalog(catalog: &Value) -> String {
    let instruments = shown(&catalog["instruments"]);
    match (catalog["version"].as_str(), &catalog["is_demonstration"]) {
        (None, _) => "not loaded".to_owned(),
        (_, Value::Bool(true)) => format!("demonstration catalog, {instruments} instruments"),
        (Some(version), _) => {
            format!("version {version}, {instruments} instruments, loaded at {} UTC", minute(&catalog["published_at"]))
        }
    }
}

fn plans(plans: &Value) -> String {
    format!("active: {}; created by broker: {}", counts(&plans["active"]), counts(&plans["created_by_broker"]))
}

fn caches(caches: &Value) -> String {
    let share = |of: &Value| of["hit_ratio"].as_f64().map_or("-".to_owned(), |ratio| format!("{:.1} %", ratio * 100.0));
    let l1 = &caches["l1"];
    let of = |name: &str| bytes(l1[name].as_u64().unwrap_or(0));
    let local =
        format!("L1 {} plans, {} of {}, hits {}", shown(&l1["entries"]), of("bytes"), of("bytes_max"), share(l1));
    match &caches["l2"] {
        Value::Null => format!("{local}; L2 not configured"),
        l2 => format!(
            "{local}; L2 hits {}, {} failed per minute, {} skipped per minute",
            share(l2),
            shown(&l2["failed_per_minute"]),
            shown(&l2["skipped_per_minute"])
        ),
    }
}

fn origins(settings: &Value) -> String {
    let mut text = counts(&settings["origins"]);
    if let Some(age) = settings["age_seconds"].as_u64() {
        text += &format!("; confirmed {} ago", duration(age));
    }
    let refused = list(&settings["refused"]);
    if !refused.is_empty() {
        text += &format!("; rejected: {}", refused.iter().map(shown).collect::<Vec<_>>().join("; "));
    }
    text
}

/// Returns the brokers with a file or a rejected file.
fn brokers(brokers: &[Value]) -> Option<String> {
    let known = brokers.iter().filter(|of| !of["loaded_at"].is_null() || !of["refusal"].is_null());
    let mut lines = table(&["broker", "file date", "age, days", "tokens", "last change", "rejected file"]);
    for of in known {
        let refusal = match &of["refusal"] {
            Value::Null => String::new(),
            refusal => format!("{}: {}", shown(&refusal["source"]), shown(&refusal["faults"])),
        };
        let cells = [&of["broker_id"], &of["file_date"], &of["age_days"], &of["active_tokens"]].map(shown);
        lines.add_row(cells.into_iter().chain([counts(&of["last_diff"]), refusal]));
    }
    (!lines.is_empty()).then(|| lines.to_string())
}

/// Returns the actors, one per line.
fn actors(actors: &[Value]) -> Option<String> {
    let mut lines = table(&["actor", "state", "waiting", "in flight", "wait p99", "handle p99", "per s", "restarts"]);
    for of in actors {
        let in_flight = match (&of["in_flight"], &of["permits"]) {
            (Value::Null, _) | (_, Value::Null) => shown(&of["in_flight"]),
            (used, permits) => format!("{used} of {permits}"),
        };
        let [wait, handle] = ["wait_p99_ms", "handle_p99_ms"].map(|name| milliseconds(&of[name]));
        let rate = of["handled_per_second"].as_f64().map_or_else(String::new, |rate| format!("{rate:.1}"));
        let [name, state, waiting, restarts] = ["name", "state", "waiting", "restarts"].map(|name| shown(&of[name]));
        lines.add_row([name, state, waiting, in_flight, wait, handle, rate, restarts]);
    }
    (!lines.is_empty()).then(|| lines.to_string())
}

fn jobs(jobs: &[Value]) -> Option<String> {
    let mut lines = table(&["job", "broker", "state", "progress", "created, UTC", "errors"]);
    for of in jobs.iter().take(JOBS_SHOWN) {
        let [id, broker, status, errors] = ["job_id", "broker_id", "status", "errors"].map(|name| shown(&of[name]));
        let created = minute(&of["created_at"]);
        lines.add_row([id, broker, status, format!("{} %", shown(&of["progress"])), created, errors]);
    }
    (!lines.is_empty()).then(|| lines.to_string())
}

fn milliseconds(value: &Value) -> String {
    value.as_f64().map_or("-".to_owned(), |ms| format!("{ms:.1} ms"))
}

/// Returns a size in the largest unit that it fills.
pub(super) fn bytes(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.iter().find(|(_, shift)| bytes >> shift > 0) {
        #[allow(clippy::cast_precision_loss)]
        Some((unit, shift)) => format!("{:.1} {unit}", bytes as f64 / (1_u64 << shift) as f64),
        None => format!("{bytes} B"),
    }
}

/// Returns a duration in its two largest units.
pub(super) fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_have_two_figures() {
        assert_eq!([5, 65, 3_700, 90_000].map(duration), ["5 s", "1 min 5 s", "1 h 1 min", "1 d 1 h"]);
        assert_eq!([5, 2048, 3 << 19, 3 << 29].map(bytes), ["5 B", "2.0 KiB", "1.5 MiB", "1.5 GiB"]);
    }
}
