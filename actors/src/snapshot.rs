//! The data that a request is planned against: settings, catalog, broker models and trading calendar of one moment.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use registry_planning::basis::Basis;
use registry_planning::broker::BrokerModels;
use registry_planning::calendar::Calendar;
use registry_planning::capacity::Capacity;
use registry_planning::catalogue::Catalogue;
use registry_store::StoredCalendar;
use sha2::{Digest, Sha256};

use crate::settings::{Settings, SettingsTable};

/// The calendar if none is loaded.
static NO_CALENDAR: Calendar = Calendar::new();

/// Settings, catalog, broker models and trading calendar of one moment. Immutable.
#[derive(Debug)]
pub struct Snapshot {
    /// The settings in effect.
    pub settings: Settings,
    /// The instruments of the last loads of all brokers, or of the demonstration.
    pub catalogue: Arc<Catalogue>,
    /// The limits and feeds of brokers.
    pub brokers: Arc<BrokerModels>,
    /// The newest stored trading calendar; `None` if none is stored.
    pub calendar_load: Option<Arc<StoredCalendar>>,
    /// SHA-256 of the content of the first three: replicas and restarts agree on it. It covers the capacity of brokers
    /// only if a file or accounts override it, so that a new release of the built-in figures does not invalidate plans
    /// without a broker.
    ///
    /// The calendar is not part of it: a plan depends only on the date that the calendar gives, and on its warnings.
    pub hash: [u8; 32],
    /// SHA-256 of `hash` and the calendar. The response to the bytes of a request depends on nothing else but the date.
    /// It equals `hash` if no calendar is loaded.
    pub request_hash: [u8; 32],
}

impl Snapshot {
    /// Joins settings, catalog and broker models.
    pub fn new(table: &SettingsTable, catalogue: Arc<Catalogue>, brokers: Arc<BrokerModels>) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(table.content_hash());
        hasher.update(catalogue.content_hash());
        hasher.update(brokers.content_hash());
        if brokers.capacity().is_overridden() {
            hasher.update(brokers.capacity().content_hash());
        }
        let (settings, hash) = (table.settings().clone(), hasher.finalize().into());
        Snapshot { settings, catalogue, brokers, calendar_load: None, hash, request_hash: hash }
    }

    /// Adds the trading calendar, if there is one, to the snapshot and its `request_hash`.
    #[must_use]
    pub fn with_calendar(self, load: Option<Arc<StoredCalendar>>) -> Self {
        let Some(load) = load else { return self };
        let mut hasher = Sha256::new();
        hasher.update(self.hash);
        hasher.update(load.record.calendar.to_csv());
        Snapshot { calendar_load: Some(load), request_hash: hasher.finalize().into(), ..self }
    }

    /// Returns the trading calendar, which is empty if none is loaded.
    pub fn calendar(&self) -> &Calendar {
        self.calendar_load.as_ref().map_or(&NO_CALENDAR, |load| &load.record.calendar)
    }

    /// Returns the part that plans are created from.
    pub fn basis(&self) -> Basis<'_> {
        Basis { catalogue: &self.catalogue, brokers: &self.brokers }
    }
}

/// The current snapshot. Readers never wait. The config and the catalogue actor each set their part; the broker models
/// are those of the start, and their capacity can be replaced.
#[derive(Debug)]
pub struct SnapshotCell {
    parts: Mutex<Parts>,
    current: ArcSwapOption<Snapshot>,
}

#[derive(Debug)]
struct Parts {
    brokers: Arc<BrokerModels>,
    /// The settings, and since when they are in effect.
    settings: Option<(SettingsTable, DateTime<Utc>)>,
    catalogue: Option<Arc<Catalogue>>,
    calendar: Option<Arc<StoredCalendar>>,
}

impl SnapshotCell {
    /// Returns a cell without settings and catalog.
    pub(crate) fn new(brokers: Arc<BrokerModels>) -> Self {
        let parts = Parts { brokers, settings: None, catalogue: None, calendar: None };
        SnapshotCell { parts: Mutex::new(parts), current: ArcSwapOption::empty() }
    }

