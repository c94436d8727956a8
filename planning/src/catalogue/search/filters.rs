//! What a search is narrowed to.

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
    /// The asset class of a kind of instrument on an exchange.
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

/// What an instrument must be to be found. Where a list is empty, and where nothing is said, all pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// On one of these exchanges.
    pub exchanges: Vec<Exchange>,
    /// Of one of these kinds.
    pub classes: Vec<InstrumentType>,
    /// Of one of these asset classes.
    pub asset_classes: Vec<AssetClass>,
    /// Whether a broker's last accepted file has it.
    pub is_active: Option<bool>,
    /// Whether options on it are traded.
    pub has_options: Option<bool>,
    /// Least units in a lot.
    pub lot_size_min: Option<u32>,
    /// Most units in a lot.
    pub lot_size_max: Option<u32>,
}
