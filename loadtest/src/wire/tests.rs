use tokio::net::TcpListener;

use super::*;

/// Starts a server that sends the n-th list of responses on the n-th connection, one for each request, and then closes
/// it.
async fn server(scripts: Vec<Vec<Vec<u8>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move {
        for script in scripts {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            for answer in script {
                let mut request = [0; 1024];
                let read = stream.read(&mut request).await.expect("a request");
                assert!(request[..read].ends_with(b"\r\n\r\n"));
                stream.write_all(&answer).await.expect("the response is written");
            }
        }
        std::future::pending::<()>().await;
    });
    address
}

fn text(answer: &str) -> Vec<u8> {
    answer.as_bytes().to_vec()
}

fn connection(address: SocketAddr, timeout: Duration) -> Connection {
    Connection::new(Arc::from([address]), timeout)
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const LONG: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let answers = vec![
        text("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst"),
        text("HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n"),
        text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nthi\r\n2\r\nrd\r\n0\r\n\r\n"),
    ];
    let mut connection = connection(server(vec![answers]).await, LONG);
    let answer = |status, retry_after, body| Ok(Answer { status, retry_after, body });

    assert_eq!(connection.exchange(GET).await, answer(200, None, b"first"));
    assert_eq!(connection.exchange(GET).await, answer(503, Some(2), b""));
    assert_eq!(connection.exchange(GET).await, answer(200, None, b"third"));
}

#[tokio::test]
async fn a_connection_closed_between_requests_is_reopened() {
    let closing = text("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\none");
    let closing_too = text("HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 3\r\n\r\ntwo");
    let silent_close = text("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthree");
    let last = text("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour");
    let address = server(vec![vec![closing], vec![closing_too], vec![silent_close], vec![last]]).await;
    let mut connection = connection(address, LONG);

    for body in ["one", "two", "three"] {
        assert_eq!(connection.exchange(GET).await.expect("an answer").body, body.as_bytes());
    }
    // The end of the third connection is visible after the runtime has polled its sockets.
    while connection.stream.as_ref().is_some_and(|stream| !is_closed(stream)) {
        tokio::task::yield_now().await;
    }
    assert_eq!(connection.exchange(GET).await.expect("an answer").body, b"four");
}

#[tokio::test]
async fn a_truncated_or_too_long_response_is_a_fault() {
    let cut = text("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    let long = text("HTTP/1.1 200 OK\r\nContent-Length: 16777217\r\n\r\n");
    let more = text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nandmore");
    let endless = [text("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n")].concat();
    let address = server(vec![vec![cut], vec![long], vec![more], vec![endless]]).await;
    let mut connection = connection(address, LONG);

    let first = connection.exchange(GET).await.expect_err("the response is incomplete").to_string();
    assert!(first.contains("closed after 43 bytes"), "{first}");
    assert_eq!(connection.exchange(GET).await.expect_err("too long").kind, "oversized");
    assert_eq!(connection.exchange(GET).await.expect_err("too much").kind, "transport");
    assert_eq!(connection.exchange(GET).await.expect_err("too long").kind, "oversized");
}

#[tokio::test]
async fn a_late_response_is_a_timeout() {
    let address = server(vec![vec![text("HTTP/1.1 200 OK\r\nContent-Le"), Vec::new()]]).await;
    let timeout = Duration::from_millis(50);

    let outcome = connection(address, timeout).exchange(GET).await.map(|answer| answer.status);

    assert_eq!(outcome.expect_err("half a response").kind, "timeout");
}

#[tokio::test]
async fn a_closed_port_is_a_fault_of_transport() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    drop(listener);

    let fault = connection(address, LONG).open().await.expect_err("nobody listens");

    assert!(fault.to_string().contains("refused"), "{fault}");
}
