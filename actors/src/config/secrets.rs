//! Secrets that the config service may hold. They are never written to a log, a file or the database.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A value that must not appear in logs or messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a value so that `Debug` does not show it.
    pub fn new(value: &str) -> Self {
        Secret(value.into())
    }

    /// Returns the value itself, which must not get into a log, a file or the database.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The kind of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretKey {
    /// The URL of the database, with user and password.
    DatabaseUrl,
    /// The URL of the Redis server that holds L2.
    RedisUrl,
    /// The API key that callers must send.
    InternalApiKey,
}

impl SecretKey {
    /// All secrets that the config service may hold.
    pub const ALL: &[SecretKey] = &[SecretKey::DatabaseUrl, SecretKey::RedisUrl, SecretKey::InternalApiKey];

    /// Returns the name, which is the same in the config service and in the environment.
    pub const fn name(self) -> &'static str {
        match self {
            SecretKey::DatabaseUrl => "DATABASE_URL",
            SecretKey::RedisUrl => "REDIS_URL",
            SecretKey::InternalApiKey => "INTERNAL_API_KEY",
        }
    }

    /// Describes the allowed values, for messages.
    pub const fn allowed(self) -> &'static str {
        match self {
            SecretKey::DatabaseUrl => "a URL that starts with postgres:// or postgresql://",
            SecretKey::RedisUrl => "a URL that starts with redis://, rediss://, valkey:// or valkeys://",
            SecretKey::InternalApiKey => "1 to 512 visible ASCII characters",
        }
    }

    /// Returns the error for a value of the config service that is not allowed. It never shows the value.
    pub fn rejected(self) -> String {
        format!("expected {}, got another value from the config service (not shown)", self.allowed())
    }
}

/// Whether the process needs a secret of the config service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// No request can be served before it is known.
    Required,
    /// It is used if it exists.
    Optional,
}

/// The known state of each secret: absent before the config service was asked for it, `None` if it has no value.
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
