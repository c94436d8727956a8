//! Lists whose rows contain documents of any size. They are read and written in portions, so that a response needs the
//! same memory however large its documents are.
//!
//! First the ids and sizes of a page are read, and as many rows as one portion may contain. If that is all, the response
//! has a length, as any other. A page that a cursor selects ends at [`PAGE_BYTES_MAX`], and its caller continues after its
//! last row. Any other page keeps its number of rows, because its caller may continue with `offset`. The rest of a page is
//! read while the response is sent. Each portion is a call of its own, so a caller who reads slowly holds no permit and no
//! connection of the database.
//!
//! Callers may read slowly or not at all, so the documents in memory are bounded for all responses together.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use registry_actors::persistence::{Op, PersistenceHandle};
use registry_store::{Page, Portion, PortionLimit, Position, RowOutline, Store, StoreError, rows_within};
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::{error, warn};

use super::blocking::run_blocking;
use super::context::RequestContext;
use super::problem::Problem;

/// Maximum size of the documents on a page that a cursor selects, in bytes as stored. One row is always on it.
pub(super) const PAGE_BYTES_MAX: u64 = 4 << 20;
/// Maximum size of the documents that are read at once. One row is always read.
const PORTION_BYTES_MAX: u64 = 512 << 10;
/// Maximum size of the documents that all responses together have in memory, in KiB.
const MEMORY_KIB_MAX: u32 = 16 << 10;
/// Size of documents that are written in less time than it takes to hand them to another thread.
const QUICK_BYTES_MAX: u64 = 16 << 10;

/// Size of the text around the rows and between them, for the capacity of a buffer.
const SMALL_BYTES: usize = 1 << 10;

/// One permit for each KiB.
static MEMORY: Semaphore = Semaphore::const_new(MEMORY_KIB_MAX as usize);

/// A list whose rows contain documents.
pub(super) trait DocumentList: Send + Sync + 'static {
    type Row: Send + 'static;

    const OP: Op;

    /// Reads the outline of a page and its first rows.
    fn portion(
        &self,
        store: &dyn Store,
        position: &Position,
        limit: PortionLimit,
    ) -> impl Future<Output = Result<Portion<Self::Row>, StoreError>> + Send;

    /// Reads the rows with these ids.
    fn rows_of(
        &self,
        store: &dyn Store,
        keys: &[String],
    ) -> impl Future<Output = Result<Vec<Self::Row>, StoreError>> + Send;
}

/// The place from which the rows of a list are read.
pub(super) trait RowSource: Send + Sync + 'static {
    type Row: Send + 'static;

    /// Returns the name of the call, for logs.
    fn operation(&self) -> &'static str;

    /// Reads the outline of a page and its first rows.
    fn portion(
        &self,
        position: Position,
        limit: PortionLimit,
        deadline: Instant,
    ) -> impl Future<Output = Result<Portion<Self::Row>, Problem>> + Send;

    /// Reads the rows with these ids.
    fn rows_of(
        &self,
        keys: Vec<String>,
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<Self::Row>, Problem>> + Send;
}

/// A list in the database.
pub(super) struct Stored<L> {
    list: Arc<L>,
    persistence: PersistenceHandle,
}

impl<L: DocumentList> RowSource for Stored<L> {
    type Row = L::Row;

    fn operation(&self) -> &'static str {
        L::OP.as_str()
    }

    async fn portion(
        &self,
        position: Position,
        limit: PortionLimit,
        deadline: Instant,
    ) -> Result<Portion<L::Row>, Problem> {
        let list = Arc::clone(&self.list);
        let read = move |store: Arc<dyn Store>| async move { list.portion(&*store, &position, limit).await };
        Ok(self.persistence.run(L::OP, deadline.into(), read).await?)
    }

    async fn rows_of(&self, keys: Vec<String>, deadline: Instant) -> Result<Vec<L::Row>, Problem> {
        let list = Arc::clone(&self.list);
        let read = move |store: Arc<dyn Store>| async move { list.rows_of(&*store, &keys).await };
        Ok(self.persistence.run(L::OP, deadline.into(), read).await?)
    }
}

/// The form of a response.
pub(super) struct Format<R> {
    pub(super) content_type: &'static str,
    /// Returns the parts of the response before and after its rows.
    pub(super) frame: Box<dyn Fn() -> anyhow::Result<Frame> + Send + Sync>,
    /// The text between two rows.
    pub(super) separator: &'static [u8],
    /// Appends a row.
    pub(super) write: fn(&R, &mut Vec<u8>) -> anyhow::Result<()>,
}

/// The parts of a response before and after its rows.
pub(super) struct Frame {
    pub(super) head: Vec<u8>,
    pub(super) tail: Vec<u8>,
}

impl<R> Format<R> {
    /// Creates the form of a JSON object. `render` returns it with an empty list of rows, which is its first field.
    pub(super) fn json(
        render: impl Fn() -> serde_json::Result<Vec<u8>> + Send + Sync + 'static,
        write: fn(&R, &mut Vec<u8>) -> anyhow::Result<()>,
    ) -> Self {
        let frame = move || {
            let mut head = render()?;
            let start = head.iter().position(|byte| *byte == b'[').map_or(head.len(), |position| position + 1);
            let tail = head.split_off(start);
            Ok(Frame { head, tail })
        };
        Format { content_type: "application/json", frame: Box::new(frame), separator: b",", write }
    }
}

