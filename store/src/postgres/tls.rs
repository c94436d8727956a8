//! The rules of TLS in a `DATABASE_URL`, for parameters that sqlx would ignore or use only when it connects.

use std::path::Path;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::super::tls::{
    CaFile, check_client_certificate, check_client_key, handshake_closed, handshake_failed, handshake_fault,
};

const ROOT_CERT: [&str; 3] = ["sslrootcert", "ssl-root-cert", "ssl-ca"];
const MODE: [&str; 2] = ["sslmode", "ssl-mode"];
/// The values of `sslmode`, which sqlx reads in upper and lower case.
const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const CERT: [&str; 2] = ["sslcert", "ssl-cert"];
const KEY: [&str; 2] = ["sslkey", "ssl-key"];

/// The end of the cause of an unknown issuer, to which `sslrootcert` is added.
const CA_HINT: &str = "TLS_CA_FILE";

/// Checks `sslmode`, whose fault in sqlx has another name and no allowed values.
///
/// # Errors
/// The name of the parameter, the allowed values, and the value.
pub(super) fn check_mode(url: &str) -> Result<(), String> {
    // sqlx reports why a URL cannot be parsed.
    let Ok(url) = Url::parse(url) else { return Ok(()) };
    let mut modes = url.query_pairs().filter(|(name, _)| MODE.contains(&name.as_ref()));
    let wrong = modes.find(|(_, value)| !is_mode(value));
    wrong.map_or(Ok(()), |(name, value)| Err(not_a_mode(&format!("`{name}`"), &value)))
}

fn is_mode(value: &str) -> bool {
    MODES.iter().any(|mode| value.eq_ignore_ascii_case(mode))
}

fn not_a_mode(name: &str, value: &str) -> String {
    format!("{name} must be one of {}, got `{value}`", MODES.join(", "))
}

/// Applies the rules of TLS to the options of a URL: adds `ca` as the root certificates if none are named, and the
/// verification that `sslrootcert` implies. A parameter that the URL lacks has the value of the variable that
/// PostgreSQL's own clients read; sqlx reads it too.
///
/// # Errors
/// The reason why the parameters cannot be used, with the name of the parameter or variable.
pub(super) fn secured(
    options: PgConnectOptions,
    url: &str,
    ca: Option<&CaFile>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<PgConnectOptions, String> {
    // sqlx has parsed the URL already.
    let Ok(url) = Url::parse(url) else { return Ok(options) };
    check_names(&url)?;
    let given = |names: &'static [&'static str], name: &'static str| -> Option<(&'static str, String)> {
        let last = url.query_pairs().filter(|(name, _)| names.contains(&name.as_ref())).last();
        let last = last.map(|(_, value)| (names[0], value.into_owned()));
        last.or_else(|| variable(name).map(|value| (name, value)))
    };
    let options = match given(&MODE, "PGSSLMODE") {
        Some((name @ "PGSSLMODE", mode)) => {
            let mode = mode.parse().map_err(|_| not_a_mode(name, &mode))?;
            options.ssl_mode(mode)
        }
        _ => options,
    };
    let options = match (given(&CERT, "PGSSLCERT"), given(&KEY, "PGSSLKEY")) {
        (Some((cert_name, cert)), Some((key_name, key))) => {
            let (cert_path, key_path) = (path(cert_name, &cert)?, path(key_name, &key)?);
            check_client_certificate(cert_path).map_err(|fault| format!("{cert_name}: {fault}"))?;
            check_client_key(key_path).map_err(|fault| format!("{key_name}: {fault}"))?;
            options.ssl_client_cert(cert_path).ssl_client_key(key_path)
        }
        (None, None) => options,
        _ => return Err("`sslcert` and `sslkey` must be set together".to_owned()),
    };
    let options = with_root_cert(options, given(&ROOT_CERT, "PGSSLROOTCERT"), ca)?;
    // A socket of the same machine has no TLS, whatever the mode is. PostgreSQL's own clients ignore the mode too.
    let is_socket = options.get_socket().is_some() || options.get_host().starts_with('/');
    Ok(if is_socket { options.ssl_mode(PgSslMode::Disable) } else { options })
}

