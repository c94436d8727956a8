//! The API keys that callers may send: the environment's, for as long as the process runs, and beside it the config
//! service's, which is replaced there. So a rotation needs no restart: the new key is accepted within a refresh, callers
//! move to it, and the environment's follows with the next deployment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use axum::http::HeaderName;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The header that contains the key of a caller.
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-internal-api-key");

/// How long a key is still accepted after it was replaced: callers read the new one from the config service about every
/// thirty seconds, as we do, and a request may be on its way.
pub(crate) const OLD_KEY_ACCEPTED_FOR: Duration = Duration::from_secs(35);

/// A key as a digest: comparing digests takes the same time whatever the lengths.
#[derive(Clone, Copy)]
struct KeyDigest([u8; 32]);

impl KeyDigest {
    fn of(key: &[u8]) -> Self {
        KeyDigest(Sha256::digest(key).into())
    }

    /// Whether both are of one key, in constant time.
    fn is_of_same_key(&self, other: &KeyDigest) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// The config service's.
struct Told {
    current: KeyDigest,
    /// The key before, and until when it is accepted.
    previous: Option<(KeyDigest, Instant)>,
}

/// What is made of a caller's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyCheck {
    /// It is one of the keys.
    Accepted,
    /// It is none of them.
    Refused,
    /// Nobody can say: the config service has not given the key yet.
    Unknown,
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct ApiKeys {
    own: Option<KeyDigest>,
    told: ArcSwapOption<Told>,
}

impl ApiKeys {
    /// With a key of our own: the environment's, or one that was made.
    pub(crate) fn new(own: &str) -> Self {
        ApiKeys { own: Some(KeyDigest::of(own.as_bytes())), told: ArcSwapOption::empty() }
    }

    /// Takes the config service's key in place of its one before, which stays good for [`OLD_KEY_ACCEPTED_FOR`].
    pub(crate) fn replace(&self, key: &str, now: Instant) {
        let current = KeyDigest::of(key.as_bytes());
        let before = self.told.load();
        if before.as_ref().is_some_and(|before| before.current.is_of_same_key(&current)) {
            return;
        }
        let previous = before.as_ref().map(|before| (before.current, now + OLD_KEY_ACCEPTED_FOR));
        self.told.store(Some(Arc::new(Told { current, previous })));
    }

    /// Whether there is a key to compare with.
    pub(crate) fn is_known(&self) -> bool {
        self.own.is_some() || self.told.load().is_some()
    }

    /// Which of the keys it is, for the audit log: `environment`, `config_service`, or `none` of them.
    pub(crate) fn name_of(&self, candidate: &[u8]) -> &'static str {
        let candidate = KeyDigest::of(candidate);
        let told = self.told.load();
        if self.own.is_some_and(|own| own.is_of_same_key(&candidate)) {
            return "environment";
        }
        let is_told = told.as_ref().is_some_and(|told| {
            told.current.is_of_same_key(&candidate)
                | told.previous.is_some_and(|(key, _)| key.is_of_same_key(&candidate))
        });
        if is_told { "config_service" } else { "none" }
    }

    /// Compares a caller's key, in constant time.
    pub(crate) fn check(&self, candidate: &[u8], now: Instant) -> KeyCheck {
        let told = self.told.load();
        if self.own.is_none() && told.is_none() {
            return KeyCheck::Unknown;
        }
        let candidate = KeyDigest::of(candidate);
        let is_own = self.own.is_some_and(|own| own.is_of_same_key(&candidate));
        let is_told = told.as_ref().is_some_and(|told| {
            let is_previous = told.previous.is_some_and(|(key, until)| key.is_of_same_key(&candidate) & (now < until));
            told.current.is_of_same_key(&candidate) | is_previous
        });
        if is_own | is_told { KeyCheck::Accepted } else { KeyCheck::Refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_itself_is_accepted() {
        let (keys, now) = (ApiKeys::new("fake-key"), Instant::now());

        assert_eq!(keys.check(b"fake-key", now), KeyCheck::Accepted);
        assert_eq!(keys.name_of(b"fake-key"), "environment");
        for other in ["", "fake-ke", "fake-key ", "Fake-key", "other"] {
            assert_eq!(keys.check(other.as_bytes(), now), KeyCheck::Refused, "{other}");
        }
    }

    #[test]
    fn before_the_key_is_known_nobody_is_told_that_theirs_is_wrong() {
        let (keys, now) = (ApiKeys::default(), Instant::now());

        let before = keys.check(b"fake-key", now);
        keys.replace("fake-key", now);

        assert_eq!(before, KeyCheck::Unknown);
        assert_eq!(keys.check(b"fake-key", now), KeyCheck::Accepted);
    }

    #[test]
    fn a_replaced_key_is_accepted_for_a_while_beside_the_new_one() {
        let (keys, now) = (ApiKeys::default(), Instant::now());

        keys.replace("one", now);
        keys.replace("two", now);
        // The same again does not make the while longer.
        keys.replace("two", now + Duration::from_secs(30));

        let late = now + OLD_KEY_ACCEPTED_FOR;
        assert_eq!(keys.check(b"one", late - Duration::from_millis(1)), KeyCheck::Accepted);
        assert_eq!(keys.check(b"one", late), KeyCheck::Refused);
        assert_eq!(keys.check(b"two", now), KeyCheck::Accepted);
        assert_eq!(keys.check(b"two", late), KeyCheck::Accepted);
        assert_eq!([b"one", b"two", b"xxx"].map(|key| keys.name_of(key)), ["config_service", "config_service", "none"]);
    }

    #[test]
    fn only_the_last_two_keys_are_accepted() {
        let (keys, now) = (ApiKeys::default(), Instant::now());

        keys.replace("one", now);
        keys.replace("two", now);
        keys.replace("three", now);

        assert_eq!(keys.check(b"one", now), KeyCheck::Refused);
        assert_eq!(keys.check(b"two", now), KeyCheck::Accepted);
        assert_eq!(keys.check(b"three", now), KeyCheck::Accepted);
    }

    #[test]
    fn the_environments_key_stays_good_while_the_config_services_is_replaced() {
        let (keys, now) = (ApiKeys::new("own"), Instant::now());

        keys.replace("one", now);
        keys.replace("two", now);

        let late = now + OLD_KEY_ACCEPTED_FOR;
        assert_eq!(
            ["own", "two", "one"].map(|key| keys.check(key.as_bytes(), late)),
            [KeyCheck::Accepted, KeyCheck::Accepted, KeyCheck::Refused]
        );
    }
}
