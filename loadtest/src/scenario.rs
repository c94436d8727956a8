//! Scenarios: what load is made of, from files that are built in or given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kind::{Kind, Mix};

/// Each connection is a socket, a task and a buffer on this side.
pub(crate) const CONNECTIONS_MAX: u64 = 4_096;
/// The ledger keeps about a hundred bytes for each plan, and the schedule of an open loop eight for each request.
pub(crate) const REQUESTS_MAX: u64 = 20_000_000;
/// One day.
pub(crate) const SECONDS_MAX: u64 = 86_400;
/// Beyond what one machine can send.
pub(crate) const RATE_MAX: u64 = 200_000;
/// The largest number of instruments that the contract allows in a request.
pub(crate) const INSTRUMENTS_MAX: u64 = 5_000;
/// Weights are small numbers; this keeps their sum far from overflowing.
pub(crate) const WEIGHT_MAX: u64 = 1_000_000;
/// The yardstick answers no more.
pub(crate) const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// The pool is kept in memory, up to some 80 KB for each request.
pub(crate) const POOL_MAX: u64 = 100_000;
/// Far more than a cache has room for.
pub(crate) const USERS_MAX: u64 = u32::MAX as u64;

/// The scenarios that are built in, in the order in which they are listed.
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

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScenarioError {
    /// There is no such scenario and no such file.
    #[error("unknown scenario `{name}`: expected one of {known}, or a readable file: {source}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file is not TOML, or has other fields.
    #[error("scenario `{name}`: {reason}")]
    Malformed {
        /// The name or path.
        name: String,
        /// What is wrong and where.
        reason: String,
    },
    /// A figure is out of its range.
    #[error("scenario `{name}`: {field}: expected an integer from {min} to {max}, got {got}")]
    OutOfRange {
        /// The name or path.
        name: String,
        /// The field.
        field: String,
        /// What it says.
        got: u64,
        /// The least it may say.
        min: u64,
        /// The most it may say.
        max: u64,
    },
    /// A part of the scenario says nothing, or contradicts another.
    #[error("scenario `{name}`: {field}: {reason}")]
    Contradiction {
        /// The name or path.
        name: String,
        /// The field.
        field: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
}

/// How the requests of an open loop are spread in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Arrivals {
    /// At equal intervals.
    Constant,
    /// At random intervals, like many independent callers.
    Poisson,
}

/// A time with a rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Phase {
    /// How long it lasts.
    pub(crate) seconds: u64,
    /// Requests that are begun in each second of it.
    pub(crate) rate: u64,
}

/// Which plans are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Plans {
    /// Instruments of a plan, drawn evenly from these.
    pub(crate) sizes: Vec<u64>,
    /// Distinct users.
    pub(crate) users: u64,
}

impl Default for Plans {
    fn default() -> Self {
        Self { sizes: vec![100], users: 100 }
    }
}

/// What is sent to the raw ends of the yardstick, and how many requests are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Raw {
    /// Bytes that `hello` and `echo` ask for.
    pub(crate) answer_bytes: u64,
    /// Distinct requests that `repeat`, `reorder` and `echo` draw from where the mix has no `new`.
    pub(crate) pool: u64,
}

impl Default for Raw {
    fn default() -> Self {
        Self { answer_bytes: 6_000, pool: 1_000 }
    }
}

/// A scenario as its file has it, before it is checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What it is called.
    pub(crate) name: String,
    /// What it is for, in a line.
    pub(crate) about: String,
    /// Connections, each with one request under way.
    #[serde(default = "defaults::connections")]
    pub(crate) connections: u64,
    /// Seconds for which requests are begun.
    #[serde(default = "defaults::seconds")]
    pub(crate) seconds: u64,
    /// Requests that are sent at most.
    #[serde(default = "defaults::requests")]
    pub(crate) requests: u64,
    /// Seconds at the beginning that are not measured.
    #[serde(default)]
    pub(crate) warmup_seconds: u64,
    /// Requests that are begun each second; as fast as they are answered where absent.
    pub(crate) rate: Option<u64>,
    /// How they are spread.
    #[serde(default = "defaults::arrivals")]
    pub(crate) arrivals: Arrivals,
    /// All connections are released at one moment with one and the same request, again and again with another.
    #[serde(default)]
    pub(crate) together: bool,
    /// Rates that follow each other, in place of one.
    #[serde(default, rename = "phase")]
    pub(crate) phases: Vec<Phase>,
    /// Which plans are asked for.
    #[serde(default)]
    pub(crate) plans: Plans,
    mix: BTreeMap<Kind, u64>,
    /// What is sent to the raw ends, and the pool.
    #[serde(default)]
    pub(crate) raw: Raw,
}