fn with_root_cert(
    options: PgConnectOptions,
    given: Option<(&'static str, String)>,
    ca: Option<&CaFile>,
) -> Result<PgConnectOptions, String> {
    let Some((name, root_cert)) = given else {
        return Ok(match ca {
            Some(ca) => options.ssl_root_cert(ca.path()),
            None => options,
        });
    };
    let root_cert = path(name, &root_cert)?;
    CaFile::read(root_cert).map_err(|fault| format!("{name}: {fault}"))?;
    let options = options.ssl_root_cert(root_cert);
    match options.get_ssl_mode() {
        PgSslMode::VerifyCa | PgSslMode::VerifyFull => Ok(options),
        // As PostgreSQL's own clients do. sqlx would accept any certificate.
        PgSslMode::Require => Ok(options.ssl_mode(PgSslMode::VerifyCa)),
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => {
            Err(format!("`{name}` requires `sslmode=verify-full`, `sslmode=verify-ca` or `sslmode=require`"))
        }
    }
}

/// Rejects parameters of TLS that sqlx ignores, so that a connection without TLS never replaces one that was requested.
fn check_names(url: &Url) -> Result<(), String> {
    let is_known = |name: &str| [&MODE[..], &ROOT_CERT, &CERT, &KEY].concat().contains(&name);
    let is_of_tls = |name: &str| name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("ssl"));
    let unknown = url.query_pairs().find(|(name, _)| is_of_tls(name) && !is_known(name));
    unknown.map_or(Ok(()), |(name, value)| {
        // Without a value it may be the rest of a password that has an `&`.
        let is_name =
            !value.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let shown = if is_name { &*name } else { "(not shown)" };
        Err(format!("unknown parameter `{shown}`: expected `sslmode`, `sslrootcert`, `sslcert` or `sslkey`"))
    })
}

/// Returns the value as a path. sqlx reads inline PEM in no parameter of a URL. The value is not shown: it may be a
/// key.
fn path<'a>(name: &str, value: &'a str) -> Result<&'a Path, String> {
    if value.contains("-----BEGIN") {
        return Err(format!("{name}: expected the path of a PEM file, got its content (not shown)"));
    }
    Ok(Path::new(value))
}

