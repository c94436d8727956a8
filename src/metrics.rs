//! Metrics of the front end, with names that dashboards already use. All are exported from the start with 0.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use registry_planning::plan::describe::DescriptionLevel;
use strum::VariantArray;

pub(crate) const HTTP_REQUESTS: &str = "instrument_registry_http_requests_total";
pub(crate) const HTTP_DURATION: &str = "instrument_registry_http_request_duration_seconds";
pub(crate) const CONNECTIONS_OPEN: &str = "instrument_registry_connections_open";
pub(crate) const CONNECTIONS_MAX: &str = "instrument_registry_connections_max";
pub(crate) const CONNECTIONS_REFUSED: &str = "instrument_registry_connections_refused_total";
pub(crate) const CONNECTIONS_EVICTED: &str = "instrument_registry_connections_evicted_total";
pub(crate) const CONNECTIONS_TIMED_OUT: &str = "instrument_registry_connections_timed_out_total";
pub(crate) const ACCEPT_ERRORS: &str = "instrument_registry_accept_errors_total";
pub(crate) const REQUESTS_SHED: &str = "instrument_registry_requests_shed_total";
pub(crate) const LIST_MEMORY: &str = "instrument_registry_list_memory_bytes";
pub(crate) const LIST_MEMORY_WAITING: &str = "instrument_registry_list_memory_waiting";
pub(crate) const DESCRIPTIONS: &str = "instrument_registry_subscription_plan_descriptions_generated_total";
pub(crate) const READY: &str = "instrument_registry_ready";
pub(crate) const BUILD_INFO: &str = "instrument_registry_build_info";
pub(crate) const MEMORY_LIMIT: &str = "instrument_registry_memory_limit_bytes";
pub(crate) const LOAD_TIMESTAMP: &str = "instrument_registry_catalogue_load_timestamp_seconds";
pub(crate) const MISSING_FILES: &str = "instrument_registry_catalogue_missing_files";
pub(crate) const CALENDAR_END: &str = "instrument_registry_calendar_end_timestamp_seconds";
/// Described and set to 0 by the config actor.
pub(crate) const SETTINGS_AGE: &str = "instrument_registry_settings_age_seconds";

/// Described here, counted by the exporter of traces.
pub(crate) const SPANS: &str = "instrument_registry_trace_spans_total";

pub(crate) const LOOKUPS: &str = "instrument_registry_lookups_total";

/// The statuses that are exported from the start, so that an alert on 5xx sees the first response.
const STATUSES: [&str; 4] = ["200", "500", "503", "504"];

/// The outcomes of an operation: the closed list of `status` labels.
pub(crate) const SUCCESS: &str = "success";
pub(crate) const ERROR: &str = "error";
/// Only for lookups.
pub(crate) const NOT_FOUND: &str = "not_found";

/// The phases in which a connection can time out: the closed list of `phase` labels.
pub(crate) const LATE_REQUEST: &str = "request";
pub(crate) const UNREAD_RESPONSE: &str = "response";

/// The outcomes of the export of a span: the closed list of `status` labels.
pub(crate) const SPAN_EXPORTED: &str = "exported";
pub(crate) const SPAN_FAILED: &str = "failed";
pub(crate) const SPAN_DROPPED: &str = "dropped";
const SPAN_STATUSES: [&str; 3] = [SPAN_EXPORTED, SPAN_FAILED, SPAN_DROPPED];

/// The kinds of lookups: the closed list of `lookup_type` labels.
#[derive(Clone, Copy, Debug, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Lookup {
    /// A lookup by symbol or ISIN.
    Resolve,
    /// A lookup of many keys. Each key is counted.
    BatchResolve,
    Instrument,
    List,
    Search,
    BrokerToken,
}

impl Lookup {
    fn as_str(self) -> &'static str {
        self.into()
    }
}

pub(crate) fn count_lookup(lookup: Lookup, status: &'static str, count: u64) {
    counter!(LOOKUPS, "lookup_type" => lookup.as_str(), "status" => status).increment(count);
}

