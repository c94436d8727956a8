//! The root certificates that clients of the config service, of Redis and of `https://` sources trust.

#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use registry_store::tls::{CaFile, closed_plain_connection, handshake_closed, handshake_fault, handshake_timeout};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tracing::warn;

/// The root certificates of the operating system and of a file. Those of the system are read when a client needs them
/// first. A system without certificates is no fault: its clients trust the file only.
#[derive(Debug, Default)]
pub struct Tls {
    ca: Option<CaFile>,
    roots: OnceLock<Roots>,
}

#[derive(Debug)]
struct Roots {
    pem: String,
    store: Arc<RootCertStore>,
}

impl Tls {
    /// Returns the trust in the certificates of the operating system and of `ca`.
    pub fn new(ca: Option<CaFile>) -> Self {
        Tls { ca, roots: OnceLock::new() }
    }

    /// Returns the file of further certificates; `None` if only those of the operating system are trusted.
    pub fn ca(&self) -> Option<&CaFile> {
        self.ca.as_ref()
    }

    /// Returns the settings of an HTTP client that trusts the certificates of the operating system and of the file.
    pub fn http_client(&self) -> ClientConfig {
        config(Arc::clone(&self.roots().store))
    }

    pub(crate) fn pem(&self) -> &str {
        &self.roots().pem
    }

    fn roots(&self) -> &Roots {
        self.roots.get_or_init(|| {
            let found = rustls_native_certs::load_native_certs();
            for fault in found.errors {
                warn!(fault = %fault, "failed to load root certificates of the operating system");
            }
            let further = self.ca.iter().flat_map(|ca| ca.certificates().iter().cloned());
            Roots::of(found.certs.into_iter().chain(further))
        })
    }
}

impl Roots {
    /// Ignores certificates that the TLS library cannot use; a system may have some.
    fn of(certificates: impl Iterator<Item = CertificateDer<'static>>) -> Self {
        let (mut pem, mut store) = (String::new(), RootCertStore::empty());
        for certificate in certificates {
            if store.add(certificate.clone()).is_ok() {
                pem += "-----BEGIN CERTIFICATE-----\n";
                STANDARD.encode_string(&certificate, &mut pem);
                pem += "\n-----END CERTIFICATE-----\n";
            }
        }
        Roots { pem, store: Arc::new(store) }
    }
}

/// Returns the settings of an HTTP client that makes no `https://` requests. It reads no certificates, and can be
/// created on a machine without any.
pub fn plain_http_client() -> ClientConfig {
    config(Arc::new(RootCertStore::empty()))
}

/// Returns the cause of a failed request if it is a failed TLS handshake, or a plain request whose connection the
/// server has closed instead of a response. `None` if it has another cause.
pub fn http_fault(fault: &reqwest::Error) -> Option<String> {
    if let Some(cause) = handshake_fault(fault) {
        return Some(cause);
    }
    let is_plain = fault.url().is_some_and(|url| url.scheme() == "http");
    let is_closed = fault.is_request() && !fault.is_connect() && !fault.is_timeout();
    let causes = std::iter::successors(std::error::Error::source(fault), |cause| cause.source());
    (is_plain && is_closed).then(|| match causes.last() {
        Some(cause) => closed_plain_connection("https", cause),
        None => closed_plain_connection("https", fault),
    })
}

/// Returns the cause of a failed request if a connection with TLS was not open in time, or was reset before. `None` if
/// it has another cause.
pub fn unfinished_handshake(fault: &reqwest::Error) -> Option<String> {
    let has_tls = fault.url().is_some_and(|url| url.scheme() == "https");
    if !has_tls || !fault.is_connect() {
        return None;
    }
    let mut causes = std::iter::successors(std::error::Error::source(fault), |cause| cause.source());
    let is_reset = causes.any(|cause| cause.downcast_ref().is_some_and(is_reset));
    if fault.is_timeout() { Some(handshake_timeout()) } else { is_reset.then(handshake_closed) }
}

/// Whether the error, or one that it wraps and does not return as its source, is the end of a connection.
fn is_reset(fault: &io::Error) -> bool {
    let wrapped = fault.get_ref().and_then(|wrapped| wrapped.downcast_ref());
    matches!(fault.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) || wrapped.is_some_and(is_reset)
}

fn config(roots: Arc<RootCertStore>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    // Invariant: the provider supports the default versions of TLS.
    let builder = builder.with_safe_default_protocol_versions().expect("the provider supports TLS 1.2 and 1.3");
    builder.with_root_certificates(roots).with_no_client_auth()
}
