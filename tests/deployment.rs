//! The files of the deployment: Compose, ports, alerts and dashboards.

mod alerts;
mod metrics;
mod queries;

use std::path::Path;
use std::process::Command;

use yaml_rust2::{Yaml, YamlLoader};

/// Inserts this service into a compose file of the platform, by default into a minimal one, and returns the result.
fn rendered_into(file: Option<&Path>) -> Result<Yaml, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/render.sh");
    let output = Command::new(script).args(file).output().expect("bash is there");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).expect("it is text");
    let mut documents = YamlLoader::load_from_str(&text).expect("it is YAML");
    assert_eq!(documents.len(), 1);
    Ok(documents.remove(0))
}

fn rendered() -> Yaml {
    rendered_into(None).expect("it is rendered")
}

fn texts(list: &Yaml) -> Vec<&str> {
    list.as_vec()
        .expect("the value is a list")
        .iter()
        .map(|item| item.as_str().expect("the value is a string"))
        .collect()
}

#[test]
fn the_compose_service_is_as_specified() {
    let file = rendered();
    let service = &file["services"]["instrument-registry"];

    for (name, value) in [
        ("image", "stocksblitz-instrument-registry:latest"),
        ("container_name", "sb-instrument-registry-prod"),
        ("env_file", ".env.ports"),
        ("restart", "unless-stopped"),
        ("mem_limit", "384m"),
        ("mem_reservation", "256m"),
    ] {
        assert_eq!(service[name].as_str(), Some(value), "{name}");
    }
    assert_eq!(service["cpus"].as_f64(), Some(0.75));
    let port = "${PORT_INSTRUMENT_REGISTRY:-8901}";
    assert_eq!(texts(&service["ports"]), [format!("127.0.0.1:{port}:{port}")]);
    assert_eq!(texts(&service["networks"]), ["stocksblitz-prod"]);
    assert_eq!(service["volumes"], Yaml::BadValue, "it has none");

    let build = &service["build"];
    assert_eq!(build["context"].as_str(), Some("."));
    assert_eq!(build["dockerfile"].as_str(), Some("instrument_registry/Dockerfile"));
    assert_eq!(build["args"]["PORT"].as_str(), Some(port));

    // Compose merges the mapping at `<<` into the mapping that contains it.
    assert_eq!(service["environment"]["<<"], file["x-common-env"], "the platform's environment");
    assert_eq!(service["environment"]["PORT"].as_str(), Some(port));

    let needed = service["depends_on"].as_hash().expect("it is a map");
    let names: Vec<_> = needed.keys().map(|name| name.as_str().expect("the value is a string")).collect();
    assert_eq!(names, ["redis", "config-service", "stocksblitz-postgres"]);
    for (name, condition) in needed {
        assert_eq!(condition["condition"].as_str(), Some("service_healthy"), "{name:?}");
    }

    let health = &service["healthcheck"];
    assert_eq!(texts(&health["test"]), ["CMD", "curl", "-f", &format!("http://localhost:{port}/health")]);
    assert_eq!(
        ["interval", "timeout", "start_period"].map(|name| health[name].as_str()),
        [Some("30s"), Some("10s"), Some("40s")]
    );
    assert_eq!(health["retries"].as_i64(), Some(3));
}

#[test]
fn the_service_is_inserted_among_the_platforms_services() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("platform.yml");
    let write = |text: &str| std::fs::write(&file, text).expect("it can be written");

    // The file does not end with a line break, and has another section after the services.
    write("x-common-env: &common-env {A: b}\nservices:\n  redis: {image: redis}\nnetworks:\n  stocksblitz-prod: {}");
    let both = rendered_into(Some(&file)).expect("it is rendered");
    assert_eq!(both["services"]["redis"]["image"].as_str(), Some("redis"));
    assert_eq!(both["services"]["instrument-registry"]["restart"].as_str(), Some("unless-stopped"));
    assert_eq!(both["networks"].as_hash().map(|networks| networks.len()), Some(1));

    write("networks: {}\n");
    let fault = rendered_into(Some(&file)).expect_err("there are no services");
    assert!(fault.contains("has no line `services:`"), "{fault}");
}

#[test]
fn the_port_is_in_the_ports_file() {
    let ports = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/.env.ports"));

    assert_eq!(ports.expect("it is there"), "PORT_INSTRUMENT_REGISTRY=8901\n");
}

#[test]
fn the_standalone_stack_has_the_same_limits() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/compose.yaml");
    let text = std::fs::read_to_string(path).expect("it is there");
    let stack = &YamlLoader::load_from_str(&text).expect("it is YAML")[0]["services"]["instrument-registry"];
    let file = rendered();
    let service = &file["services"]["instrument-registry"];

    for name in ["image", "mem_limit", "mem_reservation", "cpus", "ports", "restart"] {
        assert_eq!(stack[name], service[name], "{name}");
    }
    assert_eq!(stack["healthcheck"]["test"], service["healthcheck"]["test"]);
    assert_eq!(stack["read_only"].as_bool(), Some(true));
}
