//! Lists in pages, newest first.

use sqlx::QueryBuilder;

use super::Dialect;
use crate::paging::{COUNT_MAX, Position, number};

/// A list of the rows of a table that satisfy all conditions.
pub(crate) struct List<'f> {
    columns: &'static str,
    table: &'static str,
    key: Key,
    conditions: Vec<Condition<'f>>,
}

/// The column that ascends with time.
#[derive(Clone, Copy)]
pub(crate) enum Key {
    Text(&'static str),
    Number(&'static str),
}

enum Condition<'f> {
    /// The column has this value, which is a parameter.
    Equal(&'static str, &'f str),
    Literal(String),
}

impl<'f> List<'f> {
    /// Creates a list of all rows of a table.
    pub(crate) const fn new(columns: &'static str, table: &'static str, key: Key) -> Self {
        List { columns, table, key, conditions: Vec::new() }
    }

    /// Selects the rows in which the column has this value.
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

    /// Selects the rows that satisfy a condition without parameters, if there is one. With a literal, the database knows
    /// how many rows satisfy it and whether a partial index contains them.
    pub(crate) fn literally(mut self, condition: Option<String>) -> Self {
        self.conditions.extend(condition.map(Condition::Literal));
        self
    }

    /// Returns the query for a page and one row more.
    pub(crate) fn rows<DB: Dialect>(&self, position: &Position, limit: u32) -> QueryBuilder<DB> {
        let (Key::Text(name) | Key::Number(name)) = self.key;
        let mut query = self.select(self.columns);
        if let Position::After(last) = position {
            query.push(format_args!(" and {name} < "));
            match self.key {
                Key::Text(_) => DB::push_text(&mut query, last),
                Key::Number(_) => DB::push_integer(&mut query, number(last)),
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
        for condition in &self.conditions {
            match condition {
                Condition::Equal(column, value) => {
                    query.push(format_args!(" and {column} = "));
                    DB::push_text(&mut query, value);
                }
                Condition::Literal(condition) => {
                    query.push(format_args!(" and {condition}"));
                }
            }
        }
        query
    }
}
