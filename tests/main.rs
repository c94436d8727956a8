//! Tests of the whole service from outside: over HTTP, through the command line, and by killing its process.

mod calendar;
mod command_line;
mod config_service;
mod contract;
mod dependencies;
mod deployment;
mod documents;
mod dumps;
mod durability;
mod http_errors;
mod http_idempotency;
mod http_ingest;
mod http_instruments;
mod http_plans;
mod http_process;
mod http_profiles;
mod http_status;
mod support;
mod tidy;
mod tls;
