//! The stream options of a plan: the broker, the mode of each instrument, and their priorities.

mod valid;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::valid::ItemDefaults;
pub(crate) use self::valid::{account_count_fault, account_duplicate_fault};
use crate::basis::Basis;
use crate::broker::BrokerModels;
pub use crate::capacity::{ACCOUNTS_MAX, CONNECTIONS_MAX, NAME_CHARACTERS_MAX};
use crate::catalogue::Catalogue;
use crate::keys::KeyList;
use crate::previous::PreviousPlan;
use crate::vocabulary::{Broker, Mode, PlacementStrategy, SubscriptionType, counted, named};

/// The highest priority of an instrument; the lowest is 0.
pub const PRIORITY_MAX: u32 = 1000;

/// The part of a request that concerns the stream. By default, any broker and the default mode of the type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// The broker that streams the instruments; `None` if the limits of no broker apply.
    pub broker: Option<Broker>,
    /// The mode of all instruments that `modes` does not name.
    pub mode: Option<Mode>,
    /// The modes of single instruments, by key as in the request.
    pub modes: BTreeMap<String, Mode>,
    /// The priorities of instruments, by key as in the request: up to [`PRIORITY_MAX`], 0 by default. If not all
    /// instruments fit, those of higher priority are kept.
    pub priorities: BTreeMap<String, u32>,
    /// The lowest mode of all instruments that `min_modes` does not name: no limit lowers them below it.
    pub min_mode: Option<Mode>,
    /// The lowest modes of single instruments, by key as in the request.
    pub min_modes: BTreeMap<String, Mode>,
    /// The instruments that no limit may leave out, by key as in the request.
    pub pinned: BTreeSet<String>,
    /// The tier of the accounts, by name. By default that of each account in the settings.
    pub tier: Option<String>,
    /// The accounts that the plan may use. By default those of the settings.
    pub accounts: Option<Accounts>,
    /// The minimum number of connections. By default, the fewest that the limits require.
    pub connections: Option<u32>,
    /// The strategy that distributes the instruments over connections. By default, balanced.
    pub placement: Option<PlacementStrategy>,
    /// The earlier plan that the new plan follows, so that few instruments move to another connection.
    pub previous: Option<PreviousPlan>,
}

/// The stream options of one instrument of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemOptions {
    /// The requested mode; by default that of the request.
    pub mode: Option<Mode>,
    /// The mode below which no limit lowers the instrument; by default that of the request.
    pub min_mode: Option<Mode>,
    /// The priority, from 0 to [`PRIORITY_MAX`]. If not all instruments fit, those of higher priority are kept.
    pub priority: u32,
    /// Whether no limit may leave out the instrument; the request fails if it does not fit.
    pub is_pinned: bool,
}

impl ItemOptions {
    /// Merges the options of another name of the same instrument: the higher mode and priority count, and it is pinned
    /// if one of them is. The higher mode keeps its own minimum, unless it includes that of the other one and that is
    /// higher. `usual` is the mode of the request.
    pub(crate) fn merge(&mut self, other: ItemOptions, usual: Option<Mode>) {
        let mut lower = other;
        if other.mode.or(usual) > self.mode.or(usual) {
            lower = *self;
            (self.mode, self.min_mode) = (other.mode, other.min_mode);
        }
        let includes = |mode: Option<Mode>, other: Mode| mode.is_none_or(|mode| mode.includes(other));
        if let Some(min_mode) = lower.min_mode
            && includes(self.mode.or(usual), min_mode)
            && self.min_mode.is_none_or(|own| min_mode.includes(own))
        {
            self.min_mode = Some(min_mode);
        }
        self.priority = self.priority.max(other.priority);
        self.is_pinned |= other.is_pinned;
    }
}

/// The accounts of a broker that a plan may use: their number, or their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Accounts {
    /// The first accounts of the settings; beyond these, `account_<number>` of the default tier.
    Count(u32),
    /// The accounts with these names; one that the settings lack has the default tier.
    Named(Vec<String>),
}

impl StreamOptions {
    /// Whether all options have their defaults.
    pub fn is_empty(&self) -> bool {
        *self == StreamOptions::default()
    }

    /// Returns the options of each key; empty if no key has options of its own.
    pub(crate) fn options_of(&self, keys: &KeyList) -> Vec<ItemOptions> {
        let has_none =
            self.modes.is_empty() && self.priorities.is_empty() && self.min_modes.is_empty() && self.pinned.is_empty();
        if has_none {
            return Vec::new();
        }
        let of = |key: &str| ItemOptions {
            mode: self.modes.get(key).copied(),
            min_mode: self.min_modes.get(key).copied(),
            priority: self.priorities.get(key).copied().unwrap_or(0),
            is_pinned: self.pinned.contains(key),
        };
        keys.iter().map(of).collect()
    }

