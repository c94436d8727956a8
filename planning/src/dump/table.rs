//! A CSV whose columns are found by name.

mod line;

use std::io::BufRead;

pub(super) use line::{Fields, Line, Lines, delimiter_of};

use super::field::{Reason, excerpt};
use super::{DumpError, Entry, OnEntry, hand_over};

/// A column that a reader requests.
#[derive(Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    is_needed: bool,
}

/// A column without which the file has another form.
pub(super) const fn needed(name: &'static str) -> Column {
    Column { name, is_needed: true }
}

/// A column whose values are empty if the file does not have it.
pub(super) const fn optional(name: &'static str) -> Column {
    Column { name, is_needed: false }
}

/// A file whose header has been read.
pub(super) struct Table<R> {
    lines: Lines<R>,
    expected: &'static str,
    header: Vec<u8>,
    /// The names in lower case, without the white space and semicolons that surround some of them, and without empty
    /// ones at the end.
    names: Vec<String>,
    /// The number of columns with the empty ones at the end.
    width: usize,
    delimiter: u8,
    /// The name of a last column whose text may contain commas.
    prose: Option<&'static str>,
}

impl<R: BufRead> Table<R> {
    /// Reads the header, the first line that is not blank.
    ///
    /// # Errors
    /// [`DumpError::Io`]. A header in another form is detected when columns are requested.
    pub(super) fn open(reader: R, expected: &'static str) -> Result<Self, DumpError> {
        Self::of(Lines::new(reader), expected)
    }

    /// Reads the header from the remaining lines of a file.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn of(mut lines: Lines<R>, expected: &'static str) -> Result<Self, DumpError> {
        let header = lines.next()?.map_or_else(Vec::new, |line| line.text.to_vec());
        let delimiter = delimiter_of(&header);
        let mut fields = Fields::default();
        fields.split(&header, delimiter);
        let name = |field: &[u8]| String::from_utf8_lossy(field).trim_matches(is_around).to_lowercase();
        let mut names: Vec<String> = fields.iter().map(name).collect();
        let width = names.len();
        while names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        Ok(Table { lines, expected, header, names, width, delimiter, prose: None })
    }

    /// Allows commas outside of quotes in the text of this column, if it is the last one.
    pub(super) fn with_prose(mut self, name: &'static str) -> Self {
        self.prose = Some(name);
        self
    }

    /// Whether the table has a column of that name, in any case.
    pub(super) fn has(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Passes on the result of `row_of` for the columns of each row, in the order of `columns`.
    ///
    /// The columns of the file may be in any order, and other columns are ignored. Values are trimmed.
    ///
    /// # Errors
    /// [`DumpError::Form`] if a required column is missing.
    pub(super) fn read<const N: usize, E: Into<Entry>>(
        mut self,
        columns: [Column; N],
        on_entry: &mut OnEntry<'_>,
        row_of: impl Fn([&str; N]) -> Result<E, Reason>,
    ) -> Result<(), DumpError> {
        let positions = self.positions(columns)?;
        let (width, full_width) = (self.names.len(), self.width);
        let is_open = self.prose.is_some_and(|prose| self.position(prose) == width.checked_sub(1));
        let mut fields = Fields::default();
        while let Some(Line { number, text, is_whole, is_ended }) = self.lines.next()? {
            fields.split(text, self.delimiter);
            let row = match is_whole {
                false => Err("the row is too long"),
                // Without its line end and its last delimiter, the last value may be cut off.
                true if !fields.fit(if is_ended { width } else { full_width }, is_open) => {
                    Err("the row does not have as many fields as the header")
                }
                true => fields.pick(positions).and_then(&row_of),
            };
            hand_over(number, text, row, on_entry);
        }
        Ok(())
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other.eq_ignore_ascii_case(name))
    }

    fn positions<const N: usize>(&self, columns: [Column; N]) -> Result<[Option<usize>; N], DumpError> {
        let expected = self.expected;
        let positions = columns.map(|column| self.position(column.name));
        if positions.iter().all(Option::is_none) {
            return Err(DumpError::Form { expected, found: excerpt(&self.header) });
        }
        let missing = columns.iter().zip(positions).find(|(column, at)| column.is_needed && at.is_none());
        match missing {
            Some((column, _)) => {
                Err(DumpError::Form { expected, found: format!("a header without the column `{}`", column.name) })
            }
            None => Ok(positions),
        }
    }
}

