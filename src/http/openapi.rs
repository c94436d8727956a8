//! The API's own description.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Instrument registry",
        description = "Turns requests for market data into subscription plans: deterministic, durable, explained."
    ),
    paths(
        super::plans::create,
        super::plans::describe,
        super::plans::listing::list,
        super::plans::read,
        super::planner::config,
        super::planner::cleanup,
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

/// Serves the description.
pub(crate) async fn document() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| Document::openapi().to_json().unwrap_or_default());
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ENDPOINTS;

    #[test]
    fn every_route_is_described() {
        let document: serde_json::Value = serde_json::from_str(&Document::openapi().to_json().unwrap()).unwrap();

        for (method, path) in ENDPOINTS.iter().filter(|(_, path)| *path != "/openapi.json") {
            let operation = &document["paths"][path][method.to_lowercase()];
            assert!(operation["responses"].is_object(), "{method} {path}");
        }
        assert_eq!(document["paths"].as_object().unwrap().len(), ENDPOINTS.len() - 1);
    }
}
