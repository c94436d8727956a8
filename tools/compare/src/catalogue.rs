//! The files of instruments.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The number of instruments that every side knows: `NSE:STOCK1` to `NSE:STOCK100000`.
const INSTRUMENTS: u32 = 100_000;
const LARGE: u32 = 250_000;

/// The number of its shares. The other instruments are options on them.
const SHARES: u32 = 10_000;

/// The number of its instruments that the second version does not contain, and the other way round.
const REPLACED: u32 = 2_000;
const HEADER: &str = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
                      instrument_type,segment,exchange\n";

/// Writes the instruments that every side knows: a file in Kite's format, and one with a key per line.
pub(crate) fn write(folder: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let (mut dump, mut keys) = (HEADER.to_owned(), String::new());
    for number in 1..=INSTRUMENTS {
        // Writing to a string cannot fail.
        let _ = writeln!(dump, "{},{number},STOCK{number},STOCK{number},0,,0,0.05,1,EQ,NSE,NSE", number * 256);
        let _ = writeln!(keys, "NSE:STOCK{number}");
    }
    Ok((written(folder, "instruments.csv", &dump)?, written(folder, "keys.txt", &keys)?))
}

/// Writes two versions of a large catalog. Every instrument of both has another tick size in the second one, so that
/// their difference has as many changes as the catalog has instruments.
pub(crate) fn write_large(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let first = written(folder, "large-1.csv", &large(LARGE, 0, "0.05"))?;
    Ok(vec![first, written(folder, "large-2.csv", &large(LARGE, REPLACED, "0.1"))?])
}

fn large(instruments: u32, first: u32, tick: &str) -> String {
    let mut text = HEADER.to_owned();
    for number in 1..=SHARES {
        let token = number * 256;
        let _ = writeln!(text, "{token},{number},STOCK{number},STOCK {number} LIMITED,0,,0,{tick},1,EQ,NSE,NSE");
    }
    for option in first..first + instruments - SHARES {
        let number = SHARES + 1 + option;
        let (token, share, strike) = (number * 256, option % SHARES + 1, 100 + 10 * (option / SHARES));
        // The last year that the service accepts, so that no option expires.
        let _ = writeln!(
            text,
            "{token},{number},STOCK{share}99DEC{strike}CE,STOCK{share},0,2099-12-31,{strike},{tick},50,CE,NFO-OPT,NFO"
        );
    }
    text
}

fn written(folder: &Path, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let file = folder.join(name);
    fs::write(&file, text).with_context(|| format!("failed to write {}", file.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_dump_has_a_row_for_each_key() {
        let folder = tempfile::tempdir().unwrap();
        let (dump, keys) = write(folder.path()).unwrap();
        let (dump, keys) = (fs::read_to_string(dump).unwrap(), fs::read_to_string(keys).unwrap());

        assert_eq!(dump.lines().count(), 100_001);
        assert_eq!(dump.lines().next().unwrap().split(',').count(), 12);
        assert_eq!(dump.lines().nth(2), Some("512,2,STOCK2,STOCK2,0,,0,0.05,1,EQ,NSE,NSE"));
        assert_eq!(keys.lines().nth(1), Some("NSE:STOCK2"));
    }

    #[test]
    fn both_files_have_all_instruments_and_differ_in_few() {
        let symbols = |text: &str| -> HashSet<String> {
            text.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().to_owned()).collect()
        };
        let count = SHARES + 2 * REPLACED;

        let (first, second) = (symbols(&large(count, 0, "0.05")), symbols(&large(count, REPLACED, "0.1")));

        assert_eq!(first.len(), count as usize);
        assert_eq!(second.len(), count as usize);
        assert_eq!(first.difference(&second).count(), REPLACED as usize);
    }
}