/// Reads a list in portions.
pub(super) struct Reader<S> {
    source: S,
    /// One permit for each KiB of documents that may be in memory.
    memory: &'static Semaphore,
    /// How many times as large as its documents a row becomes when it is written.
    growth: u64,
}

impl<L: DocumentList> Reader<Stored<L>> {
    pub(super) fn new(list: L, persistence: &PersistenceHandle) -> Self {
        let source = Stored { list: Arc::new(list), persistence: persistence.clone() };
        Reader { source, memory: &MEMORY, growth: 1 }
    }
}

impl<S: RowSource> Reader<S> {
    /// Reads smaller portions, because a row becomes this many times as large when it is written.
    pub(super) fn growing(self, growth: u64) -> Self {
        Reader { growth, ..self }
    }

    /// Reads the start of a page. If a cursor selects the page, it may have fewer than `rows` rows although there are
    /// more.
    ///
    /// # Errors
    /// 503 if other responses need the memory until the deadline, and the problems of the database.
    pub(super) async fn page(
        self,
        position: Position,
        rows: u32,
        deadline: Instant,
    ) -> Result<PortionedPage<S>, Problem> {
        let is_by_cursor = matches!(position, Position::After(_));
        let mut page = self.whole_page(position, rows, deadline).await?;
        if is_by_cursor {
            page.end_within(PAGE_BYTES_MAX);
        }
        Ok(page)
    }

    /// Reads the start of a page of `rows` rows.
    ///
    /// # Errors
    /// As [`Reader::page`].
    pub(super) async fn whole_page(
        self,
        position: Position,
        rows: u32,
        deadline: Instant,
    ) -> Result<PortionedPage<S>, Problem> {
        let limit = PortionLimit { rows, bytes: PORTION_BYTES_MAX / self.growth };
        let mut memory = Memory::reserve(self.memory, PORTION_BYTES_MAX, deadline).await?;
        let Portion { outline, rows, read } = self.source.portion(position, limit, deadline).await?;
        let bytes = self.grown(&outline.items[..read]);
        memory.resize(bytes);
        let rest = outline.items[read..].iter().cloned().collect();
        Ok(PortionedPage { reader: self, outline, first: Some(Rows { rows, bytes, memory }), rest })
    }

    /// Reads the rows with the ids of an outline.
    async fn rows_of(&self, outline: Vec<RowOutline>, deadline: Instant) -> Result<Rows<S::Row>, Problem> {
        let bytes = self.grown(&outline);
        let memory = Memory::reserve(self.memory, bytes, deadline).await?;
        let keys = outline.into_iter().map(|row| row.key).collect();
        let rows = self.source.rows_of(keys, deadline).await?;
        Ok(Rows { rows, bytes, memory })
    }

    fn grown(&self, rows: &[RowOutline]) -> u64 {
        rows.iter().fold(0, |sum: u64, row| sum.saturating_add(row.bytes)).saturating_mul(self.growth)
    }
}

/// Rows with their share of the memory.
pub(super) struct Rows<R> {
    pub(super) rows: Vec<R>,
    /// The size of the rows when they are written.
    pub(super) bytes: u64,
    pub(super) memory: Memory,
}

/// A share of the memory for documents, released when it is dropped.
pub(super) struct Memory {
    pool: &'static Semaphore,
    share: SemaphorePermit<'static>,
}

impl Memory {
    async fn reserve(pool: &'static Semaphore, bytes: u64, deadline: Instant) -> Result<Self, Problem> {
        let share = tokio::time::timeout_at(deadline.into(), pool.acquire_many(kib(bytes))).await;
        // The semaphore is never closed.
        let share = share.ok().and_then(Result::ok).ok_or_else(Problem::overloaded)?;
        Ok(Memory { pool, share })
    }

    /// Adapts the share to rows that were read. A row that is larger than the share does not wait for more, because it is
    /// in memory already.
    fn resize(&mut self, bytes: u64) {
        let (has, needs) = (self.share.num_permits(), kib(bytes) as usize);
        if has > needs {
            drop(self.share.split(has - needs));
        } else if let Ok(more) = self.pool.try_acquire_many(kib(bytes) - u32::try_from(has).unwrap_or(0)) {
            self.share.merge(more);
        }
    }
}

/// Returns the permits for a size: at least one, and at most all.
fn kib(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).clamp(1, MEMORY_KIB_MAX)
}

/// A page whose first rows are in memory.
pub(super) struct PortionedPage<S: RowSource> {
    reader: Reader<S>,
    /// All rows of the page.
    pub(super) outline: Page<RowOutline>,
    first: Option<Rows<S::Row>>,
    rest: VecDeque<RowOutline>,
}

