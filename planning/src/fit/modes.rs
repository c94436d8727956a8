//! The modes that an instrument can get at a broker: the requested one or its substitute, and those to which it can be
//! lowered.

use super::RankedItem;
use super::matching::Chain;
use super::region::ModesInPlay;
use crate::accounts::PlanAccount;
use crate::capacity::{Limits, MARKET};
use crate::catalogue::Catalogue;
use crate::vocabulary::{Broker, Mode, Segment};

/// The modes of instruments with the same requested mode, minimum and segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModeChoice {
    /// The requested mode; `None` if the instrument has no subscription.
    pub(super) requested: Option<Mode>,
    /// The highest mode that the instrument can get: the requested one or its substitute.
    pub(super) highest: Option<Mode>,
    /// All modes that it can get, from the highest to the lowest.
    modes: Vec<Mode>,
}

/// Returns the modes that a broker offers to the highest tier of some accounts, for a segment or for any.
pub(crate) fn offered_modes<'a>(
    accounts: &[PlanAccount<'a>],
    segment: Option<Segment>,
) -> impl Iterator<Item = Mode> + use<'a> {
    let highest = accounts.iter().max_by_key(|account| account.tier_rank).map(|account| account.limits);
    Mode::ALL.into_iter().filter(move |mode| highest.is_some_and(|limits| is_offered(limits, *mode, segment)))
}

fn is_offered(limits: &Limits, mode: Mode, segment: Option<Segment>) -> bool {
    let offers = |segments: &Vec<Segment>| segment.is_none_or(|segment| segments.contains(&segment));
    let limits = limits.modes.get(&mode);
    limits.is_some_and(|limits| limits.segments.as_ref().is_none_or(|segments| offers(&segments.value)))
}

/// The values that determine the modes of an instrument.
#[derive(Clone, Copy, PartialEq, Eq)]
struct ModeRequest {
    mode: Option<Mode>,
    min_mode: Option<Mode>,
    segment: Option<Segment>,
}

/// The choices of all candidates.
pub(super) struct Modes<'a> {
    broker: Broker,
    /// The limits of the highest tier of the accounts.
    limits: &'a Limits,
    usual: Option<Mode>,
    min_mode: Option<Mode>,
    catalogue: &'a Catalogue,
    has_segments: bool,
    /// The modes with an endpoint that not all accounts have alike. They are not offered, because a subscription there
    /// may be placed at any account.
    uneven_modes: Vec<Mode>,
    choices: Vec<ModeChoice>,
    known: Vec<(ModeRequest, Result<usize, String>)>,
    last: usize,
}

