use std::io::Write;

use clap::Parser;
use tempfile::NamedTempFile;

use super::*;
use crate::args::{Args, Command};

fn parse(options: &[&str]) -> Result<RunArgs, clap::Error> {
    let args = Args::try_parse_from(["loadtest", "run"].iter().chain(options))?;
    match args.command {
        Command::Run(args) => Ok(*args),
        other => panic!("`run` was read as {other:?}"),
    }
}

fn check(options: &[&str]) -> anyhow::Result<Settings> {
    Settings::of_run(&parse(options).expect("the options are parsed"), Some("from-environment".into()))
}

fn refusal(options: &[&str]) -> String {
    format!("{:#}", check(options).expect_err("the run cannot be made"))
}

fn file(content: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(content.as_bytes()).expect("the file can be written");
    file
}

fn path(file: &NamedTempFile) -> &str {
    file.path().to_str().expect("temporary paths are UTF-8")
}

#[test]
fn a_scenario_is_a_bounded_run_against_this_machine() {
    let settings = check(&["mixed"]).expect("the scenario is valid");

    assert_eq!(settings.service.target.base, "http://127.0.0.1:8901");
    let scenario = &settings.workload.scenario;
    assert_eq!(scenario.connections, 64);
    assert_eq!(scenario.requests, 1_000_000);
    assert_eq!(scenario.seconds, 20);
    assert_eq!(scenario.warmup_seconds, 0);
    assert!(scenario.phases.is_empty());
    assert_eq!(scenario.sizes, [100]);
    assert_eq!(settings.workload.keys.len(), 0);
}

#[test]
fn options_replace_values_of_the_scenario() {
    let settings = check(&[
        "burst",
        "--rate",
        "50",
        "--arrivals",
        "constant",
        "--connections",
        "4096",
        "--seconds",
        "9",
        "--requests",
        "7",
        "--warmup-seconds",
        "2",
        "--sizes",
        "10,100,5000",
        "--users",
        "3",
        "--broker",
        "kite",
        "--pool",
        "5",
        "--answer-bytes",
        "2",
    ]);

    let workload = settings.expect("the options are valid").workload;
    insta::assert_debug_snapshot!("options", (workload.scenario, workload.broker));
    assert_eq!(check(&["cold", "--instruments", "7"]).expect("a size").workload.scenario.sizes, [7]);
}

#[test]
fn numbers_out_of_range_are_rejected_with_option_and_limit() {
    for (option, value, expected) in [
        ("--connections", "0", "connections: expected an integer from 1 to 4096, got 0"),
        ("--requests", "20000001", "requests: expected an integer from 1 to 20000000, got 20000001"),
        ("--seconds", "86401", "seconds: expected an integer from 1 to 86400, got 86401"),
        ("--instruments", "10,5001", "sizes: expected an integer from 1 to 5000, got 5001"),
        ("--users", "0", "users: expected an integer from 1 to 4294967295, got 0"),
        ("--rate", "0", "rate: expected an integer from 1 to 200000, got 0"),
        ("--pool", "100001", "pool: expected an integer from 1 to 100000, got 100001"),
    ] {
        assert_eq!(refusal(&["cold", option, value]), format!("scenario `cold`: {expected}"));
    }
    let error = parse(&["cold", "--timeout-seconds", "0"]).expect_err("no time");
    assert_eq!(error.kind(), clap::error::ErrorKind::ValueValidation);
    assert!(parse(&["cold", "--arrivals", "sometimes"]).is_err());
    assert!(parse(&["cold", "--repeat-share", "1"]).is_err(), "an unknown option");
}

#[test]
fn an_invalid_scenario_file_is_rejected_with_path_and_field() {
    let scenario = file("name = \"x\"\nconnections = 9999\n[mix]\nnew = 1\n");

    let message = refusal(&[path(&scenario)]);

    assert_eq!(
        message,
        format!("scenario `{}`: connections: expected an integer from 1 to 4096, got 9999", path(&scenario))
    );
    assert!(check(&[path(&scenario), "--connections", "9"]).is_ok(), "an option takes precedence over the file");
    assert!(refusal(&["/nowhere/x.toml"]).contains("unknown scenario `/nowhere/x.toml`"));
}

#[test]
fn more_instruments_than_keys_are_rejected_with_both_numbers() {
    let keys = file("NSE:TCS\nNSE:INFY\n");

    let message = refusal(&["cold", "--sizes", "1,3", "--keys", path(&keys)]);

    let expected = format!("sizes: expected at most 2, got 3; the limit is the number of keys in `{}`", path(&keys));
    assert_eq!(message, expected);
    assert!(check(&["cold", "--instruments", "2", "--keys", path(&keys)]).is_ok());
}

#[test]
fn ids_to_read_are_plan_ids() {
    let ids = file("plan_0192f3a4b5c67d8e9f00112233445566\n\nplan_0192f3a4b5c67d8e9f00112233445567\n");

    assert_eq!(check(&["read", "--ids", path(&ids)]).expect("two ids").ids.len(), 2);
    assert!(refusal(&["read", "--ids", path(&file("plan_1\n"))]).ends_with("line 1: expected a plan id"));
    assert!(refusal(&["read", "--ids", path(&file("\n"))]).ends_with("the file contains no plan ids"));
}

#[test]
fn the_key_file_wins_over_the_environment() {
    let key_file = file("from-file\n");

    let head = |options: &[&str]| {
        let (settings, mut head) = (check(&[&["cold"], options].concat()).expect("there is a key"), Vec::new());
        settings.service.site.bare("GET", format_args!("/"), &mut head);
        String::from_utf8(head).expect("the head is text")
    };

    assert!(head(&["--key-file", path(&key_file)]).ends_with("X-Internal-API-Key: from-file\r\n\r\n"));
    assert!(head(&[]).ends_with("X-Internal-API-Key: from-environment\r\n\r\n"));
}

#[test]
fn a_required_key_must_be_present_and_a_valid_header_value() {
    let without_key = |options: &[&str]| Settings::of_run(&parse(options).expect("the options are parsed"), None);

    assert!(without_key(&["cold"]).expect_err("no key").to_string().contains(KEY_VARIABLE));
    assert!(without_key(&["cold", "--dialect", "yardstick"]).is_ok());
    assert!(without_key(&["hello"]).is_ok() && without_key(&["echo"]).is_ok());
    for key in ["", " ", "a\nb", "a\u{7f}"] {
        let message = refusal(&["cold", "--key-file", path(&file(key))]);
        assert!(message.contains(": API key is empty"), "{message}");
    }
}

#[test]
fn the_key_is_never_shown() {
    let key = file("hunter2");
    let settings = check(&["cold", "--key-file", path(&key)]).expect("a key");

    assert!(!format!("{settings:?}").contains("hunter2"));
    let message = refusal(&["cold", "--key-file", path(&file("hunter2\u{7f}"))]);
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn an_invalid_list_of_keys_is_rejected_with_its_file() {
    let empty = file("\n");

    assert_eq!(
        refusal(&["cold", "--keys", path(&empty)]),
        format!("--keys: `{}`: the list contains no keys", path(&empty))
    );
}
