//! Complete files of one broker in sequence, and a registry of the files of two brokers.

use registry_planning::ingest::archive::StoredInstruments;
use registry_planning::ingest::diff::ChangeKind;
use registry_planning::ingest::gate::{GateResult, GateSettings, LastFile, judge};
use registry_planning::merge::{self, Part};

use super::*;

fn gate_result(before: Option<(&Dump, &str)>, after: &Dump, of: &str, settings: GateSettings) -> GateResult {
    let last = before.map(|(dump, of)| LastFile { rows: dump.load.rows.clone(), file_date: date(of) });
    judge(&settings, last.as_ref(), &after.load, date(of))
}

fn faults(gate_result: &GateResult) -> Vec<String> {
    gate_result.faults.iter().map(ToString::to_string).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn every_file_passes_the_gates_as_the_first_and_repeated() {
    let (Some(kite), Some(json), Some(csv)) = (kite(), upstox_json(), upstox_csv()) else { return };

    for dump in [kite, json, csv] {
        let first = gate_result(None, dump, "2026-08-17", GateSettings::default());
        let again = gate_result(Some((dump, "2026-08-17")), dump, "2026-08-17", GateSettings::default());

        assert_eq!(faults(&first), NONE);
        assert_eq!(first.diff.count(ChangeKind::Added), dump.load.rows.len());
        assert_eq!(faults(&again), NONE);
        assert_eq!(again.diff.changes, vec![]);
        assert_eq!(again.diff.in_both, dump.load.rows.len());
    }
}

#[test]
fn a_file_nine_months_later_passes_and_an_earlier_fails() {
    let (Some(json), Some(csv)) = (upstox_json(), upstox_csv()) else { return };

    let forward = gate_result(Some((csv, "2024-09-05")), json, "2025-06-12", GateSettings::default());
    let back = gate_result(Some((json, "2025-06-12")), csv, "2024-09-05", GateSettings::default());

    // The only MCX index is missing, which is not enough rows to reject the file.
    assert_eq!(faults(&forward), NONE);
    let missing = "segments: missing: MCX_INDEX (1 row in the last accepted file); their instruments become inactive";
    assert_eq!(forward.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), [missing]);
    assert_eq!(
        faults(&back),
        [
            "segments: missing: NSE_COM (6117 rows in the last accepted file); a file must contain every segment with at least 100 rows in the last accepted file",
            "file_date: expected a file date of 2025-06-12 (that of the last accepted file) or later, got 2024-09-05",
        ]
    );
    // Many tokens belong to other contracts, and nearly all derivatives differ, but by identity neither is a mass
    // change. The older form of the file has no series, so no series changed.
    let expected = [
        (ChangeKind::Added, 77_385),
        (ChangeKind::Removed, 60_382),
        (ChangeKind::Renamed, 1876),
        (ChangeKind::TokenChanged, 237),
        (ChangeKind::TokenReused, 14_223),
        (ChangeKind::ExpiryMoved, 304),
        (ChangeKind::LotChanged, 819),
        (ChangeKind::TickChanged, 888),
    ];
    assert_eq!(forward.diff.in_both, 18_316);
    assert_eq!(forward.diff.counts(), BTreeMap::from(expected));
}

#[test]
fn kite_and_upstox_make_one_registry() {
    let (Some(kite), Some(json)) = (kite(), upstox_json()) else { return };
    let archive =
        |dump: &Dump| StoredInstruments::none().followed_by(&dump.load.rows).expect("nothing is read").archive;
    let (of_kite, of_upstox) = (archive(kite), archive(json));
    let part = |broker, of, archive| Part {
        broker,
        file_date: date(of),
        loaded_at: None,
        rows: Box::new(registry_planning::ingest::archive::Archive::new(archive).expect("it is an archive")),
    };
    let parts = vec![part(Broker::Kite, "2026-08-17", &of_kite), part(Broker::Upstox, "2025-06-12", &of_upstox)];

    let catalogue = merge::catalogue(parts, "2".to_owned()).expect("they can be merged");

    // The files are fourteen months apart. 298 keys are in both, but the exchanges moved every expiry to another day of
    // its week, so the older contracts get keys with their dates.
    assert_eq!(catalogue.instrument_count(), 39_941 + 95_701);
    assert_eq!(catalogue.token_counts(), BTreeMap::from([(Broker::Kite, 39_941), (Broker::Upstox, 95_701)]));
    assert_eq!(catalogue.contradictions(), []);
    for (key, of, token) in
        [("NFO:NIFTY27JUN30000CE", "2027-06-29", Broker::Kite), ("NFO:NIFTY2762430000CE", "2027-06-24", Broker::Upstox)]
    {
        let option = catalogue.get(catalogue.find(key).unwrap());
        assert_eq!(option.expiry(), date(of), "{key}");
        let with_token = |broker: &Broker| option.token(*broker).is_some();
        assert_eq!(Broker::WITH_FILES.into_iter().filter(with_token).collect::<Vec<_>>(), [token], "{key}");
    }
}
