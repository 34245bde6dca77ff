//! One object from several hosts: the texts that its senders exchange, and the steps that they carry out.
//!
//! `docs/shared-upload-format.md` describes the texts. `sealed` is what they have in common, `token` says which upload it is,
//! `fragment` which parts a host has sent, `step` what is to be done. A text is input: nothing in it is believed that has not
//! been checked, and it decides neither where to nor as whom anything is sent.

mod fragment;
mod sealed;
mod step;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use fragment::{FileTimes, Fragment};
pub(crate) use step::{Collected, SharedStep, part_names};
pub(crate) use token::Token;
pub use token::shared_upload_part_count;
