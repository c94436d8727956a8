//! Tests of keys in the notations of brokers, exchanges and charts.

use chrono::NaiveDate;

use crate::catalogue::{Builder, Catalogue};
use crate::dump::symbol::{Contract, Cycle, of_derivative};
use crate::help::{Help, Helper};
use crate::instrument::Amount;
use crate::testing::{equity, future, index};
use crate::vocabulary::Exchange;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// 20 November 2025, a Thursday: NIFTY expires on the following Tuesdays, and in the second catalog also on Thursday,
/// 27 November.
fn today() -> NaiveDate {
    date("2025-11-20")
}

fn strikes(strikes: impl IntoIterator<Item = i64>) -> Vec<Amount> {
    strikes.into_iter().map(|strike| Amount::from_ten_thousandths(strike * 10_000)).collect()
}

fn add(builder: &mut Builder, exchange: &str, underlying: &str, expiry: &str, cycle: Cycle, contracts: &[Contract]) {
    for contract in contracts {
        let mut row = future(underlying, &of_derivative(underlying, date(expiry), cycle, *contract), expiry);
        row.exchange = Exchange::parse(exchange).unwrap();
        row.class = contract.class();
        row.strike = contract.strike();
        builder.add(row, true);
    }
}

fn calls_and_puts(strikes: &[Amount]) -> Vec<Contract> {
    strikes.iter().flat_map(|strike| [Contract::Call(*strike), Contract::Put(*strike)]).collect()
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.add(index("NSE", "NIFTY 50", Some("NIFTY")), true);
    builder.add(index("NSE", "NIFTY BANK", Some("BANKNIFTY")), true);
    builder.add(index("NSE", "Nifty500 LowVol50", None), true);
    builder.add(equity("NSE", "M&M", "INE101A01026"), true);
    let nifty = calls_and_puts(&strikes((230..=270).map(|hundreds| hundreds * 100)));
    for (expiry, cycle) in [
        ("2025-11-25", Cycle::Monthly),
        ("2025-12-02", Cycle::Weekly),
        ("2025-12-23", Cycle::Weekly),
        ("2025-12-30", Cycle::Monthly),
    ] {
        add(&mut builder, "NFO", "NIFTY", expiry, cycle, &nifty);
    }
    for underlying in ["NIFTY", "M&M"] {
        for expiry in ["2025-11-25", "2025-12-30", "2026-01-27"] {
            add(&mut builder, "NFO", underlying, expiry, Cycle::Monthly, &[Contract::Future]);
        }
    }
    let bank = calls_and_puts(&strikes((465..=660).step_by(5).map(|hundreds| hundreds * 100)));
    add(&mut builder, "NFO", "BANKNIFTY", "2025-12-30", Cycle::Monthly, &bank);
    let oil = calls_and_puts(&strikes((80..=130).map(|step| step * 50)));
    add(&mut builder, "MCX", "CRUDEOIL", "2025-12-17", Cycle::Monthly, &oil);
    add(&mut builder, "MCX", "CRUDEOIL", "2025-12-18", Cycle::Monthly, &[Contract::Future]);
    add(&mut builder, "CDS", "USDINR", "2025-12-19", Cycle::Weekly, &[Contract::Future]);
    add(&mut builder, "CDS", "USDINR", "2025-12-26", Cycle::Weekly, &[Contract::Future]);
    add(&mut builder, "CDS", "USDINR", "2025-12-24", Cycle::Monthly, &[Contract::Future]);
    builder
}

fn catalogue() -> Catalogue {
    builder().build("1".into(), vec![])
}

fn help_for(catalogue: &Catalogue, key: &str) -> Help {
    assert_eq!(catalogue.find(key), None, "{key} is listed");
    Helper::new(catalogue, today()).unknown(key)
}

#[track_caller]
fn assert_first(catalogue: &Catalogue, key: &str, expected: &str) {
    let help = help_for(catalogue, key);
    assert_eq!(help.suggestions.first().map(String::as_str), Some(expected), "{key}: {help:?}");
}

