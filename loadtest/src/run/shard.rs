//! The requests and results of one thread.

use std::sync::Arc;
use std::time::Instant;

use foldhash::HashMap;

use super::course::{Course, Stage};
use crate::answer::{
    self, CheckResult, Expected, RequestOutcome, Seen, check_bytes, check_described, check_listed, check_plan,
    check_profile, check_searched, check_stored,
};
use crate::args::Dialect;
use crate::fault::Fault;
use crate::keys::Marks;
use crate::kind::Kind;
use crate::ledger::{Acknowledgement, Ledger};
use crate::plan_id::PlanId;
use crate::prepared::Prepared as Plan;
use crate::profile::{self, Life, Step};
use crate::site::{LIST_LIMIT, PAGE_SIZE};
use crate::tally::{Measurement, Tally};
use crate::wire::Answer;
use crate::workload::Ask;

/// A request that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The kind under which it is counted.
    pub(crate) kind: Kind,
    /// The location of its bytes.
    pub(crate) wire: Wire,
    /// The expected response.
    pub(crate) expectation: Expectation,
}

/// The location of the bytes of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wire {
    /// The buffer of the caller.
    Own,
    /// This position in the pool.
    Pool(usize),
    /// This position in the raw requests.
    Echo(usize),
}

/// The expected response.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expectation {
    /// A plan.
    Plan(Ask),
    /// A stored plan, and its acknowledgement if it is known.
    Stored(PlanId, Option<Acknowledgement>),
    /// The description of a plan.
    Described(PlanId),
    /// The plans of a user.
    Listed(u32),
    /// Instruments.
    Searched,
    /// A step of a profile.
    Profile(Step),
    /// The requested number of bytes.
    Bytes,
}

/// The state of one thread.
#[derive(Debug)]
pub(crate) struct Shard {
    plan: Arc<Plan>,
    course: Arc<Course>,
    measured_from: Instant,
    tally: Tally,
    ledger: Ledger,
    /// Plans acknowledged on this thread, in order.
    acknowledged: Vec<Acknowledgement>,
    /// The state of responses to plan requests, by origin, if requests are repeated.
    seen: HashMap<u64, Option<Seen>>,
    stored: HashMap<PlanId, Option<Seen>>,
    marks: Marks,
    drawn: Vec<u32>,
    body: Vec<u8>,
    rest: Vec<u8>,
}

impl Shard {
    /// Creates the state at the start of `course`.
    pub(crate) fn new(plan: Arc<Plan>, course: Arc<Course>) -> Self {
        let measured_from = course.measured_from();
        Self {
            plan,
            course,
            measured_from,
            tally: Tally::new(),
            ledger: Ledger::default(),
            acknowledged: Vec::new(),
            seen: HashMap::default(),
            stored: HashMap::default(),
            marks: Marks::default(),
            drawn: Vec::new(),
            body: Vec::new(),
            rest: Vec::new(),
        }
    }

    /// Returns the counts and the acknowledgements.
    pub(crate) fn into_parts(self) -> (Tally, Ledger) {
        (self.tally, self.ledger)
    }

