//! How long a call may take, by what it is for.

use std::time::Duration;

use crate::http::Limits;
use crate::oss::Operation;

/// Putting an object together may take the server minutes: it gets this many times the usual time for a response.
const COMPLETE_TIMES: u32 = 10;
/// Who pauses or cancels an upload does not want to wait for what is only tidying up.
const TIDY_TIMEOUT: Duration = Duration::from_secs(2);
/// What is looked for then holds no parts: it is worth less.
const LOOK_TIMEOUT: Duration = Duration::from_secs(1);

/// The limits of a call, when `usual` are those of the client.
pub(super) fn limits(operation: Operation, usual: Limits) -> Limits {
    match operation {
        Operation::CompleteMultipartUpload => {
            Limits { response: usual.response.saturating_mul(COMPLETE_TIMES), ..usual }
        }
        Operation::AbortMultipartUpload => usual.at_most(TIDY_TIMEOUT),
        Operation::ListMultipartUploads => usual.at_most(LOOK_TIMEOUT),
        _ => usual,
    }
}

/// Whether a call only removes what is of no use.
pub(super) fn is_tidying(operation: Operation) -> bool {
    matches!(operation, Operation::AbortMultipartUpload | Operation::ListMultipartUploads)
}

/// How long a call may wait before it is made.
pub(crate) fn longest_wait(operation: Operation) -> Duration {
    if is_tidying(operation) { TIDY_TIMEOUT } else { Duration::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn putting_together_may_take_long_and_tidying_up_may_not() {
        let usual = Limits::all(Duration::from_secs(30));
        let seconds = |operation| {
            let Limits { connect, stall, response } = limits(operation, usual);
            [connect, stall, response].map(|limit| limit.as_secs())
        };
        assert_eq!(seconds(Operation::UploadPart), [30, 30, 30]);
        assert_eq!(seconds(Operation::ListObjectsV2), [30, 30, 30]);
        assert_eq!(seconds(Operation::CompleteMultipartUpload), [30, 30, 300]);
        assert_eq!(seconds(Operation::AbortMultipartUpload), [2, 2, 2]);
        assert_eq!(seconds(Operation::ListMultipartUploads), [1, 1, 1]);
    }
}
