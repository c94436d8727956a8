//! What stands for a whole request, so that a repeat is recognised before it is read.

use std::hash::Hasher;

use axum::http::Uri;
use chrono::{Datelike, NaiveDate};
use registry_actors::cache::Fingerprint;
use siphasher::sip128::{Hasher128, SipHasher13};

/// The process's secret for fingerprints. Whoever knew it could look for a request that is answered with the plan of
/// another.
///
/// `SipHash` of 128 bits is made for this: a keyed hash that is as fast for the short bodies that most are as for long
/// ones, on any processor. One round for each word and three at the end are those of the standard library's maps, which
/// face the same: one who does not know the key and sees no hash. `siphasher` is small, is kept by the author of libsodium, and needs no other crate.
pub(crate) struct FingerprintKey([u8; 16]);

impl FingerprintKey {
    /// A key that nobody knows.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut key = [0; 16];
        getrandom::fill(&mut key)?;
        Ok(FingerprintKey(key))
    }

    /// The fingerprint of a request that is read on that trading date, against that snapshot.
    pub(crate) fn fingerprint(&self, uri: &Uri, body: &[u8], today: NaiveDate, snapshot: &[u8; 32]) -> Fingerprint {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write(snapshot);
        hasher.write(&today.num_days_from_ce().to_le_bytes());
        // With its length in front, so that no part runs into the next.
        for part in [uri.path(), uri.query().unwrap_or_default()] {
            hasher.write(&(part.len() as u64).to_le_bytes());
            hasher.write(part.as_bytes());
        }
        hasher.write(body);
        Fingerprint(hasher.finish128().as_u128())
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
    fn every_key_is_another() {
        assert_ne!(FingerprintKey::random().unwrap().0, FingerprintKey::random().unwrap().0);
    }
}
