//! The whole service, with requests over HTTP on one connection from the same thread.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use anyhow::Context;
use instrument_registry::app::App;
use instrument_registry::settings::ProcessSettings;
use instrument_registry::telemetry;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{self, Runtime};

use crate::{Operation, keys};

const KEY: &str = "fake-key-of-the-benches-0123456789abcdef";
const BASE: &str = "/api/v1/internal/instrument-registry";

/// Maximum size of a response: more than any response here.
const ANSWER_BYTES_MAX: usize = 1 << 20;

thread_local! {
    /// One service for all operations, because a process has one recorder of metrics.
    static SERVICE: RefCell<Option<Rc<RefCell<Service>>>> = const { RefCell::new(None) };
}

/// A service that runs in this process, and a connection to it. Both run on the calling thread, so that the count
/// contains their work and not the wake-ups between threads.
struct Service {
    runtime: Runtime,
    connection: TcpStream,
    answer: Vec<u8>,
    /// Contains the database.
    _folder: TempDir,
}

impl Service {
    /// Returns the running service, or starts one.
    fn shared() -> anyhow::Result<Rc<RefCell<Self>>> {
        SERVICE.with_borrow_mut(|service| match service {
            Some(service) => Ok(Rc::clone(service)),
            None => Ok(Rc::clone(service.insert(Rc::new(RefCell::new(Self::start()?))))),
        })
    }

    /// Starts the service with its default settings: on SQLite, with the demonstration catalog.
    fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("make a folder")?;
        let settings = settings(folder.path())?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
        let connection = runtime.block_on(async {
            let metrics = telemetry::init_metrics().context("install the metrics recorder")?;
            let app = App::start(&settings, metrics).await?;
            let (ready, address) = (app.ready(), app.address()?);
            tokio::spawn(app.run(std::future::pending()));
            ready.await;
            let connection = TcpStream::connect(address).await.context("connect to the service")?;
            connection.set_nodelay(true)?;
            anyhow::Ok(connection)
        })?;
        Ok(Self { runtime, connection, answer: vec![0; ANSWER_BYTES_MAX], _folder: folder })
    }

    /// Sends a request as it is and returns the body of the response, which must be 2xx.
    fn ask(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        let Self { runtime, connection, answer, .. } = self;
        runtime.block_on(async {
            connection.write_all(request).await.context("send a request")?;
            let mut have = 0;
            loop {
                let read = connection.read(&mut answer[have..]).await.context("read an answer")?;
                anyhow::ensure!(read > 0, "the service closed the connection or answered too much");
                have += read;
                if let Some((head_bytes, body_bytes)) = lengths(&answer[..have])?
                    && have >= head_bytes + body_bytes
                {
                    return Ok(&answer[head_bytes..head_bytes + body_bytes]);
                }
            }
        })
    }

    fn ask_json(&mut self, request: &[u8]) -> anyhow::Result<Value> {
        serde_json::from_slice(self.ask(request)?).context("read an answer")
    }
}

/// Returns the operation that sends this request again.
fn again(service: Rc<RefCell<Service>>, request: Vec<u8>) -> Operation {
    Box::new(move || {
        service.borrow_mut().ask(&request).expect("the service answers what it has answered before");
    })
}

/// Returns the lengths of the head and of the body of a response, once the head is complete.
fn lengths(answer: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = answer.windows(END.len()).position(|window| window == END) else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..end]).context("read the head of a response")?;
    anyhow::ensure!(head.starts_with("HTTP/1.1 2"), "the service refused: {head}");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Ok(Some((end + END.len(), length.context("the response has no Content-Length")?)))
}

fn settings(folder: &Path) -> anyhow::Result<ProcessSettings> {
    let settings = ProcessSettings::read(|name| match name {
        "PORT" => Some("0".to_owned()),
        "DATA_DIR" => Some(folder.display().to_string()),
        "INTERNAL_API_KEY" => Some(KEY.to_owned()),
        // Plans stay cached during the whole measurement.
        "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL" => Some("86400".to_owned()),
        _ => None,
    });
    Ok(settings?)
}

fn get_request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nx-internal-api-key: {KEY}\r\n\r\n").into_bytes()
}

fn plan_request(instruments: &[String]) -> Vec<u8> {
    let body = json!({"plan_name": "Bench", "subscription_type": "live_feed", "instruments": instruments}).to_string();
    let length = body.len();
    format!(
        "POST {BASE}/subscriptions/plan?user_id=user-4711 HTTP/1.1\r\nhost: localhost\r\nx-internal-api-key: {KEY}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Returns a hundred of the served instruments.
fn some_keys(service: &mut Service) -> anyhow::Result<Vec<String>> {
    let answer = service.ask_json(&get_request(&format!("{BASE}/instruments?limit=1000")))?;
    let listed = answer["instruments"].as_array().context("instruments are listed")?;
    let all: Option<Vec<String>> =
        listed.iter().map(|instrument| instrument["instrument_key"].as_str().map(str::to_owned)).collect();
    Ok(keys(&all.context("every instrument has a key")?))
}

/// The basic cost of every request.
pub(crate) fn health() -> anyhow::Result<Operation> {
    Ok(again(Service::shared()?, get_request("/health")))
}

/// The same request again, byte for byte.
pub(crate) fn repeat() -> anyhow::Result<Operation> {
    let service = Service::shared()?;
    let request = plan_request(&some_keys(&mut service.borrow_mut())?);
    service.borrow_mut().ask(&request)?;
    Ok(again(service, request))
}

/// The same instruments again, each time in another order.
pub(crate) fn reorder() -> anyhow::Result<Operation> {
    let service = Service::shared()?;
    let mut keys = some_keys(&mut service.borrow_mut())?;
    service.borrow_mut().ask(&plan_request(&keys))?;
    let mut turn = 0;
    Ok(Box::new(move || {
        // Enough orders that none is repeated for a long time.
        turn += 1;
        let last = keys.len() - 1;
        keys.swap(turn % last, last);
        service.borrow_mut().ask(&plan_request(&keys)).expect("the service answers what it has answered before");
    }))
}

/// A plan by its id.
pub(crate) fn get() -> anyhow::Result<Operation> {
    let service = Service::shared()?;
    let request = plan_request(&some_keys(&mut service.borrow_mut())?);
    let created = service.borrow_mut().ask_json(&request)?;
    let plan_id = created["plan_id"].as_str().context("a plan has an id")?;
    let request = get_request(&format!("{BASE}/subscriptions/plans/{plan_id}"));
    Ok(again(service, request))
}