    /// Applies the options of one name of an instrument to its other names: to its own key, and to its aliases in
    /// `keys`.
    #[must_use]
    pub fn with_all_names(mut self, keys: &KeyList, catalogue: &Catalogue) -> Self {
        let StreamOptions { modes, priorities, min_modes, pinned, .. } = &mut self;
        if modes.is_empty() && priorities.is_empty() && min_modes.is_empty() && pinned.is_empty() {
            return self;
        }
        let target = |key: &str| catalogue.find(key).map(|id| catalogue.key(catalogue.target(id)).to_owned());
        let is_alias = |key: &&str| catalogue.find(key).is_some_and(|id| catalogue.target(id) != id);
        let aliases = keys.iter().filter(is_alias).filter_map(|alias| Some((alias, target(alias)?)));
        let aliases: Vec<(&str, String)> = aliases.collect();
        add_names(modes, &target, &aliases);
        add_names(priorities, &target, &aliases);
        add_names(min_modes, &target, &aliases);
        let mut pins: BTreeMap<String, ()> = std::mem::take(pinned).into_iter().map(|key| (key, ())).collect();
        add_names(&mut pins, &target, &aliases);
        *pinned = pins.into_keys().collect();
        self
    }

    /// Returns the mode of the instruments that `modes` does not name; `None` for historical data.
    pub(crate) fn mode_of_others(&self, subscription_type: SubscriptionType, brokers: &BrokerModels) -> Option<Mode> {
        let usual = brokers.usual_mode(subscription_type)?;
        Some(self.mode.unwrap_or(usual))
    }

    /// Returns the stream of a plan whose instruments have these modes; `None` if neither a broker nor a mode was
    /// requested.
    pub(crate) fn planned<'a>(
        &self,
        subscription_type: SubscriptionType,
        own_modes: impl Iterator<Item = (&'a str, Mode)>,
        brokers: &BrokerModels,
    ) -> Option<PlannedFeed> {
        let mode = self.mode_of_others(subscription_type, brokers);
        if self.broker.is_none() && mode.is_none() {
            return None;
        }
        let differs = |(_, own): &(&str, Mode)| mode.is_some_and(|mode| mode != *own);
        let modes: BTreeMap<String, Mode> = own_modes.filter(differs).map(|(key, own)| (key.to_owned(), own)).collect();
        let is_requested = self.broker.is_some() || self.mode.is_some() || !self.modes.is_empty() || !modes.is_empty();
        is_requested.then_some(PlannedFeed { broker: self.broker, mode, modes })
    }

    /// Returns warnings about the requested broker and modes. `unlisted` are the instruments of the plan that the
    /// broker has no token for.
    pub(crate) fn warnings(
        &self,
        subscription_type: SubscriptionType,
        basis: Basis<'_>,
        unlisted: &[String],
    ) -> Vec<String> {
        let Basis { catalogue, brokers } = basis;
        let mut warnings = Vec::new();
        if let Some(broker) = self.broker {
            let id = broker.as_str();
            if !catalogue.has_tokens_of(broker) {
                warnings.push(format!("the catalog has no file of {id}: it is unknown which instruments {id} lists"));
            } else if !unlisted.is_empty() {
                let count = counted(unlisted.len(), "instrument");
                warnings.push(format!("{id} does not list {count} of the plan: {}", named(unlisted.iter())));
            }
        }
        if self.mode_of_others(subscription_type, brokers).is_none() {
            let has_min_mode = self.min_mode.is_some() || !self.min_modes.is_empty();
            if self.mode.is_some() || !self.modes.is_empty() || has_min_mode {
                warnings.push(format!("{subscription_type} data has no mode: the mode is ignored"));
            }
            if self.connections.is_some() {
                warnings.push(format!("{subscription_type} data has no connections: `connections` is ignored"));
            }
            if self.placement.is_some() {
                warnings.push(format!("{subscription_type} data has no connections: `placement` is ignored"));
            }
            if self.previous.is_some() {
                warnings.push(format!("{subscription_type} data has no connections: `previous_plan_id` is ignored"));
            }
        }
        warnings
    }
}

/// Adds the value of each name for the key of its instrument, then the value of that key for its aliases. A name keeps
/// its own value.
fn add_names<T: Copy>(
    values: &mut BTreeMap<String, T>,
    target: &impl Fn(&str) -> Option<String>,
    aliases: &[(&str, String)],
) {
    let of_targets: Vec<_> = values.iter().filter_map(|(key, value)| Some((target(key)?, *value))).collect();
    for (key, value) in of_targets {
        values.entry(key).or_insert(value);
    }
    for (alias, target) in aliases {
        if let Some(value) = values.get(target).copied() {
            values.entry((*alias).to_owned()).or_insert(value);
        }
    }
}

/// The broker and the modes of the stream of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedFeed {
    /// The requested broker. Absent if no broker was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub broker: Option<Broker>,
    /// The mode of every instrument that `modes` does not list. Absent for historical data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub mode: Option<Mode>,
    /// The modes of instruments that have another mode, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub modes: BTreeMap<String, Mode>,
}

