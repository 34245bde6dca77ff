//! What the system says about a file.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::mem::zeroed;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_BASIC_INFO, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
    FILE_ID_INFO, FILE_READ_ATTRIBUTES, FILE_STANDARD_INFO, GetFileInformationByHandle,
};

use super::information::{information, is_on_disk};
use crate::os::identity::{FileId, TimeStamps};
use crate::os::refusal::Refusal;

/// 1970 in the system's time, which counts steps of 100 ns since 1601.
const YEAR_1970: i128 = 116_444_736_000_000_000;

/// What the system says about a file at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    metadata: Metadata,
    id: FileId,
    times: TimeStamps,
}

impl Status {
    /// Of an open file. Fails for what is no file of a disk.
    pub(crate) fn of(file: &File) -> io::Result<Status> {
        if !is_on_disk(file) {
            return Err(Refusal::NotRegular.error());
        }
        let times: FILE_BASIC_INFO = information(file)?;
        let nanoseconds = |ticks: i64| (i128::from(ticks) - YEAR_1970) * 100;
        Ok(Status {
            metadata: file.metadata()?,
            id: file_id(file)?,
            times: TimeStamps {
                modified_ns: nanoseconds(times.LastWriteTime),
                changed_ns: nanoseconds(times.ChangeTime),
            },
        })
    }

    /// Of the file that `path` leads to.
    pub(crate) fn at(path: &Path) -> io::Result<Status> {
        Status::of(&open_to_examine(path, 0)?)
    }

    /// Of what has this name, be it a link.
    pub(super) fn itself_at(path: &Path) -> io::Result<Status> {
        Status::of(&open_to_examine(path, FILE_FLAG_OPEN_REPARSE_POINT)?)
    }

    /// Its kind, its size, and the rest that all systems know.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Which file it is.
    pub(crate) fn id(&self) -> FileId {
        self.id
    }

    /// When it was changed.
    pub(crate) fn times(&self) -> TimeStamps {
        self.times
    }
}

/// Folders too. Nobody is in the way, since nothing is read.
fn open_to_examine(path: &Path, flags: u32) -> io::Result<File> {
    OpenOptions::new().access_mode(FILE_READ_ATTRIBUTES).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | flags).open(path)
}

fn file_id(file: &File) -> io::Result<FileId> {
    match information::<FILE_ID_INFO>(file) {
        Ok(id) => Ok(FileId { device: id.VolumeSerialNumber, inode: u128::from_le_bytes(id.FileId.Identifier) }),
        // FAT, and some servers, know the older question only.
        Err(_) => short_file_id(file),
    }
}

fn short_file_id(file: &File) -> io::Result<FileId> {
    // SAFETY: plain data, for which zeros are a value.
    let mut about: BY_HANDLE_FILE_INFORMATION = unsafe { zeroed() };
    // SAFETY: the handle is open, and the struct is of the documented type.
    if unsafe { GetFileInformationByHandle(file.as_raw_handle(), &mut about) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let index = u64::from(about.nFileIndexHigh) << 32 | u64::from(about.nFileIndexLow);
    Ok(FileId { device: about.dwVolumeSerialNumber.into(), inode: index.into() })
}

/// Whether `path` still leads to `file`, by no link. A file that is deleted keeps its name on some volumes until nobody
/// has it open any more.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let about: FILE_STANDARD_INFO = information(file)?;
    if about.DeletePending || about.NumberOfLinks == 0 {
        return Ok(false);
    }
    let ours = Status::of(file)?;
    match Status::itself_at(path) {
        Ok(there) => Ok(there.id() == ours.id()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_modification_time_that_is_put_back_moves_the_change_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let file = File::create(&path).unwrap();
        let before = Status::of(&file).unwrap().times();
        std::thread::sleep(Duration::from_millis(50));
        file.set_modified(UNIX_EPOCH + Duration::new(5, 700)).unwrap();
        let after = Status::of(&file).unwrap().times();
        assert_eq!(after.modified_ns, 5_000_000_700);
        assert!(after.changed_ns > before.changed_ns);
        assert_eq!(Status::at(&path).unwrap().times(), after);
    }

    #[test]
    fn a_device_has_no_identity() {
        assert_eq!(Refusal::of(&Status::at(Path::new("NUL")).unwrap_err()), Refusal::NotRegular);
    }

    #[test]
    fn a_file_is_where_its_name_is() {
        let directory = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
        let file = File::create(&first).unwrap();
        assert!(is_at(&file, &first).unwrap() && !is_at(&file, &second).unwrap());
        File::create(&second).unwrap();
        assert!(!is_at(&file, &second).unwrap());
    }
}
