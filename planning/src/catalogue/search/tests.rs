use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::catalogue::Builder;
use crate::dump::Row;
use crate::testing::{demo_catalogue, equity, future, index};
use crate::vocabulary::InstrumentType;

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
    // Indices precede the hundreds of contracts.
    assert_eq!(keys[1], "NSE:NIFTY BANK");
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
        count(Filters { classes: vec![InstrumentType::Call], has_options: Some(false), ..Filters::default() }),
        plainly(&|i| i.class() == InstrumentType::Call)
    );
    // Three indices and ten shares.
    assert_eq!(count(Filters { has_options: Some(true), ..Filters::default() }), 13);
    assert_eq!(
        count(Filters { lot_size_min: Some(20), lot_size_max: Some(65), ..Filters::default() }),
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

    let filters = Filters { lot_size_max: Some(50), ..Filters::default() };
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
        let aliases = ALIASES.iter().filter(|(of, _)| *of == instrument.id()).map(|(_, alias)| *alias);
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
