//! The files to load.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use chrono::NaiveDate;
use registry_planning::dump::Row;
use registry_planning::vocabulary::{Broker, Exchange, InstrumentType};

use crate::instruments::{self, Random};

/// The file that describes the origin of the instruments.
pub(crate) const ORIGIN: &str = "origin";

/// A file, its broker and its trading date.
pub(crate) struct BrokerFile {
    pub(crate) name: &'static str,
    pub(crate) broker: Broker,
    pub(crate) date: NaiveDate,
}

const fn broker_file(name: &'static str, broker: Broker, day: u32) -> BrokerFile {
    let date = NaiveDate::from_ymd_opt(2026, 8, day).expect("the day is in August");
    BrokerFile { name, broker, date }
}

/// The files in loading order. The file of the other broker has the same instruments.
pub(crate) const ALL: [BrokerFile; 3] = [
    broker_file("file of another broker", Broker::Upstox, 17),
    broker_file("first file", Broker::Kite, 17),
    broker_file("file of the next day", Broker::Kite, 18),
];

/// Writes all files into the folder.
pub(crate) fn write(folder: &Path, count: usize) -> io::Result<()> {
    // Some kinds of row have no form in Kite's format, so a few more rows are generated.
    let (rows, origin) = instruments::rows(count + count / 10);
    let rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).filter(can_be_written).take(count).collect();
    fs::write(folder.join(ORIGIN), format!("{} instruments, {origin}\n", rows.len()))?;
    for (number, file) in ALL.iter().enumerate() {
        let mut random = Random::seeded(7);
        let mut out = BufWriter::new(File::create(folder.join(file.name))?);
        writeln!(
            out,
            "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
             instrument_type,segment,exchange"
        )?;
        let is_next_day = number == ALL.len() - 1;
        for (position, row) in rows.iter().enumerate() {
            // Of a hundred instruments, one is new, one is removed, and one has another lot size.
            let is_other = match random.below(100) {
                0 if is_next_day => continue,
                1 if !is_next_day && !has_expired(row) => continue,
                draw => is_next_day && draw == 2,
            };
            // Kite's files have the lot 1 where the number of units is unknown.
            let lot_size = row.lot_size.max(1) + u32::from(is_other);
            let token = position * 256 + 2_000_000 + number.min(1);
            write_row(&mut out, row, lot_size, token)?;
        }
        out.flush()?;
    }
    Ok(())
}

/// Whether a contract expired before the files. Only an older file would contain it for the first time.
fn has_expired(row: &Row) -> bool {
    row.expiry.is_some_and(|expiry| ALL.iter().any(|file| expiry < file.date))
}

fn can_be_written(row: &Row) -> bool {
    let has_segment = match row.class {
        InstrumentType::Index => false,
        InstrumentType::Future | InstrumentType::Call | InstrumentType::Put => {
            !matches!(row.exchange, Exchange::Nse | Exchange::Bse)
        }
        _ => matches!(row.exchange, Exchange::Nse | Exchange::Bse | Exchange::Mcx | Exchange::Nco),
    };
    has_segment && !row.symbol.contains([',', '"'])
}

fn write_row(out: &mut impl Write, row: &Row, lot_size: u32, token: usize) -> io::Result<()> {
    let exchange = row.exchange.as_str();
    let name = row.underlying.as_deref().unwrap_or(&row.name).replace([',', '"'], " ");
    let expiry = row.expiry.map_or_else(String::new, |date| date.to_string());
    let strike = row.strike.map_or_else(|| "0".to_owned(), |strike| strike.to_string());
    let (kind, segment) = match row.class {
        InstrumentType::Future => ("FUT", format!("{exchange}-FUT")),
        InstrumentType::Call => ("CE", format!("{exchange}-OPT")),
        InstrumentType::Put => ("PE", format!("{exchange}-OPT")),
        _ => ("EQ", exchange.to_owned()),
    };
    let (symbol, tick_size) = (&row.symbol, row.tick_size);
    writeln!(
        out,
        "{token},{},{symbol},{name},0,{expiry},{strike},{tick_size},{lot_size},{kind},{segment},{exchange}",
        token / 256
    )
}