impl<S: RowSource> PortionedPage<S> {
    /// Returns the id of the last row, if there is a next page.
    pub(super) fn next_key(&self) -> Option<&str> {
        self.outline.items.last().filter(|_| self.outline.has_next).map(|row| row.key.as_str())
    }

    /// Ends the page before the first row that exceeds the size. The rows that were read stay on it.
    fn end_within(&mut self, bytes_max: u64) {
        let all = self.outline.items.len();
        let count = rows_within(&self.outline.items, bytes_max).max(all - self.rest.len());
        self.rest.truncate(self.rest.len() - (all - count));
        self.outline.items.truncate(count);
        self.outline.has_next |= count < all;
    }

    /// Reads the next rows. There is at least one portion, even if it is empty.
    ///
    /// # Errors
    /// As [`Reader::page`].
    pub(super) async fn next(&mut self, deadline: Instant) -> Result<Option<Rows<S::Row>>, Problem> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let count = rows_within(&self.rest, PORTION_BYTES_MAX / self.reader.growth);
        let next = self.rest.drain(..count).collect();
        self.reader.rows_of(next, deadline).await.map(Some)
    }

    /// Whether all rows were returned.
    pub(super) fn is_read(&self) -> bool {
        self.first.is_none() && self.rest.is_empty()
    }

    /// Returns the page as a response. Faults that occur after the first portion end the connection, so that the caller
    /// sees that the response is incomplete. `timeout` is the maximum time to read and write a later portion.
    ///
    /// # Errors
    /// The problems of reading and writing the first portion.
    pub(super) async fn respond(
        mut self,
        format: Format<S::Row>,
        context: &RequestContext,
        deadline: Instant,
        timeout: Duration,
    ) -> Result<Response, Problem> {
        let content_type = HeaderValue::from_static(format.content_type);
        // `rest` has the rows that follow.
        self.outline.items = Vec::new();
        let mut writer = PageWriter { page: self, format: Arc::new(format), progress: Progress::default() };
        let first = writer.next(deadline).await?.unwrap_or_default();
        let body = if writer.page.is_read() {
            Body::from(first)
        } else {
            Body::from_stream(writer.into_stream(first, Arc::clone(&context.correlation_id), timeout))
        };
        Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
    }
}

/// Writes a page.
struct PageWriter<S: RowSource> {
    page: PortionedPage<S>,
    format: Arc<Format<S::Row>>,
    progress: Progress,
}

/// The parts of a response that were written.
#[derive(Clone, Copy, Default)]
struct Progress {
    has_head: bool,
    has_rows: bool,
}

impl<S: RowSource> PageWriter<S> {
    /// Reads and writes the next portion.
    async fn next(&mut self, deadline: Instant) -> Result<Option<Bytes>, Problem> {
        let Some(rows) = self.page.next(deadline).await? else { return Ok(None) };
        let (format, progress, is_last) = (Arc::clone(&self.format), self.progress, self.page.is_read());
        self.progress = Progress { has_head: true, has_rows: progress.has_rows || !rows.rows.is_empty() };
        let is_quick = rows.bytes <= QUICK_BYTES_MAX;
        let write = move || format.write(rows, progress, is_last);
        let written = if is_quick { write() } else { run_blocking(deadline, write).await? };
        written.map(Some).map_err(|fault| {
            error!(%fault, "failed to write a list");
            Problem::internal()
        })
    }

    /// Returns `first` and the rest of the page, which is read when it is requested.
    fn into_stream(
        self,
        first: Bytes,
        correlation_id: Arc<str>,
        timeout: Duration,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send {
        stream::try_unfold((self, Some(first)), move |(mut writer, first)| {
            let correlation_id = Arc::clone(&correlation_id);
            Box::pin(async move {
                if first.is_some() {
                    return Ok(first.map(|first| (first, (writer, None))));
                }
                match writer.next(Instant::now() + timeout).await {
                    Ok(next) => Ok(next.map(|next| (next, (writer, None)))),
                    Err(Problem { code, detail, .. }) => {
                        let operation = writer.page.reader.source.operation();
                        warn!(%correlation_id, operation, code, detail, "failed to read the rest of a list: connection closed");
                        Err(io::Error::other(detail))
                    }
                }
            })
        })
    }
}

impl<R> Format<R> {
    fn write(&self, rows: Rows<R>, progress: Progress, is_last: bool) -> anyhow::Result<Bytes> {
        let Rows { rows, bytes, memory } = rows;
        let mut text = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0) + SMALL_BYTES);
        if !progress.has_head {
            text.append(&mut (self.frame)()?.head);
        }
        let mut has_rows = progress.has_rows;
        for row in rows {
            if std::mem::replace(&mut has_rows, true) {
                text.extend_from_slice(self.separator);
            }
            (self.write)(&row, &mut text)?;
        }
        if is_last {
            text.append(&mut (self.frame)()?.tail);
        }
        Ok(Bytes::from_owner(WrittenRows { text, _memory: memory }))
    }
}

/// A part of a response that is being sent. Its share of the memory is released with it.
struct WrittenRows {
    text: Vec<u8>,
    _memory: Memory,
}

impl AsRef<[u8]> for WrittenRows {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

#[cfg(test)]
mod tests;
