use std::slice::from_ref;

use super::*;
use crate::testing::{equity, future, index};

/// Returns `kind key before after` of every change.
fn changes(before: &[Row], after: &[Row]) -> Vec<String> {
    let diff = diff(before, after);
    diff.changes.iter().map(|c| format!("{} {} {} {}", c.kind.as_str(), c.key, c.before, c.after)).collect()
}

fn with_token(row: Row, token: &str) -> Row {
    Row { token: token.into(), ..row }
}

fn contract(symbol: &str, expiry: &str, token: &str) -> Row {
    with_token(future("NIFTY", symbol, expiry), token)
}

#[test]
fn equal_files_have_no_difference() {
    let rows = [equity("NSE", "TCS", "INE467B01029"), contract("NIFTY26AUGFUT", "2026-08-25", "1")];

    assert_eq!(diff(&rows, &rows), Diff { in_both: 2, ..Diff::default() });
}

#[test]
fn a_reused_token_of_a_removed_contract_is_three_changes() {
    let (july, august) =
        (contract("NIFTY26JULFUT", "2026-07-28", "40018"), contract("NIFTY26AUGFUT", "2026-08-25", "40018"));

    assert_eq!(
        changes(&[july], &[august]),
        [
            "added NFO:NIFTY26AUGFUT  NFO:NIFTY26AUGFUT",
            "removed NFO:NIFTY26JULFUT NFO:NIFTY26JULFUT ",
            "token_reused NFO:NIFTY26AUGFUT NFO:NIFTY26JULFUT 40018",
        ]
    );
}

#[test]
fn exchanged_tokens_are_both_changed_and_reused() {
    let (a, b) = (contract("NIFTY26JULFUT", "2026-07-28", "1"), contract("NIFTY26AUGFUT", "2026-08-25", "2"));
    let after = [with_token(a.clone(), "2"), with_token(b.clone(), "1")];

    assert_eq!(
        changes(&[a, b], &after),
        [
            "token_changed NFO:NIFTY26AUGFUT 2 1",
            "token_changed NFO:NIFTY26JULFUT 1 2",
            "token_reused NFO:NIFTY26AUGFUT NFO:NIFTY26JULFUT 1",
            "token_reused NFO:NIFTY26JULFUT NFO:NIFTY26AUGFUT 2",
        ]
    );
}

#[test]
fn a_monthly_contract_whose_day_moves_keeps_its_key() {
    let (before, after) = (contract("NIFTY26AUGFUT", "2026-08-27", "1"), contract("NIFTY26AUGFUT", "2026-08-25", "1"));

    assert_eq!(changes(&[before], &[after]), ["expiry_moved NFO:NIFTY26AUGFUT 2026-08-27 2026-08-25"]);
}

#[test]
fn a_moved_weekly_contract_is_identified_by_its_token() {
    let (before, after) = (contract("NIFTY26820FUT", "2026-08-20", "1"), contract("NIFTY26818FUT", "2026-08-18", "1"));
    let next_week = contract("NIFTY26827FUT", "2026-08-27", "1");

    assert_eq!(
        changes(from_ref(&before), &[after]),
        [
            "renamed NFO:NIFTY26818FUT NFO:NIFTY26820FUT NFO:NIFTY26818FUT",
            "expiry_moved NFO:NIFTY26818FUT 2026-08-20 2026-08-18",
        ]
    );
    assert_eq!(diff(&[before], &[next_week]).in_both, 0);
}

#[test]
fn a_renamed_security_is_identified_by_its_isin() {
    let before = Row { series: Some("EQ".into()), ..equity("NSE", "ZOMATO", "INE758T01015") };
    let after = Row { symbol: "ETERNAL".into(), series: Some("BE".into()), ..before.clone() };

    assert_eq!(
        changes(&[before], &[after]),
        ["renamed NSE:ETERNAL NSE:ZOMATO NSE:ETERNAL", "series_changed NSE:ETERNAL EQ BE",]
    );
}

