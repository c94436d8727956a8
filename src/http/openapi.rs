//! The OpenAPI document.

mod finish;

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::problem::ProblemDocument;
use super::routes::API;
use super::schema::types;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Instrument Registry",
        description = "Turns requests for market data into subscription plans that are deterministic, durable and explained. \
                       Errors are problem documents (RFC 9457). Their `code` is a stable word for programs; their `type` leads \
                       to its explanation on the page [/docs/errors](/docs/errors). \
                       Times are RFC 3339 in UTC with milliseconds. Trading dates are in Asia/Kolkata.\n\n\
                       `Idempotency-Key` applies to three operations: POST plan, POST profiles and POST ingest. Each documents \
                       the header. All other operations ignore it."
    ),
    external_docs(url = "/docs/errors", description = "The cause and the remedy of every error code."),
    servers((url = "/", description = "The service that serves this document.")),
    tags(
        (name = "plans", description = "Create, describe and read subscription plans."),
        (name = "planner", description = "Read the settings of the planner and delete old plans."),
        (name = "profiles", description = "Manage subscription profiles, their history, conflicts and plans."),
        (name = "instruments", description = "Find instruments."),
        (name = "catalog", description = "Read the contents and versions of the catalog."),
        (name = "ingest", description = "Ingest files of brokers."),
        (name = "operations", description = "Observe the service, and act on it."),
        (name = "process", description = "Read health, readiness and metrics."),
    ),
    // Schemas that no body or response refers to.
    components(schemas(
        ProblemDocument<'_>,
        types::ConflictCursor,
        types::ExportFormat,
        types::IncludeWord,
        types::InstrumentKey,
        types::NumberCursor,
        types::PlanCursor,
        types::ProfileCursor,
        types::ProfilePlanCursor,
        types::SubscriptionFormat,
        types::UserId,
    )),
    modifiers(&Security)
)]
struct Document;

const KEY: &str = "The value of `INTERNAL_API_KEY`. If it is not set, the key that the service generated at its first start is in \
                   the file `internal_api_key` in `DATA_DIR` (`data/internal_api_key` by default). Otherwise ask the operator.";

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        let header = ApiKeyValue::with_description("X-Internal-API-Key", KEY);
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

fn description() -> Value {
    let mut document = Document::openapi();
    document.merge(API.description.clone());
    serde_json::to_value(document).map(finish::finish).unwrap_or_default()
}

