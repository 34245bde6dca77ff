//! Whole uploads: sizes, keys, signatures, ways to the server, headers, results, and what the server ends up with.

#[path = "../common/mod.rs"]
mod common;

mod addressing;
mod headers;
mod identity;
mod keys;
mod memory;
mod plans;
mod refusals;
mod replays;
mod results;
mod sharing;
mod sizes;
mod streams;
mod tls;
