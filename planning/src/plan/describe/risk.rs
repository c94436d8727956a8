//! Computes the level of a risk from the share of a limit that a plan uses.

use super::RiskLevel;
use crate::instrument::Amount;
use crate::plan::Plan;

pub(super) fn cost_risk(plan: &Plan, daily_budget: Option<Amount>) -> (RiskLevel, String) {
    let cost = plan.estimated_cost;
    let Some(budget) = daily_budget else {
        return (RiskLevel::Unknown, format!("{cost} USD per day; no daily budget is configured"));
    };
    let parts = |amount: Amount| u64::try_from(amount.ten_thousandths()).unwrap_or_default();
    let level = by_share(ratio(parts(cost), parts(budget)));
    (level, format!("{cost} USD of the daily budget of {budget} USD per user"))
}

/// Returns low below half, medium below nine tenths, high above.
pub(super) fn by_share(share: Amount) -> RiskLevel {
    match share.ten_thousandths() {
        share if share < 5_000 => RiskLevel::Low,
        share if share < 9_000 => RiskLevel::Medium,
        _ => RiskLevel::High,
    }
}

/// Returns `part` divided by `whole`, truncated to four decimals; 0 if `whole` is 0.
pub(super) fn ratio(part: u64, whole: u64) -> Amount {
    if whole == 0 {
        return Amount::ZERO;
    }
    let scaled = u128::from(part) * 10_000 / u128::from(whole);
    Amount::from_ten_thousandths(i64::try_from(scaled).unwrap_or(i64::MAX))
}
