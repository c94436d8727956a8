//! Repeats the fit of a stored plan, and determines the effect of another decision.

use super::Displaced;
use crate::allocation::BrokerPart;
use crate::basis::Basis;
use crate::filter::filter;
use crate::fit::{Fit, RankedItem, fit};
use crate::optimise::{optimise, ranked_at_broker};
use crate::plan::Plan;
use crate::request::{PlanRequest, Resolved};
use crate::source::ItemOptions;
use crate::vocabulary::{Mode, hex};

/// The repeated fit of a stored plan.
pub(super) struct Refit<'a> {
    request: &'a PlanRequest,
    resolved: Resolved,
    basis: Basis<'a>,
    /// The candidates in descending worth. None of them counts as pinned, so that another decision can displace it; its
    /// worth still does.
    ranked: Vec<RankedItem>,
    /// The options of the candidates, in their order.
    options: Vec<ItemOptions>,
    fitted: Fit,
}

impl<'a> Refit<'a> {
    /// Repeats the fit. `None` if the catalog or the limits have changed since the plan was created.
    pub(super) fn of(plan: &Plan, part: &'a BrokerPart, basis: Basis<'a>) -> Option<Self> {
        if plan.metadata.catalogue.content_hash != hex(basis.catalogue.content_hash()) {
            return None;
        }
        let request = part.request.request();
        // The cache key is not used.
        let resolved = Resolved::new(request, basis, &[0; 32]);
        let kept = filter(request, &resolved, basis.catalogue).kept;
        let (mut ranked, _) = ranked_at_broker(request, &resolved, kept.clone(), basis);
        let optimised = optimise(request, &resolved, kept, basis).ok()?;
        let fitted = optimised.fitted?;
        let keys = optimised.kept.iter().map(|item| resolved.keys.key(item.position as usize));
        let modes = optimised.kept.iter().map(|item| fitted.mode(*item));
        let is_equal = keys.eq(plan.instruments.iter())
            && part.subscriptions.as_ref().is_none_or(|stored| modes.eq(stored.instruments.iter().map(|of| of.mode)));
        if !is_equal {
            return None;
        }
        let options = ranked.iter().map(|candidate| candidate.options).collect();
        ranked.iter_mut().for_each(|candidate| candidate.options.is_pinned = false);
        Some(Refit { request, resolved, basis, ranked, options, fitted })
    }

    pub(super) fn options_of(&self, key: &str) -> Option<ItemOptions> {
        Some(self.options[self.find(key)?])
    }

    /// Returns the mode that the request has for a candidate.
    pub(super) fn requested_mode(&self, key: &str) -> Option<Mode> {
        let usual = self.request.feed.mode_of_others(self.request.subscription_type, self.basis.brokers)?;
        Some(self.options_of(key)?.mode.unwrap_or(usual))
    }

    /// Returns the least valuable instrument that would lose something if a candidate that was left out were kept.
    pub(super) fn displaced_by_keeping(&self, key: &str) -> Option<Displaced> {
        let at = self.find(key)?;
        self.displaced(at, self.ranked[at].options, |fitted, candidate| fitted.is_kept(candidate.item))
    }

    /// Returns the least valuable instrument that would lose something if a kept candidate had a higher mode.
    pub(super) fn displaced_by_raising(&self, key: &str, mode: Mode) -> Option<Displaced> {
        let at = self.find(key)?;
        let options = ItemOptions { min_mode: Some(mode), ..self.ranked[at].options };
        self.displaced(at, options, |fitted, candidate| fitted.mode(candidate.item) == Some(mode))
    }

    /// Returns the mode in which a candidate that was left out would fit if it had no lowest mode.
    pub(super) fn mode_without_minimum(&self, key: &str) -> Option<Mode> {
        let at = self.find(key)?;
        self.options[at].min_mode.or(self.request.feed.min_mode)?;
        let mut ranked = self.ranked.clone();
        ranked[at].options.min_mode = Some(Mode::Ltp);
        let fitted = self.fit(&ranked)?;
        fitted.mode(ranked[at].item)
    }

    fn find(&self, key: &str) -> Option<usize> {
        self.ranked.iter().position(|candidate| self.key(candidate) == key)
    }

    fn key(&self, candidate: &RankedItem) -> &str {
        self.resolved.keys.key(candidate.item.position as usize)
    }

    fn fit(&self, ranked: &[RankedItem]) -> Option<Fit> {
        fit(self.request, &self.resolved, ranked, self.basis).ok()
    }

    /// Repeats the fit with a candidate at the start of its class. If that is not enough, repeats it with the candidate
    /// before all others. Compares the first fit that is enough with that of the plan.
    fn displaced(
        &self,
        at: usize,
        options: ItemOptions,
        is_as_wanted: impl Fn(&Fit, &RankedItem) -> bool,
    ) -> Option<Displaced> {
        let candidate = self.ranked[at];
        let first_of_class = self.ranked.iter().position(|other| other.worth.is_of_class(&candidate.worth))?;
        let worths = [(first_of_class, self.ranked[first_of_class].worth), (0, candidate.worth.above_all())];
        for (place, worth) in worths {
            let mut ranked = self.ranked.clone();
            ranked.remove(at);
            ranked.insert(place, RankedItem { worth, options, ..candidate });
            let fitted = self.fit(&ranked)?;
            if is_as_wanted(&fitted, &candidate) {
                return self.least_valuable_loss(at, &fitted);
            }
        }
        None
    }

    /// Returns the least valuable candidate that another fit leaves out. If it leaves out none, returns the least
    /// valuable one that it lowers.
    fn least_valuable_loss(&self, at: usize, other: &Fit) -> Option<Displaced> {
        let kept = || {
            let others = (0..self.ranked.len()).rev().filter(|position| *position != at);
            others.filter(|position| self.fitted.is_kept(self.ranked[*position].item))
        };
        let is_lost = |position: &usize| !other.is_kept(self.ranked[*position].item);
        let is_lowered = |position: &usize| {
            let item = self.ranked[*position].item;
            let modes = self.fitted.mode(item).zip(other.mode(item));
            modes.is_some_and(|(own, other)| own != other && own.includes(other))
        };
        let lost = kept().find(is_lost);
        let position = lost.or_else(|| kept().find(is_lowered))?;
        let item = self.ranked[position].item;
        Some(Displaced {
            instrument: self.key(&self.ranked[position]).to_owned(),
            priority: self.options[position].priority,
            pinned: self.options[position].is_pinned,
            mode: self.fitted.mode(item),
            lowered_to: other.mode(item),
        })
    }
}
