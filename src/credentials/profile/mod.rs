//! Credentials as other tools of Alibaba Cloud have them in their files: a profile may hold a key, or say how to get one.

mod cli;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
mod ini;
mod lookup;
mod ossutil;
mod recipe;

pub(super) use lookup::Profile;
