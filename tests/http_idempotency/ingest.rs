//! Ingests with an idempotency key.

use super::*;
use crate::http_ingest::{FEW, FOLDER, kite_of, until};

fn uploading(client: &Client, broker: &str, query: &str, key: &str, file: &str) -> RequestBuilder {
    let request = client.request(Method::POST, &format!("{REGISTRY}/brokers/{broker}/ingest?{query}"));
    let request = request.header("Content-Type", "application/octet-stream").body(file.to_owned());
    request.header("Idempotency-Key", key)
}

async fn upload(client: &Client, query: &str, key: &str, file: &str) -> Answer {
    Answer::to(uploading(client, "kite", query, key, file)).await
}

fn job_id(answer: &Answer) -> String {
    answer.json()["job_id"].as_str().expect("the value is an id").to_owned()
}

async fn versions(client: &Client) -> usize {
    let versions = client.read(&format!("{REGISTRY}/catalog/versions")).await;
    versions["versions"].as_array().expect("the value is a list").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_upload_is_one_job() {
    for database in [None, TestDatabase::new()] {
        let url = database.as_ref().map(TestDatabase::url);
        let service = match &url {
            Some(url) => Service::with(&[FEW, ("DATABASE_URL", url)]).await,
            None => Service::with(&[FEW]).await,
        };
        let client = &service.client;
        let file = kite_of(3);

        let first = upload(client, "file_date=2026-11-24", "k", &file).await;
        let at_once = upload(client, "file_date=2026-11-24", "k", &file).await;
        until(client, &job_id(&first), "completed").await;
        let afterwards = upload(client, "file_date=2026-11-24", "k", &file).await;

        assert_eq!(first.json()["status"], "queued");
        assert_replay(&first, &at_once);
        assert_replay(&first, &afterwards);
        assert_eq!(versions(client).await, 1);
        upload(client, "file_date=2026-11-24", "k", &kite_of(4)).await.problem(422, "idempotency_key_reused");
        upload(client, "file_date=2026-11-25", "k", &file).await.problem(422, "idempotency_key_reused");
        let document = json!({"broker_id": "kite"});
        let path = format!("{REGISTRY}/brokers/kite/ingest");
        post(client, &path, "k", &document).await.problem(422, "idempotency_key_reused");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_ingest_of_a_file_is_one_job() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("kite_2026-11-24.csv");
    std::fs::write(&file, kite_of(2)).expect("it can be written");
    let service = Service::with(&[FEW, (FOLDER, folder.path().to_str().expect("the value is a string"))]).await;
    let client = &service.client;
    let path = format!("{REGISTRY}/brokers/kite/ingest");
    let request = json!({"source": "kite_2026-11-24.csv"});

    let first = post(client, &path, "k", &request).await;
    until(client, &job_id(&first), "completed").await;
    std::fs::remove_file(&file).expect("it is there");
    let second = post(client, &path, "k", &request).await;

    assert_replay(&first, &second);
    assert_eq!(versions(client).await, 1);
    post(client, &path, "k", &json!({"source": "other.csv"})).await.problem(422, "idempotency_key_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_belong_to_their_broker() {
    let service = Service::with(&[FEW]).await;
    let client = &service.client;
    let first = upload(client, "", "k", &kite_of(1)).await;

    // The file is of another broker, but only the job detects that.
    let other = Answer::to(uploading(client, "dhan", "", "k", &kite_of(1))).await;

    assert!(!is_replay(&other));
    assert_ne!(job_id(&other), job_id(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_broker_leaves_the_key_free() {
    let never = crate::http_ingest::serve_endless_file().await;
    let origin = format!("http://{never}");
    let service = Service::with(&[FEW, ("INSTRUMENT_REGISTRY_INGEST_ORIGINS", &*origin)]).await;
    let client = &service.client;
    let path = format!("{REGISTRY}/brokers/kite/ingest");
    let endless = client.post(&path, &json!({"source": format!("{origin}/file.csv")})).await;

    upload(client, "", "k", &kite_of(1)).await.problem(409, "job_in_progress");
    Answer::to(client.request(Method::DELETE, &format!("{REGISTRY}/jobs/{}", job_id(&endless)))).await.json();
    until(client, &job_id(&endless), "cancelled").await;
    let taken = upload(client, "", "k", &kite_of(1)).await;

    assert!(!is_replay(&taken));
    until(client, &job_id(&taken), "completed").await;
}
