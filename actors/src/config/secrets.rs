//! Secrets that the config service may hold: never written to a log, a file or the database.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A value that no message shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes a value into keeping.
    pub fn new(value: &str) -> Self {
        Secret(value.into())
    }

    /// The value itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Which secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretKey {
    /// Where the database is.
    DatabaseUrl,
    /// Where Redis is.
    RedisUrl,
    /// What callers of our API must send.
    InternalApiKey,
}

impl SecretKey {
    /// All of them.
    pub const ALL: &[SecretKey] = &[SecretKey::DatabaseUrl, SecretKey::RedisUrl, SecretKey::InternalApiKey];

    /// The name, in the config service and the environment alike.
    pub const fn name(self) -> &'static str {
        match self {
            SecretKey::DatabaseUrl => "DATABASE_URL",
            SecretKey::RedisUrl => "REDIS_URL",
            SecretKey::InternalApiKey => "INTERNAL_API_KEY",
        }
    }

    /// The allowed values in words.
    pub const fn allowed(self) -> &'static str {
        match self {
            SecretKey::DatabaseUrl => "a URL that starts with postgres:// or postgresql://",
            SecretKey::RedisUrl => "a URL that starts with redis://",
            SecretKey::InternalApiKey => "1 to 512 visible ASCII characters",
        }
    }

    /// The error of a value of the config service that is not allowed. It never shows the value.
    pub fn rejected(self) -> String {
        format!("expected {}, got another value from the config service (not shown)", self.allowed())
    }
}

/// Whether the process can do without a secret of the config service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing can be served before it is known.
    Required,
    /// It is of use where there is one.
    Optional,
}

/// What is known of each secret: absent before the config service was asked for it, `None` where it has none.
pub type Secrets = BTreeMap<SecretKey, Option<Secret>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_shows_a_secret() {
        let secrets: Secrets = BTreeMap::from([(SecretKey::RedisUrl, Some(Secret::new("fake-secret")))]);

        assert_eq!(format!("{secrets:?}"), "{RedisUrl: Some(Secret(…))}");
    }
}
