//! Why the system refuses a file, as far as the reasons need different advice.

use std::io;

use super::refusal_number;

/// Why the system refuses to open, create or write a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing is at the path.
    Missing,
    /// A part of the path is a file.
    NoDirectory,
    /// It is a symbolic link, and none is followed.
    Link,
    /// It is a directory.
    Directory,
    /// It is no regular file.
    NotRegular,
    /// This user may not do that.
    Forbidden,
    /// The file system takes no writes.
    ReadOnly,
    /// The name is too long.
    NameTooLong,
    /// No space is left, to anybody or to this user.
    Full,
    /// The file would be larger than the file system or a limit of this process allows.
    TooLarge,
    /// The file system has no locks.
    NoLocks,
    /// For another reason.
    Other,
}

impl Refusal {
    /// What `error` says.
    pub(crate) fn of(error: &io::Error) -> Self {
        error.raw_os_error().map_or(Refusal::Other, refusal_number::refusal)
    }

    /// The error that the system would give for this reason, for refusals of our own.
    pub(crate) fn error(self) -> io::Error {
        io::Error::from_raw_os_error(self.number())
    }

    /// The number of that error.
    pub(crate) fn number(self) -> i32 {
        refusal_number::number(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_an_error_that_says_it() {
        for reason in [
            Refusal::Missing,
            Refusal::NoDirectory,
            Refusal::Link,
            Refusal::Directory,
            Refusal::NotRegular,
            Refusal::Forbidden,
            Refusal::ReadOnly,
            Refusal::NameTooLong,
            Refusal::Full,
            Refusal::TooLarge,
            Refusal::NoLocks,
            Refusal::Other,
        ] {
            assert_eq!(Refusal::of(&reason.error()), reason);
        }
        assert_eq!(Refusal::of(&io::Error::other("of no number")), Refusal::Other);
    }
}
