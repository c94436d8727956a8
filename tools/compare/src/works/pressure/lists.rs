//! Heavy lists, each of them read by many callers at the same time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::Context;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::task::{JoinSet, spawn_blocking};

use super::PROFILES_BASE;
use super::caller::{Caller, Content};
use super::course::Outcome;
use super::export::Csv;
use super::plans;
use super::seed::{self, Seed, USER, USER_OF_CONFLICTS};
use crate::service::BASE;

/// The number of callers of each list. Another one reads slowly.
const CALLERS: usize = 10;

/// The fields of a row.
type Row<'a> = HashMap<&'a str, &'a RawValue>;

/// A list and what it must contain.
pub(super) struct List {
    pub(super) name: &'static str,
    path: String,
    /// The body of a list that is requested with POST.
    content: Option<Content>,
    format: Format,
    expected: Expected,
}

enum Format {
    /// A JSON array in the field `rows`, whose rows differ in the field `id`.
    Json {
        rows: &'static str,
        id: &'static str,
        check: Check,
    },
    Csv,
}

/// Checks a row.
type Check = fn(&Seed, &Row<'_>) -> anyhow::Result<()>;

/// The number of rows.
#[derive(Clone, Copy)]
enum Expected {
    /// In one page.
    InPage(usize),
    /// In all pages. Each of them may be shorter than its limit.
    InAll(usize),
}

/// Returns all lists.
pub(super) fn all(seed: &Seed) -> Vec<Arc<List>> {
    let Seed { history, .. } = seed;
    let json = |name, path: String, rows, id, expected, check: Check| {
        Arc::new(List { name, path, content: None, format: Format::Json { rows, id, check }, expected })
    };
    let search = List {
        name: "search",
        path: format!("{BASE}/search?page_size=500"),
        content: Some(Content::json(&json!({ "query": "stock 12", "sort_by": "strike" }))),
        format: Format::Json { rows: "instruments", id: "instrument_key", check: is_any },
        expected: Expected::InPage(500),
    };
    let csv = List {
        name: "export as CSV",
        path: format!("{PROFILES_BASE}/users/{USER}/export?format=csv"),
        content: None,
        format: Format::Csv,
        expected: Expected::InAll(seed::PROFILES),
    };
    vec![
        json(
            "profiles",
            format!("{PROFILES_BASE}/users/{USER}/profiles?limit=1000"),
            "profiles",
            "profile_id",
            Expected::InAll(seed::PROFILES),
            is_profile_entry,
        ),
        json(
            "audit log by offset",
            format!("{PROFILES_BASE}/{history}/audit?limit=200&offset=10"),
            "entries",
            "audit_id",
            Expected::InPage(200),
            is_audit_entry,
        ),
        json(
            "audit log by cursor",
            format!("{PROFILES_BASE}/{history}/audit?limit=200"),
            "entries",
            "audit_id",
            Expected::InAll(seed::CHANGES + 1),
            is_audit_entry,
        ),
        json(
            "versions",
            format!("{PROFILES_BASE}/{history}/versions?limit=200"),
            "versions",
            "version",
            Expected::InAll(seed::CHANGES + 1),
            is_version,
        ),
        json(
            "export as JSON",
            format!("{PROFILES_BASE}/users/{USER}/export?format=json"),
            "profiles",
            "profile_name",
            Expected::InAll(seed::PROFILES),
            is_exported,
        ),
        Arc::new(csv),
        json(
            "attention",
            format!("{PROFILES_BASE}/attention?user_id={USER}&limit=200"),
            "profiles",
            "profile_id",
            Expected::InAll(seed::PROFILES),
            needs_attention,
        ),
        json(
            "conflicts",
            format!("{PROFILES_BASE}/conflicts/users/{USER_OF_CONFLICTS}?limit=1000"),
            "conflicts",
            "conflict_id",
            Expected::InAll(seed::CONFLICTS),
            is_any,
        ),
        json(
            "plans",
            format!("{BASE}/subscriptions/plans?user_id={}&limit=200", plans::USER),
            "plans",
            "plan_id",
            Expected::InAll(plans::PLANS),
            is_any,
        ),
        json(
            "instruments",
            format!("{BASE}/instruments?limit=1000&offset=200000"),
            "instruments",
            "instrument_key",
            Expected::InPage(1_000),
            is_any,
        ),
        json(
            "differences of the catalog",
            format!("{BASE}/catalog/versions/2/diff?kind=tick_changed&limit=5000"),
            "changes",
            "instrument_key",
            Expected::InPage(5_000),
            is_any,
        ),
        Arc::new(search),
    ]
}

/// Reads each of the lists with ten callers and a slow one, all at the same time.
pub(super) async fn read(caller: &Caller, lists: &[Arc<List>], seed: &Arc<Seed>) -> anyhow::Result<Outcome> {
    let before = caller.repeated();
    let mut readers = JoinSet::new();
    for list in lists {
        for number in 0..=CALLERS {
            let (list, seed) = (Arc::clone(list), Arc::clone(seed));
            let caller = if number == CALLERS { caller.slow() } else { caller.clone() };
            readers.spawn(async move { list.read(&caller, &seed).await.context(list.name) });
        }
    }
    let outcome = Outcome::of(readers.join_all().await);
    // Other callers write at the same time, so this is an upper bound.
    Ok(outcome.noted(format!("{} requests repeated after 503 or 504", caller.repeated() - before)))
}

impl List {
    /// Reads all pages of the list, or its only page.
    async fn read(self: &Arc<Self>, caller: &Caller, seed: &Arc<Seed>) -> anyhow::Result<()> {
        let (mut ids, mut cursor) = (HashSet::new(), None::<String>);
        let expected = match self.expected {
            Expected::InPage(rows) | Expected::InAll(rows) => rows,
        };
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
            if next.is_none() || matches!(self.expected, Expected::InPage(_)) {
                break;
            }
            anyhow::ensure!(next != cursor && ids.len() <= expected, "the pages do not end after {} rows", ids.len());
            cursor = next;
        }
        anyhow::ensure!(ids.len() == expected, "expected {expected} rows, got {}", ids.len());
        Ok(())
    }

    /// Returns the ids of the rows of a page, and the cursor of the next page.
    async fn page(
        self: &Arc<Self>,
        caller: &Caller,
        path: &str,
        seed: &Arc<Seed>,
    ) -> anyhow::Result<(Vec<String>, Option<String>)> {
        let Format::Json { .. } = self.format else {
            let mut csv = Csv::new(seed);
            let answer = caller.stream(path, |bytes| csv.take(bytes)).await?;
            return Ok((csv.end()?, answer.next_cursor));
        };
        let answer = match &self.content {
            Some(content) => caller.post(path, content).await?,
            None => caller.get(path).await?,
        };
        let (list, seed) = (Arc::clone(self), Arc::clone(seed));
        // Other responses are read meanwhile.
        spawn_blocking(move || list.parse(&answer.body, &seed)).await?
    }

    fn parse(&self, body: &[u8], seed: &Seed) -> anyhow::Result<(Vec<String>, Option<String>)> {
        let Format::Json { rows, id, check } = self.format else { anyhow::bail!("not a list in JSON") };
        let document: Row<'_> = serde_json::from_slice(body).context("failed to parse the response")?;
        let found: Vec<Row<'_>> = read_field(&document, rows)?;
        let mut ids = Vec::with_capacity(found.len());
        for row in &found {
            let id = row.get(id).with_context(|| format!("a row has no `{id}`"))?.get();
            check(seed, row).with_context(|| format!("row {id}"))?;
            ids.push(id.to_owned());
        }
        let next = document.get("next_cursor").map(|_| read_field::<String>(&document, "next_cursor")).transpose()?;
        Ok((ids, next))
    }
}

