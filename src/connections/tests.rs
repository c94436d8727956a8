use std::future::poll_fn;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use axum_server::Handle;
use futures_util::task::noop_waker;
use metrics::LocalRecorderGuard;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::*;

/// The bound of every wait for an event.
const SOON: Duration = Duration::from_secs(60);
/// A timeout that ends while a test runs.
const SHORT: Duration = Duration::from_millis(100);

/// The connections stay open longer than any test.
const PATIENT: Limits = Limits {
    connections_max: 2,
    head_within: Duration::from_secs(600),
    idle_within: Duration::from_secs(600),
    write_within: Duration::from_secs(600),
    lag_max: Duration::from_secs(600),
};

/// A server on a port of its own, with metrics of its own. Tests have one thread, because its recorder belongs to a
/// thread.
struct Server {
    address: SocketAddr,
    /// Accepts no connection until [`Server::serve`].
    listener: Option<std::net::TcpListener>,
    limits: Limits,
    handle: Handle<SocketAddr>,
    metrics: PrometheusHandle,
    /// Requests to `/hold` in flight take permits from it.
    releases: Arc<Semaphore>,
    arrivals: Arc<Semaphore>,
    _recorder: LocalRecorderGuard<'static>,
}

impl Server {
    fn start(limits: Limits) -> Self {
        let mut server = Self::listen(limits);
        server.serve();
        server
    }

