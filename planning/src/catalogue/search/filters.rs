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

/// The filters of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SearchFilters), serde(deny_unknown_fields))]
pub struct Filters {
    /// The exchanges to search. An empty list selects all.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Exchange>>))]
    pub exchanges: Vec<Exchange>,
    /// The instrument types to search. An empty list selects all.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<InstrumentType>>))]
    pub instrument_types: Vec<InstrumentType>,
    /// The asset classes to search. An empty list selects all.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<AssetClass>>))]
    pub asset_classes: Vec<AssetClass>,
    /// Whether the instrument is in the last accepted file of a broker.
    pub is_active: Option<bool>,
    /// Whether options on the instrument are traded.
    pub has_options: Option<bool>,
    /// The smallest lot size. It is at most `max_lot_size`.
    #[cfg_attr(feature = "openapi", schema(maximum = 4_294_967_295_u32))]
    pub min_lot_size: Option<u32>,
    /// The largest lot size.
    #[cfg_attr(feature = "openapi", schema(maximum = 4_294_967_295_u32))]
    pub max_lot_size: Option<u32>,
}
