//! Which machine does which files of a batch.

use crate::crc64::checksum;

/// The shard, from 0, of the file with this key: what remains when the CRC-64 of the key is divided by the number of
/// shards. It is the same in all versions and languages, and depends on nothing else: machines need not see the same files.
pub(crate) fn shard_of(key: &str, count: u32) -> u32 {
    // Less than `count`.
    (checksum(key.as_bytes()) % u64::from(count.max(1))) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other programs divide their files in this way, and so will later versions.
    #[test]
    fn the_division_never_changes() {
        for (key, crc64, shards) in [
            ("", 0x0, [0, 0, 0]),
            ("123456789", 0x995d_c9bb_df19_39fa, [0, 1, 954]),
            ("photos/2026/a.jpg", 0x17e1_c50c_2e49_1599, [1, 0, 145]),
            ("目录/big.bin", 0x3822_39a0_16cb_54fc, [0, 1, 628]),
            ("photos/empty/", 0xe9c7_5c3c_d126_52d4, [0, 0, 500]),
        ] {
            let found = [2, 3, 1000].map(|count| shard_of(key, count));
            assert_eq!((checksum(key.as_bytes()), found), (crc64, shards), "{key}");
        }
    }

    #[test]
    fn one_shard_has_all() {
        assert_eq!((shard_of("a", 0), shard_of("a", 1)), (0, 0));
    }
}
