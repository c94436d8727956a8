//! The stand-in of the config service as a process that tests can kill and freeze.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;
use test_servers::free_port;

use super::{KEY, SOON, eventually};

pub(crate) struct StandinProcess {
    child: Child,
    address: String,
    folder: TempDir,
}

impl StandinProcess {
    /// Starts a config service with these values, and waits until it listens.
    pub(crate) async fn start(values: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        let file = file(&folder);
        let values: BTreeMap<_, _> = values.iter().copied().collect();
        std::fs::write(&file, serde_json::to_string(&values).expect("texts can be written"))
            .expect("it can be written");
        let address = format!("127.0.0.1:{}", free_port());
        let child = spawn(&address, &file).await;
        StandinProcess { child, address, folder }
    }

    /// Returns the host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is running");
        self.child.wait().expect("it was not waited for before");
    }

    pub(crate) async fn restart(&mut self) {
        self.child = spawn(&self.address, &file(&self.folder)).await;
    }

    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("the command `kill` is there").success());
    }
}

impl Drop for StandinProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("settings.json")
}

async fn spawn(address: &str, file: &Path) -> Child {
    let child = Command::new(binary())
        .args(["--listen", address, "--file"])
        .arg(file)
        .env_clear()
        .env("INTERNAL_API_KEY", KEY)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("the stand-in can be started");
    eventually("the stand-in listens", SOON, async || std::net::TcpStream::connect(address).ok()).await;
    child
}

/// Builds the binary of the stand-in, and returns its path. Cargo does not build it for these tests, because it is in
/// another package. The binary is in the same folder as the one of the service.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let ours = Path::new(env!("CARGO_BIN_EXE_instrument-registry"));
        let folder = ours.parent().expect("a binary is in a folder");
        let target = folder.parent().expect("a profile's folder is in the target's");
        // The folder of a profile has the name of the profile, except for `dev`.
        let profile = match folder.file_name().and_then(|name| name.to_str()).expect("a profile has a name") {
            "debug" => "dev",
            name => name,
        };
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--package", "config-standin", "--profile", profile])
            .arg("--target-dir")
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("Cargo can be run");
        assert!(built.success());
        folder.join("config-standin")
    })
}
