//! The API's own description.

mod finish;
pub(super) mod parameters;
pub(super) mod types;

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Instrument registry",
        description = "Turns requests for market data into subscription plans: deterministic, durable, explained. \
                       Errors are problem documents (RFC 9457); their `code` is a stable word for programs. \
                       Times are RFC 3339 in UTC with milliseconds, trading dates are in Asia/Kolkata."
    ),
    servers((url = "/", description = "The service that serves this document")),
    tags(
        (name = "plans", description = "Create, describe and read subscription plans"),
        (name = "planner", description = "The settings of the planner, and its old plans"),
        (name = "profiles", description = "Subscription profiles, their history, conflicts and plans"),
        (name = "instruments", description = "Find instruments"),
        (name = "catalog", description = "The contents and versions of the catalog"),
        (name = "ingest", description = "Load the files of brokers"),
        (name = "process", description = "Health, readiness and metrics"),
    ),
    paths(
        super::plans::create,
        super::plans::describe,
        super::plans::listing::list,
        super::plans::read,
        super::planner::config,
        super::planner::cleanup,
        super::versions::list,
        super::versions::diff,
        super::instruments::resolve,
        super::instruments::list,
        super::instruments::read,
        super::instruments::batch::resolve,
        super::instruments::search::search,
        super::catalog::summary,
        super::catalog::brokers,
        super::catalog::token,
        super::ingest::ingest,
        super::ingest::read,
        super::ingest::cancel,
        super::profiles::changes::create,
        super::profiles::changes::update,
        super::profiles::changes::deactivate,
        super::profiles::changes::activate,
        super::profiles::changes::restore,
        super::profiles::reading::read,
        super::profiles::reading::list,
        super::profiles::reading::stats,
        super::profiles::reading::clean_up,
        super::profiles::history::audit,
        super::profiles::history::versions,
        super::profiles::conflicts::list,
        super::profiles::conflicts::resolve,
        super::profiles::attention::list,
        super::profiles::planning::list,
        super::profiles::planning::replan,
        super::profiles::transfer::import,
        super::profiles::transfer::export,
        super::health::health,
        super::health::ready,
        super::health::metrics,
    ),
    modifiers(&Security)
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        let header = ApiKeyValue::new("X-Internal-API-Key");
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

/// The whole description.
fn description() -> Value {
    serde_json::to_value(Document::openapi()).map(finish::finish).unwrap_or_default()
}

/// Serves the description.
pub(crate) async fn document() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| description().to_string());
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ENDPOINTS;

    /// Of two types of one name the later would take the earlier one's place without a word.
    #[test]
    fn no_two_types_of_the_api_have_one_name() {
        fn sources(folder: &std::path::Path, texts: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    sources(&path, texts);
                } else {
                    texts.push(std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let mut texts = Vec::new();
        for folder in ["src", "planning/src"] {
            sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut texts);
        }

        let mut seen = std::collections::BTreeSet::new();
        for text in &texts {
            for part in text.split("ToSchema)]").skip(1) {
                let name = part.split_once("struct ").map(|(_, rest)| rest);
                let name = name.and_then(|rest| rest.split(|c: char| !c.is_alphanumeric()).next()).unwrap();
                assert!(seen.insert(name), "{name} is there twice");
            }
        }
        assert!(seen.len() > 40, "{seen:?}");
    }

    #[test]
    fn every_route_is_described() {
        let document = description();

        for (method, path) in ENDPOINTS.iter().filter(|(_, path)| *path != "/openapi.json") {
            let operation = &document["paths"][path][method.to_lowercase()];
            assert!(operation["responses"]["200"].is_object(), "{method} {path}");
            if path.starts_with("/api") {
                for status in ["401", "422", "500", "503", "504"] {
                    let problem = &operation["responses"][status]["content"]["application/problem+json"];
                    assert_eq!(problem["schema"]["$ref"], "#/components/schemas/Problem", "{method} {path} {status}");
                }
            }
        }
        let paths: std::collections::BTreeSet<_> = ENDPOINTS.iter().map(|(_, path)| path).collect();
        assert_eq!(document["paths"].as_object().unwrap().len(), paths.len() - 1);
    }
}
