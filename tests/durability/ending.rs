//! The shutdown of the process by signals: exit codes, and connections that do not end.

use std::io::Write;
use std::net::TcpStream;

use tempfile::TempDir;

use crate::support::{Process, SOON, eventually};

/// Opens a connection with an incomplete request, which never continues.
async fn stuck_connection(service: &Process) -> TcpStream {
    let mut connection = TcpStream::connect(service.address).expect("it listens");
    connection.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n").expect("it can be written to");
    // The service accepts connections in order, so it has accepted this one when it answers later ones.
    for _ in 0..3 {
        service.client.get("/health").await.json();
    }
    connection
}

async fn until_draining(service: &Process) {
    let is_closed = async || TcpStream::connect(service.address).is_err().then_some(());
    eventually("new connections are refused", SOON, is_closed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_service_exits_with_0() {
    let folder = TempDir::new().unwrap();
    let mut service = Process::start(folder.path(), &[]).await;
    service.client.get("/health").await.json();

    service.terminate();

    assert_eq!(service.end(SOON).await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn sigint_shuts_the_service_down_like_sigterm() {
    let folder = TempDir::new().unwrap();
    let mut service = Process::start(folder.path(), &[]).await;

    service.signal("INT");

    assert_eq!(service.end(SOON).await.code(), Some(0));
    assert!(service.log().contains("\"signal\":\"SIGINT\""), "{}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_exits_at_once() {
    let folder = TempDir::new().unwrap();
    let mut service = Process::start(folder.path(), &[]).await;
    let _connection = stuck_connection(&service).await;
    service.terminate();
    until_draining(&service).await;

    service.terminate();

    // The exit code of an immediate exit.
    assert_eq!(service.end(SOON).await.code(), Some(130));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_connection_does_not_block_the_shutdown() {
    let folder = TempDir::new().unwrap();
    let mut service = Process::start(folder.path(), &[]).await;
    let _connection = stuck_connection(&service).await;

    service.terminate();

    assert_eq!(service.end(SOON).await.code(), Some(0), "{}", service.log());
}
