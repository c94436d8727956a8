//! The date of a plan whose request has none.

use chrono::NaiveDate;

use super::PlanRequest;
use crate::calendar::Calendar;

impl PlanRequest {
    /// Adds the warning about a trading calendar that is missing or ends. The date of the plan must come from the
    /// calendar.
    ///
    /// Only a plan at a broker with contracts gets the warning: plans without a broker must not change, and the
    /// date only affects expiries.
    pub fn warn_about_calendar(&mut self, calendar: &Calendar, today: NaiveDate) {
        if self.feed.broker.is_some() && self.source.may_have_contracts() {
            self.warnings.extend(calendar.warning(today));
        }
    }

    /// Replaces the warning about the calendar by the one of today. A request without one is unchanged: its caller may
    /// have chosen the date.
    pub fn renew_calendar_warning(&mut self, calendar: &Calendar, today: NaiveDate) {
        let count = self.warnings.len();
        self.warnings.retain(|warning| !Calendar::is_warning(warning));
        if self.warnings.len() < count {
            self.warn_about_calendar(calendar, today);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::calendar::Calendar;
    use crate::feed::StreamOptions;
    use crate::request::PlanRequest;
    use crate::testing::request;
    use crate::vocabulary::Broker;

    fn warnings(keys: &[&str], broker: Option<Broker>, calendar: &Calendar, today: &str) -> Vec<String> {
        let mut request = PlanRequest { feed: StreamOptions { broker, ..StreamOptions::default() }, ..request(keys) };
        request.warn_about_calendar(calendar, today.parse().unwrap());
        request.warnings
    }

    #[test]
    fn a_plan_of_contracts_at_a_broker_warns_about_the_calendar() {
        let (none, kite) = (Calendar::new(), Some(Broker::Kite));
        let known = Calendar::parse("exchange,date,kind\nNSE,2026-01-26,holiday\n").unwrap();
        let contract = &["NSE:TCS", "NFO:NIFTY26NOVFUT"];

        let missing = ["no trading calendar is loaded: only weekends are known, no holidays"];
        assert_eq!(warnings(contract, kite, &none, "2026-11-24"), missing);
        assert_eq!(warnings(contract, kite, &known, "2026-11-24"), [""; 0]);
        assert_eq!(warnings(contract, kite, &known, "2027-01-01").len(), 1, "it ended");
        assert_eq!(warnings(&["NSE:TCS"], kite, &none, "2026-11-24"), [""; 0], "nothing expires");
        assert_eq!(warnings(contract, None, &none, "2026-11-24"), [""; 0], "no broker");
    }

    #[test]
    fn a_warning_about_the_calendar_is_renewed() {
        let known = Calendar::parse("exchange,date,kind\nNSE,2026-01-26,holiday\n").unwrap();
        let of_broker = StreamOptions { broker: Some(Broker::Kite), ..StreamOptions::default() };
        let mut request = PlanRequest { feed: of_broker, ..request(&["NFO:NIFTY26NOVFUT"]) };
        request.warnings.push("another".to_owned());
        let (none, date) = (Calendar::new(), "2026-11-24");
        request.renew_calendar_warning(&none, date.parse().unwrap());
        assert_eq!(request.warnings, ["another"], "the request had none");
        let stored: Vec<String> = ["2026-12-24", "2027-01-01"]
            .into_iter()
            .filter_map(|day| known.warning(day.parse().unwrap()))
            .chain(none.warning(date.parse().unwrap()))
            .collect();
        assert_eq!(stored.len(), 3);

        for warning in stored {
            let mut request = PlanRequest { warnings: vec![warning.clone(), "another".to_owned()], ..request.clone() };
            let mut other = request.clone();
            request.renew_calendar_warning(&known, date.parse().unwrap());
            other.renew_calendar_warning(&none, date.parse().unwrap());

            assert_eq!(request.warnings, ["another"], "{warning}");
            assert_eq!(
                other.warnings,
                ["another", "no trading calendar is loaded: only weekends are known, no holidays"]
            );
        }
    }
}
