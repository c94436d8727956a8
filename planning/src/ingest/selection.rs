//! How much of a broker's instruments a file speaks for.

use std::collections::{BTreeMap, HashSet};

use super::{FileLoad, hash_rows};
use crate::dump::Row;
use crate::vocabulary::{Exchange, InstrumentType, Segment, words};

words! {
    /// The way in which a file replaces the last load of a broker.
    #[derive(Default)]
    #[cfg_attr(feature = "openapi", schema(
        as = IngestMode,
        description = "The way in which a file replaces the last load of a broker. `full_catalog`: instruments that the file \
            lacks become inactive. `incremental`: the file adds and updates instruments. `on_demand`: as `full_catalog`, \
            limited to the instruments that the filters select.",
    ))]
    Mode {
        /// Instruments that the filters select and the file lacks become inactive.
        #[default]
        FullCatalog = "full_catalog",
        /// The file adds and updates instruments.
        Incremental = "incremental",
        /// As the full catalog, limited to a part that the filters must name.
        OnDemand = "on_demand",
    }
}

/// Which instruments are meant. An empty list selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// On one of these exchanges.
    pub exchanges: Vec<Exchange>,
    /// In one of these segments.
    pub segments: Vec<Segment>,
    /// Of one of these kinds.
    pub classes: Vec<InstrumentType>,
}

impl Filters {
    /// Whether everything is meant.
    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty() && self.segments.is_empty() && self.classes.is_empty()
    }

    fn selects(&self, row: &Row) -> bool {
        fn has<T: PartialEq>(list: &[T], item: &T) -> bool {
            list.is_empty() || list.contains(item)
        }
        has(&self.exchanges, &row.exchange) && has(&self.segments, &row.segment) && has(&self.classes, &row.class)
    }
}

/// How much of a broker's instruments a file speaks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// What becomes of those that the file lacks.
    pub mode: Mode,
    /// Which of the file's rows count.
    pub filters: Filters,
}

impl Selection {
    /// Whether the file is all there is.
    pub fn is_everything(&self) -> bool {
        self.mode == Mode::FullCatalog && self.filters.is_empty()
    }

    /// Makes of a file what the broker's instruments are after it: rows that do not count are dropped, and those of the
    /// last load that it does not speak for are taken over. `last` are the active rows of the last load. The counts of rows
    /// read and rejected stay those of the file.
    ///
    /// # Errors
    /// The first of `last`.
    pub fn complete<E>(&self, load: FileLoad, last: impl IntoIterator<Item = Result<Row, E>>) -> Result<Completed, E> {
        let key = |row: &Row| (row.exchange, row.symbol.clone());
        let counted = load.rows.into_iter().filter(|row| self.filters.selects(row));
        let mut rows: BTreeMap<_, _> = counted.map(|row| (key(&row), row)).collect();
        let tokens: HashSet<_> = rows.values().filter_map(token).collect();
        let (after, mut before) = (rows.len(), 0);
        let mut kept = Vec::new();
        for row in last {
            let row = row?;
            let is_selected = self.filters.selects(&row);
            before += usize::from(is_selected);
            // What goes by another symbol now, with the same token, is not to be there twice.
            let is_spoken_for = is_selected && self.mode != Mode::Incremental;
            if !is_spoken_for && !token(&row).is_some_and(|token| tokens.contains(&token)) {
                kept.push(row);
            }
        }
        for row in kept {
            rows.entry(key(&row)).or_insert(row);
        }
        let rows: Vec<Row> = rows.into_values().collect();
        Ok(Completed { load: FileLoad { content_hash: hash_rows(&rows), rows, ..load }, before, after })
    }
}

fn token(row: &Row) -> Option<(Segment, String)> {
    (!row.token.is_empty()).then(|| (row.segment, row.token.clone()))
}

