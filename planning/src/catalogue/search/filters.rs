//! The filters of a search.

use crate::vocabulary::{Exchange, InstrumentType, words};

words! {
    /// The asset class of an instrument or, for a contract, of its underlying.
    AssetClass {
        /// An index.
        Index = "index",
        /// A share.
        Equity = "equity",
        /// A future or option on a share or an index.
        EquityDerivative = "equity_derivative",
        /// A fund unit.
        Fund = "fund",
        /// A bond or any other security.
        Debt = "debt",
        /// A future or option of the currency segments, those on interest rates among them.
        Currency = "currency",
        /// A commodity, or a future or option on one.
        Commodity = "commodity",
    }
}

impl AssetClass {
    /// Returns the asset class of a type of instrument on an exchange.
    pub const fn of(exchange: Exchange, class: InstrumentType) -> Self {
        match (class, exchange) {
            (InstrumentType::Index, _) => AssetClass::Index,
            (InstrumentType::Equity, _) => AssetClass::Equity,
            (InstrumentType::Fund, _) => AssetClass::Fund,
            (InstrumentType::Debt, _) => AssetClass::Debt,
            (InstrumentType::Commodity, _) => AssetClass::Commodity,
            (InstrumentType::Future | InstrumentType::Call | InstrumentType::Put, Exchange::Cds | Exchange::Bcd) => {
                AssetClass::Currency
            }
            (InstrumentType::Future | InstrumentType::Call | InstrumentType::Put, Exchange::Mcx | Exchange::Nco) => {
                AssetClass::Commodity
            }
            (InstrumentType::Future | InstrumentType::Call | InstrumentType::Put, _) => AssetClass::EquityDerivative,
        }
    }
}

/// The conditions for an instrument to be found. An empty list, or `None`, lets all instruments pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// The instrument is on one of these exchanges.
    pub exchanges: Vec<Exchange>,
    /// The instrument has one of these types.
    pub classes: Vec<InstrumentType>,
    /// The instrument has one of these asset classes.
    pub asset_classes: Vec<AssetClass>,
    /// Whether the last accepted file of a broker contains it.
    pub is_active: Option<bool>,
    /// Whether options on it are traded.
    pub has_options: Option<bool>,
    /// The minimum number of units in a lot.
    pub lot_size_min: Option<u32>,
    /// The maximum number of units in a lot.
    pub lot_size_max: Option<u32>,
}
