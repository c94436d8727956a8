//! The effect of a million stored plans on speed.
//!
//! Two instances run at the same time, one with a million plans, so that other load of the machine affects both.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use anyhow::Context;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::comparisons::fill;
use crate::field::{Field, Instance};
use crate::loader::{self, Load};
use crate::row::{Row, Spread, Target};
use crate::service::{BASE, Service};

const PLANS: u64 = 1_000_000;

/// Number of plans of the table while many lists run.
const PLANS_OF_LISTS: u64 = 4 * PLANS;

/// Number of plans of the other instance: enough for reads and pages.
const FEW_PLANS: u64 = 20_000;

/// Number of rows that are copied: real plans with a hundred instruments.
const TEMPLATES: u64 = 100;

/// Number of users of the million plans. Each has two hundred plans, as have the users of the other table.
const USERS: u64 = 5_000;

/// Older than the plans of the first fill, whose ids must not be repeated.
const HOUR_MS: u64 = 3_600_000;
const PAGE_MAX: u64 = 200;

/// Number of pages before the page that is deep in the table.
const DEEP_PAGES: u64 = 1_000;
const TARGET: Target = Target::AtMost(1.2);

/// Number of ids that are read in a round.
const READS: usize = 15_000;

/// Number of pages that are requested in a round, one after the other; the result is the median.
const PAGES: usize = 200;

/// Number of lists at a time: as many as once opened the breaker of a healthy database.
const PARALLEL: usize = 21;

/// The lists, one after the other on each connection: rare and common values of every filter, a combination of filters,
/// and the largest offset. The total of each is counted, up to 10,000.
const QUERIES: [&str; 6] = [
    "status=draft",
    "status=optimized&limit=200",
    "subscription_type=alerts",
    "subscription_type=live_feed&status=validated",
    "user_id=filled-1&status=draft&subscription_type=historical",
    "offset=10000&limit=200",
];

/// Time after which the client gives up a list.
const LISTED_WITHIN: Duration = Duration::from_secs(40);

/// Returns a statement that copies the templates, a plan per ms that ended `before` ms ago, two hundred plans per user.
/// Ids begin with their time in ms, like those of the service.
fn multiplied(plans: u64, before: u64) -> String {
    format!(
        "insert into instrument_registry.subscription_plans
            (plan_id, user_id, plan_name, description, subscription_type, status, optimization_level, filtering_strictness,
             instruments, estimated_cost, performance_metrics, validation_results, rejected, metadata, document,
             broker_id, cache_key, created_at, expires_at)
         select 'plan_' || lpad(to_hex((extract(epoch from made.at) * 1000)::bigint), 12, '0')
                        || '7' || substr(md5(made.number::text), 1, 19),
                'filled-' || made.number % {USERS}, t.plan_name, t.description, t.subscription_type, t.status,
                t.optimization_level, t.filtering_strictness, t.instruments, t.estimated_cost, t.performance_metrics,
                t.validation_results, t.rejected, t.metadata, t.document, t.broker_id,
                md5(made.number::text) || md5('k' || made.number), made.at, made.at + interval '300 s'
         from (select number, date_trunc('milliseconds', now()) - interval '1 ms' * ({before} + {plans} - number) as at
               from generate_series(1, {plans}) as number) as made
         join (select *, row_number() over (order by plan_id) as place
               from instrument_registry.subscription_plans
               order by plan_id
               limit {TEMPLATES}) as t
           on t.place = made.number % {TEMPLATES} + 1"
    )
}

