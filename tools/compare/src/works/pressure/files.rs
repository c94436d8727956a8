//! Two files of a broker with 250,000 instruments each.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::field::Field;

const INSTRUMENTS: u32 = 250_000;

/// The number of shares. The other instruments are options on them.
const SHARES: u32 = 10_000;

/// The number of instruments of the first file that the second one does not contain, and the other way round.
const REPLACED: u32 = 2_000;

/// Writes both files. Every instrument of both has another tick size in the second one, so that their difference has as
/// many changes as the catalog has instruments.
pub(super) fn write(field: &Field) -> anyhow::Result<Vec<PathBuf>> {
    let files = [("pressure-1.csv", 0, "0.05"), ("pressure-2.csv", REPLACED, "0.1")];
    let written = files.map(|(name, first, tick)| {
        let file = field.file(name);
        fs::write(&file, dump(INSTRUMENTS, first, tick))
            .with_context(|| format!("failed to write {}", file.display()))?;
        Ok(file)
    });
    written.into_iter().collect()
}

/// Returns a file in Kite's format with all shares, and with options from the number `first` on.
fn dump(instruments: u32, first: u32, tick: &str) -> String {
    let mut text = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
                    instrument_type,segment,exchange\n"
        .to_owned();
    for number in 1..=SHARES {
        let token = number * 256;
        // Writing to a string cannot fail.
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn both_files_have_all_instruments_and_differ_in_few() {
        let symbols = |text: &str| -> HashSet<String> {
            text.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().to_owned()).collect()
        };
        let count = SHARES + 2 * REPLACED;

        let (first, second) = (symbols(&dump(count, 0, "0.05")), symbols(&dump(count, REPLACED, "0.1")));

        assert_eq!(first.len(), count as usize);
        assert_eq!(second.len(), count as usize);
        assert_eq!(first.difference(&second).count(), REPLACED as usize);
    }
}
