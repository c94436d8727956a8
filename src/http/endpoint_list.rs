//! Every endpoint: the routes of the API, and the pages for people.

use std::sync::{Arc, LazyLock};

use axum::routing::{MethodRouter, get};
use utoipa::openapi::PathItem;

use super::context::AppState;
use super::routes::API;
use super::{dashboard, docs, openapi};

/// A page for people, which the OpenAPI document does not describe.
pub(super) struct Page {
    pub(super) path: &'static str,
    pub(super) handler: fn() -> MethodRouter<Arc<AppState>>,
}

pub(super) const PAGES: [Page; 9] = [
    Page { path: "/", handler: || get(docs::to_swagger_ui) },
    Page { path: "/dashboard", handler: || get(dashboard::page) },
    Page { path: "/dashboard/{file}", handler: || get(dashboard::file) },
    Page { path: "/docs", handler: || get(docs::swagger_ui) },
    Page { path: "/docs/", handler: || get(docs::swagger_ui) },
    Page { path: "/docs/errors", handler: || get(docs::errors) },
    Page { path: "/docs/errors/", handler: || get(docs::to_errors) },
    Page { path: "/docs/{file}", handler: || get(docs::file) },
    Page { path: "/openapi.json", handler: || get(openapi::document) },
];

static ENDPOINTS: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let of_api =
        API.description.paths.paths.iter().flat_map(|(path, item)| methods(item).map(|method| (method, path.as_str())));
    of_api.chain(PAGES.iter().map(|page| ("GET", page.path))).collect()
});

/// Returns every route: method and template. Also the closed list of values of the label `endpoint` of metrics.
pub(crate) fn endpoints() -> &'static [(&'static str, &'static str)] {
    &ENDPOINTS
}

fn methods(item: &PathItem) -> impl Iterator<Item = &'static str> {
    let operations = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("DELETE", &item.delete),
        ("HEAD", &item.head),
        ("OPTIONS", &item.options),
        ("PATCH", &item.patch),
        ("TRACE", &item.trace),
    ];
    operations.into_iter().filter(|(_, operation)| operation.is_some()).map(|(method, _)| method)
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::HttpMethod;
    use utoipa::openapi::path::Operation;

    use super::*;
    use crate::http::Measures;
    use crate::http::endpoints::BASE;

    fn template(path: &str) -> Option<&'static str> {
        Measures::new(endpoints()).template(path)
    }

    #[test]
    fn operations_of_all_methods_are_listed() {
        let all = [
            ("GET", HttpMethod::Get),
            ("POST", HttpMethod::Post),
            ("PUT", HttpMethod::Put),
            ("DELETE", HttpMethod::Delete),
            ("HEAD", HttpMethod::Head),
            ("OPTIONS", HttpMethod::Options),
            ("PATCH", HttpMethod::Patch),
            ("TRACE", HttpMethod::Trace),
        ];
        for (name, method) in all {
            let item = PathItem::new(method, Operation::new());

            assert_eq!(methods(&item).collect::<Vec<_>>(), [name]);
        }
    }

    #[test]
    fn every_path_has_its_template() {
        for (_, expected) in endpoints() {
            let path = expected.replace('{', "a").replace('}', "z");

            assert_eq!(template(&path), Some(*expected));
        }
    }

    #[test]
    fn other_paths_have_no_template() {
        let deeper = format!("{BASE}/subscriptions/plans/a/b");
        let empty = format!("{BASE}/subscriptions/plans/");

        for path in ["", "//", "/docs/errors/x", "/nothing", "/health/", BASE, &deeper, &empty] {
            assert_eq!(template(path), None, "{path}");
        }
    }
}
