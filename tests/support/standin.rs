//! A config service in this process, which can be stopped and restarted at the same address.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use config_standin::router;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::KEY;

pub(crate) struct Standin {
    address: SocketAddr,
    file: PathBuf,
    values: Mutex<BTreeMap<String, String>>,
    /// Path and correlation id of each request.
    seen: Arc<Mutex<Vec<(String, String)>>>,
    /// The `traceparent` of each request.
    traceparents: Arc<Mutex<Vec<String>>>,
    is_legacy: bool,
    serving: Mutex<Option<JoinHandle<()>>>,
    _folder: TempDir,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding it")
}

impl Standin {
    /// Starts a config service with these values.
    pub(crate) async fn start(values: &[(&str, &str)]) -> Self {
        Self::of_form(values, false).await
    }

    /// Starts a config service that answers in the older form.
    pub(crate) async fn start_legacy(values: &[(&str, &str)]) -> Self {
        Self::of_form(values, true).await
    }

    /// Returns a stopped config service: connections to its address are refused.
    pub(crate) async fn stopped(values: &[(&str, &str)]) -> Self {
        let standin = Self::start(values).await;
        standin.stop().await;
        standin
    }

    async fn of_form(values: &[(&str, &str)], is_legacy: bool) -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let standin = Standin {
            address: listener.local_addr().expect("a listener has an address"),
            file: folder.path().join("settings.json"),
            values: Mutex::default(),
            seen: Arc::default(),
            traceparents: Arc::default(),
            is_legacy,
            serving: Mutex::default(),
            _folder: folder,
        };
        values.iter().for_each(|(key, value)| standin.set(key, value));
        standin.write();
        standin.serve(listener);
        standin
    }

    fn serve(&self, listener: TcpListener) {
        let (seen, traceparents) = (Arc::clone(&self.seen), Arc::clone(&self.traceparents));
        let note = move |request: Request, next: Next| {
            let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            lock(&seen).push((request.uri().path().to_owned(), header("x-correlation-id").to_owned()));
            lock(&traceparents).push(header("traceparent").to_owned());
            next.run(request)
        };
        let standin =
            config_standin::Standin { file: self.file.clone(), api_key: KEY.to_owned(), is_legacy: self.is_legacy };
        let router = router(standin).layer(from_fn(note));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        *lock(&self.serving) = Some(serving);
    }

    /// Stops the config service: new connections to its address are refused.
    pub(crate) async fn stop(&self) {
        let serving = lock(&self.serving).take().expect("it is running");
        serving.abort();
        // After this, the listener is closed. Accepted connections continue in separate tasks.
        let _ = serving.await;
    }

    pub(crate) async fn start_again(&self) {
        let listener = TcpListener::bind(self.address).await.expect("the port is still free");
        self.serve(listener);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn set(&self, key: &str, value: &str) {
        lock(&self.values).insert(key.to_owned(), value.to_owned());
        self.write();
    }

    pub(crate) fn remove(&self, key: &str) {
        lock(&self.values).remove(key);
        self.write();
    }

    fn write(&self) {
        let text = serde_json::to_string(&*lock(&self.values)).expect("texts can be written");
        // The rename is atomic, because a request can read the file at the same time.
        let temporary = self.file.with_extension("tmp");
        std::fs::write(&temporary, text).expect("the file can be written");
        std::fs::rename(temporary, &self.file).expect("the file can be replaced");
    }

    /// Returns the `traceparent` of each request so far, in order; empty if a request has none.
    pub(crate) fn traceparents(&self) -> Vec<String> {
        lock(&self.traceparents).clone()
    }

    /// Returns the path and the correlation id of each request so far, in order.
    pub(crate) fn seen(&self) -> Vec<(String, String)> {
        lock(&self.seen).clone()
    }
}