pub(crate) async fn document() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| description().to_string());
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::endpoints;

    /// The endpoints that the document describes: not itself, and no page.
    fn described() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
        let is_page = |path: &str| ["/openapi.json", "/dashboard", "/docs"].iter().any(|page| path.starts_with(page));
        endpoints().iter().filter(move |(_, path)| *path != "/" && !is_page(path))
    }

    /// Returns every operation with its method and path.
    fn operations(document: &Value) -> Vec<(String, &Value)> {
        let of_path = |(path, item): (&String, _)| {
            let methods = Value::as_object(item).into_iter().flatten();
            methods.map(|(method, operation)| (format!("{method} {path}"), operation)).collect::<Vec<_>>()
        };
        document["paths"].as_object().unwrap().iter().flat_map(of_path).collect()
    }

    #[test]
    fn document_matches_the_reviewed_snapshot() {
        let mut document = description();
        document["info"]["version"] = "[version]".into();
        insta::assert_json_snapshot!("openapi", document);
    }

    /// If two types have the same name, the second one silently replaces the first one.
    #[test]
    fn no_two_schemas_have_the_same_name() {
        fn sources(folder: &std::path::Path, texts: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    sources(&path, texts);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    texts.push(std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let mut texts = Vec::new();
        for folder in ["src", "planning/src"] {
            sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut texts);
        }

        let mut seen = BTreeSet::new();
        for text in &texts {
            for part in text.split("ToSchema)]").skip(1) {
                let named = ["struct ", "enum "].iter().filter_map(|word| Some((part.find(word)?, *word))).min();
                let Some((at, word)) = named else { continue };
                let name = part[at + word.len()..].split(|c: char| !c.is_alphanumeric()).next().unwrap();
                // The names of types in a macro are at its call.
                assert!(name.is_empty() || seen.insert(name), "{name} is there twice");
            }
        }
        assert!(seen.len() > 40, "{seen:?}");
    }

    #[test]
    fn three_operations_document_the_idempotency_key() {
        let document: serde_json::Value = description();

        let has_key = |(method, path): &&(&str, &str)| {
            let parameters = &document["paths"][path][method.to_lowercase()]["parameters"];
            let is_key = |parameter: &serde_json::Value| {
                parameter["name"] == "Idempotency-Key" && parameter["in"] == "header" && parameter["required"] == false
            };
            parameters.as_array().is_some_and(|parameters| parameters.iter().any(is_key))
        };
        let documented: Vec<&str> = endpoints().iter().filter(has_key).map(|(_, path)| *path).collect();
        assert_eq!(
            documented,
            [
                "/api/v1/internal/instrument-registry/brokers/{broker_id}/ingest",
                "/api/v1/internal/instrument-registry/subscriptions/plan",
                "/api/v1/internal/subscription-profiles",
            ]
        );
        let description = document["info"]["description"].as_str().unwrap();
        assert!(description.contains("All other operations ignore it"), "{description}");
    }

    #[test]
    fn every_route_is_described() {
        let document = description();

        for (method, path) in described() {
            let operation = &document["paths"][path][method.to_lowercase()];
            assert!(operation["responses"]["200"].is_object(), "{method} {path}");
            if path.starts_with("/api") {
                for status in ["401", "422", "500", "503", "504"] {
                    let response = &operation["responses"][status];
                    let shared = response["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
                    let response = shared.map_or(response, |name| &document["components"]["responses"][name]);
                    let problem = &response["content"]["application/problem+json"];
                    assert_eq!(problem["schema"]["$ref"], "#/components/schemas/Problem", "{method} {path} {status}");
                }
            }
        }
    }

    #[test]
    fn every_problem_has_the_examples_of_its_codes() {
        let document = description();
        let examples = document["components"]["examples"].as_object().unwrap();
        let of = |response: &Value| -> BTreeSet<String> {
            let shared = response["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
            let response = shared.map_or(response, |name| &document["components"]["responses"][name]);
            let listed = response["content"]["application/problem+json"]["examples"].as_object().unwrap();
            listed.keys().cloned().collect()
        };

        for (name, operation) in operations(&document) {
            let problems =
                operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.as_str() >= "400");
            for (status, response) in
                problems.filter(|(_, response)| !response["content"]["application/json"].is_object())
            {
                let codes = of(response);
                assert!(!codes.is_empty(), "{name}: {status}");
                for code in codes {
                    let example = &examples[&code]["value"];
                    assert_eq!(example["code"], code, "{name}: {status}");
                    assert_eq!(example["status"].to_string(), *status, "{name}: {code}");
                }
            }
        }
        let plan = &document["paths"]["/api/v1/internal/instrument-registry/subscriptions/plan"]["post"]["responses"];
        let codes = of(&plan["409"]);
        assert!(codes.contains("idempotency_key_in_flight") && codes.contains("profile_inactive"), "{codes:?}");
        assert!(!codes.contains("conflict_not_pending"), "{codes:?}");
        let listed = of(&document["components"]["responses"]["Unavailable"]);
        assert!(listed.contains("overloaded") && !listed.contains("no_room"), "{listed:?}");
        let key = &document["components"]["securitySchemes"]["api_key"]["description"];
        assert!(key.as_str().unwrap().contains("internal_api_key"), "{key}");
    }

    #[test]
    fn every_operation_has_texts_and_a_unique_id() {
        let document = description();
        let mut ids = BTreeSet::new();

        for (name, operation) in operations(&document) {
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}");
            let summary = operation["summary"].as_str().unwrap();
            assert!(!summary.is_empty() && !summary.ends_with('.'), "{name}: {summary}");
            assert!(operation["description"].as_str().unwrap().ends_with('.'), "{name}");
        }
    }

    #[test]
    fn every_part_of_the_document_has_a_description() {
        let document = description();
        let mut descriptions = Descriptions::of(&document);

        for section in ["headers", "parameters", "responses", "schemas"] {
            descriptions.check_each(section, &document["components"][section]);
        }
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            descriptions.check_properties(name, schema);
        }
        for tag in document["tags"].as_array().unwrap() {
            descriptions.check(&format!("tag {}", tag["name"]), tag);
        }
        for (name, operation) in operations(&document) {
            for parameter in operation["parameters"].as_array().unwrap() {
                descriptions.check(&format!("{name}: parameter {}", parameter["name"]), parameter);
            }
            descriptions.check_each(&name, &operation["responses"]);
            for (status, response) in operation["responses"].as_object().unwrap() {
                descriptions.check_each(&format!("{name}: {status}"), &response["headers"]);
                descriptions.check_content(&format!("{name}: {status}"), response);
            }
            if let Some(body) = operation.get("requestBody") {
                descriptions.check(&format!("{name}: body"), body);
                descriptions.check_content(&format!("{name}: body"), body);
            }
        }

        assert_eq!(descriptions.missing, [""; 0]);
        assert!(descriptions.count > 1000, "{}", descriptions.count);
    }

    /// Collects the parts of a document that have no description, or one that does not end with a period.
    struct Descriptions<'a> {
        document: &'a Value,
        count: usize,
        missing: Vec<String>,
    }

    impl<'a> Descriptions<'a> {
        fn of(document: &'a Value) -> Self {
            Descriptions { document, count: 0, missing: Vec::new() }
        }

        fn check(&mut self, place: &str, part: &Value) {
            self.count += 1;
            if !self.is_described(part) {
                self.missing.push(place.to_owned());
            }
        }

        fn check_each(&mut self, place: &str, parts: &Value) {
            for (name, part) in parts.as_object().into_iter().flatten() {
                self.check(&format!("{place}/{name}"), part);
            }
        }

        fn check_content(&mut self, place: &str, part: &Value) {
            for (kind, content) in part["content"].as_object().into_iter().flatten() {
                self.check_properties(&format!("{place}/{kind}"), &content["schema"]);
            }
        }

        /// Checks the properties of a schema and of the schemas inside it.
        fn check_properties(&mut self, place: &str, schema: &Value) {
            self.check_each(place, &schema["properties"]);
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                self.check_properties(&format!("{place}/{name}"), property);
            }
            let inner = ["items", "additionalProperties"].iter().filter_map(|keyword| schema.get(keyword));
            for part in inner.chain(parts_of(schema)) {
                self.check_properties(place, part);
            }
        }

        /// Whether a part has a description. A reference may rely on its target, and an alternative to null on its own.
        fn is_described(&self, part: &Value) -> bool {
            if let Some(text) = part.get("description") {
                return text.as_str().is_some_and(|text| text.len() > 1 && text.ends_with('.'));
            }
            match part["$ref"].as_str() {
                Some(reference) => {
                    let target = self.document.pointer(reference.trim_start_matches('#'));
                    target.is_some_and(|target| self.is_described(target))
                }
                None => parts_of(part).any(|part| self.is_described(part)),
            }
        }
    }

    /// The schemas that a schema combines.
    fn parts_of(schema: &Value) -> impl Iterator<Item = &Value> {
        ["allOf", "anyOf", "oneOf"].iter().filter_map(|keyword| schema[keyword].as_array()).flatten()
    }

    /// `tests/api/examples.py` sends them.
    #[test]
    fn every_operation_has_an_example() {
        let document = description();

        for (name, operation) in operations(&document) {
            for parameter in operation["parameters"].as_array().unwrap() {
                let is_needed = parameter["required"] == true;
                assert!(!is_needed || !parameter["example"].is_null(), "{name}: {}", parameter["name"]);
            }
            let has_example =
                |content: &Value| content.as_object().unwrap().values().any(|content| !content["example"].is_null());
            assert!(has_example(&operation["responses"]["200"]["content"]), "{name}: answer");
            if let Some(body) = operation.get("requestBody") {
                assert!(has_example(&body["content"]), "{name}: body");
            }
        }
    }

    #[test]
    fn every_enum_lists_the_words_of_the_api() {
        let document = description();
        let mut count = 0;

        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            for word in schema["enum"].as_array().into_iter().flatten() {
                let word = word.as_str().unwrap();
                let is_word = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
                let is_lower =
                    word.bytes().all(|byte| is_word(byte.to_ascii_uppercase()) && !byte.is_ascii_uppercase());
                assert!(is_lower || word.bytes().all(is_word), "{name}: {word}");
                count += 1;
            }
        }
        assert!(count > 100, "{count}");
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        fn check(value: &Value, schemas: &Value, count: &mut usize) {
            if let Some(name) = value["$ref"].as_str().and_then(|name| name.strip_prefix("#/components/schemas/")) {
                assert!(schemas[name].is_object(), "{name}");
                *count += 1;
            }
            match value {
                Value::Object(fields) => fields.values().for_each(|field| check(field, schemas, count)),
                Value::Array(items) => items.iter().for_each(|item| check(item, schemas, count)),
                _ => {}
            }
        }
        let document = description();
        let mut count = 0;

        check(&document, &document["components"]["schemas"], &mut count);

        assert!(count > 300, "{count}");
    }
}
