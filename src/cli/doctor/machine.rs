//! The checks of the disk, files, ports and limits of this machine.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use rustix::fs::{Access, access, statvfs};
use rustix::process::geteuid;

use super::Finding;
use crate::app::{CONNECTIONS_MAX, KEY_FILE, PROBE_CONNECTIONS_MAX};
use crate::cli::remote::{client, local_url, probe};
use crate::cli::status::bytes;
use crate::connections::descriptors;
use crate::memory;
use crate::settings::{ApiKeyOrigin, Database, ProcessSettings};

/// The free space below which the disk is nearly full, and below which loads of files fail soon.
const FREE_MIN: u64 = 1 << 30;
const FREE_FAILED: u64 = 100 << 20;
/// The memory for which the service is measured, see the page on deployment.
const MEMORY_MIN: u64 = 384 << 20;
/// The deadline of the request that finds out what uses a port.
const PROBE_WITHIN: Duration = Duration::from_secs(1);

pub(super) fn disk(data_dir: &Path) -> Finding {
    // The first start creates the folder.
    let absolute = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    let Some(folder) = existing_ancestor(&absolute) else {
        return Finding::skipped(format!("{} does not exist", data_dir.display()));
    };
    let free = match statvfs(folder) {
        Ok(system) => system.f_bavail.saturating_mul(system.f_frsize),
        Err(fault) => return Finding::skipped(format!("{}: {fault}", folder.display())),
    };
    let detail = format!("{} free at {}", bytes(free), folder.display());
    let remedy = format!("Free space, or set DATA_DIR to a larger disk: `du -sh {}/*`", folder.display());
    match free {
        0..FREE_FAILED => Finding::failed(detail, remedy),
        FREE_FAILED..FREE_MIN => Finding::warning(detail, remedy),
        _ => Finding::ok(detail),
    }
}

/// Returns the path itself or the nearest folder above it that exists.
fn existing_ancestor(path: &Path) -> Option<&Path> {
    path.ancestors().find(|path| path.exists())
}

/// Checks that the data folder and the database are writable, and that other users cannot read the key or change the
/// settings.
pub(super) fn files(settings: &ProcessSettings) -> Finding {
    let folder = &settings.data_dir;
    let of_folder = data_folder(settings);
    let is_embedded = matches!(settings.database(), Database::Embedded);
    let database = is_embedded.then(|| database_files(&settings.database_path(), permitted)).flatten();
    let key = mode(&folder.join(KEY_FILE), 0o077, "0600");
    let last_good = mode(&settings.last_good_path(), 0o022, "0644");
    let findings: Vec<Finding> = [Some(of_folder), database, key, last_good].into_iter().flatten().collect();
    Finding::joined(&findings)
}

fn permitted(path: &Path, wanted: Access) -> io::Result<()> {
    Ok(access(path, wanted)?)
}

/// Returns the remedy for files of the data folder that belong to another user, or are read-only.
pub(super) fn ownership_remedy(folder: &Path) -> String {
    let (user, shown) = (geteuid().as_raw(), folder.display());
    format!("Give the files to the user of the service: `chown -R {user} {shown} && chmod -R u+rwX {shown}`")
}

/// Returns the remedy for a folder in which this fault prevents writing.
fn write_remedy(folder: &Path, fault: &io::Error) -> String {
    match fault.kind() {
        io::ErrorKind::ReadOnlyFilesystem => {
            format!("Mount the file system of {} writable, or set DATA_DIR to another folder.", folder.display())
        }
        _ => ownership_remedy(folder),
    }
}

/// Returns the remedy for a path with a folder that this user may not enter.
pub(super) fn unreachable_remedy(path: &Path) -> String {
    format!(
        "Find the folder that the user of the service may not enter, and change its owner or mode: `namei -l {}`",
        path.display()
    )
}

/// Checks that the service can write the database and the files that SQLite keeps with it. `None` if no such file
/// exists.
fn database_files(database: &Path, permitted: impl Fn(&Path, Access) -> io::Result<()>) -> Option<Finding> {
    let of_suffix = |suffix: &str| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let findings: Vec<Finding> = ["", "-wal", "-shm"]
        .into_iter()
        .map(of_suffix)
        .filter(|path| path.exists())
        .map(|path| match permitted(&path, Access::READ_OK | Access::WRITE_OK) {
            Ok(()) => Finding::ok(format!("{} is writable", path.display())),
            Err(fault) => Finding::failed(
                format!("{} is not writable: {fault}", path.display()),
                write_remedy(database.parent().unwrap_or(database), &fault),
            ),
        })
        .collect();
    (!findings.is_empty()).then(|| Finding::joined(&findings))
}

