//! Dates and percent-encoding: the ground that the protocol and the providers of credentials stand on.

pub(crate) mod date;
pub(crate) mod percent;
