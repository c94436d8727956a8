//! A stored request, from which a plan is created again.

use chrono::NaiveDate;

use super::PlanRequest;
use crate::capacity::Capacity;
use crate::catalogue::search::DocumentFault;

impl PlanRequest {
    /// Returns the request within the current settings, for today or a later date. Each option that the settings do not
    /// allow any more is removed, with a warning.
    #[must_use]
    pub fn repeated(&self, capacity: &Capacity, max_instruments: u32, today: NaiveDate) -> PlanRequest {
        let mut request = self.clone();
        request.options.max_instruments = request.options.max_instruments.min(max_instruments);
        request.options.as_of = request.options.as_of.max(today);
        let faults = request.feed.retain_valid_accounts(capacity, false);
        let warning =
            |DocumentFault { pointer, detail }: DocumentFault| format!("ignored option `{pointer}`: {detail}");
        request.warnings.extend(faults.into_iter().map(warning));
        request
    }
}

#[cfg(test)]
mod tests {
    use crate::capacity::Capacity;
    use crate::feed::Accounts;
    use crate::testing::request;
    use crate::vocabulary::Broker;

    #[test]
    fn a_repeated_request_is_within_the_settings() {
        let capacity = Capacity::with(None, Some("kite=a")).unwrap();
        let mut stored = request(&["NSE:TCS", "NSE:INFY"]);
        stored.feed.broker = Some(Broker::Kite);
        stored.feed.accounts = Some(Accounts::Named(vec!["a".into(), "b".into()]));
        let repeated = |max: u32, today: &str| stored.repeated(&capacity, max, today.parse().unwrap());

        let later = repeated(1, "2026-11-25");

        assert_eq!(later.options.max_instruments, 1);
        assert_eq!(later.options.as_of.to_string(), "2026-11-25");
        assert_eq!(later.feed.accounts, None);
        assert_eq!(
            later.warnings,
            ["ignored option `/accounts/1`: expected one of a, got `b`; only a dry run can exceed the settings"]
        );
        let earlier = repeated(2000, "2026-11-23");
        assert_eq!(earlier.options, stored.options);
        assert_eq!(earlier.source, stored.source);
    }
}
