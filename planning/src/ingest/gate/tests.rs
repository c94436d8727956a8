use super::*;
use crate::testing::{equity, future};

fn rows(count: usize) -> Vec<Row> {
    (0..count).map(|n| equity("NSE", &format!("S{n:04}"), &format!("INE{n:09}"))).collect()
}

fn load(rows: Vec<Row>) -> FileContent {
    FileContent { rows_read: rows.len() as u64, rows, ..FileContent::default() }
}

fn last(rows: Vec<Row>) -> LastFile<Row> {
    LastFile { rows, file_date: None }
}

/// Returns the gates that reject the file with the built-in settings.
fn faults(before: Option<Vec<Row>>, after: &FileContent) -> Vec<String> {
    let before = before.map(last);
    let result = judge(&GateSettings::default(), before.as_ref(), after, None);
    result.faults.iter().map(ToString::to_string).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn a_first_file_needs_a_minimum_of_good_rows() {
    let mut poor = load(rows(1000));
    poor.rows_read += 11;
    poor.rejected.insert("a reason", 11);

    assert_eq!(faults(None, &load(rows(1000))), NONE);
    assert_eq!(faults(None, &poor), ["rejected: expected at most 1 % rejected rows, got 1.09 % (11 of 1011)"]);
    assert_eq!(
        faults(None, &load(rows(999))),
        ["first_rows: expected at least 1000 kept rows in a broker's first file, got 999"]
    );
}

#[test]
fn the_number_of_rows_may_change_within_limits() {
    assert_eq!(faults(Some(rows(1000)), &load(rows(700))), NONE);
    assert_eq!(
        faults(Some(rows(1000)), &load(rows(699))),
        ["rows: expected at most 30 % fewer rows than the 1000 of the last accepted file, got 699 (30.1 % fewer)"]
    );
    assert_eq!(faults(Some(rows(1000)), &load(rows(1500))), NONE);
    assert_eq!(
        faults(Some(rows(1000)), &load(rows(1501))),
        ["rows: expected at most 50 % more rows than the 1000 of the last accepted file, got 1501 (50.1 % more)"]
    );
}

fn futures(count: usize) -> Vec<Row> {
    (0..count).map(|n| future(&format!("U{n:04}"), &format!("U{n:04}26AUGFUT"), "2026-08-25")).collect()
}

#[test]
fn a_segment_of_a_hundred_rows_is_required() {
    let before = [rows(1000), futures(100)].concat();

    let result = judge(&GateSettings::default(), Some(&last(before.clone())), &load(rows(1000)), None);

    assert_eq!(faults(Some(rows(1000)), &load(before)), NONE);
    assert_eq!(
        result.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "segments: missing: NSE_FO (100 rows in the last accepted file); a file must contain every segment with at least \
             100 rows in the last accepted file"
        ]
    );
    assert_eq!(result.warnings, []);
}

#[test]
fn a_missing_segment_of_fewer_rows_is_a_warning() {
    let before = [rows(1000), futures(99)].concat();

    let result = judge(&GateSettings::default(), Some(&last(before)), &load(rows(1000)), None);

    assert_eq!(result.faults, []);
    assert_eq!(
        result.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["segments: missing: NSE_FO (99 rows in the last accepted file); their instruments become inactive"]
    );
}

#[test]
fn a_file_of_complete_segments_is_a_part() {
    let part = |before: Vec<Row>, after: Vec<Row>| {
        judge(&GateSettings::default(), Some(&last(before)), &load(after), None).part
    };
    let all = || [rows(1000), futures(1000)].concat();

    assert_eq!(part(all(), rows(1000)), [Segment::NseEquity]);
    assert_eq!(part(all(), rows(700)), [Segment::NseEquity]);
    // Half of a segment is missing too: the file is damaged.
    assert_eq!(part(all(), rows(699)), []);
    assert_eq!(part(all(), all()[..1500].to_vec()), []);
}

#[test]
fn one_row_in_a_hundred_may_be_rejected() {
    let with = |rejected: u64| {
        let mut load = load(rows(1000));
        load.rows_read = 1000 + rejected;
        load.rejected.insert("a reason", rejected);
        load
    };

    assert_eq!(faults(Some(rows(1000)), &with(10)), NONE);
    assert_eq!(
        faults(Some(rows(1000)), &with(11)),
        ["rejected: expected at most 1 % rejected rows, got 1.09 % (11 of 1011)"]
    );
}

#[test]
fn duplicate_and_skipped_rows_are_not_rejected_rows() {
    let mut with = load(rows(1000));
    with.duplicates = 890;
    with.skipped.insert("a reason", 475);
    with.rows_read += 890 + 475;
    assert_eq!(faults(None, &with), NONE);
    assert_eq!(faults(Some(rows(1000)), &with), NONE);

    // Duplicates do not hide rejected rows either.
    with.rejected.insert("a fault", 11);
    with.rows_read += 11;
    let expected = ["rejected: expected at most 1 % rejected rows, got 1.09 % (11 of 1011)"];
    assert_eq!(faults(None, &with), expected);
    assert_eq!(faults(Some(rows(1000)), &with), expected);
}

