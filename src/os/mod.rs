//! The operating system: the only room that names rustix, libc and `std::os`. One folder a family of systems; what is the
//! same in all of them stands beside the folders.
#![allow(unsafe_code)]

pub(crate) mod durable;
pub(crate) mod identity;
pub(crate) mod memory;
#[cfg(test)]
pub(crate) mod power_cut;
pub(crate) mod refusal;
pub(crate) mod socket;
#[cfg(test)]
pub(crate) mod trace;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
pub(crate) use windows::*;
