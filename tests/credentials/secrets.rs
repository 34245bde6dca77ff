//! Nothing secret is in what anybody sees.

use oss_upload::Error;

use super::vendor::*;

/// Fails when a secret is in `text`.
pub fn assert_clean(what: &str, text: &str) {
    for secret in [SOURCE_SECRET, SECRET, TOKEN, OIDC_TOKEN, "MetadataTokenThatNobodyMaySee"] {
        assert!(!text.contains(secret), "{what} holds {secret}: {text}");
    }
}

pub fn assert_clean_error(error: &Error) {
    let texts = [error.service_code(), error.ec(), error.request_id(), error.message()];
    assert_clean("an error", &format!("{error} {error:?} {}", texts.join(" ")));
}
