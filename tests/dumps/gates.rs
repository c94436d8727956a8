//! Gates on complete files, and on short ones in `$REGISTRY_SHARED/cases` that gates judged wrongly before a fix.

use std::convert::Infallible;

use registry_planning::ingest::gate::{GateSettings, LastFile, Units, judge};

use super::*;

fn case(broker: Broker, name: &str) -> Option<FileContent> {
    let path = shared().join("cases").join(name);
    let Ok(file) = File::open(&path) else {
        writeln!(io::stderr(), "skipped: {} is not there", path.display()).expect("standard error can be written to");
        return None;
    };
    Some(read_file(broker, file, &Limits::default(), &mut |_| ControlFlow::Continue(())).expect("the file can be read"))
}

/// Returns the texts of the faults for which gates reject a file, each with the name of its gate.
fn faults(last: Option<(&FileContent, Option<NaiveDate>)>, file: &FileContent, of: Option<NaiveDate>) -> Vec<String> {
    let last = last.map(|(load, file_date)| LastFile { rows: load.rows.clone(), file_date });
    judge(&GateSettings::default(), last.as_ref(), file, of).faults.iter().map(ToString::to_string).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn an_older_file_without_a_date_is_stale() {
    let (Some(newer), Some(older)) =
        (case(Broker::Kite, "10_stale_kite_newer.csv.gz"), case(Broker::Kite, "10_stale_kite_older.csv.gz"))
    else {
        return;
    };

    assert_eq!(faults(None, &older, None), NONE);
    assert_eq!(faults(Some((&older, None)), &newer, None), NONE);
    assert_eq!(faults(Some((&newer, None)), &newer, None), NONE);
    assert_eq!(
        faults(Some((&newer, None)), &older, None),
        [
            "stale: expected no contracts that expired before the last accepted file and are not in it, got 1000 contracts of \
             NSE_FO before 2026-12-29, for example NFO:NIFTY26SEP20000CE (2026-09-29), NFO:NIFTY26SEP20000PE (2026-09-29), \
             NFO:NIFTY26SEP20050CE (2026-09-29); the file is older than the last accepted one"
        ]
    );
}

#[test]
fn a_file_with_duplicates_is_accepted_every_day() {
    let (Some(first), Some(second)) =
        (case(Broker::Nuvama, "11_nuvama_day1.csv.gz"), case(Broker::Nuvama, "11_nuvama_day2.csv.gz"))
    else {
        return;
    };

    assert_eq!(first.rows_read, 1112);
    assert_eq!(first.rows.len(), 1100);
    assert_eq!(first.duplicates, 12);
    assert_eq!(second.rows_read, 1111);
    assert_eq!(second.rows.len(), 1099);
    assert_eq!(second.duplicates, 12);
    assert_eq!(first.rejected_total(), 0);
    assert_eq!(second.rejected_total(), 0);
    assert_eq!(faults(None, &first, None), NONE);
    assert_eq!(faults(Some((&first, None)), &second, None), NONE);
}

#[test]
fn upstoxs_file_of_nine_months_earlier_is_stale() {
    let (Some(json), Some(csv)) = (upstox_json(), upstox_csv()) else { return };

    for (last_date, bound) in [(date("2025-06-12"), "2025-06-12"), (None, "2025-06-13")] {
        let texts = faults(Some((&json.load, last_date)), &csv.load, None);
        let stale = texts.iter().find(|fault| fault.starts_with("stale: ")).expect("the file is stale");
        assert!(stale.contains(&format!(" of BCD_FO before {bound}, ")), "{stale}");
    }
    for last_date in [date("2024-09-05"), None] {
        assert_eq!(faults(Some((&csv.load, last_date)), &json.load, None), NONE);
    }
}

#[test]
fn a_segment_in_another_unit_contradicts_another_broker() {
    let Some(json) = upstox_json() else { return };
    let in_paise = |row: &Row| match row.segment {
        Segment::NseCommodity => {
            Row { tick_size: Amount::from_ten_thousandths(row.tick_size.ten_thousandths() * 100), ..row.clone() }
        }
        _ => row.clone(),
    };
    let wrong: Vec<Row> = json.load.rows.iter().map(in_paise).collect();
    let faults_of = |file: &[Row], other: &[Row]| -> Vec<String> {
        let mut units = Units::new::<Row>(file, None);
        units.compare(Broker::Kite, other.iter().cloned().map(Ok::<_, Infallible>)).expect("no row is an error");
        units.faults(&mut Vec::new()).iter().map(ToString::to_string).collect()
    };

    let faults = faults_of(&wrong, &json.load.rows);

    assert_eq!(faults.len(), 1, "{faults:?}");
    let expected = "units: expected the tick sizes of NSE_COM in the last accepted file of kite, got at least 10 times more or less \
                    for 6093 of 6093 shared contracts, for example NCO:";
    assert!(faults[0].starts_with(expected), "{faults:?}");
    assert_eq!(faults_of(&json.load.rows, &json.load.rows), NONE);
}
