//! The canonical form of a request, which is stored with a plan that names a broker.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Options, PlanRequest};
use crate::catalogue::search::Selector;
use crate::feed::{Accounts, StreamOptions};
use crate::heap::{Heap, arc, block};
use crate::instrument::Amount;
use crate::keys::KeyList;
use crate::previous::PreviousPlan;
use crate::profile::Rules;
use crate::source::{ItemInstruments, ItemOptions, PlanItem, ProfileSource, Source};
use crate::vocabulary::{
    Broker, Exchange, FilteringStrictness, InstrumentType, Mode, OptimizationLevel, PlacementStrategy,
    ProfileReference, SubscriptionType,
};

/// A request with every default filled in, in the form in which it is stored: the names are those of the API. It shares
/// the list of keys with the plan, if that has the same, and otherwise with the request, as it does the list of items.
/// Everything else is a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestDocument {
    request: PlanRequest,
    /// Whether the keys are those of the plan, which the stored form does not repeat.
    lacks_keys: bool,
}

impl RequestDocument {
    /// Returns the document of a request. Of the previous plan, it has only the id.
    pub fn of(request: &PlanRequest) -> Self {
        let mut request = request.clone();
        if let Some(previous) = &mut request.feed.previous {
            previous.placement = None;
        }
        RequestDocument { request, lacks_keys: false }
    }

    /// Returns the request that the document contains.
    pub fn request(&self) -> &PlanRequest {
        &self.request
    }

    /// Returns the request, with which an equal plan can be created.
    pub fn into_request(self) -> PlanRequest {
        self.request
    }

    /// Shares the keys of the plan if they are those of the request. A permutation of them is equivalent if the order
    /// of the request does not matter and the plan leaves out none of its keys.
    pub(crate) fn share_keys(&mut self, instruments: &Arc<KeyList>, is_permutation: bool) {
        let Some(keys) = keys_of(&mut self.request.source) else { return };
        if keys.len() == instruments.len() && (is_permutation || *keys == *instruments) {
            *keys = Arc::clone(instruments);
        }
    }

    /// Returns the stored form, without the keys if they are those of the plan.
    pub(crate) fn stored(&self, instruments: &KeyList) -> impl Serialize + use<'_> {
        DocumentFields::of(&self.request, Some(instruments))
    }

    /// Inserts the keys of the plan if the stored form lacks them.
    pub(crate) fn restore_keys(&mut self, instruments: &Arc<KeyList>) {
        if std::mem::take(&mut self.lacks_keys)
            && let Some(keys) = keys_of(&mut self.request.source)
        {
            *keys = Arc::clone(instruments);
        }
    }

    /// Returns the size of all blocks of memory that the document owns, without its own size. Lists that it shares with
    /// the request count fully, because the document keeps them when the request is gone. Those of the plan do not
    /// count.
    pub(crate) fn heap_bytes(&self, instruments: &Arc<KeyList>) -> usize {
        let heap_of_keys = |keys: &Arc<KeyList>| match Arc::ptr_eq(keys, instruments) {
            true => 0,
            false => arc::<KeyList>() + keys.heap_bytes(),
        };
        let PlanRequest { user_id, plan_name, description, source, feed, warnings, .. } = &self.request;
        let source = match source {
            Source::Keys(keys) => heap_of_keys(keys),
            Source::Selectors(selectors) => selectors.heap_bytes(),
            Source::Items(items) => arc::<Vec<PlanItem>>() + items.heap_bytes(),
            Source::Profile(profile) => {
                block(size_of::<ProfileSource>())
                    + profile.reference.profile_id.heap_bytes()
                    + heap_of_keys(&profile.keys)
                    + profile.selectors.heap_bytes()
                    + profile.rules.heap_bytes()
            }
        };
        let accounts = match &feed.accounts {
            Some(Accounts::Named(names)) => names.heap_bytes(),
            Some(Accounts::Count(_)) | None => 0,
        };
        user_id.heap_bytes()
            + plan_name.heap_bytes()
            + description.heap_bytes()
            + source
            + feed.modes.heap_bytes()
            + feed.priorities.heap_bytes()
            + feed.min_modes.heap_bytes()
            + feed.pinned.heap_bytes()
            + feed.tier.heap_bytes()
            + accounts
            + feed.previous.as_ref().map_or(0, |previous| previous.plan_id.heap_bytes())
            + warnings.heap_bytes()
    }
}

/// Returns the list of keys of a source, if it has one.
fn keys_of(source: &mut Source) -> Option<&mut Arc<KeyList>> {
    match source {
        Source::Keys(keys) => Some(keys),
        Source::Profile(profile) => Some(&mut profile.keys),
        Source::Selectors(_) | Source::Items(_) => None,
    }
}

