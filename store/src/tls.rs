//! TLS of all connections of the service: its provider, files of root certificates, and the causes of failed
//! handshakes.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::{CertificateError, RootCertStore};

/// The maximum size of a file of certificates. The file of a whole operating system has about 220 KB.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// The beginnings of the causes of failed handshakes.
const REJECTED: &str = "certificate rejected: ";
const FAILED: &str = "TLS handshake failed: ";
/// The beginning of the cause of a plain connection that a server closed instead of a response.
const CLOSED: &str = "connection closed before a response; the server may require TLS: ";
/// The cause of a handshake that the server ended.
const SERVER_CLOSED: &str = "the server closed the connection during the handshake";

/// Installs the provider of cryptography for the whole process. Later calls have no effect.
pub fn install_provider() {
    // An error returns the provider that another call has installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A PEM file of root certificates, which was read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaFile {
    path: PathBuf,
    certificates: Vec<CertificateDer<'static>>,
}

impl CaFile {
    /// Reads the file.
    ///
    /// # Errors
    /// The reason why the file cannot be used, with its path.
    pub fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let bytes = read_bytes(path).map_err(|fault| format!("failed to read {shown}: {fault}"))?;
        let certificates: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
        let certificates = certificates.map_err(|fault| format!("{shown}: {}", pem_fault(&fault)))?;
        if certificates.is_empty() {
            return Err(format!("{shown}: expected PEM certificates (-----BEGIN CERTIFICATE-----), got none"));
        }
        let mut roots = RootCertStore::empty();
        for (index, certificate) in certificates.iter().enumerate() {
            let added = roots.add(certificate.clone());
            added.map_err(|fault| format!("{shown}: certificate {} is invalid: {fault}", index + 1))?;
        }
        Ok(CaFile { path: path.to_owned(), certificates })
    }

    /// Returns the path of the file, for libraries that read it themselves.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the certificates of the file, at least one.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }
}

/// Checks a file of the certificate of a client, which is read again by each connection.
pub(crate) fn check_client_certificate(path: &Path) -> Result<(), String> {
    CaFile::read(path).map(drop)
}

/// Checks a file of the private key of a client. The fault shows nothing of its content.
pub(crate) fn check_client_key(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let bytes = read_bytes(path).map_err(|fault| format!("failed to read {shown}: {fault}"))?;
    match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(_) => Ok(()),
        Err(pem::Error::NoItemsFound) => {
            Err(format!("{shown}: expected a PEM private key (-----BEGIN PRIVATE KEY-----), got none"))
        }
        Err(fault) => Err(format!("{shown}: {}", pem_fault(&fault))),
    }
}

/// Describes a fault of a PEM file in words; that of the library shows lines as lists of bytes.
fn pem_fault(fault: &pem::Error) -> String {
    match fault {
        pem::Error::MissingSectionEnd { end_marker } => {
            format!("invalid PEM: the line `-----END {}-----` is missing", String::from_utf8_lossy(end_marker))
        }
        pem::Error::IllegalSectionStart { .. } => "invalid PEM: a line that begins a section is malformed".to_owned(),
        pem::Error::Base64Decode(_) => "invalid PEM: expected Base64 between the lines of a section".to_owned(),
        other => format!("invalid PEM: {other}"),
    }
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe could block forever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("expected at most {FILE_BYTES_MAX} bytes, got more")));
    }
    Ok(bytes)
}

