use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{HttpBody, to_bytes};
use axum::http::{HeaderMap, StatusCode};
use futures_util::{FutureExt, StreamExt};

use super::memory::{MEMORY_KIB_MAX, MemoryLoad};
use super::*;

const KIB: usize = 1024;
const TIMEOUT: Duration = Duration::from_secs(600);

/// A list of JSON strings in memory, newest first.
struct Strings {
    rows: Vec<String>,
    reads: Arc<AtomicUsize>,
    /// The number of reads that succeed.
    successes: usize,
    /// The ids of rows that were deleted after the outline was read.
    deleted: Vec<String>,
}

impl Strings {
    fn of(count: usize, length: usize) -> Self {
        let rows = (0..count).map(|_| format!("\"{}\"", "x".repeat(length - 2))).collect();
        Strings { rows, reads: Arc::default(), successes: usize::MAX, deleted: Vec::new() }
    }

    fn read(&self) -> Result<(), Problem> {
        let reads = self.reads.fetch_add(1, Ordering::SeqCst);
        if reads < self.successes { Ok(()) } else { Err(Problem::internal()) }
    }

    fn rows_with(&self, keys: &[String]) -> Vec<String> {
        let kept = keys.iter().filter(|key| !self.deleted.contains(key));
        kept.map(|key| self.rows[key.parse::<usize>().unwrap()].clone()).collect()
    }
}

impl RowSource for Strings {
    type Row = String;

    fn operation(&self) -> &'static str {
        "strings"
    }

    async fn portion(&self, position: Position, limit: PortionLimit, _: Instant) -> Result<Portion<String>, Problem> {
        self.read()?;
        let start = match position {
            Position::Offset(offset) => usize::try_from(offset).unwrap(),
            Position::After(key) => key.parse::<usize>().unwrap() + 1,
        };
        let end = self.rows.len().min(start + limit.rows as usize);
        let outline = |at: usize| RowOutline { key: at.to_string(), bytes: self.rows[at].len() as u64 };
        let items: Vec<RowOutline> = (start..end).map(outline).collect();
        let read = rows_within(&items, limit.bytes);
        let keys: Vec<String> = items[..read].iter().map(|row| row.key.clone()).collect();
        let total = self.rows.len() as u64;
        let outline = Page { items, total, total_is_lower_bound: false, has_next: end < self.rows.len() };
        Ok(Portion { outline, rows: self.rows_with(&keys), read })
    }

    async fn rows_of(&self, keys: Vec<String>, _: Instant) -> Result<Vec<String>, Problem> {
        self.read()?;
        Ok(self.rows_with(&keys))
    }
}

fn pool(kib: usize) -> &'static Pool {
    Box::leak(Box::new(Pool::new(u32::try_from(kib).unwrap())))
}

fn free_kib(pool: &Pool) -> usize {
    let load = pool.load();
    (load.bytes_max - load.bytes) >> 10
}

fn reader(source: Strings) -> Reader<Strings> {
    Reader { source, memory: pool(1 << 20), growth: 1 }
}

fn deadline() -> Instant {
    Instant::now() + TIMEOUT
}

/// Responds as a handler does.
async fn respond(page: PortionedPage<Strings>) -> Body {
    let format = Format::json(
        || Ok(b"{\"rows\":[],\"total\":[1]}".to_vec()),
        |row: &String, text| {
            text.extend_from_slice(row.as_bytes());
            Ok(())
        },
    );
    let context = RequestContext::begin(&HeaderMap::new());
    page.respond(format, &context, deadline()).await.unwrap().into_body()
}

async fn text(body: Body) -> String {
    String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap()
}

fn json_of(rows: &[String]) -> String {
    format!("{{\"rows\":[{}],\"total\":[1]}}", rows.join(","))
}

