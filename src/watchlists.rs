//! Watchlists: profiles in a file, many at once, in and out.
//!
//! As JSON they are a list of what profiles are made of. As CSV there is a row for each instrument, `EXCHANGE:SYMBOL` alone or
//! in the columns `profile_name, subscription_type, instrument` that a first line names; rows of one name and type are a
//! profile.

use std::collections::HashSet;

use anyhow::Context;
use chrono::{DateTime, Utc};
use registry_planning::instrument::{KEY_CHARACTERS_MAX, split_key};
use registry_planning::keys::KeyList;
use registry_planning::profile::{Draft, INSTRUMENTS_MAX, Profile};
use registry_planning::request::SubscriptionType;
use serde::Serialize;
use serde_json::Map;
use utoipa::ToSchema;

use crate::http::{JsonBody, NAME_CHARACTERS_MAX, Problem, read_draft};

/// Most profiles in a file.
pub(crate) const PROFILES_MAX: usize = 1000;

/// The columns of a file with a header.
const COLUMNS: [&str; 3] = ["profile_name", "subscription_type", "instrument"];

/// What rows without their own name and type belong to.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) profile_name: String,
    pub(crate) subscription_type: SubscriptionType,
}

impl Default for Defaults {
    fn default() -> Self {
        Defaults { profile_name: "Watchlist".to_owned(), subscription_type: SubscriptionType::LiveFeed }
    }
}

/// A profile of a file.
#[derive(Debug)]
pub(crate) struct Watchlist {
    /// Where it begins: the line of a CSV file, the place in a JSON list, from 1.
    pub(crate) row: u64,
    /// Its name, as far as it could be read.
    pub(crate) profile_name: Option<String>,
    /// The profile, or what is wrong with it.
    pub(crate) draft: Result<Draft, Box<Problem>>,
    /// Rows that are not in it.
    pub(crate) rejected_rows: Vec<RejectedRow>,
}

/// A row that became part of no profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct RejectedRow {
    /// The line.
    row: u64,
    /// What stands there.
    instrument: String,
    /// Why it is not in a profile.
    reason: String,
}

impl std::fmt::Display for RejectedRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "row {}: `{}` is left out: {}", self.row, self.instrument, self.reason)
    }
}

/// Why a file as a whole could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(pub(crate) String);

/// Reads a CSV file.
///
/// # Errors
/// Where it is no text, its first line names other columns, or it has too many profiles or none.
pub(crate) fn read_csv(bytes: &[u8], defaults: &Defaults) -> Result<Vec<Watchlist>, Unreadable> {
    let text =
        std::str::from_utf8(bytes).map_err(|e| Unreadable(format!("is not UTF-8 at byte {}", e.valid_up_to())))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let mut columns: Option<[Option<usize>; 3]> = None;
    let mut lists: Vec<(Defaults, List)> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|fault| Unreadable(format!("cannot be read: {fault}")))?;
        let row = record.position().map_or(0, csv::Position::line);
        let Some(columns) = &columns else {
            let named = header(&record)?;
            let is_header = named.is_some();
            columns = Some(named.unwrap_or([None, None, Some(0)]));
            if !is_header {
                take(&record, row, [None, None, Some(0)], defaults, &mut lists)?;
            }
            continue;
        };
        take(&record, row, *columns, defaults, &mut lists)?;
    }
    if lists.is_empty() {
        return Err(Unreadable("has no row".to_owned()));
    }
    Ok(lists.into_iter().map(|(of, list)| list.into_watchlist(of)).collect())
}

/// The places of the columns, where a first line names them.
fn header(record: &csv::StringRecord) -> Result<Option<[Option<usize>; 3]>, Unreadable> {
    let names: Vec<String> = record.iter().map(str::to_lowercase).collect();
    if !names.iter().any(|name| COLUMNS.contains(&name.as_str())) {
        return if record.len() == 1 {
            Ok(None)
        } else {
            Err(Unreadable(format!(
                "has {} columns, and its first line does not name them: {}",
                record.len(),
                COLUMNS.join(", ")
            )))
        };
    }
    if let Some(unknown) = names.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        return Err(Unreadable(format!("has the unknown column `{unknown}`; known: {}", COLUMNS.join(", "))));
    }
    let places = COLUMNS.map(|column| names.iter().position(|name| name == column));
    match places[2] {
        Some(_) => Ok(Some(places)),
        None => Err(Unreadable("has no column `instrument`".to_owned())),
    }
}

