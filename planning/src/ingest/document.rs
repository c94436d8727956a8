//! The format of the documents of a load: gzipped CSV with a title, the names of the columns, and the rows.
//!
//! The title contains the kind of the document, the version of its format and the number of its rows. A document with
//! another kind or version, or one that ends early, is rejected: half a document would be a loss that nobody notices.

use std::borrow::Cow;
use std::io::{BufReader, Read, Take};

use csv::{Reader, ReaderBuilder, StringRecord, Writer, WriterBuilder};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

/// The maximum size of an unpacked document in bytes: ten times the size of a quarter of a million instruments. A
/// document that unpacks to more would fill the memory.
const UNPACKED_MAX: u64 = 512 << 20;
/// The number of bytes that are unpacked at a time.
const BUFFER: usize = 64 * 1024;
/// The first field of every title.
const MARK: &str = "instrument-registry";

/// The reason why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The document is not gzip, is damaged or was cut off, or does not contain CSV.
    #[error("failed to decompress or parse the {kind}: {why}")]
    Damaged {
        /// The expected kind.
        kind: &'static str,
        /// The error of the CSV reader, which wraps that of the decompression.
        why: csv::Error,
    },
    /// The title names another kind or version, or the columns are not those of the version.
    #[error("expected the title `{expected}` and the columns of that version, got `{found}`")]
    Form {
        /// The expected kind and version, as in the title.
        expected: String,
        /// The actual title or columns; at most the first 100 characters.
        found: String,
    },
    /// A value does not match its column.
    #[error("row {row} of the {kind}: invalid value in column `{column}`")]
    Value {
        /// The expected kind.
        kind: &'static str,
        /// The number of the row, from 1.
        row: u64,
        /// The name of the column.
        column: &'static str,
    },
    /// The rows are not in the order of their keys, or two rows have the same key.
    #[error("row {row} of the {kind} is not in key order")]
    Order {
        /// The expected kind.
        kind: &'static str,
        /// The number of the row, from 1.
        row: u64,
    },
    /// The number of rows differs from the one in the title.
    #[error("expected {expected} rows in the {kind} (the number in its title), got {found}")]
    Rows {
        /// The expected kind.
        kind: &'static str,
        /// The number of rows in the title.
        expected: u64,
        /// The number of rows that were read.
        found: u64,
    },
}

/// A kind of document.
#[derive(Debug)]
pub(super) struct Form<const N: usize> {
    pub(super) kind: &'static str,
    /// The version; increase it whenever the columns or their content change.
    pub(super) version: u32,
    pub(super) columns: [&'static str; N],
    /// The earlier versions that can be read. Each has the first columns of this one; their number.
    pub(super) earlier: &'static [(u32, usize)],
}

impl<const N: usize> Form<N> {
    /// Returns the names of the columns of a version; `None` if it cannot be read.
    fn columns_of(&self, version: &str) -> Option<&[&'static str]> {
        let mut versions = self.earlier.iter().copied().chain([(self.version, N)]);
        let (_, columns) = versions.find(|(known, _)| known.to_string() == version)?;
        self.columns.get(..columns)
    }
}

/// Writes a document row by row. The same rows give the same bytes.
pub(super) struct DocumentWriter<const N: usize> {
    csv: Writer<GzEncoder<Vec<u8>>>,
}

impl<const N: usize> DocumentWriter<N> {
    /// Begins a document with `rows` rows.
    pub(super) fn new(form: &Form<N>, rows: usize) -> Self {
        let packed = GzEncoder::new(Vec::new(), Compression::default());
        let csv = WriterBuilder::new().flexible(true).buffer_capacity(BUFFER).from_writer(packed);
        let mut writer = DocumentWriter { csv };
        writer.record([MARK, form.kind, &form.version.to_string(), &rows.to_string()]);
        writer.record(form.columns);
        writer
    }

    fn record<T: AsRef<[u8]>>(&mut self, fields: impl IntoIterator<Item = T>) {
        self.csv.write_record(fields).expect("writing to memory cannot fail");
    }

    pub(super) fn add(&mut self, row: &[Cow<'_, str>; N]) {
        self.record(row.iter().map(|field| field.as_bytes()));
    }

    /// Returns the document. The number of rows that were written must be the announced one.
    pub(super) fn finish(self) -> Vec<u8> {
        let packed = self.csv.into_inner().expect("writing to memory cannot fail");
        packed.finish().expect("writing to memory cannot fail")
    }
}

/// Writes `rows` as a document.
pub(super) fn write<'a, const N: usize>(
    form: &Form<N>,
    rows: impl ExactSizeIterator<Item = [Cow<'a, str>; N]>,
) -> Vec<u8> {
    let mut writer = DocumentWriter::new(form, rows.len());
    rows.for_each(|row| writer.add(&row));
    writer.finish()
}

/// Reads a document row by row, so that memory is bounded by a row.
#[derive(Debug)]
pub(super) struct Rows<'a, const N: usize> {
    form: &'static Form<N>,
    csv: Reader<Take<BufReader<GzDecoder<&'a [u8]>>>>,
    record: StringRecord,
    /// The names of the columns of the version that was found.
    columns: &'static [&'static str],
    expected: u64,
    found: u64,
}

