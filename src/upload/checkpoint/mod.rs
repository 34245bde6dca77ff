//! The checkpoint: a journal of what the server has acknowledged, which lets the next call go on from there.
//!
//! `docs/checkpoint-format.md` describes the file byte by byte. `model` is what is remembered, `record` and
//! `decimal` its JSON, `line` the checksums around it, `read` how a file is judged, `open` how it is found and locked, `journal` how
//! it is written, `location` where it is, and `describe` says all this to people.

pub(crate) mod decimal;
mod describe;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod journal;
pub(crate) mod line;
mod location;
mod model;
pub(crate) mod open;
mod read;
mod record;
#[cfg(test)]
mod tests;

pub use describe::describe;
pub(crate) use journal::Journal;
pub(crate) use location::location;
pub(crate) use model::{FileOrigin, Found, Header, Origin, PartRecord, Saved};
