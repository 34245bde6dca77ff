#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| oss_upload::fuzzing::checkpoint(input));
