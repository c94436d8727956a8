//! The export of traces, with the variables that OpenTelemetry defines.

use std::time::Duration;

use registry_actors::config::ServiceUrl;
use registry_actors::trace::TraceContext;

use super::{ProcessSettings, Reader};

const DISABLED: &str = "OTEL_SDK_DISABLED";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// The library reads them; they are read here to show whether they are set.
const HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
/// The variables of the export timeout. The first valid one applies.
const TIMEOUTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const COMPRESSIONS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"];
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";

/// The path of traces below [`ENDPOINT`].
const TRACES_PATH: &str = "/v1/traces";
const PROTOCOL: &str = "http/protobuf";
/// The default timeout, as OpenTelemetry defines it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The names of samplers, for messages.
const SAMPLERS: &str = "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or \
                        parentbased_traceidratio";

/// The export of traces.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSettings {
    /// The URL that spans are sent to.
    pub url: String,
    /// The traces to export.
    pub sampler: Sampler,
    /// The timeout of a call of the collector.
    pub timeout: Duration,
    /// The variables that are ignored, because their values are not supported.
    pub warnings: Vec<String>,
    /// The variable of the URL.
    endpoint: &'static str,
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
        let variable = |key: &str| (self.variable)(key).filter(|text| !text.is_empty());
        let mut reader = Reader { variable: &variable, faults: Vec::new() };
        let traces = reader.enabled_traces();
        let mut faults = reader.faults;
        self.faults.append(&mut faults);
        traces
    }

    /// Reads the export of traces if it is enabled. Otherwise no other variable is checked, because containers often
    /// have variables of OpenTelemetry that are meant for other programs.
    fn enabled_traces(&mut self) -> Option<TraceSettings> {
        let has = |key, word: &str| (self.variable)(key).is_some_and(|text| text.trim().eq_ignore_ascii_case(word));
        if has(DISABLED, "true") || has(EXPORTER, "none") {
            return None;
        }
        let (endpoint, path) = match (self.variable)(TRACES_ENDPOINT) {
            Some(_) => (TRACES_ENDPOINT, ""),
            None => (ENDPOINT, TRACES_PATH),
        };
        let url = self.parsed_url(endpoint, None, ServiceUrl::ALLOWED, |text| ServiceUrl::parse(text).map(Some))?;
        let service_name = self.parsed(SERVICE_NAME, None, "1 to 255 characters", |text| {
            (1..=255).contains(&text.chars().count()).then(|| Some(text.to_owned()))
        });
        let mut warnings = Vec::new();
        self.warn_unless(EXPORTER, "otlp", &mut warnings);
        PROTOCOLS.iter().for_each(|key| self.warn_unless(key, PROTOCOL, &mut warnings));
        COMPRESSIONS.iter().for_each(|key| self.warn_unless(key, "none", &mut warnings));
        let timeout = TIMEOUTS.iter().find_map(|key| {
            self.parsed_or_warned(key, "a number of milliseconds from 1", "10000", &mut warnings, |text| {
                text.parse().ok().filter(|millis| *millis > 0).map(Duration::from_millis)
            })
        });
        let argument = self.parsed_or_warned(SAMPLER_ARGUMENT, "a number from 0 to 1", "1", &mut warnings, |text| {
            text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
        });
        let sampler = self.parsed_or_warned(SAMPLER, SAMPLERS, "parentbased_always_on", &mut warnings, |text| {
            Sampler::named(text, argument.unwrap_or(1.0))
        });
        Some(TraceSettings {
            url: format!("{url}{path}"),
            sampler: sampler.unwrap_or(Sampler { is_parent_based: true, ratio: 1.0 }),
            timeout: timeout.unwrap_or(TIMEOUT),
            warnings,
            endpoint,
            has_headers: HEADERS.iter().any(|key| (self.variable)(key).is_some()),
            service_name,
        })
    }

    /// Parses a variable. An invalid one is a warning, as OpenTelemetry defines, and counts as one that is not set.
    fn parsed_or_warned<T>(
        &self,
        key: &str,
        allowed: &str,
        default: &str,
        warnings: &mut Vec<String>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = (self.variable)(key)?;
        let value = parse(text.trim());
        if value.is_none() {
            warnings.push(format!("{key}: expected {allowed}, got `{text}`; using the default {default}"));
        }
        value
    }

    /// Warns if a variable is set to another word than the only one that is supported.
    fn warn_unless(&self, key: &str, supported: &str, warnings: &mut Vec<String>) {
        self.parsed_or_warned(key, supported, supported, warnings, |text| (text == supported).then_some(()));
    }
}

