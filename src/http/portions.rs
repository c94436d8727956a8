//! Lists whose rows contain documents of any size. They are read and written in portions, so that a response needs the
//! same memory however large its documents are.
//!
//! First the ids and sizes of a page are read, and as many rows as one portion may contain. If that is all, the
//! response has a length, as any other. A page that a cursor selects ends at [`PAGE_BYTES_MAX`], and its caller
//! continues after its last row. Any other page keeps its number of rows, because its caller may continue with
//! `offset`. The rest of a page is read while the response is sent. Each portion is a call of its own, so a caller who
//! reads slowly holds no permit and no connection of the database.
//!
//! Callers may read slowly or not at all, so the documents in memory are bounded for all responses together. Large
//! responses that are written as a whole, and the plans whose subscriptions are sent, have a bound of their own.

mod memory;
mod whole;

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use metrics::counter;
use registry_actors::persistence::{Op, PersistenceHandle};
use registry_store::{Page, Portion, PortionLimit, Position, RowOutline, Store, StoreError, rows_within};
use tracing::{error, warn};

use self::memory::{MEMORY, Pool};
pub(super) use self::memory::{Memory, MemoryLoad, WAIT_MAX, memory_load};
pub(super) use self::whole::{computed_object, hold, large_object};
use super::blocking::{run_blocking, run_for_sent_response};
use super::context::RequestContext;
use super::problem::Problem;
use crate::metrics::REQUESTS_SHED;

/// Maximum size of the documents on a page that a cursor selects, in bytes as stored. One row is always on it.
pub(super) const PAGE_BYTES_MAX: u64 = 4 << 20;
/// Maximum size of the documents that are read at once. One row is always read.
const PORTION_BYTES_MAX: u64 = 512 << 10;
/// Maximum time to read and write a portion of a response whose start was sent. Without the rest the response is of no
/// use, so it waits for longer than a request does.
const LATER_PORTION_TIMEOUT: Duration = Duration::from_secs(60);
/// Size of documents that are written in less time than it takes to hand them to another thread.
const QUICK_BYTES_MAX: u64 = 16 << 10;

/// Size of the text around the rows and between them, for the capacity of a buffer.
const SMALL_BYTES: usize = 1 << 10;

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

pub(super) struct DatabaseRows<L> {
    list: Arc<L>,
    persistence: PersistenceHandle,
}

impl<L: DocumentList> RowSource for DatabaseRows<L> {
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

/// Returns the id of a row and its size when it is written.
pub(super) type RowMeasure<R> = fn(&R) -> (&str, u64);

pub(super) struct Format<R> {
    pub(super) content_type: &'static str,
    /// Returns the parts of the response before and after its rows.
    pub(super) frame: Box<dyn Fn() -> anyhow::Result<Frame> + Send + Sync>,
    pub(super) separator: &'static [u8],
    pub(super) write: fn(&R, &mut Vec<u8>) -> anyhow::Result<()>,
    /// Measures a row before it is written. `None`: its size is that of its documents.
    pub(super) measure: Option<RowMeasure<R>>,
}

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
        Format { content_type: "application/json", frame: Box::new(frame), separator: b",", write, measure: None }
    }
}

pub(super) struct Reader<S> {
    source: S,
    memory: &'static Pool,
    /// The usual ratio of the size of a written row to the size of its documents.
    growth: u64,
}

impl<L: DocumentList> Reader<DatabaseRows<L>> {
    pub(super) fn new(list: L, persistence: &PersistenceHandle) -> Self {
        let source = DatabaseRows { list: Arc::new(list), persistence: persistence.clone() };
        Reader { source, memory: &MEMORY, growth: 1 }
    }
}

impl<S: RowSource> Reader<S> {
    /// Reads rows from another place than the database.
    pub(super) fn of(source: S) -> Self {
        Reader { source, memory: &MEMORY, growth: 1 }
    }

    /// Reads smaller portions, because a written row is usually `growth` times as large as its documents.
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
        let memory = Memory::reserve(self.memory, PORTION_BYTES_MAX, deadline).await;
        let mut memory = memory.inspect_err(|_| Progress::default().note_overload())?;
        let Portion { outline, rows, read } = self.source.portion(position, limit, deadline).await?;
        let bytes = self.grown(&outline.items[..read]);
        memory.resize(bytes);
        let (first, rest) = outline.items.split_at(read);
        let (first, rest) = (first.to_vec(), rest.iter().cloned().collect());
        Ok(PortionedPage { reader: self, outline, first: Some(Rows { rows, outline: first, bytes, memory }), rest })
    }

    /// Reads the rows with the ids of an outline.
    async fn rows_of(&self, outline: Vec<RowOutline>, deadline: Instant) -> Result<Rows<S::Row>, Problem> {
        let bytes = self.grown(&outline);
        let memory = Memory::reserve(self.memory, bytes, deadline).await?;
        let keys = outline.iter().map(|row| row.key.clone()).collect();
        let rows = self.source.rows_of(keys, deadline).await?;
        Ok(Rows { rows, outline, bytes, memory })
    }

    fn grown(&self, rows: &[RowOutline]) -> u64 {
        rows.iter().fold(0, |sum: u64, row| sum.saturating_add(row.bytes)).saturating_mul(self.growth)
    }
}

