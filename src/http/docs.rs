//! The pages for callers and operators: Swagger UI with the OpenAPI document, the page of errors, and the documents of
//! the repository. They need no key, and request nothing from another origin.

mod manual;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::{Redirect, Response};
use utoipa_swagger_ui::Config;

use super::errors;
use super::files::File;
use super::path::PathText;
use super::problem::Problem;

/// The policy of Swagger UI: its style sheet contains images, and it sends requests to the service.
const SWAGGER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                              connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The policy of all other pages and files.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";
/// The files of Swagger UI that the page needs.
const SWAGGER_FILES: [(&str, &str); 3] = [
    ("favicon-32x32.png", "image/png"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger-ui.css", "text/css; charset=utf-8"),
];
const HTML: &str = "text/html; charset=utf-8";

/// Returns a file that is embedded in the crate of Swagger UI; `None` if the crate has no such file.
fn swagger_file(name: &'static str, content_type: &'static str) -> Option<File> {
    let embedded = utoipa_swagger_ui::serve(name, Arc::new(Config::from("/openapi.json"))).ok().flatten()?;
    let content = match embedded.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    let mut file = File::new(name, content_type, POLICY, content);
    file.is_gzip = embedded.gzpipped;
    Some(file)
}

static SWAGGER: LazyLock<File> =
    LazyLock::new(|| File::new("", HTML, SWAGGER_POLICY, include_str!("docs/swagger.html").as_bytes()));
static ERRORS: LazyLock<File> = LazyLock::new(|| File::new("errors", HTML, POLICY, errors::html()));
static MANUAL: LazyLock<Vec<File>> =
    LazyLock::new(|| manual::pages().into_iter().map(|(name, page)| File::new(name, HTML, POLICY, page)).collect());
static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let css = "text/css; charset=utf-8";
    let mut files = vec![
        File::new("pages.css", css, POLICY, include_str!("docs/pages.css").as_bytes()),
        File::new("swagger.css", css, POLICY, include_str!("docs/swagger.css").as_bytes()),
        File::new("swagger.js", SWAGGER_FILES[1].1, POLICY, include_str!("docs/swagger.js").as_bytes()),
    ];
    files.extend(SWAGGER_FILES.into_iter().filter_map(|(name, content_type)| swagger_file(name, content_type)));
    files
});

pub(super) async fn swagger_ui(headers: HeaderMap) -> Response {
    SWAGGER.response(&headers)
}

/// Leads from the root of the service to Swagger UI.
pub(super) async fn to_swagger_ui() -> Redirect {
    Redirect::temporary("/docs")
}

/// Leads from the address with a slash to the page of errors.
pub(super) async fn to_errors() -> Redirect {
    Redirect::temporary("/docs/errors")
}

pub(super) async fn errors(headers: HeaderMap) -> Response {
    ERRORS.response(&headers)
}

/// Returns a page of the manual, or a file that the pages refer to.
pub(super) async fn file(PathText(name): PathText, headers: HeaderMap) -> Result<Response, Problem> {
    // Alerts and documents name the files of the repository.
    let page = name.strip_suffix(".md").unwrap_or(&name);
    // The manual is rendered for its first reader.
    let file = FILES.iter().find(|file| file.name == name).or_else(|| MANUAL.iter().find(|file| file.name == page));
    file.map(|file| file.response(&headers)).ok_or_else(|| Problem::not_found("unknown path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_pages_is_served() {
        let pages = [include_str!("docs/swagger.html").to_owned(), errors::html()];
        let refers = |page: &String| {
            let targets = ["\"/docs/", "'/docs/"].into_iter().flat_map(|start| page.split(start).skip(1));
            targets.filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect::<Vec<_>>()
        };
        let named: Vec<String> = pages.iter().flat_map(refers).filter(|name| !name.starts_with("errors#")).collect();

        assert!(named.len() > 5, "{named:?}");
        for name in named.iter().filter(|name| *name != "errors") {
            let mut files = FILES.iter().chain(MANUAL.iter());
            assert!(files.any(|file| file.name == *name && !file.content.is_empty()), "{name}");
        }
    }

    #[test]
    fn large_files_are_compressed() {
        for file in FILES.iter().filter(|file| file.content.len() > 20_000) {
            assert!(file.is_gzip, "{}", file.name);
            assert_eq!(file.content[..2], [0x1f, 0x8b], "{}", file.name);
        }
        assert_eq!(FILES.iter().filter(|file| file.is_gzip).count(), SWAGGER_FILES.len());
    }
}
