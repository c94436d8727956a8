//! The words and formats that several modules need. This module imports no other one.
//!
//! Every closed list of words of the API is an enum that `words!` declares.

mod format;
mod ids;
mod market;

pub use self::format::{counted, format_time, hex};
pub(crate) use self::format::{named, verb};
pub use self::ids::{CacheKey, ProfileReference};
pub use self::market::{Broker, Exchange, InstrumentType, Segment};

/// Declares an enum whose values are written, read and serialized as words.
macro_rules! words {
    (
        $(#[$meta:meta])* $name:ident {
            $(#[$first_meta:meta])* $first:ident = $first_word:tt
            $(, $(#[$variant_meta:meta])* $variant:ident = $word:tt)* $(,)?
        }
    ) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        $(#[$meta])*
        pub enum $name {
            $(#[$first_meta])* #[serde(rename = $first_word)] $first,
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant),*
        }

        impl $name {
            /// All values, in the order of their declaration.
            pub const ALL: [$name; [$first_word $(, $word)*].len()] = [$name::$first $(, $name::$variant)*];

            /// The words of all values, separated by commas, for messages.
            pub const WORDS: &'static str = concat!($first_word $(, ", ", $word)*);

            /// Returns the word of the value, as JSON and storage contain it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $name::$first => $first_word,
                    $($name::$variant => $word),*
                }
            }

            /// Parses a word; `None` if it is the word of no value.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $first_word => Some($name::$first),
                    $($word => Some($name::$variant),)*
                    _ => None,
                }
            }
        }

        impl $crate::vocabulary::Word for $name {
            const WORDS: &'static str = $name::WORDS;

            fn parse(word: &str) -> Option<Self> {
                $name::parse(word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

/// An enum whose values are written and read as words. `words!` implements it.
pub trait Word: Copy + PartialEq + Send + Sync + 'static {
    /// The words of all values, separated by commas, for messages.
    const WORDS: &'static str;

    /// Parses a word; `None` if it is the word of no value.
    fn parse(word: &str) -> Option<Self>;
}

words! {
    /// The use of the instruments.
    SubscriptionType {
        /// A stream of market data.
        LiveFeed = "live_feed",
        /// Past candles.
        Historical = "historical",
        /// Prices to watch for a level.
        Alerts = "alerts",
    }
}

// In ascending order: a mode is greater than each mode that it includes.
words! {
    /// The streaming mode of an instrument: the amount of data that the feed sends.
    #[repr(u8)]
    Mode {
        /// The last traded price.
        Ltp = "ltp",
        /// The last traded price and the greeks of an option.
        Greeks = "greeks",
        /// Price, volume and day's range.
        Quote = "quote",
        /// Quote and market depth of five levels.
        Full = "full",
        /// Full, with a depth of 20 levels.
        Depth20 = "depth20",
        /// Full, with a depth of 30 levels.
        Depth30 = "depth30",
        /// Full, with a depth of 50 levels.
        Depth50 = "depth50",
        /// Full, with a depth of 200 levels.
        Depth200 = "depth200",
    }
}

impl Mode {
    /// Whether this mode sends everything that the other one sends. Every mode includes itself and the last traded price.
    pub fn includes(self, other: Mode) -> bool {
        self == other || other == Mode::Ltp || (self > other && self != Mode::Greeks && other != Mode::Greeks)
    }
}

words! {
    /// The optimization level of a plan.
    OptimizationLevel {
        /// Removes duplicates and keeps the first instruments in the order of the caller.
        Low = "low",
        /// As `low`, then sorts the instruments that are kept.
        Moderate = "moderate",
        /// Collapses aliases and cross-listings, ranks by worth, and distributes slots fairly over exchanges.
        Aggressive = "aggressive",
    }
}

words! {
    /// The distribution of the instruments of a plan over connections.
    PlacementStrategy {
        /// Equal numbers and rates on all connections.
        Balanced = "balanced",
        /// The contracts of one underlying on one connection if they fit.
        Together = "together",
        /// The contracts of one underlying on different connections.
        Spread = "spread",
    }
}

words! {
    /// The condition that a key must meet to be kept.
    FilteringStrictness {
        /// The key is well-formed.
        Lenient = "lenient",
        /// The catalog contains the key.
        Moderate = "moderate",
        /// The catalog contains the key, and the instrument is active and not expired on the date of the plan.
        Strict = "strict",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_parsed_to_its_value() {
        for mode in Mode::ALL {
            assert_eq!(Mode::parse(mode.as_str()), Some(mode));
            assert_eq!(serde_json::to_string(&mode).unwrap(), format!("\"{mode}\""));
        }
        assert_eq!(Mode::parse("LTP"), None);
    }

    #[test]
    fn a_mode_includes_what_it_sends() {
        let includes = |mode: Mode| Mode::ALL.into_iter().filter(|other| mode.includes(*other)).collect::<Vec<_>>();

        assert_eq!(includes(Mode::Ltp), [Mode::Ltp]);
        assert_eq!(includes(Mode::Greeks), [Mode::Ltp, Mode::Greeks]);
        assert_eq!(includes(Mode::Full), [Mode::Ltp, Mode::Quote, Mode::Full]);
        assert_eq!(includes(Mode::Depth30), [Mode::Ltp, Mode::Quote, Mode::Full, Mode::Depth20, Mode::Depth30]);
    }

    #[test]
    fn words_lists_all_values_in_order() {
        assert_eq!(Mode::WORDS, Mode::ALL.map(Mode::as_str).join(", "));
        assert_eq!(Broker::WORDS, Broker::ALL.map(Broker::as_str).join(", "));
    }
}
