//! Completes the document with the parts that all operations share: problems, headers, and examples.

use serde_json::{Map, Value, json};

use super::super::errors;

/// The examples of each operation, by its id: `path`, `query` and `headers` of the request by name, its `body` with its
/// `content_type` (JSON unless given), and the `answer`. `make api-test` sends every one of them.
const EXAMPLES: &str = include_str!("examples.json");

/// Problems that every private operation may return: status, name and description.
const PROBLEMS: [(&str, &str, &str); 5] = [
    ("401", "Unauthorized", "The API key is missing or invalid."),
    (
        "422",
        "Invalid",
        "The request is invalid (`validation_failed`: `errors` lists every validation error), an id is malformed \
         (`malformed_id`), or the `Idempotency-Key` belongs to another request (`idempotency_key_reused`).",
    ),
    ("500", "Internal", "An internal error occurred. The service log has the cause."),
    (
        "503",
        "Unavailable",
        "The service is at capacity (`overloaded`) or not ready (`not_ready`), restarts a part (`unavailable`), or \
         cannot reach the database (`database_unavailable`).",
    ),
    (
        "504",
        "DeadlineExceeded",
        "The deadline passed (`deadline_exceeded`), or the outcome of a write is unknown (`unknown_outcome`).",
    ),
];
/// Problems of operations that read a body, even if they do not need one.
const BODY_PROBLEMS: [(&str, &str, &str); 4] = [
    (
        "400",
        "InvalidJson",
        "The body is not valid JSON in UTF-8 (`invalid_json`), or it could not be read to its end (`unreadable_body`).",
    ),
    ("408", "BodyTimeout", "The body did not arrive in time."),
    ("413", "BodyTooLarge", "The body exceeds 2 MiB, or 4 MiB if it requests a plan of `items`."),
    ("415", "UnsupportedMediaType", "The body is not `application/json`."),
];

pub(super) fn finish(mut document: Value) -> Value {
    let examples: Value = serde_json::from_str(EXAMPLES).unwrap_or_default();
    let paths = document["paths"].as_object_mut().map(std::mem::take).unwrap_or_default();
    let finished = paths.into_iter().map(|(path, mut item)| {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let is_private = path.starts_with("/api");
            if is_private {
                add_problems(operation, matches!(method.as_str(), "post" | "put"));
                add_request_fields(operation, &mut document["components"]["schemas"]);
            }
            forbid_null(operation);
            complete(operation, is_private);
            add_headers_of_keys(operation);
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            add_examples(operation, &examples[id]);
        }
        (path, item)
    });
    let finished: Map<String, Value> = finished.collect();
    document["paths"] = finished.into();
    add_components(&mut document["components"]);
    widen_integers(&mut document);
    document
}

/// Sets the format `int64` for integers that can exceed signed 32 bits, such as unsigned 32-bit integers.
fn widen_integers(value: &mut Value) {
    match value {
        Value::Object(schema) => {
            let fits = schema.get("maximum").and_then(Value::as_i64).is_some_and(|max| i32::try_from(max).is_ok());
            if !fits && schema.get("format").is_some_and(|format| format == "int32") {
                schema.insert("format".to_owned(), "int64".into());
            }
            schema.values_mut().for_each(widen_integers);
        }
        Value::Array(items) => items.iter_mut().for_each(widen_integers),
        _ => {}
    }
}

