//! Keys of instruments that another file lists under another key, from the files of a broker to plans and profiles.

use std::ops::ControlFlow;

use super::*;
use crate::dump::{Limits, Row};
use crate::ingest::archive::StoredInstruments;
use crate::ingest::diff::{Diff, diff};
use crate::ingest::read_file;
use crate::json::Document;
use crate::merge::{self, Part};
use crate::profile::Draft;
use crate::vocabulary::SubscriptionType;

const BEFORE: [&str; 2] =
    ["2560001,10000,EXAMPLE-BE,EXAMPLE LIMITED,0,,0,0.05,1,EQ", "5120001,20000,OLDNAME,SAME COMPANY,0,,0,0.05,1,EQ"];
const AFTER: [&str; 2] =
    ["2562305,10009,EXAMPLE,EXAMPLE LIMITED,0,,0,0.05,1,EQ", "5120001,20000,NEWNAME,SAME COMPANY LTD,0,,0,0.05,1,EQ"];
const OLD_KEYS: [&str; 2] = ["NSE:EXAMPLE-BE", "NSE:OLDNAME"];

/// Reads a file of Kite with shares on NSE.
fn rows(shares: &[&str]) -> Vec<Row> {
    let header = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
                  instrument_type,segment,exchange";
    let lines: Vec<String> = shares.iter().map(|share| format!("{share},NSE,NSE\n")).collect();
    let file = format!("{header}\n{}", lines.concat());
    let on_progress = &mut |_| ControlFlow::Continue(());
    read_file(Broker::Kite, file.as_bytes(), &Limits::default(), on_progress).unwrap().rows
}

fn follow(before: &StoredInstruments, file: &[Row]) -> (StoredInstruments, Diff) {
    let diff = diff(&before.last_file(file).unwrap(), file);
    let followed = before.followed_with(file, &diff.key_changes).unwrap();
    (StoredInstruments::Archive(followed.archive.into()), diff)
}

/// Returns the catalog after files that were accepted one after the other.
fn catalogue_of(files: &[&[&str]]) -> Catalogue {
    let last = files.iter().fold(StoredInstruments::none(), |before, file| follow(&before, &rows(file)).0);
    let rows = last.rows().unwrap();
    merge::catalogue(vec![Part { broker: Broker::Kite, file_date: None, loaded_at: None, rows }], "2".into()).unwrap()
}

fn plan_with(strictness: FilteringStrictness, keys: &[&str], catalogue: &Catalogue) -> Plan {
    let mut request = request(keys);
    request.options.filtering_strictness = strictness;
    plan_of(&request, catalogue)
}

#[test]
fn kites_files_show_moved_and_renamed_shares() {
    let (first, _) = follow(&StoredInstruments::none(), &rows(&BEFORE));

    let (_, diff) = follow(&first, &rows(&AFTER));

    let changes: Vec<String> = diff.changes.iter().map(|c| format!("{} {}", c.kind.as_str(), c.key)).collect();
    assert_eq!(changes, ["renamed NSE:NEWNAME", "token_changed NSE:EXAMPLE", "series_changed NSE:EXAMPLE"]);
}

#[test]
fn strict_plans_name_the_new_keys() {
    let catalogue = catalogue_of(&[&BEFORE, &AFTER]);

    let plan = plan_with(FilteringStrictness::Strict, &OLD_KEYS, &catalogue);

    assert!(plan.instruments.is_empty());
    let [moved, renamed] = plan.rejected.as_slice() else { panic!("{:?}", plan.rejected) };
    assert_eq!(moved.reason, Reason::Inactive);
    assert_eq!(moved.suggestions, ["NSE:EXAMPLE"]);
    assert_eq!(moved.detail, "not listed in the broker's last accepted file; moved to series EQ: now `NSE:EXAMPLE`");
    assert_eq!(renamed.reason, Reason::Inactive);
    assert_eq!(renamed.suggestions, ["NSE:NEWNAME"]);
    assert_eq!(renamed.detail, "not listed in the broker's last accepted file; renamed to `NSE:NEWNAME`");
}

