use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::catalogue::Builder;
use crate::dump::Row;
use crate::instrument::Amount;
use crate::testing::{demo_catalogue, equity, future, index};
use crate::vocabulary::{Broker, InstrumentType};

static DEMO: LazyLock<Catalogue> = LazyLock::new(demo_catalogue);

fn today() -> NaiveDate {
    "2026-11-24".parse().unwrap()
}

fn catalogue_of(rows: Vec<(Row, bool)>) -> Catalogue {
    let mut builder = Builder::new();
    for (row, is_active) in rows {
        builder.add(row, is_active);
    }
    builder.build("1".into(), vec![])
}

fn keys<'a>(catalogue: &'a Catalogue, page: &Page) -> Vec<&'a str> {
    page.hits.iter().map(|hit| catalogue.key(hit.id)).collect()
}

/// Returns the first results, with the way in which they match.
fn found(text: &str, count: usize) -> Vec<(&'static str, MatchKind)> {
    let page = DEMO.search(&Query { limit: count, ..Query::new(text, today()) });
    page.hits.iter().map(|hit| (DEMO.key(hit.id), hit.kind)).collect()
}

#[test]
fn exact_matches_precede_prefixes_and_contracts() {
    let found = found("tcs", 4);

    assert_eq!(found[0], ("NSE:TCS", MatchKind::Exact));
    assert_eq!(found[1], ("BSE:TCS", MatchKind::Exact));
    assert_eq!(found[2], ("NFO:TCS26NOVFUT", MatchKind::Underlying));
    assert_eq!(found[3].1, MatchKind::Underlying);
}

#[test]
fn an_alias_finds_its_instrument_once() {
    let page = DEMO.search(&Query { limit: 6000, ..Query::new("NIFTY", today()) });

    let keys = keys(&DEMO, &page);
    assert_eq!(keys[0], "NSE:NIFTY 50");
    assert_eq!(keys.iter().filter(|key| **key == "NSE:NIFTY 50").count(), 1);
    assert!(!keys.contains(&"NSE:NIFTY"));
    // Other indices follow the futures and the options around the middle, and precede the hundreds of other contracts.
    let bank = keys.iter().position(|key| *key == "NSE:NIFTY BANK").unwrap();
    assert!((20..50).contains(&bank), "{bank}");
}

/// Returns the calls and puts of an underlying, in Kite's notation.
fn chain(underlying: &str, exchange: &str, (written, expiry): (&str, &str), strikes: &[u32]) -> Vec<(Row, bool)> {
    let option = |strike: u32, class: InstrumentType| {
        let mut row = future(underlying, &format!("{underlying}{written}{strike}{}", class.as_str()), expiry);
        row.exchange = Exchange::parse(exchange).unwrap();
        row.class = class;
        row.strike = Amount::parse(&strike.to_string());
        (row, true)
    };
    strikes
        .iter()
        .flat_map(|strike| [option(*strike, InstrumentType::Call), option(*strike, InstrumentType::Put)])
        .collect()
}

fn commodity_future(underlying: &str, month: &str, expiry: &str) -> (Row, bool) {
    let mut row = future(underlying, &format!("{underlying}{month}FUT"), expiry);
    row.exchange = Exchange::Mcx;
    (row, true)
}

fn first_keys(catalogue: &Catalogue, text: &str, count: usize) -> Vec<String> {
    let page = catalogue.search(&Query { limit: count, ..Query::new(text, today()) });
    keys(catalogue, &page).into_iter().map(str::to_owned).collect()
}

