//! L2 in Redis.
//!
//! One connection that all calls share, made when it is first needed. A call that does not end well takes it along: the
//! next call makes a new one. The crate's connection manager is not used: while it reconnects every caller waits for it,
//! whatever timeout was asked for, and after a timeout it keeps the connection that does not answer.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, IntoConnectionInfo, Pipeline, RedisError, RedisResult,
    ServerErrorKind, pipe,
};
use registry_planning::vocabulary::CacheKey;
use tokio::sync::Mutex;

use super::{SharedCache, SharedCacheError, SharedPlan};

/// What all keys begin with. The number is the format's: a release that stores something else counts it up, and neither
/// reads what the other stored.
const PREFIX: &str = "instrument_registry:plan:1:";
/// How long making a connection, and any answer, may take. Callers have shorter limits of their own; this one ends what
/// they forget.
const TIMEOUT: Duration = Duration::from_millis(250);
/// For how long the peer may leave what was sent unacknowledged, before the kernel ends the connection.
const USER_TIMEOUT: Duration = Duration::from_secs(5);
/// After how much silence the kernel asks whether the peer is there, and how often before it ends the connection.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(15);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;

/// A URL that leads to no Redis. Its text says why and repeats nothing of the URL, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RedisUrlError(String);

/// A cache in one Redis.
pub struct RedisCache {
    client: Client,
    config: AsyncConnectionConfig,
    /// Held while a connection is made, so that callers make one and not one each.
    link: Mutex<Option<Arc<Link>>>,
}

/// A connection.
struct Link {
    connection: MultiplexedConnection,
    is_broken: AtomicBool,
}

/// A call on a connection. Unless it is answered the connection is not used again: that goes for faults and for callers
/// who stop waiting alike.
struct Call {
    link: Arc<Link>,
    is_answered: bool,
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_answered {
            self.link.is_broken.store(true, Ordering::Relaxed);
        }
    }
}

impl RedisCache {
    /// A cache in the Redis of that URL, `redis://[user[:password]@]host[:port][/database]`. Nothing is opened yet.
    ///
    /// # Errors
    /// [`RedisUrlError`].
    pub fn new(url: &str) -> Result<Self, RedisUrlError> {
        let parsed = redis::parse_redis_url(url)
            .ok_or_else(|| RedisUrlError("expected a URL such as redis://host:port/database".to_owned()))?;
        if matches!(parsed.scheme(), "rediss" | "valkeys") {
            return Err(RedisUrlError("TLS (rediss://, valkeys://) is not supported by this build".to_owned()));
        }
        let info = parsed.into_connection_info().map_err(|fault| url_error(&fault))?;
        let settings = info.redis_settings().clone().set_lib_name("instrument-registry", env!("CARGO_PKG_VERSION"));
        let info = info.set_tcp_settings(tcp_settings()).set_redis_settings(settings);
        let client = Client::open(info).map_err(|fault| url_error(&fault))?;
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(TIMEOUT)).set_response_timeout(Some(TIMEOUT));
        Ok(RedisCache { client, config, link: Mutex::new(None) })
    }

    async fn query<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, SharedCacheError> {
        let answer = match self.try_query(pipeline).await {
            // Most likely it was closed while nobody used it. All that is asked here may be asked twice.
            Err(fault) if fault.is_connection_dropped() && !fault.is_connection_refusal() => {
                self.try_query(pipeline).await
            }
            answer => answer,
        };
        answer.map_err(|fault| match fault.kind() {
            ErrorKind::Server(_) | ErrorKind::Extension => SharedCacheError::Refused(fault.to_string()),
            _ if fault.is_timeout() => SharedCacheError::Unreachable("timeout".to_owned()),
            _ => SharedCacheError::Unreachable(fault.to_string()),
        })
    }

    async fn try_query<T: FromRedisValue>(&self, pipeline: &Pipeline) -> RedisResult<T> {
        let mut call = self.start().await?;
        // Clones share the connection.
        let answer = pipeline.query_async(&mut call.link.connection.clone()).await;
        call.is_answered = match answer.as_ref().map_err(RedisError::kind) {
            // It has become a replica. There may be a primary by now where the name leads.
            Err(ErrorKind::Server(ServerErrorKind::ReadOnly)) => false,
            Ok(_) | Err(ErrorKind::Server(_) | ErrorKind::Extension) => true,
            Err(_) => false,
        };
        answer
    }

    /// Takes the connection, or makes one.
    async fn start(&self) -> RedisResult<Call> {
        let mut link = self.link.lock().await;
        let usable = link.as_ref().filter(|link| !link.is_broken.load(Ordering::Relaxed)).map(Arc::clone);
        let usable = match usable {
            Some(usable) => usable,
            None => {
                *link = None;
                let connection = self.client.get_multiplexed_async_connection_with_config(&self.config).await?;
                Arc::clone(link.insert(Arc::new(Link { connection, is_broken: AtomicBool::new(false) })))
            }
        };
        Ok(Call { link: usable, is_answered: false })
    }
}

#[async_trait]
impl SharedCache for RedisCache {
    async fn get_many(&self, keys: &[CacheKey]) -> Result<Vec<Option<String>>, SharedCacheError> {
        let names: Vec<String> = keys.iter().map(|key| name(*key)).collect();
        let (found,): (Vec<Found>,) = self.query(pipe().cmd("MGET").arg(&names)).await?;
        Ok(found.into_iter().map(|found| found.0).collect())
    }

    async fn put_many(&self, plans: &[SharedPlan]) -> Result<Vec<String>, SharedCacheError> {
        let names: Vec<String> = plans.iter().map(|plan| name(plan.key)).collect();
        let mut pipeline = pipe();
        for (plan, name) in plans.iter().zip(&names) {
            set(&mut pipeline, name, plan).arg("NX").ignore();
        }
        // `SET … NX GET` would do, from Redis 7 on.
        let (found,): (Vec<Found>,) = self.query(pipeline.cmd("MGET").arg(&names)).await?;

        let mut garbage = pipe();
        let mut ids = Vec::with_capacity(plans.len());
        for ((plan, name), found) in plans.iter().zip(&names).zip(found) {
            ids.push(found.0.unwrap_or_else(|| {
                set(&mut garbage, name, plan).ignore();
                plan.plan_id.clone()
            }));
        }
        if !garbage.is_empty() {
            let () = self.query(&garbage).await?;
        }
        Ok(ids)
    }

    async fn ping(&self) -> Result<(), SharedCacheError> {
        self.query(pipe().cmd("PING").ignore()).await
    }
}

/// A plan id, where what was found is one.
struct Found(Option<String>);

impl FromRedisValue for Found {
    fn from_redis_value(value: redis::Value) -> Result<Self, redis::ParsingError> {
        let redis::Value::BulkString(bytes) = value else { return Ok(Found(None)) };
        Ok(Found(String::from_utf8(bytes).ok().filter(|text| is_plan_id(text))))
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
    // What follows the kind is taken from the URL.
    RedisUrlError(text.split(" - ").next().unwrap_or_default().to_lowercase())
}
