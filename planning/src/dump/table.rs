//! A CSV whose columns are found by name.

use std::io::{self, BufRead, Read};

use csv::ByteRecord;

use super::field::{Reason, excerpt};
use super::{DumpError, RejectedRow, Row};

/// Longest header that is read. A file in another form may have no line break at all.
const HEADER_BYTES_MAX: u64 = 4096;

/// Reads a CSV and hands over what `row_of` makes of the named columns, in the order of `columns`.
///
/// Columns may stand in any order and further ones are ignored. Values come trimmed.
///
/// # Errors
/// [`DumpError::Form`] where a column is missing.
pub(super) fn read<const N: usize>(
    mut reader: impl BufRead,
    expected: &'static str,
    columns: [&'static str; N],
    on_row: &mut dyn FnMut(Result<Row, RejectedRow>),
    row_of: impl Fn([&str; N]) -> Result<Row, Reason>,
) -> Result<(), DumpError> {
    let mut header = Vec::new();
    reader.by_ref().take(HEADER_BYTES_MAX).read_until(b'\n', &mut header)?;
    let (positions, width) = find_columns(&header, columns).map_err(|found| DumpError::Form { expected, found })?;

    let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(ClosedQuotes::new(reader));
    let mut record = ByteRecord::new();
    while rows.read_byte_record(&mut record).map_err(io::Error::from)? {
        // The header, line 1, was read before.
        let line = record.position().map_or(0, csv::Position::line) + 1;
        let row = fields_of(&record, width, positions).and_then(&row_of);
        on_row(row.map_err(|reason| RejectedRow { line, reason }));
    }
    Ok(())
}

/// Where each of `columns` stands, and how many columns there are; otherwise, what was found instead.
fn find_columns<const N: usize>(header: &[u8], columns: [&str; N]) -> Result<([usize; N], usize), String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(header);
    let mut names = ByteRecord::new();
    if !reader.read_byte_record(&mut names).unwrap_or(false) {
        return Err(excerpt(header));
    }
    names.trim();
    let found = columns.map(|column| names.iter().position(|name| name == column.as_bytes()));
    if found.iter().all(Option::is_none) {
        return Err(excerpt(header));
    }
    let mut positions = [0; N];
    for ((position, found), column) in positions.iter_mut().zip(found).zip(columns) {
        *position = found.ok_or_else(|| format!("a header without the column `{column}`"))?;
    }
    Ok((positions, names.len()))
}

fn fields_of<const N: usize>(record: &ByteRecord, width: usize, positions: [usize; N]) -> Result<[&str; N], Reason> {
    if record.len() != width {
        return Err("the row has not as many fields as the header");
    }
    let mut fields = [""; N];
    for (field, position) in fields.iter_mut().zip(positions) {
        *field = std::str::from_utf8(&record[position]).map_err(|_| "the row is not valid UTF-8")?.trim();
    }
    Ok(fields)
}

/// Closes every quote at the end of its line.
///
/// A quote that a broken row leaves open would otherwise swallow the rows after it up to the next quote,
/// often all of them, and they would be missed by nobody. No field of an instrument file spans lines.
struct ClosedQuotes<R> {
    inner: R,
    state: Quote,
}

#[derive(Clone, Copy, PartialEq)]
enum Quote {
    /// At the start of a field, the only place where a quote has a meaning.
    FieldStart,
    Unquoted,
    Open,
    /// After a quote within quotes: its end, or the first half of an escaped quote.
    MaybeClosed,
}

impl<R> ClosedQuotes<R> {
    fn new(inner: R) -> Self {
        ClosedQuotes { inner, state: Quote::FieldStart }
    }
}

impl<R: BufRead> Read for ClosedQuotes<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.inner.fill_buf()?;
        let mut written = 0;
        let mut consumed = 0;
        while let (Some(byte), Some(slot)) = (available.get(consumed), out.get_mut(written)) {
            written += 1;
            if *byte == b'\n' && self.state == Quote::Open {
                *slot = b'"';
                self.state = Quote::Unquoted;
                continue;
            }
            *slot = *byte;
            consumed += 1;
            self.state = match (self.state, byte) {
                (Quote::Open, b'"') => Quote::MaybeClosed,
                (Quote::Open, _) | (Quote::FieldStart | Quote::MaybeClosed, b'"') => Quote::Open,
                (_, b',' | b'\n') => Quote::FieldStart,
                _ => Quote::Unquoted,
            };
        }
        self.inner.consume(consumed);
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads columns `a` and `b`; every row comes back rejected with whether it was `1`, `2`.
    fn read_pairs(file: impl AsRef<[u8]>) -> Result<Vec<(u64, Reason)>, String> {
        let mut rows = Vec::new();
        let mut on_row = |row: Result<Row, RejectedRow>| {
            let RejectedRow { line, reason } = row.unwrap_err();
            rows.push((line, reason));
        };
        let row_of = |fields: [&str; 2]| Err(if fields == ["1", "2"] { "good" } else { "other" });
        read(file.as_ref(), "a table", ["a", "b"], &mut on_row, row_of).map_err(|error| error.to_string())?;
        Ok(rows)
    }

    #[test]
    fn columns_are_found_by_name() {
        assert_eq!(read_pairs("b,x,a\n2,0,1\n 2 ,0,\"1\"\n"), Ok(vec![(2, "good"), (3, "good")]));
        assert_eq!(read_pairs("\"a\" , b\r\n1,2\r\n"), Ok(vec![(2, "good")]));
        assert_eq!(read_pairs("a,b"), Ok(vec![]));
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = read_pairs("a,c\n1,2\n").unwrap_err();
        assert_eq!(error, "expected a table, found a header without the column `b`");
    }

    #[test]
    fn another_form_is_shown() {
        assert_eq!(read_pairs("").unwrap_err(), "expected a table, found nothing");
        assert_eq!(read_pairs("<html>\n<body>").unwrap_err(), "expected a table, found `<html>`");
        let long = read_pairs(format!("[{}", "{},".repeat(100_000))).unwrap_err();
        assert_eq!(long, format!("expected a table, found `[{}…`", &"{},".repeat(20)[..59]));
    }

    #[test]
    fn a_broken_row_is_rejected_alone() {
        let ragged = "the row has not as many fields as the header";
        assert_eq!(read_pairs("a,b\n1\n1,2\n1,2,3\n"), Ok(vec![(2, ragged), (3, "good"), (4, ragged)]));
        let file = b"a,b\n1,\xff\n1,2\n";
        assert_eq!(read_pairs(file), Ok(vec![(2, "the row is not valid UTF-8"), (3, "good")]));
    }

    #[test]
    fn an_open_quote_ends_with_its_line() {
        let ragged = "the row has not as many fields as the header";
        assert_eq!(read_pairs("a,b\n\"1,2\n1,2\n1,2\n"), Ok(vec![(2, ragged), (3, "good"), (4, "good")]));
        assert_eq!(read_pairs("a,b\n1,\"2\n1,2\n"), Ok(vec![(2, "good"), (3, "good")]));
        assert_eq!(read_pairs("a,b\n1,\"\"\"\"\n1,2\n"), Ok(vec![(2, "other"), (3, "good")]));
        assert_eq!(read_pairs("a,b\n12\" pipe,2\n1,2\n"), Ok(vec![(2, "other"), (3, "good")]));
    }
}
