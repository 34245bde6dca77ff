//! Uploads that the server opened without our hearing of it.
//!
//! InitiateMultipartUpload is not idempotent: when its response is lost, or the process is killed before the checkpoint
//! has it, an upload without parts stays behind on the server, billed for nothing and for ever.

use std::time::{Duration, SystemTime};

use super::remote::Remote;
use crate::error::Result;

/// Server clocks show whole seconds, and responses take some time.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);
/// No process keeps trying to open an upload for longer than this.
const LONGEST_OPENING: Duration = Duration::from_secs(600);

/// Removes uploads of the key, except `ours`, that were opened soon after one of the times `since` by our clock and hold no
/// part. A failure, such as that of a policy that does not allow to list them, should not keep the upload from going on.
pub(crate) fn remove(remote: &Remote<'_>, ours: Option<&str>, since: &[SystemTime]) -> Result<()> {
    let open = remote.open_uploads()?;
    let now = SystemTime::now();
    let since: Vec<_> = since.iter().map(|since| by_clock_of_server(*since, now, open.server_time)).collect();
    for upload in open.uploads {
        let id = upload.upload_id.as_str();
        let is_candidate = Some(id) != ours && since.iter().any(|since| is_of_that_time(upload.initiated, *since));
        // Another program may be at work on the same key: as soon as it has sent a part, its upload is left alone.
        if is_candidate && remote.list_parts(id)?.is_empty() {
            remote.abort(id)?;
        }
    }
    Ok(())
}

/// The server's time when it was `since` by our clock, which now shows `now`. The clocks may be far apart, without a word of
/// the server: it takes requests that are off by a quarter of an hour.
fn by_clock_of_server(since: SystemTime, now: SystemTime, server_time: Option<SystemTime>) -> SystemTime {
    let Some(server_time) = server_time else { return since };
    let shifted = match now.duration_since(since) {
        Ok(ago) => server_time.checked_sub(ago),
        Err(ahead) => server_time.checked_add(ahead.duration()),
    };
    shifted.unwrap_or(since)
}

fn is_of_that_time(initiated: SystemTime, since: SystemTime) -> bool {
    initiated + CLOCK_TOLERANCE >= since && initiated <= since + LONGEST_OPENING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_may_differ() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(by_clock_of_server(at(1000), at(1010), Some(at(5000))), at(4990));
        assert_eq!(by_clock_of_server(at(1000), at(990), Some(at(5000))), at(5010), "ours was set back");
        assert_eq!(by_clock_of_server(at(1000), at(1010), None), at(1000));
        assert_eq!(
            by_clock_of_server(at(0), at(u64::from(u32::MAX)), Some(at(0))),
            at(0) - Duration::from_secs(u32::MAX.into())
        );
    }

    #[test]
    fn only_uploads_of_the_time_in_question_are_candidates() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert!(is_of_that_time(since, since));
        assert!(is_of_that_time(since - Duration::from_secs(4), since));
        assert!(!is_of_that_time(since - Duration::from_secs(60), since));
        assert!(!is_of_that_time(since + Duration::from_secs(3600), since));
    }
}
