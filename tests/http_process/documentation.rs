//! The pages of the documentation: access without a key, entity tags, and their content security policies.

use reqwest::{Method, StatusCode};

use crate::support::{Answer, Service};

const FILES: [&str; 11] = [
    "/docs",
    "/docs/",
    "/docs/errors",
    "/docs/manual",
    "/docs/pages.css",
    "/docs/runbook",
    "/docs/runbook.md",
    "/docs/swagger.css",
    "/docs/swagger.js",
    "/docs/swagger-ui.css",
    "/docs/swagger-ui-bundle.js",
];

#[tokio::test(flavor = "multi_thread")]
async fn documentation_needs_no_key() {
    let service = Service::start().await;

    for path in FILES {
        let request = service.client.request_without_key(Method::GET, path);
        let response = request.send().await.expect("the service answers");

        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(!response.headers()["content-type"].is_empty(), "{path}");
        assert!(!response.bytes().await.expect("the body is sent").is_empty(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn similar_addresses_redirect_to_the_documentation() {
    let service = Service::start().await;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap();

    for (path, target) in [("/", "/docs"), ("/docs/errors/", "/docs/errors")] {
        let (_, request) = service.client.request_without_key(Method::GET, path).build_split();
        let answer = client.execute(request.unwrap()).await.unwrap();

        assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT, "{path}");
        assert_eq!(answer.headers()["location"], target, "{path}");
        let followed = service.client.request_without_key(Method::GET, path).send().await.unwrap();
        assert_eq!(followed.status(), StatusCode::OK, "{path}");
        assert_eq!(followed.url().path(), target, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documentation_is_revalidated_by_its_tag() {
    let service = Service::start().await;

    for path in FILES {
        let get = || service.client.request_without_key(Method::GET, path);
        let first = get().send().await.expect("the service answers");
        let tag = first.headers()["etag"].to_str().expect("a tag is a text").to_owned();
        let second = Answer::to(get().header("If-None-Match", &tag)).await;
        let other = get().header("If-None-Match", "\"0\"").send().await.expect("the service answers");

        assert_eq!(first.headers()["cache-control"], "no-cache", "{path}");
        assert_eq!(second.status, 304, "{path}");
        assert_eq!(second.text, "", "{path}");
        assert_eq!(second.header("ETag"), tag, "{path}");
        assert_eq!(other.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_compressed_only_for_callers_that_accept_it() {
    let service = Service::start().await;
    let get = |encodings: &'static str| {
        let request = service.client.request_without_key(Method::GET, "/docs/swagger-ui.css");
        async move { request.header("Accept-Encoding", encodings).send().await.expect("the service answers") }
    };

    let (compressed, plain) = (get("gzip").await, get("identity").await);

    assert_eq!(compressed.headers()["content-encoding"], "gzip");
    assert_eq!(plain.headers().get("content-encoding"), None);
    assert_eq!(plain.headers()["vary"], "Accept-Encoding");
    assert_ne!(plain.headers()["etag"], compressed.headers()["etag"]);
    let plain = plain.text().await.expect("the body is sent");
    assert!(plain.contains(".swagger-ui"), "{}", plain.len());
    assert!(compressed.bytes().await.expect("the body is sent").len() < plain.len() / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn head_has_the_headers_of_get_and_no_body() {
    let service = Service::start().await;

    for path in FILES {
        let get = service.client.request_without_key(Method::GET, path).send().await.expect("the service answers");
        let head = Answer::to(service.client.request_without_key(Method::HEAD, path)).await;

        assert_eq!(head.status, 200, "{path}");
        assert_eq!(head.text, "", "{path}");
        for name in ["content-type", "content-length", "etag", "content-security-policy"] {
            assert_eq!(head.headers.get(name), get.headers().get(name), "{path}: {name}");
        }
        assert_eq!(head.headers.get("content-encoding"), get.headers().get("content-encoding"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_of_the_documentation_allow_the_least() {
    let service = Service::start().await;

    for path in FILES {
        let answer = service.client.request_without_key(Method::HEAD, path);
        let answer = Answer::to(answer).await;
        let policy = answer.header("Content-Security-Policy");

        assert!(policy.starts_with("default-src 'none'; "), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{path}: {policy}");
        let runs_scripts = ["/docs", "/docs/"].contains(&path);
        assert_eq!(policy.contains("script-src 'self'"), runs_scripts, "{path}: {policy}");
        assert_eq!(policy.contains("connect-src 'self'"), runs_scripts, "{path}: {policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_paths_and_methods_below_docs_are_problems() {
    let service = Service::start().await;
    let get = async |path: &str| Answer::to(service.client.request_without_key(Method::GET, path)).await;

    for path in ["/docs/nothing", "/docs/index.html", "/docs/a/b", "/docs/%ff", "/docs/..%2fopenapi.json"] {
        let problem = get(path).await.problem(404, "not_found");
        assert_eq!(problem["type"], "/docs/errors#not_found", "{path}");
    }
    for path in FILES {
        let post = Answer::to(service.client.request_without_key(Method::POST, path)).await;
        assert_eq!(post.header("Allow"), "GET,HEAD", "{path}");
        post.problem(405, "method_not_allowed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn type_of_a_problem_links_to_its_section() {
    let service = Service::start().await;
    let without_key = Answer::to(service.client.request_without_key(Method::GET, "plans")).await;
    let problem = without_key.problem(401, "unauthorized");

    let (page, section) = problem["type"].as_str().and_then(|link| link.split_once('#')).expect("it has a fragment");
    let page = Answer::to(service.client.request_without_key(Method::GET, page)).await;

    assert_eq!(page.status, 200);
    assert!(page.text.contains(&format!("<section id=\"{section}\">")), "{section}");
}
