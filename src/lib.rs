//! Resumable uploads.
