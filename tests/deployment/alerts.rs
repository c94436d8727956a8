//! The alerts: their rules, their unit tests, and their sections of the runbook.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Output;

use test_servers::promtool;
use yaml_rust2::{Yaml, YamlLoader};

use crate::documents::{prose, read_repository_file};

/// An alert, or a recording rule, whose `alert` is `None`.
pub(super) struct Rule {
    pub(super) alert: Option<String>,
    pub(super) expression: String,
    severity: Option<String>,
    summary: Option<String>,
    runbook: Option<String>,
}

pub(super) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus")
}

/// Returns the rules of the deployment.
pub(super) fn rules() -> Vec<Rule> {
    let file =
        &YamlLoader::load_from_str(&read_repository_file("deploy/prometheus/alerts.yml")).expect("it is YAML")[0];
    let groups = file["groups"].as_vec().expect("the file has groups");
    let rules = groups.iter().flat_map(|group| group["rules"].as_vec().expect("a group has rules"));
    let text = |value: &Yaml| value.as_str().map(str::to_owned);
    let rule = |rule: &Yaml| Rule {
        alert: text(&rule["alert"]),
        expression: text(&rule["expr"]).expect("a rule has an expression"),
        severity: text(&rule["labels"]["severity"]),
        summary: text(&rule["annotations"]["summary"]),
        runbook: text(&rule["annotations"]["runbook_url"]),
    };
    rules.map(rule).collect()
}

/// Fails with the output of the command if it failed.
fn assert_passed(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn prometheus_accepts_its_configuration_and_rules() {
    let Some(output) = promtool(&folder(), &["check", "config", "prometheus.yml"], "") else { return };

    assert_passed(&output);
}

#[test]
fn alerts_pass_their_unit_tests() {
    let tests = ["test", "rules", "alerts_test.yml", "alerts_state_test.yml"];
    let Some(output) = promtool(&folder(), &tests, "") else { return };

    assert_passed(&output);
}

#[test]
fn every_alert_is_tested_to_fire_and_not_to_fire() {
    let mut expected = BTreeSet::new();
    for name in rules().into_iter().filter_map(|rule| rule.alert) {
        expected.extend([(name.clone(), true), (name, false)]);
    }
    let mut tested = BTreeSet::new();
    for file in ["alerts_test.yml", "alerts_state_test.yml"] {
        let file = &YamlLoader::load_from_str(&read_repository_file(folder().join(file))).expect("it is YAML")[0];
        for case in file["tests"].as_vec().expect("the file has tests") {
            for check in case["alert_rule_test"].as_vec().expect("a test has checks") {
                let name = check["alertname"].as_str().expect("a check has an alert").to_owned();
                let is_fired = !check["exp_alerts"].as_vec().expect("a check has alerts").is_empty();
                tested.insert((name, is_fired));
            }
        }
    }

    assert_eq!(tested, expected);
}

#[test]
fn every_alert_has_a_severity_a_summary_and_a_runbook() {
    let alerts: Vec<Rule> = rules().into_iter().filter(|rule| rule.alert.is_some()).collect();

    assert!(alerts.len() >= 20, "{}", alerts.len());
    for rule in alerts {
        let name = rule.alert.expect("it is an alert");
        let severity = rule.severity.unwrap_or_default();
        assert!(["page", "ticket"].contains(&&*severity), "{name}: {severity}");
        assert!(rule.summary.is_some_and(|summary| summary.contains("{{ ")), "{name} has no figure or instance");
        let section = format!("docs/runbook.md#{}", name.to_lowercase());
        assert_eq!(rule.runbook, Some(section), "{name}");
    }
}

#[test]
fn the_runbook_has_one_section_for_each_alert() {
    let page = read_repository_file("docs/runbook.md");
    let sections: Vec<&str> = prose(&page)
        .filter_map(|(_, line)| line.strip_prefix("### "))
        .filter(|heading| heading.starts_with("InstrumentRegistry"))
        .collect();
    let names: BTreeSet<String> = rules().into_iter().filter_map(|rule| rule.alert).collect();

    assert_eq!(sections.len(), names.len(), "a section is there twice");
    assert_eq!(sections.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), names);
}

/// Compares the log lines that operators search according to the runbook with the list on the operating page.
#[test]
fn log_messages_of_the_runbook_are_on_the_operating_page() {
    let page = read_repository_file("docs/runbook.md");
    let (_, rest) = page.split_once("grep -F '").expect("the page has a search");
    let operating = read_repository_file("docs/operating.md");
    let messages = std::iter::once(rest).chain(rest.split("grep -F '").skip(1));
    let messages: BTreeSet<&str> = messages.filter_map(|rest| rest.split('\'').next()).collect();

    let missing: Vec<&str> = messages.iter().copied().filter(|text| !operating.contains(text)).collect();

    assert!(messages.len() >= 10, "{messages:?}");
    assert_eq!(missing, [""; 0]);
}
