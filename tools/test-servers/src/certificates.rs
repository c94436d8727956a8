//! A certificate authority of one test, and the certificates that it issues. `openssl` makes them, because every
//! machine with PostgreSQL has it.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::missing;

/// The name is the only required field. The authority issues any number of certificates for it.
const SETTINGS: &str = "\
[ca]
default_ca = test
[test]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = policy
[policy]
commonName = supplied
";

/// A certificate authority, which exists until the end of its test.
pub struct Authority {
    folder: TempDir,
}

/// A certificate of a server and its key, as PEM files.
pub struct Certificate {
    /// The path of the certificate.
    pub certificate: PathBuf,
    /// The path of the key.
    pub key: PathBuf,
}

/// The lifetime of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// It is valid now.
    Current,
    /// It expired at [`Lifetime::EXPIRED_AT`].
    Expired,
}

impl Lifetime {
    /// The time at which an expired certificate expired.
    pub const EXPIRED_AT: &'static str = "2020-01-02T00:00:00Z";

    fn dates(self) -> [&'static str; 2] {
        match self {
            Lifetime::Current => ["20200101000000Z", "20991231235959Z"],
            Lifetime::Expired => ["20200101000000Z", "20200102000000Z"],
        }
    }
}

impl Authority {
    /// Creates an authority. Returns `None` and prints a line if `openssl` is not installed.
    pub fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
            missing("`openssl` is not in the PATH; the TLS test did not run");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.cnf"), SETTINGS).unwrap();
        fs::write(folder.path().join("index.txt"), "").unwrap();
        let authority = Authority { folder };
        // A name of its own, as authorities have.
        let name = format!("/CN=Test CA {}", RandomState::new().hash_one(()));
        let subject = ["-subj", &name, "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        let files = ["-keyout", "ca.key", "-out", "ca.pem", "-days", "2"];
        authority.openssl(&[&["req", "-x509"], &NEW_KEY[..], &subject, &files].concat());
        Some(authority)
    }

    /// The path of the authority's own certificate.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Issues a certificate for a host name.
    pub fn issue(&self, host: &str, lifetime: Lifetime) -> Certificate {
        let name = format!("{host}-{lifetime:?}");
        let file = |extension: &str| format!("{name}.{extension}");
        let (key, request, extensions, certificate) = (file("key"), file("csr"), file("ext"), file("pem"));
        let subject = format!("/CN={host}");
        let files = ["-subj", &subject, "-keyout", &key, "-out", &request];
        self.openssl(&[&["req"], &NEW_KEY[..], &files].concat());
        fs::write(self.folder.path().join(&extensions), format!("subjectAltName = DNS:{host}\n")).unwrap();
        let [from, until] = lifetime.dates();
        let signed_by = ["ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key"];
        let dates = ["-startdate", from, "-enddate", until];
        let files = ["-extfile", &extensions, "-in", &request, "-out", &certificate];
        self.openssl(&[&signed_by[..], &dates, &files].concat());
        let path = |name: &str| self.folder.path().join(name);
        Certificate { certificate: path(&certificate), key: path(&key) }
    }

    /// Issues a certificate of version 1, which has no extensions and so no host name that clients accept.
    pub fn issue_of_version_1(&self, host: &str) -> Certificate {
        self.sign_request(&format!("{host}-v1"), host, None)
    }

    /// Issues a certificate of version 3 without `subjectAltName`: the host is only in its subject.
    pub fn issue_without_names(&self, host: &str) -> Certificate {
        self.sign_request(&format!("{host}-unnamed"), host, Some("keyUsage = digitalSignature\n"))
    }

    fn sign_request(&self, name: &str, host: &str, extensions: Option<&str>) -> Certificate {
        let file = |extension: &str| format!("{name}.{extension}");
        let (key, request, certificate, listed) = (file("key"), file("csr"), file("pem"), file("ext"));
        let subject = format!("/CN={host}");
        let files = ["-subj", &subject, "-keyout", &key, "-out", &request];
        self.openssl(&[&["req"], &NEW_KEY[..], &files].concat());
        let signed_by = ["x509", "-req", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
        let files = ["-in", &request, "-out", &certificate];
        match extensions {
            Some(extensions) => {
                fs::write(self.folder.path().join(&listed), extensions).unwrap();
                self.openssl(&[&signed_by[..], &files, &["-extfile", &listed]].concat());
            }
            None => self.openssl(&[&signed_by[..], &files].concat()),
        }
        let path = |name: &str| self.folder.path().join(name);
        Certificate { certificate: path(&certificate), key: path(&key) }
    }

    fn openssl(&self, arguments: &[&str]) {
        run(self.folder.path(), arguments);
    }
}

const NEW_KEY: [&str; 6] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256"];

fn run(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
