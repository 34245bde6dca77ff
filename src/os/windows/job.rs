//! Job objects: a process and all that it starts, which end together.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::process::Child;
use std::ptr;

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
    TerminateJobObject,
};
use windows_sys::Win32::System::Threading::{OpenThread, ResumeThread, THREAD_SUSPEND_RESUME};

/// Ends its processes when it is dropped.
#[derive(Debug)]
pub(super) struct Job(OwnedHandle);

impl Job {
    pub(super) fn new() -> io::Result<Job> {
        // SAFETY: without a name or rights of its own.
        let handle = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a new handle, which nobody else has.
        let job = Job(unsafe { OwnedHandle::from_raw_handle(handle) });
        // SAFETY: plain data, for which zeros are a value: no limit.
        let mut limits: JOBOBJECT_EXTENDED_LIMIT_INFORMATION = unsafe { zeroed() };
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        let (class, size) = (JobObjectExtendedLimitInformation, size_of::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>());
        // SAFETY: the struct is that of the class, and so long.
        check(unsafe {
            SetInformationJobObject(job.0.as_raw_handle(), class, (&raw const limits).cast(), size as u32)
        })?;
        Ok(job)
    }

    /// What `child` starts from now on is in the job, too.
    pub(super) fn take_in(&self, child: &Child) -> io::Result<()> {
        // SAFETY: both handles are open.
        check(unsafe { AssignProcessToJobObject(self.0.as_raw_handle(), child.as_raw_handle()) })
    }

    pub(super) fn end(&self) {
        // SAFETY: the handle is open. That nobody is left is no failure.
        unsafe { TerminateJobObject(self.0.as_raw_handle(), 1) };
    }
}

/// Has a process run that was started suspended.
pub(super) fn resume(child: &Child) -> io::Result<()> {
    // SAFETY: a list of the threads of all processes.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a new handle, which nobody else has.
    let snapshot = unsafe { OwnedHandle::from_raw_handle(snapshot) };
    // SAFETY: plain data, for which zeros are a value.
    let mut entry: THREADENTRY32 = unsafe { zeroed() };
    entry.dwSize = size_of::<THREADENTRY32>() as u32;
    // SAFETY: the struct says how long it is.
    let mut is_there = unsafe { Thread32First(snapshot.as_raw_handle(), &mut entry) } != 0;
    while is_there {
        if entry.th32OwnerProcessID == child.id() {
            return resume_thread(entry.th32ThreadID);
        }
        // SAFETY: as above.
        is_there = unsafe { Thread32Next(snapshot.as_raw_handle(), &mut entry) } != 0;
    }
    Err(io::Error::other("the process has no thread"))
}

fn resume_thread(id: u32) -> io::Result<()> {
    // SAFETY: it fails for a number that no thread has.
    let thread = unsafe { OpenThread(THREAD_SUSPEND_RESUME, 0, id) };
    if thread.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a new handle, which nobody else has.
    let thread = unsafe { OwnedHandle::from_raw_handle(thread) };
    // SAFETY: the handle is open.
    match unsafe { ResumeThread(thread.as_raw_handle()) } {
        u32::MAX => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn check(succeeded: i32) -> io::Result<()> {
    if succeeded == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
