//! Scenarios: descriptions of loads, from built-in or other files.

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::args::{Arrivals, RunArgs};
use crate::kind::{Mix, RequestKind};

/// Each connection needs a socket, a task and a buffer in the load test.
const CONNECTIONS_MAX: usize = 4_096;
/// The ledger needs about 100 bytes for each plan, and the schedule of an open loop 8 bytes for each request.
const REQUESTS_MAX: u64 = 20_000_000;
const SECONDS_MAX: u64 = 86_400;
/// More than one machine can send.
const RATE_MAX: u64 = 200_000;
/// The largest number of instruments that the contract allows in a request.
const INSTRUMENTS_MAX: u64 = 5_000;
/// Low enough that the sum of weights cannot overflow.
const WEIGHT_MAX: u64 = 1_000_000;
/// The maximum of the yardstick.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// The pool is in memory, with up to 80 KB for each request.
const POOL_MAX: u64 = 100_000;

const BUILT_IN: [(&str, &str); 11] = [
    ("cold", include_str!("../scenarios/cold.toml")),
    ("warm", include_str!("../scenarios/warm.toml")),
    ("reorder", include_str!("../scenarios/reorder.toml")),
    ("read", include_str!("../scenarios/read.toml")),
    ("mixed", include_str!("../scenarios/mixed.toml")),
    ("burst", include_str!("../scenarios/burst.toml")),
    ("hot-key", include_str!("../scenarios/hot-key.toml")),
    ("search", include_str!("../scenarios/search.toml")),
    ("profiles", include_str!("../scenarios/profiles.toml")),
    ("hello", include_str!("../scenarios/hello.toml")),
    ("echo", include_str!("../scenarios/echo.toml")),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Phase {
    pub(crate) seconds: u64,
    pub(crate) rate: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// Connections, each with one request in flight.
    pub(crate) connections: usize,
    /// Seconds during which requests start.
    pub(crate) seconds: u64,
    pub(crate) requests: u64,
    /// Seconds at the start that are not measured.
    pub(crate) warmup_seconds: u64,
    /// Requests that start in each second. If it is absent, each response is followed by the next request.
    pub(crate) rate: Option<u64>,
    pub(crate) arrivals: Arrivals,
    /// Whether all connections send the same request at the same moment, in rounds.
    pub(crate) together: bool,
    /// Consecutive rates instead of one.
    #[serde(rename = "phase")]
    pub(crate) phases: Vec<Phase>,
    /// Sizes of plans, drawn with equal probability.
    pub(crate) sizes: Vec<usize>,
    /// Distinct users.
    pub(crate) users: u32,
    pub(crate) mix: Mix,
    /// Size of the responses to `hello` and `echo`, bytes.
    pub(crate) answer_bytes: usize,
    /// Distinct requests that `repeat`, `reorder` and `echo` draw from if the mix has no `new`.
    pub(crate) pool: u64,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            name: String::new(),
            connections: 64,
            seconds: 20,
            requests: 1_000_000,
            warmup_seconds: 0,
            rate: None,
            arrivals: Arrivals::Poisson,
            together: false,
            phases: Vec::new(),
            sizes: vec![100],
            users: 100,
            mix: Mix::default(),
            answer_bytes: 6_000,
            pool: 1_000,
        }
    }
}

impl Scenario {
    /// Loads the built-in scenario `name`, or the file with this path.
    pub(crate) fn load(name: &str) -> anyhow::Result<Self> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return Self::parse(name, text);
        }
        let text = std::fs::read_to_string(name).with_context(|| {
            let known = BUILT_IN.map(|(name, _)| name).join(", ");
            format!("unknown scenario `{name}`: expected one of {known}, or a readable file")
        })?;
        Self::parse(name, &text)
    }

    /// Parses a scenario. Figures are not checked yet, because options can replace them.
    fn parse(name: &str, text: &str) -> anyhow::Result<Self> {
        toml::from_str(text).with_context(|| format!("scenario `{name}`"))
    }

    /// Replaces the values for which there is an option.
    pub(crate) fn replace(&mut self, args: &RunArgs) {
        self.connections = args.connections.unwrap_or(self.connections);
        self.seconds = args.seconds.unwrap_or(self.seconds);
        self.requests = args.requests.unwrap_or(self.requests);
        self.warmup_seconds = args.warmup_seconds.unwrap_or(self.warmup_seconds);
        self.users = args.users.unwrap_or(self.users);
        self.answer_bytes = args.answer_bytes.unwrap_or(self.answer_bytes);
        self.pool = args.pool.unwrap_or(self.pool);
        self.arrivals = args.arrivals.unwrap_or(self.arrivals);
        if let Some(sizes) = &args.instruments {
            self.sizes.clone_from(sizes);
        }
        if args.rate.is_some() {
            self.rate = args.rate;
            self.phases.clear();
        }
    }

    /// Checks every figure, and that the parts do not contradict each other.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let within = |field: &str, got: u64, min: u64, max: u64| {
            ensure!((min..=max).contains(&got), "{field}: expected an integer from {min} to {max}, got {got}");
            Ok(())
        };
        within("connections", self.connections as u64, 1, CONNECTIONS_MAX as u64)?;
        within("seconds", self.seconds, 1, SECONDS_MAX)?;
        within("requests", self.requests, 1, REQUESTS_MAX)?;
        within("rate", self.rate.unwrap_or(1), 1, RATE_MAX)?;
        for phase in &self.phases {
            within("phase.seconds", phase.seconds, 1, SECONDS_MAX)?;
            within("phase.rate", phase.rate, 1, RATE_MAX)?;
        }
        for &size in &self.sizes {
            within("sizes", size as u64, 1, INSTRUMENTS_MAX)?;
        }
        within("users", self.users.into(), 1, u32::MAX.into())?;
        for (&kind, &weight) in &self.mix.0 {
            within(&format!("mix.{}", <&str>::from(kind)), weight.into(), 0, WEIGHT_MAX)?;
        }
        within("answer_bytes", self.answer_bytes as u64, 1, ANSWER_BYTES_MAX)?;
        within("pool", self.pool, 1, POOL_MAX)?;
        let (mix, has_phases) = (&self.mix, !self.phases.is_empty());
        ensure!(!self.sizes.is_empty(), "sizes: must not be empty");
        ensure!(mix.total() > 0, "mix: at least one weight must be above 0");
        ensure!(self.rate.is_none() || !has_phases, "rate: cannot be combined with phases, which have their own rates");
        if self.together {
            ensure!(self.rate.is_none() && !has_phases, "together: cannot be combined with a rate or phases");
            let is_new = !mix.has_others_than(&[RequestKind::New]);
            ensure!(is_new, "together: the mix must contain only new plans, because each round creates one");
        }
        ensure!(self.warmup_seconds < self.seconds, "warmup_seconds: must be less than `seconds`");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
