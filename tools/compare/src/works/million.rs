//! The effect of a million stored plans on speed.
//!
//! Two instances run at the same time, one with a million plans, so that other load of the machine affects both.

mod lists;

use anyhow::Context;
use serde::Deserialize;

use crate::field::{Field, Instance};
use crate::figures::Spread;
use crate::loader::{self, Load};
use crate::row::{Row, Target};
use crate::service::Service;
use crate::works::{CONNECTIONS, WARMUP_SECONDS, reads};

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

/// Maximum number of plans in a page.
const PAGE_MAX: u64 = 200;

/// Number of pages before the page that is deep in the table.
const DEEP_PAGES: u64 = 1_000;

const TARGET: Target = Target::AtMost(1.2);

/// Number of ids that are read in a round.
const READS: usize = 15_000;

/// Number of pages that are requested in a round, one after the other; the result is the median.
const PAGES: usize = 200;

/// Returns a statement that copies the templates, a plan per ms that ended `before` ms ago, two hundred plans per user. Ids
/// begin with their time in ms, like those of the service.
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

pub(super) fn as_fast_as_empty(field: &Field) -> anyhow::Result<Vec<Row>> {
    let full = field.new_registry(Instance { purpose: "full", ..Instance::default() })?;
    let few = field.new_registry(Instance { purpose: "few", ..Instance::default() })?;
    reads::fill(field, &full, &field.file("templates.ledger"), TEMPLATES)?;
    field.say(&format!("creating {PLANS} plans in the table"));
    full.database().execute(&multiplied(PLANS, 0)).context("failed to fill the table")?;
    run_maintenance(&full)?;

    let mut rows = vec![creation(field, &full, &few)?];
    reads::fill(field, &few, &field.file("few.ledger"), FEW_PLANS)?;
    run_maintenance(&few)?;
    run_maintenance(&full)?;
    rows.push(reading(field, &full, &few)?);
    let first = vec!["limit=50".to_owned()];
    rows.push(listing(field, "first page", [(&full, &first), (&few, &first)])?);
    let [of_full, of_few] = [users(&full)?, users(&few)?];
    rows.push(listing(field, "page of a user", [(&full, &of_full), (&few, &of_few)])?);
    let [of_full, of_few] = [deep(&full, DEEP_PAGES)?, deep(&few, FEW_PLANS / PAGE_MAX / 2)?];
    rows.push(listing(field, "deep page", [(&full, &of_full), (&few, &of_few)])?);

    drop(few);
    field.say(&format!("creating {PLANS_OF_LISTS} plans in the table"));
    let more = multiplied(PLANS_OF_LISTS - PLANS, HOUR_MS);
    full.database().execute(&more).context("failed to fill the table")?;
    run_maintenance(&full)?;
    rows.extend(lists::measure(field, &full, PLANS_OF_LISTS)?);
    Ok(rows)
}

/// Runs the maintenance that follows a fill, so that it does not happen during a measurement.
fn run_maintenance(service: &Service) -> anyhow::Result<()> {
    let table = service.kind().table();
    service.database().execute(&format!("vacuum analyze {table}")).context("failed to analyze the table")?;
    service.database().execute("checkpoint").context("failed to write the table to disk")
}

fn creation(field: &Field, full: &Service, few: &Service) -> anyhow::Result<Row> {
    let load = Load::of("cold").connections(CONNECTIONS).seconds(field.seconds).warmup_seconds(WARMUP_SECONDS);
    let each_us =
        |service: &Service, seed| Ok(1e6 / field.loader.run(load.clone().seed(seed), service)?.goodput_per_second);
    let empty_each_us = |seed| {
        few.database().execute(&format!("truncate {}", few.kind().table())).context("failed to empty the table")?;
        each_us(few, seed)
    };
    let pairs = field.alternate("million: new plans", "µs", |seed| each_us(full, seed), empty_each_us)?;
    Ok(Row::ratio("million", "new plan, compared with an empty table", "µs", &pairs, TARGET))
}

fn reading(field: &Field, full: &Service, few: &Service) -> anyhow::Result<Row> {
    let each_us = |service: &Service, name: &str| {
        let file = field.file(&format!("{name}.ids"));
        let ids = loader::write_ids(&some_ids(service)?, &file)?;
        service.restart()?;
        let load = Load::of("read").connections(CONNECTIONS).ids(&file).requests(ids).seconds(60);
        Ok(1e6 / field.loader.run(load, service)?.goodput_per_second)
    };
    let pairs = field.alternate("million: cold reads", "µs", |_| each_us(full, "full"), |_| each_us(few, "few"))?;
    Ok(Row::ratio("million", format!("uncached plan, compared with {FEW_PLANS} plans"), "µs", &pairs, TARGET))
}

/// Selects ids from the whole table, in random order.
fn some_ids(service: &Service) -> anyhow::Result<Vec<String>> {
    let table = service.kind().table();
    // A tenth more than necessary, because the size of the sample is random.
    let percent = (110.0 * READS as f64 / service.plans_stored()? as f64).min(100.0);
    let seed = fastrand::u32(..1_000_000);
    let query =
        format!("select plan_id from {table} tablesample bernoulli ({percent}) repeatable ({seed}) limit {READS}");
    let mut ids = service.database().texts(&query).context("failed to select plans to read")?;
    fastrand::shuffle(&mut ids);
    Ok(ids)
}

/// Requests pages of different queries, one after the other, and compares the medians of each round.
fn listing(field: &Field, what: &str, sides: [(&Service, &Vec<String>); 2]) -> anyhow::Result<Row> {
    let page_ms = |(service, queries): (&Service, &Vec<String>)| {
        let mut times = Vec::with_capacity(PAGES);
        for query in queries.iter().cycle().take(PAGES) {
            let (_, elapsed) = service.get(&format!("subscriptions/plans?{query}"))?;
            times.push(elapsed.as_secs_f64() * 1e3);
        }
        Ok(Spread::of(&times).context("no page was read")?.median)
    };
    let [full, few] = sides;
    let pairs = field.alternate(&format!("million: {what}"), "ms", |_| page_ms(full), |_| page_ms(few))?;
    Ok(Row::ratio("million", format!("{what}, compared with {FEW_PLANS} plans"), "ms", &pairs, TARGET))
}

/// Returns one query per user, for the plans of this user.
fn users(service: &Service) -> anyhow::Result<Vec<String>> {
    let table = service.kind().table();
    let query = format!(
        "select user_id from {table} group by user_id having count(*) >= 50 order by md5(user_id) limit {PAGES}"
    );
    let users = service.database().texts(&query).context("failed to select users")?;
    anyhow::ensure!(!users.is_empty(), "no user has a full page of plans");
    Ok(users.iter().map(|user| format!("limit=50&user_id={user}")).collect())
}

/// Returns the query for the page after this number of pages, by following their cursors.
fn deep(service: &Service, pages: u64) -> anyhow::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Page {
        next_cursor: Option<String>,
    }
    let mut query = format!("limit={PAGE_MAX}");
    for page in 0..pages {
        let (body, _) = service.get(&format!("subscriptions/plans?{query}"))?;
        let Page { next_cursor } = serde_json::from_str(&body).context("failed to read a page")?;
        let cursor = next_cursor.with_context(|| format!("expected {pages} pages, got {page}"))?;
        query = format!("limit={PAGE_MAX}&cursor={cursor}");
    }
    Ok(vec![query.replace(&format!("limit={PAGE_MAX}"), "limit=50")])
}
