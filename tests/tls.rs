//! TLS to the config service, PostgreSQL, Redis and sources of files, with certificates of a private authority.

mod broken;
mod plaintext;
mod refused;
mod required;

use axum::Router;
use axum::routing::get;
use instrument_registry::boot::Openers;
use serde_json::json;
use tempfile::TempDir;
use test_servers::{Authority, Lifetime, PostgresServer, RedisServer, TestDatabase, TlsFront};

use crate::http_ingest::{FEW, ask, id, kite_of, start_file_server, until};
use crate::support::{Client, Process, SOON, Service, StandinProcess, body, eventually, run};

const CA_FILE: &str = "TLS_CA_FILE";
const SOURCE: &str = "INSTRUMENT_REGISTRY_INGEST_SOURCE_KITE";

/// Waits until `/ready` reports this status of Redis, with a detail that begins with this cause.
async fn until_redis(client: &Client, status: &str, cause: Option<&str>) {
    eventually(&format!("Redis is {status}: {cause:?}"), SOON, async || {
        let ready: serde_json::Value =
            serde_json::from_str(&client.get("/ready").await.text).expect("the text is JSON");
        let redis = &ready["checks"]["redis"];
        let is_named = cause.is_none_or(|cause| redis["detail"].as_str().is_some_and(|it| it.starts_with(cause)));
        (redis["status"] == status && is_named).then_some(())
    })
    .await;
}

