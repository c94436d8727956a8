//! Search and suggestions on complete files.

use registry_planning::catalogue::search::{MatchKind, Query};
use registry_planning::help::Helper;

use super::{Builder, Catalogue, Dump, InstrumentType, NaiveDate, kite, upstox_json};

fn catalogue_of(dump: &Dump) -> Catalogue {
    let mut builder = Builder::new();
    dump.load.rows.iter().for_each(|row| builder.add(row.clone(), true));
    builder.build("1".to_owned(), vec![])
}

/// Returns the date of Kite's file.
fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 8, 17).expect("it is a date")
}

#[test]
fn every_option_of_kite_is_found_in_another_notation() {
    let Some(dump) = kite() else { return };
    let catalogue = catalogue_of(dump);

    for row in dump.load.rows.iter().filter(|row| row.strike.is_some()).step_by(37) {
        let (underlying, expiry) = (row.underlying.as_deref().unwrap(), row.expiry.unwrap());
        let (strike, kind) = (row.strike.unwrap(), row.class.as_str());
        let day = expiry.format("%d %b %y").to_string().to_uppercase();
        let written = format!("{}:{underlying} {strike} {kind} {day}", row.exchange);

        let help = Helper::new(&catalogue, today()).unknown(&written);

        assert_eq!(help.suggestions, [format!("{}:{}", row.exchange, row.symbol)], "{written}: {}", help.detail);
    }
}

#[test]
fn an_unlisted_strike_suggests_both_of_its_neighbors() {
    let Some(dump) = kite() else { return };
    let catalogue = catalogue_of(dump);
    let contract = |row: &&&super::Row| row.underlying.as_deref() == Some("NIFTY") && row.class == InstrumentType::Call;
    let rows: Vec<_> = dump.load.rows.iter().collect();
    let call = rows.iter().find(contract).unwrap();
    let written = call.symbol.replace(&format!("{}CE", call.strike.unwrap()), "24501.5CE");

    let help = Helper::new(&catalogue, today()).unknown(&format!("NFO:{written}"));

    assert!(help.detail.starts_with("strike 24501.5 is not listed for "), "{}", help.detail);
    assert_eq!(help.suggestions.len(), 2);
    // `SENSEX50` begins with another underlying, `SENSEX`. The longer name takes precedence.
    let longer = Helper::new(&catalogue, today()).unknown("BFO:SENSEX5026OCT26551CE");
    assert!(longer.suggestions.contains(&"BFO:SENSEX5026OCT26550CE".to_owned()), "{longer:?}");
}

#[test]
fn the_symbol_of_every_share_of_upstoxs_file_is_found_first() {
    let Some(dump) = upstox_json() else { return };
    let catalogue = catalogue_of(dump);

    for row in dump.load.rows.iter().filter(|row| row.class == InstrumentType::Equity).step_by(41) {
        let page = catalogue.search(&Query::new(row.symbol.to_lowercase(), today()));

        let exact = page.hits.iter().filter(|hit| hit.kind == MatchKind::Exact);
        let keys: Vec<&str> = exact.map(|hit| catalogue.key(hit.id)).collect();
        assert_eq!(page.hits[0].kind, MatchKind::Exact, "{}", row.symbol);
        assert!(keys.contains(&format!("{}:{}", row.exchange, row.symbol).as_str()), "{keys:?}");
    }
    let first = |text: &str| catalogue.key(catalogue.search(&Query::new(text, today())).hits[0].id).to_owned();
    assert_eq!(first("relaince"), "NSE:RELIANCE");
    assert_eq!(first("nifty"), "NSE:NIFTY 50");
    assert_eq!(first("tata motors"), "NSE:TATAMOTORS");
    assert_eq!(first("hdfc bank"), "NSE:HDFCBANK");
}
