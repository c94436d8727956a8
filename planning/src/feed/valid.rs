//! The rules that join stream options with each other and with the accounts of a broker.

use super::{ACCOUNTS_MAX, Accounts, ItemOptions, StreamOptions};
use crate::capacity::{BrokerCapacity, Capacity, NAME_FORM, is_name};
use crate::catalogue::search::DocumentFault;
use crate::json::pointer_part;
use crate::vocabulary::{Mode, counted, verb};

/// The remedy for an option that exceeds the settings.
const ONLY_A_DRY_RUN: &str = "only a dry run can exceed the settings";

fn fault(pointer: impl Into<String>, detail: String) -> DocumentFault {
    DocumentFault { pointer: pointer.into(), detail }
}

/// Returns the fault of a lowest mode that is above the mode of its instruments.
fn min_mode_fault(min_mode: Mode, mode: Mode) -> Option<String> {
    if mode.includes(min_mode) {
        return None;
    }
    let included = Mode::ALL.into_iter().filter(|other| mode.includes(*other)).map(Mode::as_str);
    let included = included.collect::<Vec<_>>().join(", ");
    Some(format!("expected a mode that `{mode}` includes ({included}), got `{min_mode}`"))
}

/// Returns the fault of a mode that does not include the lowest mode of all instruments.
fn mode_fault(mode: Mode, min_mode: Mode) -> Option<String> {
    let detail = || format!("expected a mode that includes `min_mode` (`{min_mode}`), got `{mode}`");
    (!mode.includes(min_mode)).then(detail)
}

/// The options of a request that those of its items depend on.
#[derive(Clone, Copy, Debug)]
pub struct ItemDefaults {
    /// Whether the request names a broker, perhaps an unknown one.
    pub has_broker: bool,
    /// The mode of an item without a mode. `None` if it is not known, or if the type has no mode.
    pub mode: Option<Mode>,
    /// The lowest mode of an item without one.
    pub min_mode: Option<Mode>,
    /// Whether the type has no mode: then modes are not compared.
    pub has_no_mode: bool,
}

impl ItemOptions {
    /// Returns the faults of the options of an item, with the names of their fields.
    pub fn faults(self, defaults: ItemDefaults) -> impl Iterator<Item = (&'static str, String)> {
        let ItemOptions { mode, min_mode, is_pinned, .. } = self;
        let requires = |is_given: bool| (is_given && !defaults.has_broker).then(|| "requires `broker`".to_owned());
        let is_compared = !defaults.has_no_mode;
        let of_min_mode = || min_mode_fault(min_mode?, mode.or(defaults.mode)?);
        let of_mode = || mode_fault(mode?, defaults.min_mode.filter(|_| min_mode.is_none())?);
        let min_mode = requires(min_mode.is_some()).or_else(|| of_min_mode().filter(|_| is_compared));
        let mode = of_mode().filter(|_| is_compared);
        let faults = [("mode", mode), ("min_mode", min_mode), ("pinned", requires(is_pinned))];
        faults.into_iter().filter_map(|(name, detail)| Some((name, detail?)))
    }
}

impl StreamOptions {
    /// Removes each lowest mode that is above the mode of its instruments, and each mode below the lowest mode of all.
    /// `usual` is the mode if none is requested; if it is `None`, modes are compared only with requested ones. Returns
    /// the faults, with pointers to the options.
    pub fn retain_valid_modes(&mut self, usual: Option<Mode>) -> Vec<DocumentFault> {
        let mut faults = Vec::new();
        let of_others = self.mode.or(usual);
        if let (Some(min_mode), Some(mode)) = (self.min_mode, of_others)
            && let Some(detail) = min_mode_fault(min_mode, mode)
        {
            faults.push(fault("/min_mode", detail));
            self.min_mode = None;
        }
        let StreamOptions { modes, min_modes, min_mode, .. } = self;
        min_modes.retain(|key, min_mode| {
            let mode = modes.get(key).copied().or(of_others);
            let found = mode.and_then(|mode| min_mode_fault(*min_mode, mode));
            let is_valid = found.is_none();
            faults.extend(found.map(|detail| fault(format!("/min_modes/{}", pointer_part(key)), detail)));
            is_valid
        });
        modes.retain(|key, mode| {
            let of_all = min_mode.filter(|_| !min_modes.contains_key(key));
            let found = of_all.and_then(|min_mode| mode_fault(*mode, min_mode));
            let is_valid = found.is_none();
            faults.extend(found.map(|detail| fault(format!("/modes/{}", pointer_part(key)), detail)));
            is_valid
        });
        faults
    }

