//! The binary as a process with a config service: signals, metrics, logs and commands.

use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use reqwest::Method;
use serde_json::json;

use super::*;
use crate::support::{Answer, Client, KEY, run};

/// The service as a process that waits for `DATABASE_URL`, and is therefore never ready.
struct WaitingProcess {
    client: Client,
    child: Child,
    folder: TempDir,
}

impl WaitingProcess {
    /// Starts the process with this content of the file of last good settings, and waits until it answers.
    async fn start(standin: &Standin, last_good: &str) -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        std::fs::write(folder.path().join("settings_last_good.json"), last_good).expect("a file can be written");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        drop(listener);
        let child = Command::new(env!("CARGO_BIN_EXE_instrument-registry"))
            .env_clear()
            .env("PORT", address.port().to_string())
            .env("DATA_DIR", folder.path())
            .env("INTERNAL_API_KEY", KEY)
            .env("CONFIG_SERVICE_URL", standin.url())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).expect("the log can be made"))
            .spawn()
            .expect("the service can be started");
        let waiting = WaitingProcess { client: Client::new(address), child, folder };
        eventually("the process answers", SOON, async || {
            let request = waiting.client.request_without_key(Method::GET, "/health");
            Answer::attempt(request).await.ok().filter(|answer| answer.status == 200)
        })
        .await;
        waiting
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().expect("the command `kill` is there").success());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("the log can be read")
    }

    async fn until_metric(&self, series: &str, value: f64) {
        eventually(series, SOON, async || (self.client.metric(series).await == Some(value)).then_some(())).await;
    }
}

impl Drop for WaitingProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_refreshes_settings_without_ending_the_process() {
    let standin = Standin::start(&[]).await;
    let mut process = WaitingProcess::start(&standin, "{}").await;

    process.signal("-HUP");
    let id = eventually("the signal is logged", SOON, async || {
        let log = process.log();
        let line = log.lines().find(|line| line.contains("SIGHUP received: refreshing settings"))?;
        serde_json::from_str::<Value>(line).ok()?["correlation_id"].as_str().map(str::to_owned)
    })
    .await;
    eventually("the config service receives a request", SOON, async || {
        standin.seen().iter().find(|(_, seen)| *seen == id).cloned()
    })
    .await;