#[tokio::test]
async fn a_small_page_has_a_length() {
    let source = Strings::of(3, 10);
    let (rows, reads) = (source.rows.clone(), Arc::clone(&source.reads));

    let page = reader(source).page(Position::Offset(1), 10, deadline()).await.unwrap();
    let next_key = page.next_key().map(str::to_owned);
    let body = respond(page).await;

    assert_eq!(next_key, None);
    assert_eq!(body.size_hint().exact(), Some(json_of(&rows[1..]).len() as u64));
    assert_eq!(text(body).await, json_of(&rows[1..]));
    assert_eq!(reads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_empty_page_is_a_response() {
    let body = respond(reader(Strings::of(0, 10)).page(Position::Offset(0), 10, deadline()).await.unwrap()).await;

    assert_eq!(text(body).await, "{\"rows\":[],\"total\":[1]}");
}

#[tokio::test]
async fn a_large_page_is_read_while_it_is_sent() {
    let source = Strings::of(7, 250 * KIB);
    let (rows, reads) = (source.rows.clone(), Arc::clone(&source.reads));
    let read_count = || reads.load(Ordering::SeqCst);

    let page = reader(source).page(Position::Offset(0), 10, deadline()).await.unwrap();
    let mut portions = respond(page).await.into_data_stream();
    let mut sent = Vec::new();
    let mut reads_at_portions = Vec::new();
    while let Some(portion) = portions.next().await {
        sent.extend_from_slice(&portion.unwrap());
        reads_at_portions.push(read_count());
    }

    // Two rows are a portion.
    assert_eq!(reads_at_portions, [1, 2, 3, 4]);
    assert_eq!(String::from_utf8(sent).unwrap(), json_of(&rows));
}

#[tokio::test]
async fn a_page_of_a_cursor_ends_at_its_size() {
    let source = Strings::of(30, 256 * KIB);
    let rows = source.rows.clone();

    let page = reader(source).page(Position::After("4".to_owned()), 20, deadline()).await.unwrap();
    let next_key = page.next_key().map(str::to_owned);
    let has_next = page.outline.has_next;
    let body = respond(page).await;

    // 4 MiB.
    assert_eq!(next_key.as_deref(), Some("20"));
    assert!(has_next);
    assert_eq!(text(body).await, json_of(&rows[5..=20]));
}

#[tokio::test]
async fn cursors_visit_each_large_row_once() {
    let rows = [5, 1, 3, 8, 2, 1, 1, 6].map(|mib| mib * KIB * KIB);
    let rows: Vec<String> = rows.iter().map(|length| format!("\"{}\"", "x".repeat(length - 2))).collect();
    let mut position = Position::After("0".to_owned());
    let mut visited = vec!["0".to_owned()];
    let mut pages = 0;
    loop {
        let source = Strings { rows: rows.clone(), ..Strings::of(0, 10) };
        let page = reader(source).page(position, 3, deadline()).await.unwrap();
        pages += 1;
        visited.extend(page.outline.items.iter().map(|row| row.key.clone()));
        let Some(next) = page.next_key() else { break };
        position = Position::After(next.to_owned());
    }

    assert_eq!(visited, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(pages, 4);
}

#[tokio::test]
async fn a_page_of_an_offset_keeps_its_rows() {
    let source = Strings::of(30, 512 * KIB);
    let rows = source.rows.clone();

    let page = reader(source).page(Position::Offset(5), 20, deadline()).await.unwrap();
    let next_key = page.next_key().map(str::to_owned);
    let body = respond(page).await;

    assert_eq!(next_key.as_deref(), Some("24"));
    assert_eq!(text(body).await, json_of(&rows[5..25]));
}

#[tokio::test]
async fn deleted_rows_are_skipped() {
    let deleted = ["0", "1", "4", "7"].map(str::to_owned).to_vec();
    let source = Strings { deleted, ..Strings::of(8, 250 * KIB) };
    let rows = source.rows.clone();

    let body = respond(reader(source).page(Position::Offset(0), 10, deadline()).await.unwrap()).await;

    let kept = [2, 3, 5, 6].map(|at| rows[at].clone());
    assert_eq!(text(body).await, json_of(&kept));
}

#[tokio::test]
async fn a_fault_after_the_first_portion_ends_the_connection() {
    let source = Strings { successes: 2, ..Strings::of(6, 250 * KIB) };

    let mut portions =
        respond(reader(source).page(Position::Offset(0), 10, deadline()).await.unwrap()).await.into_data_stream();
    let (first, second, third) = (portions.next().await, portions.next().await, portions.next().await);

    assert!(matches!(first, Some(Ok(_))));
    assert!(matches!(second, Some(Ok(_))));
    assert!(matches!(third, Some(Err(_))));
    assert!(portions.next().await.is_none());
}

#[tokio::test]
async fn a_fault_of_the_first_portion_is_a_problem() {
    let source = Strings { successes: 0, ..Strings::of(6, 10) };

    let result = reader(source).page(Position::Offset(0), 10, deadline()).await;

    assert_eq!(result.err().map(|problem| problem.status), Some(StatusCode::INTERNAL_SERVER_ERROR));
}

#[tokio::test]
async fn memory_is_released_when_a_portion_was_sent() {
    let memory = pool(600);
    let source = Strings::of(3, 300 * KIB);
    let reader = Reader { source, memory, growth: 1 };

    let mut portions =
        respond(reader.page(Position::Offset(0), 10, deadline()).await.unwrap()).await.into_data_stream();
    let first = portions.next().await.unwrap().unwrap();
    let while_sent = free_kib(memory);
    drop(first);
    let after = free_kib(memory);
    let rest: Vec<_> = portions.by_ref().collect::<Vec<_>>().await;
    drop(portions);
    let while_rest = free_kib(memory);
    drop(rest);

    assert_eq!(while_sent, 300);
    assert_eq!(after, 600);
    assert_eq!(while_rest, 0);
    assert_eq!(free_kib(memory), 600);
}

#[tokio::test]
async fn a_list_without_memory_is_rejected_at_its_deadline() {
    let source = Strings::of(3, 10);
    let reads = Arc::clone(&source.reads);
    let memory = pool(600);
    let held = Memory::reserve(memory, 100 << 10, deadline()).await.unwrap();

    let result = Reader { source, memory, growth: 1 }.page(Position::Offset(0), 10, Instant::now()).await;
    drop(held);

    assert_eq!(result.err().map(|problem| problem.code), Some("overloaded"));
    assert_eq!(reads.load(Ordering::SeqCst), 0);
}

/// The format of a list in which each row is written many times.
fn repeated(row: &str) -> String {
    row.repeat(100)
}

#[tokio::test]
async fn rows_larger_than_expected_are_written_in_smaller_portions() {
    // With 20 KiB, a row becomes 2,000 KiB.
    let rows: Vec<String> = [1, 2, 3, 20, 1, 2, 2]
        .iter()
        .enumerate()
        .map(|(at, kib)| format!("{at}{}", "x".repeat(kib * KIB - 1)))
        .collect();
    let source = Strings { rows: rows.clone(), deleted: vec!["2".to_owned()], ..Strings::of(0, 10) };
    let memory = pool(2048);
    let page = Reader { source, memory, growth: 8 }.page(Position::Offset(0), 10, deadline()).await.unwrap();
    let format = Format {
        content_type: "text/plain",
        frame: Box::new(|| Ok(Frame { head: Vec::new(), tail: b"end".to_vec() })),
        separator: b",",
        write: |row: &String, text| {
            text.extend_from_slice(repeated(row).as_bytes());
            Ok(())
        },
        measure: Some(|row| (&row[..1], 100 * row.len() as u64)),
    };

    let context = RequestContext::begin(&HeaderMap::new());
    let response = page.respond(format, &context, deadline()).await.unwrap();
    let mut portions = response.into_body().into_data_stream();
    let (mut sent, mut sizes) = (String::new(), Vec::new());
    while let Some(portion) = portions.next().await {
        let portion = portion.unwrap();
        let used = (2048 - free_kib(memory)) * KIB;
        assert!(used + 8 >= portion.len(), "{used} bytes reserved for {}", portion.len());
        sizes.push(portion.len() / (100 * KIB));
        sent.push_str(std::str::from_utf8(&portion).unwrap());
    }

    assert_eq!(sizes, [3, 20, 5]);
    let kept: Vec<String> = [0, 1, 3, 4, 5, 6].map(|at: usize| repeated(&rows[at])).to_vec();
    assert!(sent == format!("{}end", kept.join(",")));
    drop(portions);
    assert_eq!(free_kib(memory), 2048);
}

#[tokio::test]
async fn lists_that_wait_for_memory_are_shown() {
    let memory = pool(600);
    let held = Memory::reserve(memory, 100 << 10, deadline()).await.unwrap();
    let reader = || Reader { source: Strings::of(3, 10), memory, growth: 1 };
    let mut first = Box::pin(reader().page(Position::Offset(0), 10, deadline()));
    let mut second = Box::pin(reader().page(Position::Offset(0), 10, deadline()));
    let idle = memory.load();
    assert!(first.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    let waiting = memory.load();

    drop(first);
    drop(held);
    drop(second.await.unwrap());

    assert_eq!(idle, MemoryLoad { bytes: 100 << 10, bytes_max: 600 << 10, waiting: 0, oldest_wait: Duration::ZERO });
    assert_eq!(waiting.waiting, 2);
    assert!(waiting.oldest_wait > Duration::ZERO);
    assert_eq!(memory.load(), MemoryLoad { bytes: 0, ..idle });
}

#[test]
fn a_list_rejected_without_memory_is_counted() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let memory = pool(600);
            let _held = Memory::reserve(memory, 100 << 10, deadline()).await.unwrap();
            let reader = Reader { source: Strings::of(3, 10), memory, growth: 1 };
            assert!(reader.page(Position::Offset(0), 10, Instant::now()).await.is_err());
        });
    });

    let metrics = recorder.handle().render();
    assert!(metrics.lines().any(|line| line == "instrument_registry_requests_shed_total 1"), "{metrics}");
}

#[tokio::test]
async fn a_row_above_the_memory_of_all_is_served_alone() {
    let length = (MEMORY_KIB_MAX as usize + 1) * KIB;
    let source = Strings::of(2, length);
    let rows = source.rows.clone();
    let reader = Reader { source, memory: pool(MEMORY_KIB_MAX as usize), growth: 1 };

    let mut portions =
        respond(reader.page(Position::Offset(0), 10, deadline()).await.unwrap()).await.into_data_stream();
    let mut sent = Vec::new();
    while let Some(portion) = portions.next().await {
        sent.extend_from_slice(&portion.unwrap());
    }

    assert!(String::from_utf8(sent).unwrap() == json_of(&rows));
}

#[tokio::test]
async fn growing_rows_are_read_in_smaller_portions() {
    let source = Strings::of(4, 100 * KIB);
    let reads = Arc::clone(&source.reads);
    let memory = pool(4096);
    let reader = Reader { source, memory, growth: 1 }.growing(4);

    let page = reader.page(Position::Offset(0), 10, deadline()).await.unwrap();
    let used = 4096 - free_kib(memory);
    text(respond(page).await).await;

    assert_eq!(used, 400);
    assert_eq!(reads.load(Ordering::SeqCst), 4);
}
