//! Servers that do not respond or close the connection during the handshake: readiness and the commands name the cause.

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;

const TIMEOUT_CAUSE: &str =
    "TLS handshake failed: timeout during the TLS handshake; does the server use TLS on this port?";
const CLOSED_CAUSE: &str = "TLS handshake failed: the server closed the connection during the handshake";

/// The reaction of a server to the first data of each connection.
#[derive(Clone, Copy)]
enum Reaction {
    Wait,
    Close,
    /// Closes the connection before the data is read, which resets it.
    Reset,
}

/// Starts a server that reacts to the first data of each connection. Returns its port.
async fn server(reaction: Reaction) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.readable().await;
            match reaction {
                Reaction::Wait => open.push(connection),
                Reaction::Close => drop(connection.read(&mut vec![0; 1 << 16]).await),
                Reaction::Reset => {}
            }
        }
    });
    port
}

/// Asserts that Redis, the config service and a command name the cause.
async fn assert_named(port: u16, cause: &str) {
    let folder = TempDir::new().expect("a temporary folder");
    let key = ("INTERNAL_API_KEY", crate::support::KEY);
    let url = format!("https://localhost:{port}");

    let service = Process::start(folder.path(), &[("REDIS_URL", &format!("rediss://localhost:{port}"))]).await;
    until_redis(&service.client, "unavailable", Some(cause)).await;
    let variables = [("CONFIG_SERVICE_URL", &*url), key, ("DATABASE_URL", "postgres://fake/fake")];
    let checked = run(&["check-config"], folder.path(), &variables);
    let asked = run(&["schedule", "plan_1", "--server", &url], folder.path(), &[key]);

    assert!(checked.output.contains(cause), "{}", checked.output);
    assert_ne!(asked.code, Some(0));
    assert!(asked.stderr.contains(cause), "{}", asked.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_waits_is_a_failed_handshake() {
    assert_named(server(Reaction::Wait).await, TIMEOUT_CAUSE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_closes_is_a_failed_handshake() {
    let port = server(Reaction::Close).await;

    assert_named(port, CLOSED_CAUSE).await;

    let (folder, url) = (TempDir::new().unwrap(), format!("postgres://user@localhost:{port}/fake?sslmode=require"));
    let finished = run(&["migrate"], folder.path(), &[("DATABASE_URL", &url)]);
    assert!(finished.stderr.contains(CLOSED_CAUSE), "{}", finished.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_resets_is_a_failed_handshake() {
    assert_named(server(Reaction::Reset).await, CLOSED_CAUSE).await;
}

#[test]
fn a_server_with_a_password_is_rejected_without_it() {
    let folder = TempDir::new().unwrap();
    let url = "https://user:hunter5@localhost/";

    let finished =
        run(&["schedule", "plan_1", "--server", url], folder.path(), &[("INTERNAL_API_KEY", crate::support::KEY)]);

    assert_ne!(finished.code, Some(0));
    assert!(finished.stderr.contains("expected a URL without user and password"), "{}", finished.stderr);
    assert!(!finished.stderr.contains("hunter5"), "{}", finished.stderr);
}

#[test]
fn unusable_tls_of_postgres_is_found_by_the_check() {
    let folder = TempDir::new().unwrap();
    let ca = ("PGSSLROOTCERT", "/missing/ca.pem");
    let cases = [
        ("?SSLMODE=verify-full", "unknown parameter `SSLMODE`", None),
        ("?sslcert=/missing/a.pem&sslkey=/missing/a.key", "sslcert: failed to read /missing/a.pem", None),
        ("?sslmode=require", "PGSSLROOTCERT: failed to read /missing/ca.pem", Some(ca)),
    ];

    for (query, cause, variable) in cases {
        let url = format!("postgres://user@localhost/fake{query}");
        let variables: Vec<_> = variable.into_iter().chain([("DATABASE_URL", &*url)]).collect();
        let finished = run(&["check-config"], folder.path(), &variables);

        assert_ne!(finished.code, Some(0), "{query}");
        let shown = format!("{}{}", finished.output, finished.stderr);
        assert!(shown.contains(&format!("DATABASE_URL: {cause}")), "{query}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_names_secrets_that_cannot_be_used() {
    let database_url = "postgres://user:hunter5@localhost/fake?sslmode=verify-full&sslrootcert=/missing/ca.pem";
    let redis_url = "rediss://:hunter5@localhost:1#insecure";
    let standin = StandinProcess::start(&[("DATABASE_URL", database_url), ("REDIS_URL", redis_url)]).await;
    let url = standin.url();
    let variables = [("CONFIG_SERVICE_URL", &*url)];

    let service = Service::run_with(TempDir::new().unwrap(), &variables, Openers::default()).await;

    let checks = eventually("readiness names both", SOON, async || {
        let ready: serde_json::Value = serde_json::from_str(&service.client.get("/ready").await.text).ok()?;
        let checks = ready["checks"].clone();
        let is_named = |name: &str| checks[name]["detail"].to_string().contains("of the config service");
        (is_named("database") && is_named("redis")).then(|| checks.clone())
    })
    .await;
    let database = checks["database"]["detail"].as_str().unwrap();
    assert!(database.contains("sslrootcert: failed to read /missing/ca.pem"), "{database}");
    let redis = &checks["redis"];
    assert_eq!(redis["status"], "unavailable");
    assert_eq!(
        redis["detail"],
        "REDIS_URL of the config service: expected a URL without fragment: certificates are always verified"
    );
    assert!(!checks.to_string().contains("hunter5"), "{checks}");
}
