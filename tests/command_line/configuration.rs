//! The check of the environment variables before the service opens anything, and errors of their folders and ports.

use std::net::TcpListener;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

use crate::support::run;

#[test]
fn check_config_shows_every_setting_with_its_origin() {
    let folder = TempDir::new().unwrap();
    let variables = [
        ("INTERNAL_API_KEY", "a-fake-key"),
        ("INSTRUMENT_REGISTRY_PLANNER_TIMEOUT", "7"),
        ("INSTRUMENT_REGISTRY_CONFLICT_RESOLUTION_STRATEGY", "merge"),
        ("PORT", "0"),
        ("INSTRUMENT_REGISTRY_BROKER_ACCOUNTS", "kite=desk_a,desk_b"),
    ];

    let finished = run(&["check-config"], folder.path(), &variables);

    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.as_str(), "");
    let row = |key: &str| finished.row(key).unwrap()[1..].join(" from ");
    assert_eq!(row("INSTRUMENT_REGISTRY_PLANNER_TIMEOUT"), "7 from the environment");
    assert_eq!(row("INSTRUMENT_REGISTRY_PLAN_CACHE_TTL"), "300 from the built-in defaults");
    assert_eq!(row("INSTRUMENT_REGISTRY_COST_PER_INSTRUMENT"), "0.05 from the built-in defaults");
    assert_eq!(row("INSTRUMENT_REGISTRY_SUBSCRIPTION_TIMEOUT"), "30 from the built-in defaults");
    assert_eq!(row("INSTRUMENT_REGISTRY_MAX_SUBSCRIPTIONS_PER_USER"), "100 from the built-in defaults");
    assert_eq!(row("INSTRUMENT_REGISTRY_PROFILE_VALIDATION_STRICT"), "true from the built-in defaults");
    assert_eq!(row("INSTRUMENT_REGISTRY_AUDIT_RETENTION_DAYS"), "365 from the built-in defaults");
    assert_eq!(row("INSTRUMENT_REGISTRY_CONFLICT_RESOLUTION_STRATEGY"), "merge from the environment");
    assert_eq!(row("INSTRUMENT_REGISTRY_DAILY_BUDGET_PER_USER"), "(not set) from the built-in defaults");
    assert_eq!(row("PORT"), "0 from the environment");
    assert_eq!(row("INSTRUMENT_REGISTRY_GATE_ROWS_FEWER_MAX_PERCENT"), "30 % from the built-in defaults");
    assert_eq!(row("BIND_ADDRESS"), "127.0.0.1 from the built-in defaults");
    assert_eq!(row("DATA_DIR"), format!("{} from the environment", folder.path().display()));
    assert_eq!(row("INTERNAL_API_KEY"), "(set) from the environment");
    assert_eq!(row("INSTRUMENT_REGISTRY_DEMO_CATALOGUE"), "true from the built-in defaults");
    assert_eq!(row("INSTRUMENT_REGISTRY_LEGACY_PLAN_ENCODING"), "false from the built-in defaults");
    assert_eq!(row("INSTRUMENT_REGISTRY_BROKER_LIMITS"), "(not set) from the built-in defaults");
    assert_eq!(row("INSTRUMENT_REGISTRY_BROKER_ACCOUNTS"), "kite=desk_a,desk_b from the environment");
    assert!(finished.output.ends_with("the configuration is valid\n"));
    assert!(!finished.output.contains("a-fake-key"), "a secret is never shown");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn every_configuration_fault_is_reported_before_startup() {
    let folder = TempDir::new().unwrap();
    let data_dir = folder.path().join("data");
    let variables = [
        ("PORT", "70000"),
        ("BIND_ADDRESS", "everywhere"),
        ("LOG_LEVEL", "loud=very"),
        ("INTERNAL_API_KEY", "a fake key with spaces"),
        ("INSTRUMENT_REGISTRY_DEMO_CATALOGUE", "yes"),
        ("INSTRUMENT_REGISTRY_PLANNER_TIMEOUT", "301"),
        ("INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN", "many"),
        ("INSTRUMENT_REGISTRY_COST_PER_INSTRUMENT", "0.00001"),
        ("INSTRUMENT_REGISTRY_PROFILE_VALIDATION_STRICT", "yes"),
        ("INSTRUMENT_REGISTRY_BROKER_LIMITS", "/missing/limits.toml"),
        ("INSTRUMENT_REGISTRY_BROKER_ACCOUNTS", "kite=desk:gold"),
        ("INSTRUMENT_REGISTRY_INGEST_SOURCE_KOTAK", "/dumps/kotak.csv"),
    ];

    for command in [&["serve"][..], &[], &["plan", "NSE:TCS"], &["migrate"], &["check-config"]] {
        let finished = run(command, &data_dir, &variables);

        assert_eq!(finished.code, Some(78), "{command:?}");
        assert_eq!(finished.output.as_str(), "", "{command:?}");
        let lines: Vec<&str> = finished.stderr.lines().collect();
        assert_eq!(lines[0], "error: invalid configuration: 12 problems", "{lines:?}");
        for (key, _) in variables {
            assert!(
                lines[1..].iter().any(|line| line.trim_start().starts_with(&format!("{key}: "))),
                "{key}: {lines:?}"
            );
        }
        assert!(
            finished.stderr.contains("expected an integer from 1 to 300 (seconds), got `301` from the environment")
        );
        assert!(!finished.stderr.contains("a fake key"), "a secret is never shown");
        assert!(!data_dir.exists(), "nothing was made");
    }
}

