//! The input of a run, which exists before the clock starts.

use crate::ledger::Acknowledgement;
use crate::plan_id::PlanId;
use crate::settings::Service;
use crate::site::Site;
use crate::workload::Workload;

/// Everything that a run needs.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) service: Service,
    /// The plans to read. Empty: acknowledged plans.
    pub(crate) ids: Vec<PlanId>,
    pub(crate) site: Site,
    pub(crate) workload: Workload,
    /// The maximum number of instruments of a plan in the settings of the registry.
    pub(crate) limit: usize,
    /// Whether a request can be sent more than once.
    pub(crate) is_repeated: bool,
    /// Rendered plan requests by their position in the pool. Empty if they are rendered during the run.
    pub(crate) pool: Vec<Box<[u8]>>,
    /// Rendered requests of the kind `echo`.
    pub(crate) echoes: Vec<Box<[u8]>>,
    /// Plans that were created before the load.
    pub(crate) acknowledged: Vec<Acknowledgement>,
}