#[test]
fn futures_then_options_around_the_middle_follow_the_index() {
    let mut rows = vec![
        (index("NSE", "NIFTY 50", Some("NIFTY")), true),
        (index("NSE", "NIFTY BANK", Some("BANKNIFTY")), true),
        (future("NIFTY", "NIFTY26DECFUT", "2026-12-29"), true),
        (future("NIFTY", "NIFTY26NOVFUT", "2026-11-24"), true),
        (future("NIFTY", "NIFTY26OCTFUT", "2026-10-27"), true),
    ];
    rows.extend(chain("NIFTY", "NFO", ("26DEC", "2026-12-29"), &[25000, 26000, 27000]));
    rows.extend(chain("NIFTY", "NFO", ("26D01", "2026-12-01"), &[23000, 25900, 25950, 26000, 26100]));
    rows.extend(chain("NIFTY", "NFO", ("26OCT", "2026-10-27"), &[24000]));
    let catalogue = catalogue_of(rows);

    for text in ["nifty", "NIFTY 50"] {
        assert_eq!(
            first_keys(&catalogue, text, 13),
            [
                "NSE:NIFTY 50",
                "NFO:NIFTY26NOVFUT",
                "NFO:NIFTY26DECFUT",
                "NFO:NIFTY26D0125950CE",
                "NFO:NIFTY26D0125950PE",
                "NFO:NIFTY26D0125900CE",
                "NFO:NIFTY26D0125900PE",
                "NFO:NIFTY26D0126000CE",
                "NFO:NIFTY26D0126000PE",
                "NFO:NIFTY26D0126100CE",
                "NFO:NIFTY26D0126100PE",
                "NFO:NIFTY26D0123000CE",
                "NFO:NIFTY26D0123000PE",
            ],
            "{text}"
        );
    }
    // Other symbols and the other expiries follow, and expired contracts are last.
    let all = first_keys(&catalogue, "NIFTY", 100);
    assert_eq!(all[13], "NSE:NIFTY BANK");
    assert_eq!(all[14..16], ["NFO:NIFTY26DEC26000CE", "NFO:NIFTY26DEC26000PE"]);
    assert_eq!(all[20..], ["NFO:NIFTY26OCTFUT", "NFO:NIFTY26OCT24000CE", "NFO:NIFTY26OCT24000PE"]);
}

#[test]
fn filters_apply_to_the_contracts_of_an_underlying() {
    let mut rows = vec![(equity("NSE", "TCS", "INE467B01029"), true)];
    rows.push((future("TCS", "TCS26NOVFUT", "2026-11-24"), true));
    rows.extend(chain("TCS", "NFO", ("26NOV", "2026-11-24"), &[3000, 3100, 3200]));
    let catalogue = catalogue_of(rows);
    let filters = Filters { instrument_types: vec![InstrumentType::Put], ..Filters::default() };

    let page = catalogue.search(&Query { filters, ..Query::new("TCS", today()) });

    assert_eq!(keys(&catalogue, &page), ["NFO:TCS26NOV3100PE", "NFO:TCS26NOV3000PE", "NFO:TCS26NOV3200PE"]);
}

/// Commodities with their funds and smaller contracts.
fn commodities() -> Catalogue {
    let mut rows = Vec::new();
    for number in 0..30 {
        rows.push((equity("NSE", &format!("SILVER{number}"), &format!("INF00000{number:02}01")), true));
    }
    rows.push((equity("NSE", "SILVER", "INF209KB19F6"), true));
    for underlying in ["SILVER", "SILVERM", "SILVERMIC", "GOLD", "GOLDM", "GOLDPETAL", "CRUDEOIL", "CRUDEOILM"] {
        rows.extend(chain(underlying, "MCX", ("26NOV", "2026-11-25"), &[100, 110, 120]));
        rows.extend([
            commodity_future(underlying, "27JAN", "2027-01-05"),
            commodity_future(underlying, "26DEC", "2026-12-04"),
        ]);
    }
    for underlying in ["NATURALGAS", "NATGASMINI", "ZINC", "ZINCMINI", "LEADMINI", "ALUMINIUM", "ALUMINI"] {
        rows.push(commodity_future(underlying, "26DEC", "2026-12-04"));
    }
    catalogue_of(rows)
}

