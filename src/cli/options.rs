//! The options that commands have in common: the running service, and the form of the output.

use clap::error::ErrorKind;
use reqwest::Url;

use super::remote::Remote;
use crate::settings::ProcessSettings;

pub(super) const SERVER_VARIABLE: &str = "INSTRUMENT_REGISTRY_URL";

/// The options of a command that can ask a running service.
#[derive(clap::Args)]
pub(super) struct Common {
    /// Ask this running service, such as `http://127.0.0.1:8901` [default: `INSTRUMENT_REGISTRY_URL`].
    #[arg(long, value_name = "URL", global = true)]
    server: Option<String>,
    /// Print JSON instead of tables.
    #[arg(long, global = true)]
    pub(super) json: bool,
}

impl Common {
    /// Returns the service that `--server` or the variable names.
    ///
    /// # Errors
    /// A usage error if the URL cannot be used, or an error if no API key is known.
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

    /// Returns the valid URL of the option, or else of the variable. An error repeats nothing of it, because it may
    /// contain a password.
    fn url(&self) -> anyhow::Result<Option<Url>> {
        let (name, text) = match (&self.server, std::env::var(SERVER_VARIABLE)) {
            (Some(text), _) => ("--server", text.clone()),
            (None, Ok(text)) => (SERVER_VARIABLE, text),
            (None, Err(std::env::VarError::NotPresent)) => return Ok(None),
            (None, Err(std::env::VarError::NotUnicode(_))) => {
                return Err(usage(&format!("{SERVER_VARIABLE}: expected UTF-8 text")));
            }
        };
        if text.trim().is_empty() && self.server.is_none() {
            return Ok(None);
        }
        service_url(text.trim()).map(Some).map_err(|why| usage(&format!("{name}: {why}")))
    }
}

fn service_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|fault| format!("expected a URL such as https://host:8901: {fault}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("expected a URL that starts with `https://` or `http://`".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("expected a URL without user and password; set INTERNAL_API_KEY instead".to_owned());
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("expected a URL without path, query and fragment, such as https://host:8901".to_owned());
    }
    Ok(url)
}

/// Returns a usage error, with which the process exits with 2.
pub(super) fn usage(why: &str) -> anyhow::Error {
    clap::Error::raw(ErrorKind::ArgumentConflict, format!("{why}\n")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_only_host_and_port() {
        let fault = |text: &str| service_url(text).unwrap_err();

        for url in ["https://host", "http://127.0.0.1:8901/"] {
            assert!(service_url(url).is_ok(), "{url}");
        }
        for url in ["https://user:hunter5@host/", "https://hunter5@host"] {
            assert_eq!(fault(url), "expected a URL without user and password; set INTERNAL_API_KEY instead");
        }
        for url in ["https://host/registry", "https://host?key=hunter5", "https://host/#hunter5"] {
            assert_eq!(fault(url), "expected a URL without path, query and fragment, such as https://host:8901");
        }
        for url in ["https://user:hunter5@host:99999", "host", "", "ftp://hunter5"] {
            assert!(fault(url).starts_with("expected a URL"), "{}", fault(url));
            assert!(!fault(url).contains("hunter5"), "{}", fault(url));
        }
    }
}
