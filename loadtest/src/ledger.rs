//! The plans that the registry has acknowledged, with digests of their contents.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};

use anyhow::Context;
use foldhash::HashMap;
use sha2::{Digest as _, Sha256};

use crate::fault::Fault;
use crate::plan_id::{PlanId, hex_digits};

/// The first half of a SHA-256 over a plan's instruments in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest(u128);

impl Digest {
    pub(crate) fn of<K: AsRef<str>>(instruments: &[K]) -> Self {
        let mut hasher = Sha256::new();
        for key in instruments {
            // The length comes first, so that different lists cannot have the same bytes.
            hasher.update((key.as_ref().len() as u64).to_le_bytes());
            hasher.update(key.as_ref());
        }
        Digest(u128::from_be_bytes(*hasher.finalize().first_chunk().expect("a SHA-256 has 32 bytes")))
    }

    /// Returns the first eight bytes.
    pub(crate) fn beginning(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// Parses 32 lowercase hex digits. Returns `None` if the text has another form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        hex_digits(text, 32).map(Digest)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The registry's acknowledgement of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    pub(crate) plan_id: PlanId,
    pub(crate) digest: Digest,
    /// A hash of its other fields, to compare two responses with the same plan. `None` if they were not read.
    pub(crate) fields: Option<u64>,
}

impl Acknowledgement {
    /// Whether `other`, of the same plan, has different contents.
    pub(crate) fn differs(self, other: Acknowledgement) -> bool {
        let both = self.fields.zip(other.fields);
        self.digest != other.digest || both.is_some_and(|(mine, theirs)| mine != theirs)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (plan_id, digest) = (PlanId::parse(words.next()?)?, Digest::parse(words.next()?)?);
        let fields = match words.next() {
            // 16 hex digits are 64 bits.
            Some(word) => Some(hex_digits(word, 16)? as u64),
            None => None,
        };
        words.next().is_none().then_some(Self { plan_id, digest, fields })
    }
}

/// Every acknowledged plan, and the plans in the responses to each distinct request.
///
/// Invariant: a plan keeps the digest of its first acknowledgement.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    plans: HashMap<PlanId, Acknowledgement>,
    /// The first plan of each request. All others are in `replanned`.
    answered: HashMap<u64, PlanId>,
    replanned: BTreeSet<(u64, PlanId)>,
}

impl Ledger {
    /// Records an acknowledgement in the response to the request `origin`.
    pub(crate) fn record(&mut self, origin: u64, acknowledgement: Acknowledgement) -> Result<(), Fault> {
        self.answer(origin, acknowledgement.plan_id);
        self.enter(acknowledgement)
    }