    fn listen(limits: Limits) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
        Server {
            address: listener.local_addr().unwrap(),
            listener: Some(listener),
            limits,
            handle: Handle::new(),
            metrics: recorder.handle(),
            releases: Arc::new(Semaphore::new(0)),
            arrivals: Arc::new(Semaphore::new(0)),
            _recorder: metrics::set_default_local_recorder(recorder),
        }
    }

    fn serve(&mut self) {
        let (arrivals, releases) = (Arc::clone(&self.arrivals), Arc::clone(&self.releases));
        let hold = async move || {
            arrivals.add_permits(1);
            releases.acquire().await.unwrap().forget();
            "held"
        };
        // The response is larger than the buffers of both sockets.
        let large = async || "x".repeat(64 << 20);
        let service = Router::new()
            .route("/", get(async || "done"))
            .route("/hold", get(hold))
            .route("/large", get(large))
            .into_make_service();
        let server = axum_server::from_tcp(self.listener.take().unwrap()).unwrap().http1_only();
        let acceptor = BoundedAcceptor::new("main", self.limits);
        tokio::spawn(server.acceptor(acceptor).handle(self.handle.clone()).serve(service));
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    async fn connect_and_hold(&self) -> Client {
        let client = self.connect().await;
        client.send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\n").await;
        timeout(SOON, self.arrivals.acquire()).await.unwrap().unwrap().forget();
        client
    }

    async fn connect_and_get(&self) -> Client {
        let client = self.connect().await;
        assert_eq!(client.get().await, "done");
        client
    }

    async fn until_metric(&self, series: &str, value: u64) {
        let line = format!("{series} {value}");
        let is_reached = async {
            while !self.metrics.render().lines().any(|found| found == line) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(SOON, is_reached).await.unwrap_or_else(|_| panic!("no line `{line}` in:\n{}", self.metrics.render()));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&self, text: &str) {
        self.0.writable().await.unwrap();
        assert_eq!(self.0.try_write(text.as_bytes()).unwrap(), text.len());
    }

    /// Returns the next input. Empty: the server closed the connection.
    async fn input(&self) -> String {
        let mut bytes = [0; 4096];
        loop {
            timeout(SOON, self.0.readable()).await.expect("the server neither responds nor closes").unwrap();
            match self.0.try_read(&mut bytes) {
                Ok(count) => return String::from_utf8_lossy(&bytes[..count]).into_owned(),
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return String::new(),
            }
        }
    }

    /// Returns the body of the next response, which must have four bytes.
    async fn response(&self) -> String {
        let mut text = String::new();
        loop {
            let input = self.input().await;
            assert_ne!(input, "", "connection closed after `{text}`");
            text += &input;
            if let Some((head, body)) = text.split_once("\r\n\r\n").filter(|(_, body)| body.len() == 4) {
                assert!(head.starts_with("HTTP/1.1 200"), "{head}");
                return body.to_owned();
            }
        }
    }

    async fn get(&self) -> String {
        self.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
        self.response().await
    }
}

#[tokio::test]
async fn a_new_caller_replaces_the_longest_idle_connection() {
    let server = Server::start(PATIENT);
    let first = server.connect_and_get().await;
    let second = server.connect_and_get().await;
    assert_eq!(first.get().await, "done");

    let third = server.connect_and_get().await;

    assert_eq!(second.input().await, "", "the longest idle connection is closed");
    server.until_metric("instrument_registry_connections_evicted_total", 1).await;
    server.until_metric("instrument_registry_connections_open{listener=\"main\"}", 2).await;
    assert_eq!(first.get().await, "done");
    assert_eq!(third.get().await, "done");
}

#[tokio::test]
async fn a_new_caller_replaces_a_connection_without_requests() {
    let server = Server::start(PATIENT);
    let silent = [server.connect().await, server.connect().await];
    server.until_metric("instrument_registry_connections_open{listener=\"main\"}", 2).await;

    server.connect_and_get().await;

    assert_eq!(silent[0].input().await, "");
    server.until_metric("instrument_registry_connections_evicted_total", 1).await;
}

#[tokio::test]
async fn a_connection_is_idle_after_a_handler_that_waited() {
    let mut server = Server::listen(PATIENT);
    let clients = [server.connect().await, server.connect().await];
    for client in &clients {
        // The head is sent before the server accepts the connection, so that the server never waits for it.
        client.send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\n").await;
    }
    server.serve();
    timeout(SOON, server.arrivals.acquire_many(2)).await.unwrap().unwrap().forget();
    server.releases.add_permits(2);
    for client in &clients {
        assert_eq!(client.response().await, "held");
    }

    server.connect_and_get().await;

    // Either connection may have become idle first.
    server.until_metric("instrument_registry_connections_evicted_total", 1).await;
    server.until_metric("instrument_registry_connections_open{listener=\"main\"}", 1).await;
}

#[tokio::test]
async fn a_connection_is_refused_while_all_others_are_busy() {
    let server = Server::start(PATIENT);
    let busy = [server.connect_and_hold().await, server.connect_and_hold().await];

    let refused = server.connect().await;

    assert_eq!(refused.input().await, "");
    server.until_metric("instrument_registry_connections_refused_total", 1).await;
    server.releases.add_permits(2);
    for client in busy {
        assert_eq!(client.response().await, "held");
    }
}

#[tokio::test]
async fn a_new_caller_replaces_an_incomplete_head() {
    let server = Server::start(PATIENT);
    let _busy = server.connect_and_hold().await;
    let slow = server.connect().await;
    slow.send("GET / HTTP/1.1\r\n").await;

    // New connections are refused until the head is late.
    let is_answered = async {
        loop {
            let client = server.connect().await;
            let _ = client.0.try_write(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n");
            if !client.input().await.is_empty() {
                break;
            }
        }
    };
    timeout(SOON, is_answered).await.unwrap();

    assert_eq!(slow.input().await, "");
}

#[tokio::test]
async fn a_head_in_parts_is_a_request() {
    let server = Server::start(PATIENT);
    let client = server.connect().await;

    for part in ["GET / HTT", "P/1.1\r\nHost: te", "st\r\n\r\n"] {
        client.send(part).await;
        // The pause lets the server read the parts one by one.
        sleep(SHORT / 10).await;
    }

    assert_eq!(client.response().await, "done");
    assert_eq!(client.get().await, "done");
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed() {
    let server = Server::start(Limits { head_within: SHORT, ..PATIENT });

    let silent = server.connect().await;

    assert_eq!(silent.input().await, "");
    server.until_metric("instrument_registry_connections_timed_out_total{phase=\"request\"}", 1).await;
}

/// Sends a head without an end, byte by byte, until the server closes the connection.
async fn send_slowly(client: &Client) {
    client.send("GET / HTTP/1.1\r\nX: ").await;
    let drip = async {
        loop {
            sleep(SHORT / 10).await;
            if client.0.try_write(b"x").is_err_and(|fault| fault.kind() != io::ErrorKind::WouldBlock) {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        input = client.input() => assert_eq!(input, ""),
        () = drip => {}
    }
}

#[tokio::test]
async fn slow_bytes_do_not_extend_the_first_head() {
    let server = Server::start(Limits { head_within: SHORT * 5, ..PATIENT });

    send_slowly(&server.connect().await).await;

    server.until_metric("instrument_registry_connections_timed_out_total{phase=\"request\"}", 1).await;
}

#[tokio::test]
async fn slow_bytes_do_not_extend_a_later_head() {
    let mut server = Server::listen(Limits { head_within: SHORT * 5, ..PATIENT });
    let client = server.connect().await;
    // The head is complete before the server accepts the connection, so that it is never late.
    client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    server.serve();
    assert_eq!(client.response().await, "done");

    send_slowly(&client).await;

    server.until_metric("instrument_registry_connections_timed_out_total{phase=\"request\"}", 1).await;
}

#[tokio::test]
async fn an_idle_connection_outlives_the_timeout_for_heads() {
    let mut server = Server::listen(Limits { head_within: SHORT, ..PATIENT });
    let client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    server.serve();
    assert_eq!(client.response().await, "done");

    sleep(SHORT * 3).await;

    assert_eq!(client.get().await, "done");
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_timeout() {
    let server = Server::start(Limits { idle_within: SHORT, ..PATIENT });
    let first = server.connect_and_get().await;
    let second = server.connect_and_hold().await;
    server.releases.add_permits(1);
    assert_eq!(second.response().await, "held");

    assert_eq!(first.input().await, "");
    assert_eq!(second.input().await, "");
}

#[tokio::test]
async fn a_request_in_flight_has_no_timeout_for_heads() {
    let mut server = Server::listen(Limits { head_within: SHORT, idle_within: SHORT, ..PATIENT });
    let client = server.connect().await;
    client.send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\n").await;
    server.serve();

    sleep(SHORT * 3).await;
    server.releases.add_permits(1);

    assert_eq!(client.response().await, "held");
}

#[tokio::test]
async fn a_connection_whose_response_is_not_read_is_closed() {
    let server = Server::start(Limits { write_within: SHORT, ..PATIENT });

    let client = server.connect().await;
    client.send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n").await;

    server.until_metric("instrument_registry_connections_timed_out_total{phase=\"response\"}", 1).await;
    server.until_metric("instrument_registry_connections_open{listener=\"main\"}", 0).await;
}

#[tokio::test]
async fn a_connection_whose_response_is_read_slowly_is_closed() {
    let server = Server::start(Limits { lag_max: SHORT, ..PATIENT });

    let client = server.connect().await;
    client.send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n").await;
    client.input().await;

    server.until_metric("instrument_registry_connections_timed_out_total{phase=\"response\"}", 1).await;
    server.until_metric("instrument_registry_connections_open{listener=\"main\"}", 0).await;
}

#[test]
fn a_client_that_lags_has_time_for_the_bytes_it_read() {
    let lag_max = Duration::from_secs(60);
    let since = Instant::now();

    assert_eq!(Lag { since, bytes: 0 }.until(lag_max), since + lag_max);
    assert_eq!(Lag { since, bytes: 512 << 10 }.until(lag_max), since + Duration::from_secs(92));
}

#[tokio::test]
async fn pipelined_requests_are_answered() {
    let server = Server::start(PATIENT);
    let client = server.connect().await;

    client.send(&"GET / HTTP/1.1\r\nHost: test\r\n\r\n".repeat(3)).await;

    let mut text = String::new();
    while text.matches("done").count() < 3 {
        let input = client.input().await;
        assert_ne!(input, "", "connection closed after `{text}`");
        text += &input;
    }
    assert_eq!(client.get().await, "done");
}

#[tokio::test]
async fn a_request_that_has_just_arrived_prevents_the_eviction() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let acceptor = BoundedAcceptor::new("main", Limits { connections_max: 1, ..PATIENT });
    let mut caller = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let (mut first, _) = acceptor.accept(stream, ()).into_inner().unwrap();
    let mut bytes = [0; 16];
    let mut buffer = ReadBuf::new(&mut bytes);
    let waker = noop_waker();
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut first).poll_read(&mut cx, &mut buffer).is_pending());

    let other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    // The runtime has not noticed the bytes when the connection is evicted.
    caller.write_all(b"GET").unwrap();
    let (_second, _) = acceptor.accept(other, ()).into_inner().unwrap();
    assert!(first.connection.eviction.is_ordered());
    assert!(Pin::new(&mut first).poll_read(&mut cx, &mut buffer).is_pending());

    let read = poll_fn(|cx| Pin::new(&mut first).poll_read(cx, &mut buffer));
    timeout(SOON, read).await.unwrap().unwrap();

    assert_eq!(buffer.filled(), b"GET");
    assert!(!first.connection.eviction.is_ordered());
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_idle_connection_is_evicted_without_free_descriptors() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let _subscriber = tracing::subscriber::set_default(subscriber);
    let recorder = PrometheusBuilder::new().build_recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let acceptor = BoundedAcceptor::new("main", PATIENT);
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (idle, _) = acceptor.accept(stream, ()).into_inner().unwrap();

    acceptor.note_error(&io::ErrorKind::ConnectionAborted.into());
    assert!(!idle.connection.eviction.is_ordered());
    acceptor.note_error(&io::Error::from_raw_os_error(Errno::MFILE.raw_os_error()));
    assert!(idle.connection.eviction.is_ordered());

    let text = recorder.handle().render();
    assert!(text.contains("\ninstrument_registry_accept_errors_total 2\n"), "{text}");
    assert!(text.contains("\ninstrument_registry_connections_evicted_total 1\n"), "{text}");
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("no free file descriptor: closing the longest idle connection"), "{log}");
    assert!(!log.contains("too many connections"), "{log}");
}

/// The descriptors of these connections are reserved.
#[tokio::test]
async fn connections_are_counted_soon_after_they_are_accepted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    rustix::net::listen(&listener, 1024).unwrap();
    let address = listener.local_addr().unwrap();
    let count = 2 * descriptors::UNCOUNTED_MAX;
    let _callers: Vec<_> = (0..count).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    let accepted = Arc::new(AtomicU32::new(0));
    let accepting = tokio::spawn({
        let accepted = Arc::clone(&accepted);
        async move {
            let mut streams = Vec::new();
            while streams.len() < count {
                streams.push(listener.accept().await.unwrap());
                accepted.fetch_add(1, Ordering::Relaxed);
            }
        }
    });

    let mut counts = Vec::new();
    while !accepting.is_finished() {
        tokio::task::yield_now().await;
        counts.push(accepted.load(Ordering::Relaxed) as usize);
    }
    timeout(SOON, accepting).await.unwrap().unwrap();

    assert!(counts.len() > 1);
    let most = counts.windows(2).map(|pair| pair[1] - pair[0]).chain(counts.first().copied()).max();
    assert!(most.is_some_and(|most| most > 1 && most <= descriptors::UNCOUNTED_MAX), "{counts:?}");
}