/// Whether a character may surround a name or a value without belonging to it.
pub(super) fn is_around(character: char) -> bool {
    character.is_whitespace() || character == ';'
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::*;
    use crate::dump::testing::outcomes;

    /// Reads columns `a` and `b`, and `c` if it exists; every row is rejected with a reason that states whether it was
    /// `1`, `2`.
    fn read_pairs(file: impl AsRef<[u8]>) -> Result<Vec<(u64, Reason)>, String> {
        let row_of = |[a, b, c]: [&str; 3]| -> Result<Entry, Reason> {
            Err(match [a, b, c] {
                ["1", "2", ""] => "good",
                ["1", "2", "3"] => "with c",
                _ => "other",
            })
        };
        let columns = [needed("a"), needed("b"), optional("c")];
        let read = outcomes(|on_entry| Table::open(file.as_ref(), "a table")?.read(columns, on_entry, row_of));
        let rows = read.map_err(|error| error.to_string())?;
        Ok(rows.into_iter().map(|(line, row)| (line, row.unwrap_err())).collect())
    }

    #[test]
    fn columns_are_found_by_name() {
        assert_eq!(read_pairs("b,x,a\n2,0,1\n 2 ,0,\"1\"\n"), Ok(vec![(2, "good"), (3, "good")]));
        assert_eq!(read_pairs("\"a\" , b\r\n1,2\r\n"), Ok(vec![(2, "good")]));
        assert_eq!(read_pairs("c,a,b\n3,1,2"), Ok(vec![(2, "with c")]));
        assert_eq!(read_pairs("a,b"), Ok(vec![]));
    }

    #[test]
    fn tabs_semicolons_and_trailing_separators_are_accepted() {
        assert_eq!(read_pairs("a\tb\n1\t2\n"), Ok(vec![(2, "good")]));
        assert_eq!(read_pairs("A ,  B;\n1,2;\n1 , 2 ; \n"), Ok(vec![(2, "good"), (3, "good")]));
        assert_eq!(read_pairs("a,b,,\n1,2,,\n1,2\n1,2,,,\n"), Ok(vec![(2, "good"), (3, "good"), (4, "good")]));
    }

    #[test]
    fn a_last_value_that_may_be_cut_off_is_rejected() {
        let ragged = "the row does not have as many fields as the header";
        assert_eq!(read_pairs("a,b,\n1,2,"), Ok(vec![(2, "good")]));
        assert_eq!(read_pairs("a,b,\n1,2"), Ok(vec![(2, ragged)]));
        assert_eq!(read_pairs("a,b\n1,2"), Ok(vec![(2, "good")]));
    }

    #[test]
    fn blank_lines_are_counted_but_are_not_rows() {
        assert_eq!(read_pairs("\n \r\na,b\n\n1,2\n\n\n1,2"), Ok(vec![(5, "good"), (8, "good")]));
    }

    #[test]
    fn the_error_names_a_missing_column() {
        let error = read_pairs("a,c\n1,2\n").unwrap_err();
        assert_eq!(error, "expected a table, got a header without the column `b`");
    }

    #[test]
    fn the_error_shows_the_start_of_another_form() {
        assert_eq!(read_pairs("").unwrap_err(), "expected a table, got nothing");
        assert_eq!(read_pairs("<html>\n<body>").unwrap_err(), "expected a table, got `<html>`");
        let long = read_pairs(format!("[{}", "{},".repeat(100_000))).unwrap_err();
        assert_eq!(long, format!("expected a table, got `[{}…`", &"{},".repeat(20)[..59]));
    }

    #[test]
    fn a_broken_row_rejects_no_other_row() {
        let ragged = "the row does not have as many fields as the header";
        assert_eq!(read_pairs("a,b\n1\n1,2\n1,2,3\n"), Ok(vec![(2, ragged), (3, "good"), (4, ragged)]));
        let file = b"a,b\n1,\xff\n1,2\n";
        assert_eq!(read_pairs(file), Ok(vec![(2, "the row is not valid UTF-8"), (3, "good")]));
    }

    #[test]
    fn an_open_quote_ends_with_its_line() {
        let ragged = "the row does not have as many fields as the header";
        assert_eq!(read_pairs("a,b\n\"1,2\n1,2\n1,2\n"), Ok(vec![(2, ragged), (3, "good"), (4, "good")]));
        assert_eq!(read_pairs("a,b\n1,\"2\n1,2\n"), Ok(vec![(2, "good"), (3, "good")]));
        assert_eq!(read_pairs("a,b\n1,\"\"\"\"\n1,2\n"), Ok(vec![(2, "other"), (3, "good")]));
        assert_eq!(read_pairs("a,b\n12\" pipe,2\n1,2\n"), Ok(vec![(2, "other"), (3, "good")]));
    }

    #[test]
    fn prose_in_the_last_column_may_contain_commas() {
        let read = |file: &str| {
            outcomes(|on_entry| {
                let table = Table::open(file.as_bytes(), "a table")?.with_prose("why");
                table.read([needed("a")], on_entry, |_| -> Result<Entry, Reason> { Err("read") })
            })
            .unwrap()
        };
        let ragged = "the row does not have as many fields as the header";

        assert_eq!(read("a,why\n1,so, and so, on\n"), [(2, Err("read"))]);
        assert_eq!(read("why,a\nso, and so,1\n"), [(2, Err(ragged))]);
    }

    #[test]
    fn a_line_without_end_costs_one_row_and_no_memory() {
        let header: &[u8] = b"a,b\n";
        let file = header.chain(io::repeat(b'x').take(50_000_000)).chain(&b"\n1,2\n"[..]);
        let file = io::BufReader::new(file);
        let row_of = |_: [&str; 2]| -> Result<Entry, Reason> { Err("read") };
        let mut rows = Vec::new();
        let mut on_entry = |line, entry: Entry| match entry {
            Entry::Rejected(rejection) => rows.push((line, rejection.reason, rejection.text.len())),
            _ => panic!("every row is rejected"),
        };

        Table::open(file, "a table").unwrap().read([needed("a"), needed("b")], &mut on_entry, row_of).unwrap();

        assert_eq!(rows, [(2, "the row is too long", 240), (3, "read", 3)]);
    }
}
