//! The operating system: the only room that names rustix, libc and `std::os`. One folder a family of systems.
#![allow(unsafe_code)]

mod unix;

pub(crate) use unix::*;
