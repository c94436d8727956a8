//! Splits a CSV into lines, one at a time, and lines into fields.
//!
//! No field of an instrument file extends over lines. A quote therefore ends with its line at the latest: otherwise, a
//! quote that a broken row leaves open would include the rows after it up to the next quote, often all of them, and
//! nothing would report them as missing.

use std::io::{self, BufRead, Read};

use super::is_around;
use crate::dump::field::Reason;

/// The maximum length of a line in bytes; rows have some hundred bytes. A longer line belongs to a file in another
/// form.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// A line that is not blank, without its line end.
pub(in crate::dump) struct Line<'a> {
    /// The number of the line, counted from 1, blank lines included.
    pub(in crate::dump) number: u64,
    /// The line, or the start of a longer one.
    pub(in crate::dump) text: &'a [u8],
    pub(in crate::dump) is_whole: bool,
    /// Whether a line end follows; the last line of a file that was cut off has none.
    pub(in crate::dump) is_ended: bool,
}

/// Reads the lines of a file, one at a time.
pub(in crate::dump) struct Lines<R> {
    reader: R,
    number: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(in crate::dump) fn new(reader: R) -> Self {
        Self::after(0, reader)
    }

    /// Continues a file after `number` lines.
    pub(in crate::dump) fn after(number: u64, reader: R) -> Self {
        Lines { reader, number, line: Vec::new() }
    }

    /// Returns the next line that is not blank; `None` at the end of the file.
    pub(in crate::dump) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            self.line.clear();
            if self.reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let is_ended = self.line.ends_with(b"\n");
            let is_whole = is_ended || self.reader.skip_until(b'\n')? == 0;
            if !is_whole || !self.line.trim_ascii().is_empty() {
                let text = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                return Ok(Some(Line { number: self.number, text, is_whole, is_ended }));
            }
        }
    }
}

/// Returns the delimiter of the fields of a line: a tab if the line has more tabs than commas.
pub(in crate::dump) fn delimiter_of(line: &[u8]) -> u8 {
    let count = |delimiter| line.iter().filter(|byte| **byte == delimiter).count();
    if count(b'\t') > count(b',') { b'\t' } else { b',' }
}

/// The fields of one line, without quotes.
#[derive(Default)]
pub(in crate::dump) struct Fields {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Fields {
    /// Replaces the fields with those of a line. A quote is special only at the start of a field.
    pub(in crate::dump) fn split(&mut self, line: &[u8], delimiter: u8) {
        self.bytes.clear();
        self.ends.clear();
        let mut rest = line.iter().copied().peekable();
        let (mut is_start, mut is_quoted) = (true, false);
        while let Some(byte) = rest.next() {
            match byte {
                b'"' if is_start => (is_start, is_quoted) = (false, true),
                b'"' if is_quoted => {
                    // A double quote inside a quoted field is one quote in its text.
                    is_quoted = rest.next_if_eq(&b'"').is_some();
                    if is_quoted {
                        self.bytes.push(b'"');
                    }
                }
                _ if byte == delimiter && !is_quoted => {
                    self.ends.push(self.bytes.len());
                    is_start = true;
                }
                // White space before a quote is not yet the start of the text.
                _ => {
                    is_start = is_start && byte == b' ';
                    self.bytes.push(byte);
                }
            }
        }
        self.ends.push(self.bytes.len());
    }

    pub(in crate::dump) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(in crate::dump) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.field(index))
    }

    /// Whether the line has `width` fields, without empty ones at the end; `is_open` allows more.
    pub(super) fn fit(&self, width: usize, is_open: bool) -> bool {
        self.len() >= width && (is_open || (width..self.len()).all(|index| self.field(index).trim_ascii().is_empty()))
    }

    /// Returns the fields at these positions, trimmed; an empty text if the position is `None`.
    pub(in crate::dump) fn pick<const N: usize>(&self, positions: [Option<usize>; N]) -> Result<[&str; N], Reason> {
        let mut picked = [""; N];
        for (field, position) in picked.iter_mut().zip(positions) {
            let Some(position) = position else { continue };
            let text = std::str::from_utf8(self.field(position)).map_err(|_| "the row is not valid UTF-8")?;
            *field = text.trim_matches(is_around);
        }
        Ok(picked)
    }

    fn field(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }
}