#[test]
fn a_renamed_security_without_isin_is_identified_by_token() {
    let named = |symbol, token| with_token(index("NSE", symbol, None), token);

    assert_eq!(changes(&[named("OLD", "5")], &[named("NEW", "5")]), ["renamed NSE:NEW NSE:OLD NSE:NEW"]);
    let kept = changes(&[named("OLD", "5")], &[named("OLD", "6"), named("NEW", "5")]);
    assert_eq!(kept, ["added NSE:NEW  NSE:NEW", "token_changed NSE:OLD 5 6", "token_reused NSE:NEW NSE:OLD 5",]);
}

#[test]
fn lot_and_tick_are_compared_by_identity_not_token() {
    let before = [contract("NIFTY26AUGFUT", "2026-08-25", "1"), contract("NIFTY26SEPFUT", "2026-09-29", "2")];
    let mut after = before.clone();
    after[0].token = "2".into();
    after[1].token = "3".into();
    after[1].lot_size = before[1].lot_size + 10;
    after[1].tick_size = Amount::from_ten_thousandths(1000);

    let diff = diff(&before, &after);

    assert_eq!(diff.in_both, 2);
    assert_eq!(diff.count(ChangeKind::LotChanged), 1);
    assert_eq!(diff.count(ChangeKind::TickChanged), 1);
    assert_eq!(diff.counts()[&ChangeKind::TokenReused], 1);
}

#[test]
fn a_trait_of_several_rows_pairs_none_of_them() {
    let block = |symbol: &str| Row { series: None, ..equity("NSE", symbol, "INE467B01029") };

    let diff = diff(&[block("A"), block("B")], &[block("C"), block("D")]);

    assert_eq!(diff.in_both, 0);
    assert_eq!(diff.count(ChangeKind::Added), 2);
    assert_eq!(diff.count(ChangeKind::Removed), 2);
}

#[test]
fn every_kind_has_a_distinct_word() {
    for kind in ChangeKind::ALL {
        assert_eq!(ChangeKind::parse(kind.as_str()), Some(kind));
    }
    assert_eq!(ChangeKind::parse("moved"), None);
}

/// Returns a share of a file without ISINs.
fn named(symbol: &str, series: Option<&str>, name: &str, token: &str) -> Row {
    let row = equity("NSE", symbol, "");
    Row { isin: None, series: series.map(str::to_owned), name: name.into(), token: token.into(), ..row }
}

#[test]
fn a_share_in_another_series_is_identified_by_name() {
    let before = [
        named("EXAMPLE-BE", Some("BE"), "EXAMPLE LIMITED", "2560001"),
        named("OLDNAME", None, "SAME COMPANY", "5120001"),
    ];
    let after =
        [named("EXAMPLE", None, "EXAMPLE LIMITED", "2562305"), named("NEWNAME", None, "SAME COMPANY LTD", "5120001")];

    assert_eq!(
        changes(&before, &after),
        [
            "renamed NSE:NEWNAME NSE:OLDNAME NSE:NEWNAME",
            "token_changed NSE:EXAMPLE 2560001 2562305",
            "series_changed NSE:EXAMPLE BE EQ",
        ]
    );
    let key_change =
        |before: &str, after: &str| KeyChange { exchange: Exchange::Nse, before: before.into(), after: after.into() };
    let diff = diff(&before, &after);
    assert_eq!(diff.key_changes, [key_change("EXAMPLE-BE", "EXAMPLE"), key_change("OLDNAME", "NEWNAME")]);
    assert_eq!(diff.in_both, 2);
}

#[test]
fn a_share_moves_into_and_out_of_eq() {
    for (before, was, after, is) in [
        ("EXAMPLE", Some("EQ"), "EXAMPLE-BE", "BE"),
        ("EXAMPLE", None, "EXAMPLE-BE", "BE"),
        ("EXAMPLE-SM", Some("SM"), "EXAMPLE-ST", "ST"),
        ("EXAMPLE-BE", Some("BE"), "EXAMPLE-BZ", "BZ"),
        ("BAJAJ-AUTO", None, "BAJAJ-AUTO-BE", "BE"),
    ] {
        let changes = changes(&[named(before, was, "A LIMITED", "1")], &[named(after, Some(is), "A LIMITED", "2")]);

        let series = format!("series_changed NSE:{after} {} {is}", was.unwrap_or("EQ"));
        assert_eq!(changes, [format!("token_changed NSE:{after} 1 2"), series]);
    }
}

