use std::sync::LazyLock;

use chrono::Datelike;

use super::grammar::{MONTH_LETTERS, SymbolPart};
use super::table::{self, Template};
use super::*;
use crate::catalogue::{Catalogue, Instrument};
use crate::dump::symbol::{MONTHS, WEEKLY_MONTHS};
use crate::help::{Help, Helper, contract_of};
use crate::instrument::Amount;
use crate::testing::demo_catalogue;
use crate::vocabulary::InstrumentType;

/// The demonstration catalog of 24 November 2026, a Tuesday.
static DEMO: LazyLock<Catalogue> = LazyLock::new(demo_catalogue);

fn today() -> NaiveDate {
    "2026-11-24".parse().unwrap()
}

fn parsed(rest: &str) -> Vec<(When, Contract)> {
    let readings = readings(&rest.to_uppercase(), today());
    readings.into_iter().map(|reading| (reading.when, reading.contract)).collect()
}

fn strike(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

#[test]
fn kites_and_other_notations_are_parsed() {
    let day = |text: &str| When::Day(text.parse().unwrap());
    let call = |text| Contract::Call(strike(text));
    let put = |text| Contract::Put(strike(text));

    assert_eq!(parsed("26AUG24000CE")[0], (When::Month(2026, 8), call("24000")));
    assert_eq!(parsed("26D0197.5PE")[0], (day("2026-12-01"), put("97.5")));
    assert_eq!(parsed("26AUGFUT")[0], (When::Month(2026, 8), Contract::Future));
    assert!(parsed("25AUG2626000CE").contains(&(day("2026-08-25"), call("26000"))));
    assert!(parsed("-23Dec26-398750-CE").contains(&(day("2026-12-23"), call("398750"))));
    assert!(parsed(" 24000 CE 25 NOV 25").contains(&(day("2025-11-25"), call("24000"))));
    assert!(parsed(" FUT 30 DEC 25").contains(&(day("2025-12-30"), Contract::Future)));
    assert!(parsed("7JUL33700PE").contains(&(day("2027-07-07"), put("33700"))));
    assert!(parsed("1DEC33700PE").contains(&(day("2026-12-01"), put("33700"))));
    assert_eq!(parsed("24000CE"), [(When::Unspecified, call("24000"))]);
    assert_eq!(parsed("FUT"), [(When::Unspecified, Contract::Future)]);
}

#[test]
fn a_text_has_a_reading_in_each_notation_that_fits() {
    let day = |text: &str| When::Day(text.parse().unwrap());
    let call = |text| Contract::Call(strike(text));

    assert_eq!(
        parsed("17DEC255000CE"),
        [
            (When::Month(2017, 12), call("255000")),
            (day("2025-12-17"), call("5000")),
            (day("2017-12-25"), call("5000")),
            (day("2026-12-17"), call("255000"))
        ]
    );
    assert_eq!(parsed("25122325000CE"), [(day("2025-01-22"), call("325000")), (day("2025-12-23"), call("25000"))]);
    assert_eq!(parsed("251223C25000"), [(day("2025-12-23"), call("25000"))]);
    assert_eq!(parsed("30DEC25C26000"), [(day("2025-12-30"), call("26000"))]);
    assert_eq!(parsed("28OCT25F"), [(day("2025-10-28"), Contract::Future)]);
    assert_eq!(parsed("-Dec2025-26000-CE"), [(When::Month(2025, 12), call("26000"))]);
    assert_eq!(parsed(" 02 DEC 24350 CALL"), [(day("2026-12-02"), call("24350"))]);
    assert_eq!(parsed("27-11-2025CE25000.00"), [(day("2025-11-27"), call("25000"))]);
    assert_eq!(parsed("27-Nov-2025XX0.00"), [(day("2025-11-27"), Contract::Future)]);
    assert_eq!(parsed("Z2025"), [(When::Month(2025, 12), Contract::Future)]);
    assert_eq!(parsed("1!"), [(When::Position(1), Contract::Future)]);
    assert_eq!(parsed(" OCT FUT"), [(When::Month(2027, 10), Contract::Future)]);
    assert_eq!(parsed(" NOV FUT"), [(When::Month(2026, 11), Contract::Future)]);
}

#[test]
fn other_texts_are_not_parsed_as_contracts() {
    for rest in [
        "",
        "26AUG",
        "26XYZ24000CE",
        "2693124000CE",
        "26AUGCE",
        "26AUG0CE",
        "BANK",
        "₹",
        "26AUG24000XE",
        "0!",
        "10!",
        "30FEB25C26000",
        "Z1925",
        "S2025",
        "-13-2025CE25000",
        "24000CEX",
        "CE",
        "26AUG24.0.0CE",
    ] {
        assert_eq!(parsed(rest), [], "{rest}");
    }
}

/// Writes a contract by a template; `None` if the notation cannot express it.
fn write(template: Template, instrument: &Instrument<'_>, separator: &str) -> Option<String> {
    let expiry = instrument.expiry().unwrap();
    let month = expiry.month0() as usize;
    let kind = |words: [&str; 2]| match contract_of(instrument)? {
        Contract::Call(_) => Some(words[0].to_owned()),
        Contract::Put(_) => Some(words[1].to_owned()),
        Contract::Future => None,
    };
    let written = template.iter().map(|part| match part {
        SymbolPart::Year => Some(format!("{:02}", expiry.year() % 100)),
        SymbolPart::FullYear => Some(expiry.year().to_string()),
        SymbolPart::MonthName => Some(MONTHS[month].to_owned()),
        SymbolPart::MonthNumber => Some(format!("{:02}", month + 1)),
        SymbolPart::MonthCode => Some(WEEKLY_MONTHS[month..=month].to_owned()),
        SymbolPart::MonthLetter => Some(MONTH_LETTERS[month..=month].to_owned()),
        SymbolPart::Day => Some(format!("{:02}", expiry.day())),
        SymbolPart::ShortDay => Some(expiry.day().to_string()),
        SymbolPart::Strike | SymbolPart::ShortStrike => instrument.strike().map(|strike| strike.to_string()),
        SymbolPart::Kind => kind(["CE", "PE"]),
        SymbolPart::KindLetter => kind(["C", "P"]),
        SymbolPart::KindWord => kind(["CALL", "PUT"]),
        SymbolPart::Position => None,
        SymbolPart::Word(word) => instrument.strike().is_none().then(|| (*word).to_owned()),
    });
    let parts = written.collect::<Option<Vec<String>>>()?;
    let is_future = template.iter().all(|part| !matches!(part, SymbolPart::Strike | SymbolPart::ShortStrike));
    (is_future == instrument.strike().is_none())
        .then(|| format!("{}{separator}{}", instrument.underlying().unwrap(), parts.join(separator)))
}

/// Whether the notation contains the day, so that only one contract has it.
fn is_exact(template: Template) -> bool {
    template.iter().any(|part| matches!(part, SymbolPart::Day | SymbolPart::ShortDay))
}

#[test]
fn every_contract_is_found_in_every_notation() {
    let contracts: Vec<Instrument<'_>> =
        DEMO.instruments().filter(|instrument| instrument.underlying().is_some()).collect();
    let mut count = 0;

    for (position, notation) in table::FULL.iter().enumerate() {
        for (number, contract) in contracts.iter().enumerate() {
            // The contracts use the separators and the templates of a notation in turn.
            let separator = ["", " ", "-"][number % 3];
            let written =
                notation.iter().filter_map(|template| Some((*template, write(template, contract, separator)?)));
            let written: Vec<(Template, String)> = written.collect();
            let Some((template, symbol)) = written.get(number / 3 % written.len().max(1)) else { continue };
            let key = format!("{}:{symbol}", contract.exchange());
            if DEMO.find(&key).is_some() {
                // Kite's own form of the contract, or of the monthly one for a weekly contract.
                assert_eq!(position, 0, "{key}");
                continue;
            }

            let Help { detail, suggestions } = Helper::new(&DEMO, today()).unknown(&key);

            let is_monthly = contract.symbol().contains(MONTHS[contract.expiry().unwrap().month0() as usize]);
            if is_exact(template) || is_monthly {
                assert_eq!(suggestions.first().map(String::as_str), Some(contract.key()), "{key}: {detail}");
            } else {
                assert!(suggestions.iter().any(|found| found == contract.key()), "{key}: {detail}");
            }
            count += 1;
        }
    }
    assert!(count > 6 * contracts.len(), "{count}");
}

#[test]
fn every_future_is_found_by_its_position_and_month() {
    let futures = DEMO.instruments().filter(|instrument| instrument.class() == InstrumentType::Future);
    let mut positions = std::collections::BTreeMap::<_, usize>::new();

    // The symbols of one underlying are not in the order of expiries.
    let mut futures: Vec<Instrument<'_>> = futures.collect();
    futures.sort_by_key(Instrument::expiry);
    for future in futures {
        let expiry = future.expiry().unwrap();
        let position = positions.entry((future.exchange(), future.underlying())).or_default();
        *position += 1;
        let letter = &MONTH_LETTERS[expiry.month0() as usize..=expiry.month0() as usize];
        let underlying = format!("{}:{}", future.exchange(), future.underlying().unwrap());
        for key in [
            format!("{underlying}{position}!"),
            format!("{underlying}{letter}{}", expiry.year()),
            format!("{underlying} {} FUT", MONTHS[expiry.month0() as usize]),
        ] {
            let help = Helper::new(&DEMO, today()).unknown(&key);
            assert_eq!(help.suggestions, [future.key()], "{key}: {}", help.detail);
        }
    }
}
