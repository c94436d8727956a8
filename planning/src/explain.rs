//! Explains why an instrument of a request is in its plan, or why it was left out.
//!
//! The stored plan answers most of it. If the fit decided about the instrument, and the catalog still has the content
//! from which the plan was created, the fit is repeated to determine the effect of another decision.

mod answer;
mod rates;
mod refit;

use std::cell::OnceCell;

pub use self::answer::{
    Alternative, CatalogueComparison, CatalogueDifference, Decision, Displaced, ExplainedConnection, ExplainedMode,
    Explanation, ExplanationBasis,
};
use self::rates::InstrumentLoad;
use self::refit::Refit;
use crate::accounts::accounts_of;
use crate::allocate::OWN_MAXIMUM;
use crate::allocation::{Allocation, BrokerPart, SubscribedInstrument, Subscriptions, UsedLimit};
use crate::basis::Basis;
use crate::catalogue::Instrument;
use crate::fit::{LimitName, offered_modes};
use crate::help::Helper;
use crate::identity::identity_hash;
use crate::plan::{Plan, Reason, Rejection};
use crate::vocabulary::{Broker, hex};

/// The maximum number of suggestions for a key that was not requested.
const SUGGESTIONS_MAX: usize = 5;

/// A key that the request of a plan does not contain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request of the plan does not contain this key")]
pub struct NotInPlan {
    /// Keys of the request that the caller may have meant.
    pub suggestions: Vec<String>,
}

/// Explains the decision about one key of the request of a plan. `basis` is the current one.
///
/// # Errors
/// [`NotInPlan`] if the request does not contain the key.
pub fn explain(plan: &Plan, key: &str, basis: Basis<'_>) -> Result<Explanation, NotInPlan> {
    let explainer = Explainer::of(plan, basis);
    explainer.explain(key).ok_or_else(|| NotInPlan { suggestions: explainer.suggestions(key) })
}

struct Explainer<'a> {
    plan: &'a Plan,
    basis: Basis<'a>,
    part: Option<&'a BrokerPart>,
    /// The repeated fit, computed when it is first needed.
    refit: OnceCell<Option<Refit<'a>>>,
}

impl<'a> Explainer<'a> {
    fn of(plan: &'a Plan, basis: Basis<'a>) -> Self {
        let part = plan.metadata.broker_part.as_deref();
        Explainer { plan, basis, part, refit: OnceCell::new() }
    }

