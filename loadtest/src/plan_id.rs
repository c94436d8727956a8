//! The ids of plans.

/// The id of a plan: `plan_` and 32 lowercase hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PlanId(u128);

impl PlanId {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        hex_digits(text.strip_prefix("plan_")?, 32).map(PlanId)
    }

    #[cfg(test)]
    pub(crate) fn of(number: u128) -> Self {
        PlanId(number)
    }
}

/// Parses exactly `count` lowercase hex digits.
pub(crate) fn hex_digits(digits: &str, count: usize) -> Option<u128> {
    // `from_str_radix` alone would take a sign, fewer digits and capitals.
    let is_hex = digits.len() == count && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| u128::from_str_radix(digits, 16).ok()).flatten()
}

impl std::fmt::Display for PlanId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "plan_{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_id_is_unchanged_after_a_round_trip() {
        let text = "plan_0192f3a4b5c67d8e9f00112233445566";

        let plan_id = PlanId::parse(text).expect("the id is valid");

        assert_eq!(plan_id.to_string(), text);
        assert_eq!(PlanId(1).to_string(), "plan_00000000000000000000000000000001");
    }

    #[test]
    fn a_plan_id_of_another_form_is_rejected() {
        for text in [
            "",
            "plan_",
            "0192f3a4b5c67d8e9f00112233445566",
            "plan_0192f3a4b5c67d8e9f0011223344556",
            "plan_0192f3a4b5c67d8e9f001122334455667",
            "plan_0192F3A4B5C67D8E9F00112233445566",
            "plan_0192f3a4-b5c6-7d8e-9f00-112233445566",
            "plan_+192f3a4b5c67d8e9f00112233445566",
            "profile_0192f3a4b5c67d8e9f00112233445566",
        ] {
            assert_eq!(PlanId::parse(text), None, "{text}");
        }
    }
}