/// Rows with their share of the memory.
pub(super) struct Rows<R> {
    pub(super) rows: Vec<R>,
    /// The rows that were requested. Those that were deleted meanwhile are not among `rows`.
    outline: Vec<RowOutline>,
    /// The size of the rows when they are written.
    pub(super) bytes: u64,
    pub(super) memory: Memory,
}

/// A page whose first rows are in memory.
pub(super) struct PortionedPage<S: RowSource> {
    reader: Reader<S>,
    /// All rows of the page, including those that are not in memory.
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

    /// Ends a portion before the first row with which it would be larger than a portion may be when it is written. The
    /// remaining rows are read again with the next portion, so that no list waits for memory while it has some.
    async fn fit(
        &mut self,
        rows: Rows<S::Row>,
        measure: RowMeasure<S::Row>,
        deadline: Instant,
    ) -> Result<Rows<S::Row>, Problem> {
        let Rows { mut rows, mut outline, mut memory, .. } = rows;
        let (mut bytes, mut count): (u64, usize) = (0, 0);
        for row in &rows {
            let (key, size) = measure(row);
            let with_row = bytes.saturating_add(size);
            if count > 0 && with_row > PORTION_BYTES_MAX {
                let position = outline.iter().position(|row| row.key == key).unwrap_or(outline.len());
                outline.drain(position..).rev().for_each(|row| self.rest.push_front(row));
                break;
            }
            bytes = with_row;
            count += 1;
        }
        rows.truncate(count);
        memory.resize(bytes);
        if !memory.is_enough_for(bytes) {
            drop(memory);
            memory = Memory::reserve(self.reader.memory, bytes, deadline).await?;
        }
        Ok(Rows { rows, outline, bytes, memory })
    }

    pub(super) fn is_read(&self) -> bool {
        self.first.is_none() && self.rest.is_empty()
    }

    /// Returns the page as a response. Faults that occur after the first portion end the connection, so that the caller
    /// sees that the response is incomplete.
    ///
    /// # Errors
    /// The problems of reading and writing the first portion.
    pub(super) async fn respond(
        mut self,
        format: Format<S::Row>,
        context: &RequestContext,
        deadline: Instant,
    ) -> Result<Response, Problem> {
        let content_type = HeaderValue::from_static(format.content_type);
        // `rest` has the rows that follow.
        self.outline.items = Vec::new();
        let mut writer = PageWriter { page: self, format: Arc::new(format), progress: Progress::default() };
        let first = writer.next(deadline).await?.unwrap_or_default();
        let body = if writer.page.is_read() {
            Body::from(first)
        } else {
            Body::from_stream(writer.into_stream(first, context.clone()))
        };
        Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
    }
}

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

impl Progress {
    /// Counts a response that is rejected because there is no memory for it, unless its start was sent.
    fn note_overload(self) {
        if !self.has_head {
            counter!(REQUESTS_SHED).increment(1);
        }
    }
}

impl<S: RowSource> PageWriter<S> {
    /// Reads and writes the next portion.
    async fn next(&mut self, deadline: Instant) -> Result<Option<Bytes>, Problem> {
        let Some(mut rows) = self.page.next(deadline).await? else { return Ok(None) };
        if let Some(measure) = self.format.measure {
            let fitting = self.page.fit(rows, measure, deadline).await;
            rows = fitting.inspect_err(|_| self.progress.note_overload())?;
        }
        let (format, progress, is_last) = (Arc::clone(&self.format), self.progress, self.page.is_read());
        self.progress = Progress { has_head: true, has_rows: progress.has_rows || !rows.rows.is_empty() };
        let is_quick = rows.bytes <= QUICK_BYTES_MAX;
        let write = move || format.write(rows, progress, is_last);
        let written = match (is_quick, progress.has_head) {
            (true, _) => write(),
            (false, false) => run_blocking(deadline, write).await?,
            (false, true) => run_for_sent_response(deadline, write).await?,
        };
        written.map(Some).map_err(|fault| {
            error!(%fault, "failed to write a list");
            Problem::internal()
        })
    }

    /// Returns `first` and the rest of the page, which is read when it is requested.
    fn into_stream(self, first: Bytes, context: RequestContext) -> impl Stream<Item = io::Result<Bytes>> + Send {
        stream::try_unfold((self, Some(first)), move |(mut writer, first)| {
            let context = context.clone();
            Box::pin(async move {
                if first.is_some() {
                    return Ok(first.map(|first| (first, (writer, None))));
                }
                match writer.next(Instant::now() + LATER_PORTION_TIMEOUT).await {
                    Ok(next) => Ok(next.map(|next| (next, (writer, None)))),
                    Err(Problem { code, detail, .. }) => {
                        let operation = writer.page.reader.source.operation();
                        let (correlation_id, trace_id) = (&context.correlation_id, context.trace.context().trace_id());
                        warn!(%correlation_id, trace_id, operation, code, detail, "failed to read the rest of a list: connection closed");
                        Err(io::Error::other(detail))
                    }
                }
            })
        })
    }
}

impl<R> Format<R> {
    fn write(&self, rows: Rows<R>, progress: Progress, is_last: bool) -> anyhow::Result<Bytes> {
        let Rows { rows, bytes, memory, .. } = rows;
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
