//! Parses the accounts of the settings: `kite=desk_a,desk_b;upstox=main:plus`.

use std::collections::BTreeMap;

use super::{ACCOUNTS_MAX, Account, BrokerCapacity, CapacityFault, CapacityInput, NAME_FORM, is_name};
use crate::vocabulary::{Broker, named};

/// Replaces the accounts of the brokers that the list names. `knows_tiers` is false if the tiers may be incomplete.
pub(super) fn apply(
    list: &str,
    brokers: &mut BTreeMap<Broker, BrokerCapacity>,
    knows_tiers: bool,
    faults: &mut Vec<CapacityFault>,
) {
    let mut fault = |path: &str, message: String| {
        faults.push(CapacityFault { input: CapacityInput::Accounts, path: path.to_owned(), message });
    };
    let mut listed = Vec::new();
    for entry in list.split(';').map(str::trim).filter(|entry| !entry.is_empty()) {
        let Some((word, accounts)) = entry.split_once('=') else {
            fault(entry, "expected `broker=account,account`".into());
            continue;
        };
        let word = word.trim();
        let Some(broker) = Broker::parse(word) else {
            fault(word, format!("unknown broker; expected one of {}", Broker::WORDS));
            continue;
        };
        if listed.contains(&broker) {
            fault(word, "duplicate of an earlier broker in this list".into());
            continue;
        }
        listed.push(broker);
        let Some(capacity) = brokers.get_mut(&broker) else { continue };
        let mut of_broker: Vec<Account> = Vec::new();
        for text in accounts.split(',').map(str::trim) {
            let path = format!("{word}={text}");
            match parse_account(text, capacity, knows_tiers) {
                Ok(account) if of_broker.iter().any(|earlier| earlier.name == account.name) => {
                    fault(&path, "duplicate of an earlier account of this broker".into());
                }
                Ok(account) => of_broker.push(account),
                Err(message) => fault(&path, message),
            }
        }
        if of_broker.len() > ACCOUNTS_MAX as usize {
            fault(word, format!("expected 1 to {ACCOUNTS_MAX} accounts, got {}", of_broker.len()));
        }
        capacity.accounts = of_broker;
    }
}

/// Parses `name` or `name:tier`.
fn parse_account(text: &str, capacity: &BrokerCapacity, knows_tiers: bool) -> Result<Account, String> {
    let (name, tier) = match text.split_once(':') {
        Some((name, tier)) => (name.trim(), Some(tier.trim())),
        None => (text, None),
    };
    if !is_name(name) {
        return Err(format!("expected {NAME_FORM}"));
    }
    let position = |tier: &str| capacity.tiers.iter().position(|known| known.name == tier);
    let tier = match tier {
        None => capacity.default_tier,
        Some(tier) => match position(tier) {
            Some(position) => position,
            None if !knows_tiers && is_name(tier) => capacity.default_tier,
            None => {
                let known = named(capacity.tiers.iter().map(|tier| &tier.name));
                return Err(format!("unknown tier; expected one of {known}"));
            }
        },
    };
    Ok(Account { name: name.to_owned(), tier })
}
