//! Runs the commands of the documents like a reader: the `sh` blocks of each page in one shell, from top to bottom,
//! against a service on SQLite. Blocks marked `shell` are skipped, because they need Docker, another server or a long
//! time.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{documents, read_repository_file, root};
use crate::support::{CommandResult, Process, gzip};

/// The name of the file that the pages ingest.
const KITE_FILE: &str = "kite_instruments_2026-08-17.csv.gz";
/// Separates the outputs of blocks.
const BLOCK_END: &str = "\u{1}";

/// A block of commands, and the answer that the page shows for it.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    line: usize,
    commands: String,
    answer: Option<String>,
}

/// Returns the `sh` blocks of a page. A `json` block after an `sh` block, with at most prose between them, is its
/// answer.
fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open: Option<(String, usize, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_owned(), number, String::new())),
            (Some((language, line, content)), Some(_)) => {
                match language.as_str() {
                    "sh" => found.push(Block { line: *line, commands: content.clone(), answer: None }),
                    "json" => {
                        if let Some(block) = found.last_mut().filter(|block| block.answer.is_none()) {
                            block.answer = Some(content.clone());
                        }
                    }
                    _ => {}
                }
                open = None;
            }
            (Some((_, _, content)), None) => {
                content.push_str(line);
                content.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// Returns a file of Kite with the instruments that the pages name, and enough others to pass the gate of a first file.
fn kite_file() -> Vec<u8> {
    let mut rows = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
                    instrument_type,segment,exchange\n\
                    256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE\n\
                    17410818,68011,NIFTY26AUGFUT,NIFTY,0,2026-08-25,0,0.1,75,FUT,NFO-FUT,NFO\n"
        .to_owned();
    let named = ["INFY", "ITC", "RELIANCE", "TCS"].map(str::to_owned);
    for (number, symbol) in (3000..).zip(named.into_iter().chain((1..=1200).map(|number| format!("SHARE{number}")))) {
        writeln!(rows, "{},{number},{symbol},{symbol} LIMITED,0,,0,0.05,1,EQ,NSE,NSE", number * 256)
            .expect("a string accepts every write");
    }
    gzip(rows.as_bytes())
}

/// Returns a port for the second service of a page.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("the listener has an address").port()
}