#[test]
fn every_notation_is_resolved_to_the_key() {
    let mut builder = builder();
    add(&mut builder, "NFO", "NIFTY", "2025-11-27", Cycle::Weekly, &calls_and_puts(&strikes([25_000])));
    let catalogue = builder.build("1".into(), vec![]);

    for (key, expected) in [
        ("NFO:NIFTY27NOV2525000CE", "NFO:NIFTY25N2725000CE"),
        ("NFO:nifty27nov2525000ce", "NFO:NIFTY25N2725000CE"),
        ("NFO:NIFTY 27 NOV 25 25000 CE", "NFO:NIFTY25N2725000CE"),
        ("NFO:NIFTY27NOV202525000CE", "NFO:NIFTY25N2725000CE"),
        ("NSE:NIFTY27NOV2525000CE", "NFO:NIFTY25N2725000CE"),
        ("NSE:NIFTY25N2725000CE", "NFO:NIFTY25N2725000CE"),
        ("NFO:NIFTY25DEC0225000CE", "NFO:NIFTY25D0225000CE"),
        ("NFO:NIFTY25122325000CE", "NFO:NIFTY25D2325000CE"),
        ("NFO:NIFTY2025-12-23 25000 CE", "NFO:NIFTY25D2325000CE"),
        ("MCX:CRUDEOIL17DEC255000CE", "MCX:CRUDEOIL25DEC5000CE"),
        ("MCX:CRUDEOIL-17Dec2025-5000-CE", "MCX:CRUDEOIL25DEC5000CE"),
        ("MCX:CRUDEOIL-18Dec2025-FUT", "MCX:CRUDEOIL25DECFUT"),
        ("NFO:NIFTY30DEC25C26000", "NFO:NIFTY25DEC26000CE"),
        ("NFO:NIFTY30DEC25F", "NFO:NIFTY25DECFUT"),
        ("NFO:NIFTY-Dec2025-26000-CE", "NFO:NIFTY25DEC26000CE"),
        ("NFO:NIFTY 02 DEC 25000 PUT", "NFO:NIFTY25D0225000PE"),
        ("NFO:NIFTY DEC FUT", "NFO:NIFTY25DECFUT"),
        ("NFO:NIFTY251223C25000", "NFO:NIFTY25D2325000CE"),
        ("NSE:NIFTY251223P25000", "NFO:NIFTY25D2325000PE"),
        ("NFO:NIFTY1!", "NFO:NIFTY25NOVFUT"),
        ("NSE:NIFTY1!", "NFO:NIFTY25NOVFUT"),
        ("NFO:NIFTY2!", "NFO:NIFTY25DECFUT"),
        ("NFO:NIFTYZ2025", "NFO:NIFTY25DECFUT"),
        ("NFO:M_M1!", "NFO:M&M25NOVFUT"),
        ("CDS:USDINR24DEC25FUT", "CDS:USDINR25DECFUT"),
        ("NSE:USDINR24DEC25FUT", "CDS:USDINR25DECFUT"),
        ("CDS:USDINR26DEC25FUT", "CDS:USDINR25D26FUT"),
        ("CDS:USDINR-Dec2025-FUT", "CDS:USDINR25DECFUT"),
        ("CDS:USDINR1!", "CDS:USDINR25DECFUT"),
        ("NFO:OPTIDXNIFTY23-12-2025CE25000.00", "NFO:NIFTY25D2325000CE"),
        ("NFO:FUTIDXNIFTY30-12-2025XX0.00", "NFO:NIFTY25DECFUT"),
        ("NFO:OPTIDX NIFTY 23-Dec-2025 CE 25000.00", "NFO:NIFTY25D2325000CE"),
        ("NFO:NSE-NIFTY-23Dec25-25000-CE", "NFO:NIFTY25D2325000CE"),
        ("NFO:CRUDEOIL17DEC255000CE", "MCX:CRUDEOIL25DEC5000CE"),
    ] {
        assert_first(&catalogue, key, expected);
    }
}

#[test]
fn an_index_in_the_form_of_a_ticker_is_resolved() {
    let catalogue = catalogue();

    for (key, expected) in [
        ("NSE:NIFTY50-INDEX", "NSE:NIFTY 50"),
        ("NSE:nifty50-index", "NSE:NIFTY 50"),
        ("NSE:NIFTY-INDEX", "NSE:NIFTY 50"),
        ("NSE:NIFTYBANK-INDEX", "NSE:NIFTY BANK"),
        ("NSE:BANKNIFTY-INDEX", "NSE:NIFTY BANK"),
        ("NSE:NIFTYBANK", "NSE:NIFTY BANK"),
        ("NSE:NIFTY500LOWVOL50-INDEX", "NSE:Nifty500 LowVol50"),
        ("NSE:NIFTY500 LOWVOL50", "NSE:Nifty500 LowVol50"),
    ] {
        assert_first(&catalogue, key, expected);
    }
}

