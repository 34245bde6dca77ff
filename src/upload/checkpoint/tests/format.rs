//! What is written comes back, and the format is what its document says.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::*;

#[test]
fn everything_comes_back() {
    let directory = directory();
    let path = directory.path().join("x.cp");
    let mut header = header(3);
    header.source = PathBuf::from(OsString::from_vec(b"/data/\xff %41\n\xe7\x9b\xae".to_vec()));
    header.key = "\u{1}/\"文件\"\\\u{10FFFF}".to_owned();
    header.identity.modified_ns = -1;
    header.identity.changed_ns = i128::from(i64::MAX) * 1_000_000_000 + 999_999_999;
    header.observed = UNIX_EPOCH - Duration::from_nanos(1_500_000_000);
    let parts = [PartRecord { crc64: u64::MAX, ..part(&header, 1, 0) }, part(&header, 3, 0)];
    {
        let (journal, nothing) = open(&path);
        assert_eq!(nothing, Found::Nothing);
        journal.begin(&header).unwrap();
        journal.opened("0004B9894A22E5B1888A1E29F823****").unwrap();
        journal.part(&parts[1]);
        journal.part(&parts[0]);
        assert_eq!(journal.trouble(), None);
    }
    let upload_id = Some("0004B9894A22E5B1888A1E29F823****".to_owned());
    let mut saved = Saved { header, upload_id, parts: parts.to_vec(), completing: false };
    {
        let (journal, found) = open(&path);
        assert_eq!(found, Found::Usable(saved.clone()));
        journal.completing();
    }
    saved.completing = true;
    assert_eq!(usable(&path), saved);
}