/// Runs the blocks in one shell, and returns the output of each.
fn run_blocks(folder: &Path, address: &str, blocks: &[Block]) -> Result<Vec<String>, String> {
    let second_port = free_port().to_string();
    let mut script = "set -eu\ncurl() { command curl --fail-with-body \"$@\"; }\n".to_owned();
    for block in blocks {
        script += &block.commands.replace("127.0.0.1:8901", address).replace("8902", &second_port);
        script += "printf '\\001'\n";
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_instrument-registry")).parent().expect("the binary is in a folder");
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("bash");
    command.args(["-c", &script]).current_dir(folder).env_clear().env("PATH", path);
    let finished = CommandResult::from(command.output().expect("bash is installed"));
    let mut outputs: Vec<String> = finished.output.split(BLOCK_END).map(str::to_owned).collect();
    if finished.code != Some(0) {
        let line = blocks.get(outputs.len() - 1).map_or(0, |block| block.line);
        return Err(format!(
            "the block at line {line} failed: {}{}",
            outputs.pop().unwrap_or_default(),
            finished.stderr
        ));
    }
    Ok(outputs)
}

/// Returns whether the value of a field differs between runs.
fn is_masked(name: &str) -> bool {
    name.ends_with("_id")
        || name.ends_with("_at")
        || name.ends_with("_hash")
        || name.ends_with("timestamp")
        || name.ends_with("_ms")
}

/// Returns whether a value is an id, such as `plan_` and 32 hexadecimal digits.
fn is_id(text: &str) -> bool {
    text.rsplit_once('_').is_some_and(|(_, digits)| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Checks that the answer has every field and item that the page shows, in the same order.
fn compare(place: &str, shown: &Value, actual: &Value) -> Result<(), String> {
    match (shown, actual) {
        (Value::Object(shown), Value::Object(actual)) => shown.iter().try_for_each(|(name, value)| {
            let place = format!("{place}/{name}");
            let found = actual.get(name).ok_or(format!("{place} is not in the answer"))?;
            if is_masked(name) && !value.is_null() && !found.is_null() { Ok(()) } else { compare(&place, value, found) }
        }),
        (Value::Array(shown), Value::Array(actual)) => {
            let mut rest = actual.iter();
            shown.iter().enumerate().try_for_each(|(position, item)| {
                let is_found = rest.any(|found| compare(place, item, found).is_ok());
                is_found.then_some(()).ok_or(format!("{place}/{position} is not in the answer: {item} in {actual:?}"))
            })
        }
        (Value::String(shown), Value::String(actual)) if is_id(shown) && is_id(actual) => Ok(()),
        _ if shown == actual => Ok(()),
        _ => Err(format!("{place}: the page shows {shown}, the answer is {actual}")),
    }
}

/// Runs the commands of a page against a new service, and compares their answers with those that the page shows.
async fn check(page: &str) {
    let blocks = blocks(&read_repository_file(page));
    for tool in ["curl", "jq"] {
        let is_installed = Command::new(tool).arg("--version").output().is_ok();
        assert!(is_installed, "{tool} is not installed; `make test` installs it");
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    fs::write(folder.path().join(KITE_FILE), kite_file()).expect("the folder is writable");
    let service = Process::start_with_only(&folder.path().join("data"), &[]).await;

    let outputs = run_blocks(folder.path(), &service.address.to_string(), &blocks)
        .unwrap_or_else(|fault| panic!("{page}: {fault}\n{}", service.log()));

    for (block, output) in blocks.iter().zip(outputs) {
        let Some(answer) = &block.answer else { continue };
        let shown = serde_json::from_str(answer).unwrap_or_else(|fault| panic!("{page}:{}: {fault}", block.line));
        let start = output.find(['{', '[']).unwrap_or_default();
        let last = serde_json::Deserializer::from_str(&output[start..]).into_iter::<Value>().last();
        let actual = last.and_then(Result::ok).unwrap_or_else(|| panic!("{page}:{}: no JSON in {output}", block.line));
        compare("", &shown, &actual).unwrap_or_else(|fault| panic!("{page}:{}: {fault}", block.line));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_readme_run() {
    check("README.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_plans_page_run() {
    check("docs/plans.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_tour_run() {
    check("docs/tour.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_limits_page_run() {
    check("docs/limits.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_transitions_page_run() {
    check("docs/transitions.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_placement_page_run() {
    check("docs/placement.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_brokers_page_run() {
    check("docs/brokers.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_profiles_page_run() {
    check("docs/profiles.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_catalog_page_run() {
    check("docs/catalogue.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_calendar_page_run() {
    check("docs/calendar.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_operating_page_run() {
    check("docs/operating.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_verification_page_run() {
    check("docs/verification.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_configuration_page_run() {
    check("docs/configuration.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_command_line_page_run() {
    check("docs/cli.md").await;
}

#[test]
fn every_page_with_commands_is_checked() {
    let checked = [
        "README.md",
        "docs/tour.md",
        "docs/limits.md",
        "docs/plans.md",
        "docs/transitions.md",
        "docs/placement.md",
        "docs/brokers.md",
        "docs/profiles.md",
        "docs/catalogue.md",
        "docs/calendar.md",
        "docs/operating.md",
        "docs/verification.md",
        "docs/configuration.md",
        "docs/cli.md",
    ];
    for document in documents() {
        let name = document.strip_prefix(root()).expect("documents are below the root").display().to_string();
        assert_eq!(!blocks(&read_repository_file(&document)).is_empty(), checked.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn an_answer_belongs_to_the_block_before_it() {
    let page = "```sh\ncurl x\n```\ntext\n```json\n{}\n```\n```shell\nmake up\n```\n";

    let expected = Block { line: 1, commands: "curl x\n".to_owned(), answer: Some("{}\n".to_owned()) };
    assert_eq!(blocks(page), [expected]);
}

#[test]
fn comparing_finds_differences_and_masks_ids() {
    let actual = serde_json::json!({"plan_id": "a", "list": [1, 2, 3], "name": "x"});
    let shown = |value: Value| compare("", &value, &actual);

    assert_eq!(shown(serde_json::json!({"plan_id": "b", "list": [1, 3]})), Ok(()));
    assert!(shown(serde_json::json!({"list": [3, 1]})).is_err());
    assert!(shown(serde_json::json!({"name": "y"})).is_err());
    assert!(shown(serde_json::json!({"other": 1})).is_err());
}