/// Adds the components to which operations refer.
fn add_components(components: &mut Value) {
    components["headers"] = json!({
        "CorrelationId": {"description": "The correlation id of the request.", "schema": {"type": "string"}, "required": true},
        "RetryAfter": {
            "description": "The number of seconds to wait before a retry.",
            "schema": {"type": "integer", "minimum": 1}, "required": true,
        },
        "ServerTiming": {
            "description": "The time that the request spent in each stage that occurred (`queue`, `cache`, `plan`, \
                            `database`), and the whole time (`total`), in milliseconds: `cache;dur=0.004, total;dur=0.051`. \
                            Absent if the service is configured without it.",
            "schema": {"type": "string"}, "required": false,
        },
        "Traceparent": {
            "description": "The trace of the request with the span of the service, as W3C Trace Context defines it. Present \
                            if the request has a `traceparent`.",
            "schema": {"type": "string"}, "required": false,
        },
    });
    components["parameters"] = json!({
        "CorrelationId": {
            "name": "X-Correlation-ID", "in": "header", "required": false, "schema": {"type": "string"},
            "description": "The correlation id of the request: 1 to 128 visible ASCII characters. The service replaces any \
                            other value with a generated id.",
        },
        "Traceparent": {
            "name": "traceparent", "in": "header", "required": false, "schema": {"type": "string"},
            "description": "The trace and the span of the caller, as W3C Trace Context defines them. The service replaces an \
                            invalid value with a new trace.",
        },
    });
    components["examples"] = errors::examples()
        .map(|example| (example.code.to_owned(), json!({"summary": example.meaning, "value": example.document})))
        .collect::<Map<String, Value>>()
        .into();
    for (status, name, description) in PROBLEMS.iter().chain(&BODY_PROBLEMS) {
        let mut response = json!({"description": description});
        complete_response(status, &mut response, true);
        components["responses"][name] = response;
    }
}

/// Adds the problems that the operation does not document itself, and the content of all of its problems.
fn add_problems(operation: &mut Value, reads_body: bool) {
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    let of_body = if reads_body { &BODY_PROBLEMS[..] } else { &[] };
    for (status, name, _) in PROBLEMS.iter().chain(of_body) {
        let reference = || json!({"$ref": format!("#/components/responses/{name}")});
        responses.entry(*status).or_insert_with(reference);
    }
}

/// Adds the headers that every answer has, and the content of problems.
fn complete_response(status: &str, response: &mut Value, is_private: bool) {
    response["headers"]["X-Correlation-ID"] = json!({"$ref": "#/components/headers/CorrelationId"});
    response["headers"]["traceparent"] = json!({"$ref": "#/components/headers/Traceparent"});
    if is_private {
        response["headers"]["Server-Timing"] = json!({"$ref": "#/components/headers/ServerTiming"});
    }
    if status == "503" {
        response["headers"]["Retry-After"] = json!({"$ref": "#/components/headers/RetryAfter"});
    }
    if status >= "400" && response.get("content").is_none() {
        let examples = problem_examples(status, response["description"].as_str().unwrap_or_default());
        response["content"] = json!({"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples,
        }});
    }
}

/// Codes of single operations. Their examples are shown only if the description of the response names them.
const CODES_OF_ONE_OPERATION: [&str; 4] = ["empty_body", "no_room", "not_in_plan", "not_tried"];

/// Returns references to the examples of a problem, by code: of the codes that its description names, or else of all
/// codes with its status that are not of single operations.
fn problem_examples(status: &str, description: &str) -> Map<String, Value> {
    let of_status: Vec<&str> = errors::examples()
        .filter(|example| example.document["status"].as_u64().is_some_and(|of| status.parse() == Ok(of)))
        .map(|example| example.code)
        .collect();
    let named = of_status.iter().copied().filter(|code| description.contains(&format!("`{code}`")));
    let named: Vec<&str> = named.collect();
    let is_common = |code: &&str| !CODES_OF_ONE_OPERATION.contains(code);
    let shown = if named.is_empty() { of_status.into_iter().filter(is_common).collect() } else { named };
    let reference = |code: &str| json!({"$ref": format!("#/components/examples/{code}")});
    shown.into_iter().map(|code| (code.to_owned(), reference(code))).collect()
}

/// Adds the fields that every JSON answer of the API has.
fn add_request_fields(operation: &Value, schemas: &mut Value) {
    let reference = &operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
    let Some(name) = reference.as_str().and_then(|reference| reference.rsplit('/').next()) else { return };
    let mut schema = &mut schemas[name];
    if schema.get("allOf").is_some() {
        schema = own_fields(&mut schema["allOf"]);
    }
    let correlation_id = json!({"type": "string", "description": "The correlation id of the request."});
    let response_time_ms = json!({
        "type": "integer", "format": "int64", "minimum": 0,
        "description": "The time from the arrival of the request to the response, in milliseconds.",
    });
    for (field, description) in [("correlation_id", correlation_id), ("response_time_ms", response_time_ms)] {
        schema["properties"][field] = description;
        if schema["required"].is_null() {
            schema["required"] = json!([]);
        }
        if let Some(required) = schema["required"].as_array_mut()
            && !required.contains(&field.into())
        {
            required.push(field.into());
        }
    }
}