mod defaults {
    use super::Arrivals;

    pub(super) fn connections() -> u64 {
        64
    }
    pub(super) fn seconds() -> u64 {
        20
    }
    pub(super) fn requests() -> u64 {
        1_000_000
    }
    pub(super) fn arrivals() -> Arrivals {
        Arrivals::Poisson
    }
}

impl Scenario {
    /// The built-in scenario called `name`, or the one in the file at that path.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`], with the field where there is one.
    pub(crate) fn load(name: &str) -> Result<Self, ScenarioError> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return Self::parse(name, text);
        }
        let text = std::fs::read_to_string(name).map_err(|source| ScenarioError::Unknown {
            name: name.to_owned(),
            known: BUILT_IN.map(|(name, _)| name).join(", "),
            source,
        })?;
        Self::parse(name, &text)
    }

    /// Every built-in scenario.
    pub(crate) fn built_in() -> impl Iterator<Item = Self> {
        BUILT_IN.iter().map(|(name, text)| Self::parse(name, text).expect("the built-in scenarios are read by a test"))
    }

    /// Reads a scenario; figures are not checked yet, since options may replace them.
    ///
    /// # Errors
    ///
    /// [`ScenarioError::Malformed`].
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        toml::from_str(text).map_err(|error| ScenarioError::Malformed {
            name: name.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })
    }

    /// Returns the weights of the mix.
    pub(crate) fn mix(&self) -> Mix {
        Mix::new(self.mix.iter().map(|(&kind, &weight)| (kind, u32::try_from(weight).unwrap_or(u32::MAX))))
    }

    /// Checks every figure and that the parts fit each other. `name` is what the scenario was called by.
    ///
    /// # Errors
    ///
    /// The first [`ScenarioError`].
    pub(crate) fn check(&self, name: &str) -> Result<(), ScenarioError> {
        let within = |field: &str, got: u64, min: u64, max: u64| {
            let error = || ScenarioError::OutOfRange { name: name.into(), field: field.into(), got, min, max };
            (min..=max).contains(&got).then_some(()).ok_or_else(error)
        };
        let contradiction = |field, reason| Err(ScenarioError::Contradiction { name: name.to_owned(), field, reason });
        within("connections", self.connections, 1, CONNECTIONS_MAX)?;
        within("seconds", self.seconds, 1, SECONDS_MAX)?;
        within("requests", self.requests, 1, REQUESTS_MAX)?;
        if let Some(rate) = self.rate {
            within("rate", rate, 1, RATE_MAX)?;
        }
        for phase in &self.phases {
            within("phase.seconds", phase.seconds, 1, SECONDS_MAX)?;
            within("phase.rate", phase.rate, 1, RATE_MAX)?;
        }
        for &size in &self.plans.sizes {
            within("plans.sizes", size, 1, INSTRUMENTS_MAX)?;
        }
        within("plans.users", self.plans.users, 1, USERS_MAX)?;
        for (kind, &weight) in &self.mix {
            within(&format!("mix.{}", Kind::ALL[*kind as usize].as_str()), weight, 0, WEIGHT_MAX)?;
        }
        within("raw.answer_bytes", self.raw.answer_bytes, 1, ANSWER_BYTES_MAX)?;
        within("raw.pool", self.raw.pool, 1, POOL_MAX)?;
        if self.plans.sizes.is_empty() {
            return contradiction("plans.sizes", "must not be empty");
        }
        if self.mix().total() == 0 {
            return contradiction("mix", "at least one weight must be above 0");
        }
        if self.rate.is_some() && !self.phases.is_empty() {
            return contradiction("rate", "cannot be combined with phases, which have their own rates");
        }
        if self.together && (self.rate.is_some() || !self.phases.is_empty()) {
            return contradiction("together", "cannot be combined with a rate or phases");
        }
        if self.together && self.mix.iter().any(|(kind, weight)| *kind != Kind::New && *weight > 0) {
            return contradiction("together", "the mix must contain only new plans, because each round creates one");
        }
        if self.warmup_seconds >= self.seconds {
            return contradiction("warmup_seconds", "must be less than `seconds`");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