    /// Prepares request `index` of caller `number`, in `out` unless its bytes are already rendered.
    pub(crate) fn prepare(&mut self, index: u64, number: usize, life: &Life, out: &mut Vec<u8>) -> Prepared {
        let plan = self.plan.clone();
        let workload = &plan.workload;
        if self.course.stage == Stage::Pool {
            return self.plan_request(Kind::New, index, workload.ask_of(index), out);
        }
        let kind = if self.course.is_together() { Kind::New } else { workload.kind(index) };
        let own = |expectation| Prepared { kind, wire: Wire::Own, expectation };
        match kind {
            Kind::New if self.course.is_together() => self.plan_request(kind, index, workload.ask_of(index), out),
            Kind::New | Kind::Repeat | Kind::Reorder => self.plan_request(kind, index, workload.ask(index), out),
            Kind::Read | Kind::Describe => match self.known_plan(index) {
                Some((plan_id, acknowledged)) if kind == Kind::Read => {
                    plan.site.read_plan(plan_id, out);
                    own(Expectation::Stored(plan_id, acknowledged))
                }
                Some((plan_id, _)) => {
                    plan.site.describe_plan(plan_id, out);
                    own(Expectation::Described(plan_id))
                }
                // There is no plan to read yet, so one is created.
                None if workload.has_new() => self.plan_request(Kind::New, index, workload.ask_of(index), out),
                None => self.plan_request(Kind::Repeat, index, workload.ask(index), out),
            },
            Kind::List => {
                let user = workload.choice(index, workload.users as usize) as u32;
                plan.site.list_plans(&workload.user_id(user), out);
                own(Expectation::Listed(user))
            }
            Kind::Search => {
                let key = workload.keys.escaped(workload.choice(index, workload.keys.len()) as u32);
                plan.site.search(beginning_of_symbol(std::str::from_utf8(key).unwrap_or_default()), out);
                own(Expectation::Searched)
            }
            Kind::Profile => {
                self.profile_request(number, life, out);
                own(Expectation::Profile(life.step()))
            }
            Kind::Hello => {
                plan.site.hello(plan.settings.scenario.raw.answer_bytes, out);
                own(Expectation::Bytes)
            }
            Kind::Echo => {
                let place = workload.choice(index, plan.echoes.len());
                Prepared { kind, wire: Wire::Echo(place), expectation: Expectation::Bytes }
            }
        }
    }

    /// Checks the response to a request and counts it.
    #[expect(clippy::too_many_arguments, reason = "each is a part of one request, and a struct would only name them")]
    pub(crate) fn record_answer(
        &mut self,
        kind: Kind,
        expectation: &Expectation,
        number: usize,
        life: &mut Life,
        answer: Result<Answer<'_>, Fault>,
        begun: Instant,
        ended: Instant,
    ) {
        let is_answered = answer.is_ok();
        let answer_bytes = answer.as_ref().map_or(0, |answer| answer.body.len());
        let CheckResult { mut outcome, acknowledgement, fault } = match answer {
            Ok(answer) => self.check(expectation, number, life, &answer),
            Err(fault) => CheckResult::failed(fault),
        };
        if let Some(fault) = fault {
            self.tally.faults.add(&fault);
        }
        // The yardstick does not report the difference, and its cache exists for repeats.
        let is_yardstick = self.plan.settings.service.dialect == Dialect::Yardstick;
        if is_yardstick && outcome == RequestOutcome::Created && kind != Kind::New {
            outcome = RequestOutcome::Cached;
        }
        if let (Expectation::Plan(Ask { origin, .. }), Some(acknowledgement)) = (expectation, acknowledgement) {
            let before = self.ledger.len();
            if let Err(fault) = self.ledger.record(*origin, acknowledgement) {
                outcome = RequestOutcome::Failed;
                self.tally.faults.add(&fault);
            }
            if self.ledger.len() > before {
                self.acknowledged.push(acknowledgement);
            }
        }
        self.course.count(outcome);
        if self.course.stage == Stage::Load && begun >= self.measured_from {
            let since = |moment: Instant| moment.saturating_duration_since(self.measured_from);
            let (begun, ended) = (since(begun), since(ended));
            self.tally.record(&Measurement { kind, outcome, is_answered, answer_bytes, begun, ended });
        }
    }

    fn plan_request(&mut self, kind: Kind, index: u64, ask: Ask, out: &mut Vec<u8>) -> Prepared {
        let expectation = Expectation::Plan(ask);
        let Self { plan, marks, drawn, body, .. } = self;
        if kind != Kind::Reorder && (ask.origin as usize) < plan.pool.len() {
            return Prepared { kind, wire: Wire::Pool(ask.origin as usize), expectation };
        }
        let workload = &plan.workload;
        workload.instruments(ask.origin, marks, drawn);
        if kind == Kind::Reorder {
            workload.reorder(index, drawn);
        }
        body.clear();
        workload.write_body(ask, drawn, body);
        plan.site.create_plan(&workload.user_id(ask.user), body, out);
        Prepared { kind, wire: Wire::Own, expectation }
    }

