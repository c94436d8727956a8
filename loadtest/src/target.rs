//! The registry that may be loaded.

use std::io;
use std::net::SocketAddr;

use url::Url;

/// The reason why a URL is rejected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// The text is not a URL, or has parts that are not allowed here.
    #[error("--url: `{url}` {reason}")]
    Malformed {
        /// The text.
        url: String,
        /// The cause.
        reason: String,
    },
    /// The host has no address.
    #[error("--url: failed to resolve `{host}`: {source}")]
    Unresolved {
        /// The host.
        host: String,
        /// The error of the resolver.
        source: io::Error,
    },
    /// The host is another machine, and `--allow-remote` is not set.
    #[error(
        "--url: `{host}` resolves to `{address}`, which is not a loopback address; \
         add --allow-remote if load on that machine is permitted"
    )]
    Remote {
        /// The host.
        host: String,
        /// The first address that is not a loopback address.
        address: SocketAddr,
    },
}

/// A registry that may be loaded. Its addresses are resolved once, so that the checked addresses are the ones that are
/// connected to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Scheme, host, port and the path before `/api`, without a trailing slash.
    pub(crate) base: String,
    /// Host and port, as in the header `Host`.
    pub(crate) authority: String,
    /// The path before `/api`, without a trailing slash; usually empty.
    pub(crate) path: String,
    /// Every address of the host; not empty.
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Target {
    /// Checks `url` and resolves its host. Blocks until the resolver responds.
    ///
    /// # Errors
    ///
    /// [`TargetError`]. It is [`TargetError::Remote`] if an address is not a loopback address and `allow_remote` is
    /// false.
    pub(crate) fn resolve(url: &str, allow_remote: bool) -> Result<Self, TargetError> {
        let malformed =
            |reason: &str| TargetError::Malformed { url: without_credentials(url), reason: reason.to_owned() };
        let parsed = Url::parse(url).map_err(|error| malformed(&format!("is not a URL: {error}")))?;
        if parsed.scheme() != "http" {
            return Err(malformed("must start with `http://`; only plain HTTP is supported"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(malformed("must not contain a user or password; use --key-file for the API key"));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(malformed("must not contain a query or fragment; use only the part before `/api`"));
        }
        let host = parsed.host_str().ok_or_else(|| malformed("has no host"))?.to_owned();
        let addresses = match parsed.socket_addrs(|| None) {
            Ok(addresses) if addresses.is_empty() => {
                return Err(TargetError::Unresolved { host, source: io::Error::other("no address") });
            }
            Ok(addresses) => addresses,
            Err(source) => return Err(TargetError::Unresolved { host, source }),
        };
        let remote = addresses.iter().find(|address| !address.ip().to_canonical().is_loopback());
        if let (Some(&address), false) = (remote, allow_remote) {
            return Err(TargetError::Remote { host, address });
        }
        let authority = parsed.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        Ok(Self {
            base: parsed.as_str().trim_end_matches('/').to_owned(),
            authority,
            path: parsed.path().trim_end_matches('/').to_owned(),
            addresses,
        })
    }
}

/// Returns the URL without the text before an `@`, which could be a password.
fn without_credentials(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}://…{}", &url[..scheme], &url[at..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        Target::resolve(url, false).expect_err("the URL is not loaded").to_string()
    }

    #[test]
    fn loopback_addresses_are_accepted() {
        for (url, base) in [
            ("http://127.0.0.1:8901", "http://127.0.0.1:8901"),
            ("http://127.8.9.10:8901/", "http://127.8.9.10:8901"),
            ("http://[::1]:8901/prefix/", "http://[::1]:8901/prefix"),
            ("http://[::ffff:127.0.0.1]:8901", "http://[::ffff:7f00:1]:8901"),
            ("http://localhost", "http://localhost"),
        ] {
            let target = Target::resolve(url, false).expect(url);

            assert_eq!(target.base, base);
            assert_eq!(format!("http://{}{}", target.authority, target.path), base);
            assert!(!target.addresses.is_empty());
        }
    }

    #[test]
    fn another_machine_is_rejected_unless_it_is_allowed() {
        for url in ["http://192.0.2.1:8901", "http://0.0.0.0:8901", "http://[2001:db8::1]:8901", "http://[::]:8901"] {
            let message = refusal(url);

            assert!(message.contains("is not a loopback address") && message.contains("--allow-remote"), "{message}");
            assert!(Target::resolve(url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn an_invalid_url_is_rejected_with_the_reason() {
        assert!(refusal("127.0.0.1:8901").contains("is not a URL"));
        assert!(refusal("https://127.0.0.1:8901").contains("only plain HTTP"));
        assert!(refusal("http://127.0.0.1:8901/?a=b").contains("query or fragment"));
    }

    #[test]
    fn a_password_in_a_url_is_rejected_and_not_shown() {
        let message = refusal("http://operator:hunter2@127.0.0.1:8901");

        assert!(message.contains("user or password"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}