#[test]
fn the_near_future_of_a_commodity_is_first() {
    let catalogue = commodities();

    assert_eq!(first_keys(&catalogue, "GOLDM", 2), ["MCX:GOLDM26DECFUT", "MCX:GOLDM27JANFUT"]);
    assert_eq!(first_keys(&catalogue, "crudeoil", 2), ["MCX:CRUDEOIL26DECFUT", "MCX:CRUDEOIL27JANFUT"]);
    assert_eq!(
        first_keys(&catalogue, "SILVER", 4),
        ["NSE:SILVER", "MCX:SILVER26DECFUT", "MCX:SILVER27JANFUT", "MCX:SILVER26NOV110CE"]
    );
    // A part of the name of two commodities.
    assert_eq!(first_keys(&catalogue, "crude", 2), ["MCX:CRUDEOIL26DECFUT", "MCX:CRUDEOILM26DECFUT"]);
}

#[test]
fn commodities_are_found_in_the_words_of_traders() {
    let catalogue = commodities();

    for (text, expected) in [
        ("crude oil", "MCX:CRUDEOIL26DECFUT"),
        ("crudeoil mini", "MCX:CRUDEOILM26DECFUT"),
        ("Crude Oil Mini", "MCX:CRUDEOILM26DECFUT"),
        ("crudeoilmini", "MCX:CRUDEOILM26DECFUT"),
        ("gold mini", "MCX:GOLDM26DECFUT"),
        ("gold petal", "MCX:GOLDPETAL26DECFUT"),
        ("silver mini", "MCX:SILVERM26DECFUT"),
        ("silver micro", "MCX:SILVERMIC26DECFUT"),
        ("natural gas", "MCX:NATURALGAS26DECFUT"),
        ("natural gas mini", "MCX:NATGASMINI26DECFUT"),
        ("zinc mini", "MCX:ZINCMINI26DECFUT"),
        ("lead mini", "MCX:LEADMINI26DECFUT"),
        ("aluminium mini", "MCX:ALUMINI26DECFUT"),
    ] {
        assert_eq!(first_keys(&catalogue, text, 1), [expected], "{text}");
    }
}

#[test]
fn securities_are_found_in_other_notations() {
    let named = |exchange: &str, symbol: &str, name: &str, isin: &str| {
        let mut row = equity(exchange, symbol, isin);
        row.name = name.into();
        row
    };
    let mut builder = Builder::new();
    for row in [
        named("NSE", "LT", "LARSEN & TOUBRO LTD.", "INE018A01030"),
        named("BSE", "LT", "LARSEN & TOUBRO LTD.", "INE018A01030"),
        named("NSE", "LTF", "L&T FINANCE LIMITED", "INE498L01015"),
        named("NSE", "LTTS", "L&T TECHNOLOGY SER. LTD.", "INE010V01017"),
        named("NSE", "SBIN", "STATE BANK OF INDIA", "INE062A01020"),
        named("NSE", "M&M", "MAHINDRA & MAHINDRA", "INE101A01026"),
        named("NSE", "BAJAJ-AUTO", "BAJAJ AUTO LIMITED", "INE917I01010"),
        named("NSE", "RELIANCE", "RELIANCE INDUSTRIES LTD", "INE002A01018"),
        named("BSE", "RELIANCE", "RELIANCE INDUSTRIES LTD", "INE002A01018"),
    ] {
        builder.add(row, true);
    }
    builder.add(future("RELIANCE", "RELIANCE26NOVFUT", "2026-11-24"), true);
    builder.add_token(Broker::Dhan, "BSE:RELIANCE".into(), "BSE_EQ|500325");
    builder.add_token(Broker::Kite, "NSE:RELIANCE".into(), "738561");
    builder.add_token(Broker::Upstox, "NFO:RELIANCE26NOVFUT".into(), "NSE_FO|71001");
    let catalogue = builder.build("1".into(), vec![]);

    for (text, expected) in [
        ("L&T", vec!["NSE:LT", "BSE:LT", "NSE:LTF", "NSE:LTTS"]),
        ("l & t", vec!["NSE:LT", "BSE:LT"]),
        ("SBIN-EQ", vec!["NSE:SBIN"]),
        ("M&amp;M", vec!["NSE:M&M"]),
        ("bajaj auto", vec!["NSE:BAJAJ-AUTO"]),
        ("reliance.ns", vec!["NSE:RELIANCE", "BSE:RELIANCE", "NFO:RELIANCE26NOVFUT"]),
        ("500325", vec!["BSE:RELIANCE"]),
        ("738561", vec!["NSE:RELIANCE"]),
        ("INE002A01018", vec!["NSE:RELIANCE", "BSE:RELIANCE"]),
        ("NSE:INE002A01018", vec!["NSE:RELIANCE"]),
        ("NSE_EQ|INE002A01018", vec!["NSE:RELIANCE"]),
        ("BSE_EQ|INE002A01018", vec!["BSE:RELIANCE"]),
        ("NSE_FO|71001", vec!["NFO:RELIANCE26NOVFUT"]),
    ] {
        let page = catalogue.search(&Query { limit: expected.len(), ..Query::new(text, today()) });
        assert_eq!(keys(&catalogue, &page), expected, "{text}");
        assert_eq!(page.hits[0].kind, MatchKind::Exact, "{text}");
    }
    for text in ["999999", "NSE_FO|71002", "INE999A01018", "XX|INE002A01018"] {
        assert_eq!(catalogue.search(&Query::new(text, today())).total, 0, "{text}");
    }
}

