use std::ops::ControlFlow;

use super::*;

const HEADER: &str = r#""instrument_key","exchange_token","tradingsymbol","name","last_price","expiry","strike","tick_size","lot_size","instrument_type","option_type","exchange""#;

fn json_equity(symbol: &str, series: &str, isin: &str) -> String {
    format!(
        r#"{{"segment":"NSE_EQ","name":"N","exchange":"NSE","isin":"{isin}","instrument_type":"{series}","instrument_key":"NSE_EQ|{isin}","lot_size":1,"exchange_token":"1","tick_size":5.0,"trading_symbol":"{symbol}"}}"#
    )
}

/// Returns the same security of BSE, whose symbols are shared by securities of several groups.
fn on_bse(row: &str) -> String {
    row.replace("NSE", "BSE")
}

fn load_json(rows: &[String]) -> FileContent {
    let file = format!("[{}]", rows.join(","));
    read_file(Broker::Upstox, file.as_bytes(), &Limits::default(), &mut |_| ControlFlow::Continue(())).unwrap()
}

fn keys(load: &FileContent) -> Vec<String> {
    load.rows.iter().map(|row| format!("{}:{}", row.exchange, row.symbol)).collect()
}

#[test]
fn the_ordinary_share_keeps_the_shared_symbol() {
    let load =
        load_json(&[json_equity("MOTHERSON", "D1", "INE775A08105"), json_equity("MOTHERSON", "EQ", "INE775A01035")]);

    assert_eq!(keys(&load), ["NSE:MOTHERSON", "NSE:MOTHERSON-D1"]);
    assert_eq!(load.rows[0].isin.as_deref(), Some("INE775A01035"));
}

#[test]
fn on_bse_the_group_distinguishes_securities_of_one_symbol() {
    let (share, debt) = (json_equity("MOTHERSON", "A", "INE775A01035"), json_equity("MOTHERSON", "F", "INE775A08105"));

    let load = load_json(&[on_bse(&debt), on_bse(&share)]);

    assert_eq!(keys(&load), ["BSE:MOTHERSON", "BSE:MOTHERSON-F"]);
    assert_eq!(load.rows[0].isin.as_deref(), Some("INE775A01035"));
}

#[test]
fn the_only_security_of_a_symbol_has_its_series_in_the_key() {
    let load = load_json(&[json_equity("TESTCO", "SM", "INE000T01015"), json_equity("TCS", "EQ", "INE467B01029")]);

    assert_eq!(keys(&load), ["NSE:TCS", "NSE:TESTCO-SM"]);
    assert_eq!(load.rows[1].series.as_deref(), Some("SM"));
}

#[test]
fn without_an_ordinary_share_each_row_gets_its_series() {
    let load = load_json(&[json_equity("IMC1", "N0", "INE00QS24019"), json_equity("IMC1", "N1", "INE00QS24043")]);

    assert_eq!(keys(&load), ["NSE:IMC1-N0", "NSE:IMC1-N1"]);
}

#[test]
fn ambiguous_rows_are_rejected_in_any_order() {
    let load = load_json(&[json_equity("IMC1", "N0", "INE00QS24019"), json_equity("IMC1", "N0", "INE00QS24043")]);

    assert_eq!(keys(&load), Vec::<String>::new());
    assert_eq!(load.rejected, BTreeMap::from([(AMBIGUOUS, 2)]));
}

#[test]
fn indistinguishable_rows_are_rejected() {
    let row = |token: &str, expiry: &str| {
        format!(
            r#""MCX_FO|{token}","{token}","GOLDM24OCTFUT","GOLD","0","{expiry}","0","100.0","1","FUTCOM","FF","MCX_FO""#
        )
    };
    let file = [HEADER.to_owned(), row("438165", "2024-10-31"), row("436401", "2024-10-04")].join("\n");

    let load =
        read_file(Broker::Upstox, file.as_bytes(), &Limits::default(), &mut |_| ControlFlow::Continue(())).unwrap();

    assert!(load.rows.is_empty());
    assert_eq!(load.rejected, BTreeMap::from([(AMBIGUOUS, 2)]));
    assert_eq!(load.rows_read, 2);
}

