//! `doctor`: each check, the remedy of its failure, and the exit code.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;
use test_servers::{RedisServer, TestDatabase, free_port};

use super::ingesting::{KITE_CASH, KITE_HEADER, ingest, write};
use super::standin::service_with;
use crate::support::{CommandResult, KEY, Process, StandinProcess, fields, run};

/// Returns the variables with a port of the service, because another test can use the default port.
fn with_free_port<'a>(variables: &[(&'a str, &'a str)], port: &'a str) -> Vec<(&'a str, &'a str)> {
    [&[("PORT", port)], variables].concat()
}

/// Runs `doctor --json`. Returns the checks by name, and the result of the command.
fn doctor(arguments: &[&str], data_dir: &Path, variables: &[(&str, &str)]) -> (BTreeMap<String, Value>, CommandResult) {
    let port = free_port().to_string();
    let has_port = variables.iter().any(|(name, _)| *name == "PORT");
    let variables = if has_port { variables.to_vec() } else { with_free_port(variables, &port) };
    // While other tests run, a check can take longer than the default timeout.
    let patient = if arguments.contains(&"--timeout") { &[][..] } else { &["--timeout", "60"] };
    let finished = run(&[&["doctor", "--json"], patient, arguments].concat(), data_dir, &variables);
    let answer: Value = serde_json::from_str(&finished.output).expect("the output is JSON");
    let checks = answer["checks"].as_array().expect("checks are a list").clone();
    let named = checks.into_iter().map(|check| (check["check"].as_str().unwrap_or_default().to_owned(), check));
    (named.collect(), finished)
}

/// Asserts that a check failed with these parts of its detail and its remedy, and that the command exited with 1.
#[track_caller]
fn assert_fails((checks, finished): &(BTreeMap<String, Value>, CommandResult), name: &str, detail: &str, remedy: &str) {
    let check = &checks[name];
    assert_eq!(check["status"], "failed", "{check}");
    assert!(check["detail"].as_str().is_some_and(|text| text.contains(detail)), "{check}");
    assert!(check["remedy"].as_str().is_some_and(|text| text.contains(remedy)), "{check}");
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.ends_with("failed\n"), "{finished:?}");
}

#[test]
fn doctor_of_an_empty_folder_fails_nothing_and_creates_nothing() {
    let folder = TempDir::new().unwrap();
    let data_dir = folder.path().join("data");

    let (checks, _) = doctor(&[], &data_dir, &[]);

    let status = |name: &str| checks[name]["status"].as_str().unwrap().to_owned();
    // `disk` and `limits` depend on the machine.
    for name in ["configuration", "broker_limits", "files", "ports"] {
        assert_eq!(status(name), "ok", "{name}");
    }
    for name in ["config_service", "database", "redis", "tls", "catalog", "calendar", "clock"] {
        assert_eq!(status(name), "skipped", "{name}");
    }
    assert_eq!(fields(&checks["ports"]), ["check", "detail", "duration_ms", "remedy", "status"]);
    assert!(!data_dir.exists());
}

#[test]
fn doctor_prints_a_table_with_remedies() {
    let folder = TempDir::new().unwrap();
    let port = free_port().to_string();
    let variables = [("PORT", port.as_str()), ("REDIS_URL", "redis://127.0.0.1:1"), ("COLUMNS", "100")];

    let finished = run(&["doctor"], folder.path(), &variables);

    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.ends_with(" failed\n"), "{finished:?}");
    assert!(finished.output.lines().all(|line| line.chars().count() <= 100), "{}", finished.output);
    assert!(finished.output.contains("| failed    redis "), "{}", finished.output);
    assert!(finished.output.contains("remedy: Check that the server of REDIS_URL runs"), "{}", finished.output);
    assert!(finished.output.ends_with(" failed, 5 skipped\n"), "{}", finished.output);
}

#[test]
fn doctor_reports_an_invalid_configuration() {
    let folder = TempDir::new().unwrap();

    let found = doctor(&[], folder.path(), &[("PORT", "0"), ("LOG_LEVEL", "loud=very")]);

    assert_fails(&found, "configuration", "LOG_LEVEL: expected error, warn", "instrument-registry check-config");
}

#[test]
fn doctor_reports_an_unreachable_database() {
    let folder = TempDir::new().unwrap();

    let found = doctor(&[], folder.path(), &[("DATABASE_URL", "postgres://u:fake-password@127.0.0.1:1/x")]);

    assert_fails(&found, "database", "refused", "psql");
    assert_eq!(found.0["catalog"]["status"], "skipped");
    assert_eq!(found.0["tls"]["detail"], "database: encrypted if the server offers it, not verified");
    assert!(!found.1.output.contains("fake-password"));
}

