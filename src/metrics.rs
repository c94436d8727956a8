//! Metrics of the front end: names that dashboards already use. All are present from the start with 0.

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use registry_planning::plan::describe::DescriptionLevel;

pub(crate) const HTTP_REQUESTS: &str = "instrument_registry_http_requests_total";
pub(crate) const HTTP_DURATION: &str = "instrument_registry_http_request_duration_seconds";
pub(crate) const CONNECTIONS_REFUSED: &str = "instrument_registry_connections_refused_total";
pub(crate) const REQUESTS_SHED: &str = "instrument_registry_requests_shed_total";
pub(crate) const DESCRIPTIONS: &str = "instrument_registry_subscription_plan_descriptions_generated_total";

/// What became of an operation: the closed list of `status` labels.
pub(crate) const SUCCESS: &str = "success";
pub(crate) const ERROR: &str = "error";

/// Describes the front end's metrics and sets those with a closed list of labels to 0.
pub(crate) fn register(endpoints: &[(&'static str, &'static str)]) {
    describe_counter!(HTTP_REQUESTS, "answers by method, route template and status");
    describe_histogram!(HTTP_DURATION, Unit::Seconds, "time to answer by method and route template");
    describe_counter!(DESCRIPTIONS, "descriptions by level and status: success or error");
    describe_counter!(CONNECTIONS_REFUSED, "connections closed because too many were open");
    counter!(CONNECTIONS_REFUSED).absolute(0);
    describe_counter!(REQUESTS_SHED, "requests refused because too many were under way");
    counter!(REQUESTS_SHED).absolute(0);
    for (method, endpoint) in endpoints {
        counter!(HTTP_REQUESTS, "method" => *method, "endpoint" => *endpoint, "status" => "200").absolute(0);
        // Asking for a histogram is enough to have it shown, empty.
        let _ = histogram!(HTTP_DURATION, "method" => *method, "endpoint" => *endpoint);
    }
    for status in [SUCCESS, ERROR] {
        for level in DescriptionLevel::ALL {
            counter!(DESCRIPTIONS, "description_level" => level.as_str(), "status" => status).absolute(0);
        }
    }
}