#[test]
fn a_renamed_symbol_finds_its_successor_first() {
    let mut builder = Builder::new();
    builder.add(equity("NSE", "OLDNAME", ""), false);
    builder.add(equity("NSE", "NEWNAME", ""), true);
    builder.add(equity("NSE", "MERGED", "INE000C01017"), false);
    builder.add(equity("NSE", "MERGER", "INE000C01017"), true);
    builder.add(future("OLDNAME", "OLDNAME26NOVFUT", "2026-11-24"), false);
    builder.add(future("NEWNAME", "NEWNAME26NOVFUT", "2026-11-24"), true);
    builder.add_successor("NSE:OLDNAME".into(), "NSE:NEWNAME".into());
    builder.add_successor("NFO:OLDNAME26NOVFUT".into(), "NFO:NEWNAME26NOVFUT".into());
    let catalogue = builder.build("1".into(), vec![]);

    assert_eq!(
        first_keys(&catalogue, "oldname", 10),
        ["NSE:NEWNAME", "NFO:NEWNAME26NOVFUT", "NSE:OLDNAME", "NFO:OLDNAME26NOVFUT"]
    );
    assert_eq!(first_keys(&catalogue, "OLDNAME26NOVFUT", 10), ["NFO:NEWNAME26NOVFUT", "NFO:OLDNAME26NOVFUT"]);
    assert_eq!(first_keys(&catalogue, "MERGED", 10), ["NSE:MERGER", "NSE:MERGED"]);
}

#[test]
fn instruments_with_derivatives_precede_others() {
    let catalogue = catalogue_of(vec![
        (equity("NSE", "RELAXO", "INE131B01039"), true),
        (equity("NSE", "RELIANCE", "INE002A01018"), true),
        (equity("NSE", "RELGONE", "INE002A01019"), false),
        (future("RELIANCE", "RELIANCE26DECFUT", "2026-12-29"), true),
        (future("RELIANCE", "RELIANCE26NOVFUT", "2026-11-24"), true),
    ]);
    let on = |date: &str| {
        let page = catalogue.search(&Query::new("rel", date.parse().unwrap()));
        keys(&catalogue, &page).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };

    let (before, after) = (on("2026-11-24"), on("2026-11-25"));

    let shares = ["NSE:RELIANCE", "NSE:RELAXO", "NSE:RELGONE"];
    assert_eq!(before[..3], shares);
    assert_eq!(before[3..], ["NFO:RELIANCE26NOVFUT", "NFO:RELIANCE26DECFUT"]);
    // Instruments that have expired by then are last, although their date is the nearest.
    assert_eq!(after[..3], shares);
    assert_eq!(after[3..], ["NFO:RELIANCE26DECFUT", "NFO:RELIANCE26NOVFUT"]);
    assert_eq!(catalogue.expired_count("2026-11-25".parse().unwrap()), 1);
}

