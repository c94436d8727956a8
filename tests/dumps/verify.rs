//! Verifications between Upstox's files of two dates. Each verdict is also computed from the unparsed rows.

use std::io::Read as _;

use chrono::{DateTime, TimeDelta, Utc};
use flate2::read::GzDecoder;
use registry_planning::basis::Basis;
use registry_planning::broker::BrokerModels;
use registry_planning::feed::StreamOptions;
use registry_planning::ingest::archive::StoredInstruments;
use registry_planning::ingest::diff::diff;
use registry_planning::merge::{self, Part};
use registry_planning::plan::Plan;
use registry_planning::request::{Options, PlanRequest, Resolved};
use registry_planning::verify::{Verdict, verify};
use registry_planning::vocabulary::{FilteringStrictness, Mode, OptimizationLevel, SubscriptionType};
use registry_planning::{Stamp, create_plan};
use serde_json::Value;

use super::*;

const OLDER: &str = "upstox_complete_2024-09-05.csv.gz";
const NEWER: &str = "upstox_complete_2025-06-12.json.gz";
const TODAY: &str = "2025-06-12";
/// The offset of the time in India from UTC, in minutes.
const INDIA_MINUTES: i64 = 330;

/// The contract of a row, with the values as in the file.
#[derive(Clone, Debug, PartialEq)]
struct ContractRow {
    token: String,
    underlying: String,
    expiry: String,
    kind: String,
    strike: f64,
    lot: u64,
    /// In paise.
    tick: f64,
    /// The symbol in Kite's grammar.
    symbol: String,
}

impl ContractRow {
    /// Returns whether the rows differ at most in the token, the symbol, the lot and the tick size.
    fn is_same_contract(&self, other: &ContractRow) -> bool {
        self.has_same_terms(other) && self.expiry == other.expiry
    }

    fn has_same_terms(&self, other: &ContractRow) -> bool {
        self.underlying == other.underlying && self.kind == other.kind && self.strike == other.strike
    }
}

/// Parses a contract of NSE from a line of the CSV.
fn of_line(line: &str) -> ContractRow {
    let fields: Vec<&str> = line.split(',').map(|field| field.trim_matches('"')).collect();
    let [token, _, symbol, _, _, expiry, strike, tick, lot, _, option, _] = fields[..] else { panic!("{line}") };
    let strike: f64 = strike.parse().expect("a valid row");
    let (kind, end) = if option == "FF" { ("FUT", "FUT".to_owned()) } else { (option, format!("{strike}{option}")) };
    let stem = symbol.strip_suffix(&end).unwrap_or_else(|| panic!("{line}"));
    ContractRow {
        token: token.to_owned(),
        // The underlying precedes five characters: the year and the month, or the year, the letter of the month and the
        // day.
        underlying: stem[..stem.len() - 5].to_owned(),
        expiry: expiry.to_owned(),
        kind: kind.to_owned(),
        strike: if kind == "FUT" { 0.0 } else { strike },
        lot: lot.parse().expect("a valid row"),
        tick: (tick.parse::<f64>().expect("a valid row") * 100.0).round(),
        symbol: symbol.to_owned(),
    }
}

/// Parses a contract of NSE from an object of the JSON.
fn of_object(object: &Value) -> ContractRow {
    let text = |name: &str| object[name].as_str().expect("a valid row").to_owned();
    let expired_at =
        DateTime::from_timestamp_millis(object["expiry"].as_i64().expect("a valid row")).expect("a valid row");
    let day = (expired_at + TimeDelta::minutes(INDIA_MINUTES)).date_naive();
    let (underlying, kind) = (text("underlying_symbol"), text("instrument_type"));
    let strike = if kind == "FUT" { 0.0 } else { object["strike_price"].as_f64().expect("a valid row") };
    let is_weekly = object["weekly"].as_bool().unwrap_or_default();
    let month = &"123456789OND"[day.month0() as usize..][..1];
    let date = if is_weekly {
        format!("{}{month}{:02}", day.format("%y"), day.day())
    } else {
        day.format("%y%b").to_string().to_uppercase()
    };
    let end = if kind == "FUT" { kind.clone() } else { format!("{strike}{kind}") };
    ContractRow {
        token: text("instrument_key"),
        symbol: format!("{underlying}{date}{end}"),
        underlying,
        expiry: day.to_string(),
        kind,
        strike,
        lot: object["lot_size"].as_u64().expect("a valid row"),
        tick: object["tick_size"].as_f64().expect("a valid row"),
    }
}