/// Returns the cause of a failed TLS handshake, or `None` if the error has another cause.
pub fn handshake_fault(error: &(dyn Error + 'static)) -> Option<String> {
    let Some(fault) = tls_error(error) else {
        return is_closed_handshake(error).then(handshake_closed);
    };
    Some(match fault {
        rustls::Error::InvalidCertificate(fault) => format!("{REJECTED}{}", certificate_fault(fault)),
        // The first bytes of the response are those of another protocol.
        rustls::Error::InvalidMessage(_) => format!("{FAILED}the server does not use TLS on this port"),
        other => format!("{FAILED}{other}"),
    })
}

/// Returns the cause of a plain connection that the server closed instead of a response, as a server does that requires
/// TLS. `scheme` is that of a URL with TLS.
pub fn closed_plain_connection(scheme: &str, fault: &dyn Display) -> String {
    format!("{CLOSED}try `{scheme}://` ({fault})")
}

/// Returns the cause of a failed TLS handshake with the beginning that [`handshake_fault_in`] finds.
pub(crate) fn handshake_failed(why: &str) -> String {
    format!("{FAILED}{why}")
}

/// Returns the cause of a connection with TLS that was not open in time. A server without TLS may wait for more data.
pub fn handshake_timeout() -> String {
    handshake_failed("timeout during the TLS handshake; does the server use TLS on this port?")
}

/// Returns the cause of a connection with TLS that the server closed before it was open.
pub fn handshake_closed() -> String {
    handshake_failed(SERVER_CLOSED)
}

/// Whether the server closed the connection before the handshake was complete. Only the text shows it.
fn is_closed_handshake(error: &(dyn Error + 'static)) -> bool {
    if let Some(fault) = error.downcast_ref::<io::Error>() {
        if fault.kind() == io::ErrorKind::UnexpectedEof && fault.to_string() == "tls handshake eof" {
            return true;
        }
        if let Some(wrapped) = fault.get_ref() {
            return is_closed_handshake(wrapped);
        }
    }
    if let Some(shared) = error.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        return is_closed_handshake(&**shared);
    }
    error.source().is_some_and(is_closed_handshake)
}

/// Returns the cause of a failed TLS handshake or of a [closed plain connection](closed_plain_connection) that a
/// message ends with, if there is one.
pub fn handshake_fault_in(message: &str) -> Option<&str> {
    [REJECTED, FAILED, CLOSED].iter().find_map(|beginning| message.find(beginning)).map(|at| &message[at..])
}

/// Returns the error of the TLS library among the causes of an error.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(fault) = error.downcast_ref() {
        return Some(fault);
    }
    // Neither an IO error nor a shared error returns the error that it wraps as its source.
    if let Some(wrapped) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return tls_error(wrapped);
    }
    if let Some(shared) = error.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        return tls_error(&**shared);
    }
    tls_error(error.source()?)
}

fn certificate_fault(fault: &CertificateError) -> String {
    match fault {
        CertificateError::UnknownIssuer => {
            "unknown issuer: no trusted root certificate has signed it; add its CA with TLS_CA_FILE".to_owned()
        }
        CertificateError::BadSignature => {
            "bad signature: a trusted root certificate has the name of its issuer, but another key".to_owned()
        }
        CertificateError::NotValidForName => "wrong host name".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            format!("wrong host name: expected `{}`, {}", expected.to_str(), certified(presented))
        }
        CertificateError::ExpiredContext { not_after, .. } => format!("expired at {}", shown(*not_after)),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("not valid before {}", shown(*not_before))
        }
        CertificateError::Expired => "expired".to_owned(),
        // The type of the error is not public. Its text is the name of a variant.
        CertificateError::Other(cause) => match cause.0.to_string().as_str() {
            "UnsupportedCertVersion" => {
                "unsupported version: expected an X.509 certificate of version 3; create it with extensions \
                 (`subjectAltName`)"
                    .to_owned()
            }
            "CaUsedAsEndEntity" => {
                "CA certificate: expected a certificate of the server, which is not a CA itself".to_owned()
            }
            cause => cause.to_owned(),
        },
        other => other.to_string(),
    }
}

/// Describes the names of a certificate, which the TLS library formats as `DnsName("host")` and `IpAddress(address)`.
fn certified(presented: &[String]) -> String {
    let name = |name: &String| {
        let value = name.split_once('(').and_then(|(_, value)| value.strip_suffix(')'));
        format!("`{}`", value.unwrap_or(name).trim_matches('"'))
    };
    match presented {
        [] => "but the certificate has no `subjectAltName`".to_owned(),
        names => format!("but the certificate is for {}", names.iter().map(name).collect::<Vec<_>>().join(", ")),
    }
}

fn shown(time: UnixTime) -> String {
    let time = i64::try_from(time.as_secs()).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.map_or_else(|| "an unknown time".to_owned(), |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}
