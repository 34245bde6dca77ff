//! The files that credentials are in.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind as Io, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::os::descriptor;
use crate::os::io_error::may_pass;

/// No file with credentials is larger.
const MOST: u64 = 1024 * 1024;

/// The content of a small file, which is wiped after use.
pub(super) fn read_file(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = descriptor::open(|| File::open(path))?;
    // In one piece from the beginning: a buffer that grows leaves copies behind.
    let size = file.metadata()?.len().min(MOST) as usize;
    let mut bytes = Zeroizing::new(Vec::with_capacity(size + 2));
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(io::Error::new(Io::FileTooLarge, "it is larger than 1 MiB"));
    }
    Ok(bytes)
}

/// `path` cannot be read; what may pass by itself is retryable.
pub(super) fn unreadable(what: impl fmt::Display, error: &io::Error) -> Error {
    Error::os(ErrorKind::Credentials, what, error).with_retryable(may_pass(error))
}