#[test]
fn a_duplicate_row_is_kept_once_and_counted() {
    let row = json_equity("TCS", "EQ", "INE467B01029");

    let load = load_json(&[row.clone(), row.clone(), row]);

    assert_eq!(keys(&load), ["NSE:TCS"]);
    assert_eq!(load.duplicates, 2);
    assert_eq!(load.rejected_total(), 0);
    assert_eq!(load.rows_read, 3);
    assert_eq!(load.quarantine, []);
}

#[test]
fn the_order_of_the_rows_does_not_change_the_hash() {
    let (a, b) = (json_equity("TCS", "EQ", "INE467B01029"), json_equity("ACC", "EQ", "INE012A01025"));

    assert_eq!(load_json(&[a.clone(), b.clone()]).content_hash, load_json(&[b.clone(), a]).content_hash);
    assert_ne!(load_json(&[b]).content_hash, load_json(&[]).content_hash);
}

#[test]
fn a_rejected_row_is_quarantined_with_line_and_text() {
    let (tcs, broken) = (json_equity("TCS", "EQ", "INE467B01029"), "{\"instrument_key\": 1}".to_owned());
    let quarantined = |line, reason, text: &str| QuarantinedRow { line, member: None, reason, text: text.into() };

    let shared = |isin| json_equity("IMC1", "N0", isin);

    let load = load_json(&[tcs, broken, shared("INE00QS24019"), shared("INE00QS24043")]);

    let expected = [
        quarantined(2, "segment is unknown", "{\"instrument_key\": 1}"),
        quarantined(3, AMBIGUOUS, "NSE:IMC1-N0 NSE_EQ|INE00QS24019"),
        quarantined(4, AMBIGUOUS, "NSE:IMC1-N0 NSE_EQ|INE00QS24043"),
    ];
    assert_eq!(load.quarantine.as_slice(), &expected[..]);
    assert_eq!(load.rejected_total(), 3);
}

#[test]
fn at_most_a_hundred_rows_are_quarantined_per_reason() {
    let mut rows = vec!["5".to_owned(); 300];
    rows.push(format!("{{\"instrument_key\":\"{}\"}}", "₹".repeat(1000)));

    let load = load_json(&rows);

    assert_eq!(load.rejected_total(), 301);
    assert_eq!(load.quarantine.len(), 101);
    assert_eq!(load.quarantine[100].line, 301);
    assert_eq!(load.quarantine[100].text.chars().count(), dump::TEXT_CHARACTERS_MAX);
}

#[test]
fn the_last_undecided_expiry_of_a_month_is_monthly() {
    let row = |token, expiry| format!("NSE,{token},X,,FUT,FNO,,,NIFTY,1,{expiry},,65,0.05");
    let header = "exchange,exchange_token,trading_symbol,name,instrument_type,segment,series,isin,underlying_symbol,\
        underlying_exchange_token,expiry_date,strike_price,lot_size,tick_size";
    let file = [header.to_owned(), row(1, "2031-09-23"), row(2, "2031-09-30"), row(3, "2031-10-07")].join("\n");

    let load =
        read_file(Broker::Groww, file.as_bytes(), &Limits::default(), &mut |_| ControlFlow::Continue(())).unwrap();

    assert_eq!(keys(&load), ["NFO:NIFTY31923FUT", "NFO:NIFTY31OCTFUT", "NFO:NIFTY31SEPFUT"]);
    assert_eq!(load.rows[2].token, "NSE|FNO|2");
}

/// The key that a security gets because it shares its symbol may be the key of another security, whichever is decided
/// first.
#[test]
fn a_key_with_a_series_is_not_assigned_twice() {
    let (shared, repeated) = (json_equity("A", "D1", "INE467B01029"), json_equity("A-D1", "EQ", "INE012A01025"));
    let other = json_equity("A", "N0", "INE775A01035");
    let [shared, other, repeated] = [shared, other, repeated].map(|row| on_bse(&row));

    let load = load_json(&[shared, other, repeated.clone(), repeated]);

    assert_eq!(keys(&load), ["BSE:A-D1", "BSE:A-N0"]);
    assert_eq!(load.rejected, BTreeMap::from([(AMBIGUOUS, 1)]));
    assert_eq!(load.duplicates, 1);
    assert_eq!(load.rows[0].isin.as_deref(), Some("INE012A01025"));
}

