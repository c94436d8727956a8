//! Snapshot tests of the contract: a recorded answer for every operation, error code and status. A changed answer
//! appears as a changed file in `tests/contract/snapshots`.

mod brokers;
mod calendar;
mod catalog;
mod complete;
mod describe;
mod desk;
mod explain;
mod faults;
mod idempotency;
mod ingest;
mod instruments;
mod listing;
mod masking;
mod outages;
mod placement;
mod planner;
mod plans;
mod process;
mod profile_conflicts;
mod profile_history;
mod profile_plans;
mod profile_transfer;
mod profiles;
mod recording;
mod search;
mod subscriptions;
mod transition;
mod verify;

use serde_json::{Value, json};

use self::recording::{Recorder, STATUS, STREAM, delete, get, post, post_nothing, put};
use crate::support::{Answer, CATALOG_VERSIONS, Client, REGISTRY, SOON, Service, body, eventually, with};

const PROFILES: &str = "/api/v1/internal/subscription-profiles";

/// The trading date of recorded plans. It is fixed because the hashes of plans depend on it.
const AS_OF: &str = "2031-08-29";

/// Makes the gates accept files of a few rows, whatever they change.
const LOOSE_GATES: [(&str, &str); 5] = [
    ("INSTRUMENT_REGISTRY_GATE_FIRST_ROWS_MIN", "1"),
    ("INSTRUMENT_REGISTRY_GATE_ROWS_FEWER_MAX_PERCENT", "100"),
    ("INSTRUMENT_REGISTRY_GATE_ROWS_MORE_MAX_PERCENT", "1000"),
    ("INSTRUMENT_REGISTRY_GATE_LOTS_CHANGED_MAX_PERCENT", "100"),
    ("INSTRUMENT_REGISTRY_GATE_EXPIRIES_MOVED_MAX_PERCENT", "100"),
];

const KITE_COLUMNS: &str = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,\
                            lot_size,instrument_type,segment,exchange\n";

/// The rows that both of Kite's files have.
const KITE_ROWS: &str = "\
738561,2885,RELIANCE,RELIANCE INDUSTRIES,0,,0,0.1,1,EQ,NSE,NSE
2953217,11536,TCS,TATA CONSULTANCY SERVICES,0,,0,0.05,1,EQ,NSE,NSE
408065,1594,INFY,INFOSYS,0,,0,0.05,1,EQ,NSE,NSE
779521,3045,SBIN,STATE BANK OF INDIA,0,,0,0.05,1,EQ,NSE,NSE
128083204,500325,RELIANCE,RELIANCE INDUSTRIES,0,,0,0.05,1,EQ,BSE,BSE
136236548,532540,TCS,TATA CONSULTANCY SERVICES,0,,0,0.05,1,EQ,BSE,BSE
256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE
260105,1016,NIFTY BANK,NIFTY BANK,0,,0,0,0,EQ,INDICES,NSE
265,1,SENSEX,SENSEX,0,,0,0,0,EQ,INDICES,BSE
18176258,71001,NIFTY3190224350CE,NIFTY,0,2031-09-02,24350,0.05,65,CE,NFO-OPT,NFO
18176514,71002,NIFTY31SEP24350PE,NIFTY,0,2031-09-30,24350,0.05,65,PE,NFO-OPT,NFO
18177285,71005,SENSEX5031SEP26200CE,SENSEX50,0,2031-09-25,26200,0.05,75,CE,BFO-OPT,BFO
18177539,71006,USDINR31SEP84.25CE,USDINR,0,2031-09-26,84.25,0.0025,1,CE,CDS-OPT,CDS
18177799,71007,GOLDM31SEPFUT,GOLDM,0,2031-09-05,0,1,10,FUT,MCX-FUT,MCX
";

const KITE_BEFORE: &str = "\
424961,1660,ITC,ITC,0,,0,0.05,1,EQ,NSE,NSE
111105,434,OLDCO,OLD COMPANY,0,,0,0.05,1,EQ,NSE,NSE
111361,435,OLDNAME,RENAMED COMPANY,0,,0,0.05,1,EQ,NSE,NSE
111617,436,MOVED,MOVED COMPANY,0,,0,0.05,1,EQ,NSE,NSE
18177026,71004,M&M31SEPFUT,M&M,0,2031-09-30,0,0.1,200,FUT,NFO-FUT,NFO
18178050,71008,ITC31SEPFUT,ITC,0,2031-09-30,0,0.05,1600,FUT,NFO-FUT,NFO
18178306,71009,SBIN31SEPFUT,SBIN,0,2031-09-30,0,0.05,750,FUT,NFO-FUT,NFO
";

