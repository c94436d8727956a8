//! The sources of the instruments of a plan request.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::catalogue::search::{Selected, Selector};
use crate::catalogue::{Catalogue, InstrumentId};
pub use crate::feed::ItemOptions;
use crate::keys::KeyList;
use crate::profile::Rules;
use crate::vocabulary::{Exchange, ProfileReference};

/// The source of the instruments of a plan request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Keys as the caller sent them, most important first.
    Keys(Arc<KeyList>),
    /// Selectors that are applied to the catalog on the date of the plan.
    Selectors(Vec<Selector>),
    /// Entries with options of their own, most important first.
    Items(Arc<Vec<PlanItem>>),
    /// The stored instruments of a profile of the user.
    Profile(Box<ProfileSource>),
}

/// An entry of a request: an instrument or a selector, and the options of its instruments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanItem {
    /// The instrument, or the selector of the instruments.
    pub instruments: ItemInstruments,
    /// The options that apply to each of these instruments.
    pub options: ItemOptions,
}

/// The instruments of an entry of a request: one key, or those of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemInstruments {
    /// The key of one instrument, as the caller sent it.
    Key(String),
    /// A selector, which is applied to the catalog on the date of the plan. Keys of other entries take precedence.
    Selector(Box<Selector>),
}

/// The parts of a profile from which a plan is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileSource {
    /// The profile and its version, to which all other fields belong.
    pub reference: ProfileReference,
    /// The keys of the profile, most important first.
    pub keys: Arc<KeyList>,
    /// The selectors of the profile. Their instruments follow its keys.
    pub selectors: Vec<Selector>,
    /// The rules of the profile, which reject instruments when a plan is created.
    pub rules: Rules,
    /// Whether validation is strict: then the strictness of the plan is `strict`, even if the request has another one.
    pub is_strict: bool,
}

/// The keys of a source, with their options and origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceKeys<'a> {
    /// The keys, most important first, with repeats.
    pub keys: Arc<KeyList>,
    /// The options of each key; empty if the source has none.
    pub options: Vec<ItemOptions>,
    /// The profile that the keys come from; `None` for other sources.
    pub profile: Option<&'a ProfileSource>,
    /// Warnings about selectors: those that select nothing, and omitted instruments.
    pub warnings: Vec<String>,
}

impl Source {
    /// Returns the profile that the instruments come from; `None` for other sources.
    pub fn profile(&self) -> Option<&ProfileSource> {
        match self {
            Source::Profile(profile) => Some(profile),
            Source::Keys(_) | Source::Selectors(_) | Source::Items(_) => None,
        }
    }

    /// Whether the instruments can include contracts: a key is of an exchange of derivatives, or selectors add
    /// instruments.
    pub fn may_have_contracts(&self) -> bool {
        let is_contract = |key: &str| {
            let exchange = key.split_once(':').and_then(|(exchange, _)| Exchange::parse(exchange));
            exchange.is_some_and(Exchange::has_contracts)
        };
        let have_contracts = |keys: &KeyList| keys.iter().any(is_contract);
        self.has_selectors()
            || match self {
                Source::Keys(keys) => have_contracts(keys),
                Source::Selectors(_) => false,
                Source::Items(items) => {
                    items.iter().any(|item| matches!(&item.instruments, ItemInstruments::Key(key) if is_contract(key)))
                }
                Source::Profile(profile) => have_contracts(&profile.keys),
            }
    }

    /// Whether [`Source::resolve`] searches the whole catalog, once for each selector. Otherwise it copies a pointer.
    pub fn has_selectors(&self) -> bool {
        match self {
            Source::Keys(_) => false,
            Source::Selectors(selectors) => !selectors.is_empty(),
            Source::Items(items) => items.iter().any(|item| matches!(item.instruments, ItemInstruments::Selector(_))),
            Source::Profile(profile) => !profile.selectors.is_empty(),
        }
    }

    /// Returns the keys of the source in a catalog on a trading date.
    pub fn resolve(&self, catalogue: &Catalogue, as_of: NaiveDate) -> SourceKeys<'_> {
        let select = |keys: &KeyList, selectors: &[Selector]| {
            let Selected { keys, warnings } = catalogue.select_all(keys, selectors, as_of);
            (Arc::new(keys), warnings)
        };
        let mut options = Vec::new();
        let (keys, warnings) = match self {
            Source::Items(items) => {
                let (keys, of_keys, warnings) = keys_of_items(items, catalogue, as_of);
                options = of_keys;
                (Arc::new(keys), warnings)
            }
            Source::Keys(keys) => (Arc::clone(keys), Vec::new()),
            Source::Selectors(selectors) => select(&KeyList::default(), selectors),
            Source::Profile(profile) if profile.selectors.is_empty() => (Arc::clone(&profile.keys), Vec::new()),
            Source::Profile(profile) => select(&profile.keys, &profile.selectors),
        };
        SourceKeys { keys, options, profile: self.profile(), warnings }
    }
}

