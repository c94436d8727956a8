//! The metric of finished jobs.

use metrics::counter;
use registry_planning::ingest::selection::Mode;
use registry_planning::vocabulary::Broker;
use registry_store::jobs::{Job, JobStatus};

/// Finished jobs, by broker, mode and status.
const INGESTION_JOBS: &str = "instrument_registry_ingestion_jobs_total";

pub(super) fn count(job: &Job) {
    let (broker, mode) = (job.broker.as_str(), job.mode.as_str());
    counter!(INGESTION_JOBS, "broker_id" => broker, "mode" => mode, "status" => job.status.as_str()).increment(1);
}

/// Describes the metric of jobs and sets it to 0.
pub(crate) fn register() {
    metrics::describe_counter!(INGESTION_JOBS, "Number of finished jobs by broker, mode and status");
    for broker in Broker::WITH_FILES {
        for mode in Mode::ALL {
            for status in [JobStatus::Completed, JobStatus::Failed, JobStatus::Cancelled] {
                let (broker, mode, status) = (broker.as_str(), mode.as_str(), status.as_str());
                counter!(INGESTION_JOBS, "broker_id" => broker, "mode" => mode, "status" => status).absolute(0);
            }
        }
    }
}
