use chrono::{NaiveDate, NaiveTime};

use super::*;
use crate::catalogue::{self, Builder, Catalogue};
use crate::dump::Row;
use crate::testing::{demo_catalogue, equity, future};
use crate::vocabulary::Broker;

/// Holidays of 2026 of the exchanges, with the special session of Diwali on a Sunday and an evening session of MCX.
const CALENDAR: &str = "\
exchange,date,kind,open,close,description
NSE|BSE,2026-01-26,holiday,,,Republic Day
NSE|BSE,2026-11-10,holiday,,,Diwali Balipratipada
NSE|BSE|MCX,2026-12-25,holiday,,,\"Christmas, all day\"
NSE|BSE,2026-11-08,session,18:00,19:15,Muhurat trading
MCX,2026-11-10,session,17:00,23:30,evening only
NSE|BSE,2000-01-01,regular,09:15,15:30,
MCX,2000-01-01,regular,09:00,17:00,
MCX,2000-01-01,regular,17:00,23:30,
MCX,2026-11-02,regular,09:00,23:55,winter in New York
";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn time(text: &str) -> NaiveTime {
    NaiveTime::parse_from_str(text, "%H:%M").unwrap()
}

fn calendar() -> Calendar {
    Calendar::parse(CALENDAR).unwrap()
}

fn faults(rows: &str) -> Vec<String> {
    let text = format!("{FORM}\n{rows}");
    Calendar::parse(&text).unwrap_err().iter().map(ToString::to_string).collect()
}

fn sessions(sessions: &[Session]) -> Vec<String> {
    sessions.iter().map(|own| format!("{}-{}", own.open.format("%H:%M"), own.close.format("%H:%M"))).collect()
}

/// Returns the catalog of a file with these rows.
fn catalogue_of(rows: Vec<Row>) -> Catalogue {
    let mut builder = Builder::new();
    rows.into_iter().for_each(|row| builder.add(row, true));
    builder.build("1".into(), vec![catalogue::Source { broker: Some(Broker::Kite), file_date: None, loaded_at: None }])
}

#[test]
fn holidays_and_weekends_are_not_trading_days() {
    let calendar = calendar();

    assert_eq!(calendar.day(Exchange::Nse, day("2026-01-26")), Day::Holiday("Republic Day"));
    assert_eq!(calendar.day(Exchange::Mcx, day("2026-12-25")), Day::Holiday("Christmas, all day"));
    assert_eq!(calendar.day(Exchange::Nse, day("2026-01-24")), Day::Weekend);
    assert!(calendar.is_trading_day(Exchange::Mcx, day("2026-01-26")), "not listed for MCX");
    assert!(calendar.is_trading_day(Exchange::Nse, day("2026-01-27")));
}

#[test]
fn trading_days_are_counted_without_weekends_and_holidays() {
    let calendar = calendar();
    let count = |from, until| calendar.trading_days_after(day(from), day(until));

    // A Friday: the weekend does not count, Monday does.
    assert_eq!(count("2026-11-27", "2026-11-27"), 0);
    assert_eq!(count("2026-11-27", "2026-11-29"), 0);
    assert_eq!(count("2026-11-27", "2026-11-30"), 1);
    assert_eq!(count("2026-12-24", "2026-12-25"), 0, "every exchange is closed");
    assert_eq!(count("2026-11-30", "2026-11-27"), 0, "a file of tomorrow");
    assert_eq!(count("2000-01-03", "2026-11-27"), count("2000-01-03", "2001-01-03"), "at most a year is examined");
}

#[test]
fn without_a_calendar_every_weekday_is_a_trading_day() {
    let calendar = Calendar::default();

    // A public holiday on a Monday.
    assert_eq!(calendar.trading_days_after(day("2026-01-23"), day("2026-01-26")), 1);
    assert_eq!(calendar.trading_days_after(day("2026-01-23"), day("2026-01-25")), 0);
}

#[test]
fn a_session_opens_a_weekend_and_replaces_the_regular_ones() {
    let calendar = calendar();
    let at = |exchange, date| sessions(calendar.sessions(exchange, day(date)));

    assert_eq!(at(Exchange::Nse, "2026-11-08"), ["18:00-19:15"]);
    assert_eq!(at(Exchange::Mcx, "2026-11-10"), ["17:00-23:30"]);
    assert_eq!(at(Exchange::Mcx, "2026-11-08"), [""; 0]);
    assert_eq!(at(Exchange::Nse, "2026-11-10"), [""; 0]);
}

