//! What a good engineer writes in an afternoon in place of the registry: a handler, a pool, one INSERT per plan, and a map
//! of ready answers. It is what the registry's speed is measured against.
//!
//! `yardstick PORT DATABASE_URL` serves plans of the instruments `NSE:STOCK1` to `NSE:STOCK100000` on 127.0.0.1; port 0
//! takes a free one. The line that it prints names its address. It keeps its plans in a schema of its own,
//! `yardstick`, which it makes.
//!
//! There is no key, no supervision, no deadline, no limit of what may wait, and no reason for a key that was left out.
//!
//! * `plans` answers, with the answers of the last five minutes at hand;
//! * `store` is the table;
//! * `raw` answers bytes and does nothing for them: what axum itself can do.

mod plans;
mod raw;
mod store;
#[cfg(test)]
mod tests;

use std::env;
use std::io::{self, Write};

use anyhow::Context;
use axum::Router;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::plans::Plans;
use crate::store::Store;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [port, database_url] = arguments.as_slice() else {
        anyhow::bail!("usage: yardstick PORT DATABASE_URL");
    };
    let port: u16 = port.parse().with_context(|| format!("expected a port, got `{port}`"))?;
    let store = Store::open(database_url).await?;
    let listener =
        TcpListener::bind(("127.0.0.1", port)).await.with_context(|| format!("failed to listen on port {port}"))?;
    let address = listener.local_addr().context("failed to get the address of the listener")?;
    writeln!(io::stdout(), "yardstick listens on http://{address}").context("failed to print the address")?;
    // An answer shall not wait for the acknowledgement of the one before.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, routes(Plans::new(store))).await.context("failed to serve")
}

/// The registry's two paths, and the bare ones.
fn routes(plans: Plans) -> Router {
    const BASE: &str = "/api/v1/internal/instrument-registry/subscriptions";
    let raw =
        Router::new().route("/hello", get(raw::hello)).route("/echo", post(raw::echo)).with_state(raw::Bytes::new());
    Router::new()
        .route(&format!("{BASE}/plan"), post(plans::create))
        .route(&format!("{BASE}/plans/{{plan_id}}"), get(plans::read))
        .with_state(plans)
        .merge(raw)
}