impl PlannedFeed {
    /// Returns the mode of an instrument.
    pub fn mode_of(&self, key: &str) -> Option<Mode> {
        self.modes.get(key).copied().or(self.mode)
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;
    use crate::testing::{basis, brokers, demo_catalogue};

    fn keys(keys: &[&str]) -> KeyList {
        keys.iter().collect()
    }

    #[test]
    fn each_key_has_its_own_options() {
        let keys = keys(&["NSE:A", "NSE:B"]);
        let feed = StreamOptions {
            priorities: [("NSE:B".to_owned(), 5)].into(),
            min_modes: [("NSE:B".to_owned(), Mode::Quote)].into(),
            pinned: ["NSE:A".to_owned()].into(),
            ..StreamOptions::default()
        };

        let options = feed.options_of(&keys);

        assert_eq!(options[0], ItemOptions { is_pinned: true, ..ItemOptions::default() });
        assert_eq!(options[1], ItemOptions { min_mode: Some(Mode::Quote), priority: 5, ..ItemOptions::default() });
        assert!(StreamOptions::default().options_of(&keys).is_empty());
    }

    #[test]
    fn options_of_one_name_apply_to_all_names() {
        let modes = [("NSE:NIFTY", Mode::Full), ("NSE:NOPE", Mode::Ltp)].map(|(key, mode)| (key.to_owned(), mode));
        let catalogue = demo_catalogue();
        let feed =
            StreamOptions { modes: modes.into(), ..StreamOptions::default() }.with_all_names(&keys(&[]), &catalogue);

        assert_eq!(feed.modes.get("NSE:NIFTY 50"), Some(&Mode::Full));
        assert_eq!(feed.modes.len(), 3);
        let priorities = [("NSE:NIFTY 50".to_owned(), 3)].into();
        let feed = StreamOptions { priorities, ..StreamOptions::default() }
            .with_all_names(&keys(&["NSE:NIFTY", "NSE:TCS"]), &catalogue);
        assert_eq!(feed.priorities.get("NSE:NIFTY"), Some(&3));
        assert_eq!(feed.priorities.get("NSE:TCS"), None);
    }

    #[test]
    fn pins_and_lowest_modes_of_one_name_apply_to_all_names() {
        let feed = StreamOptions {
            pinned: ["NSE:NIFTY 50".to_owned()].into(),
            min_modes: [("NSE:NIFTY".to_owned(), Mode::Ltp)].into(),
            ..StreamOptions::default()
        };

        let feed = feed.with_all_names(&keys(&["NSE:NIFTY", "NSE:TCS"]), &demo_catalogue());

        assert_eq!(feed.pinned, ["NSE:NIFTY".to_owned(), "NSE:NIFTY 50".to_owned()].into());
        assert_eq!(feed.min_modes.get("NSE:NIFTY 50"), Some(&Mode::Ltp));
        assert_eq!(feed.min_modes.len(), 2);
    }

    #[test]
    fn historical_data_with_only_a_mode_has_no_feed() {
        let feed = StreamOptions { mode: Some(Mode::Full), ..StreamOptions::default() };

        assert_eq!(feed.planned(SubscriptionType::Historical, iter::empty(), brokers()), None);
        assert_eq!(
            feed.warnings(SubscriptionType::Historical, basis(&demo_catalogue()), &[]),
            ["historical data has no mode: the mode is ignored"]
        );
    }

    #[test]
    fn historical_data_ignores_modes_and_connections() {
        let previous = PreviousPlan { plan_id: "plan_1".to_owned(), placement: None, is_rebalanced: false };
        let feed = StreamOptions {
            min_mode: Some(Mode::Ltp),
            connections: Some(2),
            placement: Some(PlacementStrategy::Spread),
            previous: Some(previous),
            ..StreamOptions::default()
        };

        assert_eq!(
            feed.warnings(SubscriptionType::Historical, basis(&demo_catalogue()), &[]),
            [
                "historical data has no mode: the mode is ignored",
                "historical data has no connections: `connections` is ignored",
                "historical data has no connections: `placement` is ignored",
                "historical data has no connections: `previous_plan_id` is ignored",
            ]
        );
    }

    #[test]
    fn a_plan_lists_differing_modes_of_its_instruments() {
        let modes = [("NSE:A", Mode::Full), ("NSE:B", Mode::Quote), ("NSE:GONE", Mode::Full)];
        let feed =
            StreamOptions { modes: modes.map(|(key, mode)| (key.to_owned(), mode)).into(), ..StreamOptions::default() };

        let own_modes = [("NSE:A", Mode::Full), ("NSE:B", Mode::Quote)].into_iter();
        let planned = feed.planned(SubscriptionType::LiveFeed, own_modes, brokers()).unwrap();

        assert_eq!(planned.mode, Some(Mode::Quote));
        assert_eq!(planned.modes, [("NSE:A".to_owned(), Mode::Full)].into());
        assert_eq!(planned.mode_of("NSE:A"), Some(Mode::Full));
        assert_eq!(planned.mode_of("NSE:C"), Some(Mode::Quote));
        assert_eq!(StreamOptions::default().planned(SubscriptionType::LiveFeed, iter::empty(), brokers()), None);
    }

    #[test]
    fn priorities_alone_do_not_appear_in_the_plan() {
        let feed = StreamOptions { priorities: [("NSE:A".to_owned(), 1)].into(), ..StreamOptions::default() };

        assert_eq!(feed.planned(SubscriptionType::LiveFeed, iter::empty(), brokers()), None);
    }
}
