use std::time::Duration;

use rustls::pki_types::ServerName;

use super::*;

fn refusal(content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, content).unwrap();
    CaFile::read(&path).unwrap_err().replace(&path.display().to_string(), "ca.pem")
}

#[test]
fn an_unusable_ca_file_is_rejected_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.pem");
    let none = "ca.pem: expected PEM certificates (-----BEGIN CERTIFICATE-----), got none";

    let refused = CaFile::read(&missing).unwrap_err();
    assert!(refused.starts_with(&format!("failed to read {}: No such file", missing.display())), "{refused}");
    assert!(CaFile::read(folder.path()).unwrap_err().ends_with("not a regular file"));
    assert_eq!(refusal(b""), none);
    assert_eq!(refusal(b"\x30\x82 not PEM"), none);
    let no_end = refusal(b"-----BEGIN CERTIFICATE-----\nAAAA\n");
    assert_eq!(no_end, "ca.pem: invalid PEM: the line `-----END CERTIFICATE-----` is missing");
    let no_start = refusal(b"-----BEGIN CERTIFICATE--\nAAAA\n-----END CERTIFICATE-----\n");
    assert_eq!(no_start, "ca.pem: invalid PEM: a line that begins a section is malformed");
    let no_base64 = refusal(b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
    assert_eq!(no_base64, "ca.pem: invalid PEM: expected Base64 between the lines of a section");
    let no_certificate = refusal(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert!(no_certificate.starts_with("ca.pem: certificate 1 is invalid: "), "{no_certificate}");
    let long = refusal(&vec![b'\n'; usize::try_from(FILE_BYTES_MAX).unwrap() + 1]);
    assert_eq!(long, "failed to read ca.pem: expected at most 4194304 bytes, got more");
}

#[test]
fn each_cause_of_a_rejected_certificate_is_named() {
    let of = |fault: CertificateError| handshake_fault(&rustls::Error::InvalidCertificate(fault)).unwrap();
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let expected = ServerName::try_from("localhost").unwrap();

    assert!(of(CertificateError::UnknownIssuer).starts_with("certificate rejected: unknown issuer"));
    assert!(of(CertificateError::BadSignature).starts_with("certificate rejected: bad signature"));
    let of_names = |presented: &[&str]| {
        let presented = presented.iter().map(|&name| name.to_owned()).collect();
        of(CertificateError::NotValidForNameContext { expected: expected.clone(), presented })
    };
    assert_eq!(
        of_names(&["DnsName(\"other\")", "IpAddress(10.0.0.1)"]),
        "certificate rejected: wrong host name: expected `localhost`, but the certificate is for `other`, `10.0.0.1`"
    );
    assert_eq!(
        of_names(&[]),
        "certificate rejected: wrong host name: expected `localhost`, but the certificate has no `subjectAltName`"
    );
    assert_eq!(
        of(CertificateError::ExpiredContext { time: at(60), not_after: at(0) }),
        "certificate rejected: expired at 1970-01-01T00:00:00Z"
    );
    assert_eq!(
        of(CertificateError::NotValidYetContext { time: at(0), not_before: at(60) }),
        "certificate rejected: not valid before 1970-01-01T00:01:00Z"
    );
}

/// A cause whose text is that of a cause of the TLS library.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct OtherCause(&'static str);

#[test]
fn other_causes_are_shown_in_words() {
    let of = |cause| {
        let fault = CertificateError::Other(rustls::OtherError(Arc::new(OtherCause(cause))));
        handshake_fault(&rustls::Error::InvalidCertificate(fault)).unwrap()
    };

    assert_eq!(
        of("UnsupportedCertVersion"),
        "certificate rejected: unsupported version: expected an X.509 certificate of version 3; create it with \
         extensions (`subjectAltName`)"
    );
    assert!(of("CaUsedAsEndEntity").starts_with("certificate rejected: CA certificate: expected a certificate of"));
    assert_eq!(of("UnsupportedNameType"), "certificate rejected: UnsupportedNameType");
}

#[test]
fn the_cause_is_found_inside_other_errors() {
    let fault = || rustls::Error::InvalidCertificate(CertificateError::Expired);
    let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, fault()));
    let shared: Arc<dyn Error + Send + Sync> = Arc::new(io::Error::other(fault()));

    assert_eq!(handshake_fault(&wrapped).as_deref(), Some("certificate rejected: expired"));
    assert_eq!(handshake_fault(&shared).as_deref(), Some("certificate rejected: expired"));
    assert_eq!(handshake_fault(&sqlx::Error::Io(wrapped)).as_deref(), Some("certificate rejected: expired"));
    assert_eq!(handshake_fault(&io::Error::from(io::ErrorKind::ConnectionRefused)), None);
    let closed = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
    assert_eq!(
        handshake_fault(&io::Error::other(closed)).as_deref(),
        Some("TLS handshake failed: the server closed the connection during the handshake")
    );
    assert_eq!(handshake_fault_in("failed: certificate rejected: expired"), Some("certificate rejected: expired"));
    assert_eq!(handshake_fault_in("connection failed: timeout"), None);
    let closed = closed_plain_connection("rediss", &"connection reset");
    assert_eq!(handshake_fault_in(&format!("unreachable: {closed}")), Some(&*closed));
    assert!(closed.ends_with("the server may require TLS: try `rediss://` (connection reset)"), "{closed}");
}
