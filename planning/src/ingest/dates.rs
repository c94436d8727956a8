//! Decides the order of day and month in the dates of a whole file.

use super::{CandidateRow, OmittedRows, Symbol};
use crate::dump::{DateOrder, DumpError, Entry, Members, SlashedDate};

/// The rows of a file whose expiry has two readings, with their lines.
#[derive(Default)]
pub(super) struct SlashedDates {
    rows: Vec<(u64, SlashedDate)>,
}

impl SlashedDates {
    pub(super) fn add(&mut self, line: u64, row: SlashedDate) {
        self.rows.push((line, row));
    }

    /// Adds the rows in the order of their column to those that were read, or to those left out if they do not fit it.
    /// Each file of an archive has an order of its own.
    ///
    /// # Errors
    /// [`DumpError::AmbiguousDates`] if no row of a file determines its order.
    pub(super) fn decide(
        self,
        members: &Members,
        read: &mut Vec<CandidateRow>,
        left_out: &mut OmittedRows,
    ) -> Result<(), DumpError> {
        let mut rows = self.rows.into_iter().peekable();
        while let Some(first) = rows.next() {
            let member = members.place(first.0).0;
            let mut of_member = vec![first];
            of_member.extend(std::iter::from_fn(|| rows.next_if(|(line, _)| members.place(*line).0 == member)));
            SlashedDates { rows: of_member }.decide_one(read, left_out)?;
        }
        Ok(())
    }

    fn decide_one(self, read: &mut Vec<CandidateRow>, left_out: &mut OmittedRows) -> Result<(), DumpError> {
        let Some(order) = self.order()? else { return Ok(()) };
        for (line, row) in self.rows {
            let written = row.written.clone();
            match row.in_order(order) {
                Ok(Entry::Row(row)) => read.push(CandidateRow { line, symbol: Symbol::Given, row }),
                Ok(Entry::Undecided(row)) => read.push(CandidateRow { line, symbol: Symbol::Open, row }),
                Ok(_) => {}
                Err(reason) => left_out.add(line, reason, || written),
            }
        }
        Ok(())
    }

    /// Returns the order in which most dates can be read, or else that which most symbols name. A single wrong date
    /// must not change the others. `None` without rows.
    fn order(&self) -> Result<Option<DateOrder>, DumpError> {
        let count = |order: DateOrder, of: fn(&SlashedDate) -> Option<DateOrder>| {
            self.rows.iter().filter(|(_, row)| of(row) == Some(order)).count()
        };
        let most = |of: fn(&SlashedDate) -> Option<DateOrder>| {
            let (month_first, day_first) = (count(DateOrder::MonthFirst, of), count(DateOrder::DayFirst, of));
            match month_first.cmp(&day_first) {
                std::cmp::Ordering::Greater => Some(DateOrder::MonthFirst),
                std::cmp::Ordering::Less => Some(DateOrder::DayFirst),
                std::cmp::Ordering::Equal => None,
            }
        };
        if let Some(order) = most(|row| row.order_by_date).or_else(|| most(|row| row.order_by_symbol)) {
            return Ok(Some(order));
        }
        match self.rows.iter().find(|(_, row)| row.is_ambiguous()).or(self.rows.first()) {
            Some((_, row)) if row.is_ambiguous() || row.order_by_date.is_some() => {
                Err(DumpError::AmbiguousDates { column: row.column, example: row.written.clone() })
            }
            // Day and month are equal in all dates.
            Some(_) => Ok(Some(DateOrder::MonthFirst)),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::super::{FileContent, read_file};
    use crate::dump::{DumpError, Limits};
    use crate::vocabulary::Broker;

    /// Reads Groww's file with a future for each expiry.
    fn load(futures: &[(&str, &str)]) -> Result<FileContent, DumpError> {
        let mut file = "exchange,exchange_token,trading_symbol,instrument_type,segment,underlying_symbol,lot_size,\
            expiry_date,strike_price,tick_size\n"
            .to_owned();
        for (token, (symbol, expiry)) in futures.iter().enumerate() {
            file += &format!("NSE,{token}1,{symbol},FUT,FNO,NIFTY,65,{expiry},,0.1\n");
        }
        read_file(Broker::Groww, file.as_bytes(), &Limits::default(), &mut |_| ControlFlow::Continue(()))
    }

    fn expiries(load: &FileContent) -> Vec<String> {
        load.rows.iter().map(|row| format!("{} {}", row.symbol, row.expiry.unwrap())).collect()
    }

    #[test]
    fn one_row_determines_the_order_of_a_column() {
        let day_first = load(&[("A", "02/12/2025"), ("A", "30/12/2025")]).unwrap();
        assert_eq!(expiries(&day_first), ["NIFTY25D02FUT 2025-12-02", "NIFTY25DECFUT 2025-12-30"]);
        assert_eq!(day_first.rejected_total(), 0);

        let month_first = load(&[("A", "12/02/2025"), ("A", "12/30/2025 14:30")]).unwrap();
        assert_eq!(expiries(&month_first), expiries(&day_first));
    }

    #[test]
    fn symbols_determine_the_order_if_no_date_does() {
        let load = load(&[("NIFTY25DECFUT", "02/12/2025"), ("X", "03/11/2025")]).unwrap();
        assert_eq!(expiries(&load), ["NIFTY25DECFUT 2025-12-02", "NIFTY25NOVFUT 2025-11-03"]);
    }

    #[test]
    fn a_file_without_a_deciding_row_is_rejected() {
        let error = load(&[("A", "05/05/2025"), ("A", "02/12/2025"), ("A", "2026-01-27")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected dates whose order of day and month one row determines, got only dates such as `02/12/2025` in the \
             column `expiry_date`"
        );
        assert!(load(&[("A", "05/05/2025")]).is_ok(), "both readings are equal");
    }

    #[test]
    fn a_row_that_does_not_fit_the_order_is_rejected() {
        let load = load(&[
            ("A", "30/12/2025"),
            ("A", "27/01/2026"),
            ("A", "02/24/2026"),
            ("NIFTY26MARFUT", "03/04/2026"),
            ("NIFTY25NOVFUT", "03/11/2025"),
        ])
        .unwrap();

        let kept = ["NIFTY25DECFUT 2025-12-30", "NIFTY25NOVFUT 2025-11-03", "NIFTY26JANFUT 2026-01-27"];
        assert_eq!(expiries(&load), kept);
        let rejected: Vec<_> = load.quarantine.iter().map(|row| (row.line, row.reason, row.text.as_str())).collect();
        let expected = [
            (4, "expiry_date is not a date", "02/24/2026"),
            (5, "the symbol names another expiry than the row", "03/04/2026"),
        ];
        assert_eq!(rejected, expected);
        assert_eq!(load.rows_read, 5);
    }
}
