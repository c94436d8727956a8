//! The setting of further root certificates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use registry_actors::tls::Tls;
use registry_store::tls::CaFile;

use super::{ProcessSettings, Reader};

const CA_FILE: &str = "TLS_CA_FILE";

impl Reader<'_> {
    /// Reads the file of further root certificates; without one, only those of the system are trusted.
    pub(super) fn tls(&mut self) -> Arc<Tls> {
        let file = self.parsed(CA_FILE, None, "the path of a PEM file", |text| {
            (!text.is_empty() && !text.contains(char::is_control)).then(|| Some(PathBuf::from(text)))
        });
        let ca = file.map(|file| CaFile::read(&file)).transpose().unwrap_or_else(|why| {
            self.fault(CA_FILE, &why);
            None
        });
        Arc::new(Tls::new(ca))
    }
}

impl ProcessSettings {
    /// Returns the setting with its value, for display.
    pub(crate) fn tls_value(&self) -> (&'static str, String) {
        let path = self.tls.ca().map(CaFile::path);
        (CA_FILE, path.map_or_else(|| "(not set)".to_owned(), |path: &Path| path.display().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(value: &str) -> String {
        let read = ProcessSettings::read(|key| (key == CA_FILE).then(|| value.to_owned()));
        read.unwrap_err().to_string()
    }

    #[test]
    fn an_unusable_ca_file_is_a_fault_of_its_variable() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem").display().to_string();
        std::fs::write(&empty, "").unwrap();

        assert_eq!(fault(""), "TLS_CA_FILE: expected the path of a PEM file, got an empty string from the environment");
        let missing = fault("/missing/ca.pem");
        assert!(missing.starts_with("TLS_CA_FILE: failed to read /missing/ca.pem: No such file"), "{missing}");
        let none = format!("TLS_CA_FILE: {empty}: expected PEM certificates (-----BEGIN CERTIFICATE-----), got none");
        assert_eq!(fault(&empty), none);
    }
}