#[test]
fn regular_sessions_apply_from_their_date_on() {
    let calendar = calendar();
    let at = |exchange, date| sessions(calendar.sessions(exchange, day(date)));

    assert_eq!(at(Exchange::Nse, "2026-11-09"), ["09:15-15:30"]);
    assert_eq!(at(Exchange::Mcx, "2026-10-30"), ["09:00-17:00", "17:00-23:30"]);
    assert_eq!(at(Exchange::Mcx, "2026-11-02"), ["09:00-23:55"]);
    assert_eq!(at(Exchange::Nse, "1999-12-31"), [""; 0], "before the first date");
    assert_eq!(at(Exchange::Cds, "2026-11-09"), [""; 0], "not listed");
}

#[test]
fn a_session_is_open_until_it_closes() {
    let calendar = calendar();
    let open = |text| calendar.session(Exchange::Nse, day("2026-11-09"), time(text)).is_some();

    assert_eq!(["09:14", "09:15", "15:29", "15:30"].map(open), [false, true, true, false]);
    let evening = calendar.session(Exchange::Mcx, day("2026-10-30"), time("17:00")).unwrap();
    assert_eq!(sessions(&[evening]), ["17:00-23:30"]);
}

#[test]
fn derivatives_follow_their_cash_market_without_own_entries() {
    let calendar = calendar();
    let own = "exchange,date,kind\nNSE,2026-01-26,holiday\nNFO,2026-01-27,holiday\n";
    let own = Calendar::parse(own).unwrap();

    assert!(!calendar.is_trading_day(Exchange::Nfo, day("2026-01-26")));
    assert!(!calendar.is_trading_day(Exchange::Bfo, day("2026-11-10")));
    assert!(calendar.is_trading_day(Exchange::Cds, day("2026-01-26")), "currencies have other holidays");
    assert!(own.is_trading_day(Exchange::Nfo, day("2026-01-26")));
    assert!(!own.is_trading_day(Exchange::Nfo, day("2026-01-27")));
}

#[test]
fn a_calendar_covers_the_years_of_its_holidays() {
    let calendar = calendar();

    assert!(calendar.covers(Exchange::Nse, day("2026-01-01")));
    assert!(calendar.covers(Exchange::Nfo, day("2026-12-31")));
    assert!(!calendar.covers(Exchange::Nse, day("2027-01-01")));
    assert!(!calendar.covers(Exchange::Nse, day("2025-12-31")));
    assert!(!calendar.covers(Exchange::Cds, day("2026-06-01")));
    let all = calendar.coverage().keys().copied().collect::<Vec<_>>();
    assert_eq!(all, [Exchange::Bse, Exchange::Mcx, Exchange::Nse]);
}

#[test]
fn the_next_trading_day_follows_weekend_and_holidays() {
    let calendar = calendar();
    let next = |exchange, from| calendar.next_trading_day(exchange, day(from)).to_string();

    assert_eq!(next(Exchange::Nse, "2026-01-23"), "2026-01-23");
    assert_eq!(next(Exchange::Nse, "2026-01-24"), "2026-01-27");
    assert_eq!(next(Exchange::Nse, "2026-11-07"), "2026-11-08", "a session on Sunday");
    assert_eq!(next(Exchange::Mcx, "2026-11-07"), "2026-11-09");
    assert_eq!(next(Exchange::Nse, "2026-12-25"), "2026-12-28");
    assert_eq!(next(Exchange::Nse, "2027-01-30"), "2027-02-01", "beyond the end, weekends are known");
}

#[test]
fn the_plan_date_is_the_first_day_on_which_an_exchange_trades() {
    let calendar = calendar();
    let date = |today| calendar.plan_date(day(today)).to_string();

    assert_eq!(date("2026-11-09"), "2026-11-09");
    assert_eq!(date("2026-01-26"), "2026-01-26", "MCX trades");
    assert_eq!(date("2026-12-25"), "2026-12-28", "no exchange trades until Monday");
    assert_eq!(date("2026-11-07"), "2026-11-08");
    assert_eq!(date("2027-01-02"), "2027-01-04");
    assert_eq!(Calendar::default().plan_date(day("2026-11-28")), day("2026-11-28"), "without a calendar");
}

