//! The times at which brokers' files are loaded on schedule.

use std::time::Duration;

use chrono::{DateTime, Days, FixedOffset, NaiveTime, TimeDelta, Utc};

/// The offset of Asia/Kolkata, which has no daylight saving time.
const IST_SECONDS: i32 = 5 * 3600 + 1800;
/// Maximum delay with which a missed time is caught up on, for example after a start.
const CATCH_UP: TimeDelta = TimeDelta::hours(12);
/// Maximum number of attempts per scheduled time.
pub(super) const ATTEMPTS: u32 = 6;
/// Maximum pause between two attempts, unless the first pause is longer.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);

/// One time of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: DateTime<Utc>,
}

impl Due {
    /// Returns the name of the attempt in the database, so that only one of several replicas makes it.
    pub(super) fn slot(self, attempt: u32) -> String {
        format!("{}#{attempt}", self.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    }
}

/// Returns the last scheduled time if it is recent enough to be caught up on, else the next one. Ignores times up to
/// `after`, which are done.
pub(super) fn next(times: &[NaiveTime], after: Option<Due>, now: DateTime<Utc>) -> Option<Due> {
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
    fn a_missed_time_is_caught_up_on_within_half_a_day() {
        assert_eq!(due(&["08:15"], None, "2026-11-24T02:45:00Z"), "2026-11-24T02:45:00Z#0");
        assert_eq!(due(&["08:15"], None, "2026-11-24T14:45:00Z"), "2026-11-24T02:45:00Z#0");
        assert_eq!(due(&["08:15"], None, "2026-11-24T14:45:01Z"), "2026-11-25T02:45:00Z#0");
        // Over midnight in India.
        assert_eq!(due(&["23:50"], None, "2026-11-24T18:31:00Z"), "2026-11-24T18:20:00Z#0");
    }

    #[test]
    fn the_latest_missed_time_is_due_else_the_next_one() {
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