/// Computes the verdict about a contract of the older file from the rows of the newer one.
fn expected(old: &ContractRow, new: &NewRows) -> Verdict {
    let owner = new.by_token.get(old.token.as_str()).map(|at| &new.rows[*at]);
    let same = new.rows_like(old).find(|row| row.is_same_contract(old));
    // The expiry of a contract can move within its week. The contract then keeps its token.
    let days = |other: &ContractRow| {
        let [old, new] = [old, other].map(|row| row.expiry.parse::<NaiveDate>().expect("a valid row"));
        (new - old).num_days().abs()
    };
    let moved = owner.filter(|owner| owner.has_same_terms(old) && days(owner) <= 6);
    let by_symbol = new.rows_like(old).find(|row| row.symbol == old.symbol);
    match (owner, same.or(moved).or(by_symbol)) {
        (Some(owner), current) if !owner.is_same_contract(old) && Some(owner) != current => Verdict::TokenReused,
        (_, current) if **current.map_or(&old.expiry, |current| &current.expiry) < *TODAY => Verdict::Expired,
        (_, None) => Verdict::Gone,
        (_, Some(current)) if current.expiry != old.expiry => Verdict::ExpiryMoved,
        (_, Some(current)) if current.symbol != old.symbol => Verdict::Renamed,
        (_, Some(current)) if current.token != old.token => Verdict::TokenChanged,
        (_, Some(current)) if current.lot != old.lot => Verdict::LotChanged,
        (_, Some(current)) if current.tick != old.tick => Verdict::TickChanged,
        _ => Verdict::Unchanged,
    }
}

/// The contracts of NSE in the newer file.
struct NewRows {
    rows: Vec<ContractRow>,
    by_token: HashMap<String, usize>,
    by_terms: HashMap<String, Vec<usize>>,
}

impl NewRows {
    fn of(objects: &[Value]) -> Self {
        let rows: Vec<ContractRow> = objects.iter().map(of_object).collect();
        let by_token = rows.iter().enumerate().map(|(at, row)| (row.token.clone(), at)).collect();
        let mut by_terms: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            by_terms.entry(terms(row)).or_default().push(at);
        }
        NewRows { rows, by_token, by_terms }
    }

    /// Returns the contracts with the same underlying, type and strike as another one, with any expiry.
    fn rows_like(&self, other: &ContractRow) -> impl Iterator<Item = &ContractRow> {
        self.by_terms.get(&terms(other)).into_iter().flatten().map(|at| &self.rows[*at])
    }

    fn has(&self, contract: &ContractRow) -> bool {
        self.rows_like(contract).any(|row| row.is_same_contract(contract))
    }
}

fn terms(row: &ContractRow) -> String {
    format!("{} {} {}", row.underlying, row.kind, row.strike)
}

fn unpacked(name: &str) -> Option<String> {
    let mut text = String::new();
    GzDecoder::new(File::open(folder().join(name)).ok()?).read_to_string(&mut text).expect("the file is gzipped text");
    Some(text)
}

/// The contracts of NSE in both files: the older one as the text of a CSV, the newer one as JSON objects.
struct Files {
    older: String,
    newer: Vec<Value>,
}

/// Reads both files, or prints that the test is skipped.
fn files() -> Option<Files> {
    let (Some(older), Some(newer)) = (unpacked(OLDER), unpacked(NEWER)) else {
        writeln!(io::stderr(), "skipped: Upstox's files of two dates are not in {}", folder().display())
            .expect("standard error can be written to");
        return None;
    };
    let lines = older.lines().enumerate();
    let older = lines.filter(|(number, line)| *number == 0 || line.contains(",\"NSE_FO\""));
    let older = older.map(|(_, line)| format!("{line}\n")).collect();
    let objects: Vec<Value> = serde_json::from_str(&newer).expect("the file is JSON");
    Some(Files { older, newer: objects.into_iter().filter(|object| object["segment"] == "NSE_FO").collect() })
}

impl Files {
    fn older_rows(&self) -> Vec<ContractRow> {
        self.older.lines().skip(1).map(of_line).collect()
    }
}

fn rows_of(file: &[u8]) -> Vec<Row> {
    let on_progress = &mut |_| ControlFlow::Continue(());
    read_file(Broker::Upstox, file, &Limits::default(), on_progress).expect("the file can be read").rows
}

fn merged(instruments: &StoredInstruments, of: &str) -> Catalogue {
    let rows = instruments.rows().expect("it is an archive");
    let part = Part { broker: Broker::Upstox, file_date: date(of), loaded_at: None, rows };
    merge::catalogue(vec![part], of.to_owned()).expect("it can be merged")
}

fn archived(archive: Vec<u8>) -> StoredInstruments {
    StoredInstruments::Archive(archive.into())
}

/// Plans contracts at Upstox on the day of the older file.
fn planned(contracts: &[ContractRow], catalogue: &Catalogue, brokers: &BrokerModels) -> Plan {
    let keys: Vec<String> = contracts.iter().map(|contract| format!("NFO:{}", contract.symbol)).collect();
    let created_at = DateTime::<Utc>::UNIX_EPOCH;
    let request = PlanRequest {
        user_id: "u".to_owned(),
        plan_name: "Contracts".to_owned(),
        description: None,
        subscription_type: SubscriptionType::LiveFeed,
        source: keys.iter().collect(),
        options: Options {
            optimization_level: OptimizationLevel::Low,
            filtering_strictness: FilteringStrictness::Strict,
            max_instruments: 1000,
            cost_per_instrument: rupees("0.05"),
            as_of: date("2024-09-05").expect("it is a date"),
        },
        feed: StreamOptions { broker: Some(Broker::Upstox), mode: Some(Mode::Ltp), ..StreamOptions::default() },
        warnings: Vec::new(),
    };
    let basis = Basis { catalogue, brokers };
    let stamp = Stamp { plan_id: "plan_1".to_owned(), created_at, expires_at: created_at };
    let plan =
        create_plan(&request, &Resolved::new(&request, basis, &[0; 32]), basis, stamp).expect("nothing is pinned");
    assert!(plan.instruments.iter().eq(keys.iter().map(String::as_str)), "{:?}", plan.rejected);
    plan
}

