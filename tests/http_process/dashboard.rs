//! The dashboard for operators: access without a key, entity tags, and its content security policy.

use reqwest::Method;

use crate::support::{Answer, Service};

const FILES: [&str; 4] = ["/dashboard", "/dashboard/dashboard.css", "/dashboard/dashboard.js", "/dashboard/icon.svg"];

async fn send(service: &Service, method: Method, path: &str) -> Answer {
    Answer::to(service.client.request_without_key(method, path)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn dashboard_is_served_without_a_key() {
    let service = Service::start().await;
    let types =
        ["text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"];

    for (path, expected) in FILES.into_iter().zip(types) {
        let answer = send(&service, Method::GET, path).await;

        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("Content-Type"), expected, "{path}");
        assert!(!answer.text.is_empty(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dashboard_is_revalidated_by_its_tag() {
    let service = Service::start().await;

    for path in FILES {
        let first = send(&service, Method::GET, path).await;
        let tag = first.header("ETag");
        let again = service.client.request_without_key(Method::GET, path).header("If-None-Match", tag);
        let again = Answer::to(again).await;
        let other = service.client.request_without_key(Method::GET, path).header("If-None-Match", "\"0\"");

        assert_eq!(first.header("Cache-Control"), "no-cache", "{path}");
        assert_eq!(again.status, 304, "{path}");
        assert_eq!(again.text, "", "{path}");
        assert_eq!(again.header("ETag"), tag, "{path}");
        assert_eq!(Answer::to(other).await.status, 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_of_the_dashboard_has_the_headers_of_get() {
    let service = Service::start().await;

    for path in FILES {
        let get = send(&service, Method::GET, path).await;
        let head = send(&service, Method::HEAD, path).await;

        assert_eq!(head.status, 200, "{path}");
        assert_eq!(head.text, "", "{path}");
        for name in ["Content-Type", "Content-Length", "ETag", "Cache-Control", "Content-Security-Policy"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_page_may_run_scripts() {
    let service = Service::start().await;

    for path in FILES {
        let answer = send(&service, Method::GET, path).await;
        let policy = answer.header("Content-Security-Policy");

        assert!(policy.starts_with("default-src 'none'; "), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{path}: {policy}");
        assert_eq!(policy.contains("script-src 'self'"), path == "/dashboard", "{path}: {policy}");
        assert_eq!(answer.header("X-Content-Type-Options"), "nosniff", "{path}");
        assert_eq!(answer.header("X-Frame-Options"), "DENY", "{path}");
        assert_eq!(answer.header("Referrer-Policy"), "no-referrer", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_files_and_methods_are_problems() {
    let service = Service::start().await;

    for path in ["/dashboard/nothing.js", "/dashboard/index.html", "/dashboard/a/b", "/dashboard/%ff", "/dashboard/"] {
        send(&service, Method::GET, path).await.problem(404, "not_found");
    }
    for path in FILES {
        let answer = send(&service, Method::POST, path).await;

        assert_eq!(answer.header("Allow"), "GET,HEAD", "{path}");
        answer.problem(405, "method_not_allowed");
    }
}
