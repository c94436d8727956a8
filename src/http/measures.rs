//! Metrics of responses. Their handles are stored, because the lookup by labels costs more than the update.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use axum::http::StatusCode;
use metrics::{Counter, Histogram, counter, histogram};

use crate::metrics::{HTTP_DURATION, HTTP_REQUESTS};

/// The measures of every endpoint, by method and template.
pub(crate) struct Measures(HashMap<(&'static str, &'static str), EndpointMeasures>);

struct EndpointMeasures {
    /// Responses with status 200.
    ok: Counter,
    /// Responses with status 503, registered at the first one. Under overload there are many of them.
    unavailable: OnceLock<Counter>,
    /// Registered at the first response.
    duration: OnceLock<Histogram>,
    /// Requests without a response, registered at the first one.
    hung_up: OnceLock<Counter>,
}

impl Measures {
    /// Must be called after the recorder is installed.
    pub(crate) fn new(endpoints: &[(&'static str, &'static str)]) -> Self {
        let measure = |&(method, endpoint)| {
            let measure = EndpointMeasures {
                ok: answers(method, endpoint, StatusCode::OK),
                unavailable: OnceLock::new(),
                duration: OnceLock::new(),
                hung_up: OnceLock::new(),
            };
            ((method, endpoint), measure)
        };
        Measures(endpoints.iter().map(measure).collect())
    }

    /// Returns the template of a path, for a request that the router has not seen. As in the router, constant parts of
    /// a template win over parameters.
    pub(super) fn template(&self, path: &str) -> Option<&'static str> {
        let matching = self.0.keys().map(|(_, template)| *template).filter(|template| is_of(template, path));
        matching.min_by_key(|template| template.matches('{').count())
    }

    /// Records a response, or with status 499 a request without one.
    pub(super) fn record(&self, method: &'static str, endpoint: &str, status: StatusCode, took: Duration) {
        match self.0.get(&(method, endpoint)) {
            Some(measure) => {
                match status {
                    StatusCode::OK => measure.ok.increment(1),
                    StatusCode::SERVICE_UNAVAILABLE => {
                        measure.unavailable.get_or_init(|| answers(method, endpoint, status)).increment(1);
                    }
                    _ if status == hung_up() => {
                        measure.hung_up.get_or_init(|| answers(method, endpoint, status)).increment(1);
                    }
                    _ => answers(method, endpoint, status).increment(1),
                }
                measure.duration.get_or_init(|| duration(method, endpoint)).record(took);
            }
            None => {
                answers(method, endpoint, status).increment(1);
                duration(method, endpoint).record(took);
            }
        }
    }
}

fn is_of(template: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let mut matches = |expected: &str| {
        parts.next().is_some_and(|part| if expected.starts_with('{') { !part.is_empty() } else { part == expected })
    };
    template.split('/').all(&mut matches) && parts.next().is_none()
}

/// Returns the status under which a request is recorded if its caller closed the connection before the response. Nobody
/// receives it; proxies use the same number.
pub(super) fn hung_up() -> StatusCode {
    StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST)
}

fn answers(method: &'static str, endpoint: &str, status: StatusCode) -> Counter {
    counter!(
        HTTP_REQUESTS, "method" => method, "endpoint" => endpoint.to_owned(), "status" => status.as_str().to_owned()
    )
}

fn duration(method: &'static str, endpoint: &str) -> Histogram {
    histogram!(HTTP_DURATION, "method" => method, "endpoint" => endpoint.to_owned())
}