/// What a broker's instruments are after a file that speaks for a part of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// All of them.
    pub load: FileLoad,
    /// How many rows of the last load are of the part.
    pub before: usize,
    /// How many of the file's are.
    pub after: usize,
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::testing::{equity, future};

    fn load(rows: Vec<Row>) -> FileLoad {
        FileLoad {
            rows_read: rows.len() as u64,
            content_hash: hash_rows(&rows),
            rows,
            rejected: BTreeMap::new(),
            quarantine: vec![],
        }
    }

    fn symbols(load: &FileLoad) -> Vec<&str> {
        load.rows.iter().map(|row| row.symbol.as_str()).collect()
    }

    fn last() -> [Result<Row, Infallible>; 3] {
        [
            equity("NSE", "GONE", "INE000000001"),
            equity("NSE", "SAME", "INE000000002"),
            future("NIFTY", "NIFTY26NOVFUT", "2026-11-26"),
        ]
        .map(Ok)
    }

    fn file() -> FileLoad {
        let same = Row { token: "new".to_owned(), ..equity("NSE", "SAME", "INE000000002") };
        load(vec![equity("NSE", "FRESH", "INE000000003"), same, future("NIFTY", "NIFTY26DECFUT", "2026-12-31")])
    }

    #[test]
    fn a_full_catalogue_is_the_file_alone() {
        let all = Selection::default().complete(file(), last()).unwrap();

        assert_eq!((all.before, all.after), (3, 3));
        let mut expected = file().rows;
        expected.sort_by_key(|row| (row.exchange, row.symbol.clone()));
        assert_eq!(all.load.rows, expected);
    }

    #[test]
    fn an_incremental_file_adds_and_updates_and_takes_nothing_away() {
        let selection = Selection { mode: Mode::Incremental, ..Selection::default() };

        let after = selection.complete(file(), last()).unwrap().load;

        assert_eq!(after.rows.len(), 5);
        let same = after.rows.iter().find(|row| row.symbol == "SAME").unwrap();
        assert_eq!(same.token, "new");
        assert_eq!((after.rows_read, after.content_hash), (3, hash_rows(&after.rows)));
        assert!(after.rows.is_sorted_by_key(|row| (row.exchange, row.symbol.clone())));
    }

    #[test]
    fn what_goes_by_another_symbol_with_its_token_is_not_there_twice() {
        let renamed = Row { token: "7".to_owned(), ..equity("NSE", "LATER", "INE000000009") };
        let before = Row { token: "7".to_owned(), ..equity("NSE", "EARLIER", "INE000000009") };
        let selection = Selection { mode: Mode::Incremental, ..Selection::default() };

        let after = selection.complete(load(vec![renamed]), [Ok::<_, Infallible>(before)]).unwrap();

        assert_eq!(symbols(&after.load), ["LATER"]);
    }

    #[test]
    fn filters_leave_alone_what_they_do_not_select() {
        for mode in [Mode::FullCatalog, Mode::OnDemand] {
            let filters = Filters { segments: vec![equity("NSE", "X", "").segment], ..Filters::default() };

            let after = Selection { mode, filters }.complete(file(), last()).unwrap();

            assert_eq!((after.before, after.after), (2, 2));
            let after = after.load;
            let kept = future("NIFTY", "NIFTY26NOVFUT", "2026-11-26").symbol;
            let mut expected = vec!["FRESH", "SAME", &kept];
            expected.sort_unstable();
            let mut found = symbols(&after);
            found.sort_unstable();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn filters_of_several_fields_must_all_hold() {
        let nothing = Filters {
            exchanges: vec![Exchange::Bse],
            segments: vec![equity("NSE", "X", "").segment],
            classes: vec![InstrumentType::Equity],
        };

        let after = Selection { mode: Mode::FullCatalog, filters: nothing }.complete(file(), last()).unwrap();

        assert_eq!((after.before, after.after), (0, 0));
        let after = after.load;
        assert_eq!(after.rows.len(), 3);
        assert!(symbols(&after).contains(&"GONE"));
    }
}
