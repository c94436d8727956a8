//! The notations of contracts.
//!
//! | notation | after the underlying |
//! |---|---|
//! | Kite, Fyers, Groww | `25NOV24000CE`, `25N1124000CE`, `25NOVFUT` |
//! | Upstox | ` 24000 CE 25 NOV 25`, ` FUT 30 DEC 25` |
//! | Angel One, and the symbols that Groww exports | `27NOV2525000CE`, `-23Dec25-25000-CE`, `25MAR26FUT` |
//! | Noren (Shoonya, Flattrade, Zebu), Alice Blue | `30DEC25C26000`, `28OCT25F` |
//! | Dhan | `-Dec2025-26000-CE`, `-19Aug2026-FUT`, ` 02 DEC 24350 CALL`, ` DEC FUT` |
//! | TradingView | `251223C25000`, `Z2025`, `1!` |
//! | NSE | `27-11-2025CE25000.00`, `27-Nov-2025XX0.00` |
//! | dates from the year to the day | `25DEC0225000CE`, `25122325000CE`, `2025-12-23 25000 CE` |

use super::grammar::SymbolPart::{
    self, Day, FullYear, Kind, KindLetter, KindWord, MonthCode, MonthLetter, MonthName, MonthNumber, Position,
    ShortDay, ShortStrike, Strike, Word, Year,
};

/// The parts of a symbol, in their order.
pub(super) type Template = &'static [SymbolPart];

const FUT: SymbolPart = Word("FUT");

/// Kite's own notation, which the keys follow.
pub(super) const KITE: &[Template] = &[
    &[Year, MonthName, Strike, Kind],
    &[Year, MonthCode, Day, Strike, Kind],
    &[Year, MonthName, FUT],
    &[Year, MonthCode, Day, FUT],
];

pub(super) const UPSTOX: &[Template] = &[
    &[Strike, Kind, ShortDay, MonthName, Year],
    &[FUT, ShortDay, MonthName, Year],
    &[Strike, Kind, ShortDay, MonthName, FullYear],
    &[FUT, ShortDay, MonthName, FullYear],
];

pub(super) const ANGEL: &[Template] = &[
    &[ShortDay, MonthName, Year, Strike, Kind],
    &[ShortDay, MonthName, Year, FUT],
    &[ShortDay, MonthName, FullYear, Strike, Kind],
    &[ShortDay, MonthName, FullYear, FUT],
];

pub(super) const NOREN: &[Template] =
    &[&[Day, MonthName, Year, KindLetter, Strike], &[Day, MonthName, Year, Word("F")]];

/// Dhan writes only the month for most contracts, of weekly ones too.
pub(super) const DHAN: &[Template] = &[&[MonthName, FullYear, Strike, Kind], &[MonthName, FullYear, FUT]];

pub(super) const TRADING_VIEW: &[Template] = &[&[Year, MonthNumber, Day, KindLetter, Strike]];

pub(super) const NSE: &[Template] = &[
    &[Day, MonthNumber, FullYear, Kind, Strike],
    &[Day, MonthNumber, FullYear, Word("XX0.00")],
    &[Day, MonthNumber, FullYear, Word("XX")],
    &[ShortDay, MonthName, FullYear, Kind, Strike],
    &[ShortDay, MonthName, FullYear, Word("XX0.00")],
    &[ShortDay, MonthName, FullYear, Word("XX")],
    &[ShortDay, MonthName, Year, Kind, Strike],
];

pub(super) const YEAR_TO_DAY: &[Template] = &[
    &[Year, MonthName, Day, Strike, Kind],
    &[Year, MonthName, Day, FUT],
    &[Year, MonthNumber, Day, Strike, Kind],
    &[Year, MonthNumber, Day, FUT],
    &[FullYear, MonthNumber, Day, Strike, Kind],
    &[FullYear, MonthNumber, Day, FUT],
];

/// The notations with an expiry that contains its year, in the order in which their readings are preferred.
pub(super) const FULL: &[&[Template]] = &[KITE, UPSTOX, ANGEL, NOREN, DHAN, TRADING_VIEW, NSE, YEAR_TO_DAY];

/// The futures of charts, the names that Dhan and Alice Blue show, and symbols without a year or without an expiry.
pub(super) const ABBREVIATED: &[Template] = &[
    &[MonthLetter, FullYear],
    &[Position],
    &[ShortDay, MonthName, Strike, KindWord],
    &[ShortDay, MonthName, Strike, Kind],
    &[ShortDay, MonthName, FUT],
    &[MonthName, Strike, KindWord],
    &[MonthName, FUT],
    &[ShortStrike, Kind],
    &[FUT],
];