#[test]
fn doctor_reports_a_file_that_is_not_a_database() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("instrument_registry.sqlite"), "not a database ".repeat(1000)).unwrap();

    let found = doctor(&[], folder.path(), &[]);

    assert_fails(&found, "database", "file is not a database", "Restore the file from a backup");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_the_lock_of_a_database() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("instrument_registry.sqlite");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut database: SqliteConnection = options.connect().await.unwrap();
    sqlx::raw_sql("create table t (n integer); begin exclusive").execute(&mut database).await.unwrap();

    let found = doctor(&[], folder.path(), &[]);

    assert_fails(&found, "database", "database is locked", &format!("`fuser {}`", path.display()));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reports_a_stopped_config_service() {
    let folder = TempDir::new().unwrap();
    let mut standin = StandinProcess::start(&[]).await;
    standin.kill();
    let url = standin.url();

    let found = doctor(&[], folder.path(), &[("CONFIG_SERVICE_URL", &url), ("INTERNAL_API_KEY", KEY)]);

    assert_fails(&found, "config_service", "there are no last good settings", "curl -i");
    assert_fails(&found, "database", "DATABASE_URL is not set", "Set DATABASE_URL");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reports_a_key_that_the_config_service_rejects() {
    let folder = TempDir::new().unwrap();
    let standin = StandinProcess::start(&[]).await;
    let url = standin.url();

    let found = doctor(&[], folder.path(), &[("CONFIG_SERVICE_URL", &url), ("INTERNAL_API_KEY", "a-wrong-key")]);

    assert_fails(&found, "config_service", "rejected the API key", "Set CONFIG_SERVICE_API_KEY");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_accepts_a_working_config_service() {
    let folder = TempDir::new().unwrap();
    let standin = StandinProcess::start(&[("INSTRUMENT_REGISTRY_PLANNER_TIMEOUT", "7")]).await;
    let url = standin.url();
    let variables = [
        ("CONFIG_SERVICE_URL", url.as_str()),
        ("INTERNAL_API_KEY", KEY),
        ("DATABASE_URL", "postgres://u@127.0.0.1:1/x"),
    ];

    let (checks, _) = doctor(&[], folder.path(), &variables);

    assert_eq!(checks["config_service"]["status"], "ok", "{checks:?}");
    assert_eq!(checks["clock"]["detail"], "agrees with the config service");
}

#[test]
fn doctor_warns_about_the_skew_of_a_clock() {
    let folder = TempDir::new().unwrap();
    let url = service_with(|_| Some(("404 Not Found\r\nDate: Mon, 17 Aug 2026 06:00:00 GMT", String::new())));
    let variables = [
        ("CONFIG_SERVICE_URL", url.as_str()),
        ("INTERNAL_API_KEY", KEY),
        ("DATABASE_URL", "postgres://u@127.0.0.1:1/x"),
    ];

    let (checks, _) = doctor(&[], folder.path(), &variables);

    let clock = &checks["clock"];
    assert_eq!(clock["status"], "warning", "{clock}");
    assert!(clock["detail"].as_str().is_some_and(|text| text.ends_with(" s from the config service")), "{clock}");
    assert!(clock["remedy"].as_str().is_some_and(|text| text.contains("timedatectl")), "{clock}");
}

#[test]
fn doctor_reports_a_key_file_that_others_can_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("internal_api_key");
    fs::write(&path, "k".repeat(64)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();

    let found = doctor(&[], folder.path(), &[]);

    assert_fails(&found, "files", "has mode 0644, expected 0600", &format!("chmod 0600 {}", path.display()));
}

#[test]
fn doctor_reports_a_port_of_another_process() {
    let folder = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    // Every connection is closed without a response.
    std::thread::spawn(move || listener.incoming().for_each(drop));

    let found = doctor(&[], folder.path(), &[("PORT", &port)]);

    assert_fails(&found, "ports", "is used by another process", &format!("ss -ltnp 'sport = :{port}'"));
}

#[test]
fn doctor_warns_about_an_old_catalog_and_fails_with_strict() {
    let folder = TempDir::new().unwrap();
    let file = write(folder.path(), "kite_2026-08-17.csv", [KITE_HEADER, KITE_CASH].concat());
    assert_eq!(ingest(&file, "kite", folder.path()).code, Some(0));

    let (checks, finished) = doctor(&[], folder.path(), &[]);
    let (_, strict) = doctor(&["--strict"], folder.path(), &[]);

    let catalog = &checks["catalog"];
    assert_eq!(catalog["status"], "warning", "{catalog}");
    assert!(catalog["detail"].as_str().is_some_and(|text| text.starts_with("kite: file of 2026-08-17, ")), "{catalog}");
    assert_eq!(catalog["remedy"], "instrument-registry ingest FILE --broker kite");
    assert_eq!(checks["calendar"]["remedy"], "instrument-registry ingest --calendar FILE");
    assert_eq!(checks["database"]["status"], "ok");
    // Other checks depend on the machine, and can fail on it.
    if checks.values().all(|check| check["status"] != "failed") {
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert!(strict.stderr.ends_with(" warnings with --strict\n"), "{strict:?}");
    }
    assert_eq!(strict.code, Some(1), "{strict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_asks_a_running_service() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let url = format!("http://{}", service.address);
    let port = service.address.port().to_string();

    let (checks, finished) = doctor(&["--server", &url], folder.path(), &[("INTERNAL_API_KEY", KEY)]);
    let wrong = doctor(&["--server", &url], folder.path(), &[("INTERNAL_API_KEY", "a-wrong-key")]);
    let (local, _) = doctor(&[], folder.path(), &[("PORT", &port)]);

    assert_eq!(finished.code, Some(0), "{finished:?}");
    for name in ["service", "key", "clock", "database", "actors"] {
        assert_eq!(checks[name]["status"], "ok", "{name}: {checks:?}");
    }
    assert_eq!(checks["catalog"]["remedy"], "Ingest a file of a broker.");
    assert_fails(&wrong, "key", "X-Internal-API-Key is missing or invalid", "Set INTERNAL_API_KEY");
    assert!(local["ports"]["detail"].as_str().is_some_and(|text| text.contains("is used by instrument-registry")));
}

#[test]
fn doctor_reports_a_service_that_does_not_respond() {
    let folder = TempDir::new().unwrap();

    let found = doctor(&["--server", "http://127.0.0.1:1"], folder.path(), &[("INTERNAL_API_KEY", KEY)]);

    assert_fails(&found, "service", "no response from http://127.0.0.1:1/", "curl -i http://127.0.0.1:1/health");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reports_a_killed_redis() {
    let Some(mut redis) = RedisServer::start() else { return };
    let folder = TempDir::new().unwrap();
    let url = redis.url();

    let (running, finished) = doctor(&[], folder.path(), &[("REDIS_URL", &url)]);
    redis.kill();
    let killed = doctor(&[], folder.path(), &[("REDIS_URL", &url)]);

    assert_eq!(running["redis"]["status"], "ok", "{finished:?}");
    assert!(running["redis"]["detail"].as_str().is_some_and(|text| text.starts_with("Redis ")), "{running:?}");
    assert_eq!(running["tls"]["detail"], "redis: none");
    assert_fails(&killed, "redis", "refused", "redis-cli");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_compares_the_schema_of_a_server_without_migrating_it() {
    let Some(database) = TestDatabase::new() else { return };
    let folder = TempDir::new().unwrap();
    let url = database.url();
    let variables = [("DATABASE_URL", url.as_str())];

    let (before, _) = doctor(&[], folder.path(), &variables);
    let (again, _) = doctor(&[], folder.path(), &variables);
    assert_eq!(run(&["migrate"], folder.path(), &variables).code, Some(0));
    let (after, _) = doctor(&[], folder.path(), &variables);

    for checks in [before, again] {
        assert_eq!(checks["database"]["status"], "warning", "{checks:?}");
        assert_eq!(checks["database"]["remedy"], "instrument-registry migrate");
        assert_eq!(checks["catalog"]["status"], "skipped");
    }
    assert_eq!(after["database"]["status"], "ok", "{after:?}");
    assert_eq!(after["clock"]["detail"], "agrees with the database");
    assert_eq!(after["catalog"]["status"], "warning");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reads_the_catalog_without_the_lock_of_migrations() {
    let Some(database) = TestDatabase::new() else { return };
    let folder = TempDir::new().unwrap();
    let url = database.url();
    let variables = [("DATABASE_URL", url.as_str())];
    assert_eq!(run(&["migrate"], folder.path(), &variables).code, Some(0));
    let mut migrating = PgConnection::connect(&url).await.unwrap();
    let lock = i64::from_be_bytes(*b"registry");
    sqlx::query("select pg_advisory_lock($1)").bind(lock).execute(&mut migrating).await.unwrap();

    let (checks, _) = doctor(&[], folder.path(), &variables);

    assert_eq!(checks["database"]["status"], "ok", "{checks:?}");
    assert!(checks["catalog"]["detail"].as_str().is_some_and(|text| text.starts_with("no file accepted yet")));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_checks_a_broker_with_many_later_files_of_another() {
    let folder = TempDir::new().unwrap();
    let file = write(folder.path(), "kite_2026-08-17.csv", [KITE_HEADER, KITE_CASH].concat());
    assert_eq!(ingest(&file, "kite", folder.path()).code, Some(0));
    let path = folder.path().join("instrument_registry.sqlite");
    let mut database: SqliteConnection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    let columns = "select group_concat(name) from pragma_table_info('catalogue_loads') where name <> 'version'";
    let columns: String = sqlx::query_scalar(columns).fetch_one(&mut database).await.unwrap();
    let copied = columns.replace("broker_id", "'upstox'");
    let copy = format!(
        "insert into catalogue_loads ({columns})
         with recursive copies (n) as (select 1 union all select n + 1 from copies where n < 300)
         select {copied} from catalogue_loads, copies"
    );
    sqlx::query(AssertSqlSafe(copy)).execute(&mut database).await.unwrap();
    database.close().await.unwrap();

    let (checks, _) = doctor(&[], folder.path(), &[]);

    let detail = checks["catalog"]["detail"].as_str().unwrap();
    assert!(detail.contains("upstox: file of 2026-08-17"), "{detail}");
    assert!(detail.contains("kite: file of 2026-08-17"), "{detail}");
}

#[test]
fn doctor_reports_dependencies_that_hang() {
    let folder = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // A connection stays open without a response.
    std::thread::spawn(move || {
        let mut open = Vec::new();
        listener.incoming().for_each(|stream| open.push(stream));
    });
    let (service, database) = (format!("http://{address}"), format!("postgres://u@{address}/x"));
    let redis = format!("redis://{address}");
    let variables = [
        ("CONFIG_SERVICE_URL", service.as_str()),
        ("DATABASE_URL", &database),
        ("REDIS_URL", &redis),
        ("INTERNAL_API_KEY", KEY),
    ];

    let found = doctor(&["--timeout", "2"], folder.path(), &variables);

    assert_fails(&found, "config_service", "no response within", "curl -i");
    assert_fails(&found, "database", "no response within", "psql");
    assert_fails(&found, "redis", "timeout", "redis-cli");
    assert_eq!(found.0["clock"]["status"], "skipped");
    let served = doctor(&["--server", &service, "--timeout", "2"], folder.path(), &[("INTERNAL_API_KEY", KEY)]);
    assert_fails(&served, "service", "no response within", "curl -i");
}

/// Returns the answers of a service with these statuses of its status document and of its readiness.
fn answers(status: &'static str, ready: Option<&'static str>) -> impl FnMut(&str) -> Option<(&'static str, String)> {
    move |request: &str| {
        let problem = || r#"{"detail": "the status is not available"}"#.to_owned();
        match request.split(' ').nth(1)? {
            "/health" => Some(("200 OK", r#"{"service": "instrument_registry", "version": "1"}"#.to_owned())),
            "/ready" => ready.map(|ready| (ready, r#"{"checks": {}}"#.to_owned())),
            _ => Some((status, problem())),
        }
    }
}

#[test]
fn doctor_reports_a_readiness_without_response() {
    let folder = TempDir::new().unwrap();
    let url = service_with(answers("200 OK", None));

    let found = doctor(&["--server", &url], folder.path(), &[("INTERNAL_API_KEY", KEY)]);

    assert_fails(&found, "ready", "no response from", &format!("curl -i {url}/ready"));
}

#[test]
fn doctor_distinguishes_a_rejected_key_from_other_failures() {
    let folder = TempDir::new().unwrap();
    let ask = |status| {
        let url = service_with(answers(status, Some("200 OK")));
        doctor(&["--server", &url], folder.path(), &[("INTERNAL_API_KEY", KEY)])
    };

    let rejected = ask("401 Unauthorized");
    let failed = ask("500 Internal Server Error");

    assert_fails(&rejected, "key", "the status is not available", "Set INTERNAL_API_KEY");
    assert_fails(&failed, "status", "the status is not available", "Read the log of the service.");
    assert!(!failed.0.contains_key("key"), "{:?}", failed.0);
}

#[test]
fn doctor_requires_a_data_folder_only_if_it_is_used() {
    let folder = TempDir::new().unwrap();
    // A file cannot contain a folder, not even for root.
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let data_dir = file.join("data");
    let elsewhere = ("DATABASE_URL", "postgres://u@127.0.0.1:1/x");

    let (with_both, _) = doctor(&[], &data_dir, &[elsewhere, ("INTERNAL_API_KEY", KEY)]);
    let without_key = doctor(&[], &data_dir, &[elsewhere]);
    let without_database = doctor(&[], &data_dir, &[("INTERNAL_API_KEY", KEY)]);

    assert_eq!(with_both["files"]["status"], "warning", "{with_both:?}");
    assert_fails(&without_key, "files", "is not a folder", "Set DATA_DIR");
    assert_fails(&without_database, "files", "is not a folder", "Set DATA_DIR");
}