/// Describes why a connection failed. A failure of TLS has the beginning that readiness looks for.
pub(super) fn connect_fault(error: &sqlx::Error) -> String {
    if let Some(cause) = handshake_fault(error) {
        let is_unknown_issuer = cause.ends_with(CA_HINT);
        return if is_unknown_issuer { format!("{cause} or sslrootcert") } else { cause };
    }
    match error {
        sqlx::Error::Tls(cause) => handshake_failed(&cause.to_string()),
        // sqlx reads the end of the data as a zero.
        sqlx::Error::Protocol(cause) if cause.contains("SSLRequest: 0x00") => handshake_closed(),
        sqlx::Error::Protocol(cause) if cause.contains("SSLRequest") => {
            handshake_failed("unexpected response to the request for TLS; is it a PostgreSQL server?")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use test_servers::{Authority, Lifetime};

    use super::*;

    fn mode(query: &str, variables: &[(&str, &str)]) -> Result<String, String> {
        let url = format!("postgres://user@host/db?{query}");
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let options = secured(url.parse().unwrap(), &url, None, &variable)?;
        Ok(format!("{:?}", options.get_ssl_mode()))
    }

    #[test]
    fn unknown_tls_parameters_are_rejected() {
        let expected = "expected `sslmode`, `sslrootcert`, `sslcert` or `sslkey`";

        for name in ["SSLMODE", "ssl", "sslMode", "sslcrl", "ssl_mode"] {
            let fault = mode(&format!("{name}=require"), &[]).unwrap_err();
            assert_eq!(fault, format!("unknown parameter `{name}`: {expected}"));
        }
        let fault = mode("password=a&sslhunter5", &[]).unwrap_err();
        assert_eq!(fault, format!("unknown parameter `(not shown)`: {expected}"));
    }

    #[test]
    fn files_of_the_client_are_checked() {
        let Some(authority) = Authority::new() else { return };
        let issued = authority.issue("client", Lifetime::Current);
        let (cert, key) = (issued.certificate.display(), issued.key.display());
        let fault = |cert: &str, key: &str| mode(&format!("sslmode=require&sslcert={cert}&sslkey={key}"), &[]);

        assert_eq!(fault(&cert.to_string(), &key.to_string()), Ok("Require".to_owned()));
        let missing = fault("/missing/a.pem", &key.to_string()).unwrap_err();
        assert!(missing.starts_with("sslcert: failed to read /missing/a.pem: No such file"), "{missing}");
        let missing = fault(&cert.to_string(), "/missing/a.key").unwrap_err();
        assert!(missing.starts_with("sslkey: failed to read /missing/a.key: No such file"), "{missing}");
        let swapped = fault(&key.to_string(), &cert.to_string()).unwrap_err();
        assert_eq!(
            swapped,
            format!("sslcert: {key}: expected PEM certificates (-----BEGIN CERTIFICATE-----), got none")
        );
        let no_key = fault(&cert.to_string(), &cert.to_string()).unwrap_err();
        assert_eq!(
            no_key,
            format!("sslkey: {cert}: expected a PEM private key (-----BEGIN PRIVATE KEY-----), got none")
        );
    }

    #[test]
    fn inline_pem_is_rejected_without_being_shown() {
        let inline = "-----BEGIN%20CERTIFICATE-----hunter5";

        let fault = mode(&format!("sslmode=verify-ca&sslrootcert={inline}"), &[]).unwrap_err();

        assert_eq!(fault, "sslrootcert: expected the path of a PEM file, got its content (not shown)");
    }

    #[test]
    fn variables_of_postgres_have_the_rules_of_parameters() {
        let Some(authority) = Authority::new() else { return };
        let ca = authority.path().display().to_string();
        let root_cert = ("PGSSLROOTCERT", &*ca);

        assert_eq!(mode("", &[("PGSSLMODE", "require"), root_cert]).as_deref(), Ok("VerifyCa"));
        assert_eq!(mode("sslmode=verify-full", &[("PGSSLMODE", "no mode"), root_cert]).as_deref(), Ok("VerifyFull"));
        let fault = mode("sslmode=prefer", &[root_cert]).unwrap_err();
        assert!(fault.starts_with("`PGSSLROOTCERT` requires `sslmode=verify-full`"), "{fault}");
        let missing = mode("sslmode=require", &[("PGSSLROOTCERT", "/missing/ca.pem")]).unwrap_err();
        assert!(missing.starts_with("PGSSLROOTCERT: failed to read /missing/ca.pem"), "{missing}");
        let fault = mode("", &[("PGSSLMODE", "full")]).unwrap_err();
        assert_eq!(
            fault,
            "PGSSLMODE must be one of disable, allow, prefer, require, verify-ca, verify-full, got `full`"
        );
        let fault = mode("sslmode=require", &[("PGSSLCERT", &ca)]).unwrap_err();
        assert_eq!(fault, "`sslcert` and `sslkey` must be set together");
    }

    #[test]
    fn a_local_socket_ignores_the_mode() {
        for query in ["host=/run/postgresql&sslmode=verify-full", "host=/run/postgresql&sslmode=require"] {
            assert_eq!(mode(query, &[]).as_deref(), Ok("Disable"), "{query}");
        }
        assert_eq!(mode("sslmode=verify-full", &[]).as_deref(), Ok("VerifyFull"));
    }

    #[test]
    fn causes_of_failed_handshakes_are_named() {
        let issuer = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);

        assert!(connect_fault(&sqlx::Error::Tls(issuer.into())).ends_with("TLS_CA_FILE or sslrootcert"));
        assert_eq!(
            connect_fault(&sqlx::Error::Tls("server does not support TLS".into())),
            "TLS handshake failed: server does not support TLS"
        );
        assert_eq!(
            connect_fault(&sqlx::Error::Protocol("unexpected response from SSLRequest: 0x00".to_owned())),
            "TLS handshake failed: the server closed the connection during the handshake"
        );
        assert_eq!(
            connect_fault(&sqlx::Error::Protocol("unexpected response from SSLRequest: 0x48".to_owned())),
            "TLS handshake failed: unexpected response to the request for TLS; is it a PostgreSQL server?"
        );
    }
}
