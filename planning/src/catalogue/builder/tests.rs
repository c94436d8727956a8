use super::*;
use crate::testing::{equity, future, index};

fn catalogue_of(rows: Vec<Row>) -> Catalogue {
    let mut builder = Builder::new();
    for row in rows {
        builder.add(row, true);
    }
    builder.build("1".into(), vec![])
}

#[test]
fn ids_follow_exchange_then_symbol() {
    let catalogue = catalogue_of(vec![equity("NSE", "TCS", "INE467B01029"), equity("NSE", "ACC", "INE012A01025"), {
        equity("BSE", "ZEEL", "INE256A01028")
    }]);

    let keys: Vec<_> = catalogue.instruments().map(|instrument| instrument.key()).collect();
    assert_eq!(keys, ["BSE:ZEEL", "NSE:ACC", "NSE:TCS"]);
    for key in keys {
        assert_eq!(catalogue.key(catalogue.find(key).unwrap()), key);
    }
    assert_eq!(catalogue.find("NSE:ZEEL"), None);
    assert_eq!(catalogue.find(""), None);
}

#[test]
fn an_empty_catalogue_finds_nothing() {
    let catalogue = catalogue_of(vec![]);

    assert!(catalogue.is_empty());
    assert_eq!(catalogue.find("NSE:TCS"), None);
}

#[test]
fn an_alias_is_found_and_belongs_to_its_target() {
    let catalogue = catalogue_of(vec![index("NSE", "NIFTY 50", Some("NIFTY"))]);

    let target = catalogue.find("NSE:NIFTY 50").unwrap();
    let alias = catalogue.find("NSE:NIFTY").unwrap();
    assert!(catalogue.get(alias).is_alias());
    assert!(!catalogue.get(target).is_alias());
    assert_eq!(catalogue.get(alias).group(), target);
    assert_eq!(catalogue.instrument_count(), 1);
    assert_eq!(catalogue.len(), 2);
}

#[test]
fn an_alias_never_hides_an_instrument_with_that_key() {
    let catalogue = catalogue_of(vec![index("NSE", "NIFTY 50", Some("NIFTY")), equity("NSE", "NIFTY", "INE467B01029")]);

    assert!(!catalogue.get(catalogue.find("NSE:NIFTY").unwrap()).is_alias());
    assert_eq!(catalogue.len(), 2);
}

#[test]
fn cross_listings_are_grouped_by_isin_never_by_symbol() {
    let catalogue = catalogue_of(vec![
        equity("NSE", "TCS", "INE467B01029"),
        equity("BSE", "TCS", "INE467B01029"),
        equity("NSE", "GSTL", "INE000A01011"),
        equity("BSE", "GSTL", "INE000B01019"),
    ]);
    let group = |key| catalogue.key(catalogue.get(catalogue.find(key).unwrap()).group());

    assert_eq!(group("BSE:TCS"), "NSE:TCS");
    assert_eq!(group("NSE:TCS"), "NSE:TCS");
    assert_eq!(group("BSE:GSTL"), "BSE:GSTL");
}

#[test]
fn the_content_hash_does_not_depend_on_the_order() {
    let rows = vec![
        equity("NSE", "TCS", "INE467B01029"),
        future("NIFTY", "NIFTY26AUGFUT", "2026-08-25"),
        index("NSE", "NIFTY 50", Some("NIFTY")),
    ];
    let mut reversed = rows.clone();
    reversed.reverse();
    let mut other = rows.clone();
    other[1].lot_size += 1;

    assert_eq!(catalogue_of(rows.clone()).content_hash(), catalogue_of(reversed).content_hash());
    assert_ne!(catalogue_of(rows).content_hash(), catalogue_of(other).content_hash());
}

#[test]
fn tokens_are_found_by_broker() {
    let mut builder = Builder::new();
    builder.add(equity("NSE", "TCS", "INE467B01029"), true);
    builder.add_token(Broker::Kite, "NSE:TCS".into(), "2953217");
    builder.add_token(Broker::Kite, "NSE:GONE".into(), "1");
    let catalogue = builder.build("1".into(), vec![]);

    let tcs = catalogue.get(catalogue.find("NSE:TCS").unwrap());
    assert_eq!(tcs.token(Broker::Kite), Some("2953217"));
    assert_eq!(tcs.token(Broker::Upstox), None);
    assert_eq!(catalogue.token_counts().get(&Broker::Kite), Some(&1));
}