#[test]
fn instruments_with_new_keys_keep_their_connections() {
    let at_kite = |keys: [&str; 2], previous| {
        let (broker, connections) = (Some(Broker::Kite), Some(2));
        let feed = StreamOptions { broker, connections, previous, ..StreamOptions::default() };
        PlanRequest { feed, ..request(&keys) }
    };
    let before = plan_of(&at_kite(OLD_KEYS, None), &catalogue_of(&[&BEFORE]));
    let new_keys = ["NSE:NEWNAME", "NSE:EXAMPLE"];

    let after = plan_of(&at_kite(new_keys, before.as_previous()), &catalogue_of(&[&BEFORE, &AFTER]));

    let connections = |plan: &Plan| {
        let legs = plan.metadata.broker_part.as_ref().unwrap().subscriptions.as_ref().unwrap().legs.iter();
        let mut of_keys: Vec<(String, u32)> =
            legs.map(|leg| (plan.instruments.key(leg.instrument as usize).to_owned(), leg.connection)).collect();
        of_keys.sort();
        of_keys
    };
    let pairs = |of: [(&str, u32); 2]| of.map(|(key, connection)| (key.to_owned(), connection)).to_vec();
    assert_eq!(connections(&before), pairs([("NSE:EXAMPLE-BE", 1), ("NSE:OLDNAME", 2)]));
    assert_eq!(connections(&after), pairs([("NSE:EXAMPLE", 1), ("NSE:NEWNAME", 2)]));
    assert_eq!(after.allocation.as_ref().unwrap().unchanged_placement, Some(2));
}

#[test]
fn other_plans_warn_with_the_new_keys() {
    let catalogue = catalogue_of(&[&BEFORE, &AFTER]);

    for strictness in [FilteringStrictness::Moderate, FilteringStrictness::Lenient] {
        assert_eq!(
            plan_with(strictness, &OLD_KEYS, &catalogue).metadata.warnings,
            [format!(
                "kept 2 instruments that are inactive, because filtering_strictness is `{strictness}`: \
                 `NSE:EXAMPLE-BE` (now `NSE:EXAMPLE`), `NSE:OLDNAME` (now `NSE:NEWNAME`)"
            )]
        );
    }
}

#[test]
fn profiles_name_the_new_keys() {
    let catalogue = catalogue_of(&[&BEFORE, &AFTER]);
    let draft = |require_active| Draft {
        profile_name: "Opening".into(),
        subscription_type: SubscriptionType::LiveFeed,
        instruments: OLD_KEYS.iter().collect(),
        preferences: Document::default(),
        validation_rules: Rules { require_active, ..Rules::default() },
        max_instruments: None,
        expires_at: None,
    };
    let as_of = "2026-11-24".parse().unwrap();

    let unusable = draft(None).invalid(&catalogue, as_of, true);
    let suggestions: Vec<_> = unusable.iter().flat_map(|rejection| &rejection.suggestions).collect();
    assert_eq!(suggestions, ["NSE:EXAMPLE", "NSE:NEWNAME"]);

    let disallowed = draft(Some(true)).invalid(&catalogue, as_of, false);
    let details: Vec<_> = disallowed.iter().map(|rejection| rejection.detail.as_str()).collect();
    assert_eq!(
        details,
        [
            "require_active allows only instruments in the broker's last accepted file; moved to series EQ: now \
             `NSE:EXAMPLE`",
            "require_active allows only instruments in the broker's last accepted file; renamed to `NSE:NEWNAME`",
        ]
    );
}

#[test]
fn an_instrument_is_followed_over_several_files() {
    let last = ["2562305,10009,EXAMPLE-BZ,EXAMPLE LIMITED,0,,0,0.05,1,EQ"];
    let catalogue = catalogue_of(&[&BEFORE, &AFTER, &last]);

    let plan = plan_with(FilteringStrictness::Strict, &["NSE:EXAMPLE-BE", "NSE:EXAMPLE", "NSE:OLDNAME"], &catalogue);

    let suggestions: Vec<_> = plan.rejected.iter().map(|rejection| rejection.suggestions.concat()).collect();
    assert_eq!(suggestions, ["NSE:EXAMPLE-BZ", ""]);
    assert_eq!(plan.instruments.iter().collect::<Vec<_>>(), ["NSE:EXAMPLE"], "the symbol finds its only series");
}

#[test]
fn a_share_that_moved_back_has_its_key_again() {
    let catalogue = catalogue_of(&[&BEFORE, &AFTER, &BEFORE]);

    let plan = plan_with(FilteringStrictness::Strict, &["NSE:EXAMPLE-BE", "NSE:EXAMPLE"], &catalogue);

    assert_eq!(plan.instruments.iter().collect::<Vec<_>>(), ["NSE:EXAMPLE", "NSE:EXAMPLE-BE"]);
    let note = "resolved 1 key without an EQ line to another series: `NSE:EXAMPLE` to `NSE:EXAMPLE-BE`";
    assert!(plan.metadata.warnings.iter().any(|warning| warning == note), "{:?}", plan.metadata.warnings);
}
