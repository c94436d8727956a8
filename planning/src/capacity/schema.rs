//! The schemas of figures in the API. A generic type would have no description of its value.

use chrono::NaiveDate;
use utoipa::ToSchema;

use super::{ChangeMode, OnExcess};
use crate::vocabulary::Segment;

/// Declares the schemas of [`Sourced`](super::Sourced) and [`OtherValue`](super::OtherValue) for types of values.
macro_rules! figures {
    ($($figure:ident, $other:ident: $value:ty $(, $(#[$meta:meta])* $field:ident: $kind:ty)?;)+) => { $(
        /// A figure with its source.
        #[derive(ToSchema)]
        #[allow(dead_code)] // Only documentation: `Sourced` is written.
        pub(super) struct $figure {
            /// The value in force.
            value: $value,
            $($(#[$meta])* $field: $kind,)?
            /// A document, an observation, or `assumption: …`.
            source: String,
            /// The day on which the source was checked.
            seen: NaiveDate,
            /// The reason why this value is in force. Present if other sources contradict it.
            #[schema(nullable = false)]
            because: Option<String>,
            /// The values of other sources. Absent if no source contradicts the value.
            #[schema(nullable = false)]
            others: Option<Vec<$other>>,
            /// Whether the file of limits in the settings overrides the figure.
            overridden: bool,
        }

        /// The value of another source.
        #[derive(ToSchema)]
        #[allow(dead_code)] // Only documentation: `OtherValue` is written.
        pub(super) struct $other {
            /// The value.
            value: $value,
            /// A document or an observation.
            source: String,
            /// The day on which the source was checked.
            seen: NaiveDate,
        }
    )+ };
}

figures! {
    NumberFigure, OtherNumber: u32;
    FlagFigure, OtherFlag: bool;
    TextFigure, OtherText: String;
    OnExcessFigure, OtherOnExcess: OnExcess;
    ChangeModeFigure, OtherChangeMode: ChangeMode;
    SegmentsFigure, OtherSegments: Vec<Segment>;
    FeeFigure, OtherFee: u32,
        /// The currency, by its ISO 4217 code.
        currency: String;
}