#[test]
fn a_calendar_warns_from_30_days_before_its_end() {
    let calendar = calendar();
    let all = || vec![Exchange::Bse, Exchange::Mcx, Exchange::Nse];

    assert_eq!(calendar.state(day("2026-11-30")), CalendarState::Current(day("2026-12-31")));
    assert_eq!(calendar.warning(day("2026-11-30")), None);
    assert_eq!(calendar.state(day("2026-12-01")), CalendarState::Ending(day("2026-12-31"), all()));
    let ending = "trading calendar of BSE, MCX, NSE ends on 2026-12-31: load the calendar of the next year";
    assert_eq!(calendar.warning(day("2026-12-31")).unwrap(), ending);
    assert_eq!(calendar.state(day("2027-01-01")), CalendarState::Ended(day("2026-12-31"), all()));
    let ended = "trading calendar of BSE, MCX, NSE ended on 2026-12-31: only weekends are known after that date; load \
                 the calendar of the current year";
    assert_eq!(calendar.warning(day("2027-01-01")).unwrap(), ended);
    let missing = "no trading calendar is loaded: only weekends are known, no holidays";
    assert_eq!(Calendar::default().warning(day("2026-11-30")).unwrap(), missing);
}

#[test]
fn the_exchange_that_ends_first_decides_the_state() {
    let text = "exchange,date,kind\nNSE,2026-01-26,holiday\nNSE,2027-01-26,holiday\nMCX,2026-01-26,holiday\n";
    let calendar = Calendar::parse(text).unwrap();

    assert_eq!(calendar.state(day("2027-02-01")), CalendarState::Ended(day("2026-12-31"), vec![Exchange::Mcx]));
}

#[test]
fn a_calendar_that_knows_fewer_days_ahead_is_shorter() {
    let next = "exchange,date,kind\nNSE,2026-01-26,holiday\nNSE,2027-01-26,holiday\nBSE,2026-01-26,holiday\n";
    let next = Calendar::parse(next).unwrap();

    assert_eq!(next.shorter_than(&calendar()), [(Exchange::Mcx, day("2026-12-31"))]);
    assert_eq!(calendar().shorter_than(&next), [(Exchange::Nse, day("2027-12-31"))]);
    assert_eq!(calendar().shorter_than(&Calendar::default()), []);
}

#[test]
fn a_file_reads_back_equal_from_its_own_form() {
    let calendar = calendar();

    let text = calendar.to_csv();

    assert_eq!(Calendar::parse(&text), Ok(calendar));
    assert!(text.starts_with("exchange,date,kind,open,close,description\nBSE,2026-01-26,holiday,,,Republic Day\n"));
    assert!(text.contains("MCX,2026-12-25,holiday,,,\"Christmas, all day\"\n"), "{text}");
}

#[test]
fn columns_comments_and_blank_lines_may_be_anywhere() {
    let text = "\u{feff}# exported on Monday\r\n\r\nKIND, Date ,Exchange\r\nholiday,2026-01-26, NSE | BSE\r\n# end\r\n";

    let calendar = Calendar::parse(text).unwrap();

    let entries: Vec<_> = calendar.entries().iter().map(|entry| (entry.date.to_string(), entry.exchange)).collect();
    assert_eq!(entries, [("2026-01-26".to_owned(), Exchange::Bse), ("2026-01-26".to_owned(), Exchange::Nse)]);
}

#[test]
fn entries_are_sorted_by_date_then_exchange() {
    let calendar = calendar();

    let entries = calendar.entries();

    assert!(entries.is_sorted_by_key(|entry| (entry.date, entry.exchange, entry.kind)));
    assert_eq!(entries.len(), 14);
    let muhurat = entries.iter().find(|own| own.exchange == Exchange::Bse && own.kind == EntryKind::Session).unwrap();
    assert_eq!(muhurat.description, "Muhurat trading");
    assert_eq!(sessions(muhurat.sessions), ["18:00-19:15"]);
}

