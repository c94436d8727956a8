//! The options that commands have in common: the running service, and the form of the output.

use anyhow::{Context, bail};
use clap::error::ErrorKind;
use reqwest::Url;

use super::remote::Remote;
use crate::settings::ProcessSettings;

/// The variable that names a running service.
pub(super) const SERVER_VARIABLE: &str = "INSTRUMENT_REGISTRY_URL";

/// The options of a command that can ask a running service.
#[derive(clap::Args)]
pub(super) struct Common {
    /// Ask this running service, such as `http://127.0.0.1:8901` [default: `INSTRUMENT_REGISTRY_URL`].
    #[arg(long, value_name = "URL", global = true)]
    server: Option<Url>,
    /// Print JSON instead of tables.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

impl Common {
    /// Returns the service that `--server` or the variable names.
    ///
    /// # Errors
    /// If the URL cannot be used, or no API key is known.
    pub(super) fn server(&self, settings: &ProcessSettings) -> anyhow::Result<Option<Remote>> {
        self.url()?.map(|url| Remote::new(&url, settings)).transpose()
    }

    /// Returns the service that `--server` or the variable names, or else the one that the environment would start.
    ///
    /// # Errors
    /// If the URL cannot be used, or no API key is known.
    pub(super) fn server_or_local(&self, settings: &ProcessSettings) -> anyhow::Result<Remote> {
        match self.url()? {
            Some(url) => Remote::new(&url, settings),
            None => Remote::local(settings),
        }
    }

    /// Rejects a running service for a command that uses only the database.
    ///
    /// # Errors
    /// A usage error if `--server` or the variable names one.
    pub(super) fn reject_server(&self, command: &str) -> anyhow::Result<()> {
        let given = match self.url()? {
            None => return Ok(()),
            Some(_) if self.server.is_some() => "--server".to_owned(),
            Some(_) => format!("{SERVER_VARIABLE}; unset the variable"),
        };
        Err(usage(&format!("`{command}` uses the database and cannot be combined with {given}")))
    }

    fn url(&self) -> anyhow::Result<Option<Url>> {
        if let Some(url) = &self.server {
            return Ok(Some(url.clone()));
        }
        match std::env::var(SERVER_VARIABLE) {
            Ok(text) if text.trim().is_empty() => Ok(None),
            Ok(text) => match text.trim().parse() {
                Ok(url) => Ok(Some(url)),
                Err(fault) => Err(fault).context(format!("{SERVER_VARIABLE}: expected a URL")),
            },
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => bail!("{SERVER_VARIABLE}: expected UTF-8 text"),
        }
    }
}

/// Returns a usage error, with which the process exits with 2.
pub(super) fn usage(why: &str) -> anyhow::Error {
    clap::Error::raw(ErrorKind::ArgumentConflict, format!("{why}\n")).into()
}