/// A profile that is being read.
#[derive(Default)]
struct List {
    row: u64,
    keys: KeyList,
    seen: HashSet<String>,
    fault: Option<String>,
    rejected_rows: Vec<RejectedRow>,
}

impl List {
    fn into_watchlist(self, of: Defaults) -> Watchlist {
        let draft = match self.fault {
            Some(fault) => Err(fault),
            None if self.keys.is_empty() => Err("has no instrument that can be read".to_owned()),
            None => Ok(Draft {
                profile_name: of.profile_name.clone(),
                subscription_type: of.subscription_type,
                instruments: self.keys,
                preferences: Map::new(),
                validation_rules: registry_planning::profile::Rules::default(),
                max_instruments: None,
                expires_at: None,
            }),
        };
        Watchlist {
            row: self.row,
            profile_name: Some(of.profile_name),
            draft: draft.map_err(|fault| Box::new(Problem::unreadable_row(fault))),
            rejected_rows: self.rejected_rows,
        }
    }
}

fn take(
    record: &csv::StringRecord,
    row: u64,
    columns: [Option<usize>; 3],
    defaults: &Defaults,
    lists: &mut Vec<(Defaults, List)>,
) -> Result<(), Unreadable> {
    let cell = |column: usize| columns[column].and_then(|at| record.get(at)).filter(|text| !text.is_empty());
    let (name, word, key) = (cell(0), cell(1), cell(2).unwrap_or_default());
    let kind = word.map(SubscriptionType::parse);
    let of = Defaults {
        profile_name: name.map_or_else(|| defaults.profile_name.clone(), str::to_owned),
        subscription_type: kind.flatten().unwrap_or(defaults.subscription_type),
    };
    let is_same = |(other, _): &(Defaults, List)| {
        other.profile_name == of.profile_name && other.subscription_type == of.subscription_type
    };
    // Rows of one profile mostly follow each other.
    let at = match lists.iter().rposition(is_same) {
        Some(at) => at,
        None if lists.len() == PROFILES_MAX => {
            return Err(Unreadable(format!("has more than {PROFILES_MAX} profiles")));
        }
        None => {
            lists.push((of, List { row, ..List::default() }));
            lists.len() - 1
        }
    };
    let (of, list) = &mut lists[at];
    let characters = of.profile_name.chars().count();
    if characters > NAME_CHARACTERS_MAX {
        list.fault = Some(format!("has a name of {characters} characters; allowed: 1 to {NAME_CHARACTERS_MAX}"));
    }
    let reason = match (kind, split_key(key)) {
        (Some(None), _) => {
            let word = word.unwrap_or_default();
            Some(format!("subscription_type is `{word}`; allowed: live_feed, historical, alerts"))
        }
        (_, Err(fault)) => Some(fault.to_string()),
        _ if key.chars().count() > KEY_CHARACTERS_MAX => Some(format!("has more than {KEY_CHARACTERS_MAX} characters")),
        _ if list.seen.contains(key) => Some("stands in the profile already".to_owned()),
        _ if list.keys.len() == INSTRUMENTS_MAX as usize => {
            Some(format!("the profile has {INSTRUMENTS_MAX} instruments already"))
        }
        _ => None,
    };
    match reason {
        Some(reason) => {
            let instrument = key.chars().take(KEY_CHARACTERS_MAX).collect();
            list.rejected_rows.push(RejectedRow { row, instrument, reason });
        }
        None => {
            list.seen.insert(key.to_owned());
            list.keys.push(key);
        }
    }
    Ok(())
}

/// Reads a JSON file: `{"profiles": […]}`.
///
/// # Errors
/// Where it is not that.
pub(crate) fn read_json(body: &JsonBody, now: DateTime<Utc>) -> Result<Vec<Watchlist>, Problem> {
    let mut fields = body.fields()?;
    let items = fields.objects("profiles", 1, PROFILES_MAX);
    fields.finish(Vec::new())?;
    let items = items.ok_or_else(Problem::internal)?;
    let watchlist = |(row, item): (u64, Result<_, String>)| match item {
        Err(fault) => Watchlist {
            row,
            profile_name: None,
            draft: Err(Box::new(Problem::unreadable_row(fault))),
            rejected_rows: Vec::new(),
        },
        Ok(fields) => {
            let (profile_name, draft) = read_draft(fields, now);
            Watchlist { row, profile_name, draft: draft.map_err(Box::new), rejected_rows: Vec::new() }
        }
    };
    Ok((1..).zip(items).map(watchlist).collect())
}

