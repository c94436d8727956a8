//! Completeness of the snapshots: every operation, code, status and word of the contract is recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

const STATUSES: [u64; 15] = [200, 304, 400, 401, 404, 405, 408, 409, 412, 413, 415, 422, 500, 503, 504];

/// Values of fields that have a fixed set of words, by the name of the field.
const WORDS: [(&str, &[&str]); 14] = [
    (
        "reason",
        &[
            "malformed",
            "unknown",
            "inactive",
            "expired",
            "duplicate",
            "alias",
            "over_limit",
            "not_at_broker",
            "not_allowed",
        ],
    ),
    ("optimization_level", &["low", "moderate", "aggressive"]),
    ("filtering_strictness", &["lenient", "moderate", "strict"]),
    ("optimization_strategy", &["simple_truncation", "dedup_and_sort", "advanced_exchange_prioritization"]),
    ("performance_impact", &["minimal", "moderate", "significant"]),
    ("subscription_type", &["live_feed", "historical", "alerts"]),
    ("description_level", &["basic", "detailed", "comprehensive"]),
    (
        "status",
        &[
            // Statuses of plans, profile changes, jobs, conflicts, the process, its components, and the catalog's
            // freshness.
            "created",
            "cached",
            "optimized",
            "updated",
            "activated",
            "deactivated",
            "restored",
            "queued",
            "running",
            "completed",
            "failed",
            "cancelled",
            "pending",
            "resolved",
            "healthy",
            "ready",
            "not_ready",
            "ok",
            "degraded",
            "unavailable",
            "not_configured",
            "stale",
            "unknown",
            "empty",
            "current",
            "demonstration",
        ],
    ),
    ("conflict_type", &["limit_exceeded", "duplicate_subscription", "invalid_instrument"]),
    ("resolution_strategy", &["latest_wins", "merge", "fail_on_conflict", "manual"]),
    ("mode", &["full_catalog", "incremental", "on_demand", "ltp", "quote", "full"]),
    (
        "kind",
        &[
            "added",
            "removed",
            "renamed",
            "token_changed",
            "token_reused",
            "expiry_moved",
            "lot_changed",
            "tick_changed",
            "series_changed",
            "holiday",
            "session",
            "regular",
        ],
    ),
    ("action", &["create", "update", "deactivate", "activate", "restore", "resolve_conflict"]),
    ("instrument_type", &["INDEX", "EQ", "FUT", "CE", "PE"]),
];

fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the file is there")
}

/// Returns the texts of all Rust sources in a folder and its subfolders.
fn sources(folder: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            texts.extend(sources(path.to_str().expect("it is UTF-8")));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(fs::read_to_string(path).expect("a source is text"));
        }
    }
    texts
}

/// Returns the contents of all snapshots.
fn recordings() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/snapshots");
    let files = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path());
    let snapshots = files.filter(|path| path.extension().is_some_and(|extension| extension == "snap"));
    let read = |path| {
        let text = fs::read_to_string(path).expect("a snapshot is text");
        let (_, json) =
            text.strip_prefix("---\n").and_then(|text| text.split_once("---\n")).expect("a snapshot has a header");
        serde_json::from_str(json).expect("a snapshot is JSON")
    };
    snapshots.map(read).collect()
}

/// Returns the status of every code on the page of errors. A unit test compares the page with the code.
fn codes() -> BTreeMap<String, u64> {
    let page = source("docs/errors.md");
    let sections = page.split("\n## `").skip(1).filter_map(|section| section.split_once("`\n\n"));
    let status = |text: &str| text.split(' ').next().and_then(|status| status.parse().ok());
    sections.map(|(code, text)| (code.to_owned(), status(text).expect("a section begins with its status"))).collect()
}

/// Returns method and path of the operations in the OpenAPI document, which does not list the HTML pages.
fn operations() -> Vec<(String, String)> {
    let text = source("src/http/snapshots/instrument_registry__http__openapi__tests__openapi.snap");
    let json = text.splitn(3, "---\n").last().expect("a snapshot has a header");
    let document: Value = serde_json::from_str(json).expect("the document is JSON");
    let paths = document["paths"].as_object().expect("the document has paths");
    let of_path = |(path, item): (&String, &Value)| -> Vec<(String, String)> {
        let methods = item.as_object().expect("a path has methods").keys();
        methods.map(|method| (method.to_uppercase(), path.clone())).collect()
    };
    paths.iter().flat_map(of_path).collect()
}

/// Returns the operation of a request line. If several match, it is the one with the fewest placeholders.
fn operation_of<'a>(request: &str, operations: &'a [(String, String)]) -> Option<&'a (String, String)> {
    let (method, path) = request.split_once(' ')?;
    let path = path.split('?').next()?;
    let fits = |template: &str| {
        let (parts, requested): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
        parts.len() == requested.len()
            && parts.iter().zip(&requested).all(|(part, requested)| part.starts_with('{') || part == requested)
    };
    let fitting = operations.iter().filter(|(of_method, template)| of_method == method && fits(template));
    fitting.min_by_key(|(_, template)| template.matches('{').count())
}

