//! L2 in Redis.
//!
//! All calls share one connection, which the first call opens. A call that fails or is abandoned discards the
//! connection, and the next call opens a new one. The connection manager of the crate is not used: during a reconnect
//! every caller waits for it, whatever its timeout, and after a timeout it keeps the connection that does not respond.

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, FromRedisValue, IntoConnectionInfo, Pipeline, RedisError,
    RedisResult, ServerErrorKind, TlsCertificates, pipe,
};
use registry_planning::vocabulary::CacheKey;
use registry_store::tls::{closed_plain_connection, handshake_closed, handshake_fault, handshake_timeout};
use tokio::sync::Mutex;

use super::{SharedCache, SharedCacheError, SharedPlan};
use crate::tls::Tls;

/// The prefix of all keys. The number is the version of the format: a release that stores another format increments it,
/// so that neither release reads the entries of the other.
const PREFIX: &str = "instrument_registry:plan:1:";
/// The timeout for opening a connection and for any response. Callers have shorter timeouts of their own; this one ends
/// calls without one.
const TIMEOUT: Duration = Duration::from_millis(250);
/// The timeout for opening a connection with TLS. It is shorter than that of a ping, which then reports the cause.
const TLS_OPEN_TIMEOUT: Duration = Duration::from_millis(200);
/// Maximum time for which sent data may stay unacknowledged before the kernel closes the connection.
const USER_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle time after which the kernel probes the peer.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(15);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
/// Number of unanswered probes after which the kernel closes the connection.
const KEEPALIVE_RETRIES: u32 = 3;

/// A URL that is not valid for Redis. Its text gives the reason and repeats nothing of the URL, which may contain a
/// password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RedisUrlError(String);

/// A cache in one Redis server.
pub struct RedisCache {
    client: Client,
    config: AsyncConnectionConfig,
    /// Locked while a connection is opened, so that concurrent callers open only one.
    link: Mutex<Option<Arc<Link>>>,
}

/// The properties of a Redis server; `None` for those that it does not report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisReport {
    /// The version of the server.
    pub version: Option<String>,
    /// Maximum memory in bytes; 0 if it is not limited.
    pub memory_max: Option<u64>,
    /// The policy at the maximum memory, such as `allkeys-lru`.
    pub memory_policy: Option<String>,
}

/// The connection that all calls share.
struct Link {
    connection: MultiplexedConnection,
    is_broken: AtomicBool,
}

/// A call on a connection. Unless it gets a response, the connection is not used again. This applies to errors and to
/// callers that stop waiting.
struct RedisCall {
    link: Arc<Link>,
    is_answered: bool,
}

impl Drop for RedisCall {
    fn drop(&mut self) {
        if !self.is_answered {
            self.link.is_broken.store(true, Ordering::Relaxed);
        }
    }
}

impl RedisCache {
    /// Creates a cache for the Redis server at `redis://[user[:password]@]host[:port][/database]`. Opens no connection
    /// yet.
    ///
    /// # Errors
    /// [`RedisUrlError`] if the URL is not valid.
    pub fn new(url: &str) -> Result<Self, RedisUrlError> {
        Self::with_tls(url, &Tls::default())
    }