impl ProcessSettings {
    /// Returns the settings with their values, for display.
    pub(crate) fn trace_values(&self) -> [(&'static str, String); 6] {
        let unused = || "(not used)".to_owned();
        let Some(traces) = &self.traces else {
            return [
                (ENDPOINT, "(no traces)".to_owned()),
                (TIMEOUTS[1], unused()),
                (HEADERS[1], unused()),
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
        let url = traces.url.strip_suffix(TRACES_PATH).filter(|_| traces.endpoint == ENDPOINT);
        [
            (traces.endpoint, url.unwrap_or(&traces.url).to_owned()),
            (TIMEOUTS[1], traces.timeout.as_millis().to_string()),
            (HEADERS[1], (if traces.has_headers { "(set)" } else { "(not set)" }).to_owned()),
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

    fn read_traces(pairs: &[(&str, &str)]) -> Result<Option<TraceSettings>, String> {
        let value = |key: &str| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
        ProcessSettings::read(value).map(|settings| settings.traces).map_err(|faults| faults.to_string())
    }

    fn sampler(name: &str, argument: &str) -> Sampler {
        let pairs = [(ENDPOINT, "http://collector:4318"), (SAMPLER, name), (SAMPLER_ARGUMENT, argument)];
        read_traces(&pairs).unwrap().unwrap().sampler
    }

    /// A trace whose id ends with these digits, of a caller who records it or not.
    fn called(random: &str, is_sampled: bool) -> TraceContext {
        let parent = format!("00-4bf92f3577b34da6{random}-{PARENT}-0{}", u8::from(is_sampled));
        TraceContext::of([parent.as_bytes()].into_iter(), std::iter::empty())
    }

    #[test]
    fn without_an_endpoint_no_traces_are_exported() {
        assert_eq!(read_traces(&[]), Ok(None));
        assert_eq!(read_traces(&[(SAMPLER, "always_on")]), Ok(None));
        assert_eq!(read_traces(&[(ENDPOINT, ""), (SAMPLER, ""), (SAMPLER_ARGUMENT, "")]), Ok(None));
        let traces = read_traces(&[(ENDPOINT, "http://collector:4318/")]).unwrap().unwrap();
        assert_eq!(traces.url, "http://collector:4318/v1/traces");
        assert_eq!(traces.sampler, sampler("parentbased_always_on", "0.25"));
        assert_eq!(traces.timeout, Duration::from_secs(10));
        assert_eq!(traces.warnings, [""; 0]);
    }

    #[test]
    fn without_an_endpoint_no_other_variable_is_checked() {
        let name = "n".repeat(256);
        let others = [(SAMPLER, "sometimes"), (SAMPLER_ARGUMENT, "1.5"), (SERVICE_NAME, &*name), (TIMEOUTS[1], "soon")];

        assert_eq!(read_traces(&others), Ok(None));
    }

    #[test]
    fn the_export_can_be_switched_off() {
        for off in [(DISABLED, "true"), (DISABLED, "TRUE"), (EXPORTER, "none")] {
            assert_eq!(read_traces(&[(ENDPOINT, "collector:4318"), off]), Ok(None), "{off:?}");
        }
        let on = read_traces(&[(ENDPOINT, "http://collector:4318"), (DISABLED, "false"), (EXPORTER, "otlp")]);
        assert_eq!(on.unwrap().unwrap().warnings, [""; 0]);
    }

    #[test]
    fn variables_of_traces_take_precedence() {
        let pairs = [
            (ENDPOINT, "http://general:4318"),
            (TRACES_ENDPOINT, "http://traces:4318/custom"),
            (TIMEOUTS[1], "5000"),
            (TIMEOUTS[0], "250"),
        ];
        let traces = read_traces(&pairs).unwrap().unwrap();

        assert_eq!(traces.url, "http://traces:4318/custom");
        assert_eq!(traces.timeout, Duration::from_millis(250));
        let general = read_traces(&[pairs[0], pairs[2]]).unwrap().unwrap();
        assert_eq!(general.url, "http://general:4318/v1/traces");
        assert_eq!(general.timeout, Duration::from_secs(5));
    }

    #[test]
    fn invalid_variables_are_faults() {
        let fault = |pair| read_traces(&[(ENDPOINT, "http://collector:4318"), pair]).unwrap_err();
        let endpoint = read_traces(&[(ENDPOINT, "collector:4318")]).unwrap_err();

        assert!(endpoint.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: expected https://"));
        assert!(fault((TRACES_ENDPOINT, "/v1")).starts_with("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: expected https://"));
        assert!(fault((SERVICE_NAME, &"n".repeat(256))).contains("expected 1 to 255 characters"));
    }

    #[test]
    fn a_service_name_has_characters_of_any_script() {
        let name = "निर्देश".repeat(30);
        let traces = read_traces(&[(ENDPOINT, "http://collector:4318"), (SERVICE_NAME, &name)]).unwrap().unwrap();

        assert_eq!(traces.service_name, Some(name));
    }

    #[test]
    fn unsupported_values_are_warnings() {
        let traces = |pair| read_traces(&[(ENDPOINT, "http://collector:4318"), pair]).unwrap().unwrap();
        let warning = |pair| traces(pair).warnings.concat();

        let unknown = (SAMPLER, "xray");
        assert_eq!(traces(unknown).sampler, sampler("parentbased_always_on", "1"));
        assert!(warning(unknown).starts_with("OTEL_TRACES_SAMPLER: expected always_on, always_off, "));
        assert!(warning(unknown).ends_with(", got `xray`; using the default parentbased_always_on"));
        let argument = "OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, got `1.5`; using the default 1";
        assert_eq!(warning((SAMPLER_ARGUMENT, "1.5")), argument);
        let protocol =
            "OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf, got `grpc`; using the default http/protobuf";
        assert_eq!(warning((PROTOCOLS[1], "grpc")), protocol);
        assert!(warning((COMPRESSIONS[1], "gzip")).contains("expected none, got `gzip`"));
        assert!(warning((EXPORTER, "zipkin")).contains("expected otlp, got `zipkin`"));
        assert!(warning((TIMEOUTS[0], "10s")).contains("expected a number of milliseconds from 1, got `10s`"));
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