pub(super) async fn as_fast_as_empty(field: &Field, work: &str) -> anyhow::Result<Vec<Row>> {
    let full = field.new_registry(Instance { purpose: "full", ..Instance::default() }).await?;
    let few = field.new_registry(Instance { purpose: "few", ..Instance::default() }).await?;
    fill(field, &full, &field.file("templates.ledger"), TEMPLATES).await?;
    multiply(field, &full, PLANS, 0).await?;

    let ratio = |what: &str, than: &str, unit, pairs: &_| {
        Row::ratio(work, format!("{what}, compared with {than}"), unit, pairs, TARGET)
    };
    let load = Load::of("cold").measured(field.seconds);
    let each_us = async |service: &Service, seed| run_us(field, load.clone().with("seed", seed), service).await;
    let empty_each_us = async |seed| {
        few.database.execute(&format!("truncate {}", few.kind.table())).await?;
        each_us(&few, seed).await
    };
    let full_each_us = async |seed| each_us(&full, seed).await;
    let pairs = field.alternate("million: new plans", "µs", full_each_us, empty_each_us).await?;
    let mut rows = vec![ratio("new plan", "an empty table", "µs", &pairs)];

    fill(field, &few, &field.file("few.ledger"), FEW_PLANS).await?;
    run_maintenance(&few).await?;
    run_maintenance(&full).await?;
    let read_us = async |service: &Service| run_us(field, reads(field, service).await?, service).await;
    let (full_us, few_us) = (async |_| read_us(&full).await, async |_| read_us(&few).await);
    let pairs = field.alternate("million: cold reads", "µs", full_us, few_us).await?;
    let than = format!("{FEW_PLANS} plans");
    rows.push(ratio("uncached plan", &than, "µs", &pairs));

    let first = vec!["limit=50".to_owned()];
    for (what, of_full, of_few) in [
        ("first page", first.clone(), first),
        ("page of a user", users(&full).await?, users(&few).await?),
        ("deep page", deep(&full, DEEP_PAGES).await?, deep(&few, FEW_PLANS / PAGE_MAX / 2).await?),
    ] {
        let (full_ms, few_ms) = (async |_| page_ms(&full, &of_full).await, async |_| page_ms(&few, &of_few).await);
        let pairs = field.alternate(&format!("million: {what}"), "ms", full_ms, few_ms).await?;
        rows.push(ratio(what, &than, "ms", &pairs));
    }

    drop(few);
    multiply(field, &full, PLANS_OF_LISTS - PLANS, HOUR_MS).await?;
    rows.extend(during_lists(field, work, &full).await?);
    Ok(rows)
}

/// Copies plans in the table.
async fn multiply(field: &Field, service: &Service, plans: u64, before: u64) -> anyhow::Result<()> {
    field.say(&format!("creating {plans} plans in the table"));
    service.database.execute(&multiplied(plans, before)).await.context("failed to fill the table")?;
    run_maintenance(service).await
}

/// Runs the maintenance that follows a fill, so that it does not happen during a measurement.
async fn run_maintenance(service: &Service) -> anyhow::Result<()> {
    service.database.execute(&format!("vacuum analyze {}", service.kind.table())).await?;
    service.database.execute("checkpoint").await
}

/// Returns the time for each good response.
async fn run_us(field: &Field, load: Load, service: &Service) -> anyhow::Result<f64> {
    Ok(1e6 / field.loader.run(load, service).await?.goodput_per_second)
}

/// Restarts the service, and returns a load that reads plans from the whole table, in random order.
async fn reads(field: &Field, service: &Service) -> anyhow::Result<Load> {
    let table = service.kind.table();
    // A tenth more than necessary, because the size of the sample is random.
    let percent = (110.0 * READS as f64 / service.plans_stored().await? as f64).min(100.0);
    let seed = fastrand::u32(..1_000_000);
    let query =
        format!("select plan_id from {table} tablesample bernoulli ({percent}) repeatable ({seed}) limit {READS}");
    let mut ids = service.database.texts(&query).await.context("failed to select plans to read")?;
    fastrand::shuffle(&mut ids);
    let file = field.file("million.ids");
    let count = loader::write_ids(&ids, &file)?;
    service.restart().await?;
    Ok(Load::of("read").with("ids", file.display()).with("requests", count).with("seconds", 60))
}

/// Requests pages of different queries, one after the other, and returns the median of their times.
async fn page_ms(service: &Service, queries: &[String]) -> anyhow::Result<f64> {
    let mut times = Vec::with_capacity(PAGES);
    for query in queries.iter().cycle().take(PAGES) {
        let (_, elapsed) = service.get(&plans_path(query)).await?;
        times.push(elapsed.as_secs_f64() * 1e3);
    }
    Ok(Spread::of(&times).context("no page was read")?.median)
}