/// Returns the part of a combined schema that has fields of its own, the last one. Adds it if every part is a
/// reference.
fn own_fields(parts: &mut Value) -> &mut Value {
    let count = parts.as_array().map_or(0, Vec::len);
    if count > 0 && parts[count - 1].get("$ref").is_none() {
        return &mut parts[count - 1];
    }
    if let Some(parts) = parts.as_array_mut() {
        parts.push(json!({"type": "object"}));
    }
    &mut parts[count]
}

/// Forbids null for parameters and bodies: an optional value may be absent, but not null.
fn forbid_null(operation: &mut Value) {
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        forbid_null_in(&mut parameter["schema"]);
    }
    let Some(body) = operation.get_mut("requestBody") else { return };
    let mut is_optional = false;
    for (_, content) in body["content"].as_object_mut().into_iter().flatten() {
        is_optional |= forbid_null_in(&mut content["schema"]);
    }
    body["required"] = (!is_optional).into();
}

/// Removes null from the values that a schema allows, and returns whether it was allowed.
fn forbid_null_in(schema: &mut Value) -> bool {
    let null = json!({"type": "null"});
    if let Some(kinds) = schema["type"].as_array().filter(|kinds| kinds.contains(&"null".into())) {
        let kind = kinds.iter().find(|kind| *kind != "null").cloned();
        schema["type"] = kind.unwrap_or_default();
        return true;
    }
    if let Some(parts) = schema["oneOf"].as_array().filter(|parts| parts.contains(&null)) {
        let part = parts.iter().find(|part| **part != null).cloned();
        let mut rest = part.unwrap_or_default();
        if let Some(default) = schema.get("default") {
            rest["default"] = default.clone();
        }
        *schema = rest;
        return true;
    }
    false
}

/// Adds the headers that every request may have, and the headers that every response has.
fn complete(operation: &mut Value, is_private: bool) {
    let shared =
        ["CorrelationId", "Traceparent"].map(|name| json!({"$ref": format!("#/components/parameters/{name}")}));
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(parameters) => parameters.extend(shared),
        None => operation["parameters"] = json!(shared),
    }
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        if response.get("$ref").is_none() {
            complete_response(status, response, is_private);
        }
    }
}

/// Adds the headers that answers have only if the operation takes an `Idempotency-Key`.
fn add_headers_of_keys(operation: &mut Value) {
    let parameters = operation["parameters"].as_array();
    if !parameters.is_some_and(|parameters| parameters.iter().any(|one| one["name"] == "Idempotency-Key")) {
        return;
    }
    operation["responses"]["200"]["headers"]["Idempotency-Replayed"] = json!({
        "description": "Present if the response repeats the first response for the key.",
        "schema": {"type": "string", "enum": ["true"]}, "required": false,
    });
    operation["responses"]["409"]["headers"]["Retry-After"] = json!({
        "description": "The number of seconds to wait before a retry. Present if a request with the same `Idempotency-Key` is in flight.",
        "schema": {"type": "integer", "minimum": 1}, "required": false,
    });
}

fn add_examples(operation: &mut Value, examples: &Value) {
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        let place = match parameter["in"].as_str() {
            Some("path") => "path",
            Some("query") => "query",
            _ => "headers",
        };
        let example = parameter["name"].as_str().and_then(|name| examples[place].get(name)).cloned();
        if let Some(example) = example {
            parameter["example"] = example;
        }
    }
    let kind = examples["content_type"].as_str().unwrap_or("application/json");
    if let Some(body) = examples.get("body") {
        operation["requestBody"]["content"][kind]["example"] = body.clone();
    }
    if let (Some(answer), Some(contents)) =
        (examples.get("answer"), operation["responses"]["200"]["content"].as_object_mut())
        && let Some((_, content)) = contents.iter_mut().next()
    {
        content["example"] = answer.clone();
    }
}
