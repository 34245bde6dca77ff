//! An application server, which OSS calls when an object is stored.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What the application server says.
pub const RESPONSE: &[u8] = br#"{"a": 1 }"#;

/// Starts one that answers its callers with `status`; gives the value of the header x-oss-callback that asks for it.
pub fn callback(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut caller in listener.incoming().flatten() {
            let mut seen = Vec::new();
            let mut buffer = [0; 4096];
            while !String::from_utf8_lossy(&seen).contains("size=") {
                match caller.read(&mut buffer) {
                    Ok(count @ 1..) => seen.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            let length = RESPONSE.len();
            let _ = write!(caller, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let _ = caller.write_all(RESPONSE);
        }
    });
    STANDARD.encode(format!(r#"{{"callbackUrl":"{url}","callbackBody":"size=${{size}}"}}"#))
}
