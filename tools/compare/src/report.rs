//! The fields of the load generator's reports that are compared.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The report of `loadtest run --json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    /// Measured time, in seconds.
    pub(crate) seconds: f64,
    pub(crate) sent: u64,
    /// 2xx responses without a fault, per second.
    pub(crate) goodput_per_second: f64,
    /// Mean length of the bodies of 2xx responses.
    pub(crate) answer_bytes_mean: Option<f64>,
    /// Latency of 2xx responses.
    pub(crate) latency: Option<Latency>,
    pub(crate) refused: Option<Refused>,
    /// Number of requests that were due but not sent, because no connection was free until the end of the run.
    #[serde(default)]
    pub(crate) unsent: u64,
    #[serde(default)]
    pub(crate) faults: Vec<Fault>,
    #[serde(default)]
    pub(crate) timeline: Vec<Second>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Responses with 503 and `Retry-After`.
#[derive(Debug, Deserialize)]
pub(crate) struct Refused {
    pub(crate) count: u64,
    pub(crate) latency: Option<Latency>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Fault {
    pub(crate) kind: String,
    pub(crate) count: u64,
    /// Description of the first fault of this kind.
    #[serde(default)]
    pub(crate) first: Option<serde_json::Value>,
}

/// A second of the run.
#[derive(Debug, Deserialize)]
pub(crate) struct Second {
    pub(crate) p99_ms: Option<f64>,
    #[serde(flatten)]
    _rest: BTreeMap<String, serde_json::Value>,
}

/// The report of `loadtest saturate --json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Saturation {
    pub(crate) saturating: Step,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Step {
    pub(crate) connections: u32,
    pub(crate) rate_per_second: f64,
}

impl Report {
    /// Returns the latency of 2xx responses.
    ///
    /// # Errors
    /// The run had no 2xx response.
    pub(crate) fn latency(&self) -> anyhow::Result<&Latency> {
        self.latency.as_ref().ok_or_else(|| anyhow::anyhow!("no response to any of {} requests", self.sent))
    }

    /// Checks that the percentiles cover at least 99.9 % of the requests.
    ///
    /// # Errors
    /// More requests were refused or not sent.
    pub(crate) fn complete(&self) -> anyhow::Result<()> {
        let refused = self.refused.as_ref().map_or(0, |refused| refused.count);
        anyhow::ensure!(
            (refused + self.unsent) * 1000 <= self.sent,
            "expected at most 0.1 % of {} requests to be refused or unsent, got {refused} refused and {} unsent",
            self.sent,
            self.unsent
        );
        Ok(())
    }

    /// Returns every kind of fault with its count and its first occurrence, in one line, or `None` if there are no
    /// faults.
    pub(crate) fn faults(&self) -> Option<String> {
        let told = self.faults.iter().filter(|fault| fault.count > 0).map(|fault| match &fault.first {
            Some(first) => format!("{} × {} (first: {first})", fault.count, fault.kind),
            None => format!("{} × {}", fault.count, fault.kind),
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"{
        "scenario": "mixed", "dialect": "registry", "mode": "open", "connections": 64, "rate": 500, "arrivals": "poisson",
        "seconds": 20.01, "sent": 10000, "answered": 9990, "rate_per_second": 499.5, "goodput_per_second": 480.1,
        "answer_bytes_mean": 6012.5,
        "latency": {"count": 9600, "mean_ms": 1.0, "p50_ms": 0.9, "p90_ms": 1.5, "p95_ms": 2.0, "p99_ms": 3.5,
                    "p999_ms": 5.0, "max_ms": 9.0},
        "kinds": {"new": {"count": 1, "latency": null}},
        "outcomes": {"created": 1, "cached": 2, "other": 3, "refused": 4, "failed": 5},
        "refused": {"count": 390, "latency": null},
        "faults": [{"kind": "timeout", "count": 10, "first": "after 10 s"}, {"kind": "lost", "count": 0, "first": null}],
        "ledger": {"plans": 1, "replanned": 0}, "verification": null,
        "timeline": [{"second": 0, "sent": 500, "answered": 499, "refused": 0, "p50_ms": 0.9, "p99_ms": 2.5},
                     {"second": 1, "sent": 500, "answered": 0, "refused": 0, "p50_ms": null, "p99_ms": null}]
    }"#;

    #[test]
    fn a_report_is_read() {
        let report: Report = serde_json::from_str(REPORT).unwrap();

        assert_eq!((report.seconds, report.goodput_per_second), (20.01, 480.1));
        assert_eq!(report.latency().unwrap().p99_ms, 3.5);
        assert_eq!(report.answer_bytes_mean, Some(6012.5));
        assert_eq!(report.refused.as_ref().map(|refused| refused.count), Some(390));
        assert_eq!(report.timeline.iter().map(|second| second.p99_ms).collect::<Vec<_>>(), [Some(2.5), None]);
        assert_eq!(report.faults().unwrap(), "10 × timeout (first: \"after 10 s\")");
    }

    #[test]
    fn a_saturation_is_read() {
        let text = r#"{"scenario": "mixed", "steps": [{"connections": 1, "rate_per_second": 90.0, "p99_ms": 1.0}],
                       "saturating": {"connections": 64, "rate_per_second": 3000.5}}"#;

        let saturation: Saturation = serde_json::from_str(text).unwrap();

        assert_eq!((saturation.saturating.connections, saturation.saturating.rate_per_second), (64, 3000.5));
    }
}
