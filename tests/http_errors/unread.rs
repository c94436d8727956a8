//! Responses that the service decides before the body of the request has arrived.

use std::io::{Read, Write};
use std::net::TcpStream;

use tokio::task::block_in_place;

use crate::support::{KEY, Service};

const PLAN: &str = "/api/v1/internal/instrument-registry/subscriptions/plan?user_id=u";
const UPLOAD: &str = "/api/v1/internal/instrument-registry/brokers/kite/ingest";

/// Sends a whole request before it reads the response, as single-threaded callers do.
fn response_after_sending(service: &Service, head: &str, body: &[u8]) -> String {
    let mut connection = TcpStream::connect(service.address).expect("the service listens");
    write!(connection, "{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("the head is sent");
    connection.write_all(body).expect("the body is sent");
    let mut response = String::new();
    connection.read_to_string(&mut response).expect("the response arrives");
    response
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_does_not_interrupt_a_large_upload() {
    let service = Service::start().await;
    let body = vec![b'x'; 20 << 20];
    let length = body.len();

    block_in_place(|| {
        let rejected = |path: &str, key: &str, status: u16| {
            let head = format!(
                "POST {path} HTTP/1.1\r\nX-Internal-API-Key: {key}\r\nContent-Type: application/octet-stream\r\n\
                 Content-Length: {length}"
            );
            let response = response_after_sending(&service, &head, &body);
            assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {response}");
        };
        rejected(UPLOAD, "wrong", 401);
        rejected("/unknown", "wrong", 404);
        rejected(&format!("{UPLOAD}?bad=1"), KEY, 422);
        rejected(PLAN, KEY, 413);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announced_length_over_the_limit_is_rejected_at_once() {
    let service = Service::start().await;

    block_in_place(|| {
        let head = format!(
            "POST {PLAN} HTTP/1.1\r\nHost: localhost\r\nX-Internal-API-Key: {}\r\nExpect: 100-continue\r\n\
             Content-Type: application/json\r\nContent-Length: 99999999\r\n\r\n",
            KEY
        );
        let mut connection = TcpStream::connect(service.address).expect("the service listens");
        connection.write_all(head.as_bytes()).expect("the head is sent");
        let mut start = [0; 12];
        connection.read_exact(&mut start).expect("the response arrives");

        assert_eq!(String::from_utf8_lossy(&start), "HTTP/1.1 413");
    });
}