    /// Returns the current snapshot; `None` until settings and catalog have been set.
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.current.load_full()
    }

    pub(crate) fn set_settings(&self, table: SettingsTable, since: DateTime<Utc>) {
        self.set(|parts| parts.settings = Some((table, since)));
    }

    /// Replaces settings by equal ones with other origins or another notation. This creates no new snapshot.
    pub(crate) fn set_origins(&self, table: SettingsTable) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((current, _)) = &mut parts.settings {
            *current = table;
        }
    }

    pub(crate) fn set_catalogue(&self, catalogue: Arc<Catalogue>) {
        self.set(|parts| parts.catalogue = Some(catalogue));
    }

    pub(crate) fn set_calendar(&self, calendar: Arc<StoredCalendar>) {
        self.set(|parts| parts.calendar = Some(calendar));
    }

    pub(crate) fn set_capacity(&self, capacity: Arc<Capacity>) {
        self.set(|parts| parts.brokers = Arc::new((*parts.brokers).clone().with_capacity(capacity)));
    }

    pub(crate) fn brokers(&self) -> Arc<BrokerModels> {
        Arc::clone(&self.parts.lock().unwrap_or_else(PoisonError::into_inner).brokers)
    }

    /// Returns the settings in effect and since when: they outlive the actor that set them.
    pub(crate) fn settings(&self) -> Option<(SettingsTable, DateTime<Utc>)> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).settings.clone()
    }

    /// Whether there is a catalog, whichever actor set it.
    pub(crate) fn has_catalogue(&self) -> bool {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).catalogue.is_some()
    }

    fn set(&self, change: impl FnOnce(&mut Parts)) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut parts);
        if let (Some((table, _)), Some(catalogue)) = (&parts.settings, &parts.catalogue) {
            let snapshot = Snapshot::new(table, Arc::clone(catalogue), Arc::clone(&parts.brokers));
            self.current.store(Some(Arc::new(snapshot.with_calendar(parts.calendar.clone()))));
        }
    }
}

#[cfg(test)]
mod tests {
    use registry_store::CalendarRecord;

    use super::*;
    use crate::testing::{brokers, catalogue};

    fn snapshot_with(brokers: &str) -> Snapshot {
        let brokers = Arc::new(BrokerModels::parse(brokers).unwrap());
        Snapshot::new(&SettingsTable::default(), catalogue(), brokers)
    }

    #[test]
    fn broker_models_take_part_in_the_hash() {
        let (limit, other) = ("[brokers.kite.connections]\nvalue = 3", "[brokers.kite.connections]\nvalue = 4");
        let changed = BrokerModels::EMBEDDED.replacen(limit, other, 1);

        assert_eq!(snapshot_with(BrokerModels::EMBEDDED).hash, snapshot_with(BrokerModels::EMBEDDED).hash);
        assert_ne!(snapshot_with(&changed).hash, snapshot_with(BrokerModels::EMBEDDED).hash);
    }

    #[test]
    fn an_overridden_capacity_takes_part_in_the_hash() {
        let cell = SnapshotCell::new(brokers());
        cell.set_capacity(Capacity::with(None, Some("kite=a")).unwrap());
        assert!(cell.current().is_none());
        cell.set_settings(SettingsTable::default(), Utc::now());
        cell.set_catalogue(catalogue());
        let hash = || cell.current().unwrap().hash;
        let built_in = snapshot_with(BrokerModels::EMBEDDED).hash;

        let with_accounts = hash();
        cell.set_capacity(Capacity::with(Some("# nothing"), None).unwrap());
        let with_nothing = hash();

        assert_ne!(with_accounts, built_in);
        assert_eq!(with_nothing, built_in);
        assert!(!cell.brokers().capacity().is_overridden());
    }

    #[test]
    fn a_calendar_takes_part_in_the_hash_of_requests_only() {
        let cell = SnapshotCell::new(brokers());
        cell.set_settings(SettingsTable::default(), Utc::now());
        cell.set_catalogue(catalogue());
        let without = cell.current().unwrap();
        let load = |version: i64, day: &str| {
            let calendar = Calendar::parse(&format!("exchange,date,kind\nNSE,{day},holiday\n")).unwrap();
            let record = CalendarRecord { source: version.to_string(), loaded_at: Utc::now(), calendar };
            cell.set_calendar(Arc::new(StoredCalendar { version, record }));
            cell.current().unwrap()
        };

        let first = load(1, "2026-01-26");
        let equal = load(2, "2026-01-26");
        let other = load(3, "2026-01-27");

        assert!(without.calendar().is_empty());
        assert_eq!(without.request_hash, without.hash);
        assert!([&first, &equal, &other].iter().all(|snapshot| snapshot.hash == without.hash));
        assert_ne!(first.request_hash, without.request_hash);
        assert_eq!(equal.request_hash, first.request_hash);
        assert_ne!(other.request_hash, first.request_hash);
        assert_eq!(other.calendar().entries()[0].date.to_string(), "2026-01-27");
    }

    #[test]
    fn a_cell_publishes_the_broker_models_of_the_start() {
        let cell = SnapshotCell::new(brokers());
        cell.set_settings(SettingsTable::default(), Utc::now());
        cell.set_catalogue(catalogue());

        let snapshot = cell.current().unwrap();

        assert_eq!(snapshot.brokers.content_hash(), BrokerModels::embedded().content_hash());
        assert_eq!(snapshot.hash, snapshot_with(BrokerModels::EMBEDDED).hash);
    }
}