/// Checks that the data folder is writable, or can be created. The service requires it for SQLite and for a generated
/// key; without it, the last good settings and rejected files are not kept.
fn data_folder(settings: &ProcessSettings) -> Finding {
    let folder = &settings.data_dir;
    let is_required =
        matches!(settings.database(), Database::Embedded) || matches!(settings.api_key_origin(), ApiKeyOrigin::Made);
    let problem = if is_required { Finding::failed } else { Finding::warning };
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
    let is_folder = |path: &Path| fs::metadata(path).map(|file| file.is_dir());
    folder_finding(&absolute, is_folder, permitted).unwrap_or_else(|(detail, remedy)| problem(detail, remedy))
}

fn folder_finding(
    folder: &Path,
    is_folder: impl Fn(&Path) -> io::Result<bool>,
    permitted: impl Fn(&Path, Access) -> io::Result<()>,
) -> Result<Finding, (String, String)> {
    let shown = folder.display();
    for existing in folder.ancestors() {
        match is_folder(existing) {
            Ok(true) => {
                return match permitted(existing, Access::WRITE_OK | Access::EXEC_OK) {
                    Ok(()) if existing == folder => Ok(Finding::ok(format!("{shown} is writable"))),
                    Ok(()) => Ok(Finding::ok(format!("{shown} does not exist; the first start creates it"))),
                    Err(fault) if existing == folder => {
                        Err((format!("{shown} (DATA_DIR) is not writable: {fault}"), write_remedy(folder, &fault)))
                    }
                    Err(fault) => Err((
                        format!(
                            "{shown} (DATA_DIR) cannot be created: {} is not writable: {fault}",
                            existing.display()
                        ),
                        format!("Create {shown} for this user, or set DATA_DIR to another folder."),
                    )),
                };
            }
            Ok(false) => {
                let detail = format!("{shown} (DATA_DIR): {} is not a folder", existing.display());
                return Err((detail, "Set DATA_DIR to a folder.".to_owned()));
            }
            Err(fault) if matches!(fault.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            // The path may exist, but it is not accessible.
            Err(fault) => {
                return Err((format!("{shown} (DATA_DIR) is not accessible: {fault}"), unreachable_remedy(folder)));
            }
        }
    }
    Ok(Finding::skipped(format!("{shown} does not exist")))
}

/// Checks that a file has none of the modes `forbidden`. `None` if it does not exist.
fn mode(path: &Path, forbidden: u32, allowed: &str) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let shown = path.display();
    Some(match mode & forbidden {
        0 => Finding::ok(format!("{shown} has mode {mode:04o}")),
        _ => Finding::failed(
            format!("{shown} has mode {mode:04o}, expected {allowed}"),
            format!("chmod {allowed} {shown}"),
        ),
    })
}

/// Checks that the ports are free, or used by a running instance.
pub(super) async fn ports(settings: &ProcessSettings) -> Finding {
    let mut findings = vec![port("PORT", settings.listen, settings).await];
    if let Some(address) = settings.probe_listen {
        findings.push(port("PROBE_PORT", address, settings).await);
    }
    Finding::joined(&findings)
}

async fn port(name: &str, address: SocketAddr, settings: &ProcessSettings) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(format!("{name}: {address} is free")),
        Err(fault) if fault.kind() == io::ErrorKind::AddrInUse => match version_at(address, settings).await {
            Some(version) => Finding::ok(format!("{name}: {address} is used by instrument-registry {version}")),
            None => Finding::failed(
                format!("{name}: {address} is used by another process"),
                format!("Find it with `ss -ltnp 'sport = :{}'`, or set {name} to a free port.", address.port()),
            ),
        },
        Err(fault) => Finding::failed(
            format!("{name}: failed to listen on {address}: {fault}"),
            format!("Set BIND_ADDRESS to an address of this machine, and {name} to a port that this user may use."),
        ),
    }
}

/// Returns the version of the instance that listens on an address.
async fn version_at(address: SocketAddr, settings: &ProcessSettings) -> Option<String> {
    let mut url = local_url(address);
    let client = client(&url, settings, PROBE_WITHIN).ok()?;
    url.set_path("/health");
    let body = probe(&client, url).await.ok()?.body;
    (body["service"] == "instrument_registry").then(|| body["version"].as_str().unwrap_or("unknown").to_owned())
}

pub(super) fn limits(settings: &ProcessSettings) -> Finding {
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    Finding::joined(&[
        of_descriptors(settings.probe_listen.is_some()),
        of_memory(memory::limit()),
        Finding::ok(format!("{cores} processors")),
    ])
}

