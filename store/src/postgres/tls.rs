//! The rules of TLS in a `DATABASE_URL`, for parameters that sqlx would ignore or use only when it connects.

use std::borrow::Cow;
use std::path::Path;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::super::tls::CaFile;

const ROOT_CERT: [&str; 3] = ["sslrootcert", "ssl-root-cert", "ssl-ca"];
const MODE: [&str; 2] = ["sslmode", "ssl-mode"];
/// The values of `sslmode`, which sqlx reads in upper and lower case.
const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const CERT: [&str; 2] = ["sslcert", "ssl-cert"];
const KEY: [&str; 2] = ["sslkey", "ssl-key"];

/// Checks `sslmode`, whose fault in sqlx has another name and no allowed values.
///
/// # Errors
/// The name of the parameter, the allowed values, and the value.
pub(super) fn check_mode(url: &str) -> Result<(), String> {
    // sqlx reports why a URL cannot be parsed.
    let Ok(url) = Url::parse(url) else { return Ok(()) };
    let mut modes = url.query_pairs().filter(|(name, _)| MODE.contains(&name.as_ref()));
    let wrong = modes.find(|(_, value)| !MODES.iter().any(|mode| value.eq_ignore_ascii_case(mode)));
    wrong.map_or(Ok(()), |(name, value)| Err(format!("`{name}` must be one of {}, got `{value}`", MODES.join(", "))))
}

/// Adds `ca` as the root certificates of a URL that names none, and the verification that `sslrootcert` implies.
///
/// # Errors
/// The reason why the parameters cannot be used together, or the fault of the file of `sslrootcert`.
pub(super) fn secured(options: PgConnectOptions, url: &str, ca: Option<&CaFile>) -> Result<PgConnectOptions, String> {
    // sqlx has parsed the URL already.
    let Ok(url) = Url::parse(url) else { return Ok(options) };
    let given = |names: &[&str]| -> Option<Cow<'_, str>> {
        url.query_pairs().filter(|(name, _)| names.contains(&name.as_ref())).last().map(|(_, value)| value)
    };
    if given(&CERT).is_some() != given(&KEY).is_some() {
        return Err("`sslcert` and `sslkey` must be set together".to_owned());
    }
    let Some(root_cert) = given(&ROOT_CERT) else {
        return Ok(match ca {
            Some(ca) => options.ssl_root_cert(ca.path()),
            None => options,
        });
    };
    if !root_cert.trim_start().starts_with("-----BEGIN") {
        CaFile::read(Path::new(root_cert.as_ref())).map_err(|fault| format!("sslrootcert: {fault}"))?;
    }
    match options.get_ssl_mode() {
        PgSslMode::VerifyCa | PgSslMode::VerifyFull => Ok(options),
        // As PostgreSQL's own clients do. sqlx would accept any certificate.
        PgSslMode::Require => Ok(options.ssl_mode(PgSslMode::VerifyCa)),
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => {
            Err("`sslrootcert` requires `sslmode=verify-full` or `sslmode=verify-ca`".to_owned())
        }
    }
}