    /// Creates a cache for the Redis server at `redis://…`, or with TLS at `rediss://…`. The certificate of the server
    /// must have an issuer that `tls` trusts.
    ///
    /// # Errors
    /// [`RedisUrlError`] if the URL is not valid.
    pub fn with_tls(url: &str, tls: &Tls) -> Result<Self, RedisUrlError> {
        let parsed = redis::parse_redis_url(url)
            .ok_or_else(|| RedisUrlError("expected a URL such as redis://host:port/database".to_owned()))?;
        let has_tls = matches!(parsed.scheme(), "rediss" | "valkeys");
        if has_tls && parsed.fragment().is_some() {
            return Err(RedisUrlError("expected a URL without fragment: certificates are always verified".to_owned()));
        }
        let info = parsed.into_connection_info().map_err(|fault| url_error(&fault))?;
        let settings = info.redis_settings().clone().set_lib_name("instrument-registry", env!("CARGO_PKG_VERSION"));
        let info = info.set_tcp_settings(tcp_settings()).set_redis_settings(settings);
        let client = if has_tls {
            let root_cert = Some(tls.pem().as_bytes().to_vec());
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
        } else {
            Client::open(info)
        };
        let client = client.map_err(|fault| url_error(&fault))?;
        let open_timeout = if has_tls { TLS_OPEN_TIMEOUT } else { TIMEOUT };
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(open_timeout)).set_response_timeout(Some(TIMEOUT));
        Ok(RedisCache { client, config, link: Mutex::new(None) })
    }

    /// Reads the version and the memory policy of the server.
    ///
    /// # Errors
    /// [`SharedCacheError`] if it does not respond, or the user may not send `INFO`.
    pub async fn examine(&self) -> Result<RedisReport, SharedCacheError> {
        let (server, memory): (String, String) =
            self.query(pipe().cmd("INFO").arg("server").cmd("INFO").arg("memory")).await?;
        let field = |text: &str, name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.map(|value| value.trim().to_owned())
        };
        Ok(RedisReport {
            version: field(&server, "redis_version"),
            memory_max: field(&memory, "maxmemory").and_then(|bytes| bytes.parse().ok()),
            memory_policy: field(&memory, "maxmemory_policy"),
        })
    }

    async fn query<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, SharedCacheError> {
        let answer = match self.try_query(pipeline).await {
            // The connection was most likely closed while it was idle. All commands here may be sent twice.
            Err(fault) if fault.is_connection_dropped() && !fault.is_connection_refusal() => {
                self.try_query(pipeline).await
            }
            answer => answer,
        };
        answer.map_err(|fault| match fault.kind() {
            ErrorKind::Server(_) | ErrorKind::Extension => SharedCacheError::Refused(fault.to_string()),
            _ if fault.is_timeout() => SharedCacheError::Unreachable("timeout".to_owned()),
            _ => SharedCacheError::Unreachable(handshake_fault(&fault).unwrap_or_else(|| fault.to_string())),
        })
    }

    async fn try_query<T: FromRedisValue>(&self, pipeline: &Pipeline) -> RedisResult<T> {
        let mut call = self.start().await?;
        // Clones share the connection.
        let answer = pipeline.query_async(&mut call.link.connection.clone()).await;
        call.is_answered = match answer.as_ref().map_err(RedisError::kind) {
            // The server has become a replica. The host name may now resolve to another primary.
            Err(ErrorKind::Server(ServerErrorKind::ReadOnly)) => false,
            Ok(_) | Err(ErrorKind::Server(_) | ErrorKind::Extension) => true,
            Err(_) => false,
        };
        answer
    }

    /// Takes the open connection, or opens one.
    async fn start(&self) -> RedisResult<RedisCall> {
        let mut link = self.link.lock().await;
        let usable = link.as_ref().filter(|link| !link.is_broken.load(Ordering::Relaxed)).map(Arc::clone);
        let usable = match usable {
            Some(usable) => usable,
            None => {
                *link = None;
                let opened = self.client.get_multiplexed_async_connection_with_config(&self.config).await;
                let connection = opened.map_err(|fault| self.opening_fault(fault))?;
                Arc::clone(link.insert(Arc::new(Link { connection, is_broken: AtomicBool::new(false) })))
            }
        };
        Ok(RedisCall { link: usable, is_answered: false })
    }
}

