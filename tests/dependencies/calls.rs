//! Counts the calls of an unavailable dependency. A request that causes no call does not wait for the dependency. The
//! duration of a request could not show this on a busy machine.

use futures_util::future::join_all;

use super::*;
use crate::support::body;

const CALLERS: usize = 4;
const PLANS_EACH: usize = 10;

/// The calls of Redis for requests: the dependency and the operations, as in the labels of the metrics.
pub(super) const REDIS: (&str, &[&str]) = ("redis", &["get", "put"]);
/// The calls of the database that store plans, in the same form.
pub(super) const DATABASE: (&str, &[&str]) = ("database", &["insert_plans"]);

/// Creates plans with several concurrent callers. Each requests one new plan after the other. The name of the round is
/// part of the user ids, so each round needs another name.
pub(super) async fn make_plans(client: &Client, round: &str) {
    let callers = (0..CALLERS).map(async |caller| {
        for n in 0..PLANS_EACH {
            let plan = client.plan(&format!("{round}-{caller}-{n}"), &body(&["NSE:TCS"])).await;
            assert_eq!(plan["status"], "created");
        }
    });
    join_all(callers).await;
}

/// Returns the number of calls that have ended since the start of the service.
async fn ended((dependency, operations): (&str, &[&str]), client: &Client) -> f64 {
    let mut count = 0.0;
    for operation in operations {
        let series = format!(
            "instrument_registry_dependency_request_duration_seconds_count\
             {{dependency=\"{dependency}\",operation=\"{operation}\","
        );
        count += client.metric_sum(&series).await;
    }
    count
}

/// Repeats an action until it causes no call. Calls that began earlier can end during the first attempts.
pub(super) async fn until_without(calls: (&str, &[&str]), client: &Client, mut act: impl AsyncFnMut(usize)) {
    let mut attempts = 0;
    eventually(&format!("there are no calls of the {}", calls.0), SOON, async || {
        attempts += 1;
        let before = ended(calls, client).await;
        act(attempts).await;
        (ended(calls, client).await <= before).then_some(())
    })
    .await;
}

/// Asserts that new plans are created without calls of Redis.
pub(super) async fn assert_plans_without_redis(client: &Client, round: &str) {
    until_without(REDIS, client, async |attempt| make_plans(client, &format!("{round}-{attempt}")).await).await;
}
