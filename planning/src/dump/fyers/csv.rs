//! The CSV form. It has no header, so the content of the columns identifies a row.

use std::io::BufRead;

use super::{EXPECTED, Fields, entry_of};
use crate::dump::field::{self, Reason, excerpt, present};
use crate::dump::table::{self, Line, Lines, delimiter_of};
use crate::dump::{DumpError, Entry, OnEntry, date, hand_over};

/// The required ones of the 21 columns, by position from 0: details, lot, step, ISIN, expiry, ticker, exchange,
/// segment, underlying, strike and option type. The columns after them are ignored.
const POSITIONS: [usize; 11] = [1, 3, 4, 5, 8, 9, 10, 11, 13, 15, 16];

/// The index of the ticker among them, which identifies a row.
const TICKER: usize = 9;

pub(super) fn read_rows<R: BufRead>(mut lines: Lines<R>, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    let mut fields = table::Fields::default();
    // The start of the file, until a row shows that it has the right form.
    let mut start = None;
    let mut is_recognised = false;
    while let Some(Line { number, text, is_whole, .. }) = lines.next()? {
        fields.split(text, delimiter_of(text));
        let entry = match is_whole {
            false => Err("the row is too long"),
            true if !is_like_fyers(&fields) => Err("the row does not have Fyers's columns"),
            true => {
                is_recognised = true;
                row_of(&fields)
            }
        };
        if !is_recognised && start.is_none() {
            start = Some(excerpt(text));
        }
        hand_over(number, text, entry, on_entry);
    }
    if is_recognised {
        return Ok(());
    }
    Err(DumpError::Form { expected: EXPECTED, found: start.unwrap_or_else(|| excerpt(b"")) })
}

/// Whether a text starts with a row of this form.
pub(in crate::dump) fn is_csv(text: &[u8]) -> bool {
    let mut fields = table::Fields::default();
    let mut lines = Lines::new(text);
    let Ok(Some(line)) = lines.next() else { return false };
    fields.split(line.text, delimiter_of(line.text));
    is_like_fyers(&fields)
}

fn is_like_fyers(fields: &table::Fields) -> bool {
    let is_ticker = |text: &str| ["NSE:", "BSE:", "MCX:"].iter().any(|exchange| text.starts_with(exchange));
    fields.len() > POSITIONS[10] && fields.pick([Some(TICKER)]).is_ok_and(|[ticker]| is_ticker(ticker))
}