/// Starts a server of one file of Kite, without TLS. Returns its host and port.
async fn files() -> String {
    start_file_server(Router::new().route("/kite_2026-11-20.csv", get(|| async { kite_of(3) }))).await.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_created_with_tls_to_every_server() {
    let Some(authority) = Authority::new() else { return };
    let (ca, certificate) = (authority.path(), authority.issue("localhost", Lifetime::Current));
    let database = PostgresServer::start_with_tls(&certificate);
    let (Some(database), Some(redis)) = (database, RedisServer::start_with_tls(&certificate)) else { return };
    let (database_url, redis_url) = (database.tls_url("sslmode=verify-full"), redis.tls_url());
    let standin = StandinProcess::start(&[("DATABASE_URL", &database_url), ("REDIS_URL", &redis_url)]).await;
    let config = TlsFront::to(standin.address().to_owned(), &certificate).await;
    let files = TlsFront::to(files().await, &certificate).await;
    let folder = TempDir::new().unwrap();

    let service = Process::start(
        folder.path(),
        &[
            (CA_FILE, ca.to_str().unwrap()),
            ("CONFIG_SERVICE_URL", &config.url()),
            (SOURCE, &format!("{}/kite_2026-11-20.csv", files.url())),
            FEW,
        ],
    )
    .await;
    let client = &service.client;
    until_redis(client, "ok", None).await;
    let job = ask(client, "kite", &json!({})).await;
    until(client, &id(&job), "completed").await;
    let plan = client.plan("test", &body(&["NSE:SHARE1"])).await;

    assert_eq!(plan["plan_data"]["instruments"], json!(["NSE:SHARE1"]), "{plan}");
    let ready = client.get("/ready").await.json();
    for dependency in ["config_service", "database", "redis"] {
        assert_eq!(ready["checks"][dependency]["status"], "ok", "{ready}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sslrootcert_is_trusted_and_require_verifies_with_it() {
    let (Some(authority), Some(other)) = (Authority::new(), Authority::new()) else { return };
    let Some(database) = PostgresServer::start_with_tls(&authority.issue("localhost", Lifetime::Current)) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let migrate = |mode: &str, authority: Option<&Authority>| {
        let ca = authority.map_or_else(String::new, |ca| format!("&sslrootcert={}", ca.path().display()));
        let url = database.tls_url(&format!("sslmode={mode}{ca}"));
        run(&["migrate"], folder.path(), &[("DATABASE_URL", &url)])
    };

    for mode in ["require", "verify-ca", "verify-full"] {
        let finished = migrate(mode, Some(&authority));
        assert_eq!(finished.code, Some(0), "{mode}: {}", finished.stderr);
        let finished = migrate(mode, Some(&other));
        assert!(finished.stderr.contains("certificate rejected: unknown issuer"), "{mode}: {}", finished.stderr);
    }
    for mode in ["prefer", "require"] {
        let finished = migrate(mode, None);
        assert_eq!(finished.code, Some(0), "{mode}: {}", finished.stderr);
    }
    assert_ne!(migrate("disable", None).code, Some(0), "the server rejects connections without TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_reaches_a_service_behind_https() {
    let Some(authority) = Authority::new() else { return };
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let mut request = body(&["NSE:TCS"]);
    request["broker"] = "kite".into();
    let plan = service.client.plan("test", &request).await;
    let plan_id = plan["plan_data"]["plan_id"].as_str().unwrap();
    let front = TlsFront::to(service.address.to_string(), &authority.issue("localhost", Lifetime::Current)).await;
    let (key, ca, url) = (("INTERNAL_API_KEY", crate::support::KEY), authority.path(), front.url());
    let arguments = ["schedule", plan_id, "--server", &url];

    let trusted = run(&arguments, folder.path(), &[key, (CA_FILE, ca.to_str().unwrap())]);
    let unknown = run(&arguments, folder.path(), &[key]);

    assert_eq!(trusted.code, Some(0), "{}", trusted.stderr);
    assert!(trusted.output.contains("NSE:TCS"), "{}", trusted.output);
    assert_ne!(unknown.code, Some(0));
    assert!(unknown.stderr.contains("certificate rejected: unknown issuer"), "{}", unknown.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_root_certificates_only_tls_fails() {
    let (Some(authority), Some(redis)) = (Authority::new(), RedisServer::start()) else { return };
    let Some(database) = TestDatabase::new() else { return };
    let front = TlsFront::to(files().await, &authority.issue("localhost", Lifetime::Current)).await;
    let (plain, front) = (format!("http://{}", files().await), front.url());
    let standin = StandinProcess::start(&[]).await;
    let folder = TempDir::new().unwrap();
    let service = Process::start(
        folder.path(),
        &[
            ("SSL_CERT_FILE", "/missing/ca.pem"),
            ("SSL_CERT_DIR", "/missing"),
            ("CONFIG_SERVICE_URL", &standin.url()),
            ("DATABASE_URL", &database.url()),
            ("REDIS_URL", &redis.url()),
            ("INSTRUMENT_REGISTRY_INGEST_ORIGINS", &format!("{plain},{front}")),
            FEW,
        ],
    )
    .await;
    until_redis(&service.client, "ok", None).await;
    let load = async |origin: &str, status: &str| {
        let source = json!({"source": format!("{origin}/kite_2026-11-20.csv")});
        until(&service.client, &id(&ask(&service.client, "kite", &source).await), status).await
    };

    load(&plain, "completed").await;
    let failed = load(&front, "failed").await;

    assert!(failed["errors"].to_string().contains("certificate rejected: unknown issuer"), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ssl_cert_file_replaces_the_certificates_of_the_system() {
    let Some(authority) = Authority::new() else { return };
    let standin = StandinProcess::start(&[]).await;
    let certificate = authority.issue("localhost", Lifetime::Current);
    let config = TlsFront::to(standin.address().to_owned(), &certificate).await;
    let folder = TempDir::new().unwrap();
    let check = |name: &str, path: &str| {
        let variables = [
            (name, path),
            ("CONFIG_SERVICE_URL", &*config.url()),
            ("INTERNAL_API_KEY", crate::support::KEY),
            ("DATABASE_URL", "postgres://fake/fake"),
        ];
        run(&["check-config"], folder.path(), &variables)
    };

    let replaced = check("SSL_CERT_FILE", authority.path().to_str().unwrap());
    let missing = check("SSL_CERT_FILE", "/missing/ca.pem");

    assert!(!replaced.output.contains("warning"), "{}", replaced.output);
    assert!(missing.output.contains("certificate rejected: unknown issuer"), "{}", missing.output);
}
