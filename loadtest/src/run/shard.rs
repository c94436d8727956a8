//! The requests and results of one thread.

use std::time::Instant;

use foldhash::HashMap;

use super::Plan;
use super::course::{Course, Stage};
use crate::answer::{
    self, CheckResult, ExpectedPlan, RequestOutcome, Seen, check_bytes, check_described, check_listed, check_plan,
    check_profile, check_searched, check_stored,
};
use crate::args::Dialect;
use crate::fault::Fault;
use crate::keys::Marks;
use crate::kind::RequestKind;
use crate::ledger::{Acknowledgement, Ledger};
use crate::plan_id::PlanId;
use crate::profile::{self, Life, Step};
use crate::settings::Service;
use crate::site::{INSTRUMENTS, PLANS, PROFILES};
use crate::tally::{Measurement, Tally};
use crate::wire::Answer;
use crate::workload::PlanRequest;

/// The number of plans in the page of a list.
const LIST_LIMIT: usize = 50;
/// The number of instruments in a page of a search.
const PAGE_SIZE: usize = 20;

/// A request that is ready to be sent.
#[derive(Debug)]
pub(crate) struct PreparedRequest<'a> {
    /// The kind under which it is counted.
    kind: RequestKind,
    /// Its bytes, if they were rendered before the run. Otherwise they are in the buffer of the caller.
    pub(crate) rendered: Option<&'a [u8]>,
    expectation: Expectation,
}

#[derive(Clone, Copy, Debug)]
enum Expectation {
    Plan(PlanRequest),
    /// A stored plan, and its acknowledgement if it is known.
    Stored(PlanId, Option<Acknowledgement>),
    Described(PlanId),
    Listed(u32),
    Searched,
    Profile(Step),
    Bytes,
}

#[derive(Debug)]
pub(crate) struct Shard<'a> {
    plan: &'a Plan,
    course: &'a Course,
    measured_from: Instant,
    pub(crate) tally: Tally,
    pub(crate) ledger: Ledger,
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

