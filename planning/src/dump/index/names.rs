//! The names of NSE's indices.
//!
//! Each index has one key at all brokers: Kite's. Brokers write the names with other spaces (`NIFTYMIDLIQ15`), in another
//! case (`Nifty Bank`), or have names of their own (`FINNIFTY`).

use crate::dump::symbol::alias_of_index;

/// The names of all indices in Kite's file of October 2025, and those in mixed case of later files.
const KITES: [&str; 120] = [
    "HANGSENG BEES-NAV",
    "INDIA VIX",
    "NIFTY 100",
    "NIFTY 200",
    "NIFTY 50",
    "NIFTY 500",
    "NIFTY ALPHA 50",
    "NIFTY ALPHALOWVOL",
    "NIFTY AQL 30",
    "NIFTY AQLV 30",
    "NIFTY AUTO",
    "NIFTY BANK",
    "NIFTY CAPITAL MKT",
    "NIFTY COMMODITIES",
    "NIFTY CONSR DURBL",
    "NIFTY CONSUMPTION",
    "NIFTY COREHOUSING",
    "NIFTY CORP MAATR",
    "NIFTY CPSE",
    "NIFTY DIV OPPS 50",
    "NIFTY ENERGY",
    "NIFTY EV",
    "NIFTY FIN SERVICE",
    "NIFTY FINSEREXBNK",
    "NIFTY FINSRV25 50",
    "NIFTY FMCG",
    "NIFTY GROWSECT 15",
    "NIFTY GS 10YR",
    "NIFTY GS 10YR CLN",
    "NIFTY GS 11 15YR",
    "NIFTY GS 15YRPLUS",
    "NIFTY GS 4 8YR",
    "NIFTY GS 8 13YR",
    "NIFTY GS COMPSITE",
    "NIFTY HEALTHCARE",
    "NIFTY HIGHBETA 50",
    "NIFTY HOUSING",
    "NIFTY IND DEFENCE",
    "NIFTY IND DIGITAL",
    "NIFTY IND TOURISM",
    "NIFTY INDIA MFG",
    "NIFTY INFRA",
    "NIFTY IPO",
    "NIFTY IT",
    "NIFTY LARGEMID250",
    "NIFTY LOW VOL 50",
    "NIFTY M150 QLTY50",
    "NIFTY MEDIA",
    "NIFTY METAL",
    "NIFTY MICROCAP250",
    "NIFTY MID LIQ 15",
    "NIFTY MID SELECT",
    "NIFTY MIDCAP 100",
    "NIFTY MIDCAP 150",
    "NIFTY MIDCAP 50",
    "NIFTY MIDSML 400",
    "NIFTY MIDSML HLTH",
    "NIFTY MNC",
    "NIFTY MOBILITY",
    "NIFTY MS FIN SERV",
    "NIFTY MS IND CONS",
    "NIFTY MS IT TELCM",
    "NIFTY MULTI INFRA",
    "NIFTY MULTI MFG",
    "NIFTY MULTI MQ 50",
    "NIFTY NEW CONSUMP",
    "NIFTY NEXT 50",
    "NIFTY NONCYC CONS",
    "NIFTY OIL AND GAS",
    "NIFTY PHARMA",
    "NIFTY PSE",
    "NIFTY PSU BANK",
    "NIFTY PVT BANK",
    "NIFTY QLTY LV 30",
    "NIFTY REALTY",
    "NIFTY RURAL",
    "NIFTY SERV SECTOR",
    "NIFTY SHARIAH 25",
    "NIFTY SML250 Q50",
    "NIFTY SMLCAP 100",
    "NIFTY SMLCAP 250",
    "NIFTY SMLCAP 50",
    "NIFTY TATA 25 CAP",
    "NIFTY TOP 10 EW",
    "NIFTY TOP 15 EW",
    "NIFTY TOP 20 EW",
    "NIFTY TOTAL MKT",
    "NIFTY TRANS LOGIS",
    "NIFTY100 ALPHA 30",
    "NIFTY100 ENH ESG",
    "NIFTY100 EQL WGT",
    "NIFTY100 ESG",
    "NIFTY100 LIQ 15",
    "NIFTY100 LOWVOL30",
    "NIFTY100 QUALTY30",
    "NIFTY100ESGSECLDR",
    "NIFTY200 ALPHA 30",
    "NIFTY200 QUALTY30",
    "NIFTY200 VALUE 30",
    "NIFTY200MOMENTM30",
    "NIFTY50 DIV POINT",
    "NIFTY50 EQL WGT",
    "NIFTY50 PR 1X INV",
    "NIFTY50 PR 2X LEV",
    "NIFTY50 SHARIAH",
    "NIFTY50 TR 1X INV",
    "NIFTY50 TR 2X LEV",
    "NIFTY50 VALUE 20",
    "NIFTY500 EW",
    "NIFTY500 LMS EQL",
    "NIFTY500 MULTICAP",
    "NIFTY500 SHARIAH",
    "NIFTY500 VALUE 50",
    "NIFTY500MOMENTM50",
    "NIFTYM150MOMNTM50",
    "NIFTYMS400 MQ 100",
    "NIFTYSML250MQ 100",
    "Nifty500 LowVol50",
    "Nifty500 MQVLv50",
    "Nifty500 Qlty50",
];

/// The names of other brokers that differ from Kite's in more than case and spaces, in addition to
/// [`alias_of_index`].
const OTHERS: [(&str, &str); 4] = [
    ("NIFTY FINANCIAL SERVICES", "NIFTY FIN SERVICE"),
    ("NIFTY MID50", "NIFTY MIDCAP 50"),
    ("NIFTY MIDCAP SELECT", "NIFTY MID SELECT"),
    // The name of the index until 2018, which Fyers's ticker has.
    ("NIFTY QUALITY 30", "NIFTY100 QUALTY30"),
];

/// Returns Kite's name of an NSE index by any name, in any case and with or without spaces.
pub(super) fn kites_name(name: &str) -> Option<&'static str> {
    let wanted = dense(name);
    let is_it = |known: &str| dense(known) == wanted;
    let kites = KITES.into_iter().find(|kites| is_it(kites) || alias_of_index(kites).is_some_and(is_it));
    kites.or_else(|| OTHERS.into_iter().find(|(other, _)| is_it(other)).map(|(_, kites)| kites))
}

/// Returns a name in capital letters without spaces.
pub(super) fn dense(name: &str) -> String {
    name.chars().filter(|c| *c != ' ').flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_differ_in_more_than_case_and_spaces() {
        let names: HashSet<String> = KITES.into_iter().chain(OTHERS.map(|(other, _)| other)).map(dense).collect();
        assert_eq!(names.len(), KITES.len() + OTHERS.len());
        for (other, kites) in OTHERS {
            assert!(KITES.contains(&kites), "{other}");
        }
    }

    #[test]
    fn an_index_is_found_by_any_of_its_names() {
        for (name, kites) in [
            ("NIFTYMIDLIQ15", "NIFTY MID LIQ 15"),
            ("Nifty Bank", "NIFTY BANK"),
            ("BANKNIFTY", "NIFTY BANK"),
            ("NIFTYNXT50", "NIFTY NEXT 50"),
            ("NIFTY500LOWVOL50", "Nifty500 LowVol50"),
            ("NIFTYQUALITY30", "NIFTY100 QUALTY30"),
            ("HangSeng BeES-NAV", "HANGSENG BEES-NAV"),
        ] {
            assert_eq!(kites_name(name), Some(kites), "{name}");
        }
        assert_eq!(kites_name("BHARATBOND-APR30"), None);
        assert_eq!(kites_name(""), None);
    }
}
