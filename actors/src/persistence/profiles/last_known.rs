//! Profiles as this service last saw them, for plan requests while the database is unavailable.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use registry_planning::profile::Profile;
use registry_store::profiles::{CommandOutcome, Done};

const PROFILES_MAX: usize = 1024;
/// Approximate maximum of their total size in bytes. One profile may have 160 KB.
const BYTES_MAX: usize = 8 << 20;
/// Approximate size of a profile without its instruments and preferences.
const FIXED_BYTES: usize = 1024;

/// The last known profiles. The least recently used ones are evicted first.
#[derive(Default)]
pub(in super::super) struct LastKnown(Mutex<KnownProfiles>);

#[derive(Default)]
struct KnownProfiles {
    by_id: HashMap<String, KnownProfile>,
    /// The ids in the order of their last use.
    by_use: BTreeMap<u64, String>,
    uses: u64,
    bytes: usize,
}

struct KnownProfile {
    profile: Arc<Profile>,
    bytes: usize,
    used_at: u64,
}

impl LastKnown {
    pub(super) fn get(&self, profile_id: &str) -> Option<Arc<Profile>> {
        let mut entries = self.entries();
        entries.touch(profile_id);
        entries.by_id.get(profile_id).map(|entry| Arc::clone(&entry.profile))
    }

    /// Stores the result of a read. A read that took longer than another one, or than a change, does not restore older
    /// data.
    pub(super) fn put(&self, profile_id: &str, found: Option<&Profile>) {
        let mut entries = self.entries();
        let Some(found) = found else { return entries.remove(profile_id) };
        match entries.by_id.get(profile_id).map(|entry| entry.profile.version) {
            Some(known) if known >= found.version => entries.touch(profile_id),
            _ => entries.insert(found),
        }
    }

    /// Stores the result of a change.
    pub(super) fn changed(&self, changed: &CommandOutcome) {
        match changed {
            CommandOutcome::Done(done) | CommandOutcome::Kept(done, _) => {
                let Done { profile, deactivated, .. } = &**done;
                self.put(&profile.profile_id, Some(profile));
                // The new versions of these profiles are not known, but their relevant fields are.
                deactivated.iter().for_each(|profile_id| self.entries().deactivate(profile_id));
            }
            CommandOutcome::Unchanged(profile) => self.put(&profile.profile_id, Some(profile)),
            _ => {}
        }
    }

    fn entries(&self) -> MutexGuard<'_, KnownProfiles> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KnownProfiles {
    fn touch(&mut self, profile_id: &str) {
        let Some(entry) = self.by_id.get_mut(profile_id) else { return };
        self.uses += 1;
        let id = self.by_use.remove(&entry.used_at).unwrap_or_else(|| profile_id.to_owned());
        entry.used_at = self.uses;
        self.by_use.insert(self.uses, id);
    }

    fn insert(&mut self, profile: &Profile) {
        self.remove(&profile.profile_id);
        self.uses += 1;
        let bytes = bytes_of(profile);
        let entry = KnownProfile { profile: Arc::new(profile.clone()), bytes, used_at: self.uses };
        self.by_id.insert(profile.profile_id.clone(), entry);
        self.by_use.insert(self.uses, profile.profile_id.clone());
        self.bytes += bytes;
        while self.by_id.len() > PROFILES_MAX || self.bytes > BYTES_MAX {
            let Some((_, oldest)) = self.by_use.first_key_value().map(|(used_at, id)| (*used_at, id.clone())) else {
                return;
            };
            self.remove(&oldest);
        }
    }

    fn deactivate(&mut self, profile_id: &str) {
        if let Some(entry) = self.by_id.get_mut(profile_id) {
            Arc::make_mut(&mut entry.profile).is_active = false;
        }
    }

    fn remove(&mut self, profile_id: &str) {
        if let Some(entry) = self.by_id.remove(profile_id) {
            self.by_use.remove(&entry.used_at);
            self.bytes -= entry.bytes;
        }
    }
}

fn bytes_of(profile: &Profile) -> usize {
    let preferences = serde_json::to_vec(&profile.draft.preferences).map_or(0, |text| text.len());
    let instruments = &profile.draft.instruments;
    // Preferences are a tree in memory, which needs several times the memory of its text.
    FIXED_BYTES + instruments.text_bytes() + instruments.len() * size_of::<u64>() + 4 * preferences
}

#[cfg(test)]
mod tests {
    use registry_planning::keys::KeyList;

    use super::*;
    use crate::testing::profile;

    fn version_of(known: &LastKnown, profile_id: &str) -> Option<u32> {
        known.get(profile_id).map(|profile| profile.version)
    }

    fn put(known: &LastKnown, profile_id: &str, version: u32) {
        let profile = Profile { version, ..profile(profile_id) };
        known.put(profile_id, Some(&profile));
    }

    fn replaces_and_deactivates(outcome: impl FnOnce(Box<Done>) -> CommandOutcome) {
        let known = LastKnown::default();
        put(&known, "a", 1);
        put(&known, "b", 1);
        let changed = Profile { version: 2, ..profile("a") };
        let done = Done { profile: changed, conflicts: vec![], deactivated: vec!["b".into(), "unknown".into()] };

        known.changed(&outcome(Box::new(done)));

        assert_eq!(version_of(&known, "a"), Some(2));
        assert!(!known.get("b").unwrap().is_active);
        assert!(known.get("unknown").is_none());
    }

    #[test]
    fn the_newest_version_stays() {
        let known = LastKnown::default();

        put(&known, "a", 2);
        put(&known, "a", 1);
        assert_eq!(version_of(&known, "a"), Some(2));
        put(&known, "a", 3);
        assert_eq!(version_of(&known, "a"), Some(3));
        known.put("a", None);
        assert_eq!(version_of(&known, "a"), None);
    }

    #[test]
    fn a_change_replaces_and_deactivates() {
        replaces_and_deactivates(CommandOutcome::Done);
    }

    #[test]
    fn a_change_with_a_key_replaces_and_deactivates() {
        replaces_and_deactivates(|done| CommandOutcome::Kept(done, "{}".to_owned()));
    }

    #[test]
    fn the_least_recently_used_profile_is_evicted() {
        let known = LastKnown::default();
        for number in 0..PROFILES_MAX {
            put(&known, &number.to_string(), 1);
        }
        assert!(known.get("0").is_some());
        put(&known, "one more", 1);

        assert!(known.get("0").is_some());
        assert!(known.get("1").is_none());
        assert_eq!(known.entries().by_id.len(), PROFILES_MAX);
        assert_eq!(known.entries().by_use.len(), PROFILES_MAX);
    }

    #[test]
    fn large_profiles_stay_within_the_byte_limit() {
        let known = LastKnown::default();
        let keys: KeyList = (0..1000).map(|number| format!("NSE:{number:0>96}")).collect();
        for number in 0..200 {
            let mut large = profile(&number.to_string());
            large.draft.instruments = keys.clone();
            known.put(&number.to_string(), Some(&large));
        }

        let entries = known.entries();
        assert!(entries.bytes <= BYTES_MAX);
        assert!(entries.by_id.len() >= 50, "{}", entries.by_id.len());
        assert_eq!(entries.bytes, entries.by_id.values().map(|entry| entry.bytes).sum::<usize>());
    }
}
