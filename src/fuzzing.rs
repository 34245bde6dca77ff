//! What fuzzers call: each function takes any bytes, and panics when a promise is broken. Not part of the interface.
//!
//! `fuzz/` has a program for each. Its corpora are tried by the unit tests, too.

pub use crate::credentials::fuzzing::credentials;
pub use crate::oss::fuzzing::{Signed, responses, signed, texts};
pub use crate::text::fuzzing::encodings;
pub use crate::transport::fuzzing::{conversation, proxies};
pub use crate::upload::checkpoint::fuzzing::checkpoint;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    type Target = fn(&[u8]);

    const TARGETS: [(&str, Target); 7] = [
        ("checkpoint", checkpoint),
        ("responses", responses),
        ("texts", texts),
        ("proxies", proxies),
        ("credentials", credentials),
        ("encodings", encodings),
        ("conversation", conversation),
    ];

    /// Whatever the fuzzers once found, and what leads them to something new.
    #[test]
    fn the_corpora_break_no_promise() {
        for (name, target) in TARGETS {
            let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
            let inputs: Vec<_> = fs::read_dir(&corpus).expect("a corpus").collect();
            assert!(inputs.len() >= 5, "{name} has {} inputs", inputs.len());
            for input in inputs {
                target(&fs::read(input.unwrap().path()).unwrap());
            }
        }
    }
}
