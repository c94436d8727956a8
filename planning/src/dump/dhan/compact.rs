//! The compact form. It has no column for the underlying of a contract, but the trading symbol starts with it:
//! `NIFTY-Sep2026-25000-CE`, `CRUDEOIL-19Aug2026-FUT`. The column that seems to contain the underlying is mostly empty
//! and otherwise contains mnemonics of the exchange.

use std::io::BufRead;

use super::{Fields, entry_of};
use crate::dump::symbol::{self, Contract};
use crate::dump::table::{Column, Table, needed, optional};
use crate::dump::{DumpError, OnEntry};
use crate::instrument::Amount;

/// The column that identifies the form.
pub(super) const ID: &str = "SEM_SMST_SECURITY_ID";

const COLUMNS: [Column; 15] = [
    needed(ID),
    needed("SEM_EXM_EXCH_ID"),
    needed("SEM_SEGMENT"),
    needed("SEM_INSTRUMENT_NAME"),
    needed("SEM_TRADING_SYMBOL"),
    needed("SEM_LOT_UNITS"),
    needed("SEM_EXPIRY_DATE"),
    needed("SEM_STRIKE_PRICE"),
    needed("SEM_OPTION_TYPE"),
    needed("SEM_TICK_SIZE"),
    optional("SEM_CUSTOM_SYMBOL"),
    optional("SEM_EXPIRY_FLAG"),
    optional("SEM_EXCH_INSTRUMENT_TYPE"),
    optional("SEM_SERIES"),
    optional("SM_SYMBOL_NAME"),
];

pub(super) fn read_rows<R: BufRead>(table: Table<R>, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    table.read(COLUMNS, on_entry, |fields| {
        let [
            id,
            exchange,
            segment,
            instrument,
            symbol,
            lot_size,
            expiry,
            strike,
            option_type,
            tick_size,
            custom_symbol,
            expiry_flag,
            kind,
            series,
            symbol_name,
        ] = fields;
        // The name in words is in another column for securities than for all other instruments.
        let name = if segment == "E" && !symbol_name.is_empty() { symbol_name } else { custom_symbol };
        let fields = Fields {
            exchange,
            segment,
            id,
            instrument,
            symbol,
            name,
            isin: "",
            kind,
            series,
            lot_size,
            expiry,
            expiry_column: "SEM_EXPIRY_DATE",
            strike,
            option_type,
            tick_size,
            expiry_flag,
        };
        entry_of(&fields, |expiry, contract| {
            before_terms(symbol, contract).or_else(|| symbol::underlying_of(symbol, expiry, contract))
        })
    })
}

