//! The ids of a trace, as W3C Trace Context defines them.

use std::fmt;

use super::state::propagated_state;

/// The length of a `traceparent` of version 00.
const LENGTH: usize = 55;
/// The positions of the fields: `00-{trace id}-{span id}-{flags}`.
const TRACE_ID: std::ops::Range<usize> = 3..35;
const SPAN_ID: std::ops::Range<usize> = 36..52;
const FLAGS: std::ops::Range<usize> = 53..55;

/// The caller records the trace.
const SAMPLED: u8 = 0x01;
/// The trace id is random.
const RANDOM: u8 = 0x02;

/// The ids of a trace, of the caller's span, and of the span of this service.
#[derive(Clone)]
pub struct TraceContext {
    /// The `traceparent` of this service: its fields are ASCII at fixed positions.
    own: [u8; LENGTH],
    /// The id of the caller's span.
    parent: Option<[u8; 16]>,
    /// The `tracestate` of the caller.
    state: Option<Box<str>>,
}

impl TraceContext {
    /// Begins a new trace. It is not sampled, unless an exporter decides that it is.
    pub fn fresh() -> Self {
        let mut own = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let halves = [fastrand::u64(..), fastrand::u64(1..)];
        own[TRACE_ID.start..TRACE_ID.start + 16].copy_from_slice(&hex(halves[0]));
        own[TRACE_ID.start + 16..TRACE_ID.end].copy_from_slice(&hex(halves[1]));
        own[FLAGS].copy_from_slice(&hex_of_flags(RANDOM));
        TraceContext { own, parent: None, state: None }.with_own_span()
    }

    /// Continues the trace of the caller. Begins a new one if there is not exactly one valid `traceparent`.
    pub fn of<'h>(mut parents: impl Iterator<Item = &'h [u8]>, states: impl Iterator<Item = &'h [u8]>) -> Self {
        let Some(parent) = parents.next() else { return TraceContext::fresh() };
        match (parse(parent), parents.next()) {
            (Some(context), None) => TraceContext { state: propagated_state(states), ..context },
            _ => TraceContext::fresh(),
        }
    }

    fn with_own_span(mut self) -> Self {
        self.own[SPAN_ID].copy_from_slice(&hex(fastrand::u64(1..)));
        self
    }

    /// Returns the trace id, 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        self.text(TRACE_ID)
    }

    /// Returns the id of the span of this service, 16 hexadecimal digits.
    pub fn span_id(&self) -> &str {
        self.text(SPAN_ID)
    }

    /// Returns the id of the caller's span. `None` if this service began the trace.
    pub fn parent_id(&self) -> Option<&str> {
        self.parent.as_ref().and_then(|parent| std::str::from_utf8(parent).ok())
    }

    /// Whether the trace is recorded: by the caller, or by the exporter of this service if it has one.
    pub fn is_sampled(&self) -> bool {
        self.own[FLAGS.end - 1] & SAMPLED != 0
    }

    pub(super) fn set_sampled(&mut self, is_sampled: bool) {
        let flags = u8::from_str_radix(self.text(FLAGS), 16).unwrap_or_default();
        let flags = if is_sampled { flags | SAMPLED } else { flags & !SAMPLED };
        self.own[FLAGS].copy_from_slice(&hex_of_flags(flags));
    }

    /// Returns the `traceparent` of calls of this service.
    pub fn traceparent(&self) -> &str {
        self.text(0..LENGTH)
    }

    /// Returns the `tracestate` of calls of this service.
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }

    fn text(&self, range: std::ops::Range<usize>) -> &str {
        // Invariant: everything is ASCII.
        std::str::from_utf8(&self.own[range]).unwrap_or_default()
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.traceparent())
    }
}

/// Parses a `traceparent`. A later version may be longer; of its flags, only `sampled` has a known meaning.
fn parse(text: &[u8]) -> Option<TraceContext> {
    let [b'0'..=b'9' | b'a'..=b'f', b'0'..=b'9' | b'a'..=b'f', b'-', ..] = text else { return None };
    let (own, rest) = text.split_first_chunk::<LENGTH>()?;
    let kept_flags = match (&own[..2], rest) {
        (b"00", []) => SAMPLED | RANDOM,
        (b"00" | b"ff", _) => return None,
        (_, [] | [b'-', ..]) => SAMPLED,
        _ => return None,
    };
    let is_id = |id: &[u8]| is_hex(id) && id.iter().any(|digit| *digit != b'0');
    let is_valid =
        own[35] == b'-' && own[52] == b'-' && is_id(&own[TRACE_ID]) && is_id(&own[SPAN_ID]) && is_hex(&own[FLAGS]);
    if !is_valid {
        return None;
    }
    let mut context = TraceContext { own: *own, parent: own[SPAN_ID].try_into().ok(), state: None };
    context.own[..2].copy_from_slice(b"00");
    let flags = u8::from_str_radix(context.text(FLAGS), 16).ok()?;
    context.own[FLAGS].copy_from_slice(&hex_of_flags(flags & kept_flags));
    Some(context.with_own_span())
}