fn plans_path(query: &str) -> String {
    format!("{BASE}/subscriptions/plans?{query}")
}

/// Returns one query per user, for the plans of this user.
async fn users(service: &Service) -> anyhow::Result<Vec<String>> {
    let table = service.kind.table();
    let query = format!(
        "select user_id from {table} group by user_id having count(*) >= 50 order by md5(user_id) limit {PAGES}"
    );
    let users = service.database.texts(&query).await.context("failed to select users")?;
    anyhow::ensure!(!users.is_empty(), "no user has a full page of plans");
    Ok(users.iter().map(|user| format!("limit=50&user_id={user}")).collect())
}

/// Returns the query for the page after this number of pages, by following their cursors.
async fn deep(service: &Service, pages: u64) -> anyhow::Result<Vec<String>> {
    let mut cursor = String::new();
    for page in 0..pages {
        let (body, _) = service.get(&plans_path(&format!("limit={PAGE_MAX}{cursor}"))).await?;
        let body: Value = serde_json::from_str(&body).context("failed to read a page")?;
        let next = body["next_cursor"].as_str().with_context(|| format!("expected {pages} pages, got {page}"))?;
        cursor = format!("&cursor={next}");
    }
    Ok(vec![format!("limit=50{cursor}")])
}

/// Compares uncached reads and new plans while lists run with the same without lists. Any other response than the
/// expected plan fails the measurement.
async fn during_lists(field: &Field, work: &str, service: &Service) -> anyhow::Result<Vec<Row>> {
    let opened = RefCell::new(Vec::new());
    let during_lists = async |load: Load| {
        let is_over = Cell::new(false);
        let measured = async {
            let each_us = run_us(field, load, service).await;
            is_over.set(true);
            each_us
        };
        let (each_us, lists) = tokio::join!(measured, list_until(&is_over, service));
        field.say(&format!("million: {} lists", lists.context("failed to list plans")?));
        let breaker = "instrument_registry_breaker_transitions_total";
        let changes = service.metric(breaker, &["dependency=\"database\""]).await?;
        opened.borrow_mut().push(changes);
        each_us
    };
    let new_plans = |seed| Load::of("cold").with("seconds", field.seconds).with("seed", seed);
    let read_during = async |_| during_lists(reads(field, service).await?).await;
    let read = async |_| run_us(field, reads(field, service).await?, service).await;
    let read = field.alternate("million: reads and lists", "µs", read_during, read).await?;
    let created_during = async |seed| during_lists(new_plans(seed)).await;
    let created = async |seed| run_us(field, new_plans(seed), service).await;
    let created = field.alternate("million: new plans and lists", "µs", created_during, created).await?;
    let what = |of: &str| format!("{of} during {PARALLEL} lists of {PLANS_OF_LISTS} plans, compared with no list");
    let opened = opened.into_inner();
    Ok(vec![
        Row::ratio(work, what("uncached plan"), "µs", &read, None),
        Row::ratio(work, what("new plan"), "µs", &created, None),
        Row::figure(work, "changes of the database's breaker", "", &opened, Target::Exactly(0.0)),
    ])
}

/// Lists plans on parallel connections until the other load is over. Returns the number of lists.
async fn list_until(is_over: &Cell<bool>, service: &Service) -> anyhow::Result<usize> {
    let (client, base) = (service.new_client(LISTED_WITHIN)?, service.url()?);
    let list = async |query: &&str| {
        client.get(base.join(&plans_path(query))?).send().await?.error_for_status()?.bytes().await?;
        anyhow::Ok(())
    };
    let queries = QUERIES.iter().cycle().take_while(|_| !is_over.get());
    let lists = stream::iter(queries).map(list).buffer_unordered(PARALLEL);
    let lists = lists.try_fold(0, async |lists, ()| Ok(lists + 1)).await?;
    anyhow::ensure!(lists > 0, "no list had a response");
    Ok(lists)
}