    /// Repeats the fit, which takes as long as planning. `None` if the plan names no broker, or the catalog or the
    /// limits have changed.
    fn refit(&self) -> Option<&Refit<'a>> {
        let refit = || self.part.and_then(|part| Refit::of(self.plan, part, self.basis));
        self.refit.get_or_init(refit).as_ref()
    }

    fn explain(&self, key: &str) -> Option<Explanation> {
        if let Some(position) = self.plan.instruments.iter().position(|kept| kept == key) {
            return Some(self.kept(key, position));
        }
        let rejections = || self.plan.rejected.iter().filter(|rejection| rejection.instrument == key);
        // A repeat of a key that was left out has an entry of its own.
        let first = rejections().find(|rejection| rejection.reason != Reason::Duplicate);
        first.or_else(|| rejections().next()).map(|rejection| self.left_out(rejection))
    }

    fn kept(&self, key: &str, position: usize) -> Explanation {
        let subscribed = self.subscriptions().and_then(|of| of.instruments.get(position));
        let mode = self.mode_of_kept(key, subscribed);
        let connections = self.connections(position);
        let mut sentences = vec![kept_sentence(mode.as_ref(), connections.as_deref())];
        let lowered = self.allocation().and_then(|of| of.lowered.iter().find(|of| of.instrument == key));
        let mut limit = None;
        let mut would_displace = None;
        if let Some(lowered) = lowered {
            limit = self.limit(&lowered.limit);
            would_displace = self.refit().and_then(|refit| refit.displaced_by_raising(key, lowered.from));
            let (from, to, limit) = (lowered.from, lowered.to, &lowered.limit);
            sentences
                .push(format!("lowered from `{from}` to `{to}`: the higher mode would exceed the limit `{limit}`"));
        }
        if let Some(ExplainedMode { requested, substitute: Some(substitute), .. }) = &mode {
            let broker = self.broker().map_or("the broker", Broker::as_str);
            sentences.push(format!("{broker} does not offer `{requested}`: replaced by `{substitute}`"));
        }
        let rates = InstrumentLoad::of(self.plan, key, connections.as_deref(), self.basis);
        Explanation {
            decision: Decision::Kept,
            detail: sentences.join("; "),
            broker_token: subscribed.and_then(|of| of.token.as_deref().map(str::to_owned)),
            mode,
            connections,
            limit,
            would_displace,
            cost_per_day: Some(self.plan.metadata.cost_per_instrument),
            messages_per_second: rates.as_ref().map(|rates| rates.messages_per_second),
            bytes_per_second: rates.map(|rates| rates.bytes_per_second),
            ..self.common(key, None, subscribed)
        }
    }

    fn left_out(&self, rejection: &Rejection) -> Explanation {
        let key = rejection.instrument.as_str();
        let explanation = Explanation {
            reason: Some(rejection.reason),
            detail: rejection.detail.clone(),
            ..self.common(key, Some(rejection.reason), None)
        };
        match rejection.reason {
            Reason::Alias => self.alias(rejection, explanation),
            Reason::OverCapacity | Reason::OverLimit => self.over_limit(rejection, explanation),
            Reason::NotOffered => Explanation { alternatives: self.offered(key).into_iter().collect(), ..explanation },
            Reason::NotAtBroker => {
                let alternatives = self.suggested(rejection).chain(self.at_other_brokers(key)).collect();
                Explanation { alternatives, ..explanation }
            }
            Reason::Malformed
            | Reason::Unknown
            | Reason::Inactive
            | Reason::Expired
            | Reason::NotAllowed
            | Reason::Duplicate => Explanation { alternatives: self.suggested(rejection).collect(), ..explanation },
        }
    }

    /// Explains another name of an instrument by the decision about the name that represents it.
    fn alias(&self, rejection: &Rejection, explanation: Explanation) -> Explanation {
        let representative = rejection.suggestions.first().filter(|other| **other != rejection.instrument);
        let Some(of) = representative.and_then(|other| self.explain(other)) else { return explanation };
        let alternatives = self.suggested(rejection).collect();
        Explanation {
            instrument: explanation.instrument,
            decision: explanation.decision,
            reason: explanation.reason,
            detail: format!("{}: {}", explanation.detail, of.detail),
            represented_by: Some(of.instrument),
            repeats: explanation.repeats,
            cost_per_day: None,
            alternatives,
            ..of
        }
    }

    fn over_limit(&self, rejection: &Rejection, explanation: Explanation) -> Explanation {
        let key = rejection.instrument.as_str();
        let limit = match rejection.reason {
            Reason::OverLimit => self.limit(&LimitName::MaxInstruments.to_string()),
            _ => rejection.limit.as_deref().and_then(|name| self.limit(name)),
        };
        let Some(refit) = self.refit() else { return Explanation { limit, ..explanation } };
        let lower = refit.mode_without_minimum(key).map(|mode| Alternative {
            instrument: key.to_owned(),
            mode: Some(mode),
            broker: None,
            detail: format!("it fits in `{mode}`, which its `min_mode` does not allow"),
        });
        Explanation {
            limit,
            would_displace: refit.displaced_by_keeping(key),
            alternatives: lower.into_iter().collect(),
            ..explanation
        }
    }

    /// Returns the fields that do not depend on the decision.
    fn common(&self, key: &str, reason: Option<Reason>, subscribed: Option<&SubscribedInstrument>) -> Explanation {
        let repeats = self.plan.rejected.iter().filter(|of| of.instrument == key && of.reason == Reason::Duplicate);
        // The fit does not know keys that were left out before it.
        let refit = if is_in_fit(reason) { self.refit() } else { None };
        let options = refit.and_then(|refit| refit.options_of(key));
        let requested = refit.and_then(|refit| refit.requested_mode(key));
        Explanation {
            plan_id: self.plan.plan_id.clone(),
            instrument: key.to_owned(),
            decision: Decision::LeftOut,
            reason: None,
            detail: String::new(),
            represented_by: None,
            repeats: repeats.count() as u64,
            priority: options.map(|options| options.priority),
            pinned: options.map(|options| options.is_pinned),
            mode: requested.map(|requested| ExplainedMode { requested, substitute: None, planned: None }),
            broker_token: None,
            connections: None,
            limit: None,
            would_displace: None,
            cost_per_day: None,
            messages_per_second: None,
            bytes_per_second: None,
            alternatives: Vec::new(),
            catalogue: self.comparison(key, reason, subscribed),
            basis: if refit.is_some() { ExplanationBasis::Recomputed } else { ExplanationBasis::Stored },
        }
    }

    fn allocation(&self) -> Option<&'a Allocation> {
        self.part.map(|part| &*part.allocation)
    }

    fn subscriptions(&self) -> Option<&'a Subscriptions> {
        self.part?.subscriptions.as_ref()
    }

    fn broker(&self) -> Option<Broker> {
        self.plan.metadata.feed.as_ref()?.broker
    }

    fn mode_of_kept(&self, key: &str, subscribed: Option<&SubscribedInstrument>) -> Option<ExplainedMode> {
        let Some(allocation) = self.allocation() else {
            let planned = self.plan.mode_of(key, self.basis.brokers)?;
            return Some(ExplainedMode { requested: planned, substitute: None, planned: Some(planned) });
        };
        let planned = subscribed?.mode?;
        let substituted = allocation.substituted.iter().find(|of| of.instrument == key);
        let lowered = allocation.lowered.iter().find(|of| of.instrument == key);
        let requested = substituted.map(|of| of.from).or(lowered.map(|of| of.from)).unwrap_or(planned);
        Some(ExplainedMode { requested, substitute: substituted.map(|of| of.to), planned: Some(planned) })
    }

    fn connections(&self, position: usize) -> Option<Vec<ExplainedConnection>> {
        let (subscriptions, connections) = (self.subscriptions()?, self.allocation()?.connections.as_ref()?);
        let connection = |leg: &crate::allocation::SubscribedLeg| {
            let of = connections.iter().find(|of| of.connection == leg.connection)?;
            let (account, endpoint) = (of.account.clone(), of.endpoint.clone());
            Some(ExplainedConnection { connection: leg.connection, account, endpoint, mode: leg.mode })
        };
        let legs = subscriptions.legs.iter().filter(|leg| leg.instrument as usize == position);
        Some(legs.filter_map(connection).collect())
    }

    /// Returns a limit with its figures where most of it is used.
    fn limit(&self, name: &str) -> Option<UsedLimit> {
        let Some(part) = self.part else {
            let (used, allowed) = (self.plan.instruments.len(), self.plan.metadata.max_instruments);
            let used = u32::try_from(used).unwrap_or(u32::MAX);
            let limit = UsedLimit {
                limit: name.to_owned(),
                scope: "plan".to_owned(),
                used,
                allowed,
                binding: used >= allowed,
                source: OWN_MAXIMUM.to_owned(),
                seen: None,
            };
            return Some(limit);
        };
        let own = part.allocation.limits.iter().filter(|of| of.limit == name);
        let fullest = own.rev().max_by_key(|of| u64::from(of.used) * 1_000_000 / u64::from(of.allowed.max(1)));
        fullest.cloned().or_else(|| self.unused_limit(name, part))
    }

    /// Returns a limit that the stored plan does not list: that of a mode alone although there are several, or that of
    /// an endpoint without a connection.
    fn unused_limit(&self, name: &str, part: &BrokerPart) -> Option<UsedLimit> {
        let request = part.request.request();
        let accounts = accounts_of(&request.feed, part.allocation.broker, self.basis.brokers);
        let limit = LimitName::parse(name)?;
        let (account, figure) = accounts.iter().find_map(|account| Some((account, limit.figure(account.limits)?)))?;
        let mode = match limit {
            LimitName::ModeAlone(mode) | LimitName::ModeMixed(mode) => Some(mode),
            _ => None,
        };
        let instruments = part.subscriptions.iter().flat_map(|of| &of.instruments);
        let used = instruments.filter(|of| mode.is_some() && of.mode == mode).count();
        let used = u32::try_from(used).unwrap_or(u32::MAX);
        Some(UsedLimit {
            limit: name.to_owned(),
            scope: format!("account {}", account.name),
            used,
            allowed: figure.value,
            binding: used >= figure.value,
            source: figure.source.clone(),
            seen: Some(figure.seen),
        })
    }

    /// Returns the suggestions of a rejection, or those that the current catalog gives.
    fn suggested(&self, rejection: &Rejection) -> impl Iterator<Item = Alternative> + use<> {
        let mut suggestions = rejection.suggestions.clone();
        let mut detail = rejection.detail.clone();
        if suggestions.is_empty() {
            let Basis { catalogue, .. } = self.basis;
            let mut helper = Helper::new(catalogue, self.plan.metadata.as_of);
            let id = catalogue.find(&rejection.instrument);
            let help = match (rejection.reason, id) {
                (Reason::Malformed | Reason::Unknown, None) => Some(helper.unknown(&rejection.instrument)),
                (Reason::Inactive, Some(id)) => Some(helper.inactive(id)),
                (Reason::Expired, Some(id)) => helper.expired(id),
                (Reason::NotAtBroker, Some(id)) => self.broker().map(|broker| helper.not_at_broker(id, broker)),
                _ => None,
            };
            if let Some(help) = help {
                (suggestions, detail) = (help.suggestions, help.detail);
            }
        }
        let of = move |instrument: String| Alternative { instrument, mode: None, broker: None, detail: detail.clone() };
        suggestions.into_iter().map(of)
    }

    /// Returns the other brokers whose files list an instrument.
    fn at_other_brokers(&self, key: &str) -> Vec<Alternative> {
        let Basis { catalogue, .. } = self.basis;
        let Some(instrument) = catalogue.find(key).map(|id| catalogue.get(catalogue.target(id))) else {
            return Vec::new();
        };
        let others = Broker::WITH_FILES.into_iter().filter(|broker| Some(*broker) != self.broker());
        let listing = others.filter(|broker| instrument.token(*broker).is_some());
        let of = |broker: Broker| Alternative {
            instrument: key.to_owned(),
            mode: None,
            broker: Some(broker),
            detail: format!("{broker} lists the instrument"),
        };
        listing.map(of).collect()
    }

    /// Returns the highest mode that the broker offers for an instrument.
    fn offered(&self, key: &str) -> Option<Alternative> {
        let Basis { catalogue, brokers } = self.basis;
        let part = self.part?;
        let accounts = accounts_of(&part.request.request().feed, part.allocation.broker, brokers);
        let segment = catalogue.find(key).map(|id| catalogue.get(catalogue.target(id)).segment());
        let mode = offered_modes(&accounts, segment).max()?;
        let detail = format!("{} offers at most `{mode}` for it", part.allocation.broker);
        Some(Alternative { instrument: key.to_owned(), mode: Some(mode), broker: None, detail })
    }

    fn comparison(
        &self,
        key: &str,
        reason: Option<Reason>,
        subscribed: Option<&SubscribedInstrument>,
    ) -> CatalogueComparison {
        let Basis { catalogue, .. } = self.basis;
        let metadata = &self.plan.metadata;
        let unknown = &self.plan.validation_results.unknown_instruments;
        let was_known = match subscribed {
            Some(subscribed) => subscribed.segment.is_some(),
            None => {
                !matches!(reason, Some(Reason::Malformed | Reason::Unknown))
                    && !unknown.iter().flatten().any(|unknown| unknown == key)
            }
        };
        let now = catalogue.find(key).map(|id| catalogue.get(catalogue.target(id)));
        let has_changed = metadata.catalogue.content_hash != hex(catalogue.content_hash());
        CatalogueComparison {
            planned: metadata.catalogue.version.clone(),
            current: catalogue.version().to_owned(),
            has_changed,
            differences: if has_changed { differences(was_known, now, subscribed, self.broker()) } else { Vec::new() },
        }
    }

    /// Returns keys of the request that are other names of an instrument, or to which a wrong key corresponds.
    fn suggestions(&self, key: &str) -> Vec<String> {
        let Basis { catalogue, .. } = self.basis;
        let root = |key: &str| {
            let id = catalogue.find(key)?;
            Some(catalogue.get(catalogue.get(id).group()).group())
        };
        let rejected = self.plan.rejected.iter().map(|rejection| rejection.instrument.as_str());
        let requested = || self.plan.instruments.iter().chain(rejected.clone());
        let wanted = root(key);
        let written = key.trim();
        let is_other_name =
            |other: &&str| other.eq_ignore_ascii_case(written) || (wanted.is_some() && root(other) == wanted);
        let mut suggestions: Vec<String> = Vec::new();
        let mut add = |key: &str| {
            if suggestions.len() < SUGGESTIONS_MAX && !suggestions.iter().any(|known| known == key) {
                suggestions.push(key.to_owned());
            }
        };
        requested().filter(is_other_name).for_each(&mut add);
        let help = Helper::new(catalogue, self.plan.metadata.as_of).unknown(key);
        let meant = help.suggestions.iter().filter(|meant| requested().any(|key| key == meant.as_str()));
        meant.for_each(|meant| add(meant));
        suggestions
    }
}

