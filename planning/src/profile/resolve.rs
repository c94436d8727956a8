//! Detects the conflicts of a profile and resolves them by a strategy.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{ConflictType, DistinguishingPreferences, Draft, INSTRUMENTS_MAX, Strategy};
use crate::help::and;
use crate::rejection::Rejection;
use crate::vocabulary::{SubscriptionType, counted, verb};

/// Two profiles are duplicates if their common instruments are at least this share of their combined instruments.
pub const DUPLICATE_SHARE: f64 = 0.8;

/// Maximum number of invalid instruments that a conflict lists. It contains the number of all.
const LISTED_MAX: usize = 100;

/// The settings by which the conflicts of a profile are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfilePolicy {
    /// The strategy that decides about profiles with conflicts.
    pub strategy: Strategy,
    /// Maximum number of active profiles of a user, of any type.
    pub profiles_max: u32,
    /// Whether validation is strict, which lowers the maximum number of instruments.
    pub is_strict: bool,
}

/// Another profile of the user that is active and has not expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingProfile {
    /// The id of the other profile.
    pub profile_id: String,
    /// The name of the other profile, which messages contain.
    pub profile_name: String,
    /// The use of its instruments. Profiles with different uses are not duplicates.
    pub subscription_type: SubscriptionType,
    /// The time at which it was created.
    pub created_at: DateTime<Utc>,
    /// Number of its instruments.
    pub instruments: u32,
    /// Number of instruments that it has in common with the profile that is checked; 0 if that has another type.
    pub shared: u32,
    /// The preferences that apply to the instruments in addition to their keys.
    pub distinguishing: DistinguishingPreferences,
}

impl ExistingProfile {
    /// Returns the number of common instruments divided by the number of all instruments of both.
    fn share(&self, others: usize) -> f64 {
        let all = f64::from(self.instruments) + others as f64 - f64::from(self.shared);
        if all > 0.0 { f64::from(self.shared) / all } else { 0.0 }
    }
}

/// A conflict of a profile, with its resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectedConflict {
    /// The type of the conflict.
    pub conflict_type: ConflictType,
    /// The description of the conflict, as a sentence.
    pub detail: String,
    /// The figures and ids of the conflict, as a JSON object.
    pub data: Value,
    /// The resolution, as an object; `None` if the conflict was not resolved.
    pub resolution: Option<Value>,
}

/// The changes that the strategy requires to accept a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Whether the invalid instruments of the profile are removed.
    pub removes_invalid: bool,
    /// The ids of the profiles that are merged into it and then deactivated.
    pub united: Vec<String>,
    /// The ids of the profiles that are deactivated so that this one can be active.
    pub deactivated: Vec<String>,
}

/// The detected conflicts, and whether the profile is accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    /// The conflicts. If the profile is rejected, the most serious one is last.
    pub found: Vec<DetectedConflict>,
    /// The changes with which the profile is accepted; `None` if it is rejected.
    pub accepted: Option<Accepted>,
}

/// Returns the conflict of a profile with too many instruments; `None` if it complies with its maximum.
pub fn exceeds(draft: &Draft, count: usize, is_strict: bool) -> Option<DetectedConflict> {
    let of_type = if is_strict { draft.subscription_type.strict_instruments_max() } else { INSTRUMENTS_MAX };
    let own = draft.max_instruments.unwrap_or(u32::MAX);
    let limit = of_type.min(own);
    if count <= limit as usize {
        return None;
    }
    let whose = match (own < of_type, is_strict) {
        (true, _) => " (max_instruments of the profile)".to_owned(),
        (false, true) => format!(" (a {} profile with strict validation)", draft.subscription_type),
        (false, false) => String::new(),
    };
    Some(DetectedConflict {
        conflict_type: ConflictType::LimitExceeded,
        detail: format!("expected at most {}{whose}, got {count}", counted(limit, "instrument")),
        data: json!({"limit": "instruments", "count": count, "maximum": limit}),
        resolution: None,
    })
}

/// Decides whether a profile is accepted, and which changes that requires.
///
/// `invalid` are its instruments that plans leave out. `others` are the user's other profiles that are active and not
/// expired, compared with the instruments that it will have. Every strategy rejects too many instruments. The maximum
/// of the user's active profiles applies only if it `is_one_more` than before.
pub fn resolve_conflicts(
    draft: &Draft,
    policy: &ProfilePolicy,
    invalid: &[Rejection],
    others: &[ExistingProfile],
    is_one_more: bool,
) -> Resolution {
    let mut judge = Judge { policy, found: Vec::new(), accepted: Accepted::default(), is_refused: false };
    judge.instruments(draft, invalid);
    let is_merging = policy.strategy == Strategy::Merge;
    let distinguishing = DistinguishingPreferences::of(&draft.preferences.values());
    let own = draft.instruments.len() - if is_merging { invalid.len() } else { 0 };
    judge.duplicates(own, &distinguishing, others);
    if is_one_more {
        judge.profiles(&distinguishing, others);
    }
    let Judge { found, accepted, is_refused, .. } = judge;
    Resolution { found, accepted: (!is_refused).then_some(accepted) }
}

struct Judge<'a> {
    policy: &'a ProfilePolicy,
    found: Vec<DetectedConflict>,
    accepted: Accepted,
    is_refused: bool,
}

