//! The API key that callers must send, and the one before it while it is being replaced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

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

struct Keys {
    current: KeyDigest,
    /// The key before, and until when it is accepted.
    previous: Option<(KeyDigest, Instant)>,
}

/// What is made of a caller's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the key.
    Accepted,
    /// It is not.
    Refused,
    /// Nobody can say: the config service has not given the key yet.
    Unknown,
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct ApiKeys(ArcSwapOption<Keys>);

impl ApiKeys {
    /// With this key.
    pub(crate) fn new(key: &str) -> Self {
        let current = KeyDigest::of(key.as_bytes());
        ApiKeys(ArcSwapOption::from_pointee(Keys { current, previous: None }))
    }

    /// Takes a key in place of the one before, which stays good for [`OLD_KEY_ACCEPTED_FOR`].
    pub(crate) fn replace(&self, key: &str, now: Instant) {
        let current = KeyDigest::of(key.as_bytes());
        let before = self.0.load();
        if before.as_ref().is_some_and(|before| before.current.is_of_same_key(&current)) {
            return;
        }
        let previous = before.as_ref().map(|before| (before.current, now + OLD_KEY_ACCEPTED_FOR));
        self.0.store(Some(Arc::new(Keys { current, previous })));
    }

    /// Whether there is a key to compare with.
    pub(crate) fn is_known(&self) -> bool {
        self.0.load().is_some()
    }

    /// Compares a caller's key, in constant time.
    pub(crate) fn judge(&self, candidate: &[u8], now: Instant) -> Verdict {
        let keys = self.0.load();
        let Some(keys) = &*keys else { return Verdict::Unknown };
        let candidate = KeyDigest::of(candidate);
        let is_current = keys.current.is_of_same_key(&candidate);
        let is_previous = keys.previous.is_some_and(|(key, until)| key.is_of_same_key(&candidate) & (now < until));
        if is_current | is_previous { Verdict::Accepted } else { Verdict::Refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_itself_is_accepted() {
        let (keys, now) = (ApiKeys::new("fake-key"), Instant::now());

        assert_eq!(keys.judge(b"fake-key", now), Verdict::Accepted);
        for other in ["", "fake-ke", "fake-key ", "Fake-key", "other"] {
            assert_eq!(keys.judge(other.as_bytes(), now), Verdict::Refused, "{other}");
        }
    }

    #[test]
    fn before_the_key_is_known_nobody_is_told_that_theirs_is_wrong() {
        let (keys, now) = (ApiKeys::default(), Instant::now());

        let before = keys.judge(b"fake-key", now);
        keys.replace("fake-key", now);

        assert_eq!(before, Verdict::Unknown);
        assert_eq!(keys.judge(b"fake-key", now), Verdict::Accepted);
    }

    #[test]
    fn a_replaced_key_is_accepted_for_a_while_beside_the_new_one() {
        let (keys, now) = (ApiKeys::new("one"), Instant::now());

        keys.replace("two", now);
        // The same again does not make the while longer.
        keys.replace("two", now + Duration::from_secs(30));

        let late = now + OLD_KEY_ACCEPTED_FOR;
        assert_eq!(keys.judge(b"one", late - Duration::from_millis(1)), Verdict::Accepted);
        assert_eq!(keys.judge(b"one", late), Verdict::Refused);
        assert_eq!(keys.judge(b"two", now), Verdict::Accepted);
        assert_eq!(keys.judge(b"two", late), Verdict::Accepted);
    }

    #[test]
    fn only_the_last_two_keys_are_accepted() {
        let (keys, now) = (ApiKeys::new("one"), Instant::now());

        keys.replace("two", now);
        keys.replace("three", now);

        assert_eq!(keys.judge(b"one", now), Verdict::Refused);
        assert_eq!(keys.judge(b"two", now), Verdict::Accepted);
        assert_eq!(keys.judge(b"three", now), Verdict::Accepted);
    }
}