#[test]
fn the_token_of_a_moved_share_may_be_given_away() {
    let before = [named("EXAMPLE-BE", Some("BE"), "EXAMPLE LIMITED", "1")];
    let after = [named("ANOTHER", None, "ANOTHER LIMITED", "1"), named("EXAMPLE", None, "EXAMPLE LIMITED", "2")];

    assert_eq!(
        changes(&before, &after),
        [
            "added NSE:ANOTHER  NSE:ANOTHER",
            "token_changed NSE:EXAMPLE 1 2",
            "token_reused NSE:ANOTHER NSE:EXAMPLE-BE 1",
            "series_changed NSE:EXAMPLE BE EQ",
        ]
    );
}

#[test]
fn base_symbol_and_name_do_not_identify_other_securities() {
    for (before, was, after, is) in [
        ("ISSUE-N0", "N0", "ISSUE-N1", "N1"),
        ("ISSUE-E1", "E1", "ISSUE", "EQ"),
        ("ISSUE", "EQ", "ISSUE-RE", "RE"),
        ("ISSUE-BL", "BL", "ISSUE", "EQ"),
    ] {
        let diff =
            diff(&[named(before, Some(was), "ISSUE LIMITED", "1")], &[named(after, Some(is), "ISSUE LIMITED", "2")]);

        assert_eq!(diff.in_both, 0, "{before} {after}");
        assert_eq!(diff.key_changes, []);
    }
}

#[test]
fn the_legal_form_in_a_name_may_be_written_in_two_ways() {
    let before = named("EXAMPLE-BE", Some("BE"), "EXAMPLE LIMITED", "1");
    let after = named("EXAMPLE-BZ", Some("BZ"), "Example Ltd.", "2");

    assert_eq!(
        changes(&[before], &[after]),
        ["token_changed NSE:EXAMPLE-BZ 1 2", "series_changed NSE:EXAMPLE-BZ BE BZ"]
    );
}

#[test]
fn shares_with_other_or_ambiguous_names_did_not_move() {
    let old = named("EXAMPLE-BE", Some("BE"), "EXAMPLE LIMITED", "1");
    let in_both = |before: &[Row], after: &[Row]| diff(before, after).in_both;
    let plain = named("EXAMPLE", None, "EXAMPLE LIMITED", "2");

    assert_eq!(in_both(from_ref(&old), &[named("EXAMPLE", None, "ANOTHER LIMITED", "2")]), 0);
    assert_eq!(
        in_both(&[Row { name: String::new(), ..old.clone() }], &[Row { name: String::new(), ..plain.clone() }]),
        0
    );
    let in_lots = named("EXAMPLE-SM", Some("SM"), "EXAMPLE LIMITED", "3");
    assert_eq!(in_both(&[old.clone(), in_lots.clone()], from_ref(&plain)), 0);
    assert_eq!(in_both(&[old], &[plain, in_lots]), 0);
}

#[test]
fn an_isin_and_another_series_make_another_key() {
    let before = Row { series: Some("BE".into()), ..equity("NSE", "EXAMPLE-BE", "INE000A01011") };
    let after = Row { series: Some("EQ".into()), ..equity("NSE", "EXAMPLE", "INE000A01011") };
    // A file that does not write the series into the key.
    let plain = Row { symbol: "EXAMPLE".into(), ..before.clone() };

    assert_eq!(changes(from_ref(&before), &[after]), ["series_changed NSE:EXAMPLE BE EQ"]);
    assert_eq!(changes(&[plain], &[before]), ["renamed NSE:EXAMPLE-BE NSE:EXAMPLE NSE:EXAMPLE-BE"]);
}

#[test]
fn a_value_that_a_file_lacks_is_not_a_change() {
    let known = equity("NSE", "TCS", "INE467B01029");
    let unknown = Row { series: None, lot_size: 0, tick_size: Amount::ZERO, ..known.clone() };
    let of_kite = Row { isin: None, series: None, ..known.clone() };

    assert_eq!(changes(from_ref(&known), from_ref(&unknown)), [""; 0]);
    assert_eq!(changes(&[unknown], from_ref(&known)), [""; 0]);
    assert_eq!(changes(&[of_kite], &[Row { isin: None, ..known }]), [""; 0]);
}
