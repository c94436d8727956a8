//! Watchlists: files with many profiles, for import and export.
//!
//! A JSON file contains a list of profiles. A CSV file has a row for each instrument: either `EXCHANGE:SYMBOL` alone,
//! or the columns `profile_id, profile_name, subscription_type, instrument` in the order of a header line. Rows with
//! the same id, name and type form a profile.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use chrono::{DateTime, Utc};
use registry_planning::capacity::Capacity;
use registry_planning::instrument::{KEY_CHARACTERS_MAX, split_key};
use registry_planning::json::shortened;
use registry_planning::keys::KeyList;
use registry_planning::profile::{Draft, INSTRUMENTS_MAX};
use registry_planning::vocabulary::SubscriptionType;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{self, NAME_CHARACTERS_MAX};
use super::schemas::ExportedProfile;
use crate::http::body::{Fields, JsonBody};
use crate::http::problem::Problem;

pub(crate) const PROFILES_MAX: usize = 1000;

/// The columns of a file with a header. The id only groups rows; it is not stored.
const COLUMNS: [&str; 4] = ["profile_id", "profile_name", "subscription_type", "instrument"];

/// The positions of the columns in a row.
type Positions = [Option<usize>; COLUMNS.len()];

/// Maximum number of rejected rows that are listed, per profile and in total. All are counted.
const REJECTED_ROWS_MAX: usize = 100;
const REJECTED_ROWS_MAX_IN_ALL: usize = 1000;

/// The name and type of rows without their own.
#[derive(Clone, Debug)]
pub(crate) struct RowDefaults {
    pub(crate) profile_name: String,
    pub(crate) subscription_type: SubscriptionType,
}

impl Default for RowDefaults {
    fn default() -> Self {
        RowDefaults { profile_name: "Watchlist".to_owned(), subscription_type: SubscriptionType::LiveFeed }
    }
}

/// A profile of a file.
#[derive(Debug)]
pub(crate) struct Watchlist {
    /// The start of the profile: the line of the CSV file, or the position in the JSON array, from 1.
    pub(crate) row: u64,
    /// The name of the profile, if it is readable.
    pub(crate) profile_name: Option<String>,
    /// The profile, or its problem.
    pub(crate) draft: Result<Draft, Box<Problem>>,
    pub(crate) rejected_count: u64,
    /// The first of them.
    pub(crate) rejected_rows: Vec<RejectedRow>,
}

/// A row that was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct RejectedRow {
    /// The line of the file.
    row: u64,
    /// The instrument of the row.
    instrument: String,
    /// The reason why the row was rejected.
    reason: String,
}

impl std::fmt::Display for RejectedRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "row {}: rejected `{}`: {}", self.row, self.instrument, self.reason)
    }
}

/// The reason why a file is rejected as a whole.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UnreadableFile(pub(crate) String);

/// Reads a CSV file.
///
/// # Errors
/// If it is not UTF-8, has an unknown column or no rows, or has too many profiles.
pub(crate) fn read_csv(bytes: &[u8], defaults: &RowDefaults) -> Result<Vec<Watchlist>, UnreadableFile> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| UnreadableFile(format!("not valid UTF-8 at byte {}", e.valid_up_to())))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    let has_header = first.to_lowercase().split(',').any(|name| COLUMNS.contains(&name.trim().trim_matches('"')));
    let mut reader = csv::ReaderBuilder::new();
    reader.has_headers(false).flexible(true);
    if !has_header {
        // A list of keys can have comments. In a table, a name can start with this character.
        reader.comment(Some(b'#'));
    }
    let mut reader = reader.from_reader(text.as_bytes());
    let mut positions: Positions = [None, None, None, Some(0)];
    let mut is_first = true;
    let mut lists = CsvWatchlists::default();
    for record in reader.records() {
        let record = record.map_err(|fault| UnreadableFile(format!("failed to parse CSV: {fault}")))?;
        let is_comment = record.len() == 1 && record.iter().all(|cell| cell.trim().is_empty() || cell.starts_with('#'));
        if has_header && is_comment {
            // A comment before the header or between rows.
            continue;
        }
        if has_header && std::mem::take(&mut is_first) {
            positions = header(&record)?;
        } else if !has_header && record.len() > 1 {
            let columns = COLUMNS.join(", ");
            return Err(UnreadableFile(format!("several columns require a header with column names from {columns}")));
        } else if record.iter().any(|cell| !cell.trim().is_empty()) {
            take(&record, positions, defaults, &mut lists)?;
        }
    }
    if lists.in_order.is_empty() {
        return Err(UnreadableFile("expected at least one row, got none".to_owned()));
    }
    Ok(lists.in_order.into_iter().map(|(of, list)| list.into_watchlist(of)).collect())
}

