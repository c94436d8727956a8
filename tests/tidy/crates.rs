//! The allowed dependencies between the crates of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::root;

/// The crates of the workspace that a crate may depend on, by folder. The folder of the root package is `.`.
struct AllowedDependencies {
    folder: &'static str,
    /// Dependencies of the crate itself.
    crates: &'static [&'static str],
    /// Additional dependencies of its tests and benchmarks.
    dev: &'static [&'static str],
}

/// A service crate depends only on the crates above it. A tool knows the service only from outside.
const ALLOWED: [AllowedDependencies; 10] = [
    AllowedDependencies { folder: "planning", crates: &[], dev: &[] },
    AllowedDependencies { folder: "store", crates: &["planning"], dev: &["tools/test-servers"] },
    AllowedDependencies { folder: "actors", crates: &["planning", "store"], dev: &["tools/test-servers"] },
    AllowedDependencies {
        folder: ".",
        crates: &["planning", "store", "actors"],
        dev: &["tools/config-standin", "tools/test-servers"],
    },
    AllowedDependencies { folder: "benches", crates: &["planning", "store", "actors", "."], dev: &[] },
    AllowedDependencies { folder: "loadtest", crates: &[], dev: &[] },
    AllowedDependencies { folder: "tools/compare", crates: &["loadtest"], dev: &[] },
    AllowedDependencies { folder: "tools/config-standin", crates: &[], dev: &[] },
    AllowedDependencies { folder: "tools/test-servers", crates: &[], dev: &[] },
    AllowedDependencies { folder: "tools/yardstick", crates: &[], dev: &[] },
];

/// The workspace's crates that a crate depends on, by folder. A build dependency counts as one of the crate itself.
#[derive(Debug, Default, PartialEq)]
struct Dependencies {
    crates: BTreeSet<String>,
    dev: BTreeSet<String>,
}

impl Dependencies {
    fn allowed(entry: &AllowedDependencies) -> Self {
        let owned = |folders: &[&str]| folders.iter().map(|folder| (*folder).to_owned()).collect();
        Self { crates: owned(entry.crates), dev: owned(entry.dev) }
    }

    fn of(package: &Value) -> Self {
        let mut found = Self::default();
        for dependency in package["dependencies"].as_array().expect("a package has dependencies") {
            if let Some(path) = dependency["path"].as_str() {
                let is_dev = dependency["kind"] == "dev";
                if is_dev { &mut found.dev } else { &mut found.crates }.insert(folder_name(path));
            }
        }
        // A dependency that the tests repeat with additional features is not a further edge.
        found.dev.retain(|folder| !found.crates.contains(folder));
        found
    }
}

/// Returns the folder relative to the root of the repository; `.` for the root.
fn folder_name(path: &str) -> String {
    let root = root().to_str().expect("the path is UTF-8");
    let relative = path.strip_prefix(root).unwrap_or_else(|| panic!("{path} is outside the repository"));
    if relative.is_empty() { ".".to_owned() } else { relative.trim_start_matches('/').to_owned() }
}

/// Reads the manifests of all crates of the workspace through Cargo.
fn workspace_packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("Cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("the metadata is JSON");
    metadata["packages"].as_array().expect("a workspace has packages").clone()
}

#[test]
fn crates_have_only_the_allowed_dependencies() {
    let actual: BTreeMap<String, Dependencies> = workspace_packages()
        .iter()
        .map(|package| {
            let manifest = package["manifest_path"].as_str().expect("a package has a manifest");
            let folder = manifest.strip_suffix("/Cargo.toml").expect("a manifest has this name");
            (folder_name(folder), Dependencies::of(package))
        })
        .collect();

    let allowed = ALLOWED.iter().map(|entry| (entry.folder.to_owned(), Dependencies::allowed(entry))).collect();

    assert_eq!(actual, allowed);
}
