//! The conditions that a file must meet, as settings.

/// The conditions that a file must meet. Shares are in hundredths of a percent of the number in their description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateSettings {
    /// The minimum number of rows in the first file of a broker.
    pub first_rows_min: u64,
    /// The maximum decrease of the number of rows since the last file, as a share of the rows of the last file.
    pub rows_fewer_max: Share,
    /// The maximum increase of the number of rows, as a share of the same.
    pub rows_more_max: Share,
    /// The maximum number of rejected rows, as a share of the rows read.
    pub rejected_max: Share,
    /// The maximum number of instruments whose lot size changes, as a share of the instruments in both files.
    pub lots_changed_max: Share,
    /// The maximum number of instruments whose expiry moves, as a share of the same.
    pub expiries_moved_max: Share,
}

impl Default for GateSettings {
    /// Exchanges revise the lot sizes of many contracts at a time (53 of those that two files five months apart
    /// shared), but never those of a fifth of all instruments between two days.
    fn default() -> Self {
        GateSettings {
            first_rows_min: 1000,
            rows_fewer_max: Share::percent(30),
            rows_more_max: Share::percent(50),
            rejected_max: Share::percent(1),
            lots_changed_max: Share::percent(20),
            expiries_moved_max: Share::percent(20),
        }
    }
}

/// A limit relative to a number of rows, in hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// Returns a share from a number of whole percent.
    pub const fn percent(percent: u32) -> Self {
        Share(percent * 100)
    }

    /// Parses percent with at most two decimals, 0 to 1000.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 4 || decimals.len() > 2 || !is_number(whole) || !is_number(decimals) {
            return None;
        }
        let hundredths = format!("{whole}{decimals:0<2}").parse().ok()?;
        (hundredths <= 100_000).then_some(Share(hundredths))
    }

    /// Returns `part` divided by `whole`, rounded up, so that rounding never hides an excess. The share of 0 in 0 is 0.
    pub(super) fn of(part: u64, whole: u64) -> Self {
        let share = (part * 10_000).div_ceil(whole.max(1));
        Share(u32::try_from(share).unwrap_or(u32::MAX))
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, hundredths) = (self.0 / 100, self.0 % 100);
        match hundredths {
            0 => write!(f, "{whole} %"),
            _ if hundredths % 10 == 0 => write!(f, "{whole}.{} %", hundredths / 10),
            _ => write!(f, "{whole}.{hundredths:02} %"),
        }
    }
}