    /// Removes each option that needs a broker if the request names no broker, and each choice of accounts, tier and
    /// connections that the accounts of the settings do not have. A dry run may exceed the settings. Returns the
    /// faults, with pointers to the options.
    pub fn retain_valid_accounts(&mut self, capacity: &Capacity, is_dry_run: bool) -> Vec<DocumentFault> {
        match self.broker {
            Some(broker) => self.retain_accounts_of(capacity.of(broker), is_dry_run),
            None => self.remove_broker_options(),
        }
    }

    fn remove_broker_options(&mut self) -> Vec<DocumentFault> {
        let mut faults = Vec::new();
        let mut check = |name: &str, is_given: bool| {
            if is_given {
                faults.push(fault(format!("/{name}"), "requires `broker`".to_owned()));
            }
        };
        check("min_mode", self.min_mode.take().is_some());
        check("min_modes", !std::mem::take(&mut self.min_modes).is_empty());
        check("pinned", !std::mem::take(&mut self.pinned).is_empty());
        check("tier", self.tier.take().is_some());
        check("accounts", self.accounts.take().is_some());
        check("connections", self.connections.take().is_some());
        check("placement", self.placement.take().is_some());
        check("previous_plan_id", self.previous.take().is_some());
        faults
    }

    fn retain_accounts_of(&mut self, broker: &BrokerCapacity, is_dry_run: bool) -> Vec<DocumentFault> {
        let mut faults = Vec::new();
        let of_accounts = self.accounts.as_ref().map(|accounts| accounts_faults(accounts, broker, is_dry_run));
        if let Some(mut of_accounts) = of_accounts.filter(|faults| !faults.is_empty()) {
            faults.append(&mut of_accounts);
            self.accounts = None;
        }
        let tiers = tiers_of(self.accounts.as_ref(), broker);
        if let Some(detail) = self.tier.as_deref().and_then(|tier| tier_fault(tier, &tiers, broker, is_dry_run)) {
            faults.push(fault("/tier", detail));
            self.tier = None;
        }
        if let Some(connections) = self.connections {
            let tier = self.tier.as_deref().and_then(|name| position_of(name, broker));
            let of_tier = |own: &usize| broker.tiers[tier.unwrap_or(*own)].limits.connections.value;
            let allowed: u32 = tiers.iter().map(of_tier).fold(0, u32::saturating_add);
            if connections > allowed {
                let of = counted(tiers.len(), "account");
                let allow = verb(tiers.len(), "allows", "allow");
                let detail = format!("limit `connections`: {of} {allow} at most {allowed}, got {connections}");
                faults.push(fault("/connections", detail));
                self.connections = None;
            }
        }
        faults
    }
}

/// Returns the fault of a list of names of accounts that has none or too many.
pub(crate) fn account_count_fault(count: usize) -> Option<String> {
    let is_allowed = (1..=ACCOUNTS_MAX as usize).contains(&count);
    (!is_allowed).then(|| format!("expected 1 to {ACCOUNTS_MAX} accounts, got {count}"))
}

/// Returns the fault of a name of an account that an earlier one of the list equals.
pub(crate) fn account_duplicate_fault(name: &str, earlier: &[String]) -> Option<String> {
    let is_duplicate = earlier.iter().any(|other| other == name);
    is_duplicate.then(|| format!("duplicate of an earlier account: `{name}`"))
}

