//! Lists in pages, newest first.

use sqlx::QueryBuilder;

use super::Dialect;
use super::columns::{Columns, column};
use crate::error::StoreError;
use crate::paging::{COUNT_MAX, Position, RowOutline, number};

/// A list of the rows of a table that satisfy all conditions.
pub(crate) struct List<'f> {
    columns: &'static str,
    table: &'static str,
    key: KeyColumn,
    /// The columns whose size has no narrow limit.
    documents: &'static [&'static str],
    conditions: Vec<Condition<'f>>,
}

/// Reads a row of [`List::outline`].
pub(crate) fn outline(row: &impl Columns) -> Result<RowOutline, StoreError> {
    Ok(RowOutline { key: column(row, "row_key")?, bytes: column(row, "row_bytes")? })
}

/// The column that ascends with time.
#[derive(Clone, Copy)]
pub(crate) enum KeyColumn {
    Text(&'static str),
    Number(&'static str),
}

impl KeyColumn {
    const fn name(self) -> &'static str {
        match self {
            KeyColumn::Text(name) | KeyColumn::Number(name) => name,
        }
    }
}

enum Condition<'f> {
    /// The column has this value, which is a parameter.
    Equal(&'static str, &'f str),
    Literal(String),
}

impl<'f> List<'f> {
    /// Creates a list of all rows of a table.
    pub(crate) const fn new(columns: &'static str, table: &'static str, key: KeyColumn) -> Self {
        List { columns, table, key, documents: &[], conditions: Vec::new() }
    }

    /// Names the columns whose size has no narrow limit.
    pub(crate) fn with_documents(mut self, columns: &'static [&'static str]) -> Self {
        self.documents = columns;
        self
    }

    /// Selects the rows in which the column has this value. The column of a row never changes.
    pub(crate) fn equal(mut self, column: &'static str, value: &'f str) -> Self {
        self.conditions.push(Condition::Equal(column, value));
        self
    }

    /// Selects the rows in which the column has this value, if there is one.
    pub(crate) fn equal_to(self, column: &'static str, value: Option<&'f str>) -> Self {
        match value {
            Some(value) => self.equal(column, value),
            None => self,
        }
    }

    /// Selects the rows that satisfy a condition without parameters, if there is one. With a literal, the database
    /// knows how many rows satisfy it and whether a partial index contains them.
    pub(crate) fn literally(mut self, condition: Option<String>) -> Self {
        self.conditions.extend(condition.map(Condition::Literal));
        self
    }

    /// Returns the query for a page and one row more.
    pub(crate) fn rows<DB: Dialect>(&self, position: &Position, limit: u32) -> QueryBuilder<DB> {
        self.page(self.columns, position, limit)
    }

    /// Returns the query for the keys of a page and one row more, and for the sizes of their documents, without the
    /// documents.
    pub(crate) fn outline<DB: Dialect>(&self, position: &Position, limit: u32) -> QueryBuilder<DB> {
        let sizes = self.documents.iter().map(|column| format!(" + coalesce({}, 0)", DB::bytes(column)));
        let sizes: String = sizes.collect();
        let columns = format!("cast({} as text) as row_key, cast(0{sizes} as bigint) as row_bytes", self.key.name());
        self.page(&columns, position, limit)
    }

    /// Returns the query for the rows with these keys, as far as they are still in the table. Their columns may have
    /// changed since the keys were read, so only those conditions are repeated that cannot have.
    pub(crate) fn rows_of<DB: Dialect>(&self, keys: &[String]) -> QueryBuilder<DB> {
        let name = self.key.name();
        let mut query = QueryBuilder::new(format!("select {} from {} where {name}", self.columns, self.table));
        match self.key {
            KeyColumn::Text(_) => DB::push_any_text(&mut query, keys),
            KeyColumn::Number(_) => {
                let keys: Vec<i64> = keys.iter().map(|key| number(key)).collect();
                DB::push_any_integer(&mut query, &keys);
            }
        }
        self.push_conditions(&mut query, |condition| matches!(condition, Condition::Equal(..)));
        query.push(format_args!(" order by {name} desc"));
        query
    }

    fn page<DB: Dialect>(&self, columns: &str, position: &Position, limit: u32) -> QueryBuilder<DB> {
        let name = self.key.name();
        let mut query = self.select(columns);
        if let Position::After(last) = position {
            query.push(format_args!(" and {name} < "));
            match self.key {
                KeyColumn::Text(_) => DB::push_text(&mut query, last),
                KeyColumn::Number(_) => DB::push_integer(&mut query, number(last)),
            }
        }
        query.push(format_args!(" order by {name} desc limit "));
        DB::push_integer(&mut query, i64::from(limit) + 1);
        if let Position::Offset(offset) = position {
            query.push(" offset ");
            DB::push_integer(&mut query, i64::try_from(*offset).unwrap_or(i64::MAX));
        }
        query
    }

    /// Returns the query for the number of rows. Counting stops at one more than the reported maximum, so that the cost
    /// of a list does not depend on the size of the table.
    pub(crate) fn count<DB: Dialect>(&self) -> QueryBuilder<DB> {
        let mut query = self.select("count(*) from (select 1");
        query.push(" limit ");
        DB::push_integer(&mut query, i64::try_from(COUNT_MAX).unwrap_or(i64::MAX) + 1);
        query.push(") as counted");
        query
    }

    fn select<DB: Dialect>(&self, columns: &str) -> QueryBuilder<DB> {
        let mut query = QueryBuilder::new(format!("select {columns} from {} where true", self.table));
        self.push_conditions(&mut query, |_| true);
        query
    }

    fn push_conditions<DB: Dialect>(&self, query: &mut QueryBuilder<DB>, is_wanted: impl Fn(&Condition<'_>) -> bool) {
        for condition in self.conditions.iter().filter(|condition| is_wanted(condition)) {
            match condition {
                Condition::Equal(column, value) => {
                    query.push(format_args!(" and {column} = "));
                    DB::push_text(query, value);
                }
                Condition::Literal(condition) => {
                    query.push(format_args!(" and {condition}"));
                }
            }
        }
    }
}