/// Collects the strings in all fields of this name at any depth.
fn texts_of<'a>(value: &'a Value, field: &str, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Array(list) => list.iter().for_each(|entry| texts_of(entry, field, found)),
        Value::Object(fields) => {
            found.extend(fields.get(field).and_then(Value::as_str));
            fields.values().for_each(|entry| texts_of(entry, field, found));
        }
        _ => {}
    }
}

fn texts_in<'a>(recordings: &'a [Value], field: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    recordings.iter().for_each(|recording| texts_of(&recording["body"], field, &mut found));
    found
}

#[test]
fn every_operation_is_recorded_with_a_success() {
    let (operations, recordings) = (operations(), recordings());
    assert!(operations.len() > 30, "{operations:?}");

    let succeeded: BTreeSet<_> = recordings
        .iter()
        .filter(|recording| recording["status"] == 200)
        .filter_map(|recording| operation_of(recording["request"].as_str()?, &operations))
        .collect();
    let missing: Vec<_> = operations.iter().filter(|operation| !succeeded.contains(operation)).collect();
    assert!(missing.is_empty(), "without a recorded success: {missing:?}");
}

/// Returns whether a format string can produce a name: each `{…}` matches one or more characters.
fn may_name(literal: &str, name: &str) -> bool {
    let Some((start, rest)) = literal.split_once('{') else { return literal == name };
    let Some((_, rest)) = rest.split_once('}') else { return false };
    let Some(name) = name.strip_prefix(start) else { return false };
    (1..=name.len()).any(|at| name.is_char_boundary(at) && may_name(rest, &name[at..]))
}

/// A snapshot that no test compares would count as recorded.
#[test]
fn every_snapshot_is_recorded_by_a_test() {
    let sources = sources("tests/contract").join("\n");
    let literals: BTreeSet<&str> = sources.split('"').collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/snapshots");
    let files = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path());
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let names: Vec<String> = files.filter_map(|path| stem(&path)).collect();

    let is_stale = |name: &&String| !literals.iter().any(|literal| may_name(literal, name));
    let stale: Vec<&String> = names.iter().filter(is_stale).collect();
    assert!(stale.is_empty(), "no test records {stale:?}");
    assert!(names.len() > 300, "{}", names.len());
}

#[test]
fn recorded_codes_equal_the_catalog_of_errors() {
    let (codes, recordings) = (codes(), recordings());

    let recorded = texts_in(&recordings, "code");
    assert_eq!(recorded, codes.keys().map(String::as_str).collect());
}

#[test]
fn every_problem_links_to_the_section_of_its_code() {
    let (codes, recordings) = (codes(), recordings());

    let is_problem = |recording: &&Value| recording["headers"]["content-type"] == "application/problem+json";
    let problems: Vec<&Value> = recordings.iter().filter(is_problem).map(|recording| &recording["body"]).collect();
    assert!(problems.len() > 150, "{}", problems.len());
    for problem in problems {
        let code = problem["code"].as_str().expect("a problem has a code");
        assert_eq!(problem["type"], format!("/docs/errors#{code}"));
        assert_eq!(problem["status"], codes[code], "{code}");
    }
}

#[test]
fn every_status_is_recorded() {
    let recorded: BTreeSet<u64> = recordings().iter().filter_map(|recording| recording["status"].as_u64()).collect();

    assert_eq!(recorded, BTreeSet::from(STATUSES));
}

#[test]
fn every_word_of_the_contract_is_recorded() {
    let recordings = recordings();

    for (field, words) in WORDS {
        let recorded = texts_in(&recordings, field);
        let missing: Vec<_> = words.iter().filter(|word| !recorded.contains(*word)).collect();
        assert!(missing.is_empty(), "{field} is never recorded as {missing:?}");
    }
}

/// In the source, codes follow a status or are arguments of a function that creates problems of one status.
#[test]
fn every_code_of_the_source_is_in_the_catalog() {
    let mut found = BTreeSet::new();
    for text in sources("src/http") {
        let dense: String = text.split_whitespace().collect();
        for opening in ["StatusCode::", "bad_request(", "unavailable("] {
            for rest in dense.split(opening).skip(1) {
                let rest = rest.trim_start_matches(|c: char| c.is_ascii_uppercase() || c == '_');
                let rest = rest.strip_prefix(',').unwrap_or(rest);
                let word = rest.strip_prefix('"').and_then(|rest| rest.split_once('"'));
                found.extend(word.map(|(word, _)| word.to_owned()));
            }
        }
    }

    assert!(found.len() > 20, "{found:?}");
    let codes = codes();
    let unknown: Vec<_> = found.iter().filter(|code| !codes.contains_key(*code)).collect();
    assert!(unknown.is_empty(), "not in the catalog of errors: {unknown:?}");
}
