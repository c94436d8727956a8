//! The commands for operators of a running service: their tables, their JSON and their exit codes.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{CommandResult, KEY, Process, command, fields, run};

/// Runs a command against a service.
fn ask(arguments: &[&str], service: &Process, data_dir: &Path) -> CommandResult {
    let url = format!("http://{}", service.address);
    run(arguments, data_dir, &[("INSTRUMENT_REGISTRY_URL", &url), ("INTERNAL_API_KEY", KEY)])
}

/// Runs a command that must succeed, and returns its JSON.
fn ask_json(arguments: &[&str], service: &Process, data_dir: &Path) -> Value {
    let finished = ask(&[arguments, &["--json"]].concat(), service, data_dir);
    assert_eq!(finished.code, Some(0), "{arguments:?}");
    assert_eq!(finished.stderr.as_str(), "", "{arguments:?}");
    serde_json::from_str(&finished.output).expect("the output is JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_health_problems_and_figures() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[]).await;

    let finished = ask(&["status"], &service, folder.path());
    let answer = ask_json(&["status"], &service, folder.path());

    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.as_str(), "");
    assert!(finished.output.starts_with("degraded: catalog: the demonstration catalog is served.\n"));
    assert!(finished.output.contains("remedy: Ingest a file of a broker."), "{}", finished.output);
    assert_eq!(finished.row("closed").unwrap()[..2], ["closed", "database"]);
    assert_eq!(finished.row("persistence").unwrap()[..2], ["persistence", "running"]);
    assert!(finished.row("catalog").unwrap()[1].starts_with("demonstration catalog, "), "{}", finished.output);
    assert_eq!(answer["health"]["status"], "degraded");
    assert_eq!(answer["process"]["backend"], "sqlite");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_as_wide_as_the_output() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let url = format!("http://{}", service.address);
    let status = |columns: &str| {
        let variables = [("INSTRUMENT_REGISTRY_URL", url.as_str()), ("INTERNAL_API_KEY", KEY), ("COLUMNS", columns)];
        run(&["status"], folder.path(), &variables).output
    };

    let (wide, narrow) = (status("100"), status("60"));

    assert!(wide.lines().all(|line| line.chars().count() <= 100), "{wide}");
    assert!(wide.lines().any(|line| line.starts_with("| actor ")), "{wide}");
    assert!(narrow.contains("\nactor: persistence\nstate: running\n"), "{narrow}");
    assert!(!wide.contains('\x1b'), "the output is not a terminal");
}

#[tokio::test(flavor = "multi_thread")]
async fn breakers_are_listed_forced_and_reset() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[]).await;

    let listed = ask(&["breakers"], &service, folder.path());
    let unconfirmed = ask(&["breakers", "force-closed", "database"], &service, folder.path());
    let forced = ask_json(&["breakers", "force-closed", "database", "--yes"], &service, folder.path());
    let during = ask_json(&["breakers"], &service, folder.path());
    let reset = ask(&["breakers", "reset", "database", "--yes"], &service, folder.path());
    let missing = ask(&["breakers", "reset", "redis", "--yes"], &service, folder.path());

    assert_eq!(listed.row("closed").unwrap()[..2], ["closed", "database"]);
    assert_eq!(unconfirmed.code, Some(2));
    assert_eq!(unconfirmed.output.as_str(), "");
    assert!(unconfirmed.stderr.contains("add --yes"), "{}", unconfirmed.stderr);
    assert_eq!(forced["forced"], "closed");
    assert_eq!(during["breakers"][0]["forced"], "closed");
    assert_eq!(fields(&during), ["breakers"]);
    assert_eq!(reset.code, Some(0));
    assert_eq!(reset.row("closed").unwrap()[..2], ["closed", "database"]);
    assert_eq!(missing.code, Some(1));
    assert_eq!(missing.stderr.as_str(), "error: redis is not configured\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn config_lists_settings_of_a_service_or_the_environment() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[("INSTRUMENT_REGISTRY_PLANNER_TIMEOUT", "7")]).await;
    let of = |answer: &Value, key: &str| {
        let settings = answer["settings"].as_array().expect("settings are a list");
        settings.iter().find(|of| of["setting"] == key).cloned().expect("the setting is listed")
    };

    let served = ask_json(&["config"], &service, folder.path());
    let local = run(&["config", "--json"], folder.path(), &[("PORT", "8905")]);
    let table = run(&["config"], folder.path(), &[("PORT", "8905")]);

    let key = "INSTRUMENT_REGISTRY_PLANNER_TIMEOUT";
    assert_eq!(of(&served, key), json!({"setting": key, "value": "7", "origin": "environment"}));
    let local: Value = serde_json::from_str(&local.output).unwrap();
    assert_eq!(fields(&local), ["faults", "settings", "warnings"]);
    assert_eq!(of(&local, "PORT"), json!({"setting": "PORT", "value": "8905", "origin": "environment"}));
    assert_eq!(of(&local, key)["origin"], "default");
    assert_eq!(table.row("PORT").unwrap(), ["PORT", "8905", "the environment"]);
}

