//! Restarts of crashed actors, with little effect on callers.

use futures_util::future::join_all;

use registry_actors::planner::PanicAt;

use crate::support::{Answer, SOON, Service, body, eventually, with};

/// Requests a plan that does not exist yet. Each `n` gives another date.
async fn request_new_plan(service: &Service, n: usize) -> Answer {
    let request = with(body(&["NSE:TCS"]), "as_of", format!("2030-{:02}-{:02}", 1 + n / 28, 1 + n % 28));
    service.client.ask("u", &request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_survives_a_crash_of_each_actor() {
    let service = Service::start().await;
    let mut n = 0;
    assert_eq!(request_new_plan(&service, n).await.status, 200);

    for actor in ["planner_0", "planner_1", "cache", "catalogue", "ingest", "config", "persistence"] {
        let restarts = format!("instrument_registry_actor_restarts_total{{actor=\"{actor}\"}}");
        let before = service.client.metric(&restarts).await;
        if !service.engine.crash(actor) {
            assert_eq!(actor, "planner_1", "there may be one planner, and all other actors are there");
            continue;
        }

        eventually("a plan is made", SOON, async || {
            n += 1;
            (request_new_plan(&service, n).await.status == 200).then_some(())
        })
        .await;
        eventually("the restart is counted", SOON, async || {
            (service.client.metric(&restarts).await > before).then_some(())
        })
        .await;
        eventually("settings are known", SOON, async || {
            (service.client.get("planner/config").await.status == 200).then_some(())
        })
        .await;
        eventually("every check is fine", SOON, async || {
            let ready = service.client.get("/ready").await.json();
            let checks = ready["checks"].as_object()?.clone();
            let is_fine =
                |(name, check): (&String, &serde_json::Value)| name == "catalogue" || check["status"] != "unavailable";
            checks.iter().all(is_fine).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_to_a_crashed_planner_succeed_on_retry() {
    let service = Service::start().await;
    // Warm up, so that every planner has handled a request.
    for n in 0..8 {
        assert_eq!(request_new_plan(&service, n).await.status, 200);
    }

    for (actor, first) in [("planner_0", 10), ("planner_1", 20)] {
        service.engine.crash(actor);
        let answers = join_all((first..first + 8).map(|n| request_new_plan(&service, n))).await;

        // On a busy machine, the restart may take longer than the request waits.
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            answer.problem(503, "unavailable");
            assert!(answer.header("Retry-After").parse::<u64>().is_ok_and(|seconds| (1..=3).contains(&seconds)));
        }
        for n in first..first + 8 {
            let is_made = async || (request_new_plan(&service, n).await.status == 200).then_some(());
            eventually("the plan is made when it is asked for again", SOON, is_made).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_request_fails_only_for_its_own_callers() {
    let service = Service::start().await;
    for (user, at) in [("planning", PanicAt::Planning), ("handling", PanicAt::Handling)] {
        service.engine.planners.panic_at_requests_of(user, at);

        for _ in 0..5 {
            service.client.ask(user, &body(&["NSE:TCS"])).await.problem(500, "internal");
        }

        assert_eq!(service.client.plan("other", &body(&["NSE:TCS"])).await["plan_data"]["user_id"], "other");
    }
    let refusals = service.client.metric("instrument_registry_planner_quarantine_refusals_total").await;
    assert!(refusals.is_some_and(|refusals| refusals >= 4.0), "{refusals:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cached_plans_are_served_while_actors_restart() {
    let service = Service::start().await;
    let made = service.client.plan("u", &body(&["NSE:TCS"])).await;
    let path = format!("plans/{}", made["plan_id"].as_str().unwrap());

    for actor in ["cache", "persistence", "config", "catalogue", "ingest"] {
        assert!(service.engine.crash(actor), "{actor}");

        let cached = service.client.plan("u", &body(&["NSE:TCS"])).await;
        assert_eq!(cached["status"], "cached", "{actor}");
        assert_eq!(cached["plan_id"], made["plan_id"], "{actor}");
        assert_eq!(service.client.read(&path).await["plan"], made["plan_data"], "{actor}");
    }
    assert!(!service.engine.crash("nobody"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_that_keeps_crashing_stops_the_service() {
    let service = Service::start().await;
    let engine = std::sync::Arc::clone(&service.engine);
    let escalated = tokio::spawn({
        let engine = std::sync::Arc::clone(&engine);
        async move { engine.escalated().await }
    });

    let running = service.ended(async || {
        engine.crash("catalogue");
    });
    let fault = running.await;

    assert_eq!(escalated.await.unwrap(), "catalogue");
    assert_eq!(fault.unwrap_err().to_string(), "the catalogue actor exceeded its restart limit");
}
