//! The registry that may be loaded.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use url::Url;

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
    pub(crate) fn resolve(url: &str, allow_remote: bool) -> anyhow::Result<Self> {
        // A password is not shown.
        let shown = url.rsplit('@').next().unwrap_or_default();
        let parsed = Url::parse(url).with_context(|| format!("--url: `{shown}` is not a URL"))?;
        ensure!(parsed.scheme() == "http", "--url: `{shown}` must start with `http://`; only plain HTTP is supported");
        let has_user = !parsed.username().is_empty() || parsed.password().is_some();
        ensure!(!has_user, "--url: `…@{shown}` must not contain a user or password; use --key-file for the API key");
        let has_query = parsed.query().is_some() || parsed.fragment().is_some();
        ensure!(!has_query, "--url: `{shown}` must not contain a query or fragment; use only the part before `/api`");
        let host = parsed.host_str().with_context(|| format!("--url: `{shown}` has no host"))?;
        let addresses = parsed.socket_addrs(|| None).with_context(|| format!("--url: failed to resolve `{host}`"))?;
        ensure!(!addresses.is_empty(), "--url: failed to resolve `{host}`: no address");
        let remote = addresses.iter().find(|address| !address.ip().to_canonical().is_loopback());
        if let (Some(address), false) = (remote, allow_remote) {
            bail!(
                "--url: `{host}` resolves to `{address}`, which is not a loopback address; \
                 add --allow-remote if load on that machine is permitted"
            );
        }
        Ok(Self {
            base: parsed.as_str().trim_end_matches('/').to_owned(),
            authority: parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            path: parsed.path().trim_end_matches('/').to_owned(),
            addresses,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        Target::resolve(url, false).map(drop).map_err(|error| format!("{error:#}")).expect_err("the URL is not loaded")
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