/// Plans contracts on the older file, verifies them on the newer one, and compares each verdict with that of the rows.
fn compare(older: &str, contracts: &[ContractRow], newer: &[Value]) -> BTreeMap<Verdict, u64> {
    let rows = rows_of(older.as_bytes());
    let before = archived(StoredInstruments::none().followed_by(&rows).expect("nothing is read").archive);
    let rows = rows_of(&serde_json::to_vec(newer).expect("objects serialize"));
    let changes = diff(&before.last_file(&rows).expect("it is an archive"), &rows).key_changes;
    let after = archived(before.followed_with(&rows, &changes).expect("it is an archive").archive);
    let brokers = BrokerModels::embedded();
    let plan = planned(contracts, &merged(&before, "2024-09-05"), &brokers);

    let now = merged(&after, TODAY);
    let verification = verify(&plan, Basis { catalogue: &now, brokers: &brokers }, date(TODAY).expect("it is a date"));

    let new = NewRows::of(newer);
    for (verified, contract) in verification.instruments.iter().zip(contracts) {
        assert_eq!(verified.verdict, expected(contract, &new), "{contract:?} {verified:?}");
    }
    verification.counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

#[test]
fn verdicts_between_two_files_are_those_of_their_rows() {
    let Some(files) = files() else { return };
    let new = NewRows::of(&files.newer);
    let old = files.older_rows();
    // The contracts with tokens in both files: first those whose tokens still belong to the same underlying, type and
    // strike, then the others.
    let (listed, others): (Vec<ContractRow>, Vec<ContractRow>) = old
        .into_iter()
        .filter(|row| new.by_token.contains_key(&row.token))
        .partition(|row| new.rows[new.by_token[&row.token]].has_same_terms(row));
    assert_eq!(listed.len(), 294);
    let contracts: Vec<ContractRow> = listed.into_iter().chain(others).take(500).collect();

    let counts = compare(&files.older, &contracts, &files.newer);

    let expected = [
        (Verdict::TokenReused, 206),
        (Verdict::ExpiryMoved, 26),
        (Verdict::Renamed, 16),
        (Verdict::LotChanged, 250),
        (Verdict::Unchanged, 2),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

#[test]
fn contracts_without_a_reused_token_have_expired() {
    let Some(files) = files() else { return };
    let new = NewRows::of(&files.newer);
    let old = files.older_rows().into_iter().filter(|row| !new.by_token.contains_key(&row.token));
    let contracts: Vec<ContractRow> = old.take(500).collect();

    let counts = compare(&files.older, &contracts, &files.newer);

    assert_eq!(counts, BTreeMap::from([(Verdict::Expired, 499), (Verdict::Gone, 1)]));
}

/// Changes rows of the newer file so that every verdict about contracts occurs.
#[test]
fn changed_rows_get_their_verdicts() {
    const DAY_MS: i64 = 86_400_000;
    let Some(files) = files() else { return };
    let new = NewRows::of(&files.newer);
    let contracts: Vec<ContractRow> = files.older_rows().into_iter().filter(|row| new.has(row)).collect();
    let position: HashMap<&str, usize> = contracts.iter().enumerate().map(|(at, row)| (&*row.token, at)).collect();
    let lots: HashMap<&str, u64> = contracts.iter().map(|row| (&*row.token, row.lot)).collect();
    let mut newer = files.newer.clone();
    newer.retain_mut(|object| {
        let token = object["instrument_key"].as_str().expect("a valid row").to_owned();
        let Some(at) = position.get(&*token) else { return true };
        match at % 10 {
            0 => return false,
            1 => object["instrument_key"] = format!("NSE_FO|9{at:05}").into(),
            2 => object["expiry"] = (object["expiry"].as_i64().expect("a valid row") - DAY_MS).into(),
            3 => object["lot_size"] = lots[&*token].into(),
            4 => {
                object["lot_size"] = lots[&*token].into();
                object["tick_size"] = 10.0.into();
            }
            // This contract and the next one exchange their tokens.
            5 => object["instrument_key"] = contracts[at + 1].token.clone().into(),
            6 => object["instrument_key"] = contracts[at - 1].token.clone().into(),
            _ => {}
        }
        true
    });

    let counts = compare(&files.older, &contracts, &newer);

    let expected = [
        (Verdict::TokenReused, 54),
        (Verdict::Gone, 27),
        (Verdict::ExpiryMoved, 27),
        (Verdict::Renamed, 9),
        (Verdict::TokenChanged, 25),
        (Verdict::LotChanged, 75),
        (Verdict::TickChanged, 25),
        (Verdict::Unchanged, 26),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}
