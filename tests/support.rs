//! Helpers of all tests: the service in this process, the service as a process, and a client with the API key.

mod client;
pub(crate) mod collector;
mod process;
mod service;
mod standin;
mod standin_process;
mod traffic;

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use registry_planning::plan::describe::trading_date;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

pub(crate) use self::client::{Answer, Client};
pub(crate) use self::process::{CommandResult, Process, command, run, run_with_descriptors, with_path_only};
pub(crate) use self::service::Service;
pub(crate) use self::standin::Standin;
pub(crate) use self::standin_process::StandinProcess;
pub(crate) use self::traffic::Traffic;

/// The API key of the services that these tests start.
pub(crate) const KEY: &str = "fake-key-of-the-integration-tests";

/// The path prefix of plans.
pub(crate) const BASE: &str = "/api/v1/internal/instrument-registry/subscriptions";

/// The path of the catalog's versions.
pub(crate) const CATALOG_VERSIONS: &str = "/api/v1/internal/instrument-registry/catalog/versions";
/// The path prefix of instruments, brokers and the catalog.
pub(crate) const REGISTRY: &str = "/api/v1/internal/instrument-registry";

/// The timeout of a wait for something that usually takes less than a second. Only a failing test waits this long, so
/// the timeout is long enough for a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(120);

/// Returns the body of a request for a plan of these instruments.
pub(crate) fn body(instruments: &[&str]) -> Value {
    json!({"plan_name": "Test Plan", "subscription_type": "live_feed", "instruments": instruments})
}

/// Returns the object with one field added or replaced.
pub(crate) fn with(mut value: Value, field: &str, to: impl Into<Value>) -> Value {
    value[field] = to.into();
    value
}

/// Returns the names of an object's fields, sorted.
pub(crate) fn fields(value: &Value) -> Vec<&str> {
    let mut fields: Vec<&str> = value.as_object().expect("the value is an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

/// Returns the strings of a JSON list.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .expect("the value is a list")
        .iter()
        .map(|item| item.as_str().expect("the value is a string"))
        .collect()
}

/// Returns the current trading date, computed like the one of the service.
pub(crate) fn today() -> chrono::NaiveDate {
    trading_date(chrono::Utc::now())
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("memory accepts every write");
    encoder.finish().expect("memory accepts every write")
}

/// Returns a zip archive of files, given by name and content. The files are not compressed.
pub(crate) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).expect("the file is short").to_le_bytes();
    let count = |number: usize| u16::try_from(number).expect("the number is small").to_le_bytes();
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut checksum = flate2::Crc::new();
        checksum.update(content.as_bytes());
        let start = length(archive.len());
        let bytes = length(content.len());
        let header = [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0], &checksum.sum().to_le_bytes()[..], &bytes, &bytes].concat();
        let header = [header, count(name.len()).to_vec(), vec![0; 2]].concat();
        archive.extend([b"PK\x03\x04", &header[..], name.as_bytes(), content.as_bytes()].concat());
        directory.extend([b"PK\x01\x02\x14\0", &header[..], &[0; 10], &start, name.as_bytes()].concat());
    }
    let (at, files) = (length(archive.len()), count(files.len()));
    let end = [&b"PK\x05\x06\0\0\0\0"[..], &files, &files, &length(directory.len()), &at, &[0; 2]].concat();
    [archive, directory, end].concat()
}

/// Repeats an attempt until it returns a value. Panics with the description if this does not happen within the time.
pub(crate) async fn eventually<T>(what: &str, within: Duration, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = attempt().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
