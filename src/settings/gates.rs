//! The gates that a broker's file must pass before it replaces the last one.

use registry_planning::ingest::gate::{GateSettings, Share};

use super::Reader;

const FIRST_ROWS_MIN: &str = "INSTRUMENT_REGISTRY_GATE_FIRST_ROWS_MIN";
const ROWS_FEWER_MAX: &str = "INSTRUMENT_REGISTRY_GATE_ROWS_FEWER_MAX_PERCENT";
const ROWS_MORE_MAX: &str = "INSTRUMENT_REGISTRY_GATE_ROWS_MORE_MAX_PERCENT";
const REJECTED_MAX: &str = "INSTRUMENT_REGISTRY_GATE_REJECTED_MAX_PERCENT";
const LOTS_CHANGED_MAX: &str = "INSTRUMENT_REGISTRY_GATE_LOTS_CHANGED_MAX_PERCENT";
const EXPIRIES_MOVED_MAX: &str = "INSTRUMENT_REGISTRY_GATE_EXPIRIES_MOVED_MAX_PERCENT";

/// Many times the number of rows of any broker's file.
const ROWS_MAX: u64 = 10_000_000;

impl Reader<'_> {
    pub(super) fn gates(&mut self) -> GateSettings {
        let built_in = GateSettings::default();
        GateSettings {
            first_rows_min: self.parsed(
                FIRST_ROWS_MIN,
                built_in.first_rows_min,
                "an integer from 1 to 10000000 (rows)",
                |text| text.parse().ok().filter(|rows| (1..=ROWS_MAX).contains(rows)),
            ),
            rows_fewer_max: self.share(ROWS_FEWER_MAX, built_in.rows_fewer_max),
            // The new file may have several times as many rows as the last one.
            rows_more_max: self.parsed(
                ROWS_MORE_MAX,
                built_in.rows_more_max,
                "a number from 0 to 1000 (percent, at most 2 decimals)",
                Share::parse,
            ),
            rejected_max: self.share(REJECTED_MAX, built_in.rejected_max),
            lots_changed_max: self.share(LOTS_CHANGED_MAX, built_in.lots_changed_max),
            expiries_moved_max: self.share(EXPIRIES_MOVED_MAX, built_in.expiries_moved_max),
        }
    }

    /// Reads a share of a whole.
    fn share(&mut self, key: &str, default: Share) -> Share {
        self.parsed(key, default, "a number from 0 to 100 (percent, at most 2 decimals)", |text| {
            Share::parse(text).filter(|share| *share <= Share::percent(100))
        })
    }
}

/// Returns every setting with its value.
pub(super) fn values(gates: &GateSettings) -> [(&'static str, String); 6] {
    [
        (FIRST_ROWS_MIN, gates.first_rows_min.to_string()),
        (ROWS_FEWER_MAX, gates.rows_fewer_max.to_string()),
        (ROWS_MORE_MAX, gates.rows_more_max.to_string()),
        (REJECTED_MAX, gates.rejected_max.to_string()),
        (LOTS_CHANGED_MAX, gates.lots_changed_max.to_string()),
        (EXPIRIES_MOVED_MAX, gates.expiries_moved_max.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ProcessSettings, SettingsFaults};

    fn read_settings(pairs: &[(&str, &str)]) -> Result<GateSettings, SettingsFaults> {
        let variable = |key: &str| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
        ProcessSettings::read(variable).map(|settings| settings.gates)
    }

    #[test]
    fn every_gate_has_its_variable() {
        let all = values(&GateSettings::default()).map(|(key, _)| (key, "7"));

        let gates = read_settings(&all).unwrap();

        let seven = Share::percent(7);
        let expected = GateSettings {
            first_rows_min: 7,
            rows_fewer_max: seven,
            rows_more_max: seven,
            rejected_max: seven,
            lots_changed_max: seven,
            expiries_moved_max: seven,
        };
        assert_eq!(gates, expected);
        assert_eq!(read_settings(&[]).unwrap(), GateSettings::default());
        assert_eq!(read_settings(&[(REJECTED_MAX, "0.25")]).unwrap().rejected_max, Share::parse("0.25").unwrap());
    }

    #[test]
    fn a_value_out_of_range_is_rejected_with_the_allowed_range() {
        for (key, value, allowed) in [
            (FIRST_ROWS_MIN, "0", "an integer from 1 to 10000000 (rows)"),
            (ROWS_FEWER_MAX, "101", "a number from 0 to 100 (percent, at most 2 decimals)"),
            (ROWS_MORE_MAX, "1001", "a number from 0 to 1000 (percent, at most 2 decimals)"),
            (LOTS_CHANGED_MAX, "1.234", "a number from 0 to 100 (percent, at most 2 decimals)"),
            (EXPIRIES_MOVED_MAX, "-1", "a number from 0 to 100 (percent, at most 2 decimals)"),
        ] {
            let said = format!("{key}: expected {allowed}, got `{value}` from the environment");
            assert_eq!(read_settings(&[(key, value)]).unwrap_err().0, [said]);
        }
    }
}
