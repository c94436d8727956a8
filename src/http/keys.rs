//! The API keys that callers can send: the key of the environment, which is fixed, and the key of the config service,
//! which is rotated there. A rotation needs no restart: the new key is accepted after a refresh, callers switch to it,
//! and the key of the environment follows with the next deployment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use axum::http::HeaderName;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The header that contains the key of a caller.
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-internal-api-key");

/// How long a replaced key is still accepted. Callers refresh their key from the config service about every 30 seconds,
/// as this service does, and a request may be in flight.
pub(crate) const OLD_KEY_ACCEPTED_FOR: Duration = Duration::from_secs(35);

/// The digest of a key. The time of a comparison does not depend on the lengths of the keys.
#[derive(Clone, Copy)]
struct KeyDigest([u8; 32]);

impl KeyDigest {
    fn of(key: &[u8]) -> Self {
        KeyDigest(Sha256::digest(key).into())
    }

    /// Whether both are digests of the same key. Takes constant time.
    fn is_of_same_key(&self, other: &KeyDigest) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

struct ReceivedKeys {
    current: KeyDigest,
    /// The previous key, and the time until which it is accepted.
    previous: Option<(KeyDigest, Instant)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyCheck {
    /// The key is valid. The text is its origin: `environment` or `config_service`.
    Accepted(&'static str),
    Rejected,
    /// The key of the config service was not received yet.
    Unknown,
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct ApiKeys {
    own: Option<KeyDigest>,
    received: ArcSwapOption<ReceivedKeys>,
}

impl ApiKeys {
    /// Creates the set with a fixed key: that of the environment, or a generated one.
    pub(crate) fn new(own: &str) -> Self {
        ApiKeys { own: Some(KeyDigest::of(own.as_bytes())), received: ArcSwapOption::empty() }
    }

    /// Replaces the key of the config service. The previous key stays valid for [`OLD_KEY_ACCEPTED_FOR`].
    pub(crate) fn replace(&self, key: &str, now: Instant) {
        let current = KeyDigest::of(key.as_bytes());
        let before = self.received.load();
        if before.as_ref().is_some_and(|before| before.current.is_of_same_key(&current)) {
            return;
        }
        let previous = before.as_ref().map(|before| (before.current, now + OLD_KEY_ACCEPTED_FOR));
        self.received.store(Some(Arc::new(ReceivedKeys { current, previous })));
    }

    pub(crate) fn is_known(&self) -> bool {
        self.own.is_some() || self.received.load().is_some()
    }

    /// Checks a caller's key. Takes constant time.
    pub(crate) fn check(&self, candidate: &[u8], now: Instant) -> KeyCheck {
        let received = self.received.load();
        if self.own.is_none() && received.is_none() {
            return KeyCheck::Unknown;
        }
        let candidate = KeyDigest::of(candidate);
        let is_own = self.own.is_some_and(|own| own.is_of_same_key(&candidate));
        let is_received = received.as_ref().is_some_and(|received| {
            let is_previous =
                received.previous.is_some_and(|(key, until)| key.is_of_same_key(&candidate) & (now < until));
            received.current.is_of_same_key(&candidate) | is_previous
        });
        match (is_own, is_received) {
            (true, _) => KeyCheck::Accepted("environment"),
            (false, true) => KeyCheck::Accepted("config_service"),
            (false, false) => KeyCheck::Rejected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_itself_is_accepted() {
        let (keys, now) = (ApiKeys::new("fake-key"), Instant::now());

        assert_eq!(keys.check(b"fake-key", now), KeyCheck::Accepted("environment"));
        for other in ["", "fake-ke", "fake-key ", "Fake-key", "other"] {
            assert_eq!(keys.check(other.as_bytes(), now), KeyCheck::Rejected, "{other}");
        }
    }

    #[test]
    fn no_key_is_rejected_before_the_keys_are_received() {
        let (keys, now) = (ApiKeys::default(), Instant::now());

        let before = keys.check(b"fake-key", now);
        keys.replace("fake-key", now);

        assert_eq!(before, KeyCheck::Unknown);
        assert_eq!(keys.check(b"fake-key", now), KeyCheck::Accepted("config_service"));
    }

    #[test]
    fn a_replaced_key_is_accepted_during_a_grace_period() {
        let (keys, now) = (ApiKeys::default(), Instant::now());

        keys.replace("one", now);
        keys.replace("two", now);
        // Another replacement by the same key does not extend the time.
        keys.replace("two", now + Duration::from_secs(30));

        let late = now + OLD_KEY_ACCEPTED_FOR;
        assert_eq!(keys.check(b"one", late - Duration::from_millis(1)), KeyCheck::Accepted("config_service"));
        assert_eq!(keys.check(b"one", late), KeyCheck::Rejected);
        assert_eq!(keys.check(b"two", now), KeyCheck::Accepted("config_service"));
        assert_eq!(keys.check(b"two", late), KeyCheck::Accepted("config_service"));
    }

    #[test]
    fn only_the_last_two_keys_are_accepted() {
        let (keys, now) = (ApiKeys::default(), Instant::now());

        keys.replace("one", now);
        keys.replace("two", now);
        keys.replace("three", now);

        assert_eq!(keys.check(b"one", now), KeyCheck::Rejected);
        assert_eq!(keys.check(b"two", now), KeyCheck::Accepted("config_service"));
        assert_eq!(keys.check(b"three", now), KeyCheck::Accepted("config_service"));
    }

    #[test]
    fn replaced_config_keys_leave_the_environment_key_valid() {
        let (keys, now) = (ApiKeys::new("own"), Instant::now());

        keys.replace("one", now);
        keys.replace("two", now);

        let late = now + OLD_KEY_ACCEPTED_FOR;
        assert_eq!(
            ["own", "two", "one"].map(|key| keys.check(key.as_bytes(), late)),
            [KeyCheck::Accepted("environment"), KeyCheck::Accepted("config_service"), KeyCheck::Rejected]
        );
    }
}