fn header(record: &csv::StringRecord) -> Result<Positions, UnreadableFile> {
    let names: Vec<String> = record.iter().map(|name| name.trim().to_lowercase()).collect();
    if let Some(unknown) = names.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        return Err(UnreadableFile(format!("unknown column `{unknown}`; expected one of {}", COLUMNS.join(", "))));
    }
    let positions = COLUMNS.map(|column| names.iter().position(|name| name == column));
    match positions[3] {
        Some(_) => Ok(positions),
        None => Err(UnreadableFile("column `instrument` is required".to_owned())),
    }
}

/// The profiles of a file, in the order of their first rows.
#[derive(Default)]
struct CsvWatchlists {
    in_order: Vec<(RowDefaults, CsvWatchlist)>,
    by_name: HashMap<(String, String, SubscriptionType), usize>,
    /// The number of rejected rows that are listed.
    listed: usize,
}

#[derive(Default)]
struct CsvWatchlist {
    row: u64,
    keys: KeyList,
    seen: HashSet<String>,
    fault: Option<String>,
    rejected_count: u64,
    rejected_rows: Vec<RejectedRow>,
}

impl CsvWatchlist {
    fn into_watchlist(self, of: RowDefaults) -> Watchlist {
        let draft = match self.fault {
            Some(fault) => Err(fault),
            None if self.keys.is_empty() => Err("expected at least one valid instrument, got none".to_owned()),
            None => Ok(Draft {
                profile_name: of.profile_name.clone(),
                subscription_type: of.subscription_type,
                instruments: self.keys,
                preferences: registry_planning::json::Document::default(),
                validation_rules: registry_planning::profile::Rules::default(),
                max_instruments: None,
                expires_at: None,
            }),
        };
        Watchlist {
            row: self.row,
            profile_name: Some(of.profile_name),
            draft: draft.map_err(|fault| Box::new(Problem::unreadable_row(fault))),
            rejected_count: self.rejected_count,
            rejected_rows: self.rejected_rows,
        }
    }
}

fn take(
    record: &csv::StringRecord,
    positions: Positions,
    defaults: &RowDefaults,
    lists: &mut CsvWatchlists,
) -> Result<(), UnreadableFile> {
    let row = record.position().map_or(0, csv::Position::line);
    let cell = |column: usize| positions[column].and_then(|at| record.get(at)).filter(|text| !text.is_empty());
    let (id, name) = (cell(0).unwrap_or_default(), cell(1));
    let (word, key) = (cell(2).map(str::trim), cell(3).map(str::trim).unwrap_or_default());
    let kind = word.map(SubscriptionType::parse);
    let of = RowDefaults {
        profile_name: name.map_or_else(|| defaults.profile_name.clone(), str::to_owned),
        subscription_type: kind.flatten().unwrap_or(defaults.subscription_type),
    };
    let CsvWatchlists { in_order, by_name, listed } = lists;
    let place = (id.to_owned(), of.profile_name.clone(), of.subscription_type);
    let at = match by_name.get(&place) {
        Some(at) => *at,
        None if in_order.len() == PROFILES_MAX => {
            return Err(UnreadableFile(format!("expected at most {PROFILES_MAX} profiles, got more")));
        }
        None => {
            by_name.insert(place, in_order.len());
            in_order.push((of, CsvWatchlist { row, ..CsvWatchlist::default() }));
            in_order.len() - 1
        }
    };
    let (of, list) = &mut in_order[at];
    let characters = of.profile_name.chars().count();
    if of.profile_name.contains('\0') {
        list.fault = Some("profile_name must not contain the character U+0000".to_owned());
    }
    if characters > NAME_CHARACTERS_MAX {
        list.fault = Some(format!("profile_name: expected 1 to {NAME_CHARACTERS_MAX} characters, got {characters}"));
    }
    let reason = match (kind, split_key(key)) {
        (Some(None), _) => {
            let word = word.unwrap_or_default();
            Some(format!("subscription_type: expected one of live_feed, historical, alerts, got `{word}`"))
        }
        (_, Err(fault)) => Some(fault.to_string()),
        _ if key.chars().count() > KEY_CHARACTERS_MAX => {
            Some(format!("expected at most {KEY_CHARACTERS_MAX} characters, got {}", key.chars().count()))
        }
        _ if list.seen.contains(key) => Some("duplicate of an earlier instrument of the profile".to_owned()),
        _ if list.keys.len() == INSTRUMENTS_MAX as usize => {
            Some(format!("the profile already has the maximum of {INSTRUMENTS_MAX} instruments"))
        }
        _ => None,
    };
    match reason {
        Some(reason) => {
            list.rejected_count += 1;
            if list.rejected_rows.len() < REJECTED_ROWS_MAX && *listed < REJECTED_ROWS_MAX_IN_ALL {
                *listed += 1;
                let instrument = shortened(key, KEY_CHARACTERS_MAX).into_owned();
                list.rejected_rows.push(RejectedRow { row, instrument, reason });
            }
        }
        None => {
            list.seen.insert(key.to_owned());
            list.keys.push(key);
        }
    }
    Ok(())
}

