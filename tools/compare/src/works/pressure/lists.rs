//! Heavy lists, each of them read by many callers at the same time.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use futures_util::future::join_all;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::caller::{Caller, RequestBody};
use super::course::StepOutcome;
use super::export::Csv;
use super::seed::{self, Seed, USER, USER_OF_CONFLICTS};
use super::{PLANS, PLANS_USER, PROFILES_BASE};
use crate::service::BASE;

/// The number of callers of each list. Another one reads slowly.
const CALLERS: usize = 10;

type JsonRow<'a> = HashMap<&'a str, &'a RawValue>;

/// A list and what it must contain.
pub(super) struct List {
    pub(super) name: &'static str,
    path: String,
    /// The body of a list that is requested with POST.
    content: Option<RequestBody>,
    /// The fields with the rows and with their different ids, or `None` for CSV.
    fields: Option<[&'static str; 2]>,
    check: Check,
    expected: ExpectedRows,
}

type Check = fn(&Seed, &JsonRow<'_>) -> anyhow::Result<()>;

#[derive(Clone, Copy)]
enum ExpectedRows {
    InPage(usize),
    /// In all pages. Each of them may be shorter than its limit.
    InAll(usize),
}

pub(super) fn all(seed: &Seed) -> Vec<List> {
    use ExpectedRows::{InAll, InPage};
    let history = &seed.history;
    let list = |name, path: String, rows, id, expected, check: Check| List {
        name,
        path,
        content: None,
        fields: Some([rows, id]),
        check,
        expected,
    };
    let of_profiles = |path: String| format!("{PROFILES_BASE}/{path}");
    let profiles = of_profiles(format!("users/{USER}/profiles?limit=1000"));
    let [by_offset, by_cursor] =
        ["audit?limit=200&offset=10", "audit?limit=200"].map(|path| of_profiles(format!("{history}/{path}")));
    let versions = of_profiles(format!("{history}/versions?limit=200"));
    let [csv, json] = ["csv", "json"].map(|format| of_profiles(format!("users/{USER}/export?format={format}")));
    let attention = of_profiles(format!("attention?user_id={USER}&limit=200"));
    let conflicts = of_profiles(format!("conflicts/users/{USER_OF_CONFLICTS}?limit=1000"));
    let plans = format!("{BASE}/subscriptions/plans?user_id={PLANS_USER}&limit=200");
    let instruments = format!("{BASE}/instruments?limit=1000&offset=200000");
    let differences = format!("{BASE}/catalog/versions/2/diff?kind=tick_changed&limit=5000");
    let found = format!("{BASE}/search?page_size=500");
    let query = RequestBody::json(&json!({ "query": "stock 12", "sort_by": "strike" }));
    let changes = InAll(seed::CHANGES + 1);
    let exported = list("export as CSV", csv, "", "", InAll(seed::PROFILES), is_any);
    let search = list("search", found, "instruments", "instrument_key", InPage(500), is_any);
    vec![
        list("profiles", profiles, "profiles", "profile_id", InAll(seed::PROFILES), is_profile_entry),
        list("audit log by offset", by_offset, "entries", "audit_id", InPage(200), is_audit_entry),
        list("audit log by cursor", by_cursor, "entries", "audit_id", changes, is_audit_entry),
        list("versions", versions, "versions", "version", changes, is_version),
        list("export as JSON", json, "profiles", "profile_name", InAll(seed::PROFILES), is_exported),
        List { fields: None, ..exported },
        list("attention", attention, "profiles", "profile_id", InAll(seed::PROFILES), needs_attention),
        list("conflicts", conflicts, "conflicts", "conflict_id", InAll(seed::CONFLICTS), is_any),
        list("plans", plans, "plans", "plan_id", InAll(PLANS), is_any),
        list("instruments", instruments, "instruments", "instrument_key", InPage(1_000), is_any),
        list("differences of the catalog", differences, "changes", "instrument_key", InPage(5_000), is_any),
        List { content: Some(query), ..search },
    ]
}

/// Reads each of the lists with ten callers and a slow one, all at the same time.
pub(super) async fn read_lists(caller: &Caller, lists: &[List], seed: &Seed) -> StepOutcome {
    let before = caller.repeated.get();
    let slow = caller.slow();
    let readers = lists.iter().flat_map(|list| (0..=CALLERS).map(move |number| (list, number)));
    let readers = readers.map(async |(list, number)| {
        let caller = if number == CALLERS { &slow } else { caller };
        list.read(caller, seed).await.context(list.name)
    });
    let outcome = StepOutcome::of(join_all(readers).await);
    // Other callers write at the same time, so this is an upper bound.
    outcome.noted(format!("{} requests repeated after 503 or 504", caller.repeated.get() - before))
}

impl List {
    /// Reads all pages of the list, or its only page.
    async fn read(&self, caller: &Caller, seed: &Seed) -> anyhow::Result<()> {
        let (mut ids, mut cursor) = (HashSet::new(), None::<String>);
        let (ExpectedRows::InPage(expected) | ExpectedRows::InAll(expected)) = self.expected;
        loop {
            let path = match &cursor {
                Some(cursor) => format!("{}&cursor={cursor}", self.path),
                None => self.path.clone(),
            };
            let (rows, next) = self.page(caller, &path, seed).await?;
            for id in rows {
                anyhow::ensure!(!ids.contains(&id), "row {id} was returned twice");
                ids.insert(id);
            }
            if next.is_none() || matches!(self.expected, ExpectedRows::InPage(_)) {
                break;
            }
            anyhow::ensure!(next != cursor && ids.len() <= expected, "the pages do not end after {} rows", ids.len());
            cursor = next;
        }
        anyhow::ensure!(ids.len() == expected, "expected {expected} rows, got {}", ids.len());
        Ok(())
    }

    /// Returns the ids of the rows of a page, and the cursor of the next page.
    async fn page(&self, caller: &Caller, path: &str, seed: &Seed) -> anyhow::Result<(Vec<String>, Option<String>)> {
        let Some([rows, id]) = self.fields else {
            let mut csv = Csv::new(seed);
            let answer = caller.stream(Method::GET, path, None, |bytes| csv.take(bytes)).await?;
            return Ok((csv.end()?, answer.next_cursor));
        };
        let method = if self.content.is_some() { Method::POST } else { Method::GET };
        let answer = caller.send(method, path, self.content.as_ref()).await?;
        let document: JsonRow<'_> = answer.parse()?;
        let found: Vec<JsonRow<'_>> = read_field(&document, rows)?;
        let mut ids = Vec::with_capacity(found.len());
        for row in &found {
            let id = row.get(id).with_context(|| format!("a row has no `{id}`"))?.get();
            (self.check)(seed, row).with_context(|| format!("row {id}"))?;
            ids.push(id.to_owned());
        }
        let next = document.get("next_cursor").map(|_| read_field::<String>(&document, "next_cursor")).transpose()?;
        Ok((ids, next))
    }
}

fn read_field<'a, T: Deserialize<'a>>(row: &JsonRow<'a>, field: &str) -> anyhow::Result<T> {
    let value = row.get(field).with_context(|| format!("`{field}` is missing"))?;
    serde_json::from_str(value.get()).with_context(|| format!("failed to parse `{field}`"))
}

fn is_any(_: &Seed, _: &JsonRow<'_>) -> anyhow::Result<()> {
    Ok(())
}

fn is_profile_entry(_: &Seed, row: &JsonRow<'_>) -> anyhow::Result<()> {
    has(read_field::<usize>(row, "instrument_count")?, seed::INSTRUMENTS)
}

fn needs_attention(_: &Seed, row: &JsonRow<'_>) -> anyhow::Result<()> {
    has(read_field::<usize>(row, "wrong_count")?, seed::INACTIVE)
}

/// The instruments of the profile are those of the first one, rotated by the number in its name.
fn is_exported(seed: &Seed, row: &JsonRow<'_>) -> anyhow::Result<()> {
    let name: String = read_field(row, "profile_name")?;
    let instruments: Vec<&str> = read_field(row, "instruments")?;
    has(instruments.len(), seed::INSTRUMENTS)?;
    for (place, key) in instruments.into_iter().enumerate() {
        anyhow::ensure!(key == seed.key(&name, place)?, "other instruments than those of {name}");
    }
    Ok(())
}

fn is_audit_entry(_: &Seed, row: &JsonRow<'_>) -> anyhow::Result<()> {
    if read_field::<String>(row, "action")? == "update" {
        has_instruments(&read_field(row, "old_data")?)?;
    }
    has_instruments(&read_field(row, "new_data")?)
}

fn is_version(_: &Seed, row: &JsonRow<'_>) -> anyhow::Result<()> {
    has_instruments(&read_field(row, "profile")?)
}

fn has_instruments(profile: &JsonRow<'_>) -> anyhow::Result<()> {
    has(read_field::<Vec<&str>>(profile, "instruments")?.len(), seed::INSTRUMENTS - seed::INACTIVE)
}

fn has(count: usize, expected: usize) -> anyhow::Result<()> {
    anyhow::ensure!(count == expected, "expected {expected} instruments, got {count}");
    Ok(())
}