impl Judge<'_> {
    fn note(&mut self, conflict_type: ConflictType, detail: String, data: Value, resolution: Option<Value>) {
        self.is_refused |= resolution.is_none();
        self.found.push(DetectedConflict { conflict_type, detail, data, resolution });
    }

    fn instruments(&mut self, draft: &Draft, invalid: &[Rejection]) {
        let is_merging = self.policy.strategy == Strategy::Merge;
        let left = draft.instruments.len() - invalid.len();
        if !invalid.is_empty() {
            let listed = &invalid[..invalid.len().min(LISTED_MAX)];
            let data = json!({"count": invalid.len(), "instruments": listed});
            let resolution = match self.policy.strategy {
                Strategy::LatestWins => Some(json!({"kept_as_sent": true, "left_out_of_plans": invalid.len()})),
                Strategy::Merge if left > 0 => Some(json!({"removed": invalid.len()})),
                Strategy::Merge | Strategy::FailOnConflict => None,
            };
            self.accepted.removes_invalid = is_merging;
            let of = counted(draft.instruments.len(), "instrument");
            let (count, are) = (invalid.len(), verb(invalid.len(), "is", "are"));
            let detail = format!("{count} of {of} {are} invalid; first: {}", first_of(invalid));
            self.note(ConflictType::InvalidInstrument, detail, data, resolution);
        }
        let count = if is_merging { left } else { draft.instruments.len() };
        if let Some(found) = exceeds(draft, count, self.policy.is_strict) {
            self.is_refused = true;
            self.found.push(found);
        }
    }

    /// `own` is the number of instruments that it will have.
    fn duplicates(&mut self, own: usize, distinguishing: &DistinguishingPreferences, others: &[ExistingProfile]) {
        let is_duplicate =
            |other: &&ExistingProfile| other.distinguishing == *distinguishing && other.share(own) >= DUPLICATE_SHARE;
        let duplicates: Vec<&ExistingProfile> = others.iter().filter(is_duplicate).collect();
        if duplicates.is_empty() {
            return;
        }
        let listed: Vec<Value> = duplicates
            .iter()
            .map(|other| {
                json!({"profile_id": other.profile_id, "profile_name": other.profile_name, "shared": other.shared,
                       "share": (other.share(own) * 1e4).round() / 1e4})
            })
            .collect();
        let ids: Vec<String> = duplicates.iter().map(|other| other.profile_id.clone()).collect();
        let data = json!({"profiles": listed, "share_from": DUPLICATE_SHARE});
        let named: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
        let detail = format!(
            "duplicate of {}: {} at least {} % of the combined instruments",
            and(&named),
            if ids.len() == 1 { "it shares" } else { "each shares" },
            DUPLICATE_SHARE * 100.0
        );
        let resolution = match self.policy.strategy {
            Strategy::LatestWins => {
                self.accepted.deactivated.extend(ids.iter().cloned());
                Some(json!({"deactivated_profiles": ids}))
            }
            Strategy::Merge => {
                self.accepted.united.extend(ids.iter().cloned());
                Some(json!({"merged_profiles": ids}))
            }
            Strategy::FailOnConflict => None,
        };
        self.note(ConflictType::DuplicateSubscription, detail, data, resolution);
    }

    /// Checks the maximum number of active profiles, this one included.
    fn profiles(&mut self, distinguishing: &DistinguishingPreferences, others: &[ExistingProfile]) {
        let is_gone = |accepted: &Accepted, other: &ExistingProfile| {
            accepted.united.contains(&other.profile_id) || accepted.deactivated.contains(&other.profile_id)
        };
        let mut left: Vec<&ExistingProfile> = others.iter().filter(|other| !is_gone(&self.accepted, other)).collect();
        let max = self.policy.profiles_max as usize;
        let beyond = (left.len() + 1).saturating_sub(max);
        if beyond == 0 {
            return;
        }
        // Overlapping profiles first, then the oldest; the id decides between two that were created at the same time.
        let overlaps = |other: &ExistingProfile| other.shared > 0 && other.distinguishing == *distinguishing;
        left.sort_by_key(|other| (!overlaps(other), other.created_at, other.profile_id.clone()));
        let gone: Vec<String> = left[..beyond.min(left.len())].iter().map(|other| other.profile_id.clone()).collect();
        let overlap = left.iter().take(beyond).all(|other| overlaps(other));
        let data = json!({"limit": "active_profiles", "count": left.len() + 1, "maximum": max});
        let most = counted(max, "active profile");
        let detail = format!("expected at most {most} of the user, got {}", left.len() + 1);
        let resolution = match self.policy.strategy {
            Strategy::LatestWins => {
                self.accepted.deactivated.extend(gone.iter().cloned());
                Some(json!({"deactivated_profiles": gone}))
            }
            Strategy::Merge if overlap => {
                self.accepted.united.extend(gone.iter().cloned());
                Some(json!({"merged_profiles": gone}))
            }
            Strategy::Merge | Strategy::FailOnConflict => None,
        };
        self.note(ConflictType::LimitExceeded, detail, data, resolution);
    }
}

/// Returns the conflict of instruments that other profiles would have added to a merged profile. Removing them resolves
/// it.
pub fn removed_from_union(invalid: &[Rejection]) -> Option<DetectedConflict> {
    (!invalid.is_empty()).then(|| DetectedConflict {
        conflict_type: ConflictType::InvalidInstrument,
        detail: format!(
            "{} {} invalid after merging with other profiles; first: {}",
            counted(invalid.len(), "instrument"),
            verb(invalid.len(), "is", "are"),
            first_of(invalid)
        ),
        data: json!({"count": invalid.len(), "instruments": &invalid[..invalid.len().min(LISTED_MAX)]}),
        resolution: Some(json!({"removed": invalid.len()})),
    })
}

fn first_of(invalid: &[Rejection]) -> String {
    invalid.first().map_or(String::new(), |first| format!("`{}` ({})", first.instrument, first.detail))
}
