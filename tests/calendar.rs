//! The trading calendar: ingested by the command line, picked up by a running service, and used by plans.

use std::path::Path;

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Client, CommandResult, Process, REGISTRY, SOON, Service, body, eventually, run, texts, today, with,
};

const HEADER: &str = "exchange,date,kind,open,close,description\n";
const KITE: &str = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
    instrument_type,segment,exchange\n\
    2953217,11536,TCS,TATA CONSULTANCY SERV,0,,0,0.05,1,EQ,NSE,NSE\n\
    16777474,65537,NIFTY31AUGFUT,NIFTY,0,2031-08-26,0,0.05,65,FUT,NFO-FUT,NFO\n\
    16777475,65538,NIFTY31AUG24350CE,NIFTY,0,2031-08-26,24350,0.05,65,CE,NFO-OPT,NFO\n";

fn in_days(days: u64) -> NaiveDate {
    today() + Days::new(days)
}

/// Returns a calendar with holidays today and on the next two days, and a special session on the day after them.
fn closed_for_three_days() -> String {
    let holidays: String = (0..3).map(|days| format!("NSE,{},holiday,,,Closed\n", in_days(days))).collect();
    let session = format!("NSE,{},session,18:00,19:15,Muhurat trading\n", in_days(3));
    // A holiday almost a year later prevents the warning that the calendar ends soon.
    let later = format!("NSE,{},holiday,,,Later\nNSE,2000-01-01,regular,09:15,15:30,\n", in_days(360));
    [HEADER, &holidays, &session, &later].concat()
}

fn ingest_text(folder: &Path, name: &str, text: &str, options: &[&str]) -> CommandResult {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the file can be written");
    run(&[&["ingest", "--calendar", &path.display().to_string()], options].concat(), folder, &[])
}

async fn calendar(client: &Client, query: &str) -> Value {
    client.get(&format!("{REGISTRY}/calendar{query}")).await.json()
}

