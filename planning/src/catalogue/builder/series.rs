//! Finds the alias of NSE securities that have no ordinary line.
//!
//! Callers write `NSE:TESTCO`, but the key is `NSE:TESTCO-SM` if the share is traded in another series than `EQ`. The
//! symbol alone then is an alias, unless it is the key of something else.

use std::collections::HashSet;

use super::super::{Record, StringId};
use super::{Alias, Builder};
use crate::dump::security::shares_symbol_of_share;
use crate::series::{self, comparable_name};
use crate::vocabulary::{Exchange, Segment};

/// Adds the aliases. An inactive row with the key of the alias gives way if it is the same security before its series
/// changed.
pub(super) fn add_aliases(builder: &mut Builder) {
    let mut lines = lines(builder);
    lines.sort_by_key(|line| (line.symbol, line.rank.unwrap_or(usize::MAX), line.series, line.position));
    let taken: HashSet<&str> = (builder.aliases.iter())
        .filter(|alias| alias.exchange == Exchange::Nse)
        .map(|alias| alias.symbol.as_str())
        .collect();
    let mut aliases = Vec::new();
    let mut absorbed = Vec::new();
    for lines in lines.chunk_by(|a, b| a.symbol == b.symbol).filter(|lines| !taken.contains(lines[0].symbol)) {
        let line = &lines[0];
        // The series of bonds are different bonds, and warrants and the like have the symbol of a share.
        if line.rank.is_none() && (lines.len() > 1 || shares_symbol_of_share(line.series)) {
            continue;
        }
        let (exchange, symbol, position) = (Exchange::Nse, line.symbol.to_owned(), line.position);
        match builder.listing.find(exchange, line.symbol) {
            Err(_) => aliases.push(Alias { exchange, symbol, position }),
            Ok(other) if is_same_before(builder, other, position) => absorbed.push((other, position)),
            Ok(_) => {}
        }
    }
    builder.aliases.append(&mut aliases);
    builder.absorbed.append(&mut absorbed);
}

/// An active security in another series than `EQ`.
struct SeriesLine<'a> {
    /// The symbol without the series.
    symbol: &'a str,
    /// The rank of a series of shares or funds: the lowest is the most likely meaning of the symbol.
    rank: Option<usize>,
    series: &'a str,
    position: usize,
}

fn lines(builder: &Builder) -> Vec<SeriesLine<'_>> {
    let is_security = |record: &Record| record.is_active && record.segment == Segment::NseEquity;
    let line = |(position, record): (usize, &Record)| {
        let series = Some(builder.strings.get(record.series));
        let series = series.filter(|series| !series.is_empty() && *series != series::ORDINARY)?;
        let symbol = builder.listing.at(position).1.strip_suffix(series)?.strip_suffix('-')?;
        (!symbol.is_empty()).then(|| SeriesLine { symbol, rank: series::rank_of(series), series, position })
    };
    builder.listing.records.iter().enumerate().filter(|(_, record)| is_security(record)).filter_map(line).collect()
}

/// Whether the row at `other` is inactive and the same security as the active one at `position`: by their ISINs or, if
/// one is not known, by their names. Their symbols are the same.
fn is_same_before(builder: &Builder, other: usize, position: usize) -> bool {
    let (was, is) = (&builder.listing.records[other], &builder.listing.records[position]);
    if was.is_active || was.segment != is.segment {
        return false;
    }
    if was.isin != StringId::default() && is.isin != StringId::default() {
        return was.isin == is.isin;
    }
    let name = |record: &Record| comparable_name(builder.strings.get(record.name));
    !name(was).is_empty() && name(was) == name(is)
}
