//! The whole service, tested from outside: over HTTP, over the command line, and by killing it.

mod dumps;
mod http_errors;
mod http_plans;
mod support;
