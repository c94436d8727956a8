//! When a broker's file is fetched without being asked for.

use std::time::Duration;

use chrono::{DateTime, Days, FixedOffset, NaiveTime, TimeDelta, Utc};

/// India keeps one time all year.
const IST_SECONDS: i32 = 5 * 3600 + 1800;
/// How late a time of day is made up for, after a start for instance.
const CATCH_UP: TimeDelta = TimeDelta::hours(12);
/// How often a time of day is tried.
pub(in super::super) const ATTEMPTS: u32 = 6;
/// Longest pause between two attempts, unless the first is longer.
pub(in super::super) const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);

/// One time of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Due {
    pub(in super::super) at: DateTime<Utc>,
}

impl Due {
    /// What the attempt is called in the database, so that of several replicas one makes it.
    pub(in super::super) fn slot(self, attempt: u32) -> String {
        format!("{}#{attempt}", self.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    }
}

/// The time of day that was due last, no longer ago than is made up for, else the next one. `after` was dealt with.
pub(in super::super) fn next(times: &[NaiveTime], after: Option<Due>, now: DateTime<Utc>) -> Option<Due> {
    let ist = FixedOffset::east_opt(IST_SECONDS)?;
    let today = now.with_timezone(&ist).date_naive();
    let days = [today.checked_sub_days(Days::new(1))?, today, today.checked_add_days(Days::new(1))?];
    let mut all: Vec<DateTime<Utc>> = days
        .iter()
        .flat_map(|day| times.iter().filter_map(|time| day.and_time(*time).and_local_timezone(ist).single()))
        .map(|at| at.to_utc())
        .filter(|at| after.is_none_or(|after| *at > after.at))
        .collect();
    all.sort_unstable();
    let last = all.iter().rev().find(|at| **at <= now && now - **at <= CATCH_UP);
    last.or_else(|| all.iter().find(|at| **at > now)).map(|at| Due { at: *at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(times: &[&str], after: Option<&str>, now: &str) -> String {
        let times: Vec<NaiveTime> =
            times.iter().map(|time| NaiveTime::parse_from_str(time, "%H:%M").unwrap()).collect();
        let after = after.map(|at| Due { at: at.parse().unwrap() });
        next(&times, after, now.parse().unwrap()).unwrap().slot(0)
    }

    #[test]
    fn times_are_those_of_india() {
        assert_eq!(due(&["08:15"], Some("2026-11-23T02:45:00Z"), "2026-11-23T20:00:00Z"), "2026-11-24T02:45:00Z#0");
        assert_eq!(due(&["00:10"], Some("2026-11-23T18:40:00Z"), "2026-11-23T18:41:00Z"), "2026-11-24T18:40:00Z#0");
    }

    #[test]
    fn a_time_that_was_missed_is_made_up_for_within_half_a_day() {
        assert_eq!(due(&["08:15"], None, "2026-11-24T02:45:00Z"), "2026-11-24T02:45:00Z#0");
        assert_eq!(due(&["08:15"], None, "2026-11-24T14:45:00Z"), "2026-11-24T02:45:00Z#0");
        assert_eq!(due(&["08:15"], None, "2026-11-24T14:45:01Z"), "2026-11-25T02:45:00Z#0");
        // Over midnight in India.
        assert_eq!(due(&["23:50"], None, "2026-11-24T18:31:00Z"), "2026-11-24T18:20:00Z#0");
    }

    #[test]
    fn of_several_times_the_latest_is_made_up_for_and_the_nearest_waited_for() {
        let times = ["18:30", "08:15"];

        assert_eq!(due(&times, None, "2026-11-24T13:05:00Z"), "2026-11-24T13:00:00Z#0");
        assert_eq!(due(&times, Some("2026-11-24T02:45:00Z"), "2026-11-24T03:00:00Z"), "2026-11-24T13:00:00Z#0");
        assert_eq!(due(&times, Some("2026-11-24T13:00:00Z"), "2026-11-24T13:05:00Z"), "2026-11-25T02:45:00Z#0");
    }

    #[test]
    fn without_times_nothing_is_due() {
        assert_eq!(next(&[], None, Utc::now()), None);
    }
}
