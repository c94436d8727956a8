//! The rules for the instruments of the plans of a profile.

use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Draft, Preferences};
use crate::catalogue::{Availability, Catalogue, Instrument};
use crate::help::{Became, Helper};
use crate::instrument::split_key;
use crate::rejection::{Reason, Rejection};
use crate::vocabulary::{Exchange, InstrumentType, counted};

/// The rules that an instrument must meet to be included in plans.
// An absent rule allows everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RulesBody))]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The allowed exchanges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub allowed_exchanges: Option<Vec<Exchange>>,
    /// The allowed instrument types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub allowed_types: Option<Vec<InstrumentType>>,
    /// The maximum number of instruments of one underlying. Instruments with the highest priority are kept first, then those
    /// that come first in the profile.
    // Streamable ones precede inactive, expired and unlisted ones, whatever their priority. An equity or index is its own
    // underlying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub max_per_underlying: Option<u32>,
    /// Whether the last accepted file of at least one broker must contain the instrument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_active: Option<bool>,
    /// The minimum number of calendar days until the instrument expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 3650))]
    pub min_days_to_expiry: Option<u32>,
}

impl Rules {
    /// Whether everything is allowed.
    pub fn is_empty(&self) -> bool {
        *self == Rules::default()
    }

    /// Returns the instruments that the rules reject, in the order of the profile, with the reasons.
    pub fn judge<'a>(
        &'a self,
        keys: impl Iterator<Item = &'a str>,
        catalogue: &'a Catalogue,
        as_of: NaiveDate,
    ) -> impl Iterator<Item = Option<String>> {
        let mut of_underlying: HashMap<&str, u32> = HashMap::new();
        keys.map(move |key| {
            let instrument = catalogue.find(key).map(|id| catalogue.get(id));
            let why = self.rejection_of(key, instrument.as_ref(), catalogue, as_of);
            if why.is_some() {
                return why;
            }
            let (max, instrument) = (self.max_per_underlying?, instrument?);
            let underlying = instrument.underlying().unwrap_or_else(|| instrument.symbol());
            let count = of_underlying.entry(underlying).or_default();
            *count += 1;
            (*count > max).then(|| {
                let most = counted(max as usize, "instrument");
                format!("max_per_underlying allows at most {most} of `{underlying}`")
            })
        })
    }

    /// Returns the reason why an instrument is rejected independently of the others.
    fn rejection_of(
        &self,
        key: &str,
        instrument: Option<&Instrument<'_>>,
        catalogue: &Catalogue,
        as_of: NaiveDate,
    ) -> Option<String> {
        if let Some(allowed) = &self.allowed_exchanges {
            let exchange = split_key(key).map_or("", |(exchange, _)| exchange);
            if !allowed.iter().any(|one| one.as_str() == exchange) {
                let allowed = listed(allowed.iter().map(|exchange| exchange.as_str()));
                return Some(format!("allowed_exchanges allows only {allowed}"));
            }
        }
        if let Some(allowed) = &self.allowed_types
            && !instrument.is_some_and(|instrument| allowed.contains(&instrument.class()))
        {
            let allowed = listed(allowed.iter().map(|class| class.as_str()));
            return Some(format!("allowed_types allows only {allowed}"));
        }
        if self.require_active == Some(true) && !instrument.is_some_and(Instrument::is_active) {
            let became = instrument.and_then(|instrument| Became::of(catalogue, instrument.id(), as_of));
            let became = became.map_or_else(String::new, |became| format!("; {became}"));
            return Some(format!("require_active allows only instruments in the broker's last accepted file{became}"));
        }
        let (least, expiry) = (self.min_days_to_expiry?, instrument?.expiry()?);
        let left = (expiry - as_of).num_days();
        (left < i64::from(least))
            .then(|| format!("min_days_to_expiry requires at least {} until expiry, got {left}", counted(least, "day")))
    }
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

impl Draft {
    /// Returns the instruments that plans leave out, in the order of the profile: those that the rules reject and, if
    /// validation is strict, also those that are not in the catalog, that are inactive, or that have expired on
    /// `as_of`.
    pub fn invalid(&self, catalogue: &Catalogue, as_of: NaiveDate, is_strict: bool) -> Vec<Rejection> {
        let mut helper = Helper::new(catalogue, as_of);
        let mut unfit_of = |key| if is_strict { unfit(key, catalogue, as_of, &mut helper) } else { None };
        let judged: Vec<Option<Rejection>> = self.instruments.iter().map(&mut unfit_of).collect();
        let fit = self.instruments.iter().zip(&judged).filter(|(_, unfit)| unfit.is_none()).map(|(key, _)| key);
        let mut fit: Vec<&str> = fit.collect();
        if self.validation_rules.max_per_underlying.is_some() {
            // As in plans, a rejected key does not count toward the maximum of its underlying, and dead instruments are
            // last.
            let (preferences, _) = Preferences::of(&self.preferences.values());
            let feed = &preferences.feed;
            fit.retain(|key| preferences.let_in(key, catalogue, as_of));
            let priority = |key: &&str| (feed.pinned.contains(*key), feed.priorities.get(*key).copied().unwrap_or(0));
            fit.sort_by_key(|key| Reverse(priority(key)));
            fit.sort_by_cached_key(|key| Reverse(Availability::of(catalogue.find(key), catalogue, feed.broker, as_of)));
        }
        let disallowed = self.validation_rules.judge(fit.iter().copied(), catalogue, as_of);
        let mut disallowed: HashMap<&str, String> =
            fit.iter().zip(disallowed).filter_map(|(key, why)| Some((*key, why?))).collect();
        let mut invalid = Vec::new();
        for (key, unfit) in self.instruments.iter().zip(judged) {
            let not_allowed = || Some(Rejection::new(key, Reason::NotAllowed, disallowed.remove(key)?));
            invalid.extend(unfit.or_else(not_allowed));
        }
        invalid
    }
}

/// Returns the reason why an instrument is invalid under strict validation.
fn unfit(key: &str, catalogue: &Catalogue, as_of: NaiveDate, helper: &mut Helper<'_>) -> Option<Rejection> {
    let (reason, help) = match catalogue.find(key) {
        None if split_key(key).is_err() => (Reason::Malformed, helper.unknown(key)),
        None => (Reason::Unknown, helper.unknown(key)),
        Some(id) if !catalogue.get(id).is_active() => (Reason::Inactive, helper.inactive(id)),
        Some(id) if catalogue.get(id).is_expired_on(as_of) => (Reason::Expired, helper.expired(id)?),
        Some(_) => return None,
    };
    Some(Rejection { suggestions: help.suggestions, ..Rejection::new(key, reason, help.detail) })
}
