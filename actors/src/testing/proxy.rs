//! A server's address that freezes and breaks when a test says so.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Passing,
    Frozen,
    /// Connections of an older number are broken.
    Cut(u32),
}

impl Proxy {
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, seen) = watch::channel(State::Passing);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, seen) = (server.clone(), seen.clone());
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
        Proxy { address, state, accepting }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// From now on nothing gets through, and nothing is refused either.
    pub(crate) fn freeze(&self) {
        self.state.send_replace(State::Frozen);
    }

    /// Everything gets through again, also what was held.
    pub(crate) fn thaw(&self) {
        self.state.send_replace(State::Passing);
    }

    /// Breaks all connections there are; new ones may be made.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| {
            *state = State::Cut(if let State::Cut(number) = *state { number + 1 } else { 0 });
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut seen: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if seen.wait_for(|state| *state != State::Frozen).await.is_err()
            || to.write_all(&buffer[..length]).await.is_err()
        {
            return;
        }
    }
}

/// Ends when the connections there are now are broken.
async fn cut(mut seen: watch::Receiver<State>) {
    let before = *seen.borrow_and_update();
    let _ = seen.wait_for(|state| matches!(state, State::Cut(_)) && *state != before).await;
}