#[test]
fn the_progress_observer_can_stop_a_reading() {
    let file = format!("[{}]", vec![json_equity("TCS", "EQ", "INE467B01029"); 2000].join(","));
    for last in [false, true] {
        let mut told = Vec::new();
        let mut on_progress = |rows| {
            told.push(rows);
            if rows > 300 && (!last || rows == 2000) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };

        let stopped = read_file(Broker::Upstox, file.as_bytes(), &Limits::default(), &mut on_progress);

        assert_eq!(stopped.unwrap_err().to_string(), "reading was canceled");
        assert!(told.is_sorted(), "{told:?}");
        assert_eq!(told.last() == Some(&2000), last, "{told:?}");
    }
}

#[test]
fn the_monthly_expiry_of_a_currency_precedes_a_holiday() {
    let contract = |token: u32, day: &str| {
        format!(
            r#"{{"token":"{token}","symbol":"USDINR{day}26FUT","name":"USDINR","expiry":"{day}2026","strike":"-1.000000","lotsize":"1","instrumenttype":"FUTCUR","exch_seg":"CDS","tick_size":"0.250000"}}"#
        )
    };
    let file = format!("[{},{}]", contract(2264, "25MAR"), contract(3968, "27MAR"));

    let load = read_file(Broker::Angel, file.as_bytes(), &Limits::default(), &mut |_| ControlFlow::Continue(()));

    let keys: Vec<String> = load.unwrap().rows.iter().map(|row| format!("{} {}", row.symbol, row.token)).collect();
    assert_eq!(keys, ["USDINR26327FUT CDS|3968", "USDINR26MARFUT CDS|2264"]);
}

#[test]
fn a_cycle_that_contradicts_the_expiries_is_corrected() {
    let contract = |token: u32, weekly: bool, expiry: &str| {
        let time = format!("{expiry}T18:29:59Z").parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis();
        serde_json::json!({
            "segment": "NCD_FO", "instrument_key": format!("NCD_FO|{token}"), "instrument_type": "FUT", "weekly": weekly,
            "name": "USDINR", "asset_symbol": "USDINR", "trading_symbol": "USDINR FUT", "expiry": time, "tick_size": 0.25,
            "lot_size": 1,
        })
    };
    let file = serde_json::json!([contract(1, false, "2026-03-25"), contract(2, false, "2026-03-27")]).to_string();

    let load = read_file(Broker::Upstox, file.as_bytes(), &Limits::default(), &mut |_| ControlFlow::Continue(()));

    let keys: Vec<String> = load.unwrap().rows.iter().map(|row| format!("{} {}", row.symbol, row.token)).collect();
    assert_eq!(keys, ["USDINR26327FUT NCD_FO|2", "USDINR26MARFUT NCD_FO|1"]);
}

#[test]
fn rows_of_other_exchanges_are_skipped_not_rejected() {
    const HEADER: &str = "exchangetoken,tradingsymbol,symbolname,expiry,strikeprice,ticksize,lotsize,optiontype,\
        assettype,exchange";
    let row = |token: &str, exchange: &str| format!("{token},X,GUARSEED,20/AUG/31,0,1,5,XX,FUTCOM,{exchange}");
    let rows = [row("1_MCX", "MCX"), row("2_NCDEX", "NCDEX"), row("3_NCDEX", "NCDEX"), row("4_X", "NYSE")];
    let file = format!("{HEADER}\n{}\n", rows.join("\n"));

    let load =
        read_file(Broker::Nuvama, file.as_bytes(), &Limits::default(), &mut |_| ControlFlow::Continue(())).unwrap();

    assert_eq!(keys(&load), ["MCX:GUARSEED31AUGFUT"]);
    assert_eq!(load.skipped, BTreeMap::from([("the exchange is not carried", 2)]));
    assert_eq!(load.rejected, BTreeMap::from([("exchange is unknown", 1)]));
    assert_eq!(load.rows_read, 4);
    assert_eq!(load.duplicates, 0);
}
