//! Selects the part of the instruments of a broker that a file updates.

use std::collections::{BTreeMap, HashSet};

use super::{FileContent, apart, hash_rows};
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

/// The instruments of the broker that the file covers. An empty list selects all. Instruments that are not selected do not
/// change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = IngestFilters), serde(deny_unknown_fields))]
pub struct Filters {
    /// The exchanges that the file covers. If the list is absent, null or empty, it covers all.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Exchange>>))]
    pub exchanges: Vec<Exchange>,
    /// The segments that the file covers. If the list is absent, null or empty, it covers all.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Segment>>))]
    pub segments: Vec<Segment>,
    /// The instrument types that the file covers. If the list is absent, null or empty, it covers all.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<InstrumentType>>))]
    pub instrument_types: Vec<InstrumentType>,
}

impl Filters {
    /// Whether all instruments are selected.
    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty() && self.segments.is_empty() && self.instrument_types.is_empty()
    }

    /// Whether a row passes the filters.
    pub fn selects(&self, row: &Row) -> bool {
        fn has<T: PartialEq>(list: &[T], item: &T) -> bool {
            list.is_empty() || list.contains(item)
        }
        has(&self.exchanges, &row.exchange)
            && has(&self.segments, &row.segment)
            && has(&self.instrument_types, &row.class)
    }
}

/// The part of the instruments of a broker that a file updates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The mode, which decides about instruments that the file lacks.
    pub mode: Mode,
    /// The filters that the rows of the file must pass.
    pub filters: Filters,
}

impl Selection {
    /// Whether the file replaces all instruments.
    pub fn is_everything(&self) -> bool {
        self.mode == Mode::FullCatalog && self.filters.is_empty()
    }

    /// Completes a file to all instruments of the broker: rows that do not pass the filters are dropped, and
    /// instruments of the last load that the file does not update are added. `last` are the active rows of the last
    /// load. The numbers of rows read and rejected remain those of the file.
    ///
    /// # Errors
    /// The first error of `last`.
    pub fn complete<E>(
        &self,
        load: FileContent,
        last: impl IntoIterator<Item = Result<Row, E>>,
    ) -> Result<Completed, E> {
        let key = |row: &Row| (row.exchange, row.symbol.clone());
        let mut rows: Vec<Row> = load.rows.into_iter().filter(|row| self.filters.selects(row)).collect();
        let tokens: HashSet<_> = rows.iter().filter_map(token).collect();
        let (after, mut before) = (rows.len(), 0);
        let mut kept = Vec::new();
        for row in last {
            let row = row?;
            let is_selected = self.filters.selects(&row);
            before += usize::from(is_selected);
            // An instrument that has another symbol now, with the same token, must not be in the result twice.
            let is_spoken_for = is_selected && self.mode != Mode::Incremental;
            if !is_spoken_for && !token(&row).is_some_and(|token| tokens.contains(&token)) {
                kept.push(row);
            }
        }
        // The file may contain only the index, or only the security with its symbol.
        apart::keep_rows_apart(&mut rows, &mut kept);
        let mut all: BTreeMap<_, _> = rows.into_iter().map(|row| (key(&row), row)).collect();
        for row in kept {
            all.entry(key(&row)).or_insert(row);
        }
        let rows: Vec<Row> = all.into_values().collect();
        Ok(Completed { load: FileContent { content_hash: hash_rows(&rows), rows, ..load }, before, after })
    }
}

fn token(row: &Row) -> Option<(Segment, String)> {
    (!row.token.is_empty()).then(|| (row.segment, row.token.clone()))
}

