//! Scenarios: descriptions of loads, from built-in or other files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kind::{Kind, Mix};

/// Each connection needs a socket, a task and a buffer in the load test.
pub(crate) const CONNECTIONS_MAX: u64 = 4_096;
/// The ledger needs about 100 bytes for each plan, and the schedule of an open loop 8 bytes for each request.
pub(crate) const REQUESTS_MAX: u64 = 20_000_000;
/// One day.
pub(crate) const SECONDS_MAX: u64 = 86_400;
/// More than one machine can send.
pub(crate) const RATE_MAX: u64 = 200_000;
/// The largest number of instruments that the contract allows in a request.
pub(crate) const INSTRUMENTS_MAX: u64 = 5_000;
/// Low enough that the sum of weights cannot overflow.
pub(crate) const WEIGHT_MAX: u64 = 1_000_000;
/// The maximum of the yardstick.
pub(crate) const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// The pool is in memory, with up to 80 KB for each request.
pub(crate) const POOL_MAX: u64 = 100_000;
/// Far more than the capacity of a cache.
pub(crate) const USERS_MAX: u64 = u32::MAX as u64;

/// The built-in scenarios, in the order of the list command.
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

/// The reason why a scenario is rejected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScenarioError {
    /// No scenario and no file has this name.
    #[error("unknown scenario `{name}`: expected one of {known}, or a readable file: {source}")]
    Unknown {
        /// The requested name.
        name: String,
        /// The names of the built-in scenarios.
        known: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is not TOML, or has other fields.
    #[error("scenario `{name}`: {reason}")]
    Malformed {
        /// The name or path.
        name: String,
        /// The cause and its position.
        reason: String,
    },
    /// A figure is out of its range.
    #[error("scenario `{name}`: {field}: expected an integer from {min} to {max}, got {got}")]
    OutOfRange {
        /// The name or path.
        name: String,
        /// The field.
        field: String,
        /// The actual figure.
        got: u64,
        /// The minimum.
        min: u64,
        /// The maximum.
        max: u64,
    },
    /// A part of the scenario is empty, or contradicts another.
    #[error("scenario `{name}`: {field}: {reason}")]
    Contradiction {
        /// The name or path.
        name: String,
        /// The field.
        field: &'static str,
        /// The cause.
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

/// A period with its own rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Phase {
    /// The duration.
    pub(crate) seconds: u64,
    /// Requests that start in each second.
    pub(crate) rate: u64,
}

/// The plans that are requested.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Plans {
    /// Sizes of plans, drawn with equal probability.
    pub(crate) sizes: Vec<u64>,
    /// Distinct users.
    pub(crate) users: u64,
}

impl Default for Plans {
    fn default() -> Self {
        Self { sizes: vec![100], users: 100 }
    }
}

/// The requests to the raw endpoints of the yardstick, and the size of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Raw {
    /// Size of the responses to `hello` and `echo`, bytes.
    pub(crate) answer_bytes: u64,
    /// Distinct requests that `repeat`, `reorder` and `echo` draw from if the mix has no `new`.
    pub(crate) pool: u64,
}

impl Default for Raw {
    fn default() -> Self {
        Self { answer_bytes: 6_000, pool: 1_000 }
    }
}

/// The scenario of a file, before it is checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// The name.
    pub(crate) name: String,
    /// The purpose in one line.
    pub(crate) about: String,
    /// Connections, each with one request in flight.
    #[serde(default = "defaults::connections")]
    pub(crate) connections: u64,
    /// Seconds during which requests start.
    #[serde(default = "defaults::seconds")]
    pub(crate) seconds: u64,
    /// Maximum number of requests.
    #[serde(default = "defaults::requests")]
    pub(crate) requests: u64,
    /// Seconds at the start that are not measured.
    #[serde(default)]
    pub(crate) warmup_seconds: u64,
    /// Requests that start in each second. If it is absent, each response is followed by the next request.
    pub(crate) rate: Option<u64>,
    /// The distribution of the requests in time.
    #[serde(default = "defaults::arrivals")]
    pub(crate) arrivals: Arrivals,
    /// Whether all connections send the same request at the same moment, in rounds.
    #[serde(default)]
    pub(crate) together: bool,
    /// Consecutive rates instead of one.
    #[serde(default, rename = "phase")]
    pub(crate) phases: Vec<Phase>,
    /// The plans that are requested.
    #[serde(default)]
    pub(crate) plans: Plans,
    mix: BTreeMap<Kind, u64>,
    /// The raw requests and the pool.
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
    /// Loads the built-in scenario `name`, or the file with this path.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`], with the field if there is one.
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

    /// Returns every built-in scenario.
    pub(crate) fn built_in() -> impl Iterator<Item = Self> {
        BUILT_IN.iter().map(|(name, text)| Self::parse(name, text).expect("the built-in scenarios are read by a test"))
    }

    /// Parses a scenario. Figures are not checked yet, because options can replace them.
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

    /// Checks every figure, and that the parts do not contradict each other. `name` is the requested name.
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