#[test]
fn names_isins_and_parts_are_found() {
    assert_eq!(found("tata consultancy", 1), [("NSE:TCS", MatchKind::Word)]);
    assert_eq!(found("consultancy", 1), [("NSE:TCS", MatchKind::Word)]);
    assert_eq!(found("services tata", 1)[0].1, MatchKind::Words);
    assert_eq!(found("INE467B01029", 2), [("NSE:TCS", MatchKind::Exact), ("BSE:TCS", MatchKind::Exact)]);
    assert_eq!(found("467B01", 1), [("NSE:TCS", MatchKind::Part)]);
    assert_eq!(found("NFO:TCS26NOVFUT", 1), [("NFO:TCS26NOVFUT", MatchKind::Exact)]);
    assert_eq!(found("nifty 25000 ce", 1)[0].1, MatchKind::Words);
    assert!(found("nifty 25000 ce", 1)[0].0.ends_with("25000CE"));
    assert_eq!(found("no such thing at all", 1), []);
}

#[test]
fn the_number_of_allowed_typing_errors_depends_on_length() {
    assert_eq!(found("RELAINCE", 2), [("NSE:RELIANCE", MatchKind::Near), ("BSE:RELIANCE", MatchKind::Near)]);
    assert_eq!(found("INFI", 1), [("NSE:INFY", MatchKind::Near)]);
    assert_eq!(found("HINDUNLIVER", 1), [("NSE:HINDUNILVR", MatchKind::Near)]);
    assert_eq!(found("consultnacy", 1), [("NSE:TCS", MatchKind::Near)]);
    assert_eq!(found("tata consultnacy", 1), [("NSE:TCS", MatchKind::Near)]);
    // If an exact match exists, no other text is meant.
    assert!(found("TCS", 1000).iter().all(|(_, kind)| *kind != MatchKind::Near));
    let strict = DEMO.search(&Query { reach: Reach::Part, ..Query::new("RELAINCE", today()) });
    assert_eq!(strict.total, 0);
}

#[test]
fn symbols_with_lowercase_letters_are_found() {
    let catalogue = catalogue_of(vec![(index("NSE", "Nifty GrowSect 15", None), true)]);

    for text in ["nifty growsect 15", "NIFTY GR", "sect", "growsect nifty"] {
        assert_eq!(catalogue.search(&Query::new(text, today())).total, 1, "{text}");
    }
}

