//! A local OSS for tests.
