//! Resolves the value of each key: from the config service, else the last good value, else the environment, else the
//! built-in default.
//!
//! If the service reports that it does not know a key (404), the environment applies and the last good value is
//! removed: an operator who deletes a key wants it gone. The last good value applies if the service does not respond,
//! or responds with a value out of range.

use chrono::{DateTime, Utc};

use super::last_good::LastGood;
use super::source::Answers;
use crate::settings::{Origin, SETTINGS, SettingFault, SettingsTable};

/// The result of resolving all layers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resolution {
    /// The values in effect.
    pub(crate) table: SettingsTable,
    /// The new last good values.
    pub(crate) last_good: LastGood,
    /// Values out of range.
    pub(crate) refused: Vec<SettingFault>,
    /// Whether a last good value was needed. `false`: the result does not depend on `last_good`.
    pub(crate) needs_last_good: bool,
}

/// Applies the answers of a source over the last good values, and those over `base`: the environment over the defaults.
pub(crate) fn resolve(
    base: &SettingsTable,
    last_good: &LastGood,
    answers: &Answers,
    answered_at: DateTime<Utc>,
) -> Resolution {
    let (mut table, mut last_good) = (base.clone(), last_good.clone());
    let mut refused = Vec::new();
    let mut needs_last_good = false;
    for key in SETTINGS {
        let accepted = match answers.values.get(key.name) {
            Some((value, origin)) => table.set(key, value, *origin).map(|()| {
                if *origin == Origin::ConfigService {
                    last_good.record(key.name, Some(value.trim()), answered_at);
                }
                true
            }),
            None => {
                let is_unanswered = answers.unanswered.contains_key(key.name);
                if !is_unanswered {
                    last_good.record(key.name, None, answered_at);
                }
                Ok(!is_unanswered)
            }
        };
        let is_resolved = accepted.unwrap_or_else(|fault| {
            refused.push(fault);
            false
        });
        if is_resolved {
            continue;
        }
        needs_last_good = true;
        // A last good value of an earlier release that is out of range for this one is removed.
        if let Some(value) = last_good.get(key.name).map(str::to_owned)
            && table.set(key, &value, Origin::LastGood).is_err()
        {
            last_good.remove(key.name);
        }
    }
    Resolution { table, last_good, refused, needs_last_good }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::EnvironmentSource;

    const TTL: &str = "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL";

    /// Resolves one key from its value in each layer.
    fn value(service: ServiceResponse, last_good: Option<&str>, environment: Option<&str>) -> (String, Origin) {
        let resolution = resolution(service, last_good, environment);
        resolution.table.values()[TTL].clone()
    }

    fn resolution(service: ServiceResponse, last_good: Option<&str>, environment: Option<&str>) -> Resolution {
        let base =
            EnvironmentSource::read(|key| environment.filter(|_| key == TTL).map(str::to_owned)).unwrap().table();
        let mut known = LastGood::default();
        if last_good.is_some() {
            known.record(TTL, last_good, DateTime::UNIX_EPOCH);
        }
        let mut answers = Answers::default();
        match service {
            ServiceResponse::Value(value) => {
                drop(answers.values.insert(TTL, (value.to_owned(), Origin::ConfigService)));
            }
            ServiceResponse::UnknownKey => {}
            ServiceResponse::NoResponse => drop(answers.unanswered.insert(TTL, "fault injected by a test".to_owned())),
        }
        resolve(&base, &known, &answers, Utc::now())
    }

    #[derive(Clone, Copy)]
    enum ServiceResponse {
        Value(&'static str),
        UnknownKey,
        NoResponse,
    }
    use ServiceResponse::{NoResponse, UnknownKey, Value};

    #[test]
    fn the_first_layer_with_a_key_decides() {
        let table = [
            (Value("10"), Some("20"), Some("30"), "10", Origin::ConfigService),
            (Value(" 10\n"), None, None, "10", Origin::ConfigService),
            // Out of range: the last good value applies, or the next layer without one.
            (Value("0"), Some("20"), Some("30"), "20", Origin::LastGood),
            (Value("0"), None, Some("30"), "30", Origin::Environment),
            (Value("0"), None, None, "300", Origin::Default),
            // Deleted: the last good value does not apply.
            (UnknownKey, Some("20"), Some("30"), "30", Origin::Environment),
            (UnknownKey, Some("20"), None, "300", Origin::Default),
            (NoResponse, Some("20"), Some("30"), "20", Origin::LastGood),
            (NoResponse, None, Some("30"), "30", Origin::Environment),
            (NoResponse, None, None, "300", Origin::Default),
            // Last good for an earlier release, out of range for this one.
            (NoResponse, Some("0"), Some("30"), "30", Origin::Environment),
        ];
        for (row, (service, last_good, environment, expected, origin)) in table.into_iter().enumerate() {
            assert_eq!(value(service, last_good, environment), (expected.to_owned(), origin), "row {row}");
        }
    }

    #[test]
    fn only_a_value_in_range_becomes_the_last_good_one() {
        let after = |service, last_good, environment| -> Option<String> {
            resolution(service, last_good, environment).last_good.get(TTL).map(str::to_owned)
        };

        assert_eq!(after(Value("10"), Some("20"), None), Some("10".to_owned()));
        assert_eq!(after(Value("0"), Some("20"), None), Some("20".to_owned()));
        assert_eq!(after(UnknownKey, Some("20"), None), None);
        assert_eq!(after(NoResponse, Some("20"), None), Some("20".to_owned()));
        assert_eq!(after(NoResponse, None, Some("30")), None);
        assert_eq!(after(NoResponse, Some("0"), None), None);
    }

    #[test]
    fn rejected_values_and_the_need_for_last_good_are_reported() {
        let refused = resolution(Value("0"), Some("20"), None);

        assert!(refused.needs_last_good && resolution(NoResponse, None, None).needs_last_good);
        assert!(!resolution(Value("10"), None, None).needs_last_good);
        assert!(!resolution(UnknownKey, Some("20"), None).needs_last_good);
        let faults: Vec<_> = refused.refused.iter().map(|fault| (fault.key, fault.value.as_str())).collect();
        assert_eq!(faults, [(TTL, "0")]);
    }
}
