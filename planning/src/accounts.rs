//! The accounts of a broker that a plan may use.

use crate::broker::BrokerModels;
use crate::capacity::{Limits, MARKET};
use crate::feed::{Accounts, StreamOptions};
use crate::vocabulary::{Broker, Mode};

#[derive(Clone, Debug)]
pub(crate) struct PlanAccount<'a> {
    pub(crate) name: String,
    pub(crate) tier: &'a str,
    /// The position of the tier among those of the broker.
    pub(crate) tier_rank: usize,
    pub(crate) limits: &'a Limits,
}

/// Returns the accounts that a request may use.
pub(crate) fn accounts_of<'a>(feed: &StreamOptions, broker: Broker, brokers: &'a BrokerModels) -> Vec<PlanAccount<'a>> {
    let capacity = brokers.capacity().of(broker);
    let tier = feed.tier.as_deref().and_then(|name| capacity.tiers.iter().position(|tier| tier.name == name));
    let account = |name: String, own: usize| {
        let tier_rank = tier.unwrap_or(own);
        let tier = &capacity.tiers[tier_rank];
        PlanAccount { name, tier: &tier.name, tier_rank, limits: &tier.limits }
    };
    let of_settings = || capacity.accounts.iter().map(|of| (of.name.clone(), of.tier));
    let chosen: Vec<(String, usize)> = match &feed.accounts {
        None => of_settings().collect(),
        Some(Accounts::Count(count)) => {
            let is_free = |name: &String| capacity.accounts.iter().all(|account| account.name != *name);
            let names = (capacity.accounts.len() + 1..).map(|number| format!("account_{number}")).filter(is_free);
            let further = names.map(|name| (name, capacity.default_tier));
            of_settings().chain(further).take(*count as usize).collect()
        }
        Some(Accounts::Named(names)) => {
            let tier_of = |name: &String| {
                let known = capacity.accounts.iter().find(|account| account.name == *name);
                known.map_or(capacity.default_tier, |account| account.tier)
            };
            names.iter().map(|name| (name.clone(), tier_of(name))).collect()
        }
    };
    chosen.into_iter().map(|(name, tier)| account(name, tier)).collect()
}

/// Returns the lowest limit that a plan with these modes can reach at a broker, in instruments.
pub(crate) fn smallest_limit(feed: &StreamOptions, broker: Broker, modes: &[Mode], brokers: &BrokerModels) -> u32 {
    let of_account = |account: &PlanAccount<'_>| {
        let limits = account.limits;
        let is_reachable =
            |mode: Mode| modes.iter().any(|requested| *requested >= mode || !limits.modes.contains_key(requested));
        let of_modes = limits.modes.iter().filter(|(mode, _)| is_reachable(**mode)).flat_map(|(_, of_mode)| {
            let at_endpoints =
                of_mode.legs.iter().filter(|leg| leg.endpoint != MARKET).map(|leg| limits.endpoints.get(&leg.endpoint));
            [of_mode.alone.as_ref(), of_mode.mixed.as_ref()].into_iter().chain(at_endpoints)
        });
        let of_all = [limits.instruments_per_connection.as_ref(), limits.instruments_per_account.as_ref()];
        of_all.into_iter().chain(of_modes).flatten().map(|figure| figure.value).min().unwrap_or(u32::MAX)
    };
    accounts_of(feed, broker, brokers).iter().map(of_account).min().unwrap_or(u32::MAX)
}
