//! `config-standin --listen 127.0.0.1:0 --file settings.json`, with `INTERNAL_API_KEY` in the environment.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use config_standin::{Standin, router};
use tokio::signal::unix::{SignalKind, signal};

/// Serve settings from a file through the API of the config service. The file is read again for every request.
///
/// Callers must send the value of the environment variable `INTERNAL_API_KEY` as their API key.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on; port 0 selects a free port. The address is printed after the start.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8100")]
    listen: SocketAddr,
    /// JSON file with an object of keys and values.
    #[arg(long)]
    file: PathBuf,
    /// Send responses in the older format, `{"value": …}`.
    #[arg(long)]
    legacy_form: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let Arguments { listen, file, legacy_form } = Arguments::parse();
    let api_key = std::env::var("INTERNAL_API_KEY").ok().filter(|key| !key.is_empty());
    let api_key = api_key
        .ok_or_else(|| io::Error::other("INTERNAL_API_KEY is required: set it to the API key that callers send"))?;
    let listener = tokio::net::TcpListener::bind(listen).await?;
    writeln!(io::stdout(), "config-standin listens on http://{}", listener.local_addr()?)?;
    let standin = Standin { file, api_key, is_legacy: legacy_form };
    // The first process of a container ignores SIGTERM unless it has a handler.
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = axum::serve(listener, router(standin)) => result,
        _ = terminate.recv() => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}
