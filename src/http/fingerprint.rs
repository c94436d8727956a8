//! Fingerprints of whole requests, by which a repeat is recognized before it is parsed.

use std::hash::Hasher;

use axum::http::Uri;
use chrono::{Datelike, NaiveDate};
use registry_actors::cache::Fingerprint;
use siphasher::sip128::{Hasher128, SipHasher13};

/// The secret of the process for fingerprints. An attacker who knew it could search for a request that is answered with
/// the plan of another one.
///
/// `SipHash` of 128 bits is designed for this purpose: a keyed hash that is as fast for short bodies, which most are,
/// as for long ones, on any processor. One round for each word and three at the end are the parameters of the maps of
/// the standard library, whose attacker is the same: it does not know the key and sees no hash. `siphasher` is small,
/// is maintained by the author of libsodium, and needs no other crate.
pub(crate) struct FingerprintKey([u8; 16]);

impl FingerprintKey {
    /// Creates a random key.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut key = [0; 16];
        getrandom::fill(&mut key)?;
        Ok(FingerprintKey(key))
    }

    /// Returns the fingerprint of a request for that trading date and snapshot.
    pub(crate) fn fingerprint(&self, uri: &Uri, body: &[u8], today: NaiveDate, snapshot: &[u8; 32]) -> Fingerprint {
        let mut hasher = self.begin(uri, today, snapshot);
        hasher.write(body);
        hasher.finish()
    }

    /// Begins the fingerprint of a request whose body is written in parts.
    pub(super) fn begin(&self, uri: &Uri, today: NaiveDate, snapshot: &[u8; 32]) -> FingerprintHasher {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write(snapshot);
        hasher.write(&today.num_days_from_ce().to_le_bytes());
        // The length comes first, so that different parts cannot have the same bytes.
        for part in [uri.path(), uri.query().unwrap_or_default()] {
            hasher.write(&(part.len() as u64).to_le_bytes());
            hasher.write(part.as_bytes());
        }
        FingerprintHasher(hasher)
    }
}

pub(super) struct FingerprintHasher(SipHasher13);

impl FingerprintHasher {
    pub(super) fn write(&mut self, part: &[u8]) {
        self.0.write(part);
    }

    pub(super) fn finish(self) -> Fingerprint {
        Fingerprint(self.0.finish128().as_u128())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn fingerprint(key: u8, uri: &str, body: &str, today: &str, snapshot: u8) -> Fingerprint {
        let uri = uri.parse().unwrap();
        FingerprintKey([key; 16]).fingerprint(&uri, body.as_bytes(), today.parse().unwrap(), &[snapshot; 32])
    }

    #[test]
    fn a_fingerprint_covers_every_part_and_where_it_ends() {
        let all = [
            fingerprint(1, "/plan?user_id=u", "{}", "2026-11-24", 1),
            fingerprint(2, "/plan?user_id=u", "{}", "2026-11-24", 1),
            fingerprint(1, "/plans?user_id=u", "{}", "2026-11-24", 1),
            fingerprint(1, "/plan?user_id=v", "{}", "2026-11-24", 1),
            fingerprint(1, "/plan?user_id=u", "{ }", "2026-11-24", 1),
            fingerprint(1, "/plan?user_id=u", "{}", "2026-11-25", 1),
            fingerprint(1, "/plan?user_id=u", "{}", "2026-11-24", 2),
            fingerprint(1, "/plan?user_id=u{", "}", "2026-11-24", 1),
            fingerprint(1, "/planuser_id=u", "{}", "2026-11-24", 1),
        ];

        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        assert_eq!(fingerprint(1, "/plan?user_id=u", "{}", "2026-11-24", 1), all[0]);
    }

    #[test]
    fn a_body_in_parts_has_the_same_fingerprint() {
        let (key, uri, today) = (FingerprintKey([1; 16]), "/plan?user_id=u".parse().unwrap(), "2026-11-24".parse());
        let today = today.unwrap();
        let whole = key.fingerprint(&uri, b"0123456789abcdef", today, &[1; 32]);

        for at in 0..=16 {
            let (head, tail) = b"0123456789abcdef".split_at(at);
            let mut hasher = key.begin(&uri, today, &[1; 32]);
            hasher.write(head);
            hasher.write(tail);

            assert_eq!(hasher.finish(), whole, "{at}");
        }
    }

    #[test]
    fn every_key_is_different() {
        assert_ne!(FingerprintKey::random().unwrap().0, FingerprintKey::random().unwrap().0);
    }
}