/// Returns the part of a trading symbol before the month, strike and type at its end.
fn before_terms(symbol: &str, contract: Contract) -> Option<&str> {
    let (rest, kind) = symbol.rsplit_once('-')?;
    let rest = match (contract, kind) {
        (Contract::Future, "FUT") => rest,
        (Contract::Call(strike), "CE") | (Contract::Put(strike), "PE") => {
            let (rest, written) = rest.rsplit_once('-')?;
            (Amount::parse(written) == Some(strike)).then_some(rest)?
        }
        _ => return None,
    };
    let (underlying, month) = rest.rsplit_once('-')?;
    let has_year = month.len() >= 7 && month.bytes().rev().take(4).all(|b| b.is_ascii_digit());
    (has_year && !underlying.is_empty()).then_some(underlying)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::field::Reason;
    use crate::dump::testing::only;
    use crate::dump::{Entry, Row};
    use crate::vocabulary::{Exchange, InstrumentType, Segment};

    const HEADER: &str = "SEM_EXM_EXCH_ID,SEM_SEGMENT,SEM_SMST_SECURITY_ID,SEM_INSTRUMENT_NAME,SEM_EXPIRY_CODE,\
        SEM_TRADING_SYMBOL,SEM_LOT_UNITS,SEM_CUSTOM_SYMBOL,SEM_EXPIRY_DATE,SEM_STRIKE_PRICE,SEM_OPTION_TYPE,\
        SEM_TICK_SIZE,SEM_EXPIRY_FLAG,SEM_EXCH_INSTRUMENT_TYPE,SEM_SERIES,SM_SYMBOL_NAME";

    fn read_row(row: &str) -> Result<Row, Reason> {
        let file = format!("{HEADER}\n{row}\n");
        only(|on_entry| super::super::read_rows(file.as_bytes(), on_entry))
    }

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[test]
    fn an_option_gets_kites_symbol() {
        let row = read_row(
            "NSE,D,71001,OPTIDX,0,NIFTY-Sep2031-24350-CE,65.0,NIFTY 02 SEP 24350 CALL,2031-09-02 14:30:00,24350.00000,\
             CE,5.0000,W,OP,NA,",
        );

        let expected = Row {
            exchange: Exchange::Nfo,
            symbol: "NIFTY3190224350CE".into(),
            alias: None,
            name: "NIFTY 02 SEP 24350 CALL".into(),
            segment: Segment::NseDerivative,
            class: InstrumentType::Call,
            isin: None,
            series: None,
            underlying: Some("NIFTY".into()),
            expiry: chrono::NaiveDate::from_ymd_opt(2031, 9, 2),
            strike: Some(amount("24350")),
            tick_size: amount("0.05"),
            lot_size: 65,
            token: "NSE_FNO|71001".into(),
        };
        assert_eq!(row, Ok(expected));
    }

    #[test]
    fn the_underlying_is_read_from_the_trading_symbol() {
        for (row, symbol, underlying) in [
            (
                "NSE,D,1,FUTSTK,0,BAJAJ-AUTO-Sep2031-FUT,75.0,,9/30/2031,-0.01000,XX,10.0,M,FUT,NA,BJAFUT",
                "BAJAJ-AUTO31SEPFUT",
                "BAJAJ-AUTO",
            ),
            (
                "NSE,D,1,OPTSTK,0,ITC-Sep2031-412.5-PE,1600.0,,9/30/2031 14:30,412.50000,PE,5.0,M,OP,,",
                "ITC31SEP412.5PE",
                "ITC",
            ),
            (
                "BSE,D,1,OPTIDX,0,SENSEX50-Sep2031-26200-CE,75.0,,2031-09-25,26200.00000,CE,5.0,M,IO,,BSXOPT",
                "SENSEX5031SEP26200CE",
                "SENSEX50",
            ),
            (
                "MCX,M,1,FUTCOM,0,CRUDEOIL-19Sep2031-FUT,1.0,,2031-09-19 23:30:00,0.00000,XX,100.0,M,FUTCOM,2,",
                "CRUDEOIL31SEPFUT",
                "CRUDEOIL",
            ),
            (
                "NSE,M,1,OPTFUT,0,GOLDM-26Sep2031-72000-CE,1.0,,2031-09-26 23:30:00,72000.00000,CE,50.0,NA,OP,,",
                "GOLDM31SEP72000CE",
                "GOLDM",
            ),
            ("NSE,D,1,FUTIDX,0,NIFTY31SEPFUT,65.0,,2031-09-30,,XX,10.0,M,FUT,,", "NIFTY31SEPFUT", "NIFTY"),
        ] {
            let row = read_row(row).unwrap();
            assert_eq!(row.symbol.as_str(), symbol);
            assert_eq!(row.underlying.as_deref(), Some(underlying));
        }
    }

    #[test]
    fn steps_are_in_paise_and_tokens_belong_to_their_segment() {
        let row = read_row("BSE,C,900,OPTCUR,0,USDINR-Sep2031-84.25-PE,1.0,,2031-09-26,84.25000,PE,0.2500,M,OPTCUR,,")
            .unwrap();
        assert_eq!(row.tick_size, amount("0.0025"));
        assert_eq!(row.strike, Some(amount("84.25")));
        assert_eq!(row.exchange, Exchange::Bcd);
        assert_eq!(row.token.as_str(), "BSE_CURRENCY|900");
        assert_eq!(row.symbol, "USDINR31SEP84.25PE");
    }

    #[test]
    fn an_expiry_without_a_flag_is_undecided() {
        let file = format!("{HEADER}\nNSE,D,1,FUTIDX,0,NIFTY-Sep2031-FUT,65.0,,2031-09-30,,XX,10.0,,FUT,,\n");
        let mut entries = Vec::new();
        super::super::read_rows(file.as_bytes(), &mut |_, entry| entries.push(entry)).unwrap();
        assert!(matches!(&entries[..], [Entry::Undecided(row)] if row.symbol == "NIFTY31930FUT"));
    }

    #[test]
    fn the_kind_determines_the_type_of_a_security() {
        for (exchange, symbol, kind, series, class, key) in [
            ("NSE", "RELIANCE", "ES", "EQ", InstrumentType::Equity, "RELIANCE"),
            ("NSE", "GOLDFUND", "ETF", "EQ", InstrumentType::Fund, "GOLDFUND"),
            ("NSE", "MOTHERSON", "DEB", "D1", InstrumentType::Debt, "MOTHERSON-D1"),
            ("NSE", "SMALLCO", "NA", "SM", InstrumentType::Equity, "SMALLCO-SM"),
            ("NSE", "76NHAI31", "GB", "NA", InstrumentType::Debt, "76NHAI31-NA"),
            ("NSE", "888SCL28", "Other", "NA", InstrumentType::Debt, "888SCL28-NA"),
            ("BSE", "75BOND31", "", "F", InstrumentType::Debt, "75BOND31"),
            ("BSE", "RELIANCE", "", "A", InstrumentType::Equity, "RELIANCE"),
            ("NSE", "EMBASSY", "REIT", "RR", InstrumentType::Fund, "EMBASSY-RR"),
            ("NSE", "INDIGRID", "InvITU", "IV", InstrumentType::Fund, "INDIGRID-IV"),
            ("NSE", "AIRTELPP", "ES", "E1", InstrumentType::Equity, "AIRTELPP-E1"),
            ("NSE", "KELLTONTEC", "Other", "EQ", InstrumentType::Equity, "KELLTONTEC"),
        ] {
            let row = read_row(&format!("{exchange},E,11,EQUITY,0,{symbol},1.0,A,,,,10.0000,NA,{kind},{series},A LTD"));
            let row = row.unwrap();
            assert_eq!(row.symbol.as_str(), key);
            assert_eq!(row.class, class);
            assert_eq!(row.series.as_deref(), Some(series));
            assert_eq!(row.name.as_str(), "A LTD");
            assert_eq!(row.tick_size, amount("0.1"));
            assert_eq!(row.isin, None);
        }
    }

    #[test]
    fn an_index_has_kites_symbol() {
        let row =
            read_row("NSE,I,25,INDEX,0,BANKNIFTY,1.0,Nifty Bank,0001-01-01,0,XX,0.05,N,INDEX,X,BANKNIFTY").unwrap();
        assert_eq!(row.symbol.as_str(), "NIFTY BANK");
        assert_eq!(row.alias.as_deref(), Some("BANKNIFTY"));
        assert_eq!(row.token.as_str(), "IDX_I|25");
        assert_eq!(row.lot_size, 0);
    }

    #[test]
    fn a_bad_field_rejects_the_row_with_its_reason() {
        for (row, reason) in [
            ("LSE,E,1,EQUITY,0,A,1,A,,,,5,NA,ES,EQ,A", "exchange is unknown"),
            ("MCX,E,1,EQUITY,0,A,1,A,,,,5,NA,ES,EQ,A", "segment does not exist on the exchange"),
            ("NSE,E,NaN,EQUITY,0,A,1,A,,,,5,NA,ES,EQ,A", "security id is not a positive 32-bit integer"),
            ("NSE,E,1,INDEX,0,A,1,A,,,,5,NA,ES,EQ,A", "instrument does not match the segment"),
            ("NSE,E,1,OPTIDX,0,A,1,A,,,,5,NA,ES,EQ,A", "instrument does not match the segment"),
            ("NSE,D,1,EQUITY,0,A,1,A,,,,5,NA,ES,EQ,A", "instrument does not match the segment"),
            ("NSE,E,1,EQUITY,0,,1,A,,,,5,NA,ES,EQ,A", "symbol is empty, too long or has unprintable characters"),
            ("NSE,E,1,EQUITY,0,A,1,A,,,,NaN,NA,ES,EQ,A", "tick size is not a positive number"),
            ("NSE,E,1,EQUITY,0,A,,A,,,,5,NA,ES,EQ,A", "lot size is not a positive integer"),
            ("NSE,D,1,OPTIDX,0,A-Sep2031-5-CE,1,A,,5,CE,5,W,OP,,", "expiry is not a date"),
            ("NSE,D,1,OPTIDX,0,A-Sep2031-5-CE,1,A,2031-09-30,,CE,5,W,OP,,", "strike is not a positive number"),
            ("NSE,D,1,OPTIDX,0,A-Sep2031-5-CE,1,A,2031-09-30,5,XX,5,W,OP,,", "option type is neither CE nor PE"),
            ("NSE,D,1,OPTIDX,0,A-Sep2031-6-CE,1,A,2031-09-30,5,CE,5,W,OP,,", "the row does not name the underlying"),
            ("NSE,D,1,FUTIDX,0,-Sep2031-FUT,1,A,2031-09-30,5,XX,5,W,FUT,,", "the row does not name the underlying"),
        ] {
            assert_eq!(read_row(row), Err(reason), "{row}");
        }
    }
}
