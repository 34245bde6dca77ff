//! What tests do to a file in ways of this operating system, and the numbers of its errors.
#![allow(unused_imports, reason = "each test binary uses some of it")]

#[cfg(unix)]
mod here {
    use std::ffi::OsString;
    use std::fs::{self, File, Permissions};
    use std::io;
    use std::os::unix::ffi::OsStringExt;
    pub use std::os::unix::fs::symlink;
    use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
    use std::path::{Path, PathBuf};

    pub const MISSING: i32 = libc::ENOENT;
    pub const MISSING_DIRECTORY: i32 = libc::ENOENT;
    pub const NO_DIRECTORY: i32 = libc::ENOTDIR;
    pub const IS_DIRECTORY: i32 = libc::EISDIR;
    pub const IS_LINK: i32 = libc::ELOOP;
    pub const NOT_REGULAR: i32 = libc::EINVAL;
    pub const NAME_TOO_LONG: i32 = libc::ENAMETOOLONG;
    pub const FILE_TOO_LARGE: i32 = libc::EFBIG;
    pub const REFUSED: i32 = libc::ECONNREFUSED;
    /// A file that is none on a disk.
    pub const DEVICE: &str = "/dev/null";
    /// The exit code of a process that was killed.
    pub const KILLED: Option<i32> = None;

    pub fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    /// A name that is no Unicode.
    pub fn not_unicode() -> OsString {
        OsString::from_vec(b"m\xe9.txt".to_vec())
    }

    /// A path of which no key can be made.
    pub fn no_key() -> PathBuf {
        not_unicode().into()
    }

    /// Nobody but its owner may open it.
    pub fn assert_private(path: &Path) {
        assert_eq!(fs::metadata(path).expect("the file is there").mode() & 0o777, 0o600);
    }

    /// Changes nothing but the change time.
    pub fn touch_change_time(path: &Path) {
        fs::set_permissions(path, Permissions::from_mode(0o640)).expect("a chmod");
    }

    /// In nanoseconds since 1970.
    pub fn change_time(path: &Path) -> i128 {
        let metadata = fs::metadata(path).expect("the file is there");
        i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec())
    }

    pub fn device(path: &Path) -> u64 {
        fs::metadata(path).expect("the file is there").dev()
    }
}

#[cfg(windows)]
mod here {
    use std::ffi::OsString;
    use std::fs::{self, File};
    use std::io;
    use std::mem::{size_of, zeroed};
    use std::os::windows::ffi::OsStringExt;
    use std::os::windows::fs::{FileExt, symlink_dir, symlink_file};
    use std::os::windows::io::AsRawHandle;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use windows_sys::Win32::Foundation::*;
    use windows_sys::Win32::Networking::WinSock::WSAECONNREFUSED;
    use windows_sys::Win32::Storage::FileSystem::*;

    pub const MISSING: i32 = ERROR_FILE_NOT_FOUND as i32;
    pub const MISSING_DIRECTORY: i32 = ERROR_PATH_NOT_FOUND as i32;
    pub const NO_DIRECTORY: i32 = ERROR_PATH_NOT_FOUND as i32;
    pub const IS_DIRECTORY: i32 = ERROR_DIRECTORY_NOT_SUPPORTED as i32;
    pub const IS_LINK: i32 = ERROR_STOPPED_ON_SYMLINK as i32;
    pub const NOT_REGULAR: i32 = ERROR_INVALID_PARAMETER as i32;
    pub const NAME_TOO_LONG: i32 = ERROR_FILENAME_EXCED_RANGE as i32;
    pub const FILE_TOO_LARGE: i32 = ERROR_FILE_TOO_LARGE as i32;
    pub const REFUSED: i32 = WSAECONNREFUSED;
    /// A file that is none on a disk.
    pub const DEVICE: &str = "NUL";
    /// The exit code of a process that was killed.
    pub const KILLED: Option<i32> = Some(1);

    pub fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        assert_eq!(file.seek_write(bytes, offset)?, bytes.len());
        Ok(())
    }

    pub fn symlink(target: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
        match target.as_ref().is_dir() {
            true => symlink_dir(target, link),
            false => symlink_file(target, link),
        }
    }

    /// A name that is no Unicode: half of a pair.
    pub fn not_unicode() -> OsString {
        OsString::from_wide(&[0x6D, 0xD800, 0x2E, 0x74, 0x78, 0x74])
    }

    /// A path of which no key can be made: it is too long for one. Wine cannot make a name that is no Unicode.
    pub fn no_key() -> PathBuf {
        vec!["n".repeat(240); 5].iter().collect()
    }

    /// Nobody but its owner, administrators and the system may open it: three entries, none of which is inherited.
    pub fn assert_private(path: &Path) {
        let told = Command::new("icacls").arg(path).output().expect("icacls is there");
        let told = String::from_utf8_lossy(&told.stdout);
        assert!(told.matches(":(F)").count() == 3 && !told.contains("(I)"), "{told}");
    }

    /// Changes nothing but the change time: the attribute "read-only" comes and goes.
    pub fn touch_change_time(path: &Path) {
        let mut permissions = fs::metadata(path).expect("the file is there").permissions();
        for is_readonly in [true, false] {
            permissions.set_readonly(is_readonly);
            fs::set_permissions(path, permissions.clone()).expect("an attribute is set");
        }
    }

    /// In nanoseconds since 1970.
    pub fn change_time(path: &Path) -> i128 {
        // SAFETY: the struct is that of the class.
        let about: FILE_BASIC_INFO = unsafe { information(path, FileBasicInfo) };
        (i128::from(about.ChangeTime) - 116_444_736_000_000_000) * 100
    }

    pub fn device(path: &Path) -> u64 {
        // SAFETY: the struct is that of the class.
        let about: FILE_ID_INFO = unsafe { information(path, FileIdInfo) };
        about.VolumeSerialNumber
    }

    /// What the system tells of a file.
    ///
    /// # Safety
    /// `T` is plain data, and what the system writes for `class`.
    unsafe fn information<T>(path: &Path, class: FILE_INFO_BY_HANDLE_CLASS) -> T {
        let file = File::open(path).expect("the file is there");
        // SAFETY: plain data, for which zeros are a value.
        let mut about: T = unsafe { zeroed() };
        let (handle, size) = (file.as_raw_handle(), size_of::<T>() as u32);
        // SAFETY: the handle is open, and the struct is that of the class.
        let told = unsafe { GetFileInformationByHandleEx(handle, class, (&raw mut about).cast(), size) };
        assert_ne!(told, 0, "{}", io::Error::last_os_error());
        about
    }
}

pub use here::*;