/// Profiles as a file that can be read again.
#[derive(Serialize, ToSchema)]
pub(crate) struct File<'a> {
    /// What profiles are made of.
    #[schema(value_type = Vec<Object>)]
    pub(crate) profiles: Vec<&'a Draft>,
}

/// Writes profiles as CSV, a row for each instrument.
///
/// # Errors
/// None that a buffer in memory gives.
pub(crate) fn write_csv(profiles: &[Profile]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).context("write the header")?;
    for profile in profiles {
        let draft = &profile.draft;
        for key in draft.instruments.iter() {
            let row = [&*draft.profile_name, draft.subscription_type.as_str(), key];
            writer.write_record(row).context("write a row")?;
        }
    }
    writer.into_inner().context("write the rows")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Watchlist> {
        read_csv(text.as_bytes(), &Defaults::default()).unwrap()
    }

    fn keys(list: &Watchlist) -> Vec<&str> {
        list.draft.as_ref().unwrap().instruments.iter().collect()
    }

    #[test]
    fn a_key_on_each_line_is_a_profile() {
        let lists = read("# my list\nNSE:TCS\n\n NSE:INFY \nNSE:TCS\nTCS\n");

        assert_eq!(lists.len(), 1);
        assert_eq!(keys(&lists[0]), ["NSE:TCS", "NSE:INFY"]);
        let rejected: Vec<(u64, &str)> =
            lists[0].rejected_rows.iter().map(|row| (row.row, row.instrument.as_str())).collect();
        assert_eq!(rejected, [(5, "NSE:TCS"), (6, "TCS")]);
    }

    #[test]
    fn rows_of_one_name_and_type_are_a_profile() {
        let lists = read(
            "instrument,profile_name,subscription_type\nNSE:TCS,A,alerts\nNSE:INFY,B,\nNSE:ITC,A,alerts\nNSE:LT,A,x\n",
        );

        let names: Vec<_> = lists.iter().map(|list| (list.profile_name.as_deref().unwrap(), list.row)).collect();
        assert_eq!(names, [("A", 2), ("B", 3), ("A", 5)]);
        assert_eq!(keys(&lists[0]), ["NSE:TCS", "NSE:ITC"]);
        assert_eq!(lists[0].draft.as_ref().unwrap().subscription_type, SubscriptionType::Alerts);
        assert!(lists[2].draft.is_err() && lists[2].rejected_rows[0].reason.contains("`x`"));
    }

    #[test]
    fn a_file_that_is_no_watchlist_is_refused_as_a_whole() {
        for (text, why) in [
            ("", "no row"),
            ("NSE:TCS,NSE\n", "does not name them"),
            ("instrument,price\n", "unknown column `price`"),
            ("profile_name\nA\n", "no column `instrument`"),
        ] {
            let fault = read_csv(text.as_bytes(), &Defaults::default()).unwrap_err();
            assert!(fault.0.contains(why), "{text}: {fault}");
        }
        assert!(read_csv(b"NSE:\xff\n", &Defaults::default()).unwrap_err().0.contains("UTF-8"));
        let many: String = (0..=PROFILES_MAX).map(|number| format!("p{number},NSE:TCS\n")).collect();
        let fault = read_csv(format!("profile_name,instrument\n{many}").as_bytes(), &Defaults::default()).unwrap_err();
        assert!(fault.0.contains("more than 1000"), "{fault}");
    }

    #[test]
    fn what_is_beyond_a_thousand_instruments_is_told_row_by_row() {
        let text: String = (0..1002).map(|number| format!("NSE:S{number}\n")).collect();
        let lists = read(&text);

        assert_eq!(keys(&lists[0]).len(), 1000);
        assert_eq!(lists[0].rejected_rows.iter().map(|row| row.row).collect::<Vec<_>>(), [1001, 1002]);
    }
}
