//! A real file system, in user space, that keeps no change time: it says that it is the modification time, as FAT does.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, Generation, INodeNo,
    LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyEntry, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

/// The kernel asks each time.
const NOT_CACHED: Duration = Duration::ZERO;
const NAME: &str = "source.bin";

/// Which inode number the file has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Numbers {
    Firm,
    /// Another one each time that somebody looks for it.
    AnotherEachTime,
}

/// A mounted file system with one file.
pub struct Mount {
    // Unmounted before its directory is removed.
    _session: BackgroundSession,
    dir: tempfile::TempDir,
}

impl Mount {
    /// `None` where this process may not mount anything: it takes root, or fusermount3, and /dev/fuse. In CI that is a
    /// failure.
    pub fn new(bytes: Vec<u8>, numbers: Numbers) -> Option<Mount> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        // It was left alone for long: nothing is read again for the reason that it is young.
        let modified = SystemTime::now() - Duration::from_secs(3600);
        let one_file =
            OneFile { content: Mutex::new(Content { bytes, modified }), numbers, next_inode: AtomicU64::new(2) };
        match fuser::spawn_mount(one_file, dir.path(), &Config::default()) {
            Ok(session) => Some(Mount { _session: session, dir }),
            Err(error) => {
                eprintln!("skipped: no file system in user space can be mounted here: {error}");
                let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
                assert!(is_not_allowed(&error) && !in_ci, "{error}");
                None
            }
        }
    }

    pub fn file(&self) -> PathBuf {
        self.dir.path().join(NAME)
    }
}

fn is_not_allowed(error: &io::Error) -> bool {
    let is_there = Path::new("/dev/fuse").exists();
    !is_there || matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound)
}

struct OneFile {
    content: Mutex<Content>,
    numbers: Numbers,
    next_inode: AtomicU64,
}

struct Content {
    bytes: Vec<u8>,
    modified: SystemTime,
}

impl OneFile {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn attributes(&self, inode: INodeNo) -> FileAttr {
        let content = self.lock();
        let is_root = inode == INodeNo::ROOT;
        let (size, time) = if is_root { (0, UNIX_EPOCH) } else { (content.bytes.len() as u64, content.modified) };
        FileAttr {
            ino: inode,
            size,
            blocks: size.div_ceil(512),
            atime: time,
            mtime: time,
            ctime: time,
            crtime: time,
            kind: if is_root { FileType::Directory } else { FileType::RegularFile },
            perm: 0o755,
            nlink: 1,
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }
}

impl Filesystem for OneFile {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        if name != NAME {
            return reply.error(Errno::ENOENT);
        }
        if self.numbers == Numbers::AnotherEachTime {
            self.next_inode.fetch_add(1, Ordering::Relaxed);
        }
        let inode = INodeNo(self.next_inode.load(Ordering::Relaxed));
        reply.entry(&NOT_CACHED, &self.attributes(inode), Generation(0));
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&NOT_CACHED, &self.attributes(inode));
    }

    fn setattr(
        &self,
        _: &Request,
        inode: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut content = self.lock();
        if let Some(size) = size {
            content.bytes.resize(size as usize, 0);
            content.modified = SystemTime::now();
        }
        match modified {
            Some(TimeOrNow::SpecificTime(time)) => content.modified = time,
            Some(TimeOrNow::Now) => content.modified = SystemTime::now(),
            None => {}
        }
        drop(content);
        reply.attr(&NOT_CACHED, &self.attributes(inode));
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let content = self.lock();
        let from = content.bytes.len().min(offset as usize);
        let to = content.bytes.len().min(from + size as usize);
        reply.data(&content.bytes[from..to]);
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut content = self.lock();
        let (from, to) = (offset as usize, offset as usize + data.len());
        let length = content.bytes.len().max(to);
        content.bytes.resize(length, 0);
        content.bytes[from..to].copy_from_slice(data);
        content.modified = SystemTime::now();
        drop(content);
        reply.written(data.len() as u32);
    }
}
