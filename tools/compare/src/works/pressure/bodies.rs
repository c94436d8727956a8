//! The bodies of imports and of batch lookups, as large as the API accepts.

use std::fmt::Write;

use serde_json::json;

use super::caller::RequestBody;

/// The length of an import: nearly 2 MiB, the maximum.
const IMPORT_BYTES: usize = 2_000_000;
const PROFILES: usize = 20;

/// The number of instruments of each of them: the maximum.
const INSTRUMENTS: usize = 1_000;

/// The distance between the first instruments of two profiles. Profiles that share more instruments are duplicates, and
/// the later one replaces the earlier one.
const APART: usize = 250;

/// The length of the preferences of a profile in JSON.
const PREFERENCES_BYTES: usize = 60_000;

/// The number of keys of a lookup: the maximum.
const LOOKED_UP: usize = 5_000;

/// Returns a list, a table and a file in JSON to import, each with the number of profiles that it creates.
pub(super) fn imports(keys: &[String]) -> [(RequestBody, usize); 3] {
    let csv = |body| RequestBody { kind: "text/csv", body };
    let profiles = of_profiles(keys).map(|(profile, keys)| {
        json!({
            "profile_name": format!("List {profile}"),
            "subscription_type": "historical",
            "instruments": keys,
            "preferences": { "note": "x".repeat(PREFERENCES_BYTES) },
        })
    });
    let file = RequestBody::json(&json!({ "profiles": profiles.collect::<Vec<_>>() }));
    [(csv(list(keys)), 1), (csv(table(keys)), PROFILES), (file, PROFILES)]
}

/// A profile, and rows that are rejected because it has the maximum of instruments.
fn list(keys: &[String]) -> String {
    let (mut text, mut number) = (keys[..INSTRUMENTS].join("\n"), 0);
    while text.len() < IMPORT_BYTES {
        number += 1;
        // Writing to a string cannot fail.
        let _ = write!(text, "\nNSE:MORE{number}");
    }
    text
}

/// Profiles, with repeated rows that are rejected.
fn table(keys: &[String]) -> String {
    let mut text = "profile_name,instrument\n".to_owned();
    for (profile, keys) in of_profiles(keys).cycle() {
        for key in keys {
            let _ = writeln!(text, "List {profile},{key}");
        }
        if text.len() > IMPORT_BYTES {
            break;
        }
    }
    text
}

fn of_profiles(keys: &[String]) -> impl Iterator<Item = (usize, &[String])> + Clone {
    (0..PROFILES).map(|profile| (profile, &keys[profile * APART..profile * APART + INSTRUMENTS]))
}

/// Returns the body of a lookup, which differs for each number. Half of its keys are unknown.
pub(super) fn lookup(number: usize, keys: &[String]) -> RequestBody {
    let known = keys.iter().cycle().skip(number).take(LOOKED_UP / 2).cloned();
    let unknown = (0..LOOKED_UP / 2).map(|key| format!("NSE:STOKC{}", number + key));
    RequestBody::json(&json!({ "instruments": known.chain(unknown).collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_large_and_within_the_limit() {
        let keys: Vec<String> = (0..6_000).map(|number| format!("NFO:STOCK{number}99DEC100CE")).collect();

        for (content, _) in imports(&keys) {
            let length = content.body.len();
            assert!((1_500_000..=2 << 20).contains(&length), "{}: {length}", content.kind);
        }
        let first = lookup(0, &keys).body;
        assert_ne!(first, lookup(1, &keys).body);
    }
}