    /// Returns the plan for request `index` to read: the next of the given ids, or else any acknowledged plan.
    fn known_plan(&self, index: u64) -> Option<(PlanId, Option<Acknowledgement>)> {
        let Plan { settings, acknowledged, workload, .. } = &*self.plan;
        if let Some(named) = (index as usize).checked_rem(settings.ids.len()) {
            return Some((settings.ids[named], None));
        }
        let count = acknowledged.len() + self.acknowledged.len();
        let place = workload.choice(index, count);
        let known = *acknowledged.get(place).or_else(|| self.acknowledged.get(place - acknowledged.len()))?;
        Some((known.plan_id, Some(known)))
    }

    fn profile_request(&mut self, number: usize, life: &Life, out: &mut Vec<u8>) {
        let Self { plan, marks, drawn, body, .. } = self;
        let (site, workload) = (&plan.site, &plan.workload);
        let user_id = workload.user_id(number as u32);
        let id = life.id().unwrap_or_default();
        match life.step() {
            Step::Create => {
                workload.instruments(number as u64, marks, drawn);
                drawn.truncate(profile::INSTRUMENTS_MAX);
                profile::write_creation(&user_id, &workload.keys, drawn, body);
                site.create_profile(body, out);
            }
            Step::Read => site.read_profile(id, out),
            Step::Change => site.change_profile(id, br#"{"profile_name":"Load test, changed"}"#, out),
            Step::List => site.list_profiles(&user_id, out),
            Step::Deactivate => site.deactivate_profile(id, out),
        }
    }

    fn check(&mut self, expectation: &Expectation, number: usize, life: &mut Life, answer: &Answer<'_>) -> CheckResult {
        let Self { plan, course, seen, stored, marks, drawn, rest, .. } = self;
        let (plan, workload) = (&**plan, &plan.workload);
        match *expectation {
            Expectation::Plan(Ask { origin, user }) => {
                let user_id = &workload.user_id(user);
                let is_repeated = course.stage == Stage::Load && (plan.is_repeated || course.is_together());
                let seen = is_repeated.then(|| seen.entry(origin).or_default());
                let dialect = plan.settings.service.dialect;
                let limit = plan.limit;
                check_plan(dialect, answer, seen, rest, marks, move |marks| {
                    workload.instruments(origin, marks, drawn);
                    Expected { user_id, keys: &workload.keys, asked: drawn, limit }
                })
            }
            Expectation::Stored(plan_id, acknowledged) => {
                let (seen, dialect) = (stored.entry(plan_id).or_default(), plan.settings.service.dialect);
                answer::check_read(check_stored(dialect, plan_id, acknowledged, answer, seen, rest), answer)
            }
            Expectation::Described(plan_id) => check_described(plan_id, answer),
            Expectation::Listed(user) => check_listed(&workload.user_id(user), LIST_LIMIT, answer),
            Expectation::Searched => check_searched(PAGE_SIZE, answer),
            Expectation::Bytes => check_bytes(plan.settings.scenario.raw.answer_bytes, answer),
            Expectation::Profile(step) => {
                let user_id = workload.user_id(number as u32);
                let (checked, made) = check_profile(step, &user_id, life.id(), answer);
                match checked.outcome {
                    RequestOutcome::Failed => life.give_up(),
                    RequestOutcome::Refused => {}
                    _ => life.go_on(made),
                }
                checked
            }
        }
    }
}

/// Returns the first letters of the symbol in a key, which match it and others. Does not split an escape.
fn beginning_of_symbol(key: &str) -> &str {
    let symbol = key.split_once(':').map_or(key, |(_, symbol)| symbol);
    let end = symbol.char_indices().nth(4).map_or(symbol.len(), |(at, _)| at);
    let beginning = &symbol[..end];
    beginning.split('\\').next().unwrap_or_default()
}