#[test]
fn config_lists_values_that_are_not_set_without_a_text() {
    let folder = TempDir::new().unwrap();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"), ("OTEL_EXPORTER_OTLP_HEADERS", "")];
    let entry = |answer: &Value, key: &str| {
        let settings = answer["settings"].as_array().expect("settings are a list");
        settings.iter().find(|of| of["setting"] == key).cloned().expect("the setting is listed")
    };

    let listed = run(&["config", "--json"], folder.path(), &variables);
    let table = run(&["config"], folder.path(), &variables);

    let listed: Value = serde_json::from_str(&listed.output).unwrap();
    for key in ["PROBE_PORT", "TLS_CA_FILE", "OTEL_EXPORTER_OTLP_HEADERS"] {
        assert_eq!(entry(&listed, key), json!({"setting": key, "value": "", "origin": "default"}));
        assert_eq!(table.row(key).unwrap(), [key, "(not set)", "the built-in defaults"]);
    }
}

#[test]
fn commands_without_a_running_service_name_the_option() {
    let folder = TempDir::new().unwrap();

    for command in ["status", "breakers"] {
        let finished = run(&[command], folder.path(), &[("PORT", "1"), ("INTERNAL_API_KEY", KEY)]);

        assert_eq!(finished.code, Some(1), "{command}");
        assert_eq!(finished.output.as_str(), "", "{command}");
        let expected = "error: no response from http://127.0.0.1:1/: Connection refused (os error 111); start the \
                        service, or name a running one with --server URL or INSTRUMENT_REGISTRY_URL\n";
        assert_eq!(finished.stderr, expected, "{command}");
    }
}

#[test]
fn an_invalid_variable_for_the_service_is_reported() {
    let folder = TempDir::new().unwrap();

    let finished = run(&["status"], folder.path(), &[("INSTRUMENT_REGISTRY_URL", "here")]);

    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.starts_with("error: INSTRUMENT_REGISTRY_URL: expected a URL"), "{finished:?}");
}

#[test]
fn an_invalid_address_is_a_usage_error_without_a_password() {
    let folder = TempDir::new().unwrap();

    for url in ["ftp://host", "http://u:hunter5@host", "http://u:hunter5@host:99999", "http://host/path"] {
        let finished = run(&["search", "TCS", "--server", url], folder.path(), &[]);

        assert_eq!(finished.code, Some(2), "{url}");
        assert!(finished.stderr.contains("--server: expected a URL"), "{finished:?}");
        assert!(!finished.stderr.contains("hunter5"), "{finished:?}");
    }
}

#[test]
fn an_answer_of_another_server_is_an_error() {
    let folder = TempDir::new().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        }
    });

    let finished =
        run(&["catalog", "dismiss", "kite", "--server", &url], folder.path(), &[("INTERNAL_API_KEY", "a-fake-key")]);

    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("is not an instrument registry"), "{finished:?}");
}

#[test]
fn completions_prints_a_script_for_the_shell() {
    let folder = TempDir::new().unwrap();

    let finished = run(&["completions", "bash"], folder.path(), &[("PORT", "not a port")]);

    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.as_str(), "");
    assert!(finished.output.contains("breakers"), "{}", finished.output);
}

#[test]
fn completions_ignore_a_closed_output() {
    let folder = TempDir::new().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);

    let child = command(&["completions", "bash"], folder.path(), &[]).stdout(writer).stderr(Stdio::piped()).spawn();
    let finished = CommandResult::from(child.unwrap().wait_with_output().unwrap());

    assert_eq!(finished.stderr, "");
    assert_eq!(finished.code, Some(0));
}

#[test]
fn commands_for_the_database_reject_the_variable_of_a_service() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("calendar.csv").display().to_string();

    for arguments in [&["ingest", "--calendar", &file][..], &["catalog", "check"]] {
        let finished = run(arguments, folder.path(), &[("INSTRUMENT_REGISTRY_URL", "http://127.0.0.1:1")]);

        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains("INSTRUMENT_REGISTRY_URL"), "{arguments:?}: {finished:?}");
    }
}
