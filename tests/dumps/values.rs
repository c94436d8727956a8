//! Values of complete files of brokers: types, names of indices, cycles of expiries, and units of tick sizes and lots.

use std::collections::BTreeSet;

use super::*;

fn rows(dump: &'static Dump) -> &'static [Row] {
    &dump.load.rows
}

fn kite_nse() -> Option<&'static Dump> {
    static DUMP: LazyLock<Option<Dump>> = LazyLock::new(|| read_dump(Broker::Kite, "kite_nse_2025-10.csv.gz"));
    report_missing(&DUMP)
}

fn fyers() -> Option<&'static Dump> {
    static DUMP: LazyLock<Option<Dump>> = LazyLock::new(|| read_dump(Broker::Fyers, "fyers_nse_cm_2025-11-10.csv.gz"));
    report_missing(&DUMP)
}

fn dhan() -> Option<&'static Dump> {
    static DUMP: LazyLock<Option<Dump>> =
        LazyLock::new(|| read_dump(Broker::Dhan, "dhan_compact_nse_cash_2025-08.csv.gz"));
    report_missing(&DUMP)
}

fn is_currency(row: &Row) -> bool {
    matches!(row.segment, Segment::NseCurrency | Segment::BseCurrency)
}

/// Writes contracts as a file of Angel One, which does not specify the monthly expiries.
fn without_cycles(rows: &[&Row]) -> String {
    let element = |(token, row): (usize, &&Row)| {
        let kind = if row.strike.is_some() { "OPTCUR" } else { "FUTCUR" };
        let strike = row.strike.map_or("-1".to_owned(), |strike| strike.times(10_000_000).to_string());
        let expiry = row.expiry.expect("a contract has an expiry").format("%d%b%Y").to_string().to_uppercase();
        serde_json::json!({
            "token": token.to_string(), "symbol": row.symbol, "name": row.underlying, "expiry": expiry, "strike": strike,
            "lotsize": "1", "instrumenttype": kind, "exch_seg": row.exchange.as_str(), "tick_size": "0.25",
        })
    };
    serde_json::Value::from_iter(rows.iter().enumerate().map(element)).to_string()
}

#[test]
fn expiries_determine_the_cycle_of_every_currency_contract() {
    for (dump, count) in [(upstox_csv(), 18_094), (upstox_json(), 18_548)] {
        let Some(dump) = dump else { return };
        let contracts: Vec<&Row> = dump.load.rows.iter().filter(|row| is_currency(row)).collect();
        assert_eq!(contracts.len(), count);

        let file = without_cycles(&contracts);
        let load = read_file(Broker::Angel, file.as_bytes(), &Limits::default(), &mut |_| ControlFlow::Continue(()));

        let symbols = |rows: Vec<&Row>| -> Vec<String> { rows.iter().map(|row| row.symbol.clone()).collect() };
        assert_eq!(symbols(load.expect("the file can be read").rows.iter().collect()), symbols(contracts));
    }
}

/// Returns the values of a field of contracts, sorted, with the number of contracts for each.
fn counts<T: Ord>(rows: &[Row], is_counted: impl Fn(&Row) -> bool, value: impl Fn(&Row) -> T) -> Vec<(T, usize)> {
    let mut counts = BTreeMap::new();
    rows.iter().filter(|row| is_counted(row)).for_each(|row| *counts.entry(value(row)).or_default() += 1);
    counts.into_iter().collect()
}

