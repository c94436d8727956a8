//! Reads, lists and searches of instruments over HTTP.

mod batch;
mod brokers;
mod faults;
mod search;
mod suggestions;

use serde_json::{Value, json};

use crate::support::{Answer, Client, REGISTRY, Service, fields, texts};

const INSTRUMENT: [&str; 15] = [
    "exchange",
    "expiry",
    "instrument_key",
    "instrument_type",
    "is_active",
    "is_index",
    "isin",
    "last_updated",
    "lot_size",
    "name",
    "segment",
    "strike",
    "symbol",
    "tick_size",
    "underlying_symbol",
];

async fn get(client: &Client, path: &str) -> Answer {
    client.get(&format!("{REGISTRY}/{path}")).await
}

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.post(&format!("{REGISTRY}/{path}"), body).await
}

fn keys(instruments: &Value) -> Vec<&str> {
    let instruments = instruments.as_array().expect("the value is a list").iter();
    instruments.map(|instrument| instrument["instrument_key"].as_str().expect("it is a key")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instrument_has_exactly_the_documented_fields() {
    let service = Service::start().await;

    let answer = get(&service.client, "instruments/NSE:TCS").await.json();

    assert_eq!(fields(&answer), ["contradictions", "correlation_id", "instrument", "response_time_ms", "sources"]);
    assert_eq!(answer["sources"], json!({}), "the demonstration catalog has no file");
    assert_eq!(answer["contradictions"], json!([]));
    let instrument = &answer["instrument"];
    assert_eq!(fields(instrument), INSTRUMENT);
    for (field, value) in [
        ("instrument_key", json!("NSE:TCS")),
        ("symbol", json!("TCS")),
        ("name", json!("Tata Consultancy Services")),
        ("exchange", json!("NSE")),
        ("segment", json!("NSE_EQ")),
        ("instrument_type", json!("EQ")),
        ("isin", json!("INE467B01029")),
        ("underlying_symbol", json!(null)),
        ("strike", json!(null)),
        ("expiry", json!(null)),
        ("lot_size", json!(1)),
        ("tick_size", json!(0.05)),
        ("is_active", json!(true)),
        ("is_index", json!(false)),
    ] {
        assert_eq!(instrument[field], value, "{field}");
    }
    assert!(instrument["last_updated"].as_str().unwrap().ends_with("T00:00:00.000Z"), "{instrument}");
}

#[tokio::test(flavor = "multi_thread")]
async fn special_characters_and_aliases_in_keys_are_resolved() {
    let service = Service::start().await;

    for (path, key) in [
        ("NSE:NIFTY%2050", "NSE:NIFTY 50"),
        ("NSE:NIFTY", "NSE:NIFTY 50"),
        ("NSE%3AM%26M", "NSE:M&M"),
        ("NSE:M&M", "NSE:M&M"),
        ("NSE:BAJAJ-AUTO", "NSE:BAJAJ-AUTO"),
    ] {
        let answer = get(&service.client, &format!("instruments/{path}")).await.json();

        assert_eq!(answer["instrument"]["instrument_key"], key, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn symbols_and_isins_are_resolved_on_all_or_one_exchange() {
    let service = Service::start().await;
    let resolve = async |query: &str| get(&service.client, &format!("instruments/resolve?{query}")).await.json();

    let both = resolve("symbol=TCS").await;

    assert_eq!(fields(&both), ["correlation_id", "count", "instruments", "response_time_ms"]);
    assert_eq!(both["count"], 2);
    assert_eq!(keys(&both["instruments"]), vec!["NSE:TCS", "BSE:TCS"]);
    assert_eq!(fields(&both["instruments"][0]), INSTRUMENT);
    for (query, expected) in [
        ("symbol=TCS&exchange=BSE", &["BSE:TCS"][..]),
        ("isin=INE467B01029", &["NSE:TCS", "BSE:TCS"]),
        ("isin=INE467B01029&symbol=TCS&exchange=NSE&instrument_type=EQ", &["NSE:TCS"]),
        ("symbol=NIFTY", &["NSE:NIFTY 50"]),
        ("symbol=NIFTY+50", &["NSE:NIFTY 50"]),
        ("symbol=NSE:NIFTY+BANK", &["NSE:NIFTY BANK"]),
    ] {
        let answer = resolve(query).await;
        assert_eq!(keys(&answer["instruments"]), expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unresolved_symbols_get_suggestions() {
    let service = Service::start().await;

    for (query, detail, suggestions) in [
        (
            "symbol=RELAINCE",
            "instrument not in the catalog; nearest: `NSE:RELIANCE`",
            &["NSE:RELIANCE", "BSE:RELIANCE"][..1],
        ),
        (
            "symbol=SENSEX&exchange=NSE",
            "instruments match, but none with exchange `NSE`; remove the filter",
            &["BSE:SENSEX"],
        ),
        (
            "symbol=SENSEX&exchange=NSE&instrument_type=EQ",
            "instruments match, but none with exchange `NSE` and instrument_type `EQ`; remove one or both filters",
            &["BSE:SENSEX"],
        ),
        (
            "symbol=NIFTY+50&isin=INE467B01029",
            "no instrument has both this symbol and this ISIN",
            &["NSE:NIFTY 50", "NSE:TCS", "BSE:TCS"],
        ),
        ("symbol=NIFTY+50&isin=INE000000000", "the catalog has no instrument with this ISIN", &["NSE:NIFTY 50"]),
        ("symbol=tcs", "symbols are written in capital letters", &["NSE:TCS"]),
        ("isin=INE000000000", "the catalog has no instrument with this ISIN", &[]),
    ] {
        let answer = get(&service.client, &format!("instruments/resolve?{query}")).await.json();

        assert_eq!(answer["count"], 0, "{query}");
        assert_eq!(answer["instruments"], json!([]), "{query}");
        assert_eq!(answer["detail"], detail, "{query}");
        assert_eq!(texts(&answer["suggestions"]), suggestions, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instrument_pages_are_sorted_by_key_and_contiguous() {
    let service = Service::start().await;
    let list = async |query: &str| get(&service.client, &format!("instruments?{query}")).await.json();

    let indices = list("exchange=BSE&instrument_type=INDEX").await;

    assert_eq!(keys(&indices["instruments"]), ["BSE:BANKEX", "BSE:SENSEX", "BSE:SENSEX50"]);
    assert_eq!(indices["pagination"], json!({"total": 3, "limit": 100, "offset": 0, "has_next": false}));
    let mut paged = Vec::new();
    for offset in (0..100).step_by(30) {
        let page = list(&format!("exchange=NSE&instrument_type=EQ&limit=30&offset={offset}")).await;
        assert_eq!(page["pagination"]["has_next"], offset + 30 < 100);
        assert_eq!(page["pagination"]["total"], 100);
        paged.extend(keys(&page["instruments"]).into_iter().map(str::to_owned));
    }
    assert_eq!(paged.len(), 100);
    assert!(paged.is_sorted());
    assert_eq!(list("is_active=false").await["pagination"]["total"], 0);
    assert_eq!(list("offset=99999999").await["instruments"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn lookups_are_counted_by_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let service = crate::support::Process::start(folder.path(), &[]).await;
    let client = &service.client;
    get(client, "instruments/NSE:TCS").await.json();
    get(client, "instruments/NSE:NOPE").await.problem(404, "not_found");
    get(client, "instruments/resolve").await.pointers();
    post(client, "instruments:batchResolve", &json!({"instruments": ["NSE:TCS", "NSE:INFY", "bad"]})).await.json();
    post(client, "search", &json!({"query": "qqqqqqq"})).await.json();

    for (kind, status, expected) in [
        ("instrument", "success", 1.0),
        ("instrument", "not_found", 1.0),
        ("resolve", "error", 1.0),
        ("batch_resolve", "success", 2.0),
        ("batch_resolve", "not_found", 1.0),
        ("search", "not_found", 1.0),
        ("list", "success", 0.0),
        ("broker_token", "success", 0.0),
    ] {
        let series = format!("instrument_registry_lookups_total{{lookup_type=\"{kind}\",status=\"{status}\"}}");
        assert_eq!(client.metric(&series).await, Some(expected), "{series}");
    }
}
