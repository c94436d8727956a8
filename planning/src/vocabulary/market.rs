//! Brokers, exchanges, segments and types of instruments.

use super::words;

words! {
    /// A broker. Plans can be made for all of them; files of `kotak`, `fivepaisa` and `breeze` are not read.
    #[repr(u8)]
    Broker {
        /// Zerodha's Kite Connect: one CSV.
        Kite = "kite",
        /// Upstox: a JSON array, or the older CSV.
        Upstox = "upstox",
        /// Dhan: the compact CSV or the detailed one.
        Dhan = "dhan",
        /// Angel One: a JSON array.
        Angel = "angel",
        /// Fyers: for each segment a CSV without a header, or a JSON object.
        Fyers = "fyers",
        /// Groww: one CSV.
        Groww = "groww",
        /// Nuvama: one CSV.
        Nuvama = "nuvama",
        /// Shoonya and the other Noren brokers: for each exchange a text with a header.
        Shoonya = "shoonya",
        /// Alice Blue: for each exchange a CSV.
        AliceBlue = "aliceblue",
        /// Kotak Neo: no file is read.
        Kotak = "kotak",
        /// 5paisa: no file is read.
        FivePaisa = "fivepaisa",
        /// ICICI Breeze: no file is read.
        Breeze = "breeze",
    }
}

impl Broker {
    /// The brokers whose files the service reads.
    pub const WITH_FILES: [Broker; 9] = [
        Broker::Kite,
        Broker::Upstox,
        Broker::Dhan,
        Broker::Angel,
        Broker::Fyers,
        Broker::Groww,
        Broker::Nuvama,
        Broker::Shoonya,
        Broker::AliceBlue,
    ];

    /// The words of the brokers whose files the service reads, for messages.
    pub const WORDS_WITH_FILES: &'static str = "kite, upstox, dhan, angel, fyers, groww, nuvama, shoonya, aliceblue";

    /// Whether the service reads files of this broker.
    pub fn has_files(self) -> bool {
        Broker::WITH_FILES.contains(&self)
    }

    /// Returns the broker of a word if the service reads its files.
    pub fn parse_with_files(word: &str) -> Option<Self> {
        Broker::parse(word).filter(|broker| broker.has_files())
    }
}

// The names are those of Kite's dump, whose grammar the platform's keys use. They are sorted, so that comparing exchanges
// compares their names.
words! {
    /// The exchange of an instrument: the part of its key before the colon.
    #[repr(u8)]
    Exchange {
        /// BSE currency derivatives.
        Bcd = "BCD",
        /// BSE equity derivatives.
        Bfo = "BFO",
        /// BSE cash and indices.
        Bse = "BSE",
        /// NSE currency derivatives.
        Cds = "CDS",
        /// Global indices.
        Global = "GLOBAL",
        /// MCX commodities.
        Mcx = "MCX",
        /// NSE commodities.
        Nco = "NCO",
        /// NSE equity derivatives.
        Nfo = "NFO",
        /// NSE cash and indices.
        Nse = "NSE",
        /// NSE International Exchange, GIFT City.
        Nseix = "NSEIX",
    }
}

impl Exchange {
    /// Whether the exchange has instruments that expire.
    pub const fn has_contracts(self) -> bool {
        !matches!(self, Exchange::Bse | Exchange::Global | Exchange::Nse)
    }
}

// NSE cash, NSE derivatives and NSE commodities share numbers of tokens.
words! {
    /// The segment of an exchange. Tokens of brokers are unique within a segment.
    #[repr(u8)]
    Segment {
        /// NSE cash.
        NseEquity = "NSE_EQ",
        /// BSE cash.
        BseEquity = "BSE_EQ",
        /// NSE indices.
        NseIndex = "NSE_INDEX",
        /// BSE indices.
        BseIndex = "BSE_INDEX",
        /// MCX indices.
        McxIndex = "MCX_INDEX",
        /// Global indices.
        GlobalIndex = "GLOBAL_INDEX",
        /// NSE equity derivatives.
        NseDerivative = "NSE_FO",
        /// BSE equity derivatives.
        BseDerivative = "BSE_FO",
        /// NSE currency derivatives.
        NseCurrency = "NCD_FO",
        /// BSE currency derivatives.
        BseCurrency = "BCD_FO",
        /// NSE commodities.
        NseCommodity = "NSE_COM",
        /// MCX commodities.
        McxCommodity = "MCX_FO",
        /// NSE International Exchange.
        NseInternational = "NSEIX",
    }
}