#[test]
fn an_unusable_url_is_a_fault_of_its_variable() {
    let folder = TempDir::new().unwrap();
    let (database, redis) = ("postgres://user:hunter5@host/db?sslmode=verify_full", "redis://host/database");
    let mode = "  DATABASE_URL: `sslmode` must be one of disable, allow, prefer, require, verify-ca, verify-full, got \
                `verify_full`";

    for command in ["serve", "check-config"] {
        let finished = run(&[command], folder.path(), &[("DATABASE_URL", database), ("REDIS_URL", redis)]);

        assert_eq!(finished.code, Some(78), "{command}");
        let lines: Vec<&str> = finished.stderr.lines().filter(|line| !line.starts_with('{')).collect();
        assert_eq!(lines[0], "error: invalid configuration: 2 problems", "{command}: {lines:?}");
        assert_eq!(lines[1], mode, "{command}");
        assert!(lines[2].starts_with("  REDIS_URL: "), "{command}: {lines:?}");
    }
    let migrated = run(&["migrate"], folder.path(), &[("DATABASE_URL", database)]);
    assert_eq!(migrated.code, Some(78), "{}", migrated.stderr);
    assert!(migrated.stderr.contains(mode), "{}", migrated.stderr);
}

#[test]
fn invalid_variables_are_rejected_without_their_values() {
    let folder = TempDir::new().unwrap();
    let data_dir = folder.path().join("data");

    for (key, value, message) in [
        ("CONFIG_SERVICE_URL", "http://fake-password.localhost", "INTERNAL_API_KEY: is required if CONFIG_SERVICE_URL"),
        ("CONFIG_SERVICE_URL", "http://user:fake-password@localhost", "CONFIG_SERVICE_URL: expected "),
        ("CONFIG_SERVICE_URL", "ftp://fake-password.localhost", "CONFIG_SERVICE_URL: expected "),
        ("TLS_CA_FILE", "/missing/ca.pem", "TLS_CA_FILE: failed to read /missing/ca.pem: "),
        ("CONFIG_SERVICE_API_KEY", "fake-password", "CONFIG_SERVICE_API_KEY: requires CONFIG_SERVICE_URL"),
        ("DATABASE_URL", "sqlite://fake-password", "DATABASE_URL: expected "),
        ("DATABASE_URL", "", "DATABASE_URL: expected "),
        ("REDIS_URL", "http://fake-password", "REDIS_URL: expected "),
    ] {
        let finished = run(&["serve"], &data_dir, &[(key, value)]);

        assert_eq!(finished.code, Some(78), "{key}");
        assert!(finished.stderr.contains(message), "{}", finished.stderr);
        assert!(!finished.stderr.contains("fake-password"), "a secret is never shown");
        assert!(!data_dir.exists(), "nothing was made");
    }
}

#[test]
fn a_port_in_use_is_reported() {
    let folder = TempDir::new().unwrap();
    let data_dir = folder.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();

    let finished = run(&["serve"], &data_dir, &[("PORT", &address.port().to_string())]);

    assert_eq!(finished.code, Some(1));
    assert_eq!(finished.output.as_str(), "");
    let message = format!("error: failed to listen on {address} (PORT and BIND_ADDRESS): Address already in use");
    assert!(finished.stderr.lines().any(|line| line.starts_with(&message)), "{}", finished.stderr);
    assert!(!data_dir.exists(), "nothing was made");
}

#[test]
fn an_unusable_data_folder_is_reported() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();

    let served = run(&["serve"], &file, &[("PORT", "0")]);
    let migrated = run(&["migrate"], &file, &[]);

    assert_eq!(served.code, Some(1));
    assert_eq!(migrated.code, Some(1));
    let message = format!(
        "error: failed to create the folder {} (DATA_DIR), where a generated API key is stored; set INTERNAL_API_KEY to generate none: ",
        file.display()
    );
    assert!(served.stderr.lines().any(|line| line.starts_with(&message)), "{}", served.stderr);
    assert!(
        migrated.stderr.starts_with(&format!("error: failed to open {} (DATA_DIR): ", file.display())),
        "{}",
        migrated.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_creates_the_schema_and_is_idempotent() {
    let folder = TempDir::new().unwrap();
    let data_dir = folder.path().join("data");
    let path = data_dir.join("instrument_registry.sqlite");

    for _ in 0..2 {
        let finished = run(&["migrate"], &data_dir, &[]);

        assert_eq!(finished.code, Some(0));
        assert_eq!(finished.stderr.as_str(), "");
        assert_eq!(finished.output, format!("the schema of {} is up to date\n", path.display()));
    }
    let mut database: SqliteConnection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let plans: i64 =
        sqlx::query_scalar("select count(*) from subscription_plans").fetch_one(&mut database).await.unwrap();
    database.close().await.unwrap();
    assert_eq!(plans, 0);
}

#[test]
fn a_file_that_is_not_a_database_is_not_changed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("instrument_registry.sqlite");
    let garbage = "this is no database ".repeat(1000);
    std::fs::write(&path, &garbage).unwrap();

    let finished = run(&["migrate"], folder.path(), &[]);

    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("file is not a database"), "{}", finished.stderr);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), garbage);
}
