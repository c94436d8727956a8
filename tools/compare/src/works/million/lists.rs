//! Reads by id and new plans while many lists run.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, Url};

use crate::exposition;
use crate::field::Field;
use crate::loader::{self, Load};
use crate::row::{Row, Target};
use crate::service::Service;
use crate::works::CONNECTIONS;

/// Number of lists at a time: as many as once opened the breaker of a healthy database.
const PARALLEL: usize = 21;

/// The lists, one after the other on each connection: rare and common values of every filter, a combination of filters, and
/// the largest offset. The total of each is counted, up to 10,000.
const QUERIES: [&str; 6] = [
    "status=draft",
    "status=optimized&limit=200",
    "subscription_type=alerts",
    "subscription_type=live_feed&status=validated",
    "user_id=filled-1&status=draft&subscription_type=historical",
    "offset=10000&limit=200",
];

/// Time after which the client gives up a list.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);

/// Lists that are being sent. Dropping it without `stop` leaves the thread until the end of the process.
struct Lists {
    is_stopped: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Counts>>,
}

/// Number of lists by outcome.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    successes: usize,
    failures: usize,
}

impl Lists {
    fn start(service: &Service) -> anyhow::Result<Self> {
        let urls: Vec<Url> = QUERIES.iter().map(|query| service.plans_url(query)).collect::<anyhow::Result<_>>()?;
        let key = service.key().unwrap_or_default().to_owned();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&is_stopped);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let client = Client::builder().tls_certs_only([]).no_proxy().timeout(ANSWER_WITHIN).build()?;
            runtime.block_on(async {
                let mut connections = tokio::task::JoinSet::new();
                for number in 0..PARALLEL {
                    let (client, urls) = (client.clone(), urls.clone());
                    let (key, stopped) = (key.clone(), Arc::clone(&stopped));
                    connections.spawn(async move { repeat(&client, &urls, number, &key, &stopped).await });
                }
                let counts = connections.join_all().await;
                let add = |sum: Counts, counts: Counts| Counts {
                    successes: sum.successes + counts.successes,
                    failures: sum.failures + counts.failures,
                };
                Ok(counts.into_iter().fold(Counts::default(), add))
            })
        });
        Ok(Self { is_stopped, thread })
    }

    fn stop(self) -> anyhow::Result<Counts> {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the thread of the lists panicked"))?
    }
}

/// Sends one list after the other, from the `first`, until it is stopped.
async fn repeat(client: &Client, urls: &[Url], first: usize, key: &str, is_stopped: &AtomicBool) -> Counts {
    let mut counts = Counts::default();
    for url in urls.iter().cycle().skip(first) {
        if is_stopped.load(Ordering::Relaxed) {
            break;
        }
        let answer = client.get(url.clone()).header(crate::network::KEY_HEADER, key).send().await;
        let body = async { answer?.error_for_status()?.bytes().await };
        match body.await {
            Ok(_) => counts.successes += 1,
            Err(_) => counts.failures += 1,
        }
    }
    counts
}

/// Compares uncached reads and new plans while lists run with the same without lists. Any other response than the
/// expected plan fails the measurement.
pub(super) fn measure(field: &Field, service: &Service, plans: u64) -> anyhow::Result<Vec<Row>> {
    let opened = RefCell::new(Vec::new());
    let each_us = |load: Load| Ok(1e6 / field.loader.run(load, service)?.goodput_per_second);
    let during_lists = |load: Load| {
        let lists = Lists::start(service)?;
        let each_us = each_us(load);
        let counts = lists.stop()?;
        field.say(&format!("million: {counts:?} of lists"));
        anyhow::ensure!(counts.successes > 0 && counts.failures == 0, "lists failed: {counts:?}");
        opened.borrow_mut().push(openings(service)?);
        each_us
    };
    let reads = || {
        let file = field.file("listed.ids");
        let ids = loader::write_ids(&super::some_ids(service)?, &file)?;
        service.restart()?;
        anyhow::Ok(Load::of("read").connections(CONNECTIONS).ids(&file).requests(ids).seconds(60))
    };
    let new_plans = |seed| Load::of("cold").connections(CONNECTIONS).seconds(field.seconds).seed(seed);

    let read = field.alternate(
        "million: reads and lists",
        "µs",
        |_| reads().and_then(during_lists),
        |_| reads().and_then(each_us),
    )?;
    let created = field.alternate(
        "million: new plans and lists",
        "µs",
        |seed| during_lists(new_plans(seed)),
        |seed| each_us(new_plans(seed)),
    )?;
    let what = |of: &str| format!("{of} during {PARALLEL} lists of {plans} plans, compared with no list");
    Ok(vec![
        Row::ratio("million", what("uncached plan"), "µs", &read, None),
        Row::ratio("million", what("new plan"), "µs", &created, None),
        Row::figure("million", "changes of the database's breaker", "", &opened.into_inner(), Target::Exactly(0.0)),
    ])
}

/// Counts the changes of the breaker of the database since the start of the service.
fn openings(service: &Service) -> anyhow::Result<f64> {
    let (text, _) = service.get("/metrics").context("failed to read the metrics")?;
    let transitions =
        text.lines().filter(|line| line.contains("dependency=\"database\"")).collect::<Vec<_>>().join("\n");
    Ok(exposition::sum(&transitions, "instrument_registry_breaker_transitions_total"))
}