/// The rows of the next day: a tick size, a lot size, an expiry, a token and a name change; one share and one future
/// are removed; one share and one future are added. The new future has the token of the removed one.
const KITE_AFTER: &str = "\
424961,1660,ITC,ITC,0,,0,0.01,1,EQ,NSE,NSE
112129,438,NEWCO,NEW COMPANY,0,,0,0.05,1,EQ,NSE,NSE
111361,435,NEWNAME,RENAMED COMPANY,0,,0,0.05,1,EQ,NSE,NSE
111873,437,MOVED,MOVED COMPANY,0,,0,0.05,1,EQ,NSE,NSE
18177026,71004,M&M31SEPFUT,M&M,0,2031-09-30,0,0.1,250,FUT,NFO-FUT,NFO
18178050,71008,ITC31SEPFUT,ITC,0,2031-09-29,0,0.05,1600,FUT,NFO-FUT,NFO
18178306,71009,INFY31SEPFUT,INFY,0,2031-09-30,0,0.05,400,FUT,NFO-FUT,NFO
";

/// A file of Upstox, which has ISINs and fewer instruments than Kite's.
const UPSTOX: &str = "\
instrument_key,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,option_type,exchange
NSE_EQ|INE002A01018,2885,RELIANCE,RELIANCE INDUSTRIES,0,,0,0.1,1,EQUITY,,NSE_EQ
BSE_EQ|INE002A01018,500325,RELIANCE,RELIANCE INDUSTRIES,0,,0,0.05,1,EQUITY,,BSE_EQ
NSE_EQ|INE467B01029,11536,TCS,TATA CONSULTANCY SERVICES,0,,0,0.05,1,EQUITY,,NSE_EQ
BSE_EQ|INE467B01029,532540,TCS,TATA CONSULTANCY SERVICES,0,,0,0.05,1,EQUITY,,BSE_EQ
NSE_INDEX|Nifty 50,,,Nifty 50,0,,,,,INDEX,,NSE_INDEX
";

fn kite_before() -> String {
    [KITE_COLUMNS, KITE_ROWS, KITE_BEFORE].concat()
}

fn kite_after() -> String {
    [KITE_COLUMNS, KITE_ROWS, KITE_AFTER].concat()
}

/// Starts a service with loose gates and further variables, without a file.
async fn empty_service(variables: &[(&str, &str)]) -> Service {
    Service::with(&[&LOOSE_GATES[..], variables].concat()).await
}

/// Starts a service that has ingested two files of Kite and one of Upstox.
async fn loaded_service(variables: &[(&str, &str)]) -> Service {
    let service = empty_service(variables).await;
    load_files(&service.client).await;
    service
}

async fn load_files(client: &Client) {
    for (broker, date, file) in [
        ("kite", "2025-01-15", kite_before()),
        ("kite", "2025-01-16", kite_after()),
        ("upstox", "2025-01-16", UPSTOX.to_owned()),
    ] {
        load(client, broker, date, file).await;
    }
    until_served(client, "3").await;
}

/// Ingests a file, and waits until its job is completed.
async fn load(client: &Client, broker: &str, date: &str, file: String) {
    let path = format!("{REGISTRY}/brokers/{broker}/ingest?file_date={date}&file_name={broker}.csv");
    // Other tests in this process upload files too, and the service limits concurrent uploads.
    let taken = eventually("the file is taken", SOON, async || {
        let request = client.request(reqwest::Method::POST, &path).header("Content-Type", "application/octet-stream");
        Some(Answer::to(request.body(file.clone())).await).filter(|answer| answer.status != 503)
    });
    until_status(client, &text(&taken.await.json()["job_id"]), "completed").await;
}

/// Waits until the job has this status, and returns the job.
async fn until_status(client: &Client, job_id: &str, status: &str) -> Value {
    eventually(&format!("the job is {status}"), SOON, async || {
        let job = client.read(&format!("{REGISTRY}/jobs/{job_id}")).await;
        let is_final = ["completed", "failed", "cancelled"].iter().any(|end| job["status"] == *end);
        assert!(job["status"] == status || !is_final, "{job}");
        (job["status"] == status).then_some(job)
    })
    .await
}

/// Waits until the service serves this version of the catalog.
async fn until_served(client: &Client, version: &str) {
    eventually("the version is served", SOON, async || {
        let summary = client.read(&format!("{REGISTRY}/catalog/summary")).await;
        (summary["version"] == version).then_some(())
    })
    .await;
}

/// Returns a plan request for the fixed date.
fn plan_request(instruments: &[&str]) -> Value {
    with(body(instruments), "as_of", AS_OF)
}

fn profile(user: &str, name: &str, instruments: &[&str]) -> Value {
    json!({"user_id": user, "profile_name": name, "subscription_type": "live_feed", "instruments": instruments})
}

fn text(value: &Value) -> String {
    value.as_str().expect("the value is a string").to_owned()
}

/// Returns an id of this kind that does not exist.
fn unknown_id(kind: &str) -> String {
    format!("{kind}_0190163d869473a8b9d20123456789ab")
}