#[test]
fn every_fault_is_reported_with_its_line() {
    let rows = "\
NSE,2026-01-26,holiday,,,
NSX,2026-02-30,closed,,,
NSE|NSE,2026-03-03,holiday,09:15,,
NSE,2026-03-03,session,9:15,,
NSE,2026-03-04,session,15:30,09:15,
NSE,2026-03-05
NSE,1999-12-31,holiday,,,
NSE,2026-03-06,holiday,,,\"open quote
NSE,2026-03-07,regular,25:00,26:00,
";

    assert_eq!(
        faults(rows),
        [
            "line 3: `exchange`: expected one or more of BCD, BFO, BSE, CDS, GLOBAL, MCX, NCO, NFO, NSE, NSEIX, got `NSX`",
            "line 3: `date`: expected YYYY-MM-DD from 2000-01-01 to 2099-12-31, got `2026-02-30`",
            "line 3: `kind`: expected one of holiday, session, regular, got `closed`",
            "line 4: `exchange`: `NSE` is repeated",
            "line 4: `open`: expected no time for a holiday, got `09:15`",
            "line 5: `open`: expected a time as HH:MM, got `9:15`",
            "line 5: `close`: expected a time as HH:MM, got ``",
            "line 6: `close`: expected a time after `open`, got 15:30 to 09:15",
            "line 7: expected 6 fields, got 2",
            "line 8: `date`: expected YYYY-MM-DD from 2000-01-01 to 2099-12-31, got `1999-12-31`",
            "line 10: `open`: expected a time as HH:MM, got `25:00`",
            "line 10: `close`: expected a time as HH:MM, got `26:00`",
        ]
    );
}

#[test]
fn contradicting_rows_of_a_file_are_faults() {
    let rows = "\
NSE,2026-01-26,holiday,,,
NSE,2026-01-26,holiday,,,
NSE,2026-01-26,session,18:00,19:00,
BSE,2026-11-08,session,18:00,19:15,
BSE,2026-11-08,session,19:00,20:00,
BSE,2026-11-08,session,19:15,20:00,
BSE,2026-11-08,holiday,,,
";

    assert_eq!(
        faults(rows),
        [
            "line 3: holiday of NSE on 2026-01-26 is repeated: see line 2",
            "line 4: NSE has a holiday and a session on 2026-01-26: keep only the session if it trades, see line 2",
            "line 6: session of BSE on 2026-11-08 overlaps another one",
            "line 8: BSE has a holiday and a session on 2026-11-08: keep only the session if it trades, see line 5",
        ]
    );
}

#[test]
fn a_year_without_a_holiday_between_others_is_a_fault() {
    let rows = "NSE,2025-02-26,holiday,,,\nNSE,2028-01-26,holiday,,,\nMCX,2026-11-10,session,17:00,23:30,\n";

    assert_eq!(
        faults(rows),
        [
            "no holiday of MCX: expected those of at least one year",
            "no holiday of NSE in 2026: expected one in each year from first to last",
            "no holiday of NSE in 2027: expected one in each year from first to last",
        ]
    );
}

#[test]
fn a_file_in_another_form_is_rejected_at_its_header() {
    let of =
        |text: &str| -> Vec<String> { Calendar::parse(text).unwrap_err().iter().map(ToString::to_string).collect() };

    assert_eq!(
        of("Sr. No,Date,Day,Date\nx\n"),
        [
            "line 1: expected columns of `exchange,date,kind,open,close,description`, got `Sr. No`",
            "line 1: expected columns of `exchange,date,kind,open,close,description`, got `Day`",
            "line 1: column `date` is repeated",
            "line 1: column `exchange` is required",
            "line 1: column `kind` is required",
        ]
    );
    let empty = "expected a header `exchange,date,kind,open,close,description` and at least one row, got none";
    assert_eq!(of(""), [empty]);
    assert_eq!(of("exchange,date,kind\n"), [empty]);
}

