//! The operators' page: files that are embedded in the binary. They need no key; the data that they request does.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::response::Response;

use super::files::File;
use super::path::PathText;
use super::problem::Problem;

/// The policy of the page: its own files and requests to the service, and no markup from data.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                           base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                           require-trusted-types-for 'script'; trusted-types 'none'";
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const CSS: &str = "text/css; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($name:literal: $content_type:ident),+ $(,)?) => {
        [$(File::new($name, $content_type, POLICY, include_str!(concat!("dashboard/", $name)))),+]
    };
}

static PAGE: LazyLock<File> =
    LazyLock::new(|| File::new("index.html", HTML, PAGE_POLICY, include_str!("dashboard/index.html")));
static FILES: LazyLock<[File; 16]> = LazyLock::new(|| {
    files! {
        "actions.js": JS,
        "actors.js": JS,
        "api.js": JS,
        "catalog.js": JS,
        "charts.js": JS,
        "dashboard.css": CSS,
        "dashboard.js": JS,
        "dom.js": JS,
        "format.js": JS,
        "icon.svg": SVG,
        "overview.js": JS,
        "plan.js": JS,
        "plans.js": JS,
        "state.js": JS,
        "stream.js": JS,
        "widgets.js": JS,
    }
});

pub(super) async fn page(headers: HeaderMap) -> Response {
    PAGE.response(&headers)
}

pub(super) async fn file(PathText(name): PathText, headers: HeaderMap) -> Result<Response, Problem> {
    let file = FILES.iter().find(|file| file.name == name);
    file.map(|file| file.response(&headers)).ok_or_else(|| Problem::not_found("unknown path"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn text(file: &File) -> &str {
        std::str::from_utf8(&file.content).unwrap()
    }

    /// Returns the names of the files that a text imports or links to.
    fn referred(text: &str) -> impl Iterator<Item = &str> {
        let starts = ["from \"./", "href=\"dashboard/", "src=\"dashboard/"];
        let targets = starts.into_iter().flat_map(move |start| text.split(start).skip(1));
        targets.filter_map(|rest| rest.split('"').next())
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/dashboard");
        let stored: BTreeSet<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();

        let served = FILES.iter().chain([&*PAGE]).map(|file| file.name.to_string()).collect();

        assert_eq!(stored, served);
    }

    #[test]
    fn every_referenced_file_is_served() {
        let names: BTreeSet<&str> = FILES.iter().chain([&*PAGE]).map(text).flat_map(referred).collect();

        assert!(names.len() > 10, "{names:?}");
        for name in names {
            assert!(FILES.iter().any(|file| file.name == name), "{name}");
        }
    }

    /// The policy forbids these; a browser reports them only when it runs the page.
    #[test]
    fn files_have_no_inline_script_style_or_markup_from_data() {
        for file in FILES.iter().chain([&*PAGE]) {
            for forbidden in ["<style", " style=", " onclick=", "innerHTML", "outerHTML", "insertAdjacentHTML", "eval("]
            {
                assert!(!text(file).contains(forbidden), "{}: {forbidden}", file.name);
            }
        }
    }

    #[test]
    fn files_request_nothing_from_another_origin() {
        for file in FILES.iter().chain([&*PAGE]) {
            // The name of a namespace is not requested.
            let text = text(file).replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http://") && !text.contains("https://"), "{}", file.name);
        }
    }

    #[test]
    fn every_dashboard_file_is_short() {
        for file in FILES.iter().chain([&*PAGE]) {
            assert!(text(file).lines().count() <= 500, "{}", file.name);
        }
    }
}
