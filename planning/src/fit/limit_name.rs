//! The names of limits.

use crate::capacity::{Limits, ModeFigure, Sourced};
use crate::vocabulary::Mode;

/// A limit that a plan can exceed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LimitName {
    MaxInstruments,
    ModeAlone(Mode),
    ModeMixed(Mode),
    InstrumentsPerAccount,
    Connections,
    InstrumentsPerConnection,
    EndpointInstruments(String),
}

impl std::fmt::Display for LimitName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LimitName::MaxInstruments => f.write_str("max_instruments"),
            LimitName::ModeAlone(mode) => write!(f, "modes.{mode}.alone"),
            LimitName::ModeMixed(mode) => write!(f, "modes.{mode}.mixed"),
            LimitName::InstrumentsPerAccount => f.write_str("instruments_per_account"),
            LimitName::Connections => f.write_str("connections"),
            LimitName::InstrumentsPerConnection => f.write_str("instruments_per_connection"),
            LimitName::EndpointInstruments(endpoint) => write!(f, "endpoints.{endpoint}.instruments_per_connection"),
        }
    }
}

impl LimitName {
    /// Returns the name of a figure of a mode.
    pub(crate) fn of_mode(mode: Mode, figure: ModeFigure) -> LimitName {
        match figure {
            ModeFigure::Alone => LimitName::ModeAlone(mode),
            ModeFigure::Mixed => LimitName::ModeMixed(mode),
        }
    }

    /// Parses the name that [`Display`](std::fmt::Display) writes.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if let Some(rest) = name.strip_prefix("endpoints.") {
            let endpoint = rest.strip_suffix(".instruments_per_connection")?;
            return Some(LimitName::EndpointInstruments(endpoint.to_owned()));
        }
        if let Some((mode, kind)) = name.strip_prefix("modes.").and_then(|rest| rest.split_once('.')) {
            let mode = Mode::parse(mode)?;
            return match kind {
                "alone" => Some(LimitName::ModeAlone(mode)),
                "mixed" => Some(LimitName::ModeMixed(mode)),
                _ => None,
            };
        }
        match name {
            "max_instruments" => Some(LimitName::MaxInstruments),
            "instruments_per_account" => Some(LimitName::InstrumentsPerAccount),
            "connections" => Some(LimitName::Connections),
            "instruments_per_connection" => Some(LimitName::InstrumentsPerConnection),
            _ => None,
        }
    }

    /// Returns the figure of the limit for an account; `None` if the account does not have the limit.
    pub(crate) fn figure<'a>(&self, limits: &'a Limits) -> Option<&'a Sourced<u32>> {
        match self {
            LimitName::MaxInstruments => None,
            LimitName::ModeAlone(mode) => limits.modes.get(mode)?.alone.as_ref(),
            LimitName::ModeMixed(mode) => limits.modes.get(mode)?.mixed.as_ref(),
            LimitName::InstrumentsPerAccount => limits.instruments_per_account.as_ref(),
            LimitName::Connections => Some(&limits.connections),
            LimitName::InstrumentsPerConnection => limits.instruments_per_connection.as_ref(),
            LimitName::EndpointInstruments(endpoint) => limits.endpoints.get(endpoint),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_parsed_from_its_name() {
        let of_modes = Mode::ALL.into_iter().flat_map(|mode| [LimitName::ModeAlone(mode), LimitName::ModeMixed(mode)]);
        let endpoints = ["depth20", "a.b", "alone", ".instruments_per_connection"];
        let of_endpoints = endpoints.map(|endpoint| LimitName::EndpointInstruments(endpoint.to_owned()));
        let others = [
            LimitName::MaxInstruments,
            LimitName::InstrumentsPerAccount,
            LimitName::Connections,
            LimitName::InstrumentsPerConnection,
        ];

        for limit in of_modes.chain(of_endpoints).chain(others) {
            assert_eq!(LimitName::parse(&limit.to_string()), Some(limit));
        }
    }

    #[test]
    fn other_texts_are_not_limits() {
        for text in ["", "Connections", "modes.full", "modes.full.both", "modes.none.alone", "endpoints.depth20"] {
            assert_eq!(LimitName::parse(text), None, "{text}");
        }
    }
}