#[test]
fn filters_exclude_instruments_that_do_not_pass() {
    let count = |filters: Filters| DEMO.search(&Query { filters, ..Query::new("", today()) }).total;
    let plainly = |passes: &dyn Fn(&Instrument<'_>) -> bool| DEMO.instruments().filter(passes).count();

    assert_eq!(count(Filters::default()), DEMO.instrument_count());
    assert_eq!(
        count(Filters { exchanges: vec![Exchange::Bse, Exchange::Bfo], ..Filters::default() }),
        plainly(&|i| matches!(i.exchange(), Exchange::Bse | Exchange::Bfo))
    );
    assert_eq!(
        count(Filters { instrument_types: vec![InstrumentType::Call], has_options: Some(false), ..Filters::default() }),
        plainly(&|i| i.class() == InstrumentType::Call)
    );
    // Three indices and ten shares.
    assert_eq!(count(Filters { has_options: Some(true), ..Filters::default() }), 13);
    assert_eq!(
        count(Filters { min_lot_size: Some(20), max_lot_size: Some(65), ..Filters::default() }),
        plainly(&|i| (20..=65).contains(&i.lot_size()))
    );
    assert_eq!(
        count(Filters { asset_classes: vec![AssetClass::EquityDerivative], ..Filters::default() }),
        plainly(&|i| i.expiry().is_some())
    );
    assert_eq!(count(Filters { is_active: Some(false), ..Filters::default() }), 0);
}

#[test]
fn an_unknown_lot_is_not_below_a_maximum() {
    let contract =
        |symbol: &str, lot_size: u32| Row { lot_size, ..crate::testing::future("CRUDEOIL", symbol, "2026-12-18") };
    let mut builder = Builder::new();
    builder.add(contract("CRUDEOIL26DECFUT", 0), true);
    builder.add(contract("CRUDEOILM26DECFUT", 10), true);
    let catalogue = builder.build("1".to_owned(), Vec::new());

    let filters = Filters { max_lot_size: Some(50), ..Filters::default() };
    let results = catalogue.search(&Query { filters, ..Query::new("", today()) });

    assert_eq!(results.total, 1);
}

#[test]
fn results_are_ordered_by_a_field_in_either_direction() {
    let by = |sort_by, sort_order, limit| {
        let filters = Filters { exchanges: vec![Exchange::Nfo], ..Filters::default() };
        let page = DEMO.search(&Query { sort_by, sort_order, limit, filters, ..Query::new("INFY", today()) });
        page.hits.into_iter().map(|hit| DEMO.get(hit.id)).collect::<Vec<_>>()
    };

    let strikes: Vec<_> = by(SortBy::Strike, SortOrder::Descending, 100).iter().map(Instrument::strike).collect();
    let options = strikes.iter().position(Option::is_none).unwrap();
    assert!(strikes[..options].is_sorted_by(|a, b| a >= b) && options > 0);
    assert!(strikes[options..].iter().all(Option::is_none));
    assert!(by(SortBy::Symbol, SortOrder::Ascending, 100).is_sorted_by_key(|i| i.symbol()));
    assert!(by(SortBy::Expiry, SortOrder::Ascending, 5).is_sorted_by_key(|i| i.expiry()));
    let first = by(SortBy::Relevance, SortOrder::Ascending, 100);
    let last = by(SortBy::Relevance, SortOrder::Descending, 100);
    assert!(first.iter().rev().map(Instrument::key).eq(last.iter().map(Instrument::key)));
}

#[test]
fn matching_parts_are_highlighted() {
    let marked = |text: &str| -> Vec<(Field, String)> {
        let page = DEMO.search(&Query { limit: 1, ..Query::new(text, today()) });
        let instrument = DEMO.get(page.hits[0].id);
        let part = |mark: &Highlight| {
            let whole = match mark.field {
                Field::Symbol => instrument.symbol(),
                Field::Name => instrument.name(),
                Field::Isin => instrument.isin().unwrap(),
                Field::Underlying => instrument.underlying().unwrap(),
            };
            whole.chars().skip(mark.start).take(mark.end - mark.start).collect()
        };
        page.highlights(&page.hits[0], &instrument).iter().map(|mark| (mark.field, part(mark))).collect()
    };
    let mark = |field, text: &str| (field, text.to_owned());

    assert_eq!(marked("tcs")[0], mark(Field::Symbol, "TCS"));
    assert_eq!(marked("consult"), [mark(Field::Name, "Consult")]);
    assert_eq!(marked("467B"), [mark(Field::Isin, "467B")]);
    assert_eq!(marked("services tata"), [mark(Field::Name, "Tata"), mark(Field::Name, "Services")]);
    assert_eq!(marked("RELAINCE")[0], mark(Field::Symbol, "RELIANCE"));
    assert_eq!(marked(""), []);
}

#[test]
fn symbols_and_isins_are_resolved() {
    let resolve = |symbol, isin, filters: Filters| -> Vec<&str> {
        DEMO.resolve(symbol, isin, &filters, today()).into_iter().map(|id| DEMO.key(id)).collect()
    };
    let bse = || Filters { exchanges: vec![Exchange::Bse], ..Filters::default() };

    assert_eq!(resolve(Some("TCS"), None, Filters::default()), ["NSE:TCS", "BSE:TCS"]);
    assert_eq!(resolve(None, Some("INE467B01029"), bse()), ["BSE:TCS"]);
    assert_eq!(resolve(Some("NIFTY"), None, Filters::default()), ["NSE:NIFTY 50"]);
    assert_eq!(resolve(Some("NIFTY 50"), None, Filters::default()), ["NSE:NIFTY 50"]);
    assert_eq!(resolve(Some("NSE:TCS"), None, Filters::default()), ["NSE:TCS"]);
    assert_eq!(resolve(Some("TCS"), Some("INE002A01018"), Filters::default()), [] as [&str; 0]);
    assert_eq!(resolve(Some("tcs"), None, Filters::default()), [] as [&str; 0]);
}

/// The aliases with their instruments.
static ALIASES: LazyLock<Vec<(InstrumentId, &'static str)>> = LazyLock::new(|| {
    let ids = (0..u32::try_from(DEMO.len()).unwrap()).map(|id| DEMO.get(InstrumentId(id)));
    ids.filter(Instrument::is_alias).map(|alias| (alias.group(), alias.symbol())).collect()
});

