//! The bytes of the file: its first line, and the chained checksum in front of each record.

use crate::crc64::{Crc64, checksum};
use crate::text::hex::hex;

/// A kind of file in which this library keeps records.
#[derive(Debug)]
pub(crate) struct FileFormat {
    /// What it is called in messages.
    pub noun: &'static str,
    /// The same in "another checkpoint path".
    pub short: &'static str,
    magic: &'static str,
    version: u32,
}

/// The checkpoint of one upload.
pub(crate) const CHECKPOINT: FileFormat =
    FileFormat { noun: "checkpoint file", short: "checkpoint", magic: "oss-upload checkpoint ", version: 1 };
/// The manifest of a batch.
pub(crate) const MANIFEST: FileFormat =
    FileFormat { noun: "manifest", short: "manifest", magic: "oss-upload manifest ", version: 1 };

/// The bytes of the first line. The records begin here.
pub(super) const FIRST_LINE: usize = CHECKPOINT.first_line_length();
/// The most bytes of a record with its line break. A header with a path of 4096 bytes, each escaped, and a key of 1023
/// control characters has about 19,000.
pub(super) const MAX_LINE: usize = 32 * 1024;
/// The most bytes of a file. That is about 40 times the journal of 10,000 parts.
pub(super) const MAX_FILE: u64 = 64 * 1024 * 1024;

/// The hexadecimal digits of a checksum.
const DIGITS: usize = 16;

/// What the first line says.
#[derive(Debug, PartialEq)]
pub(crate) enum FirstLine {
    Ours,
    /// There is no more of it than this, and it is ours: the magic and the version at least. Who is killed leaves none.
    Torn,
    /// A version of the format that this library does not know.
    Newer(u32),
    /// It was one of ours once: three quarters of its fixed bytes still are, each at its place. A text that only begins
    /// with our name is not.
    Damaged,
    /// Somebody else's file.
    Foreign,
}

impl FileFormat {
    /// The version, its checksum, and the words around them.
    pub(crate) const fn fixed_length(&self) -> usize {
        self.magic.len() + 4 + 1 + DIGITS + 5
    }

    /// The records begin after so many bytes.
    pub(crate) const fn first_line_length(&self) -> usize {
        self.fixed_length() + 11
    }

    /// The first line of a file that process `pid` holds.
    pub(crate) fn first_line(&self, pid: u32) -> String {
        format!("{}{}", self.fixed_part(self.version), holder(pid))
    }

    /// The end of the first line, and where in the file it stands.
    pub(crate) fn holder_field(&self, pid: u32) -> (u64, String) {
        (self.fixed_length() as u64, holder(pid))
    }

    /// The version has a checksum of its own, so that damage is never taken for a newer version.
    fn fixed_part(&self, version: u32) -> String {
        let versioned = format!("{}{version:04}", self.magic);
        format!("{versioned} {:016x} pid ", checksum(versioned.as_bytes()))
    }

    /// Judges the first bytes of a file: as many as its first line has, or all there are.
    pub(crate) fn judge_first_line(&self, bytes: &[u8]) -> FirstLine {
        let ours = self.fixed_part(self.version).into_bytes();
        let fixed = &bytes[..bytes.len().min(self.fixed_length())];
        if fixed == ours {
            return if bytes.len() < self.first_line_length() { FirstLine::Torn } else { FirstLine::Ours };
        }
        if fixed.len() >= self.magic.len() + 4 && ours.starts_with(fixed) {
            return FirstLine::Torn;
        }
        if let Some(version) = self.newer_version(fixed) {
            return FirstLine::Newer(version);
        }
        let alike = fixed.iter().zip(&ours).filter(|(a, b)| a == b).count();
        if alike * 4 >= self.fixed_length() * 3 { FirstLine::Damaged } else { FirstLine::Foreign }
    }

    fn newer_version(&self, fixed: &[u8]) -> Option<u32> {
        let digits = fixed.get(self.magic.len()..self.magic.len() + 4)?;
        let version: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (version > self.version && fixed == self.fixed_part(version).as_bytes()).then_some(version)
    }

    /// The process that a first line names; `None` when it names none.
    pub(crate) fn holder_of(&self, bytes: &[u8]) -> Option<u32> {
        let digits = bytes.get(self.fixed_length()..self.first_line_length() - 1)?;
        std::str::from_utf8(digits).ok()?.parse().ok().filter(|pid| *pid != 0)
    }
}

fn holder(pid: u32) -> String {
    format!("{pid:010}\n")
}

/// The first line of a checkpoint that process `pid` holds.
pub(super) fn first_line(pid: u32) -> String {
    CHECKPOINT.first_line(pid)
}

/// Judges the first bytes of a checkpoint.
pub(super) fn judge_first_line(bytes: &[u8]) -> FirstLine {
    CHECKPOINT.judge_first_line(bytes)
}

