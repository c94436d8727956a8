mod contract;
mod postgres;
mod sqlite;
mod starting;