fn row_of(fields: &table::Fields) -> Result<Entry, Reason> {
    let picked = fields.pick(POSITIONS.map(Some))?;
    let [name, lot_size, tick_size, isin, expiry, ticker, exchange, segment, underlying, strike, option_type] = picked;
    entry_of(&Fields {
        ticker,
        exchange,
        segment,
        name,
        isin,
        underlying: present(underlying),
        option_type,
        tick_size: field::price(tick_size),
        lot_size: field::lot_size(lot_size),
        multiplier: None,
        strike: field::price(strike),
        expiry: expiry.parse().ok().and_then(date::at_seconds),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::Row;
    use crate::dump::testing::{only, outcomes};
    use crate::instrument::Amount;
    use crate::vocabulary::{Exchange, InstrumentType, Segment};

    const UNLIKE: Reason = "the row does not have Fyers's columns";

    fn read_row(row: &str) -> Result<Row, Reason> {
        only(|on_entry| read_rows(Lines::new(row.as_bytes()), on_entry))
    }

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    /// 2031-09-02, 15:30 in Kolkata.
    const EXPIRY: &str = "1946109600";

    fn option(ticker: &str) -> String {
        format!(
            "101131090271001,NIFTY 02 Sep 31 24350 CE,14,65,0.05,,0915-1530|1815-1915:,2031-08-26,{EXPIRY},{ticker},10,11,\
             71001,NIFTY,26000,24350.0,CE,101000000026000,None,0,0.0"
        )
    }

    #[test]
    fn the_ticker_determines_the_cycle_of_an_option() {
        let row = read_row(&option("NSE:NIFTY3190224350CE"));

        let expected = Row {
            exchange: Exchange::Nfo,
            symbol: "NIFTY3190224350CE".into(),
            alias: None,
            name: "NIFTY 02 Sep 31 24350 CE".into(),
            segment: Segment::NseDerivative,
            class: InstrumentType::Call,
            isin: None,
            series: None,
            underlying: Some("NIFTY".into()),
            expiry: chrono::NaiveDate::from_ymd_opt(2031, 9, 2),
            strike: Some(amount("24350")),
            tick_size: amount("0.05"),
            lot_size: 65,
            token: "NSE:NIFTY3190224350CE".into(),
        };
        assert_eq!(row, Ok(expected));
        assert_eq!(read_row(&option("NSE:NIFTY31SEP24350CE")).unwrap().symbol, "NIFTY31SEP24350CE");

        let mut entries = Vec::new();
        let row = option("NSE:NIFTY02SEP31C24350");
        read_rows(Lines::new(row.as_bytes()), &mut |_, entry| entries.push(entry)).unwrap();
        assert!(matches!(&entries[..], [Entry::Undecided(_)]), "a ticker of another grammar says nothing");
    }

    #[test]
    fn the_series_of_a_security_is_in_the_ticker_only() {
        for (ticker, exchange, isin, symbol, series, class) in [
            ("NSE:SBIN-EQ", "10", "INE062A01020", "SBIN", Some("EQ"), InstrumentType::Equity),
            ("NSE:BAJAJ-AUTO-EQ", "10", "INE917I01010", "BAJAJ-AUTO", Some("EQ"), InstrumentType::Equity),
            ("BSE:SBIN-A", "12", "INE062A01020", "SBIN", Some("A"), InstrumentType::Equity),
            ("NSE:GOLDBEES-EQ", "10", "INF204KB17I5", "GOLDBEES", Some("EQ"), InstrumentType::Fund),
            ("NSE:762AR32-SG", "10", "IN1920220018", "762AR32-SG", Some("SG"), InstrumentType::Debt),
            ("BSE:BAJAJ-AUTO", "12", "INE917I01010", "BAJAJ-AUTO", None, InstrumentType::Equity),
        ] {
            let row = read_row(&format!(
                "1,A LIMITED,0,1,0.1,{isin},0915-1530:,2031-08-26,,{ticker},{exchange},10,3045,A,3045,-1.0,XX,1,None,0,0"
            ));
            let row = row.unwrap();
            assert_eq!(row.symbol.as_str(), symbol);
            assert_eq!(row.series.as_deref(), series);
            assert_eq!(row.class, class);
            assert_eq!(row.isin.as_deref(), Some(isin));
            assert_eq!(row.token.as_str(), ticker);
            assert_eq!(row.tick_size, amount("0.1"));
        }
    }

    #[test]
    fn an_index_has_kites_symbol() {
        for (ticker, exchange, symbol) in [
            ("NSE:NIFTY50-INDEX", "10", "NIFTY 50"),
            ("NSE:NIFTYBANK-INDEX", "10", "NIFTY BANK"),
            ("BSE:SENSEX-INDEX", "12", "SENSEX"),
        ] {
            let (_, details) = ticker.split_once(':').unwrap();
            let row = read_row(&format!("1,{details},10,0,0.05,,,,,{ticker},{exchange},10,1,X,1,-1.0,XX,1,None,0,0.0"))
                .unwrap();
            assert_eq!(row.symbol.as_str(), symbol);
            assert_eq!(row.class, InstrumentType::Index);
            assert_eq!(row.lot_size, 0);
        }
    }

    #[test]
    fn futures_of_every_segment_are_monthly_by_their_tickers() {
        for (ticker, exchange, segment, key) in [
            ("MCX:CRUDEOIL31SEPFUT", "11", "20", "MCX:CRUDEOIL31SEPFUT"),
            ("NSE:CRUDEOIL31SEPFUT", "10", "20", "NCO:CRUDEOIL31SEPFUT"),
            ("NSE:CRUDEOIL31SEPFUT", "10", "12", "CDS:CRUDEOIL31SEPFUT"),
            ("BSE:CRUDEOIL31SEPFUT", "12", "11", "BFO:CRUDEOIL31SEPFUT"),
        ] {
            let row = read_row(&format!(
                "1,X,30,1,1.0,,,,{EXPIRY},{ticker},{exchange},{segment},1,CRUDEOIL,1,-1.0,XX,1,None,0,0.0"
            ));
            let row = row.unwrap();
            assert_eq!(format!("{}:{}", row.exchange, row.symbol), key);
            assert_eq!(row.strike, None);
        }
    }

    #[test]
    fn a_number_of_lots_is_not_a_lot_size() {
        let row = |lot: u32, segment: &str| {
            let row = format!(
                "1,X,30,{lot},1.0,,,,{EXPIRY},MCX:CRUDEOIL31SEPFUT,11,{segment},1,CRUDEOIL,1,-1.0,XX,1,None,0,0.0"
            );
            read_row(&row).unwrap().lot_size
        };
        assert_eq!(row(1, "20"), 0);
        assert_eq!(row(100, "20"), 100);
    }

    #[test]
    fn a_bad_row_rejects_no_other_row() {
        let good = option("NSE:NIFTY3190224350CE");
        for (bad, reason) in [
            ("<p>oops</p>".to_owned(), UNLIKE),
            (good.replace("NSE:", "NYSE:"), UNLIKE),
            (good.replace("NIFTY 02 Sep 31", "NIFTY, 02 Sep 31"), UNLIKE),
            (good.replace(",10,11,", ",10,13,"), "segment does not exist on the exchange"),
            (good.replace(",10,11,", ",12,11,"), "ticker does not match the exchange"),
            (good.replace("0.05", "NaN"), "tick size is not a positive number"),
            (good.replace(",65,", ",,"), "lot size is not a positive integer"),
            (good.replace(EXPIRY, ""), "expiry is not a Unix time in seconds"),
            (good.replace(EXPIRY, "1946109600000"), "expiry is not a Unix time in seconds"),
            (good.replace("24350.0", "-1.0"), "strike is not a positive number"),
            (good.replace(",CE,", ",EC,"), "option type is unknown"),
            (good.replace(",NIFTY,", ",None,"), "name of the underlying is missing"),
        ] {
            let file = format!("\n{bad}\n\n{good}\n");
            let rows = outcomes(|on_entry| super::super::read_rows(file.as_bytes(), on_entry)).unwrap();
            assert_eq!(rows[0], (2, Err(reason)), "{bad}");
            assert_eq!(rows[1].0, 4);
            assert!(rows[1].1.is_ok());
        }
    }

    #[test]
    fn a_file_without_a_row_of_fyers_is_rejected() {
        let kite = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
            instrument_type,segment,exchange\n1,1,A,A,0,,0,0.05,1,EQ,NSE,NSE";
        let noise = [0_u8, 159, 146, 150, b'\n', 255, 254];
        for (file, found) in [
            (&b""[..], "nothing"),
            (b"<!DOCTYPE html>\n<html></html>", "`<!DOCTYPE html>`"),
            (kite.as_bytes(), "`instrument_token,exchange_token,tradingsymbol,name,last_pric…`"),
            (&noise, "`\u{fffd}\u{fffd}\u{fffd}`"),
        ] {
            let error = outcomes(|on_entry| super::super::read_rows(file, on_entry)).unwrap_err();
            assert_eq!(error.to_string(), format!("expected {EXPECTED}, got {found}"));
        }
    }
}