impl<'a, const N: usize> Rows<'a, N> {
    /// Reads the title and the names of the columns.
    pub(super) fn new(form: &'static Form<N>, bytes: &'a [u8]) -> Result<Self, DocumentError> {
        let unpacked = BufReader::with_capacity(BUFFER, GzDecoder::new(bytes)).take(UNPACKED_MAX);
        let csv = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(unpacked);
        let mut rows = Rows { form, csv, record: StringRecord::new(), columns: &form.columns, expected: 0, found: 0 };
        rows.read_title()?;
        Ok(rows)
    }

    fn read_title(&mut self) -> Result<(), DocumentError> {
        let form = self.form;
        self.read()?;
        let known = match self.record.iter().collect::<Vec<_>>()[..] {
            [MARK, kind, version, rows] if kind == form.kind => form.columns_of(version).zip(rows.parse().ok()),
            _ => None,
        };
        (self.columns, self.expected) = known.ok_or_else(|| self.other_form())?;
        self.read()?;
        if self.record != *self.columns { Err(self.other_form()) } else { Ok(()) }
    }

    fn other_form(&self) -> DocumentError {
        let expected = format!("{MARK},{},{}", self.form.kind, self.form.version);
        let found = self.record.iter().collect::<Vec<_>>().join(",").chars().take(100).collect();
        DocumentError::Form { expected, found }
    }

    /// Reads the next record. Returns whether there was one.
    fn read(&mut self) -> Result<bool, DocumentError> {
        self.csv.read_record(&mut self.record).map_err(|why| DocumentError::Damaged { kind: self.form.kind, why })
    }

    /// Returns the number of rows in the title.
    pub(super) fn expected(&self) -> u64 {
        self.expected
    }

    /// Whether an earlier version of the format was found.
    pub(super) fn is_earlier_version(&self) -> bool {
        self.columns.len() < N
    }

    /// Returns the number of remaining rows, if the title is right.
    pub(super) fn left(&self) -> u64 {
        self.expected.saturating_sub(self.found)
    }

    /// Returns the next row; `None` at the end, if the number of rows matches the title.
    pub(super) fn next(&mut self) -> Result<Option<Fields<'_, N>>, DocumentError> {
        let (kind, columns) = (self.form.kind, self.columns);
        if !self.read()? {
            let (expected, found) = (self.expected, self.found);
            return if found == expected { Ok(None) } else { Err(DocumentError::Rows { kind, expected, found }) };
        }
        self.found += 1;
        match self.record.len() {
            length if length == columns.len() => {
                Ok(Some(Fields { form: self.form, record: &self.record, row: self.found }))
            }
            _ => Err(DocumentError::Value {
                kind,
                row: self.found,
                column: columns[self.record.len().min(columns.len() - 1)],
            }),
        }
    }
}

/// The fields of a row.
#[derive(Debug)]
pub(super) struct Fields<'a, const N: usize> {
    form: &'static Form<N>,
    record: &'a StringRecord,
    pub(super) row: u64,
}

impl<'a, const N: usize> Fields<'a, N> {
    /// Returns the text in a column; an empty one if the version of the document lacks the column.
    pub(super) fn text(&self, column: usize) -> &'a str {
        self.record.get(column).unwrap_or_default()
    }

    /// Returns the result of `parse` for a column.
    pub(super) fn parsed<T>(
        &self,
        column: usize,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, DocumentError> {
        parse(self.text(column)).ok_or(DocumentError::Value {
            kind: self.form.kind,
            row: self.row,
            column: self.form.columns[column],
        })
    }
}

/// Writes an optional text: nothing if it is absent. A backslash precedes a text that would otherwise be read as
/// absent.
pub(super) fn optional(text: Option<&str>) -> Cow<'_, str> {
    match text {
        None => Cow::Borrowed(""),
        Some(text) if text.is_empty() || text.starts_with('\\') => Cow::Owned(format!("\\{text}")),
        Some(text) => Cow::Borrowed(text),
    }
}

/// Reads a text that [`optional`] wrote.
pub(super) fn read_optional(text: &str) -> Option<String> {
    match text.strip_prefix('\\') {
        Some(text) => Some(text.to_owned()),
        None => (!text.is_empty()).then(|| text.to_owned()),
    }
}
