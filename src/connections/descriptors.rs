//! The limit of file descriptors (`ulimit -n`). Every connection has one; without a free one, `accept` fails, and so do
//! calls to the database.

use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{info, warn};

use super::closing_max;

/// Maximum number of connections that the server accepts before it lets other tasks run, among them those that count or
/// refuse these connections. It is the budget of a task of the runtime.
pub(super) const UNCOUNTED_MAX: usize = 128;
/// Descriptors of the process apart from counted connections of callers: 16 for the runtime, the listeners, and the
/// output; 32 for the database, which are fourteen connections to PostgreSQL or the files of seven to SQLite; 16 for
/// Redis, the config service, downloads, uploads, and name resolution.
const RESERVED: usize = 16 + 32 + 16 + UNCOUNTED_MAX;
/// With fewer connections, callers of a platform that hold connections open would evict each other.
const CONNECTIONS_MIN: usize = 64;

const fn needed(connections_max: usize) -> usize {
    connections_max + closing_max(connections_max)
}

/// Returns the number of connections for which the descriptors are sufficient.
fn connections_within(descriptors: usize) -> usize {
    let connections = descriptors.saturating_sub(1) * 8 / 9;
    debug_assert!(connections == 0 || needed(connections) <= descriptors);
    connections
}

/// The file descriptors that the process may have, and the connections of callers for which they are sufficient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DescriptorCapacity {
    /// The limit to which the process can raise its own; `None` without a limit.
    pub(crate) limit: Option<u64>,
    pub(crate) needed: u64,
    /// Number of connections of callers that the service would accept.
    pub(crate) connections: usize,
}

impl DescriptorCapacity {
    pub(crate) fn is_sufficient(&self) -> bool {
        self.connections >= CONNECTIONS_MIN
    }
}

/// Returns the descriptors for so many connections of callers, and so many to the probe port, without raising the
/// limit.
pub(crate) fn available(connections_max: usize, probe_connections_max: Option<usize>) -> DescriptorCapacity {
    available_within(getrlimit(Resource::Nofile).maximum, connections_max, probe_connections_max)
}

fn available_within(
    limit: Option<u64>,
    connections_max: usize,
    probe_connections_max: Option<usize>,
) -> DescriptorCapacity {
    let other = other(probe_connections_max);
    let all = (needed(connections_max) + other) as u64;
    let connections = match limit.filter(|limit| *limit < all) {
        Some(limit) => connections_within(usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(other)),
        None => connections_max,
    };
    DescriptorCapacity { limit, needed: all, connections }
}

/// Returns the number of descriptors apart from the connections of callers.
fn other(probe_connections_max: Option<usize>) -> usize {
    RESERVED + probe_connections_max.map_or(0, needed)
}

/// Raises the limit of the process if it is too low for so many connections of callers, and so many to the probe port.
/// Returns the number of connections of callers that the limit allows.
///
/// # Errors
/// If it allows too few.
pub(crate) fn reserve(connections_max: usize, probe_connections_max: Option<usize>) -> anyhow::Result<usize> {
    let limit = getrlimit(Resource::Nofile);
    let available = available_within(limit.maximum, connections_max, probe_connections_max);
    let needed_all = available.needed;
    let Some(current) = limit.current.filter(|current| *current < needed_all) else { return Ok(connections_max) };
    let raised = limit.maximum.map_or(needed_all, |maximum| maximum.min(needed_all));
    if raised > current {
        setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..limit })
            .with_context(|| format!("failed to raise the limit of file descriptors from {current} to {raised}"))?;
        info!(from = current, to = raised, "raised the limit of file descriptors");
    }
    if raised >= needed_all {
        return Ok(connections_max);
    }
    if !available.is_sufficient() {
        let min = other(probe_connections_max) + needed(CONNECTIONS_MIN);
        bail!("limit of file descriptors (ulimit -n): expected at least {min}, got {raised}");
    }
    warn!(
        limit = raised,
        needed = needed_all,
        connections_max = available.connections,
        "too few file descriptors: accepting fewer connections"
    );
    Ok(available.connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_limit_the_number_of_connections() {
        for descriptors in 2..5000 {
            let connections = connections_within(descriptors);

            assert!(needed(connections) <= descriptors, "{descriptors}");
            assert!(needed(connections + 2) > descriptors, "{descriptors}");
        }
        assert_eq!(connections_within(0), 0);
    }

    #[test]
    fn a_limit_below_the_need_allows_fewer_connections() {
        let unlimited = available_within(None, 1000, Some(8));
        let enough = available_within(Some(unlimited.needed), 1000, Some(8));
        let few = available_within(Some(unlimited.needed - 1), 1000, Some(8));
        let none = available_within(Some(200), 1000, Some(8));

        assert_eq!(unlimited.connections, 1000);
        assert_eq!(enough.connections, 1000);
        assert!(few.is_sufficient() && few.connections < 1000, "{few:?}");
        assert!(!none.is_sufficient(), "{none:?}");
    }
}
