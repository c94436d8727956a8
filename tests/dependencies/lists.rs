//! Lists that take longer than the statement timeout, because they visit many rows.

use serde_json::json;
use test_servers::{Admin, TestDatabase};

use super::*;
use crate::support::{Answer, body};

/// Number of parallel lists. They would open the breaker if their timeouts counted as failures of the database.
const LISTS: usize = 21;
/// Minimum number of other calls while the lists are in progress.
const CALLS_MIN: i64 = 20;
/// The setting of the deadline of requests, in seconds.
const DEADLINE: &str = "INSTRUMENT_REGISTRY_PLANNER_TIMEOUT";
/// Short, so that lists that wait for a permit end soon after the others.
const DEADLINE_SECONDS: &str = "8";
/// Number of plans. Each visit of a plan takes 10 ms, so a list of all plans exceeds the statement timeout.
const PLANS: i64 = 700;

/// Copies a stored plan, and makes each visit of a plan slow.
async fn fill_with_slow_plans(admin: &mut Admin) {
    admin
        .execute(&format!(
            "do $$ declare columns text; begin
               select string_agg(quote_ident(column_name), ', ') into columns from information_schema.columns
               where table_schema = 'instrument_registry' and table_name = 'subscription_plans'
                 and column_name <> 'plan_id';
               execute 'insert into instrument_registry.subscription_plans (plan_id, ' || columns || ')
                 select ''plan_'' || lpad(to_hex(number), 32, ''0''), ' || columns || '
                 from instrument_registry.subscription_plans, generate_series(1, {PLANS}) number';
             end $$"
        ))
        .await;
    admin.execute("alter table instrument_registry.subscription_plans rename to plans_of_test").await;
    admin
        .execute(
            "create function public.is_slow(id text) returns boolean language plpgsql as \
             'begin perform pg_sleep(0.01); return true; end'",
        )
        .await;
    admin
        .execute(
            "create view instrument_registry.subscription_plans as \
             select * from instrument_registry.plans_of_test where public.is_slow(plan_id)",
        )
        .await;
}

/// Returns the id of the copy with this number, which starts at 1.
fn id(number: i64) -> String {
    format!("plan_{number:032x}")
}

/// Bug: lists used up the connections of other calls, and their statement timeouts opened the breaker.
#[tokio::test(flavor = "multi_thread")]
async fn slow_lists_delay_no_other_call_and_leave_the_breaker_closed() {
    let Some(database) = TestDatabase::new() else { return };
    let (service, _folder) = service(&[("DATABASE_URL", &database.url()), (DEADLINE, DEADLINE_SECONDS)]).await;
    let client = &service.client;
    client.plan("first", &body(&["NSE:TCS"])).await;
    fill_with_slow_plans(&mut database.admin().await).await;

    let lists: Vec<_> = (0..LISTS)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.get("plans?limit=200").await })
        })
        .collect();
    let mut calls = 0;
    while !lists.iter().all(|list| list.is_finished()) {
        calls += 1;
        assert_eq!(client.get(&format!("plans/{}", id(1 + calls % PLANS))).await.status, 200);
        let made = client.plan(&format!("u{calls}"), &body(&["NSE:TCS"])).await;
        assert_eq!(made["status"], "created");
    }
    let answers: Vec<Answer> = {
        let mut answers = Vec::new();
        for list in lists {
            answers.push(list.await.unwrap());
        }
        answers
    };

    assert!(calls >= CALLS_MIN, "{calls}");
    for answer in answers {
        answer.problem(504, "deadline_exceeded");
    }
    assert!((breaker(client, "database").await - 0.0).abs() < f64::EPSILON);
    assert_eq!(ready(client).await.1["checks"]["database"]["breaker"], json!("closed"));
    assert_eq!(count_logged(&service, "database", UNAVAILABLE), 0);
}
