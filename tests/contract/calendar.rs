//! The trading calendar.

use tempfile::TempDir;

use super::*;
use crate::support::{Process, run, today};

/// Returns a calendar with holidays of a distant year, and with sessions around today, so that both exchanges trade on
/// the day of the test.
fn calendar_text() -> String {
    let today = today();
    let days = [today.pred_opt(), Some(today), today.succ_opt()].into_iter().flatten();
    let sessions: String = days.map(|day| format!("NSE|MCX,{day},session,09:15,15:30,Every day\n")).collect();
    let rows = "NSE|MCX,2031-08-15,holiday,,,Independence Day\nMCX,2031-10-02,session,17:00,23:30,Evening only\n\
                NSE,2031-01-01,regular,09:15,15:30,\n";
    ["exchange,date,kind,open,close,description\n", &sessions, rows].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn calendar_answers() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("calendar.csv");
    std::fs::write(&file, calendar_text()).unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let recorder = Recorder::new(&service.client);
    let path = format!("{REGISTRY}/calendar");

    recorder.record("calendar_missing", get(&path)).await;
    recorder.record("calendar_every_fault", get(format!("{path}?exchange=nse&from=2031&to=x&x=1"))).await;
    recorder.record("calendar_reversed", get(format!("{path}?from=2031-12-31&to=2031-01-01"))).await;
    let loaded = run(&["ingest", "--calendar", &file.display().to_string()], folder.path(), &[]);
    assert_eq!(loaded.code, Some(0), "{loaded:?}");
    eventually("the calendar is served", SOON, async || {
        (service.client.get(&path).await.json()["version"] == 1).then_some(())
    })
    .await;
    recorder.record("calendar_loaded", get(format!("{path}?exchange=NFO&from=2031-01-01"))).await;
    recorder.record("calendar_of_mcx", get(format!("{path}?exchange=MCX&from=2031-10-01&to=2031-10-31"))).await;
}
