//! Import and export of profiles.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn profile_transfer_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let import = format!("{PROFILES}/users/desk/import");
    let export = format!("{PROFILES}/users/desk/export");
    let csv = |query: &str, content: &str| post_nothing(format!("{import}{query}")).sending("text/csv", content);

    let lines = "NSE:TCS\nNSE:INFY\nTCS\n";
    recorder.record("import_lines", csv("?profile_name=Mine&subscription_type=alerts", lines)).await;
    let columns = "profile_name,subscription_type,instrument\nA,live_feed,NSE:SBIN\nA,live_feed,NSE:ITC\nB,x,NSE:TCS\n";
    recorder.record("import_columns", csv("", columns)).await;
    let profiles = json!({"profiles": [
        {"profile_name": "C", "subscription_type": "historical", "instruments": ["NSE:TCS"], "preferences": {"nr": 7}},
        {"profile_name": "D", "subscription_type": "historical", "instruments": ["NSE:TCS"]},
        {"profile_name": "E", "subscription_type": "x", "instruments": []},
        7,
    ]});
    recorder.record("import_json", post(&import, &profiles)).await;
    recorder.record("export_json", get(&export)).await;
    recorder.record("export_csv", get(format!("{export}?format=csv"))).await;
    recorder.record("export_inactive", get(format!("{export}?is_active=false"))).await;

    recorder.record("import_every_fault", csv("?profile_name=&subscription_type=x&x=1", "NSE:TCS\n")).await;
    recorder.record("import_nothing", csv("", "")).await;
    recorder.record("import_json_faults", post(&import, &json!({"profiles": 1, "x": 1}))).await;
    recorder.record("import_other_type", post_nothing(&import).sending("application/xml", "<a/>")).await;
    recorder.record("export_every_fault", get(format!("{export}?format=x&is_active=x&cursor=x&x=1"))).await;
}