fn of_descriptors(has_probe_port: bool) -> Finding {
    let available = descriptors::available(CONNECTIONS_MAX, has_probe_port.then_some(PROBE_CONNECTIONS_MAX));
    let limit = available.limit.map_or("no limit".to_owned(), |limit| limit.to_string());
    let detail = format!("file descriptors: {limit} for {} connections", available.connections);
    let remedy = format!("ulimit -n {}, or LimitNOFILE={} in the unit of systemd", available.needed, available.needed);
    match (available.is_sufficient(), available.connections < CONNECTIONS_MAX) {
        (false, _) => Finding::failed(detail, remedy),
        (true, true) => Finding::warning(format!("{detail} of {CONNECTIONS_MAX}"), remedy),
        (true, false) => Finding::ok(detail),
    }
}

fn of_memory(limit: Option<u64>) -> Finding {
    match limit {
        None => Finding::ok("memory limit unknown"),
        Some(limit) if limit < MEMORY_MIN => Finding::warning(
            format!("memory limit {}, expected at least {}", bytes(limit), bytes(MEMORY_MIN)),
            "Raise the memory limit of the container.",
        ),
        Some(limit) => Finding::ok(format!("memory limit {}", bytes(limit))),
    }
}

/// Names the source of the limits of brokers. A faulty file is a fault of the configuration.
pub(super) fn broker_limits(settings: &ProcessSettings) -> Finding {
    match settings.capacity_source.has_file() {
        true => Finding::ok(format!("{} is valid", settings.capacity_values()[0].1)),
        false => Finding::ok("the built-in figures apply"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::FindingStatus;
    use super::*;

    #[test]
    fn insufficient_memory_is_a_warning() {
        assert_eq!(of_memory(Some(256 << 20)).status, FindingStatus::Warning);
        assert_eq!(of_memory(Some(384 << 20)).status, FindingStatus::Ok);
    }

    #[test]
    fn a_file_that_others_can_read_has_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "").unwrap();
        let found = |bits: u32| {
            fs::set_permissions(&path, fs::Permissions::from_mode(bits)).unwrap();
            mode(&path, 0o077, "0600").unwrap()
        };

        assert_eq!(found(0o600).status, FindingStatus::Ok);
        let remedy = found(0o640).remedy;
        assert_eq!(remedy.as_deref(), Some(&*format!("chmod 0600 {}", path.display())));
        assert_eq!(mode(&folder.path().join("missing"), 0o077, "0600"), None);
    }

    fn denied() -> io::Error {
        io::ErrorKind::PermissionDenied.into()
    }

    #[test]
    fn a_database_that_is_not_writable_fails() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.sqlite");
        let found = |read_only: &str| {
            database_files(&database, |path, wanted| {
                assert!(wanted.contains(Access::WRITE_OK));
                if path.ends_with(read_only) { Err(denied()) } else { Ok(()) }
            })
        };
        assert_eq!(found("none"), None);
        fs::write(&database, "").unwrap();
        fs::write(folder.path().join("x.sqlite-wal"), "").unwrap();

        assert_eq!(found("none").map(|finding| finding.status), Some(FindingStatus::Ok));
        for name in ["x.sqlite", "x.sqlite-wal"] {
            let shown = folder.path().join(name);
            let detail = format!("{} is not writable: permission denied", shown.display());
            assert_eq!(found(name), Some(Finding::failed(detail, ownership_remedy(folder.path()))));
        }
        assert_eq!(found("x.sqlite-shm").map(|finding| finding.status), Some(FindingStatus::Ok));
    }

    #[test]
    fn a_folder_that_cannot_be_entered_may_contain_data() {
        let folder = Path::new("/locked/data");
        let is_folder = |path: &Path| if path == folder { Err(denied()) } else { Ok(true) };

        let found = folder_finding(folder, is_folder, |_, _| Ok(()));

        let detail = "/locked/data (DATA_DIR) is not accessible: permission denied".to_owned();
        assert_eq!(found, Err((detail, unreachable_remedy(folder))));
    }

    #[test]
    fn a_read_only_file_system_needs_another_mount() {
        let folder = Path::new("/data");

        let found = folder_finding(folder, |_| Ok(true), |_, _| Err(io::ErrorKind::ReadOnlyFilesystem.into()));

        let remedy = "Mount the file system of /data writable, or set DATA_DIR to another folder.";
        assert_eq!(found.unwrap_err().1, remedy);
    }

    #[test]
    fn a_folder_of_another_user_fails() {
        let folder = Path::new("/data");

        let found = folder_finding(folder, |_| Ok(true), |_, _| Err(denied()));

        let detail = "/data (DATA_DIR) is not writable: permission denied".to_owned();
        assert_eq!(found, Err((detail, ownership_remedy(folder))));
    }
}
