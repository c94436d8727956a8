//! The same nine instruments in the file of each broker, written for these tests: a share, an index, a weekly and two
//! monthly options, one with a decimal strike, one whose underlying starts with the name of another, a currency option,
//! and futures in both commodities and shares.

use crate::vocabulary::Broker;

/// The keys of the instruments.
pub(super) const KEYS: [&str; 9] = [
    "BFO:SENSEX5031SEP26200CE",
    "CDS:USDINR31SEP84.25CE",
    "MCX:GOLDM31SEPFUT",
    "NFO:ITC31SEP412.5PE",
    "NFO:M&M31SEPFUT",
    "NFO:NIFTY3190224350CE",
    "NFO:NIFTY31SEP24350PE",
    "NSE:NIFTY 50",
    "NSE:RELIANCE",
];

/// Returns a file of every supported form, with its broker.
pub(super) fn all() -> [(&'static str, Broker, String); 12] {
    [
        ("kite", Broker::Kite, KITE.to_owned()),
        ("upstox json", Broker::Upstox, upstox_json()),
        ("upstox csv", Broker::Upstox, UPSTOX_CSV.to_owned()),
        ("dhan compact", Broker::Dhan, DHAN_COMPACT.to_owned()),
        ("dhan detailed", Broker::Dhan, DHAN_DETAILED.to_owned()),
        ("angel", Broker::Angel, angel()),
        ("fyers csv", Broker::Fyers, FYERS_CSV.to_owned()),
        ("fyers json", Broker::Fyers, fyers_json()),
        ("groww", Broker::Groww, GROWW.to_owned()),
        ("nuvama", Broker::Nuvama, NUVAMA.to_owned()),
        ("shoonya", Broker::Shoonya, SHOONYA.to_owned()),
        ("aliceblue", Broker::AliceBlue, ALICE_BLUE.to_owned()),
    ]
}

const KITE: &str = "\
instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange
738561,2885,RELIANCE,RELIANCE INDUSTRIES,0,,0,0.1,1,EQ,NSE,NSE
256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE
18176258,71001,NIFTY3190224350CE,NIFTY,0,2031-09-02,24350,0.05,65,CE,NFO-OPT,NFO
18176514,71002,NIFTY31SEP24350PE,NIFTY,0,2031-09-30,24350,0.05,65,PE,NFO-OPT,NFO
18176770,71003,ITC31SEP412.5PE,ITC,0,2031-09-30,412.5,0.05,1600,PE,NFO-OPT,NFO
18177026,71004,M&M31SEPFUT,M&M,0,2031-09-30,0,0.1,200,FUT,NFO-FUT,NFO
18177285,71005,SENSEX5031SEP26200CE,SENSEX50,0,2031-09-25,26200,0.05,75,CE,BFO-OPT,BFO
18177539,71006,USDINR31SEP84.25CE,USDINR,0,2031-09-26,84.25,0.0025,1,CE,CDS-OPT,CDS
18177799,71007,GOLDM31SEPFUT,GOLDM,0,2031-09-05,0,1,10,FUT,MCX-FUT,MCX
";

const UPSTOX_CSV: &str = r#""instrument_key","exchange_token","tradingsymbol","name","last_price","expiry","strike","tick_size","lot_size","instrument_type","option_type","exchange"
"NSE_EQ|INE002A01018","2885","RELIANCE","RELIANCE INDUSTRIES","0","","0","0.1","1","EQUITY","","NSE_EQ"
"NSE_INDEX|Nifty 50","","","Nifty 50","0","","","","","INDEX","","NSE_INDEX"
"NSE_FO|71001","71001","NIFTY3190224350CE","","0","2031-09-02","24350","0.05","65","OPTIDX","CE","NSE_FO"
"NSE_FO|71002","71002","NIFTY31SEP24350PE","","0","2031-09-30","24350","0.05","65","OPTIDX","PE","NSE_FO"
"NSE_FO|71003","71003","ITC31SEP412.5PE","ITC","0","2031-09-30","412.5","0.05","1600","OPTSTK","PE","NSE_FO"
"NSE_FO|71004","71004","M&M31SEPFUT","M&M","0","2031-09-30","0","0.1","200","FUTSTK","FF","NSE_FO"
"BSE_FO|71005","71005","SENSEX5031SEP26200CE","","0","2031-09-25","26200","0.05","75","OPTIDX","CE","BSE_FO"
"NCD_FO|71006","71006","USDINR31SEP84.25CE","","0","2031-09-26","84.25","0.25","1","OPTCUR","CE","NCD_FO"
"MCX_FO|71007","71007","GOLDM31SEPFUT","GOLDM","0","2031-09-05","0","100.0","10","FUTCOM","FF","MCX_FO"
"#;

fn upstox_json() -> String {
    let contract = |segment, token, kind, underlying, weekly, expiry: u64, strike, tick_size, lot_size| {
        format!(
            r#"{{"segment":"{segment}","instrument_key":"{segment}|{token}","exchange_token":"{token}","trading_symbol":"X","name":"{underlying}","asset_symbol":"{underlying}","instrument_type":"{kind}","weekly":{weekly},"expiry":{expiry},"strike_price":{strike},"tick_size":{tick_size},"lot_size":{lot_size}}}"#
        )
    };
    // Each is the last second of its day in Kolkata.
    let (second, fifth, thursday, friday, last) =
        (1_946_140_199_000, 1_946_399_399_000, 1_948_127_399_000, 1_948_213_799_000, 1_948_559_399_000);
    let elements = [
        r#"{"segment":"NSE_EQ","name":"RELIANCE INDUSTRIES","isin":"INE002A01018","instrument_type":"EQ","instrument_key":"NSE_EQ|INE002A01018","lot_size":1,"tick_size":10.0,"trading_symbol":"RELIANCE"}"#.to_owned(),
        r#"{"segment":"NSE_INDEX","name":"Nifty 50","instrument_type":"INDEX","instrument_key":"NSE_INDEX|Nifty 50","trading_symbol":"NIFTY"}"#.to_owned(),
        contract("NSE_FO", 71001, "CE", "NIFTY", true, second, 24350.0, 5.0, 65),
        contract("NSE_FO", 71002, "PE", "NIFTY", false, last, 24350.0, 5.0, 65),
        contract("NSE_FO", 71003, "PE", "ITC", false, last, 412.5, 5.0, 1600),
        contract("NSE_FO", 71004, "FUT", "M&M", false, last, 0.0, 10.0, 200),
        contract("BSE_FO", 71005, "CE", "SENSEX50", false, thursday, 26200.0, 5.0, 75),
        contract("NCD_FO", 71006, "CE", "USDINR", false, friday, 84.25, 0.25, 1),
        contract("MCX_FO", 71007, "FUT", "GOLDM", false, fifth, 0.0, 100.0, 10),
    ];
    format!("[{}]", elements.join(",\n"))
}

const DHAN_COMPACT: &str = "\
SEM_EXM_EXCH_ID,SEM_SEGMENT,SEM_SMST_SECURITY_ID,SEM_INSTRUMENT_NAME,SEM_EXPIRY_CODE,SEM_TRADING_SYMBOL,SEM_LOT_UNITS,SEM_CUSTOM_SYMBOL,SEM_EXPIRY_DATE,SEM_STRIKE_PRICE,SEM_OPTION_TYPE,SEM_TICK_SIZE,SEM_EXPIRY_FLAG,SEM_EXCH_INSTRUMENT_TYPE,SEM_SERIES,SM_SYMBOL_NAME
NSE,E,2885,EQUITY,0,RELIANCE,1.0,Reliance,,,,10.0000,NA,ES,EQ,RELIANCE INDUSTRIES
NSE,I,13,INDEX,0,NIFTY,1.0,Nifty 50,,,,5.0000,NA,INDEX,X,NIFTY
NSE,D,71001,OPTIDX,0,NIFTY-Sep2031-24350-CE,65.0,NIFTY 02 SEP 24350 CALL,2031-09-02 14:30:00,24350.00000,CE,5.0000,W,OP,NA,
NSE,D,71002,OPTIDX,0,NIFTY-Sep2031-24350-PE,65.0,NIFTY 30 SEP 24350 PUT,2031-09-30 14:30:00,24350.00000,PE,5.0000,M,OP,NA,
NSE,D,71003,OPTSTK,0,ITC-Sep2031-412.5-PE,1600.0,ITC 30 SEP 412.5 PUT,9/30/2031 14:30,412.50000,PE,5.0000,M,OP,NA,
NSE,D,71004,FUTSTK,0,M&M-Sep2031-FUT,200.0,M&M SEP FUT,2031-09-30 14:30:00,-0.01000,XX,10.0000,M,FUT,NA,
BSE,D,71005,OPTIDX,0,SENSEX50-Sep2031-26200-CE,75.0,SENSEX50 25 SEP 26200 CALL,2031-09-25 14:30:00,26200.00000,CE,5.0000,M,IO,NA,BSXOPT
NSE,C,71006,OPTCUR,0,USDINR-Sep2031-84.25-CE,1.0,USDINR 26 SEP 84.25 CALL,2031-09-26 12:30:00,84.25000,CE,0.2500,M,OP,NA,
MCX,M,71007,FUTCOM,0,GOLDM-05Sep2031-FUT,10.0,GOLDM SEP FUT,2031-09-05 23:30:00,0.00000,XX,100.0000,M,FUTCOM,2,
";

const DHAN_DETAILED: &str = "\
EXCH_ID,SEGMENT,SECURITY_ID,ISIN,INSTRUMENT,UNDERLYING_SECURITY_ID,UNDERLYING_SYMBOL,SYMBOL_NAME,DISPLAY_NAME,INSTRUMENT_TYPE,SERIES,LOT_SIZE,SM_EXPIRY_DATE,STRIKE_PRICE,OPTION_TYPE,TICK_SIZE,EXPIRY_FLAG,BRACKET_FLAG,
NSE,E,2885,INE002A01018,EQUITY,,RELIANCE,RELIANCE INDUSTRIES,Reliance,ES,EQ,1.0,,,,10.0000,NA,N,
NSE,I,13,NA,INDEX,13,NIFTY,NIFTY,Nifty 50,INDEX,NA,1.0,0001-01-01,,XX,5.0000,N,N,
NSE,D,71001,NA,OPTIDX,13,NIFTY,NIFTY-Sep2031-24350-CE,NIFTY 02 SEP 24350 CALL,OP,NA,65.0,2031-09-02,24350.00000,CE,5.0000,W,N,
NSE,D,71002,NA,OPTIDX,13,NIFTY,NIFTY-Sep2031-24350-PE,NIFTY 30 SEP 24350 PUT,OP,NA,65.0,2031-09-30,24350.00000,PE,5.0000,M,N,
NSE,D,71003,NA,OPTSTK,1660,ITC,ITC-Sep2031-412.5-PE,ITC 30 SEP 412.5 PUT,OP,NA,1600.0,9/30/2031,412.50000,PE,5.0000,M,N,
NSE,D,71004,NA,FUTSTK,2031,M&M,M&M-Sep2031-FUT,M&M SEP FUT,FUT,NA,200.0,2031-09-30,-0.01000,XX,10.0000,M,N,
BSE,D,71005,NA,OPTIDX,47,SENSEX50,SENSEX50-Sep2031-26200-CE,SENSEX50 25 SEP 26200 CALL,IO,NA,75.0,2031-09-25,26200.00000,CE,5.0000,M,N,
NSE,C,71006,NA,OPTCUR,600,USDINR,USDINR,USDINR 26 SEP 84.25 CALL,OP,NA,1.0,2031-09-26,84.25000,CE,0.2500,M,N,
MCX,M,71007,NA,FUTCOM,294,GOLDM,GOLDM,GOLDM SEP FUT,FUTCOM,2,10.0,2031-09-05,0.00000,XX,100.0000,M,N,
";

fn angel() -> String {
    let element = |[exchange, token, symbol, name, kind, expiry, strike, tick_size, lot_size]: [&str; 9]| {
        format!(
            r#"{{"token":"{token}","symbol":"{symbol}","name":"{name}","expiry":"{expiry}","strike":"{strike}","lotsize":"{lot_size}","instrumenttype":"{kind}","exch_seg":"{exchange}","tick_size":"{tick_size}"}}"#
        )
    };
    let elements = [
        ["NSE", "2885", "RELIANCE-EQ", "RELIANCE", "", "", "-1.000000", "10.000000", "1"],
        ["NSE", "99926000", "Nifty 50", "NIFTY", "AMXIDX", "", "0.000000", "0.000000", "1"],
        ["NFO", "71001", "NIFTY02SEP3124350CE", "NIFTY", "OPTIDX", "02SEP2031", "2435000.000000", "5.000000", "65"],
        ["NFO", "71002", "NIFTY30SEP3124350PE", "NIFTY", "OPTIDX", "30SEP2031", "2435000.000000", "5.000000", "65"],
        ["NFO", "71003", "ITC30SEP31412.5PE", "ITC", "OPTSTK", "30SEP2031", "41250.000000", "5.000000", "1600"],
        ["NFO", "71004", "M&M30SEP31FUT", "M&M", "FUTSTK", "30SEP2031", "-1.000000", "10.000000", "200"],
        ["BFO", "71005", "SENSEX5031SEP26200CE", "SENSEX50", "OPTIDX", "25SEP2031", "2620000.000000", "5.000000", "75"],
        ["CDS", "71006", "USDINR31SEP84.25CE", "USDINR", "OPTCUR", "26SEP2031", "842500000.000000", "0.250000", "1"],
        ["MCX", "71007", "GOLDM05SEP31FUT", "GOLDM", "FUTCOM", "05SEP2031", "-1.000000", "100.000000", "10"],
    ];
    format!("[{}]", elements.map(element).join(","))
}

const FYERS_CSV: &str = "\
10100000002885,RELIANCE INDUSTRIES,0,1,0.1,INE002A01018,0915-1530|1815-1915:,2031-08-26,,NSE:RELIANCE-EQ,10,10,2885,RELIANCE,2885,-1.0,XX,10100000002885,None,0,0.0
101000000026000,NIFTY50-INDEX,10,0,0.05,,0915-1530|1815-1915:,2031-08-26,,NSE:NIFTY50-INDEX,10,10,26000,NIFTY,26000,-1.0,XX,101000000026000,None,0,0.0
101131090271001,NIFTY 02 Sep 31 24350 CE,14,65,0.05,,0915-1530:,2031-08-26,1946109600,NSE:NIFTY3190224350CE,10,11,71001,NIFTY,26000,24350.0,CE,101000000026000,None,0,0.0
101131093071002,NIFTY 30 Sep 31 24350 PE,14,65,0.05,,0915-1530:,2031-08-26,1948528800,NSE:NIFTY31SEP24350PE,10,11,71002,NIFTY,26000,24350.0,PE,101000000026000,None,0,0.0
101131093071003,ITC 30 Sep 31 412.5 PE,15,1600,0.05,,0915-1530:,2031-08-26,1948528800,NSE:ITC31SEP412.5PE,10,11,71003,ITC,1660,412.5,PE,10100000001660,None,0,0.0
101131093071004,M&M 30 Sep 31 FUT,13,200,0.1,,0915-1530:,2031-08-26,1948528800,NSE:M&M31SEPFUT,10,11,71004,M&M,2031,-1.0,XX,10100000002031,None,0,0.0
121131092571005,SENSEX50 25 Sep 31 26200 CE,14,75,0.05,,0915-1530:,2031-08-26,1948096800,BSE:SENSEX5031SEP26200CE,12,11,71005,SENSEX50,47,26200.0,CE,121000000000047,None,0,0.0
101231092671006,USDINR 26 Sep 31 84.25 CE,19,1,0.0025,,0900-1700:,2031-08-26,1948183200,NSE:USDINR31SEP84.25CE,10,12,71006,USDINR,1,84.25,CE,1,None,0,0.0
112031090571007,GOLDM 05 Sep 31 FUT,30,10,1.0,,0900-2330:,2031-08-26,1946368800,MCX:GOLDM31SEPFUT,11,20,71007,GOLDM,294,-1.0,XX,1120000000294,1946368800,0,0.0
";

fn fyers_json() -> String {
    let element = |row: &str| {
        let fields: Vec<&str> = row.split(',').collect();
        let [token, name, _, lot_size, tick_size, isin, _, _, expiry, ticker, exchange, segment] = fields[..12] else {
            panic!("the row has fewer columns")
        };
        let [underlying, strike, option_type] = [fields[13], fields[15], fields[16]];
        format!(
            r#""{ticker}":{{"fyToken":"{token}","symDetails":"{name}","symTicker":"{ticker}","exchange":{exchange},"segment":{segment},"minLotSize":{lot_size},"tickSize":{tick_size},"isin":"{isin}","expiryDate":"{expiry}","strikePrice":{strike},"optType":"{option_type}","underSym":"{underlying}"}}"#
        )
    };
    let elements: Vec<String> = FYERS_CSV.lines().map(element).collect();
    format!("{{{}}}", elements.join(", "))
}

const GROWW: &str = "\
exchange,exchange_token,trading_symbol,groww_symbol,name,instrument_type,segment,series,isin,underlying_symbol,underlying_exchange_token,expiry_date,strike_price,lot_size,tick_size,freeze_quantity,is_reserved,buy_allowed,sell_allowed,internal_trading_symbol,is_intraday
NSE,2885,RELIANCE,NSE-RELIANCE,RELIANCE INDUSTRIES,EQ,CASH,EQ,INE002A01018,,,,,1,0.1,,0,1,1,RELIANCE,1
NSE,NIFTY,NIFTY,NSE-NIFTY,NIFTY 50,IDX,CASH,,,,,,,,,,0,0,0,NIFTY,0
NSE,71001,NIFTY3190224350CE,NSE-NIFTY-02Sep31-24350-CE,,CE,FNO,,,NIFTY,26000,2031-09-02,24350.0,65,0.05,1800,0,1,1,X,1
NSE,71002,NIFTY31SEP24350PE,NSE-NIFTY-30Sep31-24350-PE,,PE,FNO,,,NIFTY,26000,2031-09-30,24350.0,65,0.05,1800,0,1,1,X,1
NSE,71003,ITC31SEP412.5PE,NSE-ITC-30Sep31-412.5-PE,,PE,FNO,,,ITC,1660,2031-09-30,412.5,1600,0.05,,0,1,1,X,1
NSE,71004,M&M31SEPFUT,NSE-M&M-30Sep31-FUT,,FUT,FNO,,,M&M,2031,2031-09-30,,200,0.1,,0,1,1,X,1
BSE,71005,SENSEX5031SEP26200CE,BSE-SENSEX50-25Sep31-26200-CE,,CE,FNO,,,SENSEX50,47,2031-09-25,26200.0,75,0.05,,0,1,1,X,1
NSE,71006,USDINR31SEP84.25CE,NSE-USDINR-26Sep31-84.25-CE,,CE,CURRENCY,,,USDINR,1,2031-09-26,84.25,1,0.0025,,0,1,1,X,1
MCX,71007,GOLDM31SEPFUT,MCX-GOLDM-05Sep31-FUT,,FUT,COMMODITY,,,GOLDM,294,2031-09-05,,10,100.0,,0,1,1,X,1
";

const NUVAMA: &str = "\
exchangetoken,tradingsymbol,symbolname,description,expiry,strikeprice,ticksize,lotsize,optiontype,series,assettype,exchange,isin,qtyunits,prcunits,prcqtn,multiplier,asmgsmflag,asmgsmmsg
2885_NSE,INE002A01018,RELIANCE,RELIANCE INDUSTRIES,,0,0.1,1,,EQ,EQUITY,NSE,INE002A01018,1,1,1,1,Y,\"Watched, and watched, and watched\"
26000_NSE,NIFTY,NIFTY,Nifty 50,,,,,,,INDEX,NSE,,,,,,,
71001_NFO,NIFTY02SEP31C24350,NIFTY,NIFTY 02 SEP 31,02/SEP/31,24350,0.05,65,CE,,OPTIDX,NFO,,1,1,1,1,N,
71002_NFO,NIFTY30SEP31P24350,NIFTY,NIFTY 30 SEP 31,30/SEP/31,24350,0.05,65,PE,,OPTIDX,NFO,,1,1,1,1,N,
71003_NFO,ITC30SEP31P412.5,ITC,ITC 30 SEP 31,30/Sep/31,412.5,0.05,1600,PE,,OPTSTK,NFO,,1,1,1,1,N,
71004_NFO,M&M30SEP31FUT,M&M,M&M 30 SEP 31,30/SEP/31,0,0.1,200,XX,,FUTSTK,NFO,,1,1,1,1,N,
71005_BFO,SENSEX5025SEP31C26200,SENSEX50,SENSEX50 25 SEP 31,25/SEP/31,26200,0.05,75,CE,,OPTIDX,BFO,,1,1,1,1,N,
71006_CDS,USDINR26SEP31C84.25,USDINR,USDINR 26 SEP 31,26/SEP/31,84.25,0.0025,1,CE,,OPTCUR,CDS,,1,1,1,1,N,
71007_MCX,GOLDM05SEP31FUT,GOLDM,GOLDM 05 SEP 31,05/SEP/31,0,1,10,XX,,FUTCOM,MCX,,1,1,1,1,N,
";

/// The columns of all exchanges in one file. [`SHOONYA_MEMBERS`] has the form of the real files.
const SHOONYA: &str = "\
Exchange,Token,LotSize,GNGD,Precision,Multiplier,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,
NSE,2885,1,,,,RELIANCE,RELIANCE-EQ,,EQ,,,0.10,
NSE,26000,1,,,,Nifty 50,NIFTY INDEX,,INDEX,,,0,
NFO,71001,65,,,,NIFTY,NIFTY02SEP31C24350,02-SEP-2031,OPTIDX,CE,24350,0.05,
NFO,71002,65,,,,NIFTY,NIFTY30SEP31P24350,30-SEP-2031,OPTIDX,PE,24350,0.05,
NFO,71003,1600,,,,ITC,ITC30SEP31P412.5,30-SEP-2031,OPTSTK,PE,412.5,0.05,
NFO,71004,200,,,,M&M,M&M30SEP31F,30-SEP-2031,FUTSTK,XX,-0.01,0.10,
BFO,71005,75,,,,SX50OPT,SENSEX5025SEP31C26200,25-SEP-2031,OPTIDX,CE,26200,0.05,
CDS,71006,1,,4,1000,USDINR,USDINR26SEP31C84.25,26-SEP-2031,OPTCUR,CE,84.25,0.0025,
MCX,71007,100,0.1,,,GOLDM,GOLDM05SEP31F,05-SEP-2031,FUTCOM,XX,0,1,
";

/// The same instruments in the files of the exchanges.
pub(super) const SHOONYA_MEMBERS: [(&str, &str); 5] = [
    (
        "NSE_symbols.txt",
        "Exchange,Token,LotSize,Symbol,TradingSymbol,Instrument,TickSize,
NSE,2885,1,RELIANCE,RELIANCE-EQ,EQ,0.10,
NSE,26000,1,Nifty 50,NIFTY INDEX,INDEX,0,
",
    ),
    (
        "NFO_symbols.txt",
        "Exchange,Token,LotSize,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,
NFO,71001,65,NIFTY,NIFTY02SEP31C24350,02-SEP-2031,OPTIDX,CE,24350,0.05,
NFO,71002,65,NIFTY,NIFTY30SEP31P24350,30-SEP-2031,OPTIDX,PE,24350,0.05,
NFO,71003,1600,ITC,ITC30SEP31P412.5,30-SEP-2031,OPTSTK,PE,412.5,0.05,
NFO,71004,200,M&M,M&M30SEP31F,30-SEP-2031,FUTSTK,XX,-0.01,0.10,
",
    ),
    (
        "BFO_symbols.txt",
        "Exchange,Token,LotSize,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,
BFO,71005,75,SX50OPT,SENSEX5031SEP26200CE,25-SEP-2031,OPTIDX,CE,26200,0.05,
",
    ),
    (
        "CDS_symbols.txt",
        "Exchange,Token,LotSize,Precision,Multiplier,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,
CDS,71006,1,4,1000,USDINR,USDINR26SEP31C84.25,26-SEP-2031,OPTCUR,CE,84.25,0.0025,
",
    ),
    (
        "MCX_symbols.txt",
        "Exchange,Token,LotSize,GNGD,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,
MCX,71007,100,0.1,GOLDM,GOLDM05SEP31F,05-SEP-2031,FUTCOM,XX,0,1,
",
    ),
];

/// The columns of all exchanges in one file. [`ALICE_BLUE_MEMBERS`] has the form of the real files.
const ALICE_BLUE: &str = "\
Exch,Exchange Segment,Group Name,Symbol,Token,Instrument Type,Option Type,Strike Price,Instrument Name,Formatted Ins Name,Trading Symbol,Expiry Date,Lot Size,Tick Size,freeze_qty,Board Lot Qty,pdc,id
NSE,nse_cm,EQ,RELIANCE,2885,,,,RELIANCE INDUSTRIES,RELIANCE-EQ,RELIANCE-EQ,,1,0.1,,,,1
NSE,nse_idx,,NIFTY 50,26000,INDEX,,,,,,,,,,,,2
NFO,nse_fo,,NIFTY,71001,OPTIDX,CE,24350,NIFTY,NIFTY 02 SEP 24350 CE,NIFTY02SEP31C24350,2031-09-02,65,0.05,1800,,,3
NFO,nse_fo,,NIFTY,71002,OPTIDX,PE,24350,NIFTY,NIFTY SEP 24350 PE,NIFTY30SEP31P24350,2031-09-30,65,0.05,1800,,,4
NFO,nse_fo,,ITC,71003,OPTSTK,PE,412.5,ITC,ITC SEP 412.5 PE,ITC30SEP31P412.5,2031-09-30,1600,0.05,,,,5
NFO,nse_fo,,M&M,71004,FUTSTK,XX,-1,M&M,M&M SEP FUT,M&M30SEP31F,2031-09-30,200,0.1,,,,6
BFO,bse_fo,,SENSEX50,71005,IO,CE,26200,SENSEX50,SENSEX50 SEP 26200 CE,SENSEX5031SEP26200CE,25-09-2031,75,0.05,,,,7
CDS,cde_fo,,USDINR,71006,OPTCUR,CE,84.25,USDINR,USDINR SEP 84.25 CE,USDINR26SEP31C84.25,2031-09-26,1,0.0025,,1000,,8
MCX,mcx_fo,,GOLDM,71007,FUTCOM,XX,-1,GOLDM,GOLDM SEP FUT,GOLDM05SEP31F,2031-09-05,1,1,,10,,9
";

/// The same instruments in the files of the exchanges.
pub(super) const ALICE_BLUE_MEMBERS: [(&str, &str); 6] = [
    (
        "NSE.csv",
        "Exch,Exchange Segment,Group Name,Symbol,Token,Instrument Type,Instrument Name,Formatted Ins Name,Trading Symbol,Lot Size,Tick Size
NSE,nse_cm,EQ,RELIANCE,2885,,RELIANCE INDUSTRIES,RELIANCE-EQ,RELIANCE-EQ,1,0.1
",
    ),
    ("INDICES.csv", "exch,symbol,token\nNSE,NIFTY 50,26000\n"),
    (
        "NFO.csv",
        "Exch,Exchange Segment,Symbol,Token,Instrument Type,Option Type,Strike Price,Instrument Name,Formatted Ins Name,Trading Symbol,Expiry Date,Lot Size,Tick Size
NFO,nse_fo,NIFTY,71001,OPTIDX,CE,24350,NIFTY,NIFTY 02 SEP 24350 CE,NIFTY02SEP31C24350,2031-09-02,65,0.05
NFO,nse_fo,NIFTY,71002,OPTIDX,PE,24350,NIFTY,NIFTY SEP 24350 PE,NIFTY30SEP31P24350,2031-09-30,65,0.05
NFO,nse_fo,ITC,71003,OPTSTK,PE,412.5,ITC,ITC SEP 412.5 PE,ITC30SEP31P412.5,2031-09-30,1600,0.05
NFO,nse_fo,M&M,71004,FUTSTK,XX,-1,M&M,M&M SEP FUT,M&M30SEP31F,2031-09-30,200,0.1
",
    ),
    (
        "BFO.csv",
        "Exch,Exchange Segment,Symbol,Token,Instrument Type,Instrument Name,Formatted Ins Name,Trading Symbol,Option Type,Strike Price,Expiry Date,Lot Size,Tick Size
BFO,bse_fo,SENSEX50,71005,IO,SENSEX50,SENSEX50 SEP 26200 CE,SENSEX5031SEP26200CE,CE,26200,25-09-2031,75,0.05
",
    ),
    (
        "CDS.csv",
        "Exch,Exchange Segment,Symbol,Token,Instrument Type,Option Type,Strike Price,Instrument Name,Formatted Ins Name,Trading Symbol,Expiry Date,Lot Size,Tick Size,Board Lot Qty
CDS,cde_fo,USDINR,71006,OPTCUR,CE,84.25,USDINR,USDINR SEP 84.25 CE,USDINR26SEP31C84.25,2031-09-26,1,0.0025,1000
",
    ),
    (
        "MCX.csv",
        "Exch,Exchange Segment,Symbol,Token,Instrument Type,Option Type,Strike Price,Instrument Name,Formatted Ins Name,Trading Symbol,Expiry Date,Lot Size,Tick Size,freeze_qty,Board Lot Qty,pdc,id
MCX,mcx_fo,GOLDM,71007,FUTCOM,XX,-1,GOLDM,GOLDM SEP FUT,GOLDM05SEP31F,2031-09-05,1,1,,10,,1
",
    ),
];