/// Returns the instruments that contain the text, or every word of it, by a plain scan.
fn plainly(text: &str) -> Vec<&'static str> {
    let folded = |text: &str| text.to_ascii_uppercase();
    let whole = folded(text.trim());
    let matches = |instrument: &Instrument<'static>| {
        let aliases = ALIASES.iter().filter(|(alias_of, _)| *alias_of == instrument.id()).map(|(_, alias)| *alias);
        let symbols: Vec<&str> = aliases.chain([instrument.symbol()]).collect();
        let name = if instrument.underlying() == Some(instrument.name()) { "" } else { instrument.name() };
        let others = [name, instrument.isin().unwrap_or_default()];
        let fields: Vec<String> = symbols.iter().copied().chain(others).map(folded).collect();
        let has = |part: &str| fields.iter().any(|field| field.contains(part));
        let has_all = whole.contains(' ') && whole.split(' ').all(has);
        has(&whole) || has_all
    };
    DEMO.instruments().filter(matches).map(|instrument| instrument.key()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn a_search_and_a_plain_scan_find_the_same(from in 0usize..4000, start in 0usize..8, length in 2usize..9) {
        let instrument = DEMO.instruments().nth(from % DEMO.instrument_count()).unwrap();
        let text: String = instrument.symbol().chars().skip(start % instrument.symbol().len()).take(length).collect();
        prop_assume!(text.trim().len() > 1);
        let page = DEMO.search(&Query { reach: Reach::Part, limit: 10_000, ..Query::new(text.as_str(), today()) });

        let mut found = keys(&DEMO, &page);
        found.sort_by(|a, b| crate::instrument::compare_keys(a, b));
        prop_assert_eq!(found, plainly(&text));
        prop_assert_eq!(page.total, page.hits.len());
    }

    #[test]
    fn pages_are_consistent(length in 1usize..4, size in 1usize..200, by in 0usize..SortBy::ALL.len(), desc in any::<bool>()) {
        let query = Query {
            sort_by: SortBy::ALL[by],
            sort_order: if desc { SortOrder::Descending } else { SortOrder::Ascending },
            limit: 10_000,
            ..Query::new(&"NIFTY"[..length], "2026-12-02".parse().unwrap())
        };
        let whole = DEMO.search(&query);

        let mut pieces = Vec::new();
        while pieces.len() < whole.total {
            let page = DEMO.search(&Query { offset: pieces.len(), limit: size, ..query.clone() });
            prop_assert_eq!(page.total, whole.total);
            prop_assert!(!page.hits.is_empty());
            pieces.extend(page.hits);
        }
        prop_assert_eq!(pieces, whole.hits);
    }
}
