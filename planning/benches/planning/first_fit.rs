//! The baseline of plans at a broker: a first-fit without modes, as subscription managers of other projects have it.
//!
//! It includes what it shares with a plan: looking up each key, omitting unlisted, inactive and expired instruments and
//! those whose token occurred already, the cache key as SHA-256 over the keys, the connection of each instrument, the
//! number of instruments on each connection, and an answer with owned texts: instrument, token, segment and connection
//! of all kept keys, and instrument, reason and sentence of all others. Keys are taken in the order of the request, and
//! the first connection with capacity gets the next one. It has no modes, priorities, pins, cross-listings,
//! suggestions, rates, limits with their sources, or identities of instruments.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use registry_planning::catalogue::Catalogue;
use registry_planning::vocabulary::{Broker, Segment};
use sha2::{Digest, Sha256};

struct ListedInstrument {
    token: String,
    segment: Segment,
    is_active: bool,
    expiry: Option<NaiveDate>,
}

pub(crate) struct FirstFit {
    listed: HashMap<String, ListedInstrument>,
    connections: usize,
    instruments_per_connection: usize,
}

#[allow(dead_code, reason = "only the time of computing it matters")]
pub(crate) struct Subscription {
    instrument: String,
    token: String,
    segment: Segment,
    connection: usize,
}

#[allow(dead_code, reason = "only the time of computing it matters")]
pub(crate) struct Rejection {
    instrument: String,
    reason: &'static str,
    detail: String,
}

pub(crate) struct Answer {
    #[allow(dead_code, reason = "only the time of computing it matters")]
    pub(crate) cache_key: String,
    pub(crate) subscribed: Vec<Subscription>,
    pub(crate) rejected: Vec<Rejection>,
    #[allow(dead_code, reason = "only the time of computing it matters")]
    pub(crate) used: Vec<usize>,
}

impl FirstFit {
    pub(crate) fn new(
        catalogue: &Catalogue,
        broker: Broker,
        connections: usize,
        instruments_per_connection: usize,
    ) -> Self {
        let listed = |instrument: registry_planning::catalogue::Instrument<'_>| {
            let listed = ListedInstrument {
                token: instrument.token(broker)?.to_owned(),
                segment: instrument.segment(),
                is_active: instrument.is_active(),
                expiry: instrument.expiry(),
            };
            Some((instrument.key().to_owned(), listed))
        };
        FirstFit {
            listed: catalogue.instruments().filter_map(listed).collect(),
            connections,
            instruments_per_connection,
        }
    }

    pub(crate) fn plan(&self, user_id: &str, keys: &[String], as_of: NaiveDate) -> Answer {
        let mut hasher = Sha256::new();
        hasher.update(user_id);
        for key in keys {
            hasher.update(key);
            hasher.update([0]);
        }
        let cache_key = format!("{:x}", hasher.finalize());

        let mut tokens: HashSet<&str> = HashSet::with_capacity(keys.len());
        let mut used = vec![0; self.connections];
        let mut connection = 0;
        let (mut subscribed, mut rejected) = (Vec::new(), Vec::new());
        for key in keys {
            let mut reject = |reason, detail| rejected.push(Rejection { instrument: key.clone(), reason, detail });
            let Some(listed) = self.listed.get(key) else {
                reject("unknown", format!("`{key}` is unknown"));
                continue;
            };
            if !listed.is_active || listed.expiry.is_some_and(|expiry| expiry < as_of) {
                reject("inactive", format!("`{key}` is inactive or expired"));
                continue;
            }
            if !tokens.insert(&listed.token) {
                reject("duplicate", format!("`{key}` has the token of an earlier instrument"));
                continue;
            }
            while connection < self.connections && used[connection] == self.instruments_per_connection {
                connection += 1;
            }
            if connection == self.connections {
                reject("over_capacity", format!("all {} connections are full", self.connections));
                continue;
            }
            used[connection] += 1;
            let (token, segment) = (listed.token.clone(), listed.segment);
            subscribed.push(Subscription { instrument: key.clone(), token, segment, connection });
        }
        Answer { cache_key, subscribed, rejected, used }
    }
}
