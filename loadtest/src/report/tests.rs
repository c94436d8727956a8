use clap::Parser;

use super::*;
use crate::args::{Args, Command};
use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::tally::{Measurement, Tally};

/// Returns the report of a run of one second with this name.
fn report(name: &str) -> Report {
    let args = Args::try_parse_from(["loadtest", "run", "mixed", "--key", "k"]).expect("the options parse");
    let Command::Run(args) = args.command else { panic!("`run` is another command") };
    let settings = Settings::of_run(&args, None).expect("the options are sound");
    let settings = Settings { name: name.to_owned(), ..settings };
    let mut tally = Tally::new();
    for ms in 1..=1_000 {
        let (begun, ended) = (std::time::Duration::from_millis(ms), std::time::Duration::from_millis(2 * ms));
        let outcome = if ms % 10 == 0 { RequestOutcome::Refused } else { RequestOutcome::Created };
        tally.record(&Measurement { kind: Kind::New, outcome, is_answered: true, answer_bytes: 10, begun, ended });
    }
    tally.fault(&Fault::Transport("<script>alert(1)</script>".into()));
    let load = Load { tally, ledger: Ledger::default(), unsent: 3, next_index: 1_000 };
    Report::new(&settings, &load, &Ledger::default(), Some(Verification { intact: 7, ..Verification::default() }))
}

fn page(name: &str) -> String {
    let mut page = Vec::new();
    report(name).write_html(&mut page).expect("memory takes the page");
    String::from_utf8(page).expect("the page is text")
}

#[test]
fn the_page_requests_no_other_resource() {
    let page = page("mixed");

    // The address of the registry is text, not a link.
    let shown = page.replace("http://127.0.0.1:8901", "");
    for reference in ["http:", "https:", "src=", "href=", "url(", "@import", "<link", "<script", "<img", "<iframe"] {
        assert!(!shown.contains(reference), "{reference}");
    }
}

#[test]
fn the_page_shows_names_as_text() {
    let page = page("<b>\"x\" & 'y'</b>");

    assert!(page.contains("<h1>&lt;b&gt;&quot;x&quot; &amp; &#39;y&#39;&lt;/b&gt;</h1>"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<b>"));
}

#[test]
fn every_chart_has_a_title_a_description_and_labels() {
    let page = page("mixed");

    assert_eq!(page.matches("<svg ").count(), 3);
    assert_eq!(page.matches("role=\"img\"").count(), 3);
    for id in ["latency-over-time", "answers-over-time", "latency-by-percentile"] {
        assert!(
            page.contains(&format!("<title id=\"{id}-title\">")) && page.contains(&format!("<desc id=\"{id}-desc\">"))
        );
    }
    for label in ["time, s", "latency, ms", "requests per second", "share of responses, %", "99.9", "read back"] {
        assert!(page.contains(label), "{label}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && !page.contains("NaN"));
}

#[test]
fn the_json_has_the_documented_fields() {
    let json = serde_json::to_value(report("mixed")).expect("it serialises");

    assert_eq!((&json["mode"], &json["sent"], &json["answered"]), (&"closed".into(), &1_000.into(), &1_000.into()));
    assert_eq!(
        (&json["seconds"], &json["rate_per_second"], &json["goodput_per_second"]),
        (&2.0.into(), &500.0.into(), &450.0.into())
    );
    assert_eq!((&json["latency"]["count"], &json["refused"]["count"]), (&900.into(), &100.into()));
    assert!(json["rate"].is_null() && json["arrivals"].is_null() && json["refused"]["latency"]["p99_ms"].is_f64());
    assert_eq!(json["verification"]["intact"], 7);
    assert_eq!(json["timeline"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["faults"][0]["kind"], "transport");
    assert_eq!(json["kinds"]["new"]["latency"]["max_ms"], json["latency"]["max_ms"]);
}
