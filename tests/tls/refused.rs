//! Certificates that are rejected: the log, the responses and the commands name the cause.

use test_servers::Certificate;

use super::*;

/// Asserts that connections to servers with this certificate are refused for this cause, if the authority is trusted.
async fn assert_refused(trusted: &Authority, certificate: &Certificate, cause: &str) {
    let database = PostgresServer::start_with_tls(certificate);
    let (Some(database), Some(redis)) = (database, RedisServer::start_with_tls(certificate)) else { return };
    let standin = StandinProcess::start(&[]).await;
    let config = TlsFront::to(standin.address().to_owned(), certificate).await;
    let files = TlsFront::to(files().await, certificate).await;
    let (folder, ca, key) =
        (TempDir::new().expect("a temporary folder"), trusted.path(), ("INTERNAL_API_KEY", crate::support::KEY));
    let ca = (CA_FILE, ca.to_str().expect("the path is text"));

    let database_url = ("DATABASE_URL", &*database.tls_url("sslmode=verify-full"));
    let migrated = run(&["migrate"], folder.path(), &[ca, database_url]);
    assert_ne!(migrated.code, Some(0));
    assert!(migrated.stderr.contains(cause), "{}", migrated.stderr);

    let config_url = ("CONFIG_SERVICE_URL", &*config.url());
    let checked = run(&["check-config"], folder.path(), &[ca, key, config_url, database_url]);
    let warning = format!("config service connection failed: {cause}");
    assert!(checked.output.contains(&warning), "{}", checked.output);

    let source = format!("{}/kite_2026-11-20.csv", files.url());
    let variables = [ca, ("REDIS_URL", &*redis.tls_url()), (SOURCE, &source), FEW];
    let service = Process::start(folder.path(), &variables).await;
    until_redis(&service.client, "unavailable", Some(cause)).await;
    let job = ask(&service.client, "kite", &json!({})).await;
    let job = until(&service.client, &id(&job), "failed").await;
    assert!(job["errors"].to_string().contains(cause), "{job}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_is_refused() {
    let (Some(trusted), Some(other)) = (Authority::new(), Authority::new()) else { return };

    let certificate = other.issue("localhost", Lifetime::Current);

    assert_refused(&trusted, &certificate, "certificate rejected: unknown issuer").await;
}

const CAUSE_OF_OTHER_HOST: &str =
    "certificate rejected: wrong host name: expected `localhost`, but the certificate is for `other.example`";

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_host_is_refused() {
    let Some(authority) = Authority::new() else { return };

    let certificate = authority.issue("other.example", Lifetime::Current);

    assert_refused(&authority, &certificate, CAUSE_OF_OTHER_HOST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_refused() {
    let Some(authority) = Authority::new() else { return };

    let certificate = authority.issue("localhost", Lifetime::Expired);

    let cause = format!("certificate rejected: expired at {}", Lifetime::EXPIRED_AT);
    assert_refused(&authority, &certificate, &cause).await;
}

/// Asserts that the check of a Redis server with this certificate begins with this cause.
async fn assert_redis_refused(trusted: &Authority, certificate: &Certificate, cause: &str) {
    let Some(redis) = RedisServer::start_with_tls(certificate) else { return };
    let (folder, ca) = (TempDir::new().expect("a temporary folder"), trusted.path());
    let variables = [(CA_FILE, ca.to_str().expect("the path is text")), ("REDIS_URL", &*redis.tls_url())];

    let service = Process::start(folder.path(), &variables).await;

    until_redis(&service.client, "unavailable", Some(cause)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_version_1_is_refused() {
    let Some(authority) = Authority::new() else { return };

    let certificate = authority.issue_of_version_1("localhost");

    let cause = "certificate rejected: unsupported version: expected an X.509 certificate of version 3";
    assert_redis_refused(&authority, &certificate, cause).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_without_names_is_refused() {
    let Some(authority) = Authority::new() else { return };

    let certificate = authority.issue_without_names("localhost");

    let cause =
        "certificate rejected: wrong host name: expected `localhost`, but the certificate has no `subjectAltName`";
    assert_redis_refused(&authority, &certificate, cause).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_certificate_is_refused_as_one_of_a_server() {
    let Some(authority) = Authority::new() else { return };

    let certificate = Certificate { certificate: authority.path(), key: authority.path().with_extension("key") };

    let cause = "certificate rejected: CA certificate: expected a certificate of the server";
    assert_redis_refused(&authority, &certificate, cause).await;
}
