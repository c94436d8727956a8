//! The instrument registry: an axum front end and a command line on top of the engine.

pub mod app;
pub mod boot;
pub mod cli;
mod closing;
mod connections;
mod http;
pub mod limits;
mod memory;
mod metrics;
pub mod settings;
mod status;
pub mod telemetry;