#[test]
fn every_listed_meaning_is_suggested() {
    let mut builder = builder();
    // 25 December 2026 for Angel One, and 26 December 2025 with the year first.
    let call = calls_and_puts(&strikes([100]));
    add(&mut builder, "NFO", "RARE", "2026-12-25", Cycle::Monthly, &call);
    add(&mut builder, "NFO", "RARE", "2025-12-26", Cycle::Weekly, &call);
    let catalogue = builder.build("1".into(), vec![]);

    let ambiguous = help_for(&catalogue, "NFO:RARE25DEC26100CE");
    let of_month = help_for(&catalogue, "NFO:NIFTY-Dec2025-26000-CE");

    assert_eq!(ambiguous.suggestions, ["NFO:RARE26DEC100CE", "NFO:RARE25D26100CE"]);
    assert_eq!(of_month.suggestions, ["NFO:NIFTY25DEC26000CE", "NFO:NIFTY25D0226000CE", "NFO:NIFTY25D2326000CE"]);
    assert_eq!(
        of_month.detail,
        "the key of the monthly contract is `NFO:NIFTY25DEC26000CE`; also possible: `NFO:NIFTY25D0226000CE` and \
         `NFO:NIFTY25D2326000CE`"
    );
}

#[test]
fn a_contract_that_is_not_listed_is_explained_in_its_terms() {
    let catalogue = catalogue();
    let help = |key: &str| {
        let Help { detail, suggestions } = help_for(&catalogue, key);
        (detail, suggestions.join(" "))
    };
    let expected = |detail: &str, suggestions: &str| (detail.to_owned(), suggestions.to_owned());

    let thursday = expected(
        "no matching contract of NIFTY expires on 2025-11-27; the next expiry is 2025-11-25",
        "NFO:NIFTY25NOV25000CE",
    );
    let off = expected(
        "strike 25010 is not listed for 2025-12-23; nearest: 25000 and 25100",
        "NFO:NIFTY25D2325000CE NFO:NIFTY25D2325100CE",
    );
    for key in ["NFO:NIFTY27NOV2525000CE", "NSE:NIFTY251127C25000", "NFO:NIFTY25112725000CE", "NFO:NIFTY27NOV25C25000"]
    {
        let (detail, suggestions) = help(key);
        assert_eq!(detail.trim_start_matches("contracts are listed on NFO; "), thursday.0, "{key}");
        assert_eq!(suggestions, thursday.1, "{key}");
    }
    for key in ["NFO:NIFTY25122325010CE", "NFO:NIFTY251223C25010", "NFO:NIFTY23DEC2525010CE", "NFO:NIFTY23DEC25C25010"]
    {
        assert_eq!(help(key), off, "{key}");
    }
    assert_eq!(
        help("NFO:NIFTY25DEC0925000CE"),
        expected(
            "no matching contract of NIFTY expires on 2025-12-09; the nearest expiry is 2025-12-02",
            "NFO:NIFTY25D0225000CE"
        )
    );
    assert_eq!(
        help("NFO:NIFTY4!"),
        expected("only 3 futures of NIFTY are listed; the last expiry is 2026-01-27", "NFO:NIFTY26JANFUT")
    );
    assert_eq!(
        help("MCX:CRUDEOIL17OCT255000CE"),
        expected("expired on 2025-10-17; the next expiry is 2025-12-17", "MCX:CRUDEOIL25DEC5000CE")
    );
}

#[test]
fn mistyped_digits_are_suggested_before_nearest_strikes() {
    let catalogue = catalogue();

    let zero = help_for(&catalogue, "NFO:BANKNIFTY25DEC6000CE");
    let doubled = help_for(&catalogue, "NFO:NIFTY25DEC250000CE");
    let swapped = help_for(&catalogue, "NFO:NIFTY25DEC52000PE");

    assert_eq!(
        zero.detail,
        "strike 6000 is not listed for 2025-12-30; a digit may be missing, doubled or swapped: 60000 and 66000; \
         nearest: 46500 and 47000"
    );
    assert_eq!(
        zero.suggestions,
        [
            "NFO:BANKNIFTY25DEC60000CE",
            "NFO:BANKNIFTY25DEC66000CE",
            "NFO:BANKNIFTY25DEC46500CE",
            "NFO:BANKNIFTY25DEC47000CE"
        ]
    );
    // A strike between two is computed, not mistyped.
    assert_eq!(help_for(&catalogue, "NFO:NIFTY25DEC25010CE").suggestions.len(), 2);
    assert_eq!(doubled.suggestions[0], "NFO:NIFTY25DEC25000CE");
    assert_eq!(swapped.suggestions[0], "NFO:NIFTY25DEC25000PE");
}
