//! `config-standin --listen 127.0.0.1:0 --file settings.json`, with `INTERNAL_API_KEY` in the environment.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use config_standin::{Standin, router};
use tokio::signal::unix::{SignalKind, signal};

/// Speaks the config service's contract from a file, which is read anew at every request.
///
/// Callers must send what `INTERNAL_API_KEY` holds in the environment.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; the port 0 takes a free one. The address is printed once it listens.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8100")]
    listen: SocketAddr,
    /// A JSON object of keys and values.
    #[arg(long)]
    file: PathBuf,
    /// Answer in the older form, `{"value": …}`.
    #[arg(long)]
    legacy_form: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let Arguments { listen, file, legacy_form } = Arguments::parse();
    let api_key = std::env::var("INTERNAL_API_KEY").ok().filter(|key| !key.is_empty());
    let api_key = api_key.ok_or_else(|| io::Error::other("INTERNAL_API_KEY must be set: it is what callers send"))?;
    let listener = tokio::net::TcpListener::bind(listen).await?;
    writeln!(io::stdout(), "config-standin listens on http://{}", listener.local_addr()?)?;
    let standin = Standin { file, api_key, is_legacy: legacy_form };
    // As the first process of a container it would otherwise not end at SIGTERM.
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = axum::serve(listener, router(standin)) => result,
        _ = terminate.recv() => Ok(()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}
