//! The settings of ingestion: the sources of brokers' files, their maximum size, and the schedule.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveTime;
use registry_actors::ingest::source::{Origin, fetchable, is_url};
use registry_actors::ingest::{IngestSettings, ScheduledSource};
use registry_planning::dump::Limits;
use registry_planning::vocabulary::Broker;

use super::{ProcessSettings, Reader};

const FOLDER: &str = "INSTRUMENT_REGISTRY_INGEST_FOLDER";
const ORIGINS: &str = "INSTRUMENT_REGISTRY_INGEST_ORIGINS";
const BYTES_MAX: &str = "INSTRUMENT_REGISTRY_INGEST_BYTES_MAX";
const ROWS_MAX: &str = "INSTRUMENT_REGISTRY_INGEST_ROWS_MAX";
const RETRY_SECONDS: &str = "INSTRUMENT_REGISTRY_INGEST_RETRY_SECONDS";
const SOURCE: &str = "INSTRUMENT_REGISTRY_INGEST_SOURCE_";
const AT: &str = "INSTRUMENT_REGISTRY_INGEST_AT_";

/// Maximum number of times of day in a schedule.
const TIMES_MAX: usize = 24;
/// Maximum length of a source, bytes.
const SOURCE_BYTES_MAX: usize = 2000;

/// The settings from the environment. The folders of files depend on `DATA_DIR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ingest {
    folder: Option<PathBuf>,
    origins: Vec<Origin>,
    limits: Limits,
    sources: BTreeMap<Broker, ScheduledSource>,
    retry_after: Duration,
}

impl Reader<'_> {
    pub(super) fn ingest(&mut self) -> Ingest {
        let built_in = Limits::default();
        let folder =
            self.parsed(FOLDER, None, "a folder path", |text| (!text.is_empty()).then(|| Some(PathBuf::from(text))));
        let origins = self.parsed_url(ORIGINS, Vec::new(), Origin::ALLOWED, |text| {
            text.split(',').map(|text| Origin::parse(text.trim())).collect()
        });
        let bytes_max =
            self.parsed(BYTES_MAX, built_in.bytes_max, "an integer from 1048576 to 4294967296 (bytes)", |text| {
                text.parse().ok().filter(|bytes| ((1 << 20)..=(4 << 30)).contains(bytes))
            });
        let rows_max = self.parsed(ROWS_MAX, built_in.rows_max, "an integer from 1000 to 10000000 (rows)", |text| {
            text.parse().ok().filter(|rows| (1000..=10_000_000).contains(rows))
        });
        let retry_after = self.parsed(RETRY_SECONDS, 60, "an integer from 1 to 3600 (seconds)", |text| {
            text.parse().ok().filter(|seconds| (1..=3600).contains(seconds))
        });
        let mut sources = BTreeMap::new();
        for broker in Broker::WITH_FILES {
            let name = broker.as_str().to_uppercase();
            let (source_key, at_key) = (format!("{SOURCE}{name}"), format!("{AT}{name}"));
            let allowed =
                "a file path, or an https:// or http:// URL without user and password, without control characters";
            let source =
                self.parsed_url(&source_key, None, allowed, |text| is_source(text).then(|| Some(text.to_owned())));
            let at = self.parsed(&at_key, Vec::new(), "times as HH:MM in Asia/Kolkata, separated by commas", times);
            match source {
                Some(source) => drop(sources.insert(broker, ScheduledSource { source, at })),
                None if !at.is_empty() => self.fault(&at_key, &format!("requires {source_key}")),
                None => {}
            }
        }
        for broker in Broker::ALL.into_iter().filter(|broker| !broker.has_files()) {
            let name = broker.as_str().to_uppercase();
            for key in [format!("{SOURCE}{name}"), format!("{AT}{name}")] {
                if (self.variable)(&key).is_some() {
                    self.fault(
                        &key,
                        &format!("no file of {broker} is read; expected one of {}", Broker::WORDS_WITH_FILES),
                    );
                }
            }
        }
        let limits = Limits { bytes_max, rows_max };
        Ingest { folder, origins, limits, sources, retry_after: Duration::from_secs(retry_after) }
    }
}

fn is_source(text: &str) -> bool {
    let is_allowed = if is_url(text) { fetchable(text).is_some() } else { !text.is_empty() };
    is_allowed && text.len() <= SOURCE_BYTES_MAX && !text.contains(char::is_control)
}

fn times(text: &str) -> Option<Vec<NaiveTime>> {
    let time = |text: &str| {
        let text = text.trim();
        (text.len() == 5).then(|| NaiveTime::parse_from_str(text, "%H:%M").ok()).flatten()
    };
    let times: Vec<NaiveTime> = text.split(',').map(time).collect::<Option<_>>()?;
    (times.len() <= TIMES_MAX).then_some(times)
}

impl ProcessSettings {
    /// Returns the rules for brokers' files, and their sources.
    pub fn ingest(&self) -> IngestSettings {
        let Ingest { folder, origins, limits, sources, retry_after } = self.ingest.clone();
        IngestSettings {
            gates: self.gates,
            limits,
            folder,
            origins,
            spool: self.data_dir.join("incoming"),
            rejected_files: self.refused_path(),
            sources,
            retry_after,
            tls: Arc::clone(&self.tls),
        }
    }

