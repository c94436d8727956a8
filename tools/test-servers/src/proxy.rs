//! A TCP proxy that freezes, closes, delays and refuses connections on request of a test.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::free_port;

/// A proxy in front of one server.
pub struct Proxy {
    server: String,
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    is_frozen: bool,
    /// Number of times that all connections were closed.
    cuts: u32,
    /// Delay of each piece of data, in either direction.
    delay: Duration,
}

impl Proxy {
    /// Starts a proxy to a server, given by host and port.
    pub async fn to(server: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", free_port())).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, _) = watch::channel(State { is_frozen: false, cuts: 0, delay: Duration::ZERO });
        let proxy = Proxy { server, address, state, accepting: Mutex::default() };
        proxy.accept(listener);
        proxy
    }

    fn accept(&self, listener: TcpListener) {
        let (server, state) = (self.server.clone(), self.state.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, seen) = (server.clone(), state.subscribe());
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(server).await else { return };
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    tokio::select! {
                        () = pass(from_client, to_server, seen.clone()) => {}
                        () = pass(from_server, to_client, seen.clone()) => {}
                        () = cut(seen) => {}
                    }
                });
            }
        });
        *self.accepting.lock().unwrap() = Some(accepting);
    }

    /// The address of the proxy.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Holds all data; connections stay open and new ones are accepted.
    pub fn freeze(&self) {
        self.state.send_modify(|state| state.is_frozen = true);
    }

    /// Passes data again, including the data that was held.
    pub fn thaw(&self) {
        self.state.send_modify(|state| state.is_frozen = false);
    }

    /// Delays each piece of data from now on, in either direction.
    pub fn delay(&self, delay: Duration) {
        self.state.send_modify(|state| state.delay = delay);
    }

    /// Closes all connections; new ones are accepted.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Closes all connections and refuses new ones.
    pub async fn refuse(&self) {
        let accepting = self.accepting.lock().unwrap().take();
        if let Some(accepting) = accepting {
            accepting.abort();
            // After this the task has ended and the listener is closed.
            let _ = accepting.await;
        }
        self.cut();
    }

    /// Accepts connections again.
    pub async fn accept_again(&self) {
        self.accept(TcpListener::bind(self.address).await.unwrap());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(accepting) = self.accepting.lock().unwrap().take() {
            accepting.abort();
        }
    }
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut seen: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let delay = seen.borrow().delay;
        sleep(delay).await;
        if seen.wait_for(|state| !state.is_frozen).await.is_err() || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// Returns when the current connections are to be closed.
async fn cut(mut seen: watch::Receiver<State>) {
    let before = seen.borrow_and_update().cuts;
    let _ = seen.wait_for(|state| state.cuts != before).await;
}