fn read_field<'a, T: Deserialize<'a>>(row: &Row<'a>, field: &str) -> anyhow::Result<T> {
    let value = row.get(field).with_context(|| format!("`{field}` is missing"))?;
    serde_json::from_str(value.get()).with_context(|| format!("failed to parse `{field}`"))
}

fn is_any(_: &Seed, _: &Row<'_>) -> anyhow::Result<()> {
    Ok(())
}

fn is_profile_entry(_: &Seed, row: &Row<'_>) -> anyhow::Result<()> {
    has(read_field::<usize>(row, "instrument_count")?, seed::INSTRUMENTS)
}

fn needs_attention(_: &Seed, row: &Row<'_>) -> anyhow::Result<()> {
    has(read_field::<usize>(row, "wrong_count")?, seed::INACTIVE)
}

/// The instruments of the profile are those of the first one, rotated by the number in its name.
fn is_exported(seed: &Seed, row: &Row<'_>) -> anyhow::Result<()> {
    let name: String = read_field(row, "profile_name")?;
    let instruments: Vec<&str> = read_field(row, "instruments")?;
    has(instruments.len(), seed::INSTRUMENTS)?;
    anyhow::ensure!(instruments.into_iter().eq(seed.rotated(&name)?), "other instruments than those of {name}");
    Ok(())
}

fn is_audit_entry(_: &Seed, row: &Row<'_>) -> anyhow::Result<()> {
    if read_field::<String>(row, "action")? == "update" {
        has_instruments(&read_field(row, "old_data")?)?;
    }
    has_instruments(&read_field(row, "new_data")?)
}

fn is_version(_: &Seed, row: &Row<'_>) -> anyhow::Result<()> {
    has_instruments(&read_field(row, "profile")?)
}

fn has_instruments(profile: &Row<'_>) -> anyhow::Result<()> {
    has(read_field::<Vec<&str>>(profile, "instruments")?.len(), seed::INSTRUMENTS - seed::INACTIVE)
}

fn has(count: usize, expected: usize) -> anyhow::Result<()> {
    anyhow::ensure!(count == expected, "expected {expected} instruments, got {count}");
    Ok(())
}