    /// Writes a line for each plan: its id, the digest of its instruments and, if they were read, the hash of its other
    /// fields.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for Acknowledgement { plan_id, digest, fields } in self.acknowledgements() {
            write!(out, "{plan_id} {digest}")?;
            match fields {
                Some(fields) => writeln!(out, " {fields:016x}")?,
                None => writeln!(out)?,
            }
        }
        out.flush()
    }

    /// Reads the plans of a ledger that [`Ledger::write`] wrote. It does not contain their requests.
    pub(crate) fn read(text: &str) -> anyhow::Result<Self> {
        let mut ledger = Ledger::default();
        for (index, line) in text.lines().enumerate() {
            let plan = Acknowledgement::parse(line).with_context(|| {
                let number = index + 1;
                format!("line {number}: expected a plan id, a digest of 32 hex digits and optionally a hash of 16")
            })?;
            ledger.plans.insert(plan.plan_id, plan);
        }
        Ok(ledger)
    }

    /// Returns the number of distinct plans.
    pub(crate) fn len(&self) -> usize {
        self.plans.len()
    }

    /// Returns the number of plans for requests that already had another plan.
    pub(crate) fn replanned(&self) -> u64 {
        self.replanned.len() as u64
    }

    /// Adds the contents of `other` as [`Ledger::record`] does, and returns a fault for each contradiction.
    pub(crate) fn merge(&mut self, other: Ledger) -> Vec<Fault> {
        for (origin, plan_id) in other.answered.into_iter().chain(other.replanned) {
            self.answer(origin, plan_id);
        }
        other.plans.into_values().filter_map(|plan| self.enter(plan).err()).collect()
    }

    /// Records the plan in a response. A cache can evict a plan, so another plan for the same request is counted, but
    /// it is not a fault.
    fn answer(&mut self, origin: u64, plan_id: PlanId) {
        if *self.answered.entry(origin).or_insert(plan_id) != plan_id {
            self.replanned.insert((origin, plan_id));
        }
    }

    fn enter(&mut self, plan: Acknowledgement) -> Result<(), Fault> {
        let plan_id = plan.plan_id;
        let known = self.plans.entry(plan_id).or_insert(plan);
        known.fields = known.fields.or(plan.fields);
        let fault =
            || Fault::new("changed", format!("plan `{plan_id}` was acknowledged twice with different contents"));
        if known.differs(plan) { Err(fault()) } else { Ok(()) }
    }

    /// Returns a fault for each request with more than one plan.
    pub(crate) fn several_plans(&self) -> impl Iterator<Item = Fault> {
        self.replanned.iter().map(|(origin, other)| {
            let first = self.answered[origin];
            let message = format!("identical concurrent requests got two plans, `{first}` and `{other}`");
            Fault::new("several_plans", message)
        })
    }

    /// Returns every plan, ordered by id, which for a UUID v7 is the order of creation.
    pub(crate) fn acknowledgements(&self) -> Vec<Acknowledgement> {
        let mut all: Vec<_> = self.plans.values().copied().collect();
        all.sort_unstable_by_key(|plan| plan.plan_id);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acknowledgement(number: u128, instruments: &[&str]) -> Acknowledgement {
        Acknowledgement { plan_id: PlanId::of(number), digest: Digest::of(instruments), fields: None }
    }

    #[test]
    fn a_digest_tells_order_and_boundaries_apart() {
        assert_eq!(Digest::of(&["NSE:A", "NSE:B"]), Digest::of(&["NSE:A", "NSE:B"]));
        assert_ne!(Digest::of(&["NSE:A", "NSE:B"]), Digest::of(&["NSE:B", "NSE:A"]));
        assert_ne!(Digest::of(&["NSE:A", "B"]), Digest::of(&["NSE:AB"]));
        assert_ne!(Digest::of::<&str>(&[]), Digest::of(&[""]));
    }

    #[test]
    fn a_repeat_with_the_same_plan_adds_nothing() {
        let mut ledger = Ledger::default();

        ledger.record(0, acknowledgement(1, &["NSE:A"])).expect("new");
        ledger.record(0, acknowledgement(1, &["NSE:A"])).expect("the same");

        assert_eq!(ledger.len(), 1);
        assert_eq!(ledger.replanned(), 0);
    }

    #[test]
    fn a_second_plan_for_a_request_is_counted_and_kept() {
        let mut ledger = Ledger::default();

        ledger.record(0, acknowledgement(1, &["NSE:A"])).expect("new");
        ledger.record(0, acknowledgement(2, &["NSE:A"])).expect("planned again");
        ledger.record(0, acknowledgement(1, &["NSE:A"])).expect("a late response with the first plan");

        assert_eq!(ledger.replanned(), 1);
        assert_eq!(ledger.acknowledgements(), [acknowledgement(1, &["NSE:A"]), acknowledgement(2, &["NSE:A"])]);
    }

    #[test]
    fn two_requests_may_share_a_plan() {
        let mut ledger = Ledger::default();

        ledger.record(0, acknowledgement(1, &["NSE:A"])).expect("new");
        ledger.record(7, acknowledgement(1, &["NSE:A"])).expect("the same set in another order");

        assert_eq!(ledger.len(), 1);
        assert_eq!(ledger.replanned(), 0);
    }

    #[test]
    fn changed_instruments_are_a_fault_and_the_first_digest_stays() {
        let mut ledger = Ledger::default();
        ledger.record(0, acknowledgement(1, &["NSE:A"])).expect("new");

        let outcome = ledger.record(0, acknowledgement(1, &["NSE:B"]));

        assert_eq!(outcome.expect_err("it differs").kind, "changed");
        assert_eq!(ledger.acknowledgements(), [acknowledgement(1, &["NSE:A"])]);
    }

    #[test]
    fn another_changed_field_is_a_fault_also_after_a_merge() {
        let with = |fields| Acknowledgement { fields, ..acknowledgement(1, &["NSE:A"]) };
        let (mut ledger, mut other) = (Ledger::default(), Ledger::default());
        ledger.record(0, acknowledgement(1, &["NSE:A"])).expect("new");
        ledger.record(0, with(Some(7))).expect("the hash is added");

        assert_eq!(ledger.record(0, with(Some(8))).expect_err("it differs").kind, "changed");
        other.record(0, with(Some(9))).expect("new there");
        let kinds: Vec<_> = ledger.merge(other).into_iter().map(|fault| fault.kind).collect();
        assert_eq!(kinds, ["changed"]);
    }

    #[test]
    fn merging_counts_the_plans_of_one_request() {
        let (mut ledger, mut other) = (Ledger::default(), Ledger::default());
        ledger.record(0, acknowledgement(1, &["NSE:A"])).expect("new");
        ledger.record(5, acknowledgement(3, &["NSE:C"])).expect("new");
        other.record(0, acknowledgement(2, &["NSE:A"])).expect("new there");
        other.record(5, acknowledgement(3, &["NSE:C"])).expect("new there");

        assert_eq!(ledger.merge(other), []);

        assert_eq!(ledger.len(), 3);
        assert_eq!(ledger.replanned(), 1);
        let several: Vec<_> = ledger.several_plans().map(|fault| fault.kind).collect();
        assert_eq!(several, ["several_plans"]);
    }

    #[test]
    fn a_ledger_survives_being_written_and_read() {
        let mut ledger = Ledger::default();
        ledger.record(0, acknowledgement(2, &["NSE:A"])).expect("new");
        let read_in_full = Acknowledgement { fields: Some(u64::MAX - 1), ..acknowledgement(1, &[]) };
        ledger.record(1, read_in_full).expect("new");
        let mut file = Vec::new();

        ledger.write(&mut file).expect("memory can be written");

        let text = String::from_utf8(file).expect("it is text");
        assert_eq!(text.lines().count(), 2);
        let read = Ledger::read(&text).expect("it is ours");
        assert_eq!(read.acknowledgements(), ledger.acknowledgements());
        let line = format!("{} {}", PlanId::of(3), Digest::of(&["NSE:A"]));
        for bad in ["plan_2 1".to_owned(), format!("{line} 1"), format!("{line} {:016x} 1", 7), format!("{line} ")] {
            let message = Ledger::read(&format!("{text}{bad}\n")).expect_err("a bad line").to_string();
            assert!(message.starts_with("line 3: "), "{bad}: {message}");
        }
        assert_eq!(Ledger::read(&format!("{text}{line}\n")).expect("it is ours").len(), 3);
    }
}
