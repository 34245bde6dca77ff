//! Regular files: opened so that others may do what they like with them, read and written by position.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::mem::offset_of;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION, GENERIC_READ, GENERIC_WRITE};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_DELETE_ON_CLOSE, FILE_FLAG_OPEN_REPARSE_POINT, FILE_RENAME_INFO,
    FileRenameInfo, READ_CONTROL, SetFileInformationByHandle, WRITE_DAC,
};

use super::status::Status;
use super::{path, privacy};
use crate::os::refusal::Refusal;

/// Opens a file to read it. Others may read, write, rename and delete it meanwhile. A folder is opened, too, so that it
/// can be told from a file that is refused.
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)
}

/// Opens a file to read and write it, and to close it to others. Never follows a link, in whose place somebody else may
/// have put it.
pub(crate) fn open_itself_to_write(path: &Path) -> io::Result<File> {
    own(&mut OpenOptions::new()).open(path)
}

/// Opens a file to read it. Never follows a link.
pub(crate) fn open_itself_to_read(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

/// Refuses what is no regular file, links included, without opening it to read or write.
pub(crate) fn check_is_regular(path: &Path) -> io::Result<()> {
    let kind = Status::itself_at(path)?.metadata().file_type();
    match kind {
        kind if kind.is_symlink() => Err(Refusal::Link.error()),
        kind if kind.is_dir() => Err(Refusal::Directory.error()),
        _ => Ok(()),
    }
}

/// Fills some of `buffer` from `offset`; 0 at the end of the file.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

/// Reads from `offset` what there is room for behind what `bytes` holds; 0 at the end of the file.
pub(crate) fn read_more_at(file: &File, bytes: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
    let held = bytes.len();
    bytes.resize(bytes.capacity(), 0);
    let read = read_at(file, &mut bytes[held..], offset);
    bytes.truncate(held + *read.as_ref().unwrap_or(&0));
    read
}

/// Fills all of `buffer` from `offset`, or fails.
pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    in_place(file, || read_all(file, buffer, offset))
}

fn read_all(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let count = read_at(file, buffer, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[count..];
        offset += count as u64;
    }
    Ok(())
}

/// Writes all of `bytes` to `offset`, with one system call as a rule.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    in_place(file, || write_all(file, bytes, offset))
}

fn write_all(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = file.seek_write(bytes, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[count..];
        offset += count as u64;
    }
    Ok(())
}

/// Leaves the place where the file is read and written next as it was. Here every read and write moves it.
fn in_place<T>(mut file: &File, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let place = file.stream_position()?;
    let done = act();
    file.seek(SeekFrom::Start(place))?;
    done
}

/// How many bytes the file has now.
pub(crate) fn size_now(file: &File) -> io::Result<u64> {
    file.metadata().map(|about| about.len())
}

/// Makes a file in `directory` that is gone when it is closed, and that nobody else opens.
pub(crate) fn create_temporary(directory: &Path) -> io::Result<File> {
    // The number keeps two uploads of a process apart, the process id those of two processes.
    for attempt in 0..1000 {
        let path = directory.join(format!(".oss-upload-{}-{attempt}.spool", std::process::id()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).share_mode(0).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
        match options.open(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result,
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Nobody can tell whether there will be space: what is missing is found by the write.
pub(crate) fn reserve(_: &File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}

/// Creates a file for reading and writing, of this user only, that was not there.
pub(crate) fn create_named(path: &Path) -> io::Result<File> {
    let file = own(OpenOptions::new().create_new(true)).open(path)?;
    privacy::close_to_others(&file)?;
    Ok(file)
}

/// There are no files without a name here.
pub(crate) fn create_unnamed(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There are no files without a name here.
pub(crate) fn give_name(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Gives an open file another name, which nothing must have.
pub(crate) fn rename_to_free(file: &File, _: &Path, to: &Path) -> io::Result<()> {
    let to = path::for_calls(to)?;
    let size = offset_of!(FILE_RENAME_INFO, FileName) + to.len() * size_of::<u16>();
    // Of words, for its alignment.
    let mut wish = vec![0_u64; size.div_ceil(size_of::<u64>())];
    let about: *mut FILE_RENAME_INFO = wish.as_mut_ptr().cast();
    // SAFETY: the buffer has room for the struct up to the name and for the name with its NUL; zeros are a value of the rest.
    // The system reads it during the call only, of a handle that is open.
    let renamed = unsafe {
        (*about).FileNameLength = ((to.len() - 1) * size_of::<u16>()) as u32;
        ptr::copy_nonoverlapping(to.as_ptr(), (&raw mut (*about).FileName).cast(), to.len());
        SetFileInformationByHandle(file.as_raw_handle(), FileRenameInfo, about.cast(), size as u32)
    };
    if renamed == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Gives a file another name, in the place of what has that name, even if that is open. Where the file system cannot do
/// this in one step (FAT, some servers, NTFS before Windows 10 1809), what was there gives way first: a kill in between
/// leaves it as `to` with `.old` behind.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied && to.exists() => {}
        result => return result,
    }
    let mut old = to.as_os_str().to_owned();
    old.push(".old");
    fs::rename(to, &old)?;
    fs::rename(from, to).inspect_err(|_| {
        let _ = fs::rename(&old, to);
    })?;
    // Its name goes when nobody has it open any more.
    let _ = fs::remove_file(&old);
    Ok(())
}

/// What is known of the process in whose way an [`open_to_read`] is.
pub(crate) const HELD: &str = "has opened it for itself alone";

/// Whether another process is in the way of an [`open_to_read`], which may succeed once that closes the file: a program
/// that writes it, or a virus scanner.
pub(crate) fn is_held(cause: &io::Error) -> bool {
    let code = cause.raw_os_error().unwrap_or(0) as u32;
    matches!(code, ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION)
}

/// For a file of the library.
fn own(options: &mut OpenOptions) -> &mut OpenOptions {
    let access = GENERIC_READ | GENERIC_WRITE | DELETE | READ_CONTROL | WRITE_DAC;
    options.read(true).write(true).access_mode(access).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_file_leaves_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let file = create_temporary(directory.path()).unwrap();
        let second = create_temporary(directory.path()).unwrap();
        write_all_at(&file, b"content", 10).unwrap();
        let mut content = [0; 7];
        read_exact_at(&file, &mut content, 10).unwrap();
        assert_eq!(&content, b"content");
        drop((file, second));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        assert!(create_temporary(&directory.path().join("missing")).is_err());
    }

    #[test]
    fn the_place_stays_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let file = create_named(&directory.path().join("x")).unwrap();
        write_all_at(&file, b"content", 0).unwrap();
        read_exact_at(&file, &mut [0; 3], 2).unwrap();
        assert_eq!(io::read_to_string(&file).unwrap(), "content");
    }

    #[test]
    fn others_may_write_rename_and_delete_what_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
        fs::write(&first, "before").unwrap();
        let file = open_to_read(&first).unwrap();
        fs::write(&first, "behind").unwrap();
        fs::rename(&first, &second).unwrap();
        fs::remove_file(&second).unwrap();
        let mut content = Vec::with_capacity(10);
        assert_eq!(read_more_at(&file, &mut content, 2).unwrap(), 4);
        assert_eq!(content, b"hind");
    }

    #[test]
    fn who_opens_a_file_for_himself_is_in_the_way() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let _alone = OpenOptions::new().write(true).create_new(true).share_mode(0).open(&path).unwrap();
        assert!(is_held(&open_to_read(&path).unwrap_err()));
        assert!(!is_held(&open_to_read(&directory.path().join("y")).unwrap_err()));
    }
}
