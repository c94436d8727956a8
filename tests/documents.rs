//! Checks of the documents: their links, lengths and words, and the names in them, which must exist in the repository.

mod commands;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::run;

/// Maximum number of lines of the two documents that a reader starts with.
const README_LINES_MAX: usize = 130;
const ARCHITECTURE_LINES_MAX: usize = 170;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the paths of the Markdown files below `docs`, in the root, and of the Python client.
fn documents() -> Vec<PathBuf> {
    let mut found = files_below(&root().join("docs"), "md");
    found.extend(
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "clients/python/README.md"].map(|name| root().join(name)),
    );
    found
}

pub(crate) fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|fault| panic!("failed to read {}: {fault}", folder.display()));
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("the entry is readable").path();
        if path.is_dir() {
            found.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

pub(crate) fn read_repository_file(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|fault| panic!("failed to read {}: {fault}", path.display()))
}

/// Returns the lines outside fenced blocks, with their numbers, which start at 1.
pub(crate) fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_fenced = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fence && !is_fenced
    })
}

/// Returns the targets of the Markdown links of a line.
fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

/// Returns the anchor of a heading on GitHub.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    prose(text)
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(_, line)| anchor(line.trim_start_matches('#')))
        .collect()
}

/// Returns the words in backticks in the first cell of each row of the tables.
pub(crate) fn first_cells(text: &str) -> BTreeSet<String> {
    prose(text)
        .filter_map(|(_, line)| line.strip_prefix("| "))
        .filter_map(|line| line.split('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_link_of_the_documents_resolves() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = read_repository_file(&document);
        for (number, line) in prose(&text) {
            for target in link_targets(line).filter(|target| !target.starts_with("http")) {
                let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
                let linked = match path {
                    "" => document.clone(),
                    path => document.parent().expect("a document is in a folder").join(path),
                };
                let is_good = linked.exists()
                    && (fragment.is_empty() || anchors(&read_repository_file(&linked)).contains(fragment));
                if !is_good {
                    broken.push(format!("{}:{number}: {target}", document.display()));
                }
            }
        }
    }

    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn first_documents_are_short() {
    assert!(read_repository_file("README.md").lines().count() <= README_LINES_MAX);
    assert!(read_repository_file("ARCHITECTURE.md").lines().count() <= ARCHITECTURE_LINES_MAX);
}

#[test]
fn configuration_page_lists_every_setting() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let checked = run(&["check-config"], folder.path(), &[]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let settings: BTreeSet<String> = checked
        .output
        .lines()
        .filter_map(|line| line.trim_start_matches('|').split_whitespace().next())
        .filter(|name| name.len() > 3 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .map(str::to_owned)
        .collect();
    assert!(settings.len() > 30, "{settings:?}");

    let documented = first_cells(&read_repository_file("docs/configuration.md"));

    assert_eq!(documented, settings);
}

#[test]
fn operating_page_lists_every_metric() {
    let mut registered = BTreeSet::new();
    for folder in ["src", "actors/src", "store/src"] {
        for file in files_below(&root().join(folder), "rs") {
            let text = read_repository_file(file);
            let names = text.split('"').filter(|part| part.starts_with("instrument_registry_"));
            registered.extend(names.filter(|name| name.bytes().all(is_of_metric)).map(str::to_owned));
        }
    }

    let documented: BTreeSet<String> = first_cells(&read_repository_file("docs/operating.md"))
        .into_iter()
        .filter(|name| name.starts_with("instrument_registry_"))
        .collect();

    assert_eq!(documented, registered);
}

#[test]
fn log_messages_of_the_operating_page_exist() {
    let page = read_repository_file("docs/operating.md");
    let (_, rest) = page.split_once("\n## Log\n").expect("the page has the section");
    let (section, _) = rest.split_once("\n## ").expect("another section follows");
    let files =
        ["src", "actors/src", "store/src"].into_iter().flat_map(|folder| files_below(&root().join(folder), "rs"));
    let source: String = files.map(read_repository_file).collect();

    let messages = first_cells(section);
    let missing: Vec<&String> = messages.iter().filter(|message| !source.contains(&format!("\"{message}\""))).collect();

    assert!(messages.len() > 10, "{messages:?}");
    assert_eq!(missing, Vec::<&String>::new());
}

const fn is_of_metric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == b'_'
}

#[test]
fn every_make_command_of_the_documents_exists() {
    let makefile = read_repository_file("Makefile");
    let described = makefile.lines().filter(|line| line.contains(" ## "));
    let targets: BTreeSet<&str> = described.filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
    let mut unknown = Vec::new();
    for document in documents() {
        let text = read_repository_file(&document);
        // A command is a whole line of a block or the start of inline code.
        let starts = text.lines().filter_map(|line| line.trim_start().strip_prefix("make "));
        let inline = text.split('`').filter_map(|code| code.strip_prefix("make "));
        for rest in starts.chain(inline) {
            let word = rest.split_whitespace().next().unwrap_or_default();
            if rest.contains("##") || !targets.contains(word) {
                unknown.push(format!("{}: make {rest}", document.display()));
            }
        }
    }

    assert_eq!(unknown, Vec::<String>::new());
}

/// Returns the code in backticks outside fenced blocks.
fn inline_code(text: &str) -> impl Iterator<Item = &str> {
    prose(text).flat_map(|(_, line)| line.split('`').skip(1).step_by(2))
}

#[test]
fn every_source_file_of_the_documents_exists() {
    let folders = [
        "actors/",
        "benches/",
        "clients/",
        "deploy/",
        "loadtest/",
        "migrations/",
        "planning/",
        "src/",
        "store/",
        "tests/",
        "tools/",
    ];
    let mut missing = Vec::new();
    for document in documents() {
        for code in inline_code(&read_repository_file(&document)) {
            let is_path = folders.iter().any(|folder| code.starts_with(folder)) && !code.contains([' ', '*', '…', '<'])
                // Folders such as deploy/.run are created at run time.
                && !code.contains("/.");
            if is_path && !root().join(code).exists() {
                missing.push(format!("{}: {code}", document.display()));
            }
        }
    }

    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_test_of_an_invariant_exists() {
    let folders = ["src", "actors/src", "store/src", "planning/src", "tests"];
    let sources: Vec<String> =
        folders.iter().flat_map(|folder| files_below(&root().join(folder), "rs")).map(read_repository_file).collect();
    let text = read_repository_file("ARCHITECTURE.md");
    let (_, rest) = text.split_once("\n## Invariants\n").expect("the page has the section");
    let (invariants, _) = rest.split_once("\n## ").expect("another section follows");

    // Long names are shortened with an ellipsis.
    let names: Vec<&str> =
        inline_code(invariants).filter(|code| code.matches('_').count() > 2 && !code.contains('/')).collect();
    let missing: Vec<&&str> = names
        .iter()
        .filter(|name| {
            let start = format!("fn {}", name.strip_suffix('…').unwrap_or(name));
            !sources.iter().any(|source| source.contains(&start))
        })
        .collect();

    assert!(names.len() > 10, "{names:?}");
    assert_eq!(missing, Vec::<&&str>::new());
}