#[test]
fn a_file_has_a_limited_number_of_rows() {
    let row = |number: i64| format!("NSE,{},holiday,,,\n", day("2026-01-01") + TimeDelta::days(number));
    let fault = |line: usize| format!("line {line}: expected at most 2000 rows, one for each exchange, got more");
    let most = i64::try_from(ROWS_MAX).unwrap();
    let rows: String = (0..most).map(row).collect();

    assert!(Calendar::parse(&format!("{FORM}\n{rows}")).is_ok());
    assert_eq!(faults(&(rows + &row(most))), [fault(ROWS_MAX + 2)]);
    let of_two: String = (0..most / 2).map(row).collect::<String>().replace("NSE", "NSE|BSE");
    assert!(Calendar::parse(&format!("{FORM}\n{of_two}")).is_ok());
    assert_eq!(faults(&(of_two + &row(most))), [fault(ROWS_MAX / 2 + 2)]);
}

#[test]
fn expiries_on_closed_days_contradict_the_calendar() {
    let catalogue = catalogue_of(vec![
        future("NIFTY", "NIFTY26NOVFUT", "2026-11-10"),
        future("TCS", "TCS26NOVFUT", "2026-11-10"),
        future("TCS", "TCS26DECFUT", "2026-12-26"),
        future("TCS", "TCS27JANFUT", "2027-01-26"),
        future("INFY", "INFY26NOVFUT", "2026-11-09"),
        future("INFY", "INFY26NOV2FUT", "2026-11-08"),
        equity("NSE", "TCS", "INE467B01029"),
    ]);

    let found: Vec<String> = calendar().contradictions(&catalogue).iter().map(ToString::to_string).collect();

    assert_eq!(
        found,
        [
            "2 contracts of NFO expire on 2026-11-10, a holiday (Diwali Balipratipada), for example `NFO:NIFTY26NOVFUT`",
            "1 contract of NFO expires on 2026-12-26, a weekend, for example `NFO:TCS26DECFUT`",
        ]
    );
    assert_eq!(Calendar::default().contradictions(&catalogue), []);
}

#[test]
fn rows_of_a_file_contradict_the_calendar_too() {
    let rows = [future("TCS", "TCS26NOVFUT", "2026-11-10"), future("INFY", "INFY26NOVFUT", "2026-11-09")];

    let found = calendar().contradicted_by_rows(rows.iter());

    let expected =
        "1 contract of NFO expires on 2026-11-10, a holiday (Diwali Balipratipada), for example `NFO:TCS26NOVFUT`";
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}

#[test]
fn contradictions_and_missing_days_are_objections() {
    let catalogue = catalogue_of(vec![future("NIFTY", "NIFTY27JANFUT", "2027-01-26")]);
    let next = "exchange,date,kind\nNSE,2026-01-26,holiday\nNSE,2027-01-26,holiday\nBSE,2025-02-26,holiday\n";
    let next = Calendar::parse(next).unwrap();

    assert_eq!(
        next.objections(&calendar(), &catalogue),
        [
            "1 contract of NFO expires on 2027-01-26, a holiday, for example `NFO:NIFTY27JANFUT`",
            "holidays of BSE end on 2025-12-31, those in effect on 2026-12-31",
            "no holidays of MCX, whose holidays in effect end on 2026-12-31",
        ]
    );
    assert_eq!(calendar().objections(&calendar(), &catalogue), [""; 0]);
}

#[test]
fn inactive_and_generated_contracts_contradict_nothing() {
    let mut builder = Builder::new();
    builder.add(future("NIFTY", "NIFTY26NOVFUT", "2026-11-10"), false);
    let gone = builder
        .build("1".into(), vec![catalogue::Source { broker: Some(Broker::Kite), file_date: None, loaded_at: None }]);
    let tuesdays = Calendar::parse("exchange,date,kind\nNSE,2026-11-24,holiday\n").unwrap();

    assert_eq!(calendar().contradictions(&gone), []);
    assert_eq!(tuesdays.contradictions(&demo_catalogue()), []);
}

#[test]
fn exchanges_with_contracts_but_without_holidays_are_uncovered() {
    let mut other = future("USDINR", "USDINR26NOVFUT", "2026-11-26");
    other.exchange = Exchange::Cds;
    let catalogue =
        catalogue_of(vec![future("NIFTY", "NIFTY26NOVFUT", "2026-11-09"), other, equity("NSE", "TCS", "INE467B01029")]);

    assert_eq!(calendar().uncovered(&catalogue, day("2026-11-09")), [Exchange::Cds]);
    assert_eq!(calendar().uncovered(&catalogue, day("2027-11-09")), [Exchange::Cds, Exchange::Nfo]);
}
