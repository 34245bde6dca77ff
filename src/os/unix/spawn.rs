//! Starts a program as if nothing of the host program were there: no signal is blocked or ignored, and no descriptor is
//! open but 0, 1 and 2.
//!
//! By `posix_spawn`, since a `fork` runs handlers of the host (`pthread_atfork`) and copies the page tables of what may be
//! a very large process.
#![allow(unsafe_code)]

use std::ffi::{CStr, OsStr, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use libc::{posix_spawn_file_actions_t, posix_spawnattr_t};
use rustix::process::Pid;
use zeroize::Zeroizing;

unsafe extern "C" {
    static environ: *const *mut c_char;
}

/// The first descriptor that is not a standard one.
const FIRST_OF_OTHERS: c_int = 3;

type AddChdir = unsafe extern "C" fn(*mut posix_spawn_file_actions_t, *const c_char) -> c_int;
type AddCloseFrom = unsafe extern "C" fn(*mut posix_spawn_file_actions_t, c_int) -> c_int;

/// What this C library can have done in a child. Old ones lack it.
#[derive(Clone, Copy)]
pub(super) struct Abilities {
    add_chdir: Option<AddChdir>,
    add_close_from: Option<AddCloseFrom>,
}

impl Abilities {
    pub(super) fn of_this_system() -> Self {
        // SAFETY: the functions have these types in every C library that has them.
        unsafe {
            Abilities {
                add_chdir: function(c"posix_spawn_file_actions_addchdir_np").map(|f| std::mem::transmute(f)),
                add_close_from: function(c"posix_spawn_file_actions_addclosefrom_np").map(|f| std::mem::transmute(f)),
            }
        }
    }

    #[cfg(test)]
    pub(super) fn none() -> Self {
        Abilities { add_chdir: None, add_close_from: None }
    }
}

fn function(name: &CStr) -> Option<ptr::NonNull<libc::c_void>> {
    // SAFETY: it only looks the name up.
    ptr::NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) })
}

/// Starts `words[0]`, looked for in PATH when it has no slash, with the others as its arguments, in `directory` or in the
/// current one. It leads a process group of its own, reads nothing, and prints to `output`; what it says on standard error
/// is thrown away.
pub(super) fn spawn(
    words: &[&OsStr],
    directory: Option<&Path>,
    output: BorrowedFd<'_>,
    abilities: Abilities,
) -> io::Result<Pid> {
    let mut words: Vec<&OsStr> = words.to_vec();
    let mut actions = FileActions::new()?;
    actions.connect(output)?;
    if let Some(directory) = directory {
        match abilities.add_chdir {
            Some(add) => actions.change_directory(add, directory)?,
            None => {
                let by_a_shell = ["/bin/sh", "-c", "cd -- \"$0\" && exec \"$@\""].map(OsStr::new);
                words.splice(0..0, by_a_shell.into_iter().chain([directory.as_os_str()]));
            }
        }
    }
    actions.close_others(abilities.add_close_from)?;
    let attributes = Attributes::new()?;
    let words = words.iter().map(|word| terminated(word)).collect::<io::Result<Vec<_>>>()?;
    let mut pointers: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut().cast()).collect();
    pointers.push(ptr::null_mut());
    let mut pid = 0;
    // SAFETY: all pointers are valid for the call, and the lists end with a null pointer.
    check(unsafe {
        libc::posix_spawnp(&mut pid, pointers[0], &*actions.0, &*attributes.0, pointers.as_ptr(), environ.cast())
    })?;
    Pid::from_raw(pid).ok_or_else(|| io::Error::other("the system gave no process id"))
}

/// For C. Commands may hold secrets: the copy is wiped.
fn terminated(word: &OsStr) -> io::Result<Zeroizing<Vec<u8>>> {
    if word.as_bytes().contains(&0) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it holds a zero byte"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(word.len() + 1));
    bytes.extend_from_slice(word.as_bytes());
    bytes.push(0);
    Ok(bytes)
}

/// These functions return the error.
fn check(error: c_int) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

/// What is done to the child's descriptors, in this order. Boxed: C keeps its address.
struct FileActions(Box<posix_spawn_file_actions_t>);

impl FileActions {
    fn new() -> io::Result<Self> {
        let mut actions = Box::new(MaybeUninit::uninit());
        // SAFETY: it is what init is for; it is initialised when that succeeds.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        Ok(FileActions(unsafe { actions.assume_init() }))
    }

    fn connect(&mut self, output: BorrowedFd<'_>) -> io::Result<()> {
        let null = c"/dev/null".as_ptr();
        // SAFETY: the actions are initialised, and the path is copied.
        unsafe {
            check(libc::posix_spawn_file_actions_adddup2(&mut *self.0, output.as_raw_fd(), 1))?;
            check(libc::posix_spawn_file_actions_addopen(&mut *self.0, 0, null, libc::O_RDONLY, 0))?;
            check(libc::posix_spawn_file_actions_addopen(&mut *self.0, 2, null, libc::O_WRONLY, 0))
        }
    }

    fn change_directory(&mut self, add: AddChdir, directory: &Path) -> io::Result<()> {
        let directory = terminated(directory.as_os_str())?;
        // SAFETY: as above.
        check(unsafe { add(&mut *self.0, directory.as_ptr().cast()) })
    }

    /// The host's descriptors stay the host's, even those that it forgot to mark.
    fn close_others(&mut self, add: Option<AddCloseFrom>) -> io::Result<()> {
        if let Some(add) = add {
            // SAFETY: as above.
            return check(unsafe { add(&mut *self.0, FIRST_OF_OTHERS) });
        }
        for fd in open_descriptors().filter(|fd| *fd >= FIRST_OF_OTHERS) {
            // SAFETY: as above. Closing one that is not open any more is no failure.
            check(unsafe { libc::posix_spawn_file_actions_addclose(&mut *self.0, fd) })?;
        }
        Ok(())
    }
}

impl Drop for FileActions {
    fn drop(&mut self) {
        // SAFETY: initialised, and used no more.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut *self.0) };
    }
}

fn open_descriptors() -> impl Iterator<Item = c_int> {
    let listed = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    listed.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

struct Attributes(Box<posix_spawnattr_t>);

impl Attributes {
    /// All signals at their defaults, none blocked, and a process group of its own.
    fn new() -> io::Result<Self> {
        let mut attributes = Box::new(MaybeUninit::uninit());
        let mut signals = MaybeUninit::uninit();
        // SAFETY: init and the functions for sets initialise what they are given; values are copied.
        unsafe {
            check(libc::posix_spawnattr_init(attributes.as_mut_ptr()))?;
            let mut attributes = Attributes(attributes.assume_init());
            libc::sigfillset(signals.as_mut_ptr());
            check(libc::posix_spawnattr_setsigdefault(&mut *attributes.0, signals.as_ptr()))?;
            libc::sigemptyset(signals.as_mut_ptr());
            check(libc::posix_spawnattr_setsigmask(&mut *attributes.0, signals.as_ptr()))?;
            check(libc::posix_spawnattr_setpgroup(&mut *attributes.0, 0))?;
            let flags = libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETPGROUP;
            check(libc::posix_spawnattr_setflags(&mut *attributes.0, flags as _))?;
            Ok(attributes)
        }
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised, and used no more.
        unsafe { libc::posix_spawnattr_destroy(&mut *self.0) };
    }
}
