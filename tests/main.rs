//! The whole service, tested from outside: over HTTP, over the command line, and by killing it.

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
