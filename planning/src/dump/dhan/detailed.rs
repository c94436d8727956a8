//! The detailed form. Of its 39 columns, those about margins and surveillance are not used.

use std::io::BufRead;

use super::{Fields, entry_of};
use crate::dump::field::present;
use crate::dump::table::{Column, Table, needed, optional};
use crate::dump::{DumpError, OnEntry};

const COLUMNS: [Column; 16] = [
    needed("SECURITY_ID"),
    needed("EXCH_ID"),
    needed("SEGMENT"),
    needed("INSTRUMENT"),
    needed("UNDERLYING_SYMBOL"),
    needed("SYMBOL_NAME"),
    needed("LOT_SIZE"),
    needed("SM_EXPIRY_DATE"),
    needed("STRIKE_PRICE"),
    needed("OPTION_TYPE"),
    needed("TICK_SIZE"),
    optional("ISIN"),
    optional("DISPLAY_NAME"),
    optional("INSTRUMENT_TYPE"),
    optional("SERIES"),
    optional("EXPIRY_FLAG"),
];

pub(super) fn read_rows<R: BufRead>(table: Table<R>, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    table.read(COLUMNS, on_entry, |fields| {
        let [
            id,
            exchange,
            segment,
            instrument,
            underlying,
            symbol_name,
            lot_size,
            expiry,
            strike,
            option_type,
            tick_size,
            isin,
            display_name,
            kind,
            series,
            expiry_flag,
        ] = fields;
        let underlying = present(underlying);
        // A security is its own underlying; the column of its symbol contains the name of the company in words.
        let symbol = if underlying.is_empty() && !symbol_name.contains(' ') { symbol_name } else { underlying };
        let name = if segment == "E" && !symbol_name.is_empty() { symbol_name } else { display_name };
        let fields = Fields {
            exchange,
            segment,
            id,
            instrument,
            symbol,
            name,
            isin,
            kind,
            series,
            lot_size,
            expiry,
            expiry_column: "SM_EXPIRY_DATE",
            strike,
            option_type,
            tick_size,
            expiry_flag,
        };
        entry_of(&fields, |_, _| Some(underlying).filter(|name| !name.is_empty()))
    })
}

#[cfg(test)]
mod tests {
    use crate::dump::Row;
    use crate::dump::field::Reason;
    use crate::dump::testing::only;
    use crate::instrument::Amount;
    use crate::vocabulary::{Exchange, InstrumentType};

    const HEADER: &str = "EXCH_ID,SEGMENT,SECURITY_ID,ISIN,INSTRUMENT,UNDERLYING_SECURITY_ID,UNDERLYING_SYMBOL,\
        SYMBOL_NAME,DISPLAY_NAME,INSTRUMENT_TYPE,SERIES,LOT_SIZE,SM_EXPIRY_DATE,STRIKE_PRICE,OPTION_TYPE,TICK_SIZE,\
        EXPIRY_FLAG,BRACKET_FLAG,";

    fn read_row(row: &str) -> Result<Row, Reason> {
        let file = format!("{HEADER}\n{row}\n");
        only(|on_entry| super::super::read_rows(file.as_bytes(), on_entry))
    }

    #[test]
    fn the_underlying_is_read_from_its_column() {
        let row = read_row(
            "BSE,D,71002,NA,OPTIDX,51,SENSEX,SENSEX-Sep2031-81200-PE,SENSEX 04 SEP 81200 PUT,IO,NA,20.0,2031-09-04,\
             81200.00000,PE,5.0000,W,N,",
        )
        .unwrap();
        assert_eq!(row.exchange, Exchange::Bfo);
        assert_eq!(row.symbol.as_str(), "SENSEX3190481200PE");
        assert_eq!(row.underlying.as_deref(), Some("SENSEX"));
        assert_eq!(row.token.as_str(), "BSE_FNO|71002");
        assert_eq!(row.tick_size, Amount::parse("0.05").unwrap());

        let row = read_row(
            "NSE,C,8,NA,FUTCUR,600,USDINR,USDINR,USDINR SEP FUT,FUTCUR,NA,1.0,9/26/2031,-0.01000,XX,0.2500,M,N,",
        );
        assert_eq!(row.unwrap().symbol, "USDINR31SEPFUT");
    }

    #[test]
    fn the_isin_determines_the_type_of_a_security() {
        let row = read_row(
            "NSE,E,2885,INE002A01018,EQUITY,,RELIANCE,\"RELIANCE, INDUSTRIES LTD\",Reliance,ES,EQ,1.0,,,,10.0000,NA,N,",
        )
        .unwrap();
        assert_eq!(row.symbol.as_str(), "RELIANCE");
        assert_eq!(row.class, InstrumentType::Equity);
        assert_eq!(row.isin.as_deref(), Some("INE002A01018"));
        assert_eq!(row.series.as_deref(), Some("EQ"));
        assert_eq!(row.name.as_str(), "RELIANCE, INDUSTRIES LTD");
        assert_eq!(row.token.as_str(), "NSE_EQ|2885");

        let row = read_row("NSE,E,9,INE775A08105,EQUITY,,MOTHERSON,MOTHERSON DEBT,M,DEB,D1,1.0,,,,1,NA,N,").unwrap();
        assert_eq!(row.class, InstrumentType::Debt);
        assert_eq!(row.series.as_deref(), Some("D1"));
        assert_eq!(row.symbol, "MOTHERSON-D1");
        let row = read_row("BSE,E,9,NA,EQUITY,,,TCS,TCS,ES,A,1.0,,,,5,NA,N,").unwrap();
        assert_eq!(row.symbol.as_str(), "TCS");
        assert_eq!(row.class, InstrumentType::Equity);
        assert_eq!(row.isin, None);
    }

    #[test]
    fn an_index_has_kites_symbol() {
        let row = read_row("NSE,I,13,NA,INDEX,13,NIFTY,NIFTY,Nifty 50,INDEX,NA,1,0001-01-01,,XX,0.05,N,N,").unwrap();
        assert_eq!(row.symbol.as_str(), "NIFTY 50");
        assert_eq!(row.alias.as_deref(), Some("NIFTY"));
        let row = read_row("BSE,I,51,NA,INDEX,51,SENSEX,SENSEX,BSE Sensex,INDEX,NA,1,,,XX,0.05,N,N,").unwrap();
        assert_eq!(row.symbol.as_str(), "SENSEX");
        assert_eq!(row.alias, None);
    }

    #[test]
    fn a_missing_underlying_rejects_the_row() {
        let row = "NSE,D,1,NA,FUTIDX,13,NA,X,X,FUT,NA,65.0,2031-09-30,,XX,10,M,N,";
        assert_eq!(read_row(row), Err("the row does not name the underlying"));
        let row = "NSE,E,1,NA,EQUITY,,NA,STATE BANK,SB,ES,EQ,1.0,,,,10,NA,N,";
        assert_eq!(read_row(row), Err("symbol is empty, too long or has unprintable characters"));
    }
}
