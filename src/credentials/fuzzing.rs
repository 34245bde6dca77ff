//! Any bytes as files and responses that hold credentials.

use super::key_response::KeyResponse;
use super::profile::fuzzing::books;

/// The input is a file of profiles, and the response of a service that gives keys. An error tells nothing of a secret.
pub fn credentials(input: &[u8]) {
    books(input);
    let Ok(response) = KeyResponse::parse(input) else { return };
    match response.into_issued() {
        Ok(issued) => assert!(issued.credentials.check().is_ok()),
        Err(why) => assert!(why.len() < 1024, "{why}"),
    }
}