impl<'a> Shard<'a> {
    pub(crate) fn new(plan: &'a Plan, course: &'a Course) -> Self {
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

    /// Prepares request `index` of caller `number`, in `out` unless its bytes are already rendered.
    pub(crate) fn prepare(&mut self, index: u64, number: usize, life: &Life, out: &mut Vec<u8>) -> PreparedRequest<'a> {
        let plan = self.plan;
        let Plan { workload, service: Service { site, .. }, echoes, .. } = plan;
        if self.course.stage == Stage::Pool || self.course.is_together() {
            return self.plan_request(RequestKind::New, index, workload.plan_request_of(index), out);
        }
        let kind = workload.kind(index);
        let own = |expectation| PreparedRequest { kind, rendered: None, expectation };
        let bytes = workload.scenario.answer_bytes;
        match kind {
            RequestKind::New | RequestKind::Repeat | RequestKind::Reorder => {
                self.plan_request(kind, index, workload.plan_request(index), out)
            }
            RequestKind::Read | RequestKind::Describe => match self.known_plan(index) {
                Some((plan_id, acknowledged)) if kind == RequestKind::Read => {
                    site.read_plan(plan_id, out);
                    own(Expectation::Stored(plan_id, acknowledged))
                }
                Some((plan_id, _)) => {
                    let path = format_args!("{PLANS}/plan/{plan_id}/describe");
                    site.send("POST", path, br#"{"description_level":"detailed"}"#, out);
                    own(Expectation::Described(plan_id))
                }
                // There is no plan to read yet, so one is created.
                None if workload.has_new() => {
                    self.plan_request(RequestKind::New, index, workload.plan_request_of(index), out)
                }
                None => self.plan_request(RequestKind::Repeat, index, workload.plan_request(index), out),
            },
            RequestKind::List => {
                let user = workload.choice(index, workload.scenario.users as usize) as u32;
                let user_id = workload.user_id(user);
                site.bare("GET", format_args!("{PLANS}/plans?user_id={user_id}&limit={LIST_LIMIT}"), out);
                own(Expectation::Listed(user))
            }
            RequestKind::Search => {
                let key = workload.keys.escaped(workload.choice(index, workload.keys.len()) as u32);
                let query = beginning_of_symbol(std::str::from_utf8(key).unwrap_or_default());
                let path = format_args!("{INSTRUMENTS}/search?page=1&page_size={PAGE_SIZE}");
                site.send("POST", path, format!(r#"{{"query":"{query}"}}"#).as_bytes(), out);
                own(Expectation::Searched)
            }
            RequestKind::Profile => {
                self.profile_request(number, life, out);
                own(Expectation::Profile(life.step()))
            }
            RequestKind::Hello => {
                site.bare("GET", format_args!("/hello?n={bytes}"), out);
                own(Expectation::Bytes)
            }
            RequestKind::Echo => {
                let rendered = Some(&*echoes[workload.choice(index, echoes.len())]);
                PreparedRequest { kind, rendered, expectation: Expectation::Bytes }
            }
        }
    }

    /// Checks the response to a request, which started or was due at `begun`, and counts it.
    pub(crate) fn record_answer(
        &mut self,
        request: &PreparedRequest<'_>,
        number: usize,
        life: &mut Life,
        answer: Result<Answer<'_>, Fault>,
        begun: Instant,
    ) {
        let ended = Instant::now();
        let &PreparedRequest { kind, expectation, .. } = request;
        let is_answered = answer.is_ok();
        let answer_bytes = answer.as_ref().map_or(0, |answer| answer.body.len());
        let CheckResult { mut outcome, acknowledgement, fault } = match answer {
            Ok(answer) => self.check(&expectation, number, life, &answer),
            Err(fault) => CheckResult::failed(fault),
        };
        if let Some(fault) = fault {
            self.tally.faults.add(&fault);
        }
        // The yardstick does not report the difference, and its cache exists for repeats.
        let is_yardstick = self.plan.service.dialect == Dialect::Yardstick;
        if is_yardstick && outcome == RequestOutcome::Created && kind != RequestKind::New {
            outcome = RequestOutcome::Cached;
        }
        if let (Expectation::Plan(PlanRequest { origin, .. }), Some(acknowledgement)) = (expectation, acknowledgement) {
            let before = self.ledger.len();
            if let Err(fault) = self.ledger.record(origin, acknowledgement) {
                outcome = RequestOutcome::Failed;
                self.tally.faults.add(&fault);
            }
            if self.ledger.len() > before {
                self.acknowledged.push(acknowledgement);
            }
        }
        if self.course.stage == Stage::Load && begun >= self.measured_from {
            let since = |moment: Instant| moment.saturating_duration_since(self.measured_from);
            let (begun, ended) = (since(begun), since(ended));
            self.tally.record(&Measurement { kind, outcome, is_answered, answer_bytes, begun, ended });
        }
    }

    fn plan_request(
        &mut self,
        kind: RequestKind,
        index: u64,
        request: PlanRequest,
        out: &mut Vec<u8>,
    ) -> PreparedRequest<'a> {
        let expectation = Expectation::Plan(request);
        let plan = self.plan;
        let rendered =
            plan.pool.get(request.origin as usize).filter(|_| kind != RequestKind::Reorder).map(|bytes| &**bytes);
        if rendered.is_none() {
            let (Self { marks, drawn, body, .. }, workload) = (self, &plan.workload);
            workload.instruments(request.origin, marks, drawn);
            if kind == RequestKind::Reorder {
                workload.reorder(index, drawn);
            }
            body.clear();
            workload.write_body(request, drawn, body);
            plan.service.site.create_plan(&workload.user_id(request.user), body, out);
        }
        PreparedRequest { kind, rendered, expectation }
    }

    /// Returns the plan for request `index` to read: the next of the given ids, or else any acknowledged plan.
    fn known_plan(&self, index: u64) -> Option<(PlanId, Option<Acknowledgement>)> {
        let Plan { ids, acknowledged, workload, .. } = self.plan;
        if let Some(named) = (index as usize).checked_rem(ids.len()) {
            return Some((ids[named], None));
        }
        let count = acknowledged.len() + self.acknowledged.len();
        let place = workload.choice(index, count);
        let known = *acknowledged.get(place).or_else(|| self.acknowledged.get(place - acknowledged.len()))?;
        Some((known.plan_id, Some(known)))
    }

    fn profile_request(&mut self, number: usize, life: &Life, out: &mut Vec<u8>) {
        let Self { plan: Plan { service: Service { site, .. }, workload, .. }, marks, drawn, body, .. } = self;
        let user_id = workload.user_id(number as u32);
        let id = life.id().unwrap_or_default();
        match life.step() {
            Step::Create => {
                workload.instruments(number as u64, marks, drawn);
                drawn.truncate(profile::INSTRUMENTS_MAX);
                profile::write_creation(&user_id, &workload.keys, drawn, body);
                site.send("POST", format_args!("{PROFILES}/"), body, out);
            }
            Step::Read => site.bare("GET", format_args!("{PROFILES}/{id}"), out),
            Step::Change => {
                let change = br#"{"profile_name":"Load test, changed"}"#;
                site.send("PUT", format_args!("{PROFILES}/{id}"), change, out);
            }
            Step::List => {
                let path = format_args!("{PROFILES}/users/{user_id}/profiles?is_active=true&limit=100");
                site.bare("GET", path, out);
            }
            Step::Deactivate => site.bare("DELETE", format_args!("{PROFILES}/{id}"), out),
        }
    }

    fn check(&mut self, expectation: &Expectation, number: usize, life: &mut Life, answer: &Answer<'_>) -> CheckResult {
        let Self { plan, course, seen, stored, marks, drawn, rest, .. } = self;
        let workload = &plan.workload;
        match *expectation {
            Expectation::Plan(PlanRequest { origin, user }) => {
                let user_id = &workload.user_id(user);
                let is_repeated = course.stage == Stage::Load && (plan.is_repeated || course.is_together());
                let seen = is_repeated.then(|| seen.entry(origin).or_default());
                let dialect = plan.service.dialect;
                let limit = plan.limit;
                check_plan(dialect, answer, seen, rest, marks, move |marks| {
                    workload.instruments(origin, marks, drawn);
                    ExpectedPlan { user_id, keys: &workload.keys, requested: drawn, limit }
                })
            }
            Expectation::Stored(plan_id, acknowledged) => {
                let (seen, dialect) = (stored.entry(plan_id).or_default(), plan.service.dialect);
                answer::check_read(check_stored(dialect, plan_id, acknowledged, answer, seen, rest), answer)
            }
            Expectation::Described(plan_id) => check_described(plan_id, answer),
            Expectation::Listed(user) => check_listed(&workload.user_id(user), LIST_LIMIT, answer),
            Expectation::Searched => check_searched(PAGE_SIZE, answer),
            Expectation::Bytes => check_bytes(plan.workload.scenario.answer_bytes, answer),
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