impl<'a> Modes<'a> {
    pub(super) fn new(
        accounts: &[PlanAccount<'a>],
        broker: Broker,
        usual: Option<Mode>,
        min_mode: Option<Mode>,
        catalogue: &'a Catalogue,
    ) -> Self {
        let highest = accounts.iter().max_by_key(|account| account.tier_rank).expect("there is an account");
        let limits = highest.limits;
        let has_segments = limits.modes.values().any(|mode| mode.segments.is_some());
        let value = |limits: &Limits, endpoint: &str| limits.endpoints.get(endpoint).map(|figure| figure.value);
        let is_uneven =
            |endpoint: &str| accounts.iter().any(|account| value(account.limits, endpoint) != value(limits, endpoint));
        let of_modes = limits.modes.iter();
        let uneven = of_modes.filter(|(_, of_mode)| of_mode.legs.iter().any(|leg| is_uneven(&leg.endpoint)));
        let uneven_modes = uneven.map(|(mode, _)| *mode).collect();
        let (choices, known) = (Vec::new(), Vec::new());
        Modes { broker, limits, usual, min_mode, catalogue, has_segments, uneven_modes, choices, known, last: 0 }
    }

    /// Returns the position of the choice of a candidate.
    ///
    /// # Errors
    /// The reason why no mode is offered.
    pub(super) fn choice_of(&mut self, candidate: &RankedItem) -> Result<usize, String> {
        let id = candidate.item.id.filter(|id| self.catalogue.is_listed_by(self.broker, *id));
        let requested = match (self.usual, id) {
            (Some(usual), Some(id)) => ModeRequest {
                mode: Some(candidate.options.mode.unwrap_or(usual)),
                min_mode: candidate.options.min_mode.or(self.min_mode),
                segment: self.has_segments.then(|| self.catalogue.get(id).segment()),
            },
            // Historical data has no mode, and without a token there is no subscription.
            _ => ModeRequest { mode: None, min_mode: None, segment: None },
        };
        if let Some((last, choice)) = self.known.get(self.last)
            && *last == requested
        {
            return choice.clone();
        }
        if let Some(at) = self.known.iter().position(|(known, _)| *known == requested) {
            self.last = at;
            return self.known[at].1.clone();
        }
        let choice =
            self.choose(requested).map(|choice| match self.choices.iter().position(|known| *known == choice) {
                Some(at) => at,
                None => {
                    self.choices.push(choice);
                    self.choices.len() - 1
                }
            });
        self.last = self.known.len();
        self.known.push((requested, choice.clone()));
        choice
    }

    pub(super) fn choice(&self, choice: usize) -> &ModeChoice {
        &self.choices[choice]
    }

    /// Returns the modes that at least one candidate can get.
    pub(super) fn in_play(&self) -> ModesInPlay {
        let modes = self.choices.iter().flat_map(|choice| choice.modes.iter().copied()).collect();
        ModesInPlay::new(modes, self.choices.iter().any(|choice| choice.modes.is_empty()))
    }

    /// Returns the different chains of modes, and that of each choice by its position among them.
    pub(super) fn chains(&self, in_play: &ModesInPlay) -> (Vec<Chain>, Vec<u16>) {
        let bit = |position: usize| u8::try_from(position).expect("there are few modes");
        let chain = |choice: &ModeChoice| match choice.modes.as_slice() {
            [] => Chain(vec![bit(in_play.unsubscribed())]),
            modes => Chain(modes.iter().map(|mode| bit(in_play.position(*mode))).collect()),
        };
        let mut chains: Vec<Chain> = Vec::new();
        let mut position = |chain: Chain| {
            let known = chains.iter().position(|known| *known == chain);
            let position = known.unwrap_or_else(|| {
                chains.push(chain);
                chains.len() - 1
            });
            u16::try_from(position).expect("there are few chains")
        };
        let of_choices = self.choices.iter().map(|choice| position(chain(choice))).collect();
        (chains, of_choices)
    }

    fn choose(&self, of: ModeRequest) -> Result<ModeChoice, String> {
        let Some(requested) = of.mode else {
            return Ok(ModeChoice { requested: None, highest: None, modes: Vec::new() });
        };
        let is_allowed = |mode: &Mode| of.min_mode.is_none_or(|min_mode| mode.includes(min_mode));
        let highest = self.offered(requested, of.segment).filter(is_allowed);
        let Some(highest) = highest else {
            let for_segment = of.segment.map(|segment| format!(" for {segment}")).unwrap_or_default();
            let at_least = of.min_mode.map(|mode| format!(" that includes `{mode}`")).unwrap_or_default();
            return Err(format!(
                "{} offers neither `{requested}`{for_segment} nor a substitute{at_least}",
                self.broker
            ));
        };
        let modes: Vec<Mode> = self.lowered(highest, of.segment).into_iter().filter(is_allowed).collect();
        Ok(ModeChoice { requested: Some(requested), highest: Some(highest), modes })
    }

    fn is_offered(&self, mode: Mode, segment: Option<Segment>) -> bool {
        is_offered(self.limits, mode, segment) && !self.uneven_modes.contains(&mode)
    }

    /// Returns the mode that a broker offers for a requested one: the same, else the lowest of the market endpoint that
    /// includes it, else the highest below it.
    fn offered(&self, requested: Mode, segment: Option<Segment>) -> Option<Mode> {
        if self.is_offered(requested, segment) {
            return Some(requested);
        }
        let offered = || Mode::ALL.into_iter().filter(|mode| self.is_offered(*mode, segment));
        let is_at_market = |mode: &Mode| self.limits.modes[mode].legs.iter().all(|leg| leg.endpoint == MARKET);
        let including = offered().filter(is_at_market).find(|mode| mode.includes(requested));
        including.or_else(|| offered().rev().find(|mode| requested.includes(*mode)))
    }

    /// Returns a mode and those to which it is lowered, from the highest to the lowest. A mode with more depth loses
    /// its additional subscription first.
    fn lowered(&self, highest: Mode, segment: Option<Segment>) -> Vec<Mode> {
        let lowering = &self.limits.lowering;
        let below = match lowering.iter().position(|mode| *mode == highest) {
            Some(at) => &lowering[at + 1..],
            None => lowering,
        };
        let below = below.iter().copied().filter(|mode| highest.includes(*mode) && self.is_offered(*mode, segment));
        std::iter::once(highest).chain(below).collect()
    }
}
