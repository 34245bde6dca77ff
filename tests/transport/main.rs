//! The way of the bytes: stopping at any moment, peers that hold them up, limits, and proxies.

#[path = "../common/mod.rs"]
mod common;

mod bandwidth;
mod heads;
mod proxies;
mod stalls;
mod stopping;
#[cfg(unix)]
mod suspended;
mod truncation;
