//! Servers without TLS at URLs that require TLS: they receive the first message of a handshake and nothing else.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;
/// The request of a PostgreSQL client for TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A server that answers the first data of each connection with the same bytes, and then records the data until the
/// client closes the connection.
struct Recorder {
    port: u16,
    /// The data of each closed connection.
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Recorder {
    async fn answering(answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let received: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let records = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let records = Arc::clone(&records);
                tokio::spawn(async move {
                    let mut data = vec![0; 1 << 16];
                    let length = connection.read(&mut data).await.unwrap_or(0);
                    data.truncate(length);
                    let _ = connection.write_all(answer).await;
                    let _ = connection.read_to_end(&mut data).await;
                    records.lock().expect("the lock is never poisoned").push(data);
                });
            }
        });
        Recorder { port, received }
    }

    /// Waits until a connection is closed, and returns the data of all closed connections.
    async fn received(&self) -> Vec<Vec<u8>> {
        eventually("a connection is closed", SOON, async || {
            let received = self.received.lock().expect("the lock is never poisoned").clone();
            (!received.is_empty()).then_some(received)
        })
        .await
    }

    /// Asserts that every connection began with a handshake, and that none contained a text.
    async fn assert_only_handshakes(&self, secret: &str) {
        for data in self.received().await {
            assert_eq!(data.first(), Some(&HANDSHAKE));
            assert!(!data.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_is_sent_to_a_database_without_tls() {
    let folder = TempDir::new().unwrap();

    for mode in ["require", "verify-ca", "verify-full"] {
        let recorder = Recorder::answering(b"N").await;
        let url = format!("postgres://user:hunter5@localhost:{}/fake?sslmode={mode}", recorder.port);
        let finished = run(&["migrate"], folder.path(), &[("DATABASE_URL", &url)]);

        assert_ne!(finished.code, Some(0), "{mode}");
        assert!(finished.stderr.contains("server does not support TLS"), "{mode}: {}", finished.stderr);
        for data in recorder.received().await {
            assert_eq!(data, SSL_REQUEST, "{mode}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_sent_to_a_config_service_without_tls() {
    let recorder = Recorder::answering(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
    let (folder, url) = (TempDir::new().unwrap(), format!("https://localhost:{}", recorder.port));
    let key = crate::support::KEY;
    let variables =
        [("CONFIG_SERVICE_URL", &*url), ("INTERNAL_API_KEY", key), ("DATABASE_URL", "postgres://fake/fake")];

    let finished = run(&["check-config"], folder.path(), &variables);

    let cause = "config service connection failed: TLS handshake failed: the server does not use TLS on this port";
    assert!(finished.output.contains(cause), "{}", finished.output);
    recorder.assert_only_handshakes(key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_is_sent_to_a_redis_without_tls() {
    let recorder = Recorder::answering(b"-ERR unknown command\r\n").await;
    let (folder, url) = (TempDir::new().unwrap(), format!("rediss://:hunter5@localhost:{}", recorder.port));

    let service = Process::start(folder.path(), &[("REDIS_URL", &url)]).await;

    let cause = "TLS handshake failed: the server does not use TLS on this port";
    until_redis(&service.client, "unavailable", Some(cause)).await;
    recorder.assert_only_handshakes("hunter5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_names_a_database_without_tls() {
    let recorder = Recorder::answering(b"N").await;
    let url = format!("postgres://user:hunter5@localhost:{}/fake?sslmode=require", recorder.port);

    let service = Service::run_with(TempDir::new().unwrap(), &[("DATABASE_URL", &url)], Openers::default()).await;

    eventually("readiness names the cause", SOON, async || {
        let ready: serde_json::Value = serde_json::from_str(&service.client.get("/ready").await.text).ok()?;
        let detail = ready["checks"]["database"]["detail"].as_str()?.to_owned();
        (detail == "postgres; TLS handshake failed: server does not support TLS").then_some(())
    })
    .await;
}
