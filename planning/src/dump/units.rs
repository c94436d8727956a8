//! The units of the price steps and lots in the files of each broker.
//!
//! A row has its price step in rupees and its lot in units: the number by which a price is multiplied to get the value of
//! a lot (100 for `CRUDEOIL`, which is priced per barrel; 1,000 for `USDINR`). The forms of files differ by market, and
//! [`TABLE`] is the only place that knows how. A figure with another meaning is not converted by guess: it is unknown,
//! and another broker's file may have it.

use super::field;
use crate::instrument::Amount;
use crate::vocabulary::Segment;

/// A form of file: a broker's only one, or one of several with different units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Kite,
    UpstoxJson,
    UpstoxCsv,
    Dhan,
    Angel,
    Fyers,
    Groww,
    Nuvama,
    Noren,
    AliceBlue,
}

/// The unit of a price step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Price {
    Rupees,
    Paise,
}

/// The meaning of the figure that a file has for a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lot {
    /// Units per lot.
    Units,
    /// The quantity in the unit in which MCX lists it. It is the number of units if the price is for the same unit:
    /// 100 barrels, but not 1 kg of gold, whose price is for 10 g.
    Quantity,
    /// The number of lots, always 1. A larger figure cannot be that, and is the number of units.
    Count,
    /// A number of lots, or a weight that differs from the unit of the price. Another column has the units of one.
    Multiple,
}

use Lot::{Count, Multiple, Quantity, Units};
use Price::{Paise, Rupees};

/// The units of each form in each market, in the order of [`Market`].
///
/// * Kite: CDS and MCX contracts have the lot 1 (`CRUDEOIL20APRFUT`, step 1).
/// * Upstox JSON: `CRUDEOIL` has the step 100.0 and the lot 100, `USDINR` 0.25 and 1 (file of 2025-06-12). Commodities of
///   NSE have the lot 1. `qty_multiplier`, if present, is the number of units for currencies and commodities: 100 for
///   `GOLD`, whose lot is 1 on MCX.
/// * Upstox CSV: shares and contracts on them have the step 0.05, `USDINR` 0.25, MCX's `GOLD` 50.0 (file of 2024-09-05),
///   NSE's `SILVER` 50.0 (2026). Lots are as in the JSON.
/// * Dhan: `SEM_TICK_SIZE` is in paise for all; the lot is 1.0 for `USDINR` and for MCX's `CRUDEOIL` (step 100.0).
/// * Angel: `tick_size` is in paise for all; the lot of `USDINR` is 1, that of MCX's `NATURALGAS` 1250, `GOLDM` 100.
/// * Fyers: rupees for all; lots of currencies and commodities are 1. `qtyMultiplier` of the JSON is the number of units.
/// * Groww: rupees for contracts on shares (0.05), paise for commodities: `COPPER` has the step 1.0 and the lot 2500 on
///   both exchanges, NSE's `GOLD` 100.0 and 100 (2026).
/// * Nuvama: rupees for all; `USDINR` has the step 0.0025, other currencies steps such as `1.0E-4`.
/// * Noren: rupees for all; `JPYINR` has the lot 1 and `Multiplier` 1000, `ZINC` the lot 5 and `GNGD` 1000 (2024).
/// * Alice Blue: rupees for all; MCX's `SILVER` has the lot 1 and `Board Lot Qty` 30.
#[rustfmt::skip]
const TABLE: [(Form, [(Price, Lot); 4]); 10] = [
    //                  shares, debt and   currencies        MCX                NSE's commodities
    //                  their contracts
    (Form::Kite,       [(Rupees, Units), (Rupees, Count), (Rupees, Count),    (Rupees, Count)]),
    (Form::UpstoxJson, [(Paise, Units),  (Paise, Count),  (Paise, Quantity),  (Paise, Count)]),
    (Form::UpstoxCsv,  [(Rupees, Units), (Paise, Count),  (Paise, Quantity),  (Paise, Count)]),
    (Form::Dhan,       [(Paise, Units),  (Paise, Count),  (Paise, Count),     (Paise, Count)]),
    (Form::Angel,      [(Paise, Units),  (Paise, Count),  (Paise, Quantity),  (Paise, Count)]),
    (Form::Fyers,      [(Rupees, Units), (Rupees, Count), (Rupees, Count),    (Rupees, Count)]),
    (Form::Groww,      [(Rupees, Units), (Rupees, Count), (Paise, Quantity),  (Paise, Units)]),
    (Form::Nuvama,     [(Rupees, Units), (Rupees, Count), (Rupees, Quantity), (Rupees, Count)]),
    (Form::Noren,      [(Rupees, Units), (Rupees, Multiple), (Rupees, Multiple), (Rupees, Multiple)]),
    (Form::AliceBlue,  [(Rupees, Units), (Rupees, Multiple), (Rupees, Multiple), (Rupees, Multiple)]),
];

