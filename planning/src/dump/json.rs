//! A JSON file of instruments: an array of objects, or an object of them.

mod elements;
mod scalar;

use std::io::BufRead;

use serde::Deserialize;

pub(super) use elements::{Elements, Outer};
pub(super) use scalar::Scalar;

use super::DumpError;
use super::field::{Reason, excerpt};
use crate::vocabulary::counted;

/// The position after white space.
pub(super) struct AfterSpace {
    /// The next byte; `None` at the end of the file.
    pub(super) next: Option<u8>,
    /// The number of lines that were skipped.
    pub(super) lines: u64,
}

pub(super) fn skip_space(reader: &mut impl BufRead) -> Result<AfterSpace, DumpError> {
    let mut lines = 0;
    loop {
        let available = reader.fill_buf()?;
        let space = available.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        lines += available[..space].iter().filter(|byte| **byte == b'\n').count() as u64;
        let next = available.get(space).copied();
        let is_end = available.is_empty();
        reader.consume(space);
        if next.is_some() || is_end {
            return Ok(AfterSpace { next, lines });
        }
    }
}

/// Returns the error for a file that starts in another way, with its first line.
pub(super) fn another_form(reader: impl BufRead, expected: &'static str) -> DumpError {
    const START_BYTES_MAX: u64 = 4096;
    let mut start = Vec::new();
    match reader.take(START_BYTES_MAX).read_until(b'\n', &mut start) {
        Ok(_) => DumpError::Form { expected, found: excerpt(&start) },
        Err(error) => DumpError::Io(error),
    }
}

/// Parses the fields of an object, with values of any type.
pub(super) fn parse<'a, F: Deserialize<'a>>(element: &'a [u8]) -> Result<F, Reason> {
    if !element.starts_with(b"{") {
        return Err("the element is not an object");
    }
    let text = std::str::from_utf8(element).map_err(|_| "the element is not valid UTF-8")?;
    serde_json::from_str(text).map_err(|_| "the element is not valid JSON")
}

/// Recognizes the objects of a broker by a key that all of them have.
pub(super) struct Recognition {
    key: &'static str,
    objects: u64,
    own: u64,
}

impl Recognition {
    pub(super) fn by(key: &'static str) -> Self {
        Recognition { key, objects: 0, own: 0 }
    }

    /// Counts an object by the value of the key.
    pub(super) fn count(&mut self, value: &Scalar<'_>) {
        self.objects += 1;
        self.own += u64::from(!matches!(value, Scalar::Missing));
    }

    /// Whether no object was counted.
    pub(super) fn is_without_objects(&self) -> bool {
        self.objects == 0
    }

    /// # Errors
    /// [`DumpError::Form`] if there are objects and none of them has the key.
    pub(super) fn check(&self, expected: &'static str) -> Result<(), DumpError> {
        if self.objects == 0 || self.own > 0 {
            return Ok(());
        }
        Err(DumpError::Form {
            expected,
            found: format!("{} without `{}`", counted(self.objects, "JSON object"), self.key),
        })
    }
}