/// Returns the faults of a choice of accounts.
fn accounts_faults(accounts: &Accounts, broker: &BrokerCapacity, is_dry_run: bool) -> Vec<DocumentFault> {
    let known = broker.accounts.len();
    match accounts {
        Accounts::Named(names) => names_faults(names, broker, is_dry_run),
        Accounts::Count(count) if *count as usize > known && !is_dry_run => {
            let detail = format!("expected an integer from 1 to {known}, got {count}; {ONLY_A_DRY_RUN}");
            vec![fault("/accounts", detail)]
        }
        Accounts::Count(_) => Vec::new(),
    }
}

/// Returns the faults of names of accounts. Of too many names, none is judged.
fn names_faults(names: &[String], broker: &BrokerCapacity, is_dry_run: bool) -> Vec<DocumentFault> {
    if let Some(detail) = account_count_fault(names.len()) {
        return vec![fault("/accounts", detail)];
    }
    let known = || listed(broker.accounts.iter().map(|account| account.name.as_str()));
    let is_known = |name: &str| broker.accounts.iter().any(|account| account.name == name);
    let detail = |(at, name): (usize, &String)| {
        let found = account_duplicate_fault(name, &names[..at]).or_else(|| match is_dry_run {
            true => (!is_name(name)).then(|| format!("expected {NAME_FORM}, got `{name}`")),
            false => (!is_known(name)).then(|| format!("expected one of {}, got `{name}`; {ONLY_A_DRY_RUN}", known())),
        });
        Some(fault(format!("/accounts/{at}"), found?))
    };
    names.iter().enumerate().filter_map(detail).collect()
}

/// Returns the position of the tier of each account that a plan may use. An account that the settings lack has the
/// default tier.
fn tiers_of(accounts: Option<&Accounts>, broker: &BrokerCapacity) -> Vec<usize> {
    let tier_at = |at: usize| broker.accounts.get(at).map_or(broker.default_tier, |account| account.tier);
    let named = |name: &String| broker.accounts.iter().position(|account| account.name == *name);
    match accounts {
        None => broker.accounts.iter().map(|account| account.tier).collect(),
        Some(Accounts::Count(count)) => (0..*count as usize).map(tier_at).collect(),
        Some(Accounts::Named(names)) => names.iter().map(|name| tier_at(named(name).unwrap_or(usize::MAX))).collect(),
    }
}

/// Returns the fault of a tier that is unknown, or higher than that of an account. `own` are the tiers of the accounts.
fn tier_fault(tier: &str, own: &[usize], broker: &BrokerCapacity, is_dry_run: bool) -> Option<String> {
    let known = || listed(broker.tiers.iter().map(|tier| tier.name.as_str()));
    let Some(position) = position_of(tier, broker) else {
        return Some(format!("expected one of {}, got `{tier}`", known()));
    };
    let lowest = own.iter().copied().min().unwrap_or(broker.default_tier);
    let detail = || {
        let lowest = &broker.tiers[lowest].name;
        format!("expected at most `{lowest}`, the tier of an account of the settings, got `{tier}`; {ONLY_A_DRY_RUN}")
    };
    (position > lowest && !is_dry_run).then(detail)
}