/// The commodities whose price is for another unit than MCX's quantity, by the lots and multipliers of Upstox's JSON:
/// gold per 10 g or 8 g, base metals per kg of a lot in tonnes, cotton seed oil per 10 kg, cotton per 20 kg.
const OTHER_PRICE_UNIT: [&str; 12] = [
    "ALUMINI",
    "ALUMINIUM",
    "COTTONOIL",
    "GOLD",
    "GOLDGUINEA",
    "GOLDM",
    "GOLDTEN",
    "KAPAS",
    "LEAD",
    "LEADMINI",
    "ZINC",
    "ZINCMINI",
];

/// The columns of [`TABLE`].
#[derive(Clone, Copy)]
enum Market {
    Shares,
    Currencies,
    Mcx,
    NseCommodities,
}

impl Market {
    fn of(segment: Segment) -> Self {
        match segment {
            Segment::NseCurrency | Segment::BseCurrency => Market::Currencies,
            Segment::McxCommodity | Segment::McxIndex => Market::Mcx,
            Segment::NseCommodity => Market::NseCommodities,
            Segment::NseEquity
            | Segment::BseEquity
            | Segment::NseDerivative
            | Segment::BseDerivative
            | Segment::NseIndex
            | Segment::BseIndex
            | Segment::GlobalIndex
            | Segment::NseInternational => Market::Shares,
        }
    }
}

impl Form {
    fn units(self, segment: Segment) -> (Price, Lot) {
        let own = TABLE.iter().find(|(form, _)| *form == self);
        own.map_or((Rupees, Count), |(_, markets)| markets[Market::of(segment) as usize])
    }

    /// Converts a price step of the file to rupees. `None` if it has more than four decimals in rupees.
    pub(super) fn tick_size(self, segment: Segment, step: Amount) -> Option<Amount> {
        match self.units(segment).0 {
            Rupees => Some(step),
            Paise => field::divided(step, 100),
        }
    }

    /// Returns the number of units in a lot from the figure of the file; 0 if the figure has another meaning.
    /// `commodity` is the underlying of a contract or the commodity itself.
    pub(super) fn lot_size(self, segment: Segment, commodity: &str, figure: u32) -> u32 {
        let is_known = match self.units(segment).1 {
            Units => true,
            Quantity => !OTHER_PRICE_UNIT.contains(&commodity),
            Count => figure > 1,
            Multiple => false,
        };
        if is_known { figure } else { 0 }
    }

    /// Returns the number of units in a lot in a form with a column for the units of one. If the column is filled for other
    /// instruments too, it counts there as well.
    pub(super) fn lot_size_by_column(self, segment: Segment, figure: u32, units: &str) -> u32 {
        match (self.units(segment).1, field::present(units)) {
            (Units, "") => figure,
            (_, units) => product(figure, units),
        }
    }

    /// Returns the number of units in a lot in a form that also has the multiplier from the price of a unit to the value
    /// of a lot. Shares have none, and the figure of their lots is known.
    pub(super) fn lot_size_by_multiplier(
        self,
        segment: Segment,
        commodity: &str,
        figure: u32,
        multiplier: Option<u32>,
    ) -> u32 {
        match (self.units(segment).1, multiplier) {
            (Quantity | Count, Some(multiplier)) => multiplier,
            _ => self.lot_size(segment, commodity, figure),
        }
    }
}

