//! Reads, lists and resolves instruments.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn instrument_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let at = |path: &str| get(format!("{REGISTRY}/{path}"));

    for (name, key) in [
        ("share", "NSE:TCS"),
        ("index_by_alias", "NSE:NIFTY"),
        ("inactive", "NSE:OLDCO"),
        ("option", "CDS:USDINR31SEP84.25CE"),
        ("future", "NFO%3AM%26M31SEPFUT"),
        ("unknown", "NSE:RELAINCE"),
        ("malformed", "tcs"),
        ("not_utf8", "%ff"),
        ("unknown_parameter", "NSE:TCS?x=1"),
    ] {
        recorder.record(&format!("instrument_{name}"), at(&format!("instruments/{key}"))).await;
    }

    recorder.record("instruments_listed", at("instruments?limit=3&offset=2")).await;
    recorder.record("instruments_filtered", at("instruments?exchange=NFO&instrument_type=PE&is_active=true")).await;
    recorder.record("instruments_inactive", at("instruments?is_active=false")).await;
    let wrong = "instruments?exchange=X&instrument_type=X&is_active=maybe&limit=1001&offset=x&x=1";
    recorder.record("instruments_every_fault", at(wrong)).await;

    for (name, query) in [
        ("symbol", "symbol=TCS"),
        ("isin", "isin=INE467B01029&exchange=BSE"),
        ("misspelled", "symbol=RELAINCE"),
        ("elsewhere", "symbol=SENSEX&exchange=NSE"),
        ("unknown_isin", "isin=INE000000000"),
        ("nothing_given", ""),
        ("every_fault", "symbol=&isin=x&exchange=X&instrument_type=X&x=1"),
    ] {
        recorder.record(&format!("resolve_{name}"), at(&format!("instruments/resolve?{query}"))).await;
    }

    let batch = format!("{REGISTRY}/instruments:batchResolve");
    let keys = json!({"instruments": ["NSE:TCS", "NSE:NIFTY", "NSE:OLDCO", "NSE:RELAINCE", "tcs", "NSE:TCS"]});
    recorder.record("batch_resolved", post(&batch, &keys)).await;
    recorder.record("batch_resolve_faults", post(&batch, &json!({"instruments": [1, ""], "x": 1}))).await;
    recorder.record("batch_resolve_nothing", post(&batch, &json!({"instruments": []}))).await;
}
