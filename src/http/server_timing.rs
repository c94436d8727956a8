//! The header `Server-Timing`: the time of a request in each stage.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use registry_actors::trace::{RequestTrace, Stage};

pub(super) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The capacity for all stages of a request that took some hours.
const CAPACITY: usize = 128;

/// Returns the stages that have occurred, and the whole time.
///
/// All times are rounded down, so that the stages together are never longer than the whole.
pub(super) fn server_timing(trace: &RequestTrace, total: Duration) -> Option<HeaderValue> {
    let mut text = Vec::with_capacity(CAPACITY);
    for stage in Stage::ALL {
        if let Some(spent) = trace.spent(*stage) {
            push(&mut text, stage.as_str(), spent);
            text.extend_from_slice(b", ");
        }
    }
    push(&mut text, "total", total);
    HeaderValue::from_bytes(&text).ok()
}

/// Appends a duration in milliseconds with three decimals. Formats the number itself, because every response has one.
fn push(text: &mut Vec<u8>, name: &str, duration: Duration) {
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b";dur=");
    let mut rest = duration.as_micros();
    let start = text.len();
    for position in 0.. {
        if position == 3 {
            text.push(b'.');
        }
        text.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if position >= 3 && rest == 0 {
            break;
        }
    }
    text[start..].reverse();
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use registry_actors::trace::TraceContext;

    use super::*;

    #[test]
    fn stages_that_occurred_are_listed_with_the_total() {
        let began_at = Instant::now();
        let at = |micros| (began_at + Duration::from_micros(micros)).into();
        let trace = RequestTrace::begin(TraceContext::fresh(), began_at.into());
        trace.record(Stage::Database, at(2_000), at(14_100));
        trace.record(Stage::Cache, at(14_100), at(14_107));

        let text = server_timing(&trace, Duration::from_nanos(15_999_999)).unwrap();

        assert_eq!(text, "cache;dur=0.007, database;dur=12.100, total;dur=15.999");
    }

    #[test]
    fn durations_have_three_decimals() {
        let shown = |duration| {
            let mut text = Vec::new();
            push(&mut text, "a", duration);
            String::from_utf8(text).unwrap()
        };

        assert_eq!(shown(Duration::ZERO), "a;dur=0.000");
        assert_eq!(shown(Duration::from_nanos(999)), "a;dur=0.000");
        assert_eq!(shown(Duration::from_micros(1)), "a;dur=0.001");
        assert_eq!(shown(Duration::from_millis(10)), "a;dur=10.000");
        assert_eq!(shown(Duration::from_micros(3_600_000_050)), "a;dur=3600000.050");
    }
}
