//! Requests with `Idempotency-Key`.

use sqlx::Executor;

use super::*;
use crate::http_idempotency::session;

const KEY: &str = "idempotency-key";

#[tokio::test(flavor = "multi_thread")]
async fn idempotency_answers() {
    let service = loaded_service(&[]).await;
    let recorder = Recorder::new(&service.client);
    let create = |instruments: &[&str]| post("plan?user_id=u", &plan_request(instruments)).with_header(KEY, "order-1");

    recorder.record("idempotency_plan_first", create(&["NSE:TCS"])).await;
    recorder.record("idempotency_plan_replayed", create(&["NSE:TCS"])).await;
    recorder.record("idempotency_key_reused", create(&["NSE:INFY"])).await;
    let malformed = post("plan?user_id=u", &plan_request(&["NSE:TCS"])).with_header(KEY, "two words");
    recorder.record("idempotency_key_malformed", malformed).await;

    let draft = profile("u", "Opening", &["NSE:TCS"]);
    let create = || post(PROFILES, &draft).with_header(KEY, "profile-1");
    recorder.record("idempotency_profile_first", create()).await;
    recorder.record("idempotency_profile_replayed", create()).await;

    let mut other_writer = session(&service).await;
    other_writer.execute("begin immediate").await.expect("nobody else writes");
    let ask = || post("plan?user_id=u", &plan_request(&["NSE:SBIN"])).with_header(KEY, "order-2");
    let send = || {
        let client = service.client.clone();
        let call = ask();
        tokio::spawn(async move { call.send(&client).await })
    };
    let (mut one, mut other) = (send(), send());
    // The request that arrives first waits for the database until the other one has its answer.
    let (refused, waiting) = tokio::select! {
        refused = &mut one => (refused, other),
        refused = &mut other => (refused, one),
    };
    other_writer.execute("rollback").await.expect("it is open");
    waiting.await.expect("the task does not panic");
    recorder.compare("idempotency_key_in_flight", &ask(), &refused.expect("the task does not panic"));
}
