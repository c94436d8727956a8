use super::*;

/// Returns a small scenario with an additional line.
fn error(line: &str) -> String {
    let text = format!("name = \"x\"\n{line}\n[mix]\nnew = 1\n");
    let text = if line.starts_with('[') { format!("name = \"x\"\n{line}\n") } else { text };
    Scenario::parse("x.toml", &text)
        .and_then(|scenario| scenario.check())
        .map_err(|error| format!("{error:#}"))
        .expect_err(line)
}

#[test]
fn every_built_in_scenario_is_valid_and_has_its_listed_name() {
    for (name, _) in BUILT_IN {
        let scenario = Scenario::load(name).expect(name);

        assert_eq!(scenario.name, name);
        scenario.check().expect(name);
    }
}

#[test]
fn the_mixes_are_as_documented() {
    for name in ["mixed", "burst"] {
        let mix = Scenario::load(name).expect(name).mix;

        assert_eq!(mix.total(), 100);
        let expected = [
            (RequestKind::New, 20),
            (RequestKind::Repeat, 70),
            (RequestKind::Read, 4),
            (RequestKind::Describe, 3),
            (RequestKind::List, 3),
        ];
        assert_eq!(mix.0, expected.into());
    }
    let kinds = [
        ("cold", RequestKind::New),
        ("warm", RequestKind::Repeat),
        ("reorder", RequestKind::Reorder),
        ("read", RequestKind::Read),
    ];
    let more = [
        ("search", RequestKind::Search),
        ("profiles", RequestKind::Profile),
        ("hello", RequestKind::Hello),
        ("echo", RequestKind::Echo),
    ];
    for (name, kind) in kinds.into_iter().chain(more).chain([("hot-key", RequestKind::New)]) {
        let mix = Scenario::load(name).expect(name).mix;

        assert_eq!(mix.total(), mix.weight(kind), "{name}");
        assert_eq!(mix.total(), 1, "{name}");
    }
}

#[test]
fn a_burst_is_ten_times_the_rate_for_five_seconds() {
    let burst = Scenario::load("burst").expect("it is built in");

    let phases: Vec<_> = burst.phases.iter().map(|phase| (phase.seconds, phase.rate)).collect();

    assert_eq!(phases, [(5, 300), (5, 3_000), (10, 300)]);
    assert_eq!(burst.seconds, 20);
}

#[test]
fn an_unknown_field_is_rejected_with_its_name() {
    for (line, name) in [
        ("conections = 3", "conections"),
        ("[mix]\nnw = 1", "nw"),
        ("size = [1]", "size"),
        ("bytes = 1", "bytes"),
        ("[mix]\nnew = 1\n[[phase]]\nseconds = 1\nrates = 1", "rates"),
    ] {
        let message = error(line);

        assert!(message.starts_with("scenario `x.toml`: ") && message.contains(&format!("`{name}`")), "{message}");
    }
}

#[test]
fn a_figure_out_of_range_is_rejected_with_field_and_limit() {
    for (line, expected) in [
        ("connections = 5000", "connections: expected an integer from 1 to 4096, got 5000"),
        ("seconds = 0", "seconds: expected an integer from 1 to 86400, got 0"),
        ("requests = 20_000_001", "requests: expected an integer from 1 to 20000000, got 20000001"),
        ("rate = 0", "rate: expected an integer from 1 to 200000, got 0"),
        ("sizes = [10, 5001]", "sizes: expected an integer from 1 to 5000, got 5001"),
        ("[mix]\nnew = 2_000_000", "mix.new: expected an integer from 0 to 1000000, got 2000000"),
        ("pool = 0", "pool: expected an integer from 1 to 100000, got 0"),
        ("[mix]\nnew = 1\n[[phase]]\nseconds = 1\nrate = 0", "phase.rate: expected an integer from 1 to 200000, got 0"),
    ] {
        assert_eq!(error(line), expected);
    }
}

#[test]
fn contradictory_parts_are_rejected() {
    for (line, expected) in [
        ("[mix]\nnew = 0", "mix: at least one weight must be above 0"),
        ("sizes = []", "sizes: must not be empty"),
        ("together = true\nrate = 5", "together: cannot be combined with a rate or phases"),
        ("warmup_seconds = 20", "warmup_seconds: must be less than `seconds`"),
    ] {
        assert_eq!(error(line), expected);
    }
    let both = "name = \"x\"\nrate = 1\n[mix]\nnew = 1\n[[phase]]\nseconds = 1\nrate = 1\n";
    let scenario = Scenario::parse("x.toml", both).expect("it is well formed");
    assert!(scenario.check().expect_err("two rates").to_string().contains("rate: cannot be combined with phases"));
    let round = "name = \"x\"\ntogether = true\n[mix]\nread = 1\n";
    let scenario = Scenario::parse("x.toml", round).expect("it is well formed");
    assert!(
        scenario.check().expect_err("a read").to_string().contains("together: the mix must contain only new plans")
    );
}

#[test]
fn an_unknown_scenario_is_rejected_with_the_known_ones() {
    let message = Scenario::load("luke-warm").expect_err("no such thing").to_string();

    assert!(message.contains("`luke-warm`") && message.contains("cold, warm, reorder"), "{message}");
}

#[test]
fn kinds_that_the_yardstick_lacks_become_reads() {
    let mut mix = Scenario::load("mixed").expect("it is built in").mix;

    mix.adapt_to_the_yardstick();

    assert_eq!(mix.0, [(RequestKind::New, 20), (RequestKind::Repeat, 70), (RequestKind::Read, 10)].into());
}
