//! The summary of the catalog, its versions, and the changes of each version.

use super::*;

/// Returns a file of Dhan, which has a column for the series.
fn dhan(series: &str) -> String {
    format!(
        "EXCH_ID,SEGMENT,SECURITY_ID,ISIN,INSTRUMENT,UNDERLYING_SECURITY_ID,UNDERLYING_SYMBOL,SYMBOL_NAME,DISPLAY_NAME,\
         INSTRUMENT_TYPE,SERIES,LOT_SIZE,SM_EXPIRY_DATE,STRIKE_PRICE,OPTION_TYPE,TICK_SIZE,EXPIRY_FLAG,BRACKET_FLAG,\n\
         NSE,E,2885,INE002A01018,EQUITY,,RELIANCE,RELIANCE INDUSTRIES,Reliance,ES,{series},1.0,,,,10.0000,NA,N,\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn catalog_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let at = |path: &str| get(format!("{REGISTRY}/catalog/{path}"));

    recorder.record("catalog_summary", at("summary")).await;
    recorder.record("catalog_summary_short", at("summary?include_stats=false")).await;
    recorder.record("catalog_summary_fault", at("summary?include_stats=x&x=1")).await;
    recorder.record("versions_listed", at("versions")).await;
    recorder.record("versions_page", at("versions?limit=1")).await;
    recorder.record("versions_last_page", at("versions?limit=1&before=2")).await;
    recorder.record("versions_every_fault", at("versions?limit=0&before=x&x=1")).await;
    recorder.record("version_diff", at("versions/2/diff")).await;
    for kind in
        ["added", "removed", "renamed", "token_changed", "token_reused", "expiry_moved", "lot_changed", "tick_changed"]
    {
        let path = format!("versions/2/diff?kind={kind}&limit=1");
        recorder.record(&format!("version_diff_{kind}"), at(&path)).await;
    }
    recorder.record("version_diff_of_first", at("versions/1/diff?limit=2")).await;
    recorder.record("version_diff_unknown", at("versions/9/diff")).await;
    for (date, series) in [("2025-01-17", "EQ"), ("2025-01-18", "BE")] {
        load(&service.client, "dhan", date, dhan(series)).await;
    }
    recorder.record("version_diff_series_changed", at("versions/5/diff?kind=series_changed")).await;
    recorder.record("version_diff_every_fault", at("versions/2/diff?kind=x&limit=0&x=1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contradictions_are_in_the_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let coarse = UPSTOX.replacen(",0.1,1,EQUITY", ",0.5,1,EQUITY", 1);
    load(&service.client, "upstox", "2025-01-17", coarse).await;
    until_served(&service.client, "4").await;

    recorder.record("instrument_contradicted", get(format!("{REGISTRY}/instruments/NSE:RELIANCE"))).await;
    recorder.record("catalog_summary_contradicted", get(format!("{REGISTRY}/catalog/summary"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn catalog_answers_without_a_file() {
    let empty = empty_service(&[("INSTRUMENT_REGISTRY_DEMO_CATALOGUE", "false")]).await;
    let recorder = Recorder::new(&empty.client);
    recorder.record("catalog_summary_empty", get(format!("{REGISTRY}/catalog/summary?include_stats=false"))).await;
    recorder.record("versions_none", get(CATALOG_VERSIONS)).await;
    recorder.record("plan_without_catalogue", post("plan?user_id=u", &plan_request(&["NSE:TCS"]))).await;

    // A file without a date, then a file of today.
    let summary = || get(format!("{REGISTRY}/catalog/summary?include_stats=false"));
    let path = format!("{REGISTRY}/brokers/kite/ingest");
    let upload = post_nothing(path).sending("application/octet-stream", kite_before());
    let job = eventually("the file is taken", SOON, async || {
        Some(recorder.send(upload.clone()).await).filter(|answer| answer.status == 200)
    });
    until_status(&empty.client, &text(&job.await.json()["job_id"]), "completed").await;
    until_served(&empty.client, "1").await;
    recorder.record("catalog_summary_of_unknown_age", summary()).await;
    recorder.record("versions_without_date", get(CATALOG_VERSIONS)).await;
    load(&empty.client, "kite", &crate::support::today().to_string(), kite_after()).await;
    until_served(&empty.client, "2").await;
    recorder.record("catalog_summary_current", summary()).await;
}
