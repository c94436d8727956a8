//! Trading calendars.

use chrono::DateTime;
use registry_planning::calendar::Calendar;

use super::{Database, prepared};
use crate::calendar::{CALENDARS_KEPT, CalendarRecord, StoredCalendar};

fn record(source: &str, text: &str) -> CalendarRecord {
    CalendarRecord {
        source: source.to_owned(),
        loaded_at: DateTime::from_timestamp_millis(1_700_000_000_123).unwrap(),
        calendar: Calendar::parse(text).unwrap(),
    }
}

fn calendar_of(year: i64) -> CalendarRecord {
    record(&format!("{year}.csv"), &format!("exchange,date,kind\nNSE,{year}-01-26,holiday\n"))
}

pub(crate) async fn no_calendar_exists_before_the_first_one(database: &dyn Database) {
    let store = prepared(database).await;

    assert_eq!(store.calendar_after(0).await, Ok(None));
    store.close().await;
}

pub(crate) async fn a_calendar_reads_back_equal_after_reopening(database: &dyn Database) {
    let store = prepared(database).await;
    let text = "exchange,date,kind,open,close,description\n\
                NSE|BSE,2026-01-26,holiday,,,\"Republic Day, ₹\"\n\
                NSE,2026-11-08,session,18:00,19:15,Muhurat 'trading'\n\
                MCX,2026-12-25,holiday,,,\n\
                MCX,2026-01-01,regular,09:00,17:00,\nMCX,2026-01-01,regular,17:00,23:55,\n";
    let record = record("\"holidays\" 2026.csv", text);

    let version = store.save_calendar(&record).await.unwrap();
    store.close().await;
    let reopened = prepared(database).await;

    assert_eq!(reopened.calendar_after(0).await, Ok(Some(StoredCalendar { version, record })));
    reopened.close().await;
}

pub(crate) async fn the_newest_calendar_is_read_unless_it_is_known(database: &dyn Database) {
    let store = prepared(database).await;

    let first = store.save_calendar(&calendar_of(2026)).await.unwrap();
    let second = store.save_calendar(&calendar_of(2025)).await.unwrap();

    assert!(second > first);
    let newest = store.calendar_after(first).await.unwrap().unwrap();
    assert_eq!(newest, StoredCalendar { version: second, record: calendar_of(2025) });
    assert_eq!(store.calendar_after(0).await.unwrap(), Some(newest));
    assert_eq!(store.calendar_after(second).await, Ok(None));
    store.close().await;
}

pub(crate) async fn ten_calendars_are_kept(database: &dyn Database) {
    let store = prepared(database).await;

    for year in 2000..2000 + CALENDARS_KEPT + 2 {
        store.save_calendar(&calendar_of(year)).await.unwrap();
    }

    let kept = database.texts("select source from calendar_loads order by version").await;
    let expected: Vec<String> = (2002..2002 + CALENDARS_KEPT).map(|year| format!("{year}.csv")).collect();
    assert_eq!(kept, expected);
    store.close().await;
}