/// Waits until the service serves this version of the calendar, and returns the answer.
async fn served(client: &Client, version: i64) -> Value {
    eventually("the calendar is served", SOON, async || {
        let answer = calendar(client, "").await;
        (answer["version"] == version).then_some(answer)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_plans_for_the_next_trading_day() {
    let folder = TempDir::new().unwrap();
    let mut service = Process::start(folder.path(), &[]).await;
    let request = body(&["NSE:TCS"]);
    let before = service.client.plan("u", &request).await;

    let finished = ingest_text(folder.path(), "nse.csv", &closed_for_three_days(), &[]);
    let answer = served(&service.client, 1).await;
    let after = service.client.plan("u", &request).await;
    let explicit = service.client.plan("u", &with(request.clone(), "as_of", today().to_string())).await;
    let ready = service.client.get("/ready").await.json();
    service.kill();
    let restarted = Process::start(folder.path(), &[]).await;
    let kept = calendar(&restarted.client, "").await;

    let as_of = |answer: &Value| answer["plan_data"]["metadata"]["as_of"].as_str().unwrap().to_owned();
    assert_eq!(as_of(&before), today().to_string());
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.stderr.as_str(), "", "{finished:?}");
    assert!(finished.output.ends_with("calendar version 1: NSE from `nse.csv`\n"), "{}", finished.output);
    assert_eq!(finished.row("NSE").unwrap()[3..], ["4", "1"]);
    assert_eq!(answer["plan_date"], in_days(3).to_string());
    assert_eq!(answer["exchanges"][0]["trades_today"], false);
    assert_eq!(answer["exchanges"][0]["next_trading_day"], in_days(3).to_string());
    assert_eq!(as_of(&after), in_days(3).to_string());
    assert_eq!(after["status"], "created", "a cached plan of another date is not returned");
    assert_eq!(explicit["status"], "cached");
    assert_eq!(explicit["plan_id"], before["plan_id"]);
    assert_eq!(ready["checks"]["calendar"]["status"], "ok");
    let detail = ready["checks"]["calendar"]["detail"].as_str().unwrap();
    assert!(detail.starts_with("version 1, NSE until 2"), "{detail}");
    assert_eq!(kept["version"], 1, "after a restart");
    assert_eq!(kept["source"], "nse.csv", "after a restart");
}

#[test]
fn the_plan_command_uses_the_calendar() {
    let folder = TempDir::new().unwrap();
    let plan = |options: &[&str]| -> Value {
        let finished = run(&[&["plan", "--json", "NSE:TCS"], options].concat(), folder.path(), &[]);
        serde_json::from_str(&finished.output).expect("the plan is JSON")
    };
    let before = plan(&[]);

    ingest_text(folder.path(), "nse.csv", &closed_for_three_days(), &[]);

    assert_eq!(before["metadata"]["as_of"], today().to_string());
    assert_eq!(plan(&[])["metadata"]["as_of"], in_days(3).to_string());
    assert_eq!(plan(&["--as-of", "2026-11-24"])["metadata"]["as_of"], "2026-11-24");
}

#[test]
fn an_invalid_calendar_is_rejected_with_every_fault() {
    let folder = TempDir::new().unwrap();
    ingest_text(folder.path(), "good.csv", &closed_for_three_days(), &[]);
    let rows = "NSX,2026-01-26,holiday,,,\nNSE,2026-02-30,closed,,,\nNSE,2026-11-08,session,18:00,,\n";

    let finished = ingest_text(folder.path(), "bad.csv", &[HEADER, rows].concat(), &["--force"]);

    assert_eq!(finished.code, Some(1));
    let stderr = &finished.stderr;
    assert!(stderr.contains("bad.csv: calendar rejected; the calendar in effect is unchanged\n"), "{stderr}");
    for fault in [
        "\n  line 2: `exchange`: expected one or more of ",
        "\n  line 3: `date`: expected YYYY-MM-DD from 2000-01-01 to 2099-12-31, got `2026-02-30`\n",
        "\n  line 3: `kind`: expected one of holiday, session, regular, got `closed`\n",
        "\n  line 4: `close`: expected a time as HH:MM, got ``\n",
    ] {
        assert!(stderr.contains(fault), "{fault}: {stderr}");
    }
    let plan = run(&["plan", "--json", "NSE:TCS"], folder.path(), &[]).output;
    assert!(plan.contains(&format!("\"as_of\": \"{}\"", in_days(3))), "{plan}");
}

#[test]
fn a_calendar_that_contradicts_expiries_needs_force() {
    let folder = TempDir::new().unwrap();
    let kite = folder.path().join("kite.csv");
    std::fs::write(&kite, KITE).unwrap();
    let few = [("INSTRUMENT_REGISTRY_GATE_FIRST_ROWS_MIN", "1")];
    let loaded = run(&["ingest", &kite.display().to_string(), "--broker", "kite"], folder.path(), &few);
    assert_eq!(loaded.code, Some(0), "{loaded:?}");
    let text = [HEADER, "NSE,2031-08-26,holiday,,,Wrong\nNSE,2031-08-27,holiday,,,Right\n"].concat();
    let objection = "2 contracts of NFO expire on 2031-08-26, a holiday (Wrong), for example `NFO:NIFTY31AUG24350CE`";

    let rejected = ingest_text(folder.path(), "nse.csv", &text, &[]);
    let forced = ingest_text(folder.path(), "nse.csv", &text, &["--force"]);
    let right = text.replace("NSE,2031-08-26,holiday,,,Wrong\n", "");
    let corrected = ingest_text(folder.path(), "nse.csv", &right, &[]);

    assert_eq!(rejected.code, Some(1));
    assert!(rejected.stderr.contains(&format!("\n  {objection}\n")), "{}", rejected.stderr);
    assert!(rejected.stderr.ends_with("run the command again with --force\n"), "{}", rejected.stderr);
    assert!(forced.output.contains(&format!("overruled by --force: {objection}\n")), "{forced:?}");
    assert!(forced.output.ends_with("calendar version 1: NSE from `nse.csv`\n"), "{forced:?}");
    let warning =
        "warning: the catalog has contracts of NFO, whose holidays of today's year the calendar does not contain";
    assert!(forced.output.contains(warning), "{forced:?}");
    assert!(corrected.output.ends_with("calendar version 2: NSE from `nse.csv`\n"), "{corrected:?}");
}

#[test]
fn a_file_of_a_broker_warns_about_expiries_on_holidays() {
    let folder = TempDir::new().unwrap();
    ingest_text(folder.path(), "nse.csv", &[HEADER, "NSE,2031-08-26,holiday,,,Wrong\n"].concat(), &[]);
    let kite = folder.path().join("kite.csv");
    std::fs::write(&kite, KITE).unwrap();
    let few = [("INSTRUMENT_REGISTRY_GATE_FIRST_ROWS_MIN", "1")];

    let finished = run(&["ingest", &kite.display().to_string(), "--broker", "kite"], folder.path(), &few);

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let warning = "warning: expiries: 2 contracts of NFO expire on 2031-08-26, a holiday (Wrong), for example `NFO:NIFTY31AUG24350CE`\n";
    assert!(finished.output.contains(warning), "{}", finished.output);
}

#[test]
fn a_calendar_that_ends_earlier_needs_force() {
    let folder = TempDir::new().unwrap();
    let of = |rows: &str| [HEADER, rows].concat();
    let first = "NSE,2031-01-26,holiday,,,\nMCX,2031-01-26,holiday,,,\n";
    ingest_text(folder.path(), "first.csv", &of(first), &[]);

    let rejected = ingest_text(folder.path(), "next.csv", &of("NSE,2030-01-26,holiday,,,\n"), &[]);
    let forced = ingest_text(folder.path(), "next.csv", &of("NSE,2030-01-26,holiday,,,\n"), &["--force"]);

    assert_eq!(rejected.code, Some(1));
    let stderr = &rejected.stderr;
    assert!(stderr.contains("\n  no holidays of MCX, whose holidays in effect end on 2031-12-31\n"), "{stderr}");
    assert!(stderr.contains("\n  holidays of NSE end on 2030-12-31, those in effect on 2031-12-31\n"), "{stderr}");
    assert!(forced.output.ends_with("calendar version 2: NSE from `next.csv`\n"), "{forced:?}");
}

#[test]
fn a_calendar_cannot_be_combined_with_a_file_of_a_broker() {
    let folder = TempDir::new().unwrap();

    let both = ingest_text(folder.path(), "nse.csv", &closed_for_three_days(), &["--broker", "kite"]);
    let neither = run(&["ingest"], folder.path(), &[]);
    let binary = folder.path().join("binary.csv");
    std::fs::write(&binary, [0xff, 0xfe, 0]).unwrap();
    let binary = run(&["ingest", "--calendar", &binary.display().to_string()], folder.path(), &[]);

    assert!(both.stderr.contains("'--calendar <FILE>' cannot be used with"), "{both:?}");
    assert!(neither.stderr.contains("--broker <BROKER>"), "{neither:?}");
    assert!(binary.stderr.contains("calendar rejected: expected UTF-8 text"), "{binary:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_of_contracts_at_a_broker_warn_without_a_calendar() {
    let service = Service::start().await;
    let keys = service.client.get(&format!("{REGISTRY}/instruments?exchange=NFO&limit=1")).await.json();
    let future = keys["instruments"][0]["instrument_key"].as_str().unwrap().to_owned();
    let of_contracts = with(body(&[&future]), "broker", "kite");
    let warnings = async |request: &Value| -> Vec<String> {
        let answer = service.client.plan("u", request).await;
        texts(&answer["plan_data"]["metadata"]["warnings"]).into_iter().map(str::to_owned).collect()
    };
    let missing = "no trading calendar is loaded: only weekends are known, no holidays".to_owned();

    assert!(warnings(&of_contracts).await.contains(&missing));
    assert!(!warnings(&with(of_contracts.clone(), "as_of", today().to_string())).await.contains(&missing));
    assert!(!warnings(&body(&[&future])).await.contains(&missing), "no broker");
    assert!(!warnings(&with(body(&["NSE:TCS"]), "broker", "kite")).await.contains(&missing), "nothing expires");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_selected_by_exchange_and_date() {
    let folder = TempDir::new().unwrap();
    let rows = "NSE|BSE,2026-01-26,holiday,,,Republic Day\nNSE,2026-11-08,session,18:00,19:15,Muhurat\n\
                MCX,2026-11-10,session,17:00,23:30,\nMCX,2026-12-25,holiday,,,\nNSE,2000-01-01,regular,09:15,15:30,\n";
    ingest_text(folder.path(), "all.csv", &[HEADER, rows].concat(), &[]);
    let service = Process::start(folder.path(), &[]).await;
    let answer = served(&service.client, 1).await;
    let days = async |query: &str| -> Vec<String> {
        let answer = calendar(&service.client, query).await;
        let entries = answer["entries"].as_array().unwrap().iter();
        let text =
            |entry: &Value| format!("{} {}", entry["exchange"].as_str().unwrap(), entry["date"].as_str().unwrap());
        entries.map(text).collect()
    };

    assert_eq!(answer["count"], 6);
    let exchanges: Vec<&str> =
        answer["exchanges"].as_array().unwrap().iter().map(|own| own["exchange"].as_str().unwrap()).collect();
    assert_eq!(exchanges, ["BSE", "MCX", "NSE"]);
    assert_eq!(answer["exchanges"][0]["from"], "2026-01-01");
    assert_eq!(answer["exchanges"][0]["to"], "2026-12-31");
    let muhurat = answer["entries"].as_array().unwrap().iter().find(|entry| entry["date"] == "2026-11-08").unwrap();
    assert_eq!(
        *muhurat,
        json!({"date": "2026-11-08", "exchange": "NSE", "kind": "session",
            "sessions": [{"open": "18:00", "close": "19:15"}], "description": "Muhurat"})
    );
    assert_eq!(days("?exchange=MCX").await, ["MCX 2026-11-10", "MCX 2026-12-25"]);
    assert_eq!(days("?exchange=NFO&from=2026-02-01").await, ["NSE 2000-01-01", "NSE 2026-11-08"]);
    assert_eq!(days("?from=2026-11-10&to=2026-12-24&exchange=MCX").await, ["MCX 2026-11-10"]);
    assert_eq!(days("?exchange=CDS").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_calendar_query_is_reported() {
    let service = Service::start().await;
    let faults = async |query: &str| service.client.get(&format!("{REGISTRY}/calendar{query}")).await.faults();

    let wrong = faults("?exchange=nse&from=2026-1-1&to=tomorrow&year=2026").await;
    let reversed = faults("?from=2026-12-31&to=2026-01-01").await;

    assert!(wrong["/query/exchange"].starts_with("expected one of BCD, "), "{wrong:?}");
    assert_eq!(wrong["/query/from"], "expected a date as YYYY-MM-DD, got `2026-1-1`");
    assert_eq!(wrong["/query/to"], "expected a date as YYYY-MM-DD, got `tomorrow`");
    assert_eq!(wrong["/query/year"], "unknown parameter");
    assert_eq!(reversed["/query/from"], "must not be later than `to`, got 2026-12-31 and 2026-01-01");
    let none = calendar(&service.client, "").await;
    assert_eq!(none["version"], json!(null));
    assert_eq!(none["entries"], json!([]));
    assert_eq!(none["warnings"], json!(["no trading calendar is loaded: only weekends are known, no holidays"]));
    assert_eq!(none["plan_date"], today().to_string());
    let ready = service.client.get("/ready").await.json();
    assert_eq!(ready["checks"]["calendar"], json!({"status": "not_configured"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_ended_degrades_readiness() {
    let folder = TempDir::new().unwrap();
    ingest_text(folder.path(), "old.csv", &[HEADER, "NSE,2025-02-26,holiday,,,\n"].concat(), &[]);

    let service = Process::start(folder.path(), &[]).await;
    served(&service.client, 1).await;
    let check = service.client.get("/ready").await.json()["checks"]["calendar"].clone();

    assert_eq!(check["status"], "degraded");
    let detail = check["detail"].as_str().unwrap();
    let ended = "version 1, NSE until 2025-12-31; trading calendar of NSE ended on 2025-12-31: only weekends are known";
    assert!(detail.starts_with(ended), "{detail}");
    assert_eq!(service.client.plan("u", &body(&["NSE:TCS"])).await["plan_data"]["status"], "optimized");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_calendar_is_a_metric_and_a_problem() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let end = async || service.client.metric("instrument_registry_calendar_end_timestamp_seconds").await;
    assert_eq!(end().await, Some(0.0), "without a calendar");

    ingest_text(folder.path(), "old.csv", &[HEADER, "NSE,2025-02-26,holiday,,,\n"].concat(), &[]);
    served(&service.client, 1).await;

    assert_eq!(end().await, Some(1_767_205_800.0), "2025-12-31T18:30:00Z");
    let details = async || -> Vec<String> {
        let status = service.client.get(&format!("{REGISTRY}/status")).await.json();
        let problems = status["health"]["problems"].as_array().unwrap().clone();
        let of_calendar = problems.iter().filter(|problem| problem["runbook"] == "InstrumentRegistryCalendarEnding");
        of_calendar.map(|problem| problem["detail"].as_str().unwrap().to_owned()).collect()
    };
    let ended = details().await;
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert!(ended[0].contains("ended on 2025-12-31"), "{ended:?}");
}
