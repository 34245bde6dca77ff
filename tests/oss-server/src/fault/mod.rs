//! Faults on demand: a script of rules, and the engine that picks the rule for a request.

mod engine;
mod script;

pub(crate) use engine::{ActiveFault, FaultEngine, Subject};
pub use script::{Action, FaultRule, FaultScript, Match, OneOrMany, ResponseBody, Stage};
