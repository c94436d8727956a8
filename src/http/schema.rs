//! Parts of the OpenAPI document that several operations share.

pub(super) mod conflict;
pub(super) mod parameters;
pub(super) mod types;
