//! Splits a JSON array or object into its elements, one at a time, without parsing them.
//!
//! A streaming parser cannot continue after an element that it does not understand, such as one with a bare `NaN`. If
//! elements are split before parsing, a broken element costs one row and not the file. Each is also parsed from memory,
//! which is much faster than from a reader.

use std::io::BufRead;

use super::skip_space;
use crate::dump::DumpError;

/// The maximum size of an element in bytes; real ones have up to 1000. An element becomes longer only if a bracket or
/// quote is missing, so that it includes the elements after it.
const ELEMENT_BYTES_MAX: usize = 16 * 1024;

/// The kind of the value that contains the elements.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::dump) enum Outer {
    /// `[…]`; an element is a value.
    Array,
    /// `{…}`; an element is a name, a colon and a value.
    Object,
}

impl Outer {
    fn closing(self) -> u8 {
        match self {
            Outer::Array => b']',
            Outer::Object => b'}',
        }
    }
}

/// The elements of an array or object.
pub(in crate::dump) struct Elements<R> {
    reader: R,
    outer: Outer,
    expected: &'static str,
    element: Vec<u8>,
    count: u64,
    is_ended: bool,
}

impl<R: BufRead> Elements<R> {
    /// Takes a reader that is positioned after the opening bracket, and the description of the expected file.
    pub(in crate::dump) fn new(reader: R, outer: Outer, expected: &'static str) -> Self {
        Elements { reader, outer, expected, element: Vec::new(), count: 0, is_ended: false }
    }

    /// Returns the position of the next element, counted from 1, and its bytes; `None` after the last.
    ///
    /// # Errors
    /// [`DumpError::Form`] if the file is cut off, continues after its end, or has an element that does not end.
    pub(in crate::dump) fn next(&mut self) -> Result<Option<(u64, &[u8])>, DumpError> {
        if self.is_ended {
            return Ok(None);
        }
        self.element.clear();
        let closing = self.outer.closing();
        let mut scan = Scan::default();
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                return Err(self.broken("the end of the file in"));
            }
            let end = scan.end(available, closing);
            let length = end.unwrap_or(available.len());
            if self.element.len() + length > ELEMENT_BYTES_MAX {
                let found = format!("element {} longer than {} KiB", self.count + 1, ELEMENT_BYTES_MAX / 1024);
                return Err(DumpError::Form { expected: self.expected, found });
            }
            self.element.extend_from_slice(&available[..length]);
            let Some(end) = end else {
                self.reader.consume(length);
                continue;
            };
            self.is_ended = available[end] == closing;
            self.reader.consume(end + 1);
            break;
        }
        if self.is_ended {
            if skip_space(&mut self.reader)?.next.is_some() {
                return Err(self.broken("text after the closing bracket that follows"));
            }
            if self.count == 0 && self.element.trim_ascii().is_empty() {
                return Ok(None);
            }
        }
        self.count += 1;
        Ok(Some((self.count, self.element.trim_ascii())))
    }

    fn broken(&self, what: &str) -> DumpError {
        DumpError::Form { expected: self.expected, found: format!("{what} element {}", self.count + 1) }
    }
}

/// The state of a scan in an element.
#[derive(Default)]
struct Scan {
    depth: u32,
    in_text: bool,
    is_escaped: bool,
}

impl Scan {
    /// Returns the position of the comma or bracket that ends the element, if it is among `bytes`.
    fn end(&mut self, bytes: &[u8], closing: u8) -> Option<usize> {
        for (position, byte) in bytes.iter().enumerate() {
            if self.in_text {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.in_text = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                _ if self.depth == 0 && (*byte == b',' || *byte == closing) => return Some(position),
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    const EXPECTED: &str = "a list";

    /// Reads through a buffer so small that everything extends beyond its end.
    fn elements(text: &str) -> Result<Vec<String>, String> {
        let outer = if text.starts_with('[') { Outer::Array } else { Outer::Object };
        let mut elements = Elements::new(BufReader::with_capacity(3, &text.as_bytes()[1..]), outer, EXPECTED);
        let mut read = Vec::new();
        while let Some((position, element)) = elements.next().map_err(|error| error.to_string())? {
            read.push(String::from_utf8(element.to_vec()).unwrap());
            assert_eq!(position, read.len() as u64);
        }
        Ok(read)
    }

    fn found(what: &str) -> Result<Vec<String>, String> {
        Err(format!("expected {EXPECTED}, got {what}"))
    }

    #[test]
    fn an_array_is_split_at_its_own_commas() {
        let cut = |array| elements(array).unwrap();
        assert_eq!(cut("[]"), Vec::<String>::new());
        assert_eq!(cut("[ \n ] \n"), Vec::<String>::new());
        assert_eq!(cut("[{\"a\":[1,2],\"b\":{}}, 5 ,\n\"x\"]"), ["{\"a\":[1,2],\"b\":{}}", "5", "\"x\""]);
        assert_eq!(cut(r#"["],[", "\"]", "\\"]"#), [r#""],[""#, r#""\"]""#, r#""\\""#]);
        assert_eq!(cut("[1,,2,]"), ["1", "", "2", ""]);
    }

    #[test]
    fn an_object_is_split_at_its_own_commas() {
        let cut = |object| elements(object).unwrap();
        assert_eq!(cut("{ }"), Vec::<String>::new());
        assert_eq!(cut(r#"{"a":{"b":[1,{}]}, "c:}":2}"#), [r#""a":{"b":[1,{}]}"#, r#""c:}":2"#]);
        assert_eq!(elements("{\"a\":1"), found("the end of the file in element 1"));
    }

    #[test]
    fn a_broken_element_does_not_affect_the_others() {
        assert_eq!(
            elements("[{\"a\":1]},{\"b\":NaN},}{}]"),
            Ok(vec!["{\"a\":1]}".to_owned(), "{\"b\":NaN}".to_owned(), "}{}".to_owned()])
        );
    }

    #[test]
    fn an_array_without_an_end_is_rejected() {
        assert_eq!(elements("["), found("the end of the file in element 1"));
        assert_eq!(elements("[{},{\"a\":1"), found("the end of the file in element 2"));
        assert_eq!(elements("[{},"), found("the end of the file in element 2"));
        assert_eq!(elements(&format!("[1,\"{}", "x".repeat(ELEMENT_BYTES_MAX))), found("element 2 longer than 16 KiB"));
    }

    #[test]
    fn text_after_the_end_is_rejected() {
        assert_eq!(elements("[1] [2]"), found("text after the closing bracket that follows element 1"));
    }
}