#[test]
fn price_steps_and_lots_of_both_forms_have_the_same_units() {
    let (Some(csv), Some(json)) = (upstox_csv().map(rows), upstox_json().map(rows)) else { return };
    let of = |underlying: &'static str, segment: Segment| {
        move |row: &Row| row.segment == segment && row.underlying.as_deref() == Some(underlying)
    };
    let is_future = |row: &Row| row.class == InstrumentType::Future;
    for (underlying, segment, step, lot) in [
        ("CRUDEOIL", Segment::McxCommodity, "1", 100),
        ("SILVER", Segment::McxCommodity, "1", 30),
        ("COPPER", Segment::McxCommodity, "0.05", 2500),
    ] {
        for rows in [csv, json] {
            let is_counted = |row: &Row| of(underlying, segment)(row) && is_future(row);
            let steps = counts(rows, is_counted, |row| (row.tick_size.to_string(), row.lot_size));
            assert_eq!(steps.len(), 1, "{underlying}");
            assert_eq!(steps[0].0, (step.to_owned(), lot), "{underlying}");
        }
    }
    // The CSV has no multiplier: the quantity of gold is in kg, and its price is for 10 g.
    let lots = |rows: &[Row], underlying, segment| -> Vec<u32> {
        counts(rows, of(underlying, segment), |row| row.lot_size).into_iter().map(|(lot, _)| lot).collect()
    };
    for (underlying, segment, in_csv, in_json) in [
        ("GOLD", Segment::McxCommodity, &[0][..], &[100][..]),
        ("GOLDM", Segment::McxCommodity, &[0], &[10]),
        ("USDINR", Segment::NseCurrency, &[0], &[1000]),
        ("USDINR", Segment::BseCurrency, &[0], &[1000]),
        ("ZINC", Segment::NseCommodity, &[], &[5000]),
    ] {
        assert_eq!(lots(csv, underlying, segment), in_csv, "{underlying}");
        assert_eq!(lots(json, underlying, segment), in_json, "{underlying}");
    }
    let unknown = counts(json, |row| row.underlying.is_some() && row.lot_size == 0, |row| row.segment.as_str());
    assert_eq!(unknown, []);
}

/// Returns the types of securities of NSE by their keys, which include the series.
fn types(rows: &[Row]) -> BTreeMap<String, InstrumentType> {
    let securities = rows.iter().filter(|row| row.segment == Segment::NseEquity);
    let key = |row: &Row| match row.series.as_deref() {
        Some(series) if series != "EQ" && !row.symbol.ends_with(&format!("-{series}")) => {
            format!("{}-{series}", row.symbol)
        }
        _ => row.symbol.clone(),
    };
    securities.map(|row| (key(row), row.class)).collect()
}

#[test]
fn types_without_isin_agree_with_those_by_isin() {
    let (Some(fyers), Some(kite), Some(dhan)) = (fyers().map(rows), kite_nse().map(rows), dhan().map(rows)) else {
        return;
    };
    let by_isin = types(fyers);
    let differing = |rows: &[Row]| -> Vec<String> {
        let differs = |(key, class): &(String, InstrumentType)| by_isin.get(key).is_some_and(|other| other != class);
        types(rows).into_iter().filter(differs).map(|(key, _)| key).collect()
    };

    // Kite's file does not distinguish an exchange-traded fund from a share.
    let of_kite = differing(kite);
    assert_eq!(of_kite.len(), 277);
    assert!(of_kite.iter().all(|key| by_isin[key] == InstrumentType::Fund));
    assert_eq!(differing(dhan), ["LIQGRWBEES", "MOGOLD"], "both have the kind `Other`");
    for key in ["AIRTELPP-E1", "EMBASSY-RR", "INDIGRID-IV"] {
        let class = if key.ends_with("E1") { InstrumentType::Equity } else { InstrumentType::Fund };
        for (broker, types) in [("fyers", &by_isin), ("kite", &types(kite)), ("dhan", &types(dhan))] {
            assert_eq!(types.get(key), Some(&class), "{key} at {broker}");
        }
    }
}

#[test]
fn every_index_has_kites_key_at_all_brokers() {
    let (Some(kite), Some(fyers), Some(csv), Some(json)) =
        (kite_nse().map(rows), fyers().map(rows), upstox_csv().map(rows), upstox_json().map(rows))
    else {
        return;
    };
    let of = |rows: &[Row]| -> BTreeSet<String> {
        rows.iter().filter(|row| row.segment == Segment::NseIndex).map(|row| row.symbol.clone()).collect()
    };
    let kites = of(kite);
    let others = |rows: &[Row]| of(rows).difference(&kites).cloned().collect::<Vec<_>>();
    let bonds = ["BHARATBOND-APR30", "BHARATBOND-APR31", "BHARATBOND-APR32", "BHARATBOND-APR33"];

    assert_eq!(kites.len(), 117);
    for (rows, count, not_at_kite) in [
        (fyers, 120, [&bonds[..], &["Nifty500 LowVol50", "Nifty500 Qlty50"]].concat()),
        (csv, 77, vec![]),
        (
            json,
            126,
            [
                &bonds[..],
                &["INDEX1 NSETEST", "INDEX2 NSETEST", "Nifty500 LowVol50", "Nifty500 MQVLv50", "Nifty500 Qlty50"],
            ]
            .concat(),
        ),
    ] {
        assert_eq!(of(rows).len(), count);
        assert_eq!(others(rows), not_at_kite);
    }
}
