//! Lists that visit more rows than a statement may take time for.

use serde_json::json;
use test_servers::{Admin, TestDatabase};

use super::*;
use crate::support::{Answer, body};

/// Number of parallel lists: as many as open the breaker of a service whose lists count as failures of the database.
const LISTS: usize = 21;
/// Minimum number of other calls while the lists are in progress.
const CALLS_MIN: i64 = 20;
/// The setting of the deadline of requests.
const DEADLINE: &str = "INSTRUMENT_REGISTRY_PLANNER_TIMEOUT";
/// Its value in seconds, so that lists which wait for a permit end soon after.
const DEADLINE_SECONDS: &str = "8";
/// Number of plans. Each takes 10 ms to visit, so that a list of all of them takes longer than a statement may.
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

/// The id of the copy of this number.
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
