//! `search`: finds instruments by symbol, name, ISIN or underlying.

use serde_json::{Map, Value, json};

use super::local::{query_uri, stored_catalogue};
use super::options::Common;
use super::output::{list, print, shown, table};
use crate::http::offline;
use crate::settings::ProcessSettings;

/// The words are those of the API, which also checks them.
#[derive(clap::Args)]
pub(super) struct SearchArguments {
    /// Part of a symbol, name, ISIN or underlying [default: every instrument that matches the filters].
    query: Option<String>,
    /// Exchanges, for example `NSE,NFO`.
    #[arg(long, value_name = "EXCHANGE", value_delimiter = ',')]
    exchange: Vec<String>,
    /// Instrument types, for example `EQ,FUT`.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    kind: Vec<String>,
    /// Asset classes, for example `index,equity`.
    #[arg(long, value_name = "CLASS", value_delimiter = ',')]
    asset_class: Vec<String>,
    /// Only instruments that are, or are not, in the last accepted file of a broker.
    #[arg(long, value_name = "BOOLEAN")]
    active: Option<bool>,
    /// Only instruments on which options are traded, or are not.
    #[arg(long, value_name = "BOOLEAN")]
    has_options: Option<bool>,
    /// Smallest lot size.
    #[arg(long, value_name = "UNITS")]
    min_lot_size: Option<u32>,
    /// Largest lot size.
    #[arg(long, value_name = "UNITS")]
    max_lot_size: Option<u32>,
    /// Sort key: `relevance`, `symbol`, `name`, `expiry`, `strike` or `lot_size` [default: relevance].
    #[arg(long, value_name = "KEY")]
    sort_by: Option<String>,
    /// Sort order: `asc` or `desc` [default: asc].
    #[arg(long, value_name = "ORDER")]
    sort_order: Option<String>,
    /// Do not match mistyped words.
    #[arg(long)]
    exact: bool,
    /// Page, from 1.
    #[arg(long, default_value_t = 1)]
    page: u32,
    /// Number of instruments on a page, at most 500.
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    page_size: u32,
    #[command(flatten)]
    common: Common,
}

impl SearchArguments {
    fn body(&self) -> Value {
        let words = |words: &[String]| (!words.is_empty()).then(|| json!(words));
        let filters: Map<String, Value> = [
            ("exchanges", words(&self.exchange)),
            ("instrument_types", words(&self.kind)),
            ("asset_classes", words(&self.asset_class)),
            ("is_active", self.active.map(Value::from)),
            ("has_options", self.has_options.map(Value::from)),
            ("min_lot_size", self.min_lot_size.map(Value::from)),
            ("max_lot_size", self.max_lot_size.map(Value::from)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
        json!({
            "query": self.query, "filters": filters, "sort_by": self.sort_by, "sort_order": self.sort_order,
            "fuzzy_search": !self.exact,
        })
    }
}

pub(super) async fn run(arguments: &SearchArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let query = [("page", arguments.page.to_string()), ("page_size", arguments.page_size.to_string())];
    let body = arguments.body();
    let answer = match arguments.common.server(settings)? {
        Some(remote) => remote.post(&["search"], &query, &body).await?,
        None => offline::search(&stored_catalogue(settings).await?, &query_uri(&query)?, &body)?,
    };
    print(arguments.common.json, &answer, parts)
}

fn parts(answer: &Value) -> Vec<String> {
    let mut lines = table(&["instrument", "type", "expiry", "lot", "active", "match", "name"]);
    for of in list(&answer["instruments"]) {
        let cells = ["instrument_key", "instrument_type", "expiry", "lot_size", "is_active", "match", "name"];
        lines.add_row(cells.map(|name| shown(&of[name])));
    }
    let page = &answer["pagination"];
    let summary = format!(
        "page {} of {}: {} of {} instruments",
        shown(&page["page"]),
        shown(&page["total_pages"]),
        list(&answer["instruments"]).len(),
        shown(&page["total_count"])
    );
    if lines.is_empty() { vec![summary] } else { vec![lines.to_string(), summary] }
}