    /// Returns the settings of ingestion with their values, for messages.
    pub fn ingest_values(&self) -> Vec<(String, String)> {
        let Ingest { folder, origins, limits, sources, retry_after } = &self.ingest;
        let folder = folder.as_ref().map_or_else(|| "(not set)".to_owned(), |folder| folder.display().to_string());
        let origins: Vec<String> = origins.iter().map(ToString::to_string).collect();
        let mut values = vec![
            (FOLDER.to_owned(), folder),
            (ORIGINS.to_owned(), if origins.is_empty() { "(not set)".to_owned() } else { origins.join(",") }),
            (BYTES_MAX.to_owned(), limits.bytes_max.to_string()),
            (ROWS_MAX.to_owned(), limits.rows_max.to_string()),
            (RETRY_SECONDS.to_owned(), retry_after.as_secs().to_string()),
        ];
        for (broker, scheduled) in sources {
            let name = broker.as_str().to_uppercase();
            let source = scheduled.source().map(|source| source.describe()).unwrap_or_default();
            values.push((format!("{SOURCE}{name}"), source));
            if !scheduled.at.is_empty() {
                let at: Vec<String> = scheduled.at.iter().map(|time| time.format("%H:%M").to_string()).collect();
                values.push((format!("{AT}{name}"), at.join(",")));
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SettingsFaults;

    fn read_settings(pairs: &[(&str, &str)]) -> Result<ProcessSettings, SettingsFaults> {
        ProcessSettings::read(|key| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn without_settings_only_uploads_are_accepted() {
        let settings = read_settings(&[("DATA_DIR", "/fake")]).unwrap().ingest();

        let values: BTreeMap<String, String> = read_settings(&[]).unwrap().ingest_values().into_iter().collect();
        assert_eq!(&*values[FOLDER], "(not set)");
        assert_eq!(&*values[ORIGINS], "(not set)");
        insta::assert_debug_snapshot!("uploads_only", settings);
    }

    #[test]
    fn every_setting_has_its_variable() {
        let settings = read_settings(&[
            (FOLDER, "/dumps"),
            (ORIGINS, "http://fake.example, http://10.0.0.5:8080"),
            (BYTES_MAX, "1048576"),
            (ROWS_MAX, "1000"),
            (RETRY_SECONDS, "5"),
            ("INSTRUMENT_REGISTRY_INGEST_SOURCE_KITE", "http://fake.example/instruments?token=fake"),
            ("INSTRUMENT_REGISTRY_INGEST_AT_KITE", "08:15, 18:30"),
            ("INSTRUMENT_REGISTRY_INGEST_SOURCE_UPSTOX", "/dumps/upstox.json.gz"),
        ])
        .unwrap();

        let ingest = settings.ingest();
        assert_eq!(ingest.folder, Some("/dumps".into()));
        assert_eq!(ingest.origins.len(), 2);
        assert_eq!(ingest.limits.bytes_max, 1 << 20);
        assert_eq!(ingest.limits.rows_max, 1000);
        assert_eq!(ingest.sources[&Broker::Kite].at.len(), 2);
        assert_eq!(
            ingest.sources[&Broker::Upstox],
            ScheduledSource { source: "/dumps/upstox.json.gz".to_owned(), at: vec![] }
        );
        let values: BTreeMap<String, String> = settings.ingest_values().into_iter().collect();
        assert_eq!(values[ORIGINS], "http://fake.example,http://10.0.0.5:8080");
        assert_eq!(values["INSTRUMENT_REGISTRY_INGEST_SOURCE_KITE"], "http://fake.example/instruments");
        assert_eq!(values["INSTRUMENT_REGISTRY_INGEST_AT_KITE"], "08:15,18:30");
        assert_eq!(&*values[RETRY_SECONDS], "5");
        assert_eq!(&*values[BYTES_MAX], "1048576");
    }

    #[test]
    fn an_invalid_value_is_rejected_with_the_allowed_ones() {
        for (key, value, said) in [
            (FOLDER, "", "a folder path"),
            (ORIGINS, "http://fake.example/path", Origin::ALLOWED),
            (ORIGINS, "http://a,,http://b", Origin::ALLOWED),
            (BYTES_MAX, "1", "an integer from 1048576 to 4294967296 (bytes)"),
            (ROWS_MAX, "999", "an integer from 1000 to 10000000 (rows)"),
            (RETRY_SECONDS, "0", "an integer from 1 to 3600 (seconds)"),
            ("INSTRUMENT_REGISTRY_INGEST_SOURCE_DHAN", "ftp://fake.example", "a file path, or an https://"),
            ("INSTRUMENT_REGISTRY_INGEST_SOURCE_DHAN", "/dumps/a\n.csv", "without control characters"),
            ("INSTRUMENT_REGISTRY_INGEST_AT_DHAN", "8:15", "times as HH:MM in Asia/Kolkata"),
            ("INSTRUMENT_REGISTRY_INGEST_AT_DHAN", "24:00", "times as HH:MM in Asia/Kolkata"),
            ("INSTRUMENT_REGISTRY_INGEST_AT_DHAN", "08:15", "requires INSTRUMENT_REGISTRY_INGEST_SOURCE_DHAN"),
        ] {
            let faults = read_settings(&[(key, value)]).unwrap_err().0;
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert!(faults[0].starts_with(&format!("{key}: ")) && faults[0].contains(said), "{faults:?}");
        }
    }

    #[test]
    fn a_rejected_url_is_not_shown() {
        for key in [ORIGINS, "INSTRUMENT_REGISTRY_INGEST_SOURCE_KITE"] {
            let faults = read_settings(&[(key, "http://user:fake-password@fake.example")]).unwrap_err().0;

            assert!(faults[0].starts_with(&format!("{key}: ")) && !faults[0].contains("fake"), "{faults:?}");
        }
    }
}
