//! The whole service, tested from outside.

fn main() {}
