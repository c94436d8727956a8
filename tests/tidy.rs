//! Checks of the source against the rules of the architecture.

mod crates;
mod modules;
mod test_code;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Maximum number of lines of a file. A longer file is a sign of a second idea.
const LINES_MAX: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns every Rust file below the folder, with its text.
fn sources(folder: &str) -> BTreeMap<PathBuf, String> {
    fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("source is UTF-8");
                found.insert(path, text);
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(&root().join(folder), &mut found);
    assert!(!found.is_empty(), "{folder}");
    found
}

/// Returns every line that contains one of the words outside comments, as `file:line: text`.
fn lines_with(folder: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources(folder) {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| code.contains(word)) {
                let path = path.strip_prefix(root()).expect("it is below the root");
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    found
}

const NOTHING: [String; 0] = [];

#[test]
fn the_domain_has_no_io_no_async_and_no_clock() {
    let forbidden = [
        "tokio",
        "async ",
        ".await",
        "Instant::now",
        "SystemTime",
        "Utc::now",
        "Local::now",
        "std::fs",
        "fs::",
        "std::net",
        "std::env",
        "tracing::",
        "metrics::counter",
        "thread::sleep",
        "sqlx",
        "reqwest",
        "axum",
    ];

    assert_eq!(lines_with("planning/src", &forbidden), NOTHING);
}

#[test]
fn only_the_runtime_folder_names_the_actor_library() {
    for folder in ["src", "store/src", "planning/src", "loadtest/src", "tests", "tools"] {
        let named: Vec<String> = lines_with(folder, &["ractor::", "ractor}", "use ractor"])
            .into_iter()
            .filter(|line| !line.starts_with("tests/tidy.rs"))
            .collect();
        assert_eq!(named, NOTHING, "{folder}");
    }
    let named = lines_with("actors/src", &["ractor::"]);
    assert!(!named.is_empty());
    for line in named {
        assert!(line.starts_with("actors/src/runtime"), "{line}");
    }
    for manifest in ["Cargo.toml", "store/Cargo.toml", "planning/Cargo.toml", "loadtest/Cargo.toml"] {
        let text = fs::read_to_string(root().join(manifest)).unwrap();
        assert!(!text.contains("ractor.workspace"), "{manifest}");
    }
}

/// Returns the dependencies of a manifest, without those of its tests.
fn dependencies(manifest: &str) -> String {
    let text = fs::read_to_string(root().join(manifest)).expect("the manifest is readable");
    let (_, rest) = text.split_once("\n[dependencies]\n").expect("the manifest has the section");
    rest.split("\n[").next().unwrap_or_default().to_owned()
}

#[test]
fn only_the_store_names_the_database_library() {
    // The load test, the test servers and the tests of the service use the database from outside.
    for folder in ["src", "actors", "planning", "benches", "tools/config-standin", "loadtest/src"] {
        assert_eq!(lines_with(folder, &["sqlx::", "use sqlx"]), NOTHING, "{folder}");
    }
    assert!(!lines_with("store/src", &["use sqlx"]).is_empty());
    for manifest in ["Cargo.toml", "actors/Cargo.toml", "planning/Cargo.toml", "benches/Cargo.toml"] {
        assert!(!dependencies(manifest).contains("sqlx"), "{manifest}");
    }
}

#[test]
fn the_store_has_no_actor_and_no_metric() {
    assert_eq!(
        lines_with("store/src", &["registry_actors", "use metrics", "counter!", "gauge!", "histogram!"]),
        NOTHING
    );
    let manifest = fs::read_to_string(root().join("store/Cargo.toml")).unwrap();
    assert!(!manifest.contains("registry-actors") && !manifest.contains("metrics"));
}

#[test]
fn the_domain_depends_on_no_other_crate_of_ours() {
    let manifest = fs::read_to_string(root().join("planning/Cargo.toml")).unwrap();

    assert!(!manifest.contains("registry-actors") && !manifest.contains("instrument-registry.workspace"));
    assert!(!manifest.contains("registry-store"));
    // The tests of the engine use a web server; the engine itself does not.
    assert!(!dependencies("actors/Cargo.toml").contains("axum"));
}

#[test]
fn source_files_do_not_exceed_the_line_limit() {
    for folder in ["src", "actors/src", "store/src", "planning/src"] {
        for (path, text) in sources(folder) {
            let lines = text.lines().count();
            assert!(lines <= LINES_MAX, "expected at most {LINES_MAX} lines, got {lines}: {}", path.display());
        }
    }
}

/// Returns the rest of every `"instrument_registry_…"` in the text.
fn metric_names(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.split("\"instrument_registry_")
        .skip(1)
        .filter_map(|rest| {
            rest.find(|c| !is_part(c)).filter(|end| rest[*end..].starts_with('"')).map(|end| &rest[..end])
        })
        .collect()
}

/// Removes comments and white space, so that a call on several lines equals a call on one line.
fn dense(text: &str) -> String {
    let code = text.lines().map(|line| line.trim_start()).filter(|line| !line.starts_with("//"));
    code.collect::<String>().replace(' ', "")
}

/// Returns the kind with which each metric is described: `counter`, `gauge` or `histogram`.
fn described(text: &str) -> BTreeMap<String, &'static str> {
    let dense = dense(text);
    let mut constants = BTreeMap::new();
    for rest in dense.split("const").skip(1) {
        if let Some((name, value)) = rest.split_once(":&str=\"")
            && let Some((value, _)) = value.split_once('"')
        {
            constants.insert(name.to_owned(), value.to_owned());
        }
    }
    let mut described = BTreeMap::new();
    for kind in ["counter", "gauge", "histogram"] {
        for call in dense.split(&format!("describe_{kind}!(")).skip(1) {
            let argument = call.split(',').next().unwrap_or_default();
            let name = argument.strip_prefix('"').map(|name| name.trim_end_matches('"').to_owned());
            let name = name.or_else(|| constants.get(argument).cloned()).unwrap_or_else(|| argument.to_owned());
            assert!(described.insert(name.clone(), kind).is_none(), "{name} is described twice");
        }
    }
    described
}

#[test]
fn every_metric_is_described_once_and_named_after_its_kind() {
    let folders = ["src", "actors/src", "store/src"];
    let text: String = folders.into_iter().flat_map(|folder| sources(folder).into_values()).collect();
    let described = described(&text);

    let used: BTreeSet<String> =
        metric_names(&text).into_iter().map(|rest| format!("instrument_registry_{rest}")).collect();
    assert!(used.len() > 20, "{used:?}");
    assert_eq!(described.keys().cloned().collect::<BTreeSet<_>>(), used);
    for (name, kind) in described {
        let is_total = name.ends_with("_total");
        assert_eq!(is_total, kind == "counter", "{name} is a {kind}");
        let has_unit = ["_seconds", "_rows", "_keys"].iter().any(|unit| name.ends_with(unit));
        assert!(kind != "histogram" || has_unit, "{name} is a histogram without a unit");
    }
}

#[test]
fn every_migration_goes_forward() {
    for folder in ["migrations/sqlite", "migrations/postgres"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap().to_lowercase();
            assert!(!text.contains("drop table") && !text.contains("drop column"), "{}", path.display());
            assert!(!path.display().to_string().contains(".down."), "{}", path.display());
        }
    }
}