/// Whether the fit of a plan at a broker made the decision about a key.
fn is_in_fit(reason: Option<Reason>) -> bool {
    matches!(reason, None | Some(Reason::OverCapacity | Reason::OverLimit | Reason::NotOffered))
}

fn kept_sentence(mode: Option<&ExplainedMode>, connections: Option<&[ExplainedConnection]>) -> String {
    let planned = mode.and_then(|mode| mode.planned);
    let mode = planned.map(|mode| format!(" in `{mode}`")).unwrap_or_default();
    let places = connections.unwrap_or_default().iter().map(|of| {
        let ExplainedConnection { connection, account, endpoint, .. } = of;
        format!("connection {connection} (account {account}, endpoint {endpoint})")
    });
    let places: Vec<String> = places.collect();
    match (places.is_empty(), connections.is_some(), planned) {
        (false, ..) => format!("kept{mode} on {}", places.join(" and ")),
        (true, true, None) => "kept without a subscription, because the broker has no token for it".to_owned(),
        (true, ..) => format!("kept{mode}"),
    }
}

/// Returns the differences of an instrument between the stored plan and the current catalog.
fn differences(
    was_known: bool,
    now: Option<Instrument<'_>>,
    subscribed: Option<&SubscribedInstrument>,
    broker: Option<Broker>,
) -> Vec<CatalogueDifference> {
    let Some(now) = now else { return if was_known { vec![CatalogueDifference::Removed] } else { Vec::new() } };
    if !was_known {
        return vec![CatalogueDifference::Added];
    }
    let (Some(subscribed), Some(broker)) = (subscribed, broker) else { return Vec::new() };
    let mut differences = Vec::new();
    if subscribed.identity != identity_hash(&now) {
        differences.push(CatalogueDifference::Identity);
    }
    if subscribed.token.as_deref() != now.token(broker) {
        differences.push(CatalogueDifference::Token);
    }
    differences
}

#[cfg(test)]
mod tests;
