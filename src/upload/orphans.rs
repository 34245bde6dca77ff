//! Uploads that the server opened without our hearing of it.
//!
//! InitiateMultipartUpload is not idempotent: when its response is lost, or the process is killed before the checkpoint
//! has it, an upload without parts stays behind on the server, billed for nothing and for ever.

use std::time::{Duration, SystemTime};

use super::remote::Remote;
use crate::error::Result;

/// Server clocks show whole seconds, and ours may be a little off.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);
/// No process keeps trying to open an upload for longer than this.
const LONGEST_OPENING: Duration = Duration::from_secs(600);

/// Removes uploads of the key, except `ours`, that were opened after `since` by our clock and hold no part. A failure,
/// such as that of a policy that does not allow to list them, should not keep the upload from going on.
pub(crate) fn remove(remote: &Remote<'_>, ours: Option<&str>, since: SystemTime) -> Result<()> {
    let since = remote.service.by_server_clock(since);
    for upload in remote.open_uploads()? {
        let id = upload.upload_id.as_str();
        let is_candidate = Some(id) != ours && is_of_that_time(upload.initiated, since);
        // Another program may be at work on the same key: as soon as it has sent a part, its upload is left alone.
        if is_candidate && remote.list_parts(id)?.is_empty() {
            remote.abort(id)?;
        }
    }
    Ok(())
}

fn is_of_that_time(initiated: SystemTime, since: SystemTime) -> bool {
    initiated + CLOCK_TOLERANCE >= since && initiated <= since + LONGEST_OPENING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uploads_of_the_time_in_question_are_candidates() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert!(is_of_that_time(since, since));
        assert!(is_of_that_time(since - Duration::from_secs(4), since));
        assert!(!is_of_that_time(since - Duration::from_secs(60), since));
        assert!(!is_of_that_time(since + Duration::from_secs(3600), since));
    }
}