/// Reads a JSON file: `{"profiles": […]}`. `capacity` is that of the brokers.
///
/// # Errors
/// If the body is not such an object.
pub(crate) fn read_json(body: &JsonBody, now: DateTime<Utc>, capacity: &Capacity) -> Result<Vec<Watchlist>, Problem> {
    let mut fields = body.fields()?;
    let items = fields.objects("profiles", 1, PROFILES_MAX);
    fields.finish(Vec::new())?;
    let items = items.ok_or_else(Problem::internal)?;
    let watchlist = |(row, item): (u64, Result<_, String>)| match item {
        Err(fault) => Watchlist {
            row,
            profile_name: None,
            draft: Err(Box::new(Problem::unreadable_row(fault))),
            rejected_count: 0,
            rejected_rows: Vec::new(),
        },
        Ok(fields) => {
            let (profile_name, draft) = read_draft(fields, now, capacity);
            Watchlist {
                row,
                profile_name,
                draft: draft.map_err(Box::new),
                rejected_count: 0,
                rejected_rows: Vec::new(),
            }
        }
    };
    Ok((1..).zip(items).map(watchlist).collect())
}

/// Reads an entry of the list: its name, if it has a readable one, and the profile.
fn read_draft(
    mut fields: Fields<'_>,
    now: DateTime<Utc>,
    capacity: &Capacity,
) -> (Option<String>, Result<Draft, Problem>) {
    let profile_name = fields.peek_text("profile_name");
    let draft = body::draft(&mut fields, now, capacity);
    let draft = fields.finish(Vec::new()).and_then(|()| draft.ok_or_else(Problem::internal));
    (profile_name, draft)
}

/// Profiles in a format that can be imported.
#[derive(Serialize, ToSchema)]
pub(crate) struct File<'a> {
    /// The profiles.
    #[schema(value_type = Vec<ExportedProfile>)]
    pub(crate) profiles: Vec<&'a Draft>,
}

/// Returns the header of a CSV file.
///
/// # Errors
/// None in practice: the buffer is in memory.
pub(crate) fn csv_header() -> anyhow::Result<Vec<u8>> {
    let mut header = Vec::new();
    csv_writer(&mut header).write_record(COLUMNS).context("failed to write the header")?;
    Ok(header)
}

/// Appends the rows of a profile to a CSV file, one for each instrument.
///
/// # Errors
/// None in practice: the buffer is in memory.
pub(crate) fn write_csv_rows<P>(profile_id: &str, draft: &Draft<P>, out: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut writer = csv_writer(out);
    for key in draft.instruments.iter() {
        let row = [profile_id, &*draft.profile_name, draft.subscription_type.as_str(), key];
        writer.write_record(row).context("failed to write a row")?;
    }
    writer.flush().context("failed to write the rows")
}

