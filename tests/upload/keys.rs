//! Keys with every awkward character.

use oss_upload::SignatureVersion;

use crate::common::*;

#[test]
fn awkward_keys_arrive_as_they_are() {
    let longest = "k".repeat(1023);
    let longest_wide = format!("{}{}", "目".repeat(340), "abc");
    let keys = [
        "plain.txt",
        "目录/测试 🦀.txt",
        "e\u{301} is not \u{e9}",
        "a b  c",
        " blanks around ",
        "a+b",
        "100%",
        "%41%zz",
        "%2F",
        "what?",
        "?first",
        "a?b=c&d=e",
        "a#b",
        "a=b&c;d,e:f@g!h$i'j(k)l*m",
        "[brackets]{braces}|<angles>\"quotes\"^`~",
        "back\\slash",
        "..",
        ".",
        "a/../b",
        "../up",
        "a/./b",
        "a/..",
        "a//b",
        "a///",
        "trailing/",
        "tab\tnewline\nend",
        "\u{7f}\u{1}",
        "uploads",
        "a?uploads",
        "key?partNumber=1&uploadId=2",
        &longest,
        &longest_wide,
    ];
    assert_eq!(longest_wide.len(), 1023);
    let server = server();
    let (single, parts) = (Scratch::new(10), Scratch::new(102_401));
    for version in [SignatureVersion::V1, SignatureVersion::V4] {
        let client = client_with(&server, |options| options.signature_version = version);
        for key in keys {
            for scratch in [&single, &parts] {
                let sent = client.upload_file(upload_options(key, &scratch.file), |_, _| ());
                assert!(sent.is_ok(), "{version:?} {key:?}: {sent:?}");
                assert_stored(&server, key, &scratch.file);
            }
        }
        let mut stored = server.objects(BUCKET);
        let mut wanted = keys.to_vec();
        stored.sort();
        wanted.sort();
        assert_eq!(stored, wanted, "there are no others");
    }
}
