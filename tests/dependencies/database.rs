//! Outages of PostgreSQL, and its minimal configuration.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use test_servers::{PostgresServer, Proxy, TestDatabase};

use super::calls::{DATABASE, until_without};
use super::*;
use crate::support::{Answer, Traffic, body, run};

const PROFILES: &str = "/api/v1/internal/subscription-profiles";
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until the breaker is open. Asserts that requests are then rejected or served from the cache, without a wait
/// for the database.
async fn assert_refused_at_once_and_cached_served(client: &Client) {
    let ready = until_check(client, "database", "unavailable").await;
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["degraded"], true);
    eventually("the breaker is open", SOON, async || (breaker(client, "database").await > 0.0).then_some(())).await;

    until_without(DATABASE, client, async |_| {
        for n in 0..20 {
            let refused = client.ask(&format!("u{n}"), &body(&["NSE:TCS"])).await;
            refused.problem(503, "database_unavailable");
            assert!(
                (1..=10).contains(&refused.header("Retry-After").parse::<u32>().expect("it is a number of seconds")),
                "{refused:?}"
            );
        }
    })
    .await;
    assert_eq!(client.plan("cached", &body(&["NSE:TCS"])).await["status"], "cached");
}

/// Waits until the service creates plans again.
async fn until_made(client: &Client) {
    let mut attempts = 0;
    eventually("plans are created again", SOON, async || {
        attempts += 1;
        (client.ask(&format!("again-{attempts}"), &body(&["NSE:TCS"])).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_database_loses_no_acknowledged_plan() {
    let Some(mut database) = PostgresServer::start() else { return };
    let (service, folder) = service(&[("DATABASE_URL", &database.url())]).await;
    let client = &service.client;
    client.plan("cached", &body(&["NSE:TCS"])).await;
    let traffic = Traffic::start(client, 8, PAUSE).await;
    traffic.more(200, 100).await;

    database.kill();
    traffic.more(503, 50).await;
    assert_refused_at_once_and_cached_served(client).await;
    database.restart();
    until_made(client).await;
    traffic.more(200, 100).await;

    let answers = traffic.assert_nothing_lost(&database.url()).await;
    assert!(answers[&200] >= 200 && answers[&503] >= 50, "{answers:?}");
    let ready = until_check(client, "database", "ok").await;
    assert_eq!(ready["checks"]["database"]["breaker"], "closed");
    assert_eq!(ready["status"], "ready");
    assert!((breaker(client, "database").await - 0.0).abs() < f64::EPSILON);
    assert_outage_logged(&service, "database");
    assert!(!folder.path().join("instrument_registry.sqlite").exists());
    let failed = "instrument_registry_dependency_request_duration_seconds_count\
                  {dependency=\"database\",operation=\"insert_plans\",outcome=\"failed\"}";
    assert!(client.metric(failed).await.unwrap() >= 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn freezing_the_database_loses_no_acknowledged_plan() {
    let Some(database) = PostgresServer::start() else { return };
    let (service, _folder) = service(&[("DATABASE_URL", &database.url())]).await;
    let client = &service.client;
    client.plan("cached", &body(&["NSE:TCS"])).await;
    let traffic = Traffic::start(client, 8, PAUSE).await;
    traffic.more(200, 100).await;

    database.freeze();
    traffic.more(503, 50).await;
    assert_refused_at_once_and_cached_served(client).await;
    database.thaw();
    until_made(client).await;
    traffic.more(200, 100).await;

    traffic.assert_nothing_lost(&database.url()).await;
    assert_outage_logged(&service, "database");
    assert_timeout_logged(&service, "database");
}

#[tokio::test(flavor = "multi_thread")]
async fn cutting_database_connections_loses_no_acknowledged_plan() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let (service, _folder) = service(&[("DATABASE_URL", &database.url_at(&proxy.address()))]).await;
    let traffic = Traffic::start(&service.client, 8, PAUSE).await;
    traffic.more(200, 50).await;

    for _ in 0..5 {
        proxy.cut();
        traffic.more(200, 20).await;
    }
    proxy.delay(Duration::from_millis(100));
    traffic.more(200, 50).await;
    proxy.refuse().await;
    traffic.more(503, 20).await;
    proxy.accept_again().await;
    traffic.more(200, 50).await;

    traffic.assert_nothing_lost(&database.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_whose_connection_dies_is_stored_by_a_retry() {
    let Some(database) = TestDatabase::new() else { return };
    let (service, _folder) = service(&[("DATABASE_URL", &database.url())]).await;
    let client = service.client.clone();
    client.plan("warm", &body(&["NSE:TCS"])).await;
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    locker.execute("begin; lock table instrument_registry.subscription_plans in exclusive mode").await;

    let asked = tokio::spawn(async move { client.ask("u", &body(&["NSE:TCS"])).await });
    admin.until_blocked().await;
    admin.terminate("wait_event_type = 'Lock'").await;
    admin.until_blocked().await;
    locker.execute("rollback").await;
    let answer = asked.await.unwrap();

    assert_eq!(answer.status, 200, "{answer:?}");
    let retries = "instrument_registry_persistence_batch_retries_total";
    assert_eq!(service.client.metric(retries).await, Some(1.0));
    assert_eq!(count_logged(&service, "database", "retrying"), 1);
    let stored = "select count(*) from instrument_registry.subscription_plans where user_id = 'u'";
    assert_eq!(admin.number(stored).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_absent_at_startup_is_not_replaced_by_sqlite() {
    let Some(mut database) = PostgresServer::start() else { return };
    let url = database.url();
    database.kill();
    let data_dir = TempDir::new().unwrap();
    let service = crate::support::Service::run_with(data_dir, &[("DATABASE_URL", &url)], Default::default()).await;
    let client = &service.client;

    let (status, before) = ready(client).await;
    let health = client.get("/health").await.status;
    let refused = client.ask("u", &body(&["NSE:TCS"])).await;
    database.restart();
    let after = until_check(client, "database", "ok").await;
    eventually("the service is ready", SOON, async || (ready(client).await.0 == 200).then_some(())).await;
    let plan = client.plan("u", &body(&["NSE:TCS"])).await;

    assert_eq!(health, 200);
    assert_eq!(status, 503);
    assert_eq!(before["status"], "not_ready");
    assert_eq!(before["reason"], "database not reached yet");
    assert_eq!(refused.problem(503, "not_ready")["detail"], "database not reached yet; retry later");
    assert_eq!(after["checks"]["database"]["detail"], "postgres");
    assert_eq!(plan["status"], "created");
    assert!(!service.database().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_url_is_the_only_required_variable() {
    let Some(database) = TestDatabase::new() else { return };
    let folder = TempDir::new().unwrap();

    let service = Process::start_with_only(folder.path(), &[("DATABASE_URL", &database.url())]).await;
    let key = std::fs::read_to_string(folder.path().join("internal_api_key")).unwrap();
    let client = service.client.clone().with_key(key.trim());
    let plan = client.plan("u", &body(&["NSE:TCS"])).await;
    let (_, ready) = ready(&client).await;

    assert_eq!(plan["status"], "created");
    assert_eq!(ready["checks"]["database"]["detail"], "postgres");
    assert_eq!(ready["checks"]["config_service"]["status"], "not_configured");
    assert_eq!(ready["checks"]["redis"]["status"], "not_configured");
    assert_eq!(client.read("planner/config").await["sources"]["INSTRUMENT_REGISTRY_PLAN_CACHE_TTL"], "default");
    assert!(!folder.path().join("instrument_registry.sqlite").exists());
    assert_eq!(logged(&service, "INTERNAL_API_KEY is not set"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_restricted_to_the_schema_is_sufficient() {
    let Some(database) = TestDatabase::restricted() else { return };
    let url = database.url();
    let few = ("INSTRUMENT_REGISTRY_GATE_FIRST_ROWS_MIN", "1");
    let variables = [("DATABASE_URL", url.as_str()), ("INTERNAL_API_KEY", KEY), few];
    let commands = TempDir::new().unwrap();
    let file = commands.path().join("kite.csv");
    std::fs::write(&file, KITE).unwrap();

    let migrated = run(&["migrate"], commands.path(), &variables);
    let (service, _folder) = service(&variables).await;
    let client = &service.client;
    let arguments = ["ingest", file.to_str().unwrap(), "--broker", "kite"];
    let ingested = run(&arguments, commands.path(), &variables);
    let catalogue = until_check(client, "catalogue", "ok").await;
    let made = client.plan("u", &body(&["NSE:ACME", "NSE:TCS"])).await;
    let id = made["plan_data"]["plan_id"].as_str().unwrap();
    let read = client.read(&format!("plans/{id}")).await;
    let described = client.post(&format!("plan/{id}/describe"), &json!({})).await.json();
    let listed = client.read("plans?user_id=u").await;
    let cleaned = client.post("planner/cleanup", &json!({})).await.json();
    let offline = run(&["plan", "NSE:ACME"], commands.path(), &variables);

    assert_eq!(migrated.code, Some(0), "{ingested:?}");
    assert_eq!(ingested.code, Some(0), "{ingested:?}");
    assert_eq!(offline.code, Some(0), "{ingested:?}");
    assert!(catalogue["checks"]["catalogue"]["detail"].as_str().unwrap().contains("1 instrument"), "{catalogue}");
    assert_eq!(made["plan_data"]["instruments"], json!(["NSE:ACME"]));
    assert_eq!(read["plan"], made["plan_data"]);
    assert_eq!(described["plan_id"], *id);
    assert_eq!(listed["pagination"]["total"], 1);
    assert_eq!(cleaned["deleted_plans"], 0);
    assert_eq!(service.log().matches("permission denied").count(), 0);
    let elsewhere = "select count(*) from pg_class c join pg_namespace n on n.oid = relnamespace \
                     where nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'instrument_registry')";
    assert_eq!(database.admin().await.number(elsewhere).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_of_known_profiles_are_served_without_the_database() {
    let Some(mut database) = PostgresServer::start() else { return };
    let (service, _folder) = service(&[("DATABASE_URL", &database.url())]).await;
    let client = &service.client;
    let create = async |name: &str, key: &str| {
        let profile =
            json!({"user_id": "u", "profile_name": name, "subscription_type": "live_feed", "instruments": [key]});
        let created = client.post(PROFILES, &profile).await.json();
        created["profile_id"].as_str().expect("the value is an id").to_owned()
    };
    let (known, gone, other) =
        (create("known", "NSE:TCS").await, create("gone", "NSE:INFY").await, create("other", "NSE:ITC").await);
    let deleted = Answer::to(client.request(Method::DELETE, &format!("{PROFILES}/{gone}"))).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    let of = |profile_id: &str| json!({"profile_id": profile_id});
    let made = client.plan("u", &of(&known)).await;

    database.kill();
    let repeat = client.plan("u", &of(&known)).await;
    until_check(client, "database", "unavailable").await;
    let again = client.plan("u", &of(&known)).await;

    let warning = "database unavailable: used version 1 of the profile, the last one known";
    for answer in [&repeat, &again] {
        assert_eq!(answer["status"], "cached");
        assert_eq!(answer["plan_data"], made["plan_data"]);
        assert_eq!(answer["warnings"], json!([warning]));
    }
    assert_eq!(made["warnings"], json!(null));
    client.ask("u", &of(&gone)).await.problem(409, "profile_inactive");
    client.ask("v", &of(&known)).await.problem(404, "not_found");
    // This profile is known, but its plan was never created.
    client.ask("u", &of(&other)).await.problem(503, "database_unavailable");
    client.ask("u", &of(&format!("profile_{:032x}", 7))).await.problem(503, "database_unavailable");
    client.post(&format!("{PROFILES}/{known}/replan"), &json!({})).await.problem(503, "database_unavailable");
    database.restart();
    until_check(client, "database", "ok").await;
    until_made(client).await;
    assert_eq!(client.plan("u", &of(&known)).await["warnings"], json!(null));
}

/// A file of Kite with one fictitious share.
const KITE: &str = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
                    instrument_type,segment,exchange\n101,1,ACME,ACME WORKS,0,,0,0.05,1,EQ,NSE,NSE\n";