/// Returns the number of bytes that [`write_csv_rows`] writes.
pub(crate) fn csv_rows_bytes<P>(profile_id: &str, draft: &Draft<P>) -> u64 {
    // A quote in a cell is doubled.
    let cell = |text: &str| (text.len() + text.matches('"').count() + "\"\"".len()) as u64;
    let repeated = cell(profile_id) + cell(&draft.profile_name) + cell(draft.subscription_type.as_str());
    draft.instruments.iter().map(|key| repeated + cell(key) + ",,,\n".len() as u64).sum()
}

/// Quotes all cells, because a name can start or end with a space, or look like a comment.
fn csv_writer(out: &mut Vec<u8>) -> csv::Writer<&mut Vec<u8>> {
    csv::WriterBuilder::new().quote_style(csv::QuoteStyle::NonNumeric).from_writer(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_watchlists(text: &str) -> Vec<Watchlist> {
        read_csv(text.as_bytes(), &RowDefaults::default()).unwrap()
    }

    #[test]
    fn the_size_of_csv_rows_is_known() {
        let body = serde_json::json!({"profiles": [{
            "profile_name": "a \"long\" name ".repeat(17).trim(), "subscription_type": "alerts",
            "instruments": ["NSE:A", "NSE:INFY", "NSE:Ä B"],
        }]});
        let lists = read_json(&JsonBody::of(body.to_string().into()), Utc::now(), &Capacity::embedded()).unwrap();
        let draft = lists[0].draft.as_ref().unwrap();
        let mut rows = Vec::new();

        write_csv_rows("profile_1", draft, &mut rows).unwrap();

        assert!(rows.len() > 3 * 255);
        assert_eq!(csv_rows_bytes("profile_1", draft), rows.len() as u64);
    }

    #[test]
    fn messages_about_a_file_do_not_name_a_request() {
        let error = |text: &'static str| {
            read_json(&JsonBody::of(text.into()), Utc::now(), &Capacity::embedded()).unwrap_err().in_file()
        };

        assert!(error("{").starts_with("not valid JSON: "), "{}", error("{"));
        assert_eq!(error("[]"), "expected an object, got an array");
        assert_eq!(error("{}"), "/profiles: is required");
        assert_eq!(
            error("{\"profiles\": [], \"x\": 1}"),
            "2 errors:\n  /profiles: expected 1 to 1000 items, got 0\n  /x: unknown field"
        );
    }

    #[test]
    fn profiles_of_a_file_name_accounts_and_tiers_of_the_settings() {
        let of = |preferences: serde_json::Value| {
            let profile = serde_json::json!({
                "profile_name": "p", "subscription_type": "alerts", "instruments": ["NSE:A"], "preferences": preferences,
            });
            let body = serde_json::json!({"profiles": [profile]}).to_string();
            let mut lists = read_json(&JsonBody::of(body.into()), Utc::now(), &Capacity::embedded()).unwrap();
            lists.remove(0).draft.map_err(|problem| problem.in_file())
        };

        let wrong = of(serde_json::json!({"broker": "kite", "tier": "gold", "accounts": ["desk_z"]})).unwrap_err();

        assert!(wrong.contains("/preferences/accounts/0: expected one of default, got `desk_z`"), "{wrong}");
        assert!(wrong.contains("/preferences/tier: expected one of standard, got `gold`"), "{wrong}");
        assert!(of(serde_json::json!({"broker": "kite", "accounts": ["default"]})).is_ok());
    }

    fn keys(list: &Watchlist) -> Vec<&str> {
        list.draft.as_ref().unwrap().instruments.iter().collect()
    }

    #[test]
    fn a_list_of_keys_is_a_profile() {
        let lists = read_watchlists("# my list\nNSE:TCS\n\n NSE:INFY \nNSE:TCS\nTCS\n");

        assert_eq!(lists.len(), 1);
        assert_eq!(keys(&lists[0]), ["NSE:TCS", "NSE:INFY"]);
        let rejected: Vec<(u64, &str)> =
            lists[0].rejected_rows.iter().map(|row| (row.row, row.instrument.as_str())).collect();
        assert_eq!(rejected, [(5, "NSE:TCS"), (6, "TCS")]);
    }

    #[test]
    fn rows_with_the_same_name_and_type_form_a_profile() {
        let lists = read_watchlists(
            "instrument,profile_name,subscription_type\nNSE:TCS,A,alerts\nNSE:INFY,B,\nNSE:ITC,A,alerts\nNSE:LT,A,x\n",
        );

        let names: Vec<_> = lists.iter().map(|list| (list.profile_name.as_deref().unwrap(), list.row)).collect();
        assert_eq!(names, [("A", 2), ("B", 3), ("A", 5)]);
        assert_eq!(keys(&lists[0]), ["NSE:TCS", "NSE:ITC"]);
        assert_eq!(lists[0].draft.as_ref().unwrap().subscription_type, SubscriptionType::Alerts);
        assert!(lists[2].draft.is_err() && lists[2].rejected_rows[0].reason.contains("`x`"));
    }

    #[test]
    fn a_file_that_is_not_a_watchlist_is_rejected() {
        for (text, why) in [
            ("", "expected at least one row"),
            ("NSE:TCS,NSE\n", "several columns require a header"),
            ("NSE:TCS\nNSE:INFY,NSE\n", "several columns require a header"),
            ("instrument,price\n", "unknown column `price`"),
            ("profile_name\nA\n", "column `instrument` is required"),
        ] {
            let fault = read_csv(text.as_bytes(), &RowDefaults::default()).unwrap_err();
            assert!(fault.0.contains(why), "{text}: {fault}");
        }
        assert!(read_csv(b"NSE:\xff\n", &RowDefaults::default()).unwrap_err().0.contains("UTF-8"));
        let many: String = (0..=PROFILES_MAX).map(|number| format!("p{number},NSE:TCS\n")).collect();
        let fault =
            read_csv(format!("profile_name,instrument\n{many}").as_bytes(), &RowDefaults::default()).unwrap_err();
        assert!(fault.0.contains("at most 1000"), "{fault}");
    }

    #[test]
    fn profiles_with_the_same_name_differ_by_their_ids() {
        let text = "profile_id,profile_name,instrument\n1,\"#a \",NSE:TCS\n2,\"#a \",NSE:INFY\n1,\"#a \",NSE:ITC\n";
        let lists = read_watchlists(text);

        assert_eq!(lists.iter().map(|list| list.profile_name.as_deref()).collect::<Vec<_>>(), [Some("#a "); 2]);
        assert_eq!(keys(&lists[0]), ["NSE:TCS", "NSE:ITC"]);
    }

    #[test]
    fn comments_before_the_header_are_skipped() {
        let lists = read_watchlists("# mine\n\nprofile_name,instrument\n# the first\n#A,NSE:TCS\n");

        assert_eq!(lists.len(), 1);
        assert_eq!(lists[0].profile_name.as_deref(), Some("#A"));
        assert_eq!(lists[0].row, 5);
        let bad = read_watchlists("profile_name,instrument\nA\0,NSE:TCS\n");
        assert!(bad[0].draft.as_ref().unwrap_err().detail.contains("U+0000"));
    }

    #[test]
    fn the_first_rejected_rows_are_listed_and_all_are_counted() {
        let lists = read_watchlists(&"a\n".repeat(500));

        assert_eq!(lists[0].rejected_count, 500);
        assert_eq!(lists[0].rejected_rows.len(), REJECTED_ROWS_MAX);
        let many: String = (0..600).map(|row| format!("p{},x\n", row % 200).repeat(9)).collect();
        let lists = read_watchlists(&format!("profile_name,instrument\n{many}"));
        let listed: usize = lists.iter().map(|list| list.rejected_rows.len()).sum();
        let all: u64 = lists.iter().map(|list| list.rejected_count).sum();
        assert_eq!(listed, REJECTED_ROWS_MAX_IN_ALL);
        assert_eq!(all, 5400);
    }

    #[test]
    fn rows_beyond_a_thousand_instruments_are_rejected() {
        let text: String = (0..1002).map(|number| format!("NSE:S{number}\n")).collect();
        let lists = read_watchlists(&text);

        assert_eq!(keys(&lists[0]).len(), 1000);
        assert_eq!(lists[0].rejected_rows.iter().map(|row| row.row).collect::<Vec<_>>(), [1001, 1002]);
    }
}