impl RedisCache {
    /// Returns the fault of a connection that could not be opened, with the cause if the server may require TLS, or may
    /// not use it.
    fn opening_fault(&self, fault: RedisError) -> RedisError {
        let has_tls = matches!(self.client.get_connection_info().addr(), ConnectionAddr::TcpTls { .. });
        if fault.is_connection_refusal() || handshake_fault(&fault).is_some() {
            return fault;
        }
        let is_closed = fault.is_connection_dropped() && !fault.is_timeout();
        // A server may also respond with a message of TLS.
        let is_unreadable = fault.kind() == ErrorKind::Parse;
        if has_tls && fault.is_timeout() {
            return io::Error::other(handshake_timeout()).into();
        }
        if has_tls && is_closed {
            return io::Error::other(handshake_closed()).into();
        }
        if !has_tls && (is_closed || is_unreadable) {
            let kind = if is_closed { io::ErrorKind::ConnectionReset } else { io::ErrorKind::InvalidData };
            return io::Error::new(kind, closed_plain_connection("rediss", &fault)).into();
        }
        fault
    }
}

#[async_trait]
impl SharedCache for RedisCache {
    fn address(&self) -> Option<String> {
        Some(self.client.get_connection_info().addr().to_string())
    }

    async fn get_many(&self, keys: &[CacheKey]) -> Result<Vec<Option<String>>, SharedCacheError> {
        let names: Vec<String> = keys.iter().map(|key| name(*key)).collect();
        let (found,): (Vec<StoredId>,) = self.query(pipe().cmd("MGET").arg(&names)).await?;
        Ok(found.into_iter().map(|found| found.0).collect())
    }

    async fn put_many(&self, plans: &[SharedPlan]) -> Result<Vec<String>, SharedCacheError> {
        let names: Vec<String> = plans.iter().map(|plan| name(plan.key)).collect();
        let mut pipeline = pipe();
        for (plan, name) in plans.iter().zip(&names) {
            set(&mut pipeline, name, plan).arg("NX").ignore();
        }
        // From Redis 7 on, `SET … NX GET` would be enough.
        let (found,): (Vec<StoredId>,) = self.query(pipeline.cmd("MGET").arg(&names)).await?;

        let mut replacements = pipe();
        let mut ids = Vec::with_capacity(plans.len());
        for ((plan, name), found) in plans.iter().zip(&names).zip(found) {
            ids.push(found.0.unwrap_or_else(|| {
                set(&mut replacements, name, plan).ignore();
                plan.plan_id.clone()
            }));
        }
        if !replacements.is_empty() {
            let () = self.query(&replacements).await?;
        }
        Ok(ids)
    }

    async fn ping(&self) -> Result<(), SharedCacheError> {
        self.query(pipe().cmd("PING").ignore()).await
    }
}

/// A stored value, if it is a plan id.
struct StoredId(Option<String>);

impl FromRedisValue for StoredId {
    fn from_redis_value(value: redis::Value) -> Result<Self, redis::ParsingError> {
        let redis::Value::BulkString(bytes) = value else { return Ok(StoredId(None)) };
        Ok(StoredId(String::from_utf8(bytes).ok().filter(|text| is_plan_id(text))))
    }
}

fn is_plan_id(text: &str) -> bool {
    text.strip_prefix("plan_")
        .is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

fn name(key: CacheKey) -> String {
    format!("{PREFIX}{key}")
}

fn set<'a>(pipeline: &'a mut Pipeline, name: &str, plan: &SharedPlan) -> &'a mut Pipeline {
    let ttl = u64::try_from(plan.ttl.as_millis()).unwrap_or(u64::MAX).max(1);
    pipeline.cmd("SET").arg(name).arg(&plan.plan_id).arg("PX").arg(ttl)
}

fn tcp_settings() -> TcpSettings {
    let keepalive =
        TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY).with_retries(KEEPALIVE_RETRIES);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(USER_TIMEOUT);
    settings
}

fn url_error(fault: &RedisError) -> RedisUrlError {
    let text = fault.to_string();
    // The text after the kind comes from the URL.
    RedisUrlError(text.split(" - ").next().unwrap_or_default().to_lowercase())
}
