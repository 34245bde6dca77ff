//! Ids that look like OSS's: capital hexadecimal digits, different every time.

use std::hash::{BuildHasher, Hasher, RandomState};

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// 24 digits.
pub(crate) fn request_id() -> String {
    format!("{:016X}{:08X}", random(), random() as u32)
}

/// 32 digits.
pub(crate) fn upload_id() -> String {
    format!("{:016X}{:016X}", random(), random())
}

/// 64 letters and digits, as OSS's version ids are long and opaque.
pub(crate) fn version_id() -> String {
    format!("CAE{}{:029x}", upload_id(), random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_length_and_differ() {
        assert_eq!((request_id().len(), upload_id().len(), version_id().len()), (24, 32, 64));
        assert_ne!(upload_id(), upload_id());
    }
}
