//! The limit on what all uploads of a client send together.

use std::time::{Duration, Instant};

use crate::common::*;

#[test]
fn two_uploads_share_the_limit_of_their_client() {
    let server = server();
    let client = client_with(&server, |options| options.max_bytes_per_second = 200_000);
    let files = [Scratch::new(200_000), Scratch::new(200_000)];
    let start = Instant::now();
    let uploads = ["a", "b"].map(|key| {
        let file = if key == "a" { &files[0].file } else { &files[1].file };
        client.start(upload_options(key, file)).unwrap()
    });
    for upload in &uploads {
        let outcome = upload.wait(Duration::from_secs(30)).expect("it ends");
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
    }
    let elapsed = start.elapsed();
    // 400,000 bytes: two seconds, less the little that may be saved up.
    assert!(elapsed > Duration::from_millis(1800), "{elapsed:?}: too fast, the limit is not shared");
    assert!(elapsed < Duration::from_secs(6), "{elapsed:?}: the limit is a limit, not a brake");
    assert_stored(&server, "a", &files[0].file);
    assert_stored(&server, "b", &files[1].file);
}

#[test]
fn the_limit_holds_over_tls() {
    let tls = TlsServer::start(|_| ());
    let client = tls.client_with(|options| options.max_bytes_per_second = 200_000);
    let scratch = Scratch::new(250_000);
    let start = Instant::now();
    client.upload_file(upload_options("key", &scratch.file), |_, _| ()).unwrap();
    assert!(start.elapsed() > Duration::from_millis(1100), "{:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_stored(&tls.server, "key", &scratch.file);
}