/// The running checksum over all lines of records so far.
#[derive(Clone)]
pub(super) struct ChecksumChain(Crc64);

impl ChecksumChain {
    pub(super) fn new() -> Self {
        ChecksumChain(Crc64::new())
    }

    /// The line that carries `json` as the next record.
    pub(super) fn line(&self, json: &str) -> String {
        [&self.digits(json.as_bytes()), " ", json, "\n"].concat()
    }

    /// The JSON in `line`, when that is the next record and undamaged.
    pub(super) fn open<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        let (digits, rest) = line.split_at_checked(DIGITS)?;
        let json = rest.strip_prefix(b" ")?.strip_suffix(b"\n")?;
        (digits == self.digits(json).as_bytes()).then_some(json)
    }

    /// Takes `line` into the checksum of those that follow.
    pub(super) fn advance(&mut self, line: &[u8]) {
        self.0.update(line);
    }

    fn digits(&self, json: &[u8]) -> String {
        let mut crc = self.0.clone();
        crc.update(json);
        hex(&crc.value().to_be_bytes())
    }
}

/// Whether `line` has the form of a whole record, whatever its checksum.
pub(crate) fn looks_like_a_record(line: &[u8]) -> bool {
    let Some((digits, rest)) = line.split_at_checked(DIGITS) else { return false };
    digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) && rest.starts_with(b" {") && rest.ends_with(b"}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_has_a_fixed_length() {
        for pid in [0, 1, 4242, u32::MAX] {
            let line = first_line(pid);
            assert_eq!(line.len(), FIRST_LINE);
            assert_eq!(judge_first_line(line.as_bytes()), FirstLine::Ours);
            assert_eq!(CHECKPOINT.holder_of(line.as_bytes()), Some(pid).filter(|pid| *pid != 0));
            let (at, field) = CHECKPOINT.holder_field(pid);
            assert_eq!(line[at as usize..], field);
        }
    }

    #[test]
    fn a_first_line_cut_short_is_ours_when_it_can_be_nobody_else_s() {
        let line = first_line(4242);
        for length in 0..FIRST_LINE {
            let expected =
                if length < "oss-upload checkpoint 0001".len() { FirstLine::Foreign } else { FirstLine::Torn };
            assert_eq!(judge_first_line(&line.as_bytes()[..length]), expected, "{length} bytes");
        }
    }

    #[test]
    fn a_newer_version_is_believed_only_with_its_checksum() {
        let newer = |version| format!("{}0000000001\n", CHECKPOINT.fixed_part(version));
        assert_eq!(judge_first_line(newer(2).as_bytes()), FirstLine::Newer(2));
        assert_eq!(judge_first_line(newer(9999).as_bytes()), FirstLine::Newer(9999));
        assert_eq!(judge_first_line(newer(0).as_bytes()), FirstLine::Foreign, "nobody has written it");
        let edited = first_line(1).replace("0001 ", "0002 ");
        assert_eq!(judge_first_line(edited.as_bytes()), FirstLine::Damaged);
    }

    #[test]
    fn a_text_that_begins_with_our_name_is_not_ours() {
        let judge = |text: &str| judge_first_line(text.as_bytes());
        for text in [
            "",
            "x",
            "oss-upload",
            "oss-upload checkpoint",
            "oss-upload big.bin oss://examplebucket/big.bin --resume --checkpoint big.bin.cp\n",
            "oss-upload checkpoint files, and what to do about them: notes for the team\n",
            "{\"Magic\":\"FE8BB4EA-B593-4FAC-AD7A-2459A36E2E62\",\"MD5\":\"\"}",
            &"\0".repeat(FIRST_LINE),
        ] {
            assert_eq!(judge(text), FirstLine::Foreign, "{text}");
        }
    }

    #[test]
    fn a_quarter_may_be_damaged() {
        let mut line = first_line(4242).into_bytes();
        for at in (0..CHECKPOINT.fixed_length()).step_by(4) {
            line[at] ^= 1;
            assert_eq!(judge_first_line(&line), FirstLine::Damaged, "up to {at}");
        }
        line[1] ^= 1;
        assert_eq!(judge_first_line(&line), FirstLine::Foreign);
    }

    #[test]
    fn each_line_depends_on_all_before() {
        let mut chain = ChecksumChain::new();
        let first = chain.line("{\"a\":1}");
        assert_eq!(first.len(), 16 + 1 + 7 + 1);
        assert_eq!(chain.open(first.as_bytes()), Some(b"{\"a\":1}".as_slice()));
        assert!(looks_like_a_record(first.as_bytes()));
        chain.advance(first.as_bytes());
        assert_eq!(chain.open(first.as_bytes()), None, "the same record again is not the next one");
        assert_ne!(chain.line("{\"a\":1}"), first);
    }
}