/// Returns the units in a lot, from the lot in a column and the units of one of it in another. 0, which is unknown, if the
/// latter is missing or the product is not a whole number.
fn product(lot: u32, units: &str) -> u32 {
    let units = field::price(units).map(|units| units.times(u64::from(lot)).ten_thousandths());
    let whole = units.filter(|units| units % 10_000 == 0).and_then(|units| u32::try_from(units / 10_000).ok());
    whole.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_per_lot_are_a_whole_number_or_unknown() {
        for (lot, units, expected) in [
            (5, "1000.0", 5000),
            (100, "0.1", 10),
            (1, "1000", 1000),
            (1, "0.1", 0),
            (1, "", 0),
            (1, "NaN", 0),
            (u32::MAX, "2", 0),
        ] {
            assert_eq!(product(lot, units), expected, "{lot} × {units}");
        }
    }

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[test]
    fn the_table_has_one_line_for_each_form() {
        use Form::{AliceBlue, Angel, Dhan, Fyers, Groww, Kite, Noren, Nuvama, UpstoxCsv, UpstoxJson};
        let forms = [Kite, UpstoxJson, UpstoxCsv, Dhan, Angel, Fyers, Groww, Nuvama, Noren, AliceBlue];
        assert_eq!(TABLE.map(|(form, _)| form), forms);
    }

    #[test]
    fn steps_are_in_rupees_or_paise_by_market() {
        use Form::{Angel, Dhan, Fyers, Groww, Kite, Nuvama, UpstoxCsv, UpstoxJson};
        use Segment::{McxCommodity, NseCommodity, NseCurrency, NseDerivative};
        for (form, segment, step, rupees) in [
            (Kite, McxCommodity, "1", "1"),
            (UpstoxJson, NseDerivative, "5", "0.05"),
            (UpstoxCsv, NseDerivative, "0.05", "0.05"),
            (UpstoxCsv, NseCommodity, "50.0", "0.5"),
            (UpstoxCsv, McxCommodity, "50.0", "0.5"),
            (UpstoxCsv, NseCurrency, "0.25", "0.0025"),
            (Dhan, McxCommodity, "100.0", "1"),
            (Angel, NseCurrency, "0.25", "0.0025"),
            (Fyers, McxCommodity, "1.0", "1"),
            (Groww, McxCommodity, "1.0", "0.01"),
            (Groww, NseCommodity, "100.0", "1"),
            (Groww, NseDerivative, "0.05", "0.05"),
            (Nuvama, NseCurrency, "0.0001", "0.0001"),
        ] {
            assert_eq!(form.tick_size(segment, amount(step)), Some(amount(rupees)), "{form:?} {segment:?}");
        }
        assert_eq!(Form::Dhan.tick_size(NseCurrency, amount("0.001")), None);
    }

    #[test]
    fn a_lot_that_is_not_in_units_is_unknown() {
        use Form::{Angel, Dhan, Fyers, Groww, Kite, UpstoxCsv};
        use Segment::{McxCommodity, NseCommodity, NseCurrency, NseDerivative};
        for (form, segment, commodity, figure, units) in [
            (Fyers, McxCommodity, "CRUDEOIL", 1, 0),
            (Fyers, NseCurrency, "USDINR", 1, 0),
            (Fyers, NseDerivative, "NIFTY", 65, 65),
            (Kite, NseCurrency, "USDINR", 1, 0),
            (Kite, McxCommodity, "CRUDEOIL", 100, 100),
            (Dhan, McxCommodity, "CRUDEOIL", 1, 0),
            (Angel, McxCommodity, "NATURALGAS", 1250, 1250),
            (UpstoxCsv, McxCommodity, "CRUDEOIL", 100, 100),
            (UpstoxCsv, McxCommodity, "SILVERMIC", 1, 1),
            (UpstoxCsv, McxCommodity, "GOLD", 1, 0),
            (UpstoxCsv, NseCommodity, "SILVER", 1, 0),
            (Groww, McxCommodity, "COPPER", 2500, 2500),
            (Groww, NseCommodity, "GOLD", 100, 100),
        ] {
            assert_eq!(form.lot_size(segment, commodity, figure), units, "{form:?} {commodity}");
        }
    }

    #[test]
    fn a_multiplier_is_the_number_of_units() {
        use Segment::{McxCommodity, NseCommodity, NseCurrency, NseDerivative};
        for (form, segment, commodity, figure, multiplier, units) in [
            (Form::UpstoxJson, NseCurrency, "USDINR", 1, Some(1000), 1000),
            (Form::UpstoxJson, NseCommodity, "GOLD", 1, Some(100), 100),
            (Form::UpstoxJson, McxCommodity, "GOLD", 1, Some(100), 100),
            (Form::UpstoxJson, McxCommodity, "GOLDGUINEA", 8, Some(1), 1),
            (Form::UpstoxJson, McxCommodity, "CRUDEOIL", 100, None, 100),
            (Form::UpstoxJson, NseDerivative, "NIFTY", 75, Some(1), 75),
            (Form::Fyers, McxCommodity, "CRUDEOIL", 1, Some(100), 100),
            (Form::UpstoxJson, NseCommodity, "GOLD1G", 1, Some(1), 1),
            (Form::Fyers, NseCurrency, "USDINR", 1, None, 0),
        ] {
            let known = form.lot_size_by_multiplier(segment, commodity, figure, multiplier);
            assert_eq!(known, units, "{form:?} {commodity}");
        }
    }
}