/// Returns the keys of entries with their options, in the order of the entries. An entry with a selector adds the
/// instruments that no other entry names and no earlier one selects.
fn keys_of_items(
    items: &[PlanItem],
    catalogue: &Catalogue,
    as_of: NaiveDate,
) -> (KeyList, Vec<ItemOptions>, Vec<String>) {
    let named = items.iter().filter_map(|item| match &item.instruments {
        ItemInstruments::Key(key) => Some(catalogue.target(catalogue.find(key)?)),
        ItemInstruments::Selector(_) => None,
    });
    let mut taken: HashSet<InstrumentId> =
        if items.iter().any(|item| matches!(item.instruments, ItemInstruments::Selector(_))) {
            named.collect()
        } else {
            HashSet::new()
        };
    let mut keys = KeyList::with_capacity(items.len(), 16 * items.len());
    let (mut options, mut warnings) = (Vec::with_capacity(items.len()), Vec::new());
    for (at, item) in items.iter().enumerate() {
        match &item.instruments {
            ItemInstruments::Key(key) => {
                keys.push(key);
                options.push(item.options);
            }
            ItemInstruments::Selector(selector) => {
                let selectors = std::slice::from_ref(&**selector);
                let selected = catalogue.select_all(&KeyList::default(), selectors, as_of);
                let of_item = |warning: String| warning.replacen("selectors/0", &format!("items/{at}/selector"), 1);
                warnings.extend(selected.warnings.into_iter().map(of_item));
                for key in selected.keys.iter() {
                    if catalogue.find(key).is_none_or(|id| taken.insert(catalogue.target(id))) {
                        keys.push(key);
                        options.push(item.options);
                    }
                }
            }
        }
    }
    (keys, options, warnings)
}

/// Takes keys as the caller sends them.
impl<S: AsRef<str>> FromIterator<S> for Source {
    fn from_iter<I: IntoIterator<Item = S>>(keys: I) -> Self {
        Source::Keys(Arc::new(keys.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::demo_catalogue;

    const AS_OF: &str = "2026-11-24";

    /// Selects the future of an underlying that expires next.
    fn next_future(underlying: &str) -> Selector {
        let list = serde_json::json!([{ "underlying": underlying, "instrument_types": ["FUT"], "expiries": 1 }]);
        Selector::read_all(&list, "", &mut Vec::new()).remove(0)
    }

    fn resolved(source: &Source) -> (Vec<String>, usize) {
        let sourced = source.resolve(&demo_catalogue(), AS_OF.parse().unwrap());
        (sourced.keys.iter().map(str::to_owned).collect(), sourced.warnings.len())
    }

    #[test]
    fn keys_do_not_change() {
        let source: Source = ["NSE:TCS", "bad", "NSE:TCS"].iter().collect();

        assert!(!source.has_selectors());
        assert_eq!(resolved(&source), (vec!["NSE:TCS".into(), "bad".into(), "NSE:TCS".into()], 0));
    }

    #[test]
    fn selectors_are_applied_to_the_catalog_of_the_date() {
        let source = Source::Selectors(vec![next_future("NIFTY"), next_future("NOPE")]);

        let (keys, warnings) = resolved(&source);

        assert!(source.has_selectors());
        assert_eq!(keys.len(), 1);
        assert!(keys[0].starts_with("NFO:NIFTY"), "{keys:?}");
        assert_eq!(warnings, 1);
    }

    #[test]
    fn selected_instruments_follow_the_keys_of_a_profile() {
        let mut profile = ProfileSource {
            reference: ProfileReference { profile_id: "profile_1".into(), version: 1 },
            keys: Arc::new(["NSE:TCS"].iter().collect()),
            selectors: Vec::new(),
            rules: Rules::default(),
            is_strict: false,
        };
        assert!(!Source::Profile(Box::new(profile.clone())).has_selectors());
        profile.selectors.push(next_future("NIFTY"));
        let source = Source::Profile(Box::new(profile.clone()));

        let (keys, _) = resolved(&source);

        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0].as_str(), "NSE:TCS");
        let sourced = source.resolve(&demo_catalogue(), AS_OF.parse().unwrap());
        assert_eq!(sourced.profile, Some(&profile));
    }
}
