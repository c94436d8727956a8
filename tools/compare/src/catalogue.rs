//! The instruments that every side knows: `NSE:STOCK1` to `NSE:STOCK100000`.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

pub(crate) const INSTRUMENTS: u32 = 100_000;

/// The two files with these instruments.
pub(crate) struct Catalogue {
    /// A file in Kite's format.
    pub(crate) dump: PathBuf,
    /// One key per line.
    pub(crate) keys: PathBuf,
}

impl Catalogue {
    pub(crate) fn write(folder: &Path) -> anyhow::Result<Self> {
        let catalogue = Self { dump: folder.join("instruments.csv"), keys: folder.join("keys.txt") };
        fs::write(&catalogue.dump, dump(INSTRUMENTS)).context("failed to write the catalog")?;
        fs::write(&catalogue.keys, keys(INSTRUMENTS)).context("failed to write the keys")?;
        Ok(catalogue)
    }
}

fn dump(instruments: u32) -> String {
    let mut text = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
                    instrument_type,segment,exchange\n"
        .to_owned();
    for number in 1..=instruments {
        let token = u64::from(number) * 256;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{token},{number},STOCK{number},STOCK{number},0,,0,0.05,1,EQ,NSE,NSE");
    }
    text
}

fn keys(instruments: u32) -> String {
    (1..=instruments).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "NSE:STOCK{number}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dump_has_a_row_for_each_key() {
        let dump = dump(2);
        let lines: Vec<&str> = dump.lines().collect();

        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].split(',').count(), 12);
        assert_eq!(lines[2], "512,2,STOCK2,STOCK2,0,,0,0.05,1,EQ,NSE,NSE");
        assert_eq!(keys(2), "NSE:STOCK1\nNSE:STOCK2\n");
    }
}