fn register_connections() {
    describe_gauge!(CONNECTIONS_OPEN, "Number of open connections by listener: main or probe");
    describe_gauge!(CONNECTIONS_MAX, "Maximum number of open connections by listener: main or probe");
    describe_counter!(CONNECTIONS_REFUSED, "Number of connections closed because too many were open and none was idle");
    counter!(CONNECTIONS_REFUSED).absolute(0);
    describe_counter!(
        CONNECTIONS_EVICTED,
        "Number of idle connections evicted because too many were open or no file descriptor was free"
    );
    counter!(CONNECTIONS_EVICTED).absolute(0);
    describe_counter!(
        CONNECTIONS_TIMED_OUT,
        "Number of connections closed because the head of a request was late, or a response was not read, by phase: \
         request or response"
    );
    for phase in [LATE_REQUEST, UNREAD_RESPONSE] {
        counter!(CONNECTIONS_TIMED_OUT, "phase" => phase).absolute(0);
    }
    describe_counter!(ACCEPT_ERRORS, "Number of failures to accept a connection");
    counter!(ACCEPT_ERRORS).absolute(0);
}

/// Describes the metrics that are set when the metrics are read, and sets the version.
fn register_process() {
    describe_gauge!(READY, "Whether the service is ready to handle requests: 1 or 0, as in /ready");
    describe_gauge!(BUILD_INFO, "Always 1, with the version of the service");
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1);
    describe_gauge!(
        MEMORY_LIMIT,
        Unit::Bytes,
        "Maximum memory of the process: the lowest limit of its control groups, at most the memory of the machine"
    );
    describe_counter!(
        SPANS,
        "Number of spans of traces by status: exported, failed, or dropped because the queue was full"
    );
    for status in SPAN_STATUSES {
        counter!(SPANS, "status" => status).absolute(0);
    }
    describe_gauge!(
        LOAD_TIMESTAMP,
        Unit::Seconds,
        "Time at which the last accepted file of a broker was accepted, as a Unix timestamp; 0 without a file"
    );
    describe_gauge!(
        MISSING_FILES,
        "Number of trading days without an accepted file of a broker since the date of its last one, today included; 0 if it never had a file"
    );
    describe_gauge!(
        CALENDAR_END,
        Unit::Seconds,
        "End of the trading calendar of the exchange whose calendar ends first, as a Unix timestamp; 0 without a calendar"
    );
}

/// Describes the metrics of the front end, and sets those with a closed list of labels to 0. Histograms have many
/// lines, so only those of the `alerted` endpoints are exported from the start; the others start with their first
/// request.
pub(crate) fn register(endpoints: &[(&'static str, &'static str)], alerted: &[(&'static str, &'static str)]) {
    describe_counter!(
        HTTP_REQUESTS,
        "Number of requests by method, route template and status; 499 if the connection was closed before the response"
    );
    describe_histogram!(
        HTTP_DURATION,
        Unit::Seconds,
        "Time from receiving a request to the response, by method and route template"
    );
    describe_counter!(DESCRIPTIONS, "Number of plan descriptions by level and status: success or error");
    register_connections();
    register_process();
    describe_counter!(REQUESTS_SHED, "Number of requests rejected because the service was at capacity");
    counter!(REQUESTS_SHED).absolute(0);
    describe_gauge!(
        LIST_MEMORY,
        Unit::Bytes,
        "Size of the documents of lists and of the large plans of responses in memory, at most 48 MiB"
    );
    describe_gauge!(LIST_MEMORY_WAITING, "Number of lists and large plans that wait for memory");
    for (method, endpoint) in endpoints {
        for status in STATUSES {
            counter!(HTTP_REQUESTS, "method" => *method, "endpoint" => *endpoint, "status" => status).absolute(0);
        }
    }
    for (method, endpoint) in alerted {
        // A histogram is exported, empty, as soon as it is looked up.
        let _ = histogram!(HTTP_DURATION, "method" => *method, "endpoint" => *endpoint);
    }
    describe_counter!(
        LOOKUPS,
        "Number of lookups by type and status: success, not_found or error; each key of a batch counts"
    );
    for lookup in Lookup::VARIANTS {
        for status in [SUCCESS, NOT_FOUND, ERROR] {
            counter!(LOOKUPS, "lookup_type" => lookup.as_str(), "status" => status).absolute(0);
        }
    }
    for status in [SUCCESS, ERROR] {
        for level in DescriptionLevel::ALL {
            counter!(DESCRIPTIONS, "description_level" => level.as_str(), "status" => status).absolute(0);
        }
    }
}