/// Whether the text has only digits and lower-case letters of hexadecimal numbers.
fn is_hex(text: &[u8]) -> bool {
    text.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex(number: u64) -> [u8; 16] {
    std::array::from_fn(|position| HEX_DIGITS[(number >> (60 - 4 * position)) as usize & 0xf])
}

/// Returns the text of flags. Only the lowest four can be set.
const fn hex_of_flags(flags: u8) -> [u8; 2] {
    [b'0', HEX_DIGITS[(flags & 0xf) as usize]]
}

const HEX_DIGITS: [u8; 16] = *b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

    fn context(parents: &[&str]) -> TraceContext {
        TraceContext::of(parents.iter().map(|parent| parent.as_bytes()), std::iter::empty())
    }

    fn is_new(context: &TraceContext) -> bool {
        context.parent_id().is_none() && context.trace_id() != TRACE
    }

    #[test]
    fn a_valid_traceparent_is_continued_with_an_own_span() {
        let flags_of = |text: &str| {
            let context = context(&[text]);
            assert_eq!(context.trace_id(), TRACE, "{text}");
            assert_eq!(context.parent_id(), Some(PARENT), "{text}");
            assert_ne!(context.span_id(), PARENT, "{text}");
            let (start, flags) = context.traceparent().rsplit_once('-').unwrap();
            assert_eq!(start, format!("00-{TRACE}-{}", context.span_id()), "{text}");
            assert_eq!(context.is_sampled(), matches!(flags, "01" | "03"), "{text}");
            flags.to_owned()
        };
        let flags = |version: &str, flags: &str| flags_of(&format!("{version}-{TRACE}-{PARENT}-{flags}"));

        assert_eq!(flags("00", "00"), "00");
        assert_eq!(flags("00", "01"), "01");
        assert_eq!(flags("00", "02"), "02");
        assert_eq!(flags("00", "03"), "03");
        // Flags without a meaning are not passed on.
        assert_eq!(flags("00", "ff"), "03");
        assert_eq!(flags("00", "fc"), "00");
        assert_eq!(flags("01", "09"), "01");
        assert_eq!(flags("01", "03"), "01");
        assert_eq!(flags("cc", "01-what-the-future-will-be-like"), "01");
        assert_eq!(flags("fe", "01-"), "01");
    }

    #[test]
    fn an_invalid_traceparent_begins_a_new_trace() {
        let zeros = "0".repeat(32);
        let invalid = [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-{PARENT}"),
            format!("00-{TRACE}-{PARENT}-"),
            format!("00-{TRACE}-{PARENT}-0"),
            format!("00-{TRACE}-{PARENT}-001"),
            format!("00-{TRACE}-{PARENT}-01-"),
            format!("00-{TRACE}-{PARENT}-01-more"),
            format!("00-{TRACE}-{PARENT}-0x"),
            format!("00-{TRACE}-{PARENT}-0A"),
            format!("00-{TRACE}-{PARENT}-.0"),
            format!("00-{zeros}-{PARENT}-01"),
            format!("00-{TRACE}-{}-01", &zeros[..16]),
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", PARENT.to_uppercase()),
            format!("00-{}-{PARENT}-01", &TRACE[1..]),
            format!("00-{TRACE}0-{PARENT}-01"),
            format!("00-{}g-{PARENT}-01", &TRACE[1..]),
            format!("00-{TRACE}-{}-01", &PARENT[1..]),
            format!("00-{TRACE}-{}.-01", &PARENT[1..]),
            format!("00_{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}_{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}_01"),
            format!("0-{TRACE}-{PARENT}-01"),
            format!("000-{TRACE}-{PARENT}-01"),
            format!("0G-{TRACE}-{PARENT}-01"),
            format!("0A-{TRACE}-{PARENT}-01"),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("ff-{TRACE}-{PARENT}-01-more"),
            format!("01-{TRACE}-{PARENT}-01more"),
            format!("01-{TRACE}-{PARENT}-0"),
            format!(" 00-{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01"),
        ];

        for text in invalid {
            assert!(is_new(&context(&[&text])), "{text}");
        }
        let valid = format!("00-{TRACE}-{PARENT}-01");
        assert!(is_new(&context(&[&valid, &valid])), "two headers");
        assert!(is_new(&context(&[])));
    }

    #[test]
    fn a_new_trace_is_valid_and_not_sampled() {
        let first = TraceContext::fresh();
        let second = TraceContext::fresh();

        assert!(first.traceparent().ends_with("-02"), "{first:?}");
        assert!(!first.is_sampled());
        assert_eq!(parse(first.traceparent().as_bytes()).unwrap().trace_id(), first.trace_id());
        assert_ne!(first.trace_id(), second.trace_id());
        assert_ne!(first.span_id(), second.span_id());
    }

    #[test]
    fn the_decision_to_sample_keeps_other_flags() {
        let mut context = TraceContext::fresh();

        context.set_sampled(true);
        assert!(context.is_sampled());
        assert!(context.traceparent().ends_with("-03"), "{context:?}");
        context.set_sampled(false);
        assert!(!context.is_sampled());
        assert!(context.traceparent().ends_with("-02"), "{context:?}");
    }

    #[test]
    fn a_tracestate_needs_a_valid_traceparent() {
        let valid = format!("00-{TRACE}-{PARENT}-01");
        let state_after = |parent: &str| {
            let context = TraceContext::of([parent.as_bytes()].into_iter(), [&b"rojo=1"[..]].into_iter());
            context.tracestate().map(str::to_owned)
        };

        assert_eq!(state_after(&valid).as_deref(), Some("rojo=1"));
        assert_eq!(state_after(&valid[1..]), None);
    }

    #[test]
    fn numbers_have_sixteen_digits() {
        assert_eq!(&hex(0x0123_4567_89ab_cdef), b"0123456789abcdef");
        assert_eq!(&hex(1), b"0000000000000001");
    }
}
