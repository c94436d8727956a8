//! The export of traces, with the variables that OpenTelemetry defines.

use registry_actors::config::ConfigServiceUrl;
use registry_actors::trace::TraceContext;

use super::{ProcessSettings, Reader};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The library reads them; they are read here to show whether they are set.
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";

/// The names of samplers, for messages.
const SAMPLERS: &str = "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or \
                        parentbased_traceidratio";

/// The export of traces.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSettings {
    /// The URL of the collector, without the path of traces.
    pub endpoint: ConfigServiceUrl,
    /// The traces to export.
    pub sampler: Sampler,
    /// Whether headers are set, which may contain a secret.
    has_headers: bool,
    service_name: Option<String>,
}

/// Selects the traces to export.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Whether the decision of a caller counts.
    is_parent_based: bool,
    /// The part of the traces that begin here, or of all traces.
    ratio: f64,
}

impl Sampler {
    fn named(name: &str, argument: f64) -> Option<Self> {
        let (is_parent_based, own) = match name.strip_prefix("parentbased_") {
            Some(own) => (true, own),
            None => (false, name),
        };
        let ratio = match own {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => argument,
            _ => return None,
        };
        Some(Sampler { is_parent_based, ratio })
    }

    /// Whether the trace is exported.
    pub fn is_sampled(&self, context: &TraceContext) -> bool {
        if self.is_parent_based && context.parent_id().is_some() {
            return context.is_sampled();
        }
        // All services decide by the same part of the id, so that a trace is exported by all of them or by none.
        let (_, random) = context.trace_id().split_at(16);
        let random = u64::from_str_radix(random, 16).unwrap_or_default() >> 1;
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
        let bound = (self.ratio * (1_u64 << 63) as f64) as u64;
        random < bound
    }
}

impl Reader<'_> {
    /// Reads the export of traces. OpenTelemetry defines that an empty variable is one that is not set.
    pub(super) fn traces(&mut self) -> Option<TraceSettings> {
        let given = |key: &str| (self.variable)(key).filter(|text| !text.is_empty());
        let mut reader = Reader { variable: &given, faults: Vec::new() };
        let traces = reader.given_traces();
        let mut faults = reader.faults;
        self.faults.append(&mut faults);
        traces
    }

    /// Reads the export of traces. Without an endpoint, the other variables are checked and have no effect.
    fn given_traces(&mut self) -> Option<TraceSettings> {
        let endpoint =
            self.parsed_url(ENDPOINT, None, ConfigServiceUrl::ALLOWED, |text| ConfigServiceUrl::parse(text).map(Some));
        let argument = self.parsed(SAMPLER_ARGUMENT, 1.0, "a number from 0 to 1", |text| {
            text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
        });
        let default = Sampler { is_parent_based: true, ratio: 1.0 };
        let sampler = self.parsed(SAMPLER, default, SAMPLERS, |text| Sampler::named(text, argument));
        let service_name = self.parsed(SERVICE_NAME, None, "1 to 255 characters", |text| {
            (1..=255).contains(&text.len()).then(|| Some(text.to_owned()))
        });
        let has_headers = (self.variable)(HEADERS).is_some();
        Some(TraceSettings { endpoint: endpoint?, sampler, has_headers, service_name })
    }
}

impl ProcessSettings {
    /// Returns the settings with their values, for people.
    pub(crate) fn trace_values(&self) -> [(&'static str, String); 5] {
        let Some(traces) = &self.traces else {
            let unused = || "(not used)".to_owned();
            return [
                (ENDPOINT, "(not set: no traces)".to_owned()),
                (HEADERS, unused()),
                (SERVICE_NAME, unused()),
                (SAMPLER, unused()),
                (SAMPLER_ARGUMENT, unused()),
            ];
        };
        let Sampler { is_parent_based, ratio } = traces.sampler;
        let own = match ratio {
            1.0 => "always_on",
            0.0 => "always_off",
            _ => "traceidratio",
        };
        let prefix = if is_parent_based { "parentbased_" } else { "" };
        [
            (ENDPOINT, traces.endpoint.to_string()),
            (HEADERS, (if traces.has_headers { "(set)" } else { "(not set)" }).to_owned()),
            (SERVICE_NAME, traces.service_name.clone().unwrap_or_else(|| "instrument-registry".to_owned())),
            (SAMPLER, format!("{prefix}{own}")),
            (SAMPLER_ARGUMENT, ratio.to_string()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00f067aa0ba902b7";

    fn read(pairs: &[(&str, &str)]) -> Result<Option<TraceSettings>, String> {
        let value = |key: &str| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
        ProcessSettings::read(value).map(|settings| settings.traces).map_err(|faults| faults.to_string())
    }

    fn sampler(name: &str, argument: &str) -> Sampler {
        let pairs = [(ENDPOINT, "http://collector:4318"), (SAMPLER, name), (SAMPLER_ARGUMENT, argument)];
        read(&pairs).unwrap().unwrap().sampler
    }

    /// A trace whose id ends with these digits, of a caller who records it or not.
    fn called(random: &str, is_sampled: bool) -> TraceContext {
        let parent = format!("00-4bf92f3577b34da6{random}-{PARENT}-0{}", u8::from(is_sampled));
        TraceContext::of([parent.as_bytes()].into_iter(), std::iter::empty())
    }

    #[test]
    fn without_an_endpoint_no_traces_are_exported() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[(SAMPLER, "always_on")]), Ok(None));
        assert_eq!(read(&[(ENDPOINT, ""), (SAMPLER, ""), (SAMPLER_ARGUMENT, "")]), Ok(None));
        let traces = read(&[(ENDPOINT, "http://collector:4318/")]).unwrap().unwrap();
        assert_eq!(traces.endpoint.to_string(), "http://collector:4318");
        assert_eq!(traces.sampler, sampler("parentbased_always_on", "0.25"));
    }

    #[test]
    fn invalid_variables_are_faults() {
        let fault = |pair| read(&[pair]).unwrap_err();

        assert!(fault((ENDPOINT, "collector:4318")).starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: expected https://"));
        assert!(fault((SAMPLER, "sometimes")).contains("got `sometimes`"));
        assert!(fault((SAMPLER_ARGUMENT, "1.5")).contains("expected a number from 0 to 1, got `1.5`"));
        assert!(fault((SERVICE_NAME, &"n".repeat(256))).contains("expected 1 to 255 characters"));
    }

    #[test]
    fn a_parent_based_sampler_follows_the_caller() {
        let low = "0000000000000001";
        for name in ["parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"] {
            assert!(sampler(name, "0.5").is_sampled(&called(low, true)), "{name}");
            assert!(!sampler(name, "0.5").is_sampled(&called(low, false)), "{name}");
        }
        assert!(sampler("parentbased_always_on", "0.5").is_sampled(&TraceContext::fresh()));
        assert!(!sampler("parentbased_always_off", "0.5").is_sampled(&TraceContext::fresh()));
    }

    #[test]
    fn a_sampler_without_parent_decides_by_the_trace_id() {
        let half = sampler("traceidratio", "0.5");

        assert!(half.is_sampled(&called("7fffffffffffffff", false)));
        assert!(!half.is_sampled(&called("8000000000000000", true)));
        assert!(sampler("always_on", "0.5").is_sampled(&called("ffffffffffffffff", false)));
        assert!(!sampler("always_off", "0.5").is_sampled(&called("0000000000000000", true)));
    }
}
