//! What a file's time stamps are worth depends on the file system that it is on.

use std::fs::File;

/// Whether the file system is known to keep a change time of its own: one that every write moves forward, and that no
/// program can put back. `false` when it is not known to, or cannot be asked.
pub(crate) fn keeps_change_time(file: &File) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::fs::fstatfs(file).is_ok_and(|of| is_known_to_keep_change_time(of.f_type as u32));
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        false
    }
}

/// The numbers by which Linux names file systems that keep a change time, from `linux/magic.h` and their sources.
///
/// Overlayfs does not say what is below it. A file that is written lies in its upper layer, which must have extended
/// attributes; in practice that is one of the others here.
///
/// Not here, on purpose: FAT and exFAT, where the change time is the modification time. FUSE and virtiofs, 9p, SMB and
/// NFS, where another program or machine decides what the times are and may have its own clock, and where they are
/// cached. NTFS, whose drivers differ.
#[cfg(target_os = "linux")]
const KEEP_CHANGE_TIME: [u32; 10] = [
    0x0000_EF53, // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683E, // btrfs
    0xF2F5_2010, // F2FS
    0x2FC1_2FC1, // ZFS
    0xCA45_1A4E, // bcachefs
    0x3153_464A, // JFS
    0x0102_1994, // tmpfs
    0x8584_58F6, // ramfs
    0x794C_7630, // overlayfs
];

#[cfg(target_os = "linux")]
fn is_known_to_keep_change_time(kind: u32) -> bool {
    KEEP_CHANGE_TIME.contains(&kind)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn local_file_systems_are_known_and_all_else_is_not() {
        for kind in [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630] {
            assert!(is_known_to_keep_change_time(kind), "{kind:#x}");
        }
        const FAT: u32 = 0x4D44;
        const EXFAT: u32 = 0x2011_BAB0;
        const NTFS3: u32 = 0x7366_746E;
        const FUSE: u32 = 0x6573_5546;
        const NFS: u32 = 0x6969;
        const CIFS: u32 = 0xFF53_4D42;
        const SMB2: u32 = 0xFE53_4D42;
        const PLAN_9: u32 = 0x0102_1997;
        const PROC: u32 = 0x9FA0;
        for kind in [FAT, EXFAT, NTFS3, FUSE, NFS, CIFS, SMB2, PLAN_9, PROC, 0, u32::MAX] {
            assert!(!is_known_to_keep_change_time(kind), "{kind:#x}");
        }
    }

    /// A test of the system call: procfs is everywhere, and /dev/shm is tmpfs.
    #[test]
    fn the_system_is_asked() {
        assert!(!keeps_change_time(&File::open("/proc/self/status").unwrap()));
        if let Ok(file) = tempfile::tempfile_in("/dev/shm") {
            assert!(keeps_change_time(&file));
        }
    }
}
