//! Whole uploads: sizes, keys, signatures, ways to the server, headers, results, and what the server ends up with.

#[path = "../common/mod.rs"]
mod common;

mod addressing;
mod headers;
mod identity;
mod keys;
mod plans;
mod refusals;
mod results;
mod sharing;
mod sizes;
mod tls;