#[test]
fn mass_changes_of_lots_and_expiries_are_rejected() {
    let contracts = |expiry: &str, lot_size: u32| -> Vec<Row> {
        let contract = |n: i64| Row {
            strike: Some(crate::instrument::Amount::from_ten_thousandths(n * 10_000)),
            class: crate::vocabulary::InstrumentType::Call,
            lot_size,
            ..future("NIFTY", &format!("NIFTY26AUG{n}CE"), expiry)
        };
        (0..1000).map(contract).collect()
    };
    let before = contracts("2026-08-27", 75);
    let some = |changed: &[Row], count: usize| [&changed[..count], &before[count..]].concat();
    let (lots, days) = (contracts("2026-08-27", 65), contracts("2026-08-25", 75));

    assert_eq!(faults(Some(before.clone()), &load(some(&lots, 200))), NONE);
    assert_eq!(
        faults(Some(before.clone()), &load(some(&lots, 201))),
        ["lots: at most 20 % of the instruments in both files may have a different lot size, got 20.1 % (201 of 1000)"]
    );
    assert_eq!(faults(Some(before.clone()), &load(some(&days, 200))), NONE);
    assert_eq!(
        faults(Some(before.clone()), &load(days)),
        [
            "expiries: at most 20 % of the instruments in both files may have a different expiry, got 100 % (1000 of 1000)"
        ]
    );
}

#[test]
fn reused_tokens_are_not_a_mass_change() {
    let contracts = |month: &str, expiry: &str, lot_size: u32| -> Vec<Row> {
        let contract = |n: i64| Row {
            token: format!("{n}"),
            lot_size,
            ..future(&format!("U{n}"), &format!("U{n}26{month}FUT"), expiry)
        };
        (0..1000).map(contract).collect()
    };

    let result = judge(
        &GateSettings::default(),
        Some(&last(contracts("JUL", "2026-07-28", 10))),
        &load(contracts("AUG", "2026-08-25", 20)),
        None,
    );

    assert_eq!(result.faults, []);
    assert_eq!(result.diff.count(ChangeKind::TokenReused), 1000);
}

#[test]
fn a_file_older_than_the_last_one_is_rejected() {
    let day = |text: &str| Some(text.parse().unwrap());
    let judged = |before, after| {
        let last = LastFile { rows: rows(1000), file_date: before };
        judge(&GateSettings::default(), Some(&last), &load(rows(1000)), after).faults
    };

    assert_eq!(
        judged(day("2026-08-17"), day("2026-08-14")),
        [GateFault {
            gate: "file_date",
            detail: "expected a file date of 2026-08-17 (that of the last accepted file) or later, got 2026-08-14"
                .to_owned()
        }]
    );
    for (before, after) in
        [(day("2026-08-17"), day("2026-08-17")), (None, day("2026-08-14")), (day("2026-08-17"), None)]
    {
        assert_eq!(judged(before, after), []);
    }
}

#[test]
fn a_file_may_be_dated_tomorrow_and_not_later() {
    let day = |text: &str| -> NaiveDate { text.parse().unwrap() };
    let today = day("2026-11-30");

    for date in [None, Some(day("0001-01-01")), Some(today), Some(day("2026-12-01"))] {
        assert_eq!(judge_date(date, today), None);
        assert_eq!(credible_date(date, today), date);
    }
    for date in ["2026-12-02", "9999-12-31"] {
        let fault = judge_date(Some(day(date)), today).unwrap();
        assert_eq!(fault.gate, "future_date");
        assert!(!fault.can_be_overruled());
        let detail = format!(
            "expected a file date no later than 2026-12-01 (tomorrow in Asia/Kolkata), got {date}; `force` does \
             not overrule this"
        );
        assert_eq!(fault.detail, detail);
        assert_eq!(credible_date(Some(day(date)), today), None);
    }
}

#[test]
fn every_failed_gate_is_reported() {
    let mut broken = load(vec![future("NIFTY", "NIFTY26AUGFUT", "2026-08-25")]);
    broken.rows_read = 10;
    broken.rejected.insert("a reason", 9);

    let gates: Vec<_> = judge(&GateSettings::default(), Some(&last(rows(1000))), &broken, None)
        .faults
        .into_iter()
        .map(|fault| fault.gate)
        .collect();

    assert_eq!(gates, ["segments", "rows", "rejected"]);
    assert!(gates.iter().all(|gate| NAMES.contains(gate)));
}

#[test]
fn shares_are_parsed_as_percent_with_two_decimals() {
    assert_eq!(Share::parse("30"), Some(Share::percent(30)));
    assert_eq!(Share::parse("0.5").unwrap().to_string(), "0.5 %");
    assert_eq!(Share::parse("1000.00"), Some(Share::percent(1000)));
    for text in ["", ".5", "-1", "+1", "1.234", "1000.01", "a", "1e3"] {
        assert_eq!(Share::parse(text), None, "{text}");
    }
}
