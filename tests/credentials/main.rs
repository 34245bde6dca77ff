//! Where credentials come from, and what an upload does when they run out: whole uploads to a local OSS, with keys that
//! a local stand-in for Alibaba Cloud's services issues.

#[path = "../common/mod.rs"]
mod common;

mod chain;
mod providers;
mod renewal;
mod run;
mod secrets;
mod vendor;
mod waiting;