impl Heap for PlanItem {
    fn heap_bytes(&self) -> usize {
        match &self.instruments {
            ItemInstruments::Key(key) => key.heap_bytes(),
            ItemInstruments::Selector(selector) => block(size_of::<Selector>()) + selector.heap_bytes(),
        }
    }
}

impl Heap for Rules {
    fn heap_bytes(&self) -> usize {
        let exchanges =
            self.allowed_exchanges.as_ref().map_or(0, |list| block(list.capacity() * size_of::<Exchange>()));
        let types = self.allowed_types.as_ref().map_or(0, |list| block(list.capacity() * size_of::<InstrumentType>()));
        exchanges + types
    }
}

impl Heap for Selector {
    fn heap_bytes(&self) -> usize {
        self.underlying.heap_bytes() + block(self.exchanges.capacity()) + block(self.instrument_types.capacity())
    }
}

/// The fields of the document. Exactly one of `instruments`, `items`, `selectors` and `profile` is present.
#[derive(Serialize, Deserialize)]
struct DocumentFields<'a> {
    user_id: Cow<'a, str>,
    plan_name: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    subscription_type: SubscriptionType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instruments: Option<Arc<KeyList>>,
    /// Whether the empty list `instruments` of the request or of its profile means the instruments of the plan.
    #[serde(default, skip_serializing_if = "is_default")]
    has_instruments_of_plan: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    items: Option<Arc<Vec<PlanItem>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    selectors: Option<Cow<'a, [Selector]>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<ProfileForm<'a>>,
    optimization_level: OptimizationLevel,
    filtering_strictness: FilteringStrictness,
    max_instruments: u32,
    cost_per_instrument: Amount,
    as_of: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    broker: Option<Broker>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    modes: Cow<'a, BTreeMap<String, Mode>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    priorities: Cow<'a, BTreeMap<String, u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_mode: Option<Mode>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    min_modes: Cow<'a, BTreeMap<String, Mode>>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pinned: Cow<'a, BTreeSet<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tier: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accounts: Option<Cow<'a, Accounts>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connections: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    placement: Option<PlacementStrategy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous_plan_id: Option<Cow<'a, str>>,
    /// Whether the connections of the previous plan are balanced again.
    #[serde(default, skip_serializing_if = "is_default")]
    is_rebalanced: bool,
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    warnings: Cow<'a, [String]>,
}

/// The profile that a plan was created from. A version of a profile always has the same content, but it may be deleted.
#[derive(Serialize, Deserialize)]
struct ProfileForm<'a> {
    profile_id: Cow<'a, str>,
    version: u32,
    instruments: Arc<KeyList>,
    #[serde(default, skip_serializing_if = "<[Selector]>::is_empty")]
    selectors: Cow<'a, [Selector]>,
    #[serde(default, skip_serializing_if = "Rules::is_empty")]
    validation_rules: Cow<'a, Rules>,
    is_strict: bool,
}

