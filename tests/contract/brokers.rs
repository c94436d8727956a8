//! Brokers and their tokens.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn broker_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let at = |path: &str| get(format!("{REGISTRY}/{path}"));

    recorder.record("brokers_listed", at("brokers")).await;
    recorder.record("brokers_unknown_parameter", at("brokers?x=1")).await;
    for (name, path) in [
        ("default_tier", "upstox/limits"),
        ("tier", "upstox/limits?tier=plus"),
        ("separate_endpoints", "dhan/limits"),
        ("broker_without_files", "kotak/limits?tier=standard"),
        ("unknown_broker", "robinhood/limits"),
        ("unknown_tier", "upstox/limits?tier=gold"),
        ("every_fault", "kite/limits?tier=plus&x=1"),
    ] {
        recorder.record(&format!("limits_{name}"), at(&format!("brokers/{path}"))).await;
    }
    for (name, path) in [
        ("found", "kite/tokens/NSE:TCS"),
        ("of_other_broker", "upstox/tokens/BSE:TCS"),
        ("of_alias", "kite/tokens/NSE:NIFTY"),
        ("of_inactive", "kite/tokens/NSE:OLDCO"),
        ("absent", "upstox/tokens/NSE:INFY"),
        ("unknown_broker", "robinhood/tokens/NSE:TCS"),
        ("unknown_instrument", "kite/tokens/NSE:RELAINCE"),
        ("not_utf8", "kite/tokens/%ff"),
        ("unknown_parameter", "kite/tokens/NSE:TCS?x=1"),
    ] {
        recorder.record(&format!("token_{name}"), at(&format!("brokers/{path}"))).await;
    }
}
