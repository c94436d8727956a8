//! One broker's real files one after the other, and two brokers' side by side.

use registry_planning::load::archive::BrokerState;
use registry_planning::load::diff::ChangeKind;
use registry_planning::load::gate::{GateSettings, LastLoad, Share, Verdict, judge};
use registry_planning::merge::{self, Part};

use super::*;

fn verdict(before: Option<(&Dump, &str)>, after: &Dump, of: &str, settings: GateSettings) -> Verdict {
    let last = before.map(|(dump, of)| LastLoad { rows: dump.load.rows.clone(), file_date: date(of) });
    judge(&settings, last.as_ref(), &after.load, date(of))
}

fn faults(verdict: &Verdict) -> Vec<String> {
    verdict.faults.iter().map(ToString::to_string).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn every_file_passes_as_the_first_of_its_broker_and_beside_itself() {
    let (Some(kite), Some(json), Some(csv)) = (kite(), upstox_json(), upstox_csv()) else { return };

    for dump in [kite, json, csv] {
        let first = verdict(None, dump, "2026-08-17", GateSettings::default());
        let again = verdict(Some((dump, "2026-08-17")), dump, "2026-08-17", GateSettings::default());

        assert_eq!(faults(&first), NONE);
        assert_eq!(first.diff.count(ChangeKind::Added), dump.load.rows.len());
        assert_eq!(faults(&again), NONE);
        assert_eq!((again.diff.changes, again.diff.in_both), (vec![], dump.load.rows.len()));
    }
}

#[test]
fn upstoxs_file_of_nine_months_later() {
    let (Some(json), Some(csv)) = (upstox_json(), upstox_csv()) else { return };

    let forward = verdict(Some((csv, "2024-09-05")), json, "2025-06-12", GateSettings::default());
    let back = verdict(Some((json, "2025-06-12")), csv, "2024-09-05", GateSettings::default());

    panic!(
        "{:?} {:?} {} / {:?} {:?}",
        faults(&forward),
        forward.diff.counts(),
        forward.diff.in_both,
        faults(&back),
        back.diff.counts()
    );
}

#[test]
fn kite_and_upstox_make_one_registry() {
    let (Some(kite), Some(json)) = (kite(), upstox_json()) else { return };
    let archive = |dump: &Dump| BrokerState::default().followed_by(&dump.load.rows).write();
    let (of_kite, of_upstox) = (archive(kite), archive(json));
    let part = |broker, of, archive| Part {
        broker,
        file_date: date(of),
        rows: Box::new(registry_planning::load::archive::Archive::new(archive).expect("it is an archive")),
    };
    let parts = vec![part(Broker::Kite, "2026-08-17", &of_kite), part(Broker::Upstox, "2025-06-12", &of_upstox)];

    let catalogue = merge::catalogue(parts, "2".to_owned()).expect("they can be merged");

    panic!(
        "{} {} {:?} {} {:?}",
        of_kite.len(),
        of_upstox.len(),
        catalogue.token_counts(),
        catalogue.instrument_count(),
        catalogue.contradictions()
    );
}