/// The instruments of a broker after a file that updates a part of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// All instruments.
    pub load: FileContent,
    /// The number of rows of the last load that belong to the part.
    pub before: usize,
    /// The number of rows of the file that belong to the part.
    pub after: usize,
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::testing::{equity, future};

    fn load(rows: Vec<Row>) -> FileContent {
        FileContent { rows_read: rows.len() as u64, content_hash: hash_rows(&rows), rows, ..FileContent::default() }
    }

    fn symbols(load: &FileContent) -> Vec<&str> {
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

    fn file() -> FileContent {
        let same = Row { token: "new".to_owned(), ..equity("NSE", "SAME", "INE000000002") };
        load(vec![equity("NSE", "FRESH", "INE000000003"), same, future("NIFTY", "NIFTY26DECFUT", "2026-12-31")])
    }

    #[test]
    fn an_index_and_a_security_of_two_files_are_both_kept() {
        let index = Row { token: "1".to_owned(), ..crate::testing::index("BSE", "METAL", None) };
        let fund = |symbol: &str| Row { token: "2".to_owned(), ..equity("BSE", symbol, "INF769K01LY7") };
        let incremental = Selection { mode: Mode::Incremental, ..Selection::default() };
        for (file, last) in [
            (fund("METAL"), vec![index.clone(), fund("METAL-EQ")]),
            (fund("METAL"), vec![index.clone()]),
            (index.clone(), vec![fund("METAL")]),
        ] {
            let all = incremental.complete(load(vec![file]), last.into_iter().map(Ok::<_, Infallible>)).unwrap();

            let found: Vec<_> = all.load.rows.iter().map(|row| (row.symbol.as_str(), row.token.as_str())).collect();
            assert_eq!(found, [("METAL", "1"), ("METAL-EQ", "2")]);
        }
    }

    #[test]
    fn a_full_catalogue_replaces_all_instruments() {
        let all = Selection::default().complete(file(), last()).unwrap();

        assert_eq!(all.before, 3);
        assert_eq!(all.after, 3);
        let mut expected = file().rows;
        expected.sort_by_key(|row| (row.exchange, row.symbol.clone()));
        assert_eq!(all.load.rows, expected);
    }

    #[test]
    fn an_incremental_file_adds_and_updates_only() {
        let selection = Selection { mode: Mode::Incremental, ..Selection::default() };

        let after = selection.complete(file(), last()).unwrap().load;

        assert_eq!(after.rows.len(), 5);
        let same = after.rows.iter().find(|row| row.symbol == "SAME").unwrap();
        assert_eq!(same.token, "new");
        assert_eq!(after.rows_read, 3);
        assert_eq!(after.content_hash, hash_rows(&after.rows));
        assert!(after.rows.is_sorted_by_key(|row| (row.exchange, row.symbol.clone())));
    }

    #[test]
    fn a_renamed_instrument_is_not_in_the_result_twice() {
        let renamed = Row { token: "7".to_owned(), ..equity("NSE", "LATER", "INE000000009") };
        let before = Row { token: "7".to_owned(), ..equity("NSE", "EARLIER", "INE000000009") };
        let selection = Selection { mode: Mode::Incremental, ..Selection::default() };

        let after = selection.complete(load(vec![renamed]), [Ok::<_, Infallible>(before)]).unwrap();

        assert_eq!(symbols(&after.load), ["LATER"]);
    }

    #[test]
    fn instruments_that_filters_do_not_select_are_kept() {
        for mode in [Mode::FullCatalog, Mode::OnDemand] {
            let filters = Filters { segments: vec![equity("NSE", "X", "").segment], ..Filters::default() };

            let after = Selection { mode, filters }.complete(file(), last()).unwrap();

            assert_eq!(after.before, 2);
            assert_eq!(after.after, 2);
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
            instrument_types: vec![InstrumentType::Equity],
        };

        let after = Selection { mode: Mode::FullCatalog, filters: nothing }.complete(file(), last()).unwrap();

        assert_eq!(after.before, 0);
        assert_eq!(after.after, 0);
        let after = after.load;
        assert_eq!(after.rows.len(), 3);
        assert!(symbols(&after).contains(&"GONE"));
    }
}
