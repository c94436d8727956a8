//! The program that a good engineer writes in an afternoon instead of the registry: a handler, a connection pool, one
//! INSERT per plan, and a map of cached responses. The registry's speed is compared with it.
//!
//! `yardstick PORT DATABASE_URL` serves plans of the instruments `NSE:STOCK1` to `NSE:STOCK100000` on 127.0.0.1. Port 0
//! selects a free port. The program prints its address. It stores plans in its own schema, `yardstick`, which it
//! creates.
//!
//! It has no API key, no supervision, no deadline, no limit of waiting requests, and returns no reason for a key that
//! it leaves out.
//!
//! * `plans` handles requests and caches responses for five minutes;
//! * `store` holds the table;
//! * `raw` returns bytes without any work, to measure the limit of axum itself.

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
    // A response must not wait for the acknowledgment of the previous one.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, routes(Plans::new(store))).await.context("failed to serve")
}

/// The two paths that the registry has too, and the paths without work.
fn routes(plans: Plans) -> Router {
    const BASE: &str = "/api/v1/internal/instrument-registry/subscriptions";
    let raw =
        Router::new().route("/hello", get(raw::hello)).route("/echo", post(raw::echo)).with_state(raw::Bytes::new());
    Router::new()
        .route(&format!("{BASE}/plan"), post(plans::create))
        .route(&format!("{BASE}/plans/{{plan_id}}"), get(plans::read_plan))
        .with_state(plans)
        .merge(raw)
}
