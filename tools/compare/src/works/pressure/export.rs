//! Checks an export as CSV while it arrives: a row for each instrument of each profile.

use anyhow::Context;

use super::seed::Seed;

const HEADER: &str = "profile_id,profile_name,subscription_type,instrument";

/// The state between two parts of the body.
pub(super) struct Csv<'a> {
    seed: &'a Seed,
    /// The start of a line whose end has not arrived yet.
    rest: Vec<u8>,
    is_header_read: bool,
    names: Vec<String>,
    rows: usize,
}

impl<'a> Csv<'a> {
    pub(super) fn new(seed: &'a Seed) -> Self {
        Self { seed, rest: Vec::new(), is_header_read: false, names: Vec::new(), rows: 0 }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.rest.extend_from_slice(bytes);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Ok(()) };
        let rest = self.rest.split_off(end + 1);
        let lines = std::mem::replace(&mut self.rest, rest);
        std::str::from_utf8(&lines)?.lines().try_for_each(|line| self.line(line))
    }

    /// Returns the names of the profiles. Fails if the last line or the last profile is not complete.
    pub(super) fn end(self) -> anyhow::Result<Vec<String>> {
        anyhow::ensure!(self.rest.is_empty(), "the last line is not complete");
        self.check_last()?;
        Ok(self.names)
    }

    fn line(&mut self, line: &str) -> anyhow::Result<()> {
        // No value of the stored profiles contains a comma or a quotation mark.
        let plain = line.replace('"', "");
        if !self.is_header_read {
            anyhow::ensure!(plain == HEADER, "expected the header {HEADER}, got {plain}");
            self.is_header_read = true;
            return Ok(());
        }
        let mut cells = plain.split(',').skip(1);
        let (name, key) = cells.next().zip(cells.nth(1)).context("a row has no name or no instrument")?;
        if self.names.last().is_none_or(|last| last != name) {
            self.check_last()?;
            self.names.push(name.to_owned());
            self.rows = 0;
        }
        let expected = self.seed.key(name, self.rows)?;
        anyhow::ensure!(expected == key, "row {} of {name}: expected {expected}, got {key}", self.rows);
        self.rows += 1;
        Ok(())
    }

    fn check_last(&self) -> anyhow::Result<()> {
        let (rows, expected) = (self.rows, self.seed.keys.len());
        let is_complete = self.names.is_empty() || rows == expected;
        anyhow::ensure!(is_complete, "{:?}: expected {expected} instruments, got {rows}", self.names.last());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, keys: &[&str]) -> anyhow::Result<Vec<String>> {
        let keys = keys.iter().map(|&key| key.to_owned()).collect();
        let seed = Seed { keys, history: String::new() };
        let mut csv = Csv::new(&seed);
        // Parts that end in the middle of a line.
        text.as_bytes().chunks(7).try_for_each(|part| csv.take(part))?;
        csv.end()
    }

    #[test]
    fn a_complete_export_has_all_instruments_of_each_profile() {
        let text = "profile_id,profile_name,subscription_type,instrument\n\
                    \"b\",\"Filled 1\",\"live_feed\",\"NSE:B\"\n\"b\",\"Filled 1\",\"live_feed\",\"NSE:A\"\n\
                    \"a\",\"Filled 0\",\"live_feed\",\"NSE:A\"\n\"a\",\"Filled 0\",\"live_feed\",\"NSE:B\"\n";

        assert_eq!(read(text, &["NSE:A", "NSE:B"]).unwrap(), ["Filled 1", "Filled 0"]);
        let (cut, _) = text.trim_end().rsplit_once('\n').unwrap();
        assert!(read(&format!("{cut}\n"), &["NSE:A", "NSE:B"]).is_err());
        assert!(read(text.trim_end(), &["NSE:A", "NSE:B"]).is_err());
    }
}