    assert_eq!(process.child.try_wait().unwrap(), None);
    process.signal("-TERM");
    let ended = eventually("the process ends", SOON, async || process.child.try_wait().unwrap()).await;
    assert!(ended.success(), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_out_of_range_value_is_counted_and_logged_once() {
    const REFUSED: &str = "instrument_registry_settings_refused_total";
    const KEYS: &str = "instrument_registry_settings_refused_keys";
    let standin = Standin::start(&[(TTL, "0")]).await;
    let last_good = json!({TTL: {"value": "60", "said_at": "2026-11-24T03:45:00Z"}}).to_string();
    let process = WaitingProcess::start(&standin, &last_good).await;
    process.until_metric(REFUSED, 1.0).await;

    // The service requests the settings every two seconds, and reports an unchanged invalid value only once.
    let refreshes = "instrument_registry_settings_refreshes_total{outcome=\"ok\"}";
    let before = process.client.metric(refreshes).await.unwrap();
    eventually("the settings are refreshed again", SOON, async || {
        (process.client.metric(refreshes).await? >= before + 1.0).then_some(())
    })
    .await;
    let of_the_same = (process.client.metric(REFUSED).await, process.client.metric(KEYS).await);
    let last_good = process.client.metric("instrument_registry_settings_origins{origin=\"last_good\"}").await;
    standin.set(TTL, "86401");
    process.until_metric(REFUSED, 2.0).await;
    standin.set(TTL, "61");
    process.until_metric(KEYS, 0.0).await;

    assert_eq!(of_the_same, (Some(1.0), Some(1.0)));
    assert_eq!(last_good, Some(1.0));
    let message = "expected an integer from 1 to 86400 (seconds), got `0` from the config service";
    assert_eq!(process.log().matches(message).count(), 1, "{}", process.log());
    assert!(process.log().contains("setting recovered: in range"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_and_its_recovery_are_logged_once_each() {
    let standin = Standin::start(&[]).await;
    let process = WaitingProcess::start(&standin, "{}").await;
    let refreshed = |outcome: &str| format!("instrument_registry_settings_refreshes_total{{outcome=\"{outcome}\"}}");
    let breaker = "instrument_registry_breaker_state{dependency=\"config_service\"}";
    let requests = |operation: &str, outcome: &str| {
        format!(
            "instrument_registry_dependency_request_duration_seconds_count{{dependency=\"config_service\",\
             operation=\"{operation}\",outcome=\"{outcome}\"}}"
        )
    };

    process.until_metric(&refreshed("ok"), 1.0).await;
    standin.stop().await;
    process.until_metric(&refreshed("failed"), 1.0).await;
    eventually("the config service is probed twice", SOON, async || {
        (process.client.metric(&requests("health", "unreachable")).await? >= 2.0).then_some(())
    })
    .await;
    standin.start_again().await;
    process.until_metric(breaker, 0.0).await;
    eventually("the recovery is logged", SOON, async || {
        process.log().contains("config service recovered").then_some(())
    })
    .await;

    let log = process.log();
    assert_eq!(log.matches("config service unavailable: keeping the last good settings").count(), 1, "{log}");
    assert_eq!(log.matches("config service recovered: all settings refreshed").count(), 1, "{log}");
    assert!(process.client.metric(&requests("value", "success")).await.unwrap() >= 9.0);
    assert!(!log.contains(KEY), "a secret is never logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_without_a_database_url_do_not_use_sqlite() {
    let (empty, down) = (Standin::start(&[]).await, Standin::stopped(&[]).await);
    let refusing = Standin::start(&[]).await;
    let table = [
        (&empty, KEY, "DATABASE_URL is set neither in the environment nor in the config service"),
        (
            &down,
            KEY,
            "DATABASE_URL is not set in the environment, and not received: failed to read settings: config service connection failed",
        ),
        (&refusing, "fake-other-key", "the config service rejected the API key (401)"),
    ];
    for (standin, key, message) in table {
        let folder = TempDir::new().unwrap();
        let url = standin.url();
        for command in [&["migrate"][..], &["plan", "NSE:TCS"]] {
            let variables = [("CONFIG_SERVICE_URL", url.as_str()), ("INTERNAL_API_KEY", key)];
            let finished = tokio::task::block_in_place(|| run(command, folder.path(), &variables));

            assert_eq!(finished.code, Some(1), "{command:?}");
            assert!(finished.stderr.contains(message), "{command:?}: {}", finished.stderr);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_rejects_invalid_config_service_values() {
    let values = [(TTL, "0"), ("DATABASE_URL", "mysql://fake-secret"), ("REDIS_URL", "redis://fake-secret:port")];
    let standin = Standin::start(&values).await;
    let (folder, url) = (TempDir::new().unwrap(), standin.url());
    let check = |key, more: &[(&str, &str)]| {
        let variables = [&[("CONFIG_SERVICE_URL", url.as_str()), ("INTERNAL_API_KEY", key)], more].concat();
        tokio::task::block_in_place(|| run(&["check-config"], folder.path(), &variables))
    };

    let held = check(KEY, &[]);
    let refused = check("fake-other-key", &[]);
    let environment = check(KEY, &[("DATABASE_URL", "postgres://fake-secret@host:99999/x")]);

    assert_eq!([held.code, refused.code, environment.code], [Some(78); 3]);
    let out_of_range = format!("{TTL}: expected an integer from 1 to 86400 (seconds), got `0` from the config service");
    for message in [&out_of_range, "DATABASE_URL: expected ", "REDIS_URL: "] {
        assert!(held.stderr.contains(message), "{}", held.stderr);
    }
    assert!(refused.stderr.contains("rejected the API key (401)"), "{}", refused.stderr);
    assert!(environment.stderr.contains("DATABASE_URL: "), "{}", environment.stderr);
    assert_eq!(held.row("DATABASE_URL").unwrap()[2], "the config service");
    for finished in [held, refused, environment] {
        let shown = finished.output + &finished.stderr;
        assert!(!shown.contains("fake-secret") && !shown.contains("is valid"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_shows_config_service_values_but_no_secret() {
    let standin = Standin::start(&[(TTL, "60"), ("DATABASE_URL", "postgres://fake-secret")]).await;
    let (folder, url) = (TempDir::new().unwrap(), standin.url());
    let variables = [("CONFIG_SERVICE_URL", url.as_str()), ("INTERNAL_API_KEY", KEY)];

    let up = tokio::task::block_in_place(|| run(&["check-config"], folder.path(), &variables));
    standin.stop().await;
    let down = tokio::task::block_in_place(|| run(&["check-config"], folder.path(), &variables));

    assert_eq!(up.code, Some(0));
    assert_eq!(down.code, Some(0));
    assert_eq!(up.row(TTL).unwrap(), [TTL, "60", "the config service"]);
    assert_eq!(up.row("CONFIG_SERVICE_URL").unwrap()[1], url);
    assert_eq!(up.row("DATABASE_URL").unwrap()[1], "(from the config service)");
    assert_eq!(down.row(TTL).unwrap(), [TTL, "300", "the built-in defaults"]);
    assert!(down.output.contains("warning: failed to read settings: config service connection failed"));
    for output in [up.output, down.output] {
        assert!(output.ends_with("the configuration is valid\n") && !output.contains("fake"), "{output}");
    }
}
