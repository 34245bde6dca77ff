//! Errors: what failed, where, and whether a retry can help.

use std::any::Any;
use std::fmt;
use std::io;

/// The result of every operation in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// The kinds of failure. Each has one status of the C API, with the same name and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument or option is invalid; nothing was done.
    InvalidArgument,
    /// A local file could not be opened or read.
    Io,
    /// The server could not be reached, or the connection broke, more often than the retries allow.
    Network,
    /// The connect or stall timeout passed without progress.
    Timeout,
    /// The server said no: see [`Error::http_status`], [`Error::service_code`] and [`Error::request_id`].
    Service,
    /// No credentials were found, or a credentials provider failed.
    Credentials,
    /// The local file changed during the upload.
    FileChanged,
    /// The server's CRC-64 differs from the CRC-64 of the local data.
    ChecksumMismatch,
    /// The checkpoint file cannot be written or used.
    Checkpoint,
    /// Another upload holds the checkpoint file.
    CheckpointBusy,
    /// The upload was paused.
    Paused,
    /// The upload was cancelled.
    Cancelled,
    /// The object is stored, but the application server's callback failed.
    CallbackFailed,
    /// The option is known, but this version does not support it.
    Unsupported,
    /// The system could not create a thread: a process or memory limit is reached. Retrying later may help.
    Resources,
    /// Some files of a batch failed, or are not what they should be. The others are as they should be.
    FilesFailed,
    /// A bug in this library.
    Internal,
}

/// A failed operation: what failed, where, the server's message, and whether a retry can help.
///
/// The message is one line, names the part or file concerned and says what to do. It never contains secrets.
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    details: Box<Details>,
}

#[derive(Clone, Default)]
struct Details {
    message: String,
    retryable: bool,
    http_status: u16,
    os_errno: i32,
    part_number: u32,
    service_code: String,
    ec: String,
    request_id: String,
}

impl Error {
    /// An error that a retry cannot cure, unless [`Error::with_retryable`] says so.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, details: Box::new(Details { message: one_line(message.into()), ..Details::default() }) }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    /// `what` failed with an error of the operating system, whose number is kept.
    pub(crate) fn os(kind: ErrorKind, what: impl fmt::Display, cause: &io::Error) -> Self {
        let mut error = Self::new(kind, format!("{what}: {cause}"));
        error.details.os_errno = cause.raw_os_error().unwrap_or(0);
        error
    }

    /// The system could not create a thread. The condition may be temporary.
    pub(crate) fn no_thread(cause: &io::Error) -> Self {
        let error =
            Self::os(ErrorKind::Resources, "the system cannot create another thread", cause).with_retryable(true);
        error.hint("raise the process limit (ulimit -u, or pids.max of the container), or free memory, and try again")
    }

    /// The message of a caught panic. Its text describes a bug, and never contains user data.
    pub(crate) fn from_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
        Self::new(ErrorKind::Internal, format!("a bug in liboss_upload: {text}; please report it"))
    }

    pub(crate) fn with_retryable(mut self, retryable: bool) -> Self {
        self.details.retryable = retryable;
        self
    }

    pub(crate) fn with_errno(mut self, errno: i32) -> Self {
        self.details.os_errno = errno;
        self
    }

    pub(crate) fn with_part(mut self, part_number: u32) -> Self {
        self.details.part_number = part_number;
        self
    }

    pub(crate) fn with_service(mut self, http_status: u16, code: &str, ec: &str, request_id: &str) -> Self {
        let details = &mut self.details;
        details.http_status = http_status;
        details.service_code = one_line(code.to_owned());
        details.ec = one_line(ec.to_owned());
        details.request_id = one_line(request_id.to_owned());
        self
    }

    /// Prefixes the message with what was being done: `context: message`.
    pub(crate) fn context(mut self, context: impl fmt::Display) -> Self {
        self.details.message = one_line(format!("{context}: {}", self.details.message));
        self
    }

    /// Appends what to do, or the current state, to the message: `message; hint`.
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.details.message = one_line(format!("{}; {hint}", self.details.message));
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// One line that says what failed, where, and what to do. It never contains secrets.
    pub fn message(&self) -> &str {
        &self.details.message
    }

    /// Whether the same call may succeed later without any change. An upload with a checkpoint resumes where it
    /// stopped.
    pub fn is_retryable(&self) -> bool {
        self.details.retryable
    }

    /// The HTTP status of the server's response; 0 when there was none.
    pub fn http_status(&self) -> u16 {
        self.details.http_status
    }

    /// The operating system's error number; 0 when none is involved.
    pub fn os_errno(&self) -> i32 {
        self.details.os_errno
    }

    /// Number of the part that failed, from 1; 0 when the failure does not concern a single part.
    pub fn part_number(&self) -> u32 {
        self.details.part_number
    }

    /// OSS error code, such as `AccessDenied`; empty if the server sent none.
    pub fn service_code(&self) -> &str {
        &self.details.service_code
    }

    /// Detailed OSS error code (`x-oss-ec`), such as `0003-00000001`; empty if the server sent none.
    pub fn ec(&self) -> &str {
        &self.details.ec
    }

    /// The request ID, which Alibaba Cloud support asks for; empty if the server sent none.
    pub fn request_id(&self) -> &str {
        &self.details.request_id
    }
}

/// Texts from servers and file names may contain line breaks and control characters: a log line must not.
fn one_line(text: String) -> String {
    if text.chars().any(char::is_control) {
        return text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    }
    text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.details.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let d = &*self.details;
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &d.message)
            .field("retryable", &d.retryable)
            .field("http_status", &d.http_status)
            .field("os_errno", &d.os_errno)
            .field("part_number", &d.part_number)
            .field("service_code", &d.service_code)
            .field("ec", &d.ec)
            .field("request_id", &d.request_id)
            .finish()
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_stays_on_one_line() {
        let error = Error::invalid("a\r\nb\0c").context("key x\ny").hint("try\tagain");
        assert_eq!(error.message(), "key x y: a  b c; try again");
    }

    #[test]
    fn an_os_error_keeps_its_number() {
        let cause = io::Error::from_raw_os_error(2);
        let error = Error::os(ErrorKind::Io, "cannot open x", &cause);
        assert_eq!(error.os_errno(), 2);
        assert!(error.message().starts_with(&format!("cannot open x: {cause}")), "{error}");
    }
}
