//! Servers that require TLS, reached by URLs without it: the cause names the scheme to use.

use super::*;

const CLOSED: &str = "connection closed before a response; the server may require TLS: try ";

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_url_of_a_tls_redis_is_explained() {
    let Some(authority) = Authority::new() else { return };
    let Some(redis) = RedisServer::start_with_tls(&authority.issue("localhost", Lifetime::Current)) else { return };
    let folder = TempDir::new().unwrap();

    let service = Process::start(folder.path(), &[("REDIS_URL", &redis.url())]).await;

    until_redis(&service.client, "unavailable", Some(&format!("{CLOSED}`rediss://` ("))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_url_of_a_tls_http_server_is_explained() {
    let Some(authority) = Authority::new() else { return };
    let front = TlsFront::to("127.0.0.1:1".to_owned(), &authority.issue("localhost", Lifetime::Current)).await;
    let url = front.url().replace("https://", "http://");
    let (folder, key) = (TempDir::new().unwrap(), ("INTERNAL_API_KEY", crate::support::KEY));
    let config = [key, ("CONFIG_SERVICE_URL", &*url), ("DATABASE_URL", "postgres://fake/fake")];

    let checked = run(&["check-config"], folder.path(), &config);
    let requested = run(&["verify", "plan_1", "--server", &url], folder.path(), &[key]);

    let cause = format!("{CLOSED}`https://` (");
    let warning = format!("config service connection lost: {cause}");
    assert!(checked.output.contains(&warning), "{}{}", checked.output, checked.stderr);
    assert!(requested.stderr.contains(&cause), "{}", requested.stderr);
}