fn position_of(tier: &str, broker: &BrokerCapacity) -> Option<usize> {
    broker.tiers.iter().position(|known| known.name == tier)
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::previous::PreviousPlan;
    use crate::vocabulary::{Broker, PlacementStrategy};

    fn reported(faults: &[DocumentFault]) -> Vec<String> {
        faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.detail)).collect()
    }

    fn modes(of: &[(&str, Mode)]) -> std::collections::BTreeMap<String, Mode> {
        of.iter().map(|(key, mode)| ((*key).to_owned(), *mode)).collect()
    }

    #[test]
    fn the_lowest_mode_must_be_included_in_the_mode() {
        let options = |mode, min_mode| StreamOptions { mode, min_mode, ..StreamOptions::default() };
        let faults = |mode, min_mode, usual| options(mode, Some(min_mode)).retain_valid_modes(usual);

        assert_eq!(faults(Some(Mode::Full), Mode::Quote, None), []);
        assert_eq!(faults(None, Mode::Quote, Some(Mode::Quote)), []);
        assert_eq!(faults(None, Mode::Full, None), [], "the mode is unknown");
        assert_eq!(
            reported(&faults(None, Mode::Full, Some(Mode::Quote))),
            ["/min_mode: expected a mode that `quote` includes (ltp, quote), got `full`"]
        );
        assert_eq!(
            reported(&faults(Some(Mode::Greeks), Mode::Quote, None)),
            ["/min_mode: expected a mode that `greeks` includes (ltp, greeks), got `quote`"]
        );
    }

    #[test]
    fn modes_of_single_instruments_are_compared_too() {
        let mut options = StreamOptions {
            min_mode: Some(Mode::Quote),
            modes: modes(&[("NSE:A", Mode::Ltp), ("NSE:B", Mode::Ltp), ("NSE:C/D", Mode::Full)]),
            min_modes: modes(&[("NSE:B", Mode::Ltp), ("NSE:C/D", Mode::Depth20)]),
            ..StreamOptions::default()
        };

        let faults = options.retain_valid_modes(Some(Mode::Quote));

        assert_eq!(
            reported(&faults),
            [
                "/min_modes/NSE:C~1D: expected a mode that `full` includes (ltp, quote, full), got `depth20`",
                "/modes/NSE:A: expected a mode that includes `min_mode` (`quote`), got `ltp`",
            ]
        );
        assert_eq!(options.modes, modes(&[("NSE:B", Mode::Ltp), ("NSE:C/D", Mode::Full)]));
        assert_eq!(options.min_modes, modes(&[("NSE:B", Mode::Ltp)]));
    }

    fn with_accounts(accounts: &str) -> std::sync::Arc<Capacity> {
        Capacity::with(None, Some(accounts)).unwrap()
    }

    fn at(broker: Broker) -> StreamOptions {
        StreamOptions { broker: Some(broker), ..StreamOptions::default() }
    }

    #[test]
    fn options_of_a_broker_require_one() {
        let mut options = StreamOptions {
            min_mode: Some(Mode::Ltp),
            min_modes: modes(&[("NSE:A", Mode::Ltp)]),
            pinned: ["NSE:A".to_owned()].into(),
            tier: Some("standard".to_owned()),
            accounts: Some(Accounts::Count(1)),
            connections: Some(1),
            placement: Some(PlacementStrategy::Together),
            previous: Some(PreviousPlan { plan_id: "plan_1".to_owned(), placement: None, is_rebalanced: false }),
            ..StreamOptions::default()
        };

        let faults = options.retain_valid_accounts(&Capacity::embedded(), true);

        let expected =
            ["min_mode", "min_modes", "pinned", "tier", "accounts", "connections", "placement", "previous_plan_id"];
        assert_eq!(reported(&faults), expected.map(|name| format!("/{name}: requires `broker`")));
        assert!(options.is_empty());
    }

    #[test]
    fn accounts_are_those_of_the_settings_except_in_a_dry_run() {
        let capacity = with_accounts("kite=desk_a,desk_b");
        let faults = |accounts: Accounts, is_dry_run| {
            let mut options = StreamOptions { accounts: Some(accounts), ..at(Broker::Kite) };
            reported(&options.retain_valid_accounts(&capacity, is_dry_run))
        };
        let named = |names: &[&str]| Accounts::Named(names.iter().map(|name| (*name).to_owned()).collect());

        assert_eq!(faults(Accounts::Count(2), false), [""; 0]);
        assert_eq!(
            faults(Accounts::Count(3), false),
            ["/accounts: expected an integer from 1 to 2, got 3; only a dry run can exceed the settings"]
        );
        assert_eq!(faults(Accounts::Count(3), true), [""; 0]);
        assert_eq!(faults(named(&["desk_b"]), false), [""; 0]);
        assert_eq!(
            faults(named(&["desk_b", "desk_c"]), false),
            ["/accounts/1: expected one of desk_a, desk_b, got `desk_c`; only a dry run can exceed the settings"]
        );
        assert_eq!(faults(named(&["desk_c"]), true), [""; 0]);
    }

    #[test]
    fn named_accounts_are_distinct_and_at_most_16() {
        let capacity = with_accounts("kite=desk_a,desk_b");
        let faults = |names: Vec<String>, is_dry_run| {
            let mut options = StreamOptions { accounts: Some(Accounts::Named(names)), ..at(Broker::Kite) };
            let faults = reported(&options.retain_valid_accounts(&capacity, is_dry_run));
            assert_eq!(options.accounts, None);
            faults
        };
        let twice = || ["desk_a", "desk_b", "desk_a"].map(str::to_owned).to_vec();
        let many = || (0..17).map(|number| format!("desk_{number}")).collect::<Vec<_>>();

        for is_dry_run in [false, true] {
            assert_eq!(faults(twice(), is_dry_run), ["/accounts/2: duplicate of an earlier account: `desk_a`"]);
            assert_eq!(faults(many(), is_dry_run), ["/accounts: expected 1 to 16 accounts, got 17"]);
            assert_eq!(faults(Vec::new(), is_dry_run), ["/accounts: expected 1 to 16 accounts, got 0"]);
        }
    }

    #[test]
    fn a_tier_is_at_most_that_of_the_accounts_except_in_a_dry_run() {
        let capacity = with_accounts("upstox=main:plus,second");
        let faults = |tier: &str, names: &[&str], is_dry_run| {
            let accounts = Some(Accounts::Named(names.iter().map(|name| (*name).to_owned()).collect()));
            let mut options = StreamOptions { tier: Some(tier.to_owned()), accounts, ..at(Broker::Upstox) };
            reported(&options.retain_valid_accounts(&capacity, is_dry_run))
        };

        assert_eq!(faults("plus", &["main"], false), [""; 0]);
        assert_eq!(faults("standard", &["main"], false), [""; 0]);
        assert_eq!(
            faults("plus", &["main", "second"], false),
            [
                "/tier: expected at most `standard`, the tier of an account of the settings, got `plus`; only a dry run can \
              exceed the settings"
            ]
        );
        assert_eq!(faults("plus", &["main", "second"], true), [""; 0]);
        assert_eq!(faults("gold", &["main"], true), ["/tier: expected one of standard, plus, got `gold`"]);
    }

    #[test]
    fn connections_are_at_most_those_of_the_accounts() {
        let capacity = with_accounts("kite=desk_a,desk_b");
        let allowed = capacity.of(Broker::Kite).tiers[0].limits.connections.value;
        let faults = |connections, accounts: Option<u32>, is_dry_run| {
            let accounts = accounts.map(Accounts::Count);
            let mut options = StreamOptions { connections: Some(connections), accounts, ..at(Broker::Kite) };
            let faults = reported(&options.retain_valid_accounts(&capacity, is_dry_run));
            assert_eq!(options.connections.is_none(), !faults.is_empty());
            faults
        };

        assert_eq!(allowed, 3);
        assert_eq!(faults(6, None, false), [""; 0]);
        assert_eq!(faults(7, None, false), ["/connections: limit `connections`: 2 accounts allow at most 6, got 7"]);
        assert_eq!(faults(4, Some(1), false), ["/connections: limit `connections`: 1 account allows at most 3, got 4"]);
        assert_eq!(faults(9, Some(3), true), [""; 0]);
        assert_eq!(
            faults(10, Some(3), true),
            ["/connections: limit `connections`: 3 accounts allow at most 9, got 10"]
        );
    }

    #[test]
    fn connections_are_those_of_the_requested_tier() {
        let mut options = StreamOptions { tier: Some("plus".to_owned()), connections: Some(256), ..at(Broker::Upstox) };
        let plus = Capacity::embedded().of(Broker::Upstox).tier("plus").unwrap().limits.connections.value;

        let faults = options.retain_valid_accounts(&Capacity::embedded(), true);

        let detail = format!("/connections: limit `connections`: 1 account allows at most {plus}, got 256");
        assert_eq!(reported(&faults), [detail]);
        assert_eq!(options.tier.as_deref(), Some("plus"));
    }
}