/// An entry of a request. Exactly one of `instrument` and `selector` is present.
#[derive(Serialize, Deserialize)]
struct ItemForm<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instrument: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    selector: Option<Cow<'a, Selector>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_mode: Option<Mode>,
    #[serde(default, skip_serializing_if = "is_default")]
    priority: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pinned: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl<'a> DocumentFields<'a> {
    /// Returns the form of a request. `of_plan` are keys that it does not repeat.
    fn of(request: &'a PlanRequest, of_plan: Option<&KeyList>) -> Self {
        let PlanRequest { user_id, plan_name, description, subscription_type, source, options, feed, warnings } =
            request;
        let mut form = DocumentFields {
            user_id: user_id.into(),
            plan_name: plan_name.into(),
            description: description.as_deref().map(Cow::Borrowed),
            subscription_type: *subscription_type,
            instruments: None,
            has_instruments_of_plan: false,
            items: None,
            selectors: None,
            profile: None,
            optimization_level: options.optimization_level,
            filtering_strictness: options.filtering_strictness,
            max_instruments: options.max_instruments,
            cost_per_instrument: options.cost_per_instrument,
            as_of: options.as_of,
            broker: feed.broker,
            mode: feed.mode,
            modes: Cow::Borrowed(&feed.modes),
            priorities: Cow::Borrowed(&feed.priorities),
            min_mode: feed.min_mode,
            min_modes: Cow::Borrowed(&feed.min_modes),
            pinned: Cow::Borrowed(&feed.pinned),
            tier: feed.tier.as_deref().map(Cow::Borrowed),
            accounts: feed.accounts.as_ref().map(Cow::Borrowed),
            connections: feed.connections,
            placement: feed.placement,
            previous_plan_id: feed.previous.as_ref().map(|previous| Cow::Borrowed(previous.plan_id.as_str())),
            is_rebalanced: feed.previous.as_ref().is_some_and(|previous| previous.is_rebalanced),
            warnings: warnings.into(),
        };
        let mut written = |keys: &Arc<KeyList>| {
            form.has_instruments_of_plan = of_plan.is_some_and(|of_plan| **keys == *of_plan);
            if form.has_instruments_of_plan { Arc::default() } else { Arc::clone(keys) }
        };
        match source {
            Source::Keys(keys) => form.instruments = Some(written(keys)),
            Source::Items(items) => form.items = Some(Arc::clone(items)),
            Source::Selectors(selectors) => form.selectors = Some(selectors.into()),
            Source::Profile(profile) => {
                form.profile = Some(ProfileForm { instruments: written(&profile.keys), ..ProfileForm::of(profile) });
            }
        }
        form
    }

    /// Returns the request; `None` if the form has no source of instruments, or several.
    fn into_request(self) -> Option<PlanRequest> {
        let source = match (self.instruments, self.items, self.selectors, self.profile) {
            (Some(keys), None, None, None) => Source::Keys(keys),
            (None, Some(items), None, None) => Source::Items(items),
            (None, None, Some(selectors), None) => Source::Selectors(selectors.into_owned()),
            (None, None, None, Some(profile)) => Source::Profile(Box::new(profile.into_source())),
            _ => return None,
        };
        Some(PlanRequest {
            user_id: self.user_id.into_owned(),
            plan_name: self.plan_name.into_owned(),
            description: self.description.map(Cow::into_owned),
            subscription_type: self.subscription_type,
            source,
            options: Options {
                optimization_level: self.optimization_level,
                filtering_strictness: self.filtering_strictness,
                max_instruments: self.max_instruments,
                cost_per_instrument: self.cost_per_instrument,
                as_of: self.as_of,
            },
            feed: StreamOptions {
                broker: self.broker,
                mode: self.mode,
                modes: self.modes.into_owned(),
                priorities: self.priorities.into_owned(),
                min_mode: self.min_mode,
                min_modes: self.min_modes.into_owned(),
                pinned: self.pinned.into_owned(),
                tier: self.tier.map(Cow::into_owned),
                accounts: self.accounts.map(Cow::into_owned),
                connections: self.connections,
                placement: self.placement,
                previous: self.previous_plan_id.map(|plan_id| PreviousPlan {
                    plan_id: plan_id.into_owned(),
                    placement: None,
                    is_rebalanced: self.is_rebalanced,
                }),
            },
            warnings: self.warnings.into_owned(),
        })
    }
}

impl<'a> ProfileForm<'a> {
    fn of(profile: &'a ProfileSource) -> Self {
        let ProfileSource { reference, keys, selectors, rules, is_strict } = profile;
        ProfileForm {
            profile_id: Cow::Borrowed(&reference.profile_id),
            version: reference.version,
            instruments: Arc::clone(keys),
            selectors: selectors.into(),
            validation_rules: Cow::Borrowed(rules),
            is_strict: *is_strict,
        }
    }

    fn into_source(self) -> ProfileSource {
        ProfileSource {
            reference: ProfileReference { profile_id: self.profile_id.into_owned(), version: self.version },
            keys: self.instruments,
            selectors: self.selectors.into_owned(),
            rules: self.validation_rules.into_owned(),
            is_strict: self.is_strict,
        }
    }
}

impl Serialize for RequestDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        DocumentFields::of(&self.request, None).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RequestDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = DocumentFields::deserialize(deserializer)?;
        let lacks_keys = form.has_instruments_of_plan;
        let fault = || D::Error::custom("expected exactly one of `instruments`, `items`, `selectors`, `profile`");
        let request = form.into_request().ok_or_else(fault)?;
        Ok(RequestDocument { request, lacks_keys })
    }
}

impl Serialize for PlanItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ItemOptions { mode, min_mode, priority, is_pinned: pinned } = self.options;
        let (instrument, selector) = match &self.instruments {
            ItemInstruments::Key(key) => (Some(Cow::Borrowed(key.as_str())), None),
            ItemInstruments::Selector(selector) => (None, Some(Cow::Borrowed(&**selector))),
        };
        ItemForm { instrument, selector, mode, min_mode, priority, pinned }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PlanItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ItemForm { instrument, selector, mode, min_mode, priority, pinned } = ItemForm::deserialize(deserializer)?;
        let instruments = match (instrument, selector) {
            (Some(key), None) => ItemInstruments::Key(key.into_owned()),
            (None, Some(selector)) => ItemInstruments::Selector(Box::new(selector.into_owned())),
            _ => return Err(D::Error::custom("expected exactly one of `instrument`, `selector`")),
        };
        Ok(PlanItem { instruments, options: ItemOptions { mode, min_mode, priority, is_pinned: pinned } })
    }
}

#[cfg(test)]
mod tests;
