//! How a load's documents are written: gzip over CSV, which is a title, the names of the columns, and the rows.
//!
//! The title names the kind of document, the version of its form and the number of its rows. What has another one, or
//! ends early, is refused: half a document would be a quiet loss.

use std::borrow::Cow;
use std::io::{BufReader, Read, Take};

use csv::{Reader, ReaderBuilder, StringRecord, Writer, WriterBuilder};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

/// Bytes that a document may unpack to: ten times what a quarter of a million instruments take. What claims to be longer
/// would fill the memory.
const UNPACKED_MAX: u64 = 512 << 20;
/// Bytes unpacked at a time.
const BUFFER: usize = 64 * 1024;
/// The first field of every title.
const MARK: &str = "instrument-registry";

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is no gzip, is damaged or was cut off, or is no CSV inside.
    #[error("failed to decompress or parse the {kind}: {why}")]
    Damaged {
        /// What it should be.
        kind: &'static str,
        /// What the reader says.
        why: csv::Error,
    },
    /// It is another kind of document, or of another version.
    #[error("expected the title `{expected}` and the columns of that version, got `{found}`")]
    Form {
        /// Its kind and version.
        expected: String,
        /// What stands there instead.
        found: String,
    },
    /// A value is not what its column holds.
    #[error("row {row} of the {kind}: invalid value in column `{column}`")]
    Value {
        /// What it should be.
        kind: &'static str,
        /// Which row, from 1.
        row: u64,
        /// Which column.
        column: &'static str,
    },
    /// The rows are not in the order of their keys, or two have one key.
    #[error("row {row} of the {kind} is not in key order")]
    Order {
        /// What it should be.
        kind: &'static str,
        /// Which row, from 1.
        row: u64,
    },
    /// It has fewer rows than its title says, or more.
    #[error("expected {expected} rows in the {kind} (the number in its title), got {found}")]
    Rows {
        /// What it should be.
        kind: &'static str,
        /// What the title says.
        expected: u64,
        /// What is there.
        found: u64,
    },
}

/// A kind of document.
#[derive(Debug)]
pub(super) struct Form<const N: usize> {
    /// What it is, in a word.
    pub(super) kind: &'static str,
    /// Grows whenever the columns or what they hold change.
    pub(super) version: u32,
    pub(super) columns: [&'static str; N],
}

/// Writes a document row by row. The same rows give the same bytes.
pub(super) struct DocumentWriter<const N: usize> {
    csv: Writer<GzEncoder<Vec<u8>>>,
}

impl<const N: usize> DocumentWriter<N> {
    /// Begins a document of so many rows.
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

    /// The document, after as many rows as were told.
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
    expected: u64,
    found: u64,
}

impl<'a, const N: usize> Rows<'a, N> {
    /// Reads the title and the names of the columns.
    pub(super) fn new(form: &'static Form<N>, bytes: &'a [u8]) -> Result<Self, DocumentError> {
        let unpacked = BufReader::with_capacity(BUFFER, GzDecoder::new(bytes)).take(UNPACKED_MAX);
        let csv = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(unpacked);
        let mut rows = Rows { form, csv, record: StringRecord::new(), expected: 0, found: 0 };
        rows.read_title()?;
        Ok(rows)
    }

    fn read_title(&mut self) -> Result<(), DocumentError> {
        let form = self.form;
        self.read()?;
        let expected = match self.record.iter().collect::<Vec<_>>()[..] {
            [MARK, kind, version, rows] if kind == form.kind && version == form.version.to_string() => rows.parse(),
            _ => return Err(self.other_form()),
        };
        self.expected = expected.map_err(|_| self.other_form())?;
        self.read()?;
        if self.record != form.columns[..] { Err(self.other_form()) } else { Ok(()) }
    }

    fn other_form(&self) -> DocumentError {
        let expected = format!("{MARK},{},{}", self.form.kind, self.form.version);
        let found = self.record.iter().collect::<Vec<_>>().join(",").chars().take(100).collect();
        DocumentError::Form { expected, found }
    }

    /// Reads the next record, and says whether there was one.
    fn read(&mut self) -> Result<bool, DocumentError> {
        self.csv.read_record(&mut self.record).map_err(|why| DocumentError::Damaged { kind: self.form.kind, why })
    }

    /// How many rows the title says there are.
    pub(super) fn expected(&self) -> u64 {
        self.expected
    }

    /// How many rows are still to come, if the title is right.
    pub(super) fn left(&self) -> u64 {
        self.expected.saturating_sub(self.found)
    }

    /// The next row; `None` at the end, if that is where the title says.
    pub(super) fn next(&mut self) -> Result<Option<Fields<'_, N>>, DocumentError> {
        let Form { kind, columns, .. } = self.form;
        if !self.read()? {
            let (expected, found) = (self.expected, self.found);
            return if found == expected { Ok(None) } else { Err(DocumentError::Rows { kind, expected, found }) };
        }
        self.found += 1;
        match self.record.len() {
            length if length == N => Ok(Some(Fields { form: self.form, record: &self.record, row: self.found })),
            _ => Err(DocumentError::Value { kind, row: self.found, column: columns[self.record.len().min(N - 1)] }),
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
    /// The text in a column.
    pub(super) fn text(&self, column: usize) -> &'a str {
        &self.record[column]
    }

    /// What `parse` makes of a column.
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

/// Writes a text that may be missing: nothing for a missing one, and a backslash before what would be read as that.
pub(super) fn optional(text: Option<&str>) -> Cow<'_, str> {
    match text {
        None => Cow::Borrowed(""),
        Some(text) if text.is_empty() || text.starts_with('\\') => Cow::Owned(format!("\\{text}")),
        Some(text) => Cow::Borrowed(text),
    }
}

/// Reads what [`optional`] wrote.
pub(super) fn read_optional(text: &str) -> Option<String> {
    match text.strip_prefix('\\') {
        Some(text) => Some(text.to_owned()),
        None => (!text.is_empty()).then(|| text.to_owned()),
    }
}
