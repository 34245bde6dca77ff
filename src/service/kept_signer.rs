//! The signer of the running second, made once for all requests of a client.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::credentials::Credentials;
use crate::oss::sign_v4::Signer;
use crate::sync::{Mutex, unpoisoned};

/// The signer that was asked for last.
#[derive(Default)]
pub(super) struct KeptSigner(Mutex<Option<Kept>>);

struct Kept {
    signer: Arc<Signer>,
    /// Held, so that no others can be in its place in memory.
    credentials: Arc<Credentials>,
    region: String,
    product: &'static str,
    second: u64,
}

impl KeptSigner {
    /// Signs as of `now`, which is told to the second.
    pub(super) fn get(
        &self,
        credentials: &Arc<Credentials>,
        region: &str,
        product: &'static str,
        now: SystemTime,
    ) -> Arc<Signer> {
        let second = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let fits = |kept: &&Kept| {
            (kept.second, kept.product, kept.region.as_str()) == (second, product, region)
                && Arc::ptr_eq(&kept.credentials, credentials)
        };
        let mut kept = unpoisoned(self.0.lock());
        if let Some(kept) = kept.as_ref().filter(fits) {
            return kept.signer.clone();
        }
        let signer = Arc::new(Signer::new(credentials, region, product, now));
        let (credentials, region) = (credentials.clone(), region.to_owned());
        *kept = Some(Kept { signer: signer.clone(), credentials, region, product, second });
        signer
    }
}

/// Without the key.
impl fmt::Debug for KeptSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptSigner")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_signer_serves_one_second_of_one_key_and_region() {
        let (kept, start) = (KeptSigner::default(), UNIX_EPOCH + Duration::from_secs(1000));
        let [one, other] = ["a", "b"].map(|id| Arc::new(Credentials::new(id, "secret", None)));
        let first = kept.get(&one, "cn-x", "oss", start);
        let is_first = |signer: Arc<Signer>| Arc::ptr_eq(&signer, &first);
        assert!(is_first(kept.get(&one, "cn-x", "oss", start + Duration::from_millis(999))));
        assert!(!is_first(kept.get(&one, "cn-x", "oss", start + Duration::from_secs(1))));
        assert!(!is_first(kept.get(&other, "cn-x", "oss", start)));
        assert!(!is_first(kept.get(&one, "cn-y", "oss", start)));
        assert!(!is_first(kept.get(&one, "cn-x", "oss-cloudbox", start)));
    }
}