// In descending worth to a subscriber: an index affects all instruments that refer to it, an option is one strike of
// many. The words are Kite's, if Kite has one.
words! {
    /// The type of an instrument.
    #[repr(u8)]
    InstrumentType {
        /// An index.
        Index = "INDEX",
        /// An ordinary share.
        Equity = "EQ",
        /// A future.
        Future = "FUT",
        /// A call option.
        Call = "CE",
        /// A put option.
        Put = "PE",
        /// A fund unit: exchange-traded fund, investment trust, mutual fund.
        Fund = "FUND",
        /// A physical commodity that derivatives refer to.
        Commodity = "COM",
        /// A bond, bill, debenture, warrant or any other security.
        Debt = "DEBT",
    }
}

impl InstrumentType {
    /// Returns the rank among candidates; 0 is worth most. Calls and puts have the same rank.
    pub const fn worth_rank(self) -> u8 {
        match self {
            InstrumentType::Index => 0,
            InstrumentType::Equity => 1,
            InstrumentType::Future => 2,
            InstrumentType::Call | InstrumentType::Put => 3,
            InstrumentType::Fund => 4,
            InstrumentType::Commodity => 5,
            InstrumentType::Debt => 6,
        }
    }

    /// Returns the type of a cash security by its ISIN.
    ///
    /// Indian ISINs (ISO 6166, numbered by NSDL) begin `INE` for companies, `INF` for funds, `IN9` for shares that
    /// are partly paid or have other voting rights, and `IN0`–`IN4` for governments; for companies, characters 8 and 9
    /// are the security type, `01` an ordinary share, `23` and `25` units of an investment trust (`InvIT`, `REIT`).
    pub fn of_isin(isin: &str) -> Self {
        match (isin.get(..3), isin.get(7..9)) {
            (Some("INF"), _) | (Some("INE"), Some("23" | "25")) => InstrumentType::Fund,
            (Some("INE"), Some("01")) | (Some("IN9"), _) => InstrumentType::Equity,
            _ => InstrumentType::Debt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_brokers_have_no_files() {
        let without: Vec<_> = Broker::ALL.into_iter().filter(|broker| !broker.has_files()).collect();

        assert_eq!(without, [Broker::Kotak, Broker::FivePaisa, Broker::Breeze]);
        assert_eq!(Broker::WORDS_WITH_FILES, Broker::WITH_FILES.map(Broker::as_str).join(", "));
        assert_eq!(Broker::parse_with_files("kite"), Some(Broker::Kite));
        assert_eq!(Broker::parse_with_files("kotak"), None);
    }

    #[test]
    fn exchanges_are_sorted_by_name() {
        assert!(Exchange::ALL.is_sorted());
        assert!(Exchange::ALL.is_sorted_by_key(|exchange| exchange.as_str()));
    }

    #[test]
    fn the_isin_determines_the_type_of_security() {
        assert_eq!(InstrumentType::of_isin("INE002A01018"), InstrumentType::Equity);
        assert_eq!(InstrumentType::of_isin("INF204KB14I2"), InstrumentType::Fund);
        assert_eq!(InstrumentType::of_isin("INE0L6807146"), InstrumentType::Debt);
        assert_eq!(InstrumentType::of_isin("IN9397D01014"), InstrumentType::Equity, "partly paid");
        assert_eq!(InstrumentType::of_isin("INE041025011"), InstrumentType::Fund, "REIT");
        assert_eq!(InstrumentType::of_isin("INE219X23014"), InstrumentType::Fund, "InvIT");
        assert_eq!(InstrumentType::of_isin("IN0020220151"), InstrumentType::Debt);
        assert_eq!(InstrumentType::of_isin(""), InstrumentType::Debt);
    }
}
