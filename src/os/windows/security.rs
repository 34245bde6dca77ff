//! Who owns a file, and whom its list of access rights lets in.

use std::io;
use std::mem::size_of;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle};
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1,
    SE_FILE_OBJECT, SetSecurityInfo,
};
use windows_sys::Win32::Security::{
    ACL, DACL_SECURITY_INFORMATION, EqualSid, GetSecurityDescriptorDacl, GetTokenInformation, IsWellKnownSid,
    OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSID, TOKEN_QUERY, TOKEN_USER, TokenUser,
    WinBuiltinAdministratorsSid, WinLocalSystemSid,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// The most bytes that the answer to `TokenUser` takes.
const MOST_OF_TOKEN_USER: usize = 128;

/// What the system has allocated, and wants to have back.
struct Local<T>(*mut T);

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        // SAFETY: allocated by LocalAlloc(), and used no more.
        unsafe { LocalFree(self.0.cast()) };
    }
}

/// The user that this process acts for.
pub(super) struct User {
    /// Begins with a `TOKEN_USER`, which points into it. Words, so that it is aligned.
    answer: Box<[u64; MOST_OF_TOKEN_USER / 8]>,
}

impl User {
    pub(super) fn of_this_process() -> io::Result<User> {
        let mut token = ptr::null_mut();
        // SAFETY: the handle of this process needs no closing; `token` is written.
        check(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mut token) })?;
        // SAFETY: a new handle, which nobody else has.
        let token = unsafe { OwnedHandle::from_raw_handle(token) };
        let mut answer = Box::new([0u64; MOST_OF_TOKEN_USER / 8]);
        let (size, mut length) = (MOST_OF_TOKEN_USER as u32, 0);
        // SAFETY: so many bytes may be written.
        check(unsafe {
            GetTokenInformation(token.as_raw_handle(), TokenUser, answer.as_mut_ptr().cast(), size, &mut length)
        })?;
        Ok(User { answer })
    }

    fn sid(&self) -> PSID {
        // SAFETY: the system has put this struct there.
        unsafe { (*self.answer.as_ptr().cast::<TOKEN_USER>()).User.Sid }
    }

    /// As `S-1-5-21-...`.
    fn as_text(&self) -> io::Result<String> {
        let mut text = ptr::null_mut();
        // SAFETY: the SID is valid; `text` is written.
        check(unsafe { ConvertSidToStringSidW(self.sid(), &mut text) })?;
        let text = Local(text);
        // SAFETY: it ends with a NUL.
        let length = (0..).take_while(|at| unsafe { *text.0.add(*at) } != 0).count();
        // SAFETY: so many were counted.
        Ok(String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(text.0, length) }))
    }
}

/// Who owns a file or folder.
pub(super) struct Owner {
    sid: PSID,
    /// Holds it.
    _descriptor: Local<core::ffi::c_void>,
}

impl Owner {
    /// Fails where nobody owns files, as on FAT.
    pub(super) fn of(file: RawHandle) -> io::Result<Owner> {
        let (mut sid, mut descriptor) = (ptr::null_mut(), ptr::null_mut());
        let null = ptr::null_mut();
        // SAFETY: the handle is open; what is not asked for may be null.
        let error = unsafe {
            GetSecurityInfo(
                file,
                SE_FILE_OBJECT,
                OWNER_SECURITY_INFORMATION,
                &mut sid,
                null,
                ptr::null_mut(),
                ptr::null_mut(),
                &mut descriptor,
            )
        };
        succeeded(error)?;
        let descriptor = Local(descriptor);
        if sid.is_null() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Owner { sid, _descriptor: descriptor })
    }

    pub(super) fn is(&self, user: &User) -> bool {
        // SAFETY: both are valid.
        unsafe { EqualSid(self.sid, user.sid()) != 0 }
    }

    pub(super) fn is_same_as(&self, other: &Owner) -> bool {
        // SAFETY: both are valid.
        unsafe { EqualSid(self.sid, other.sid) != 0 }
    }

    /// Those may do everything in any case.
    pub(super) fn is_system_or_administrators(&self) -> bool {
        let is = |well_known| unsafe { IsWellKnownSid(self.sid, well_known) != 0 };
        is(WinLocalSystemSid) || is(WinBuiltinAdministratorsSid)
    }
}

/// Lets `user`, the system and administrators do everything with a file, and nobody else anything. `flags` says what it
/// means for what is in a folder.
pub(super) fn let_in_only(user: &User, file: RawHandle, flags: &str) -> io::Result<()> {
    let rights = ["SY", "BA", &user.as_text()?].map(|who| format!("(A;{flags};FA;;;{who})")).concat();
    let text: Vec<u16> = format!("D:P{rights}\0").encode_utf16().collect();
    let mut descriptor = ptr::null_mut();
    // SAFETY: the text ends with a NUL; `descriptor` is written.
    check(unsafe {
        let size = ptr::null_mut();
        ConvertStringSecurityDescriptorToSecurityDescriptorW(text.as_ptr(), SDDL_REVISION_1, &mut descriptor, size)
    })?;
    let descriptor = Local(descriptor);
    let (mut is_present, mut is_default) = (0, 0);
    let mut list: *mut ACL = ptr::null_mut();
    // SAFETY: the descriptor is valid; `list` will point into it.
    check(unsafe { GetSecurityDescriptorDacl(descriptor.0, &mut is_present, &mut list, &mut is_default) })?;
    let (what, null) = (DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, ptr::null_mut());
    // SAFETY: the handle is open, and the list is copied.
    succeeded(unsafe { SetSecurityInfo(file, SE_FILE_OBJECT, what, null, null, list, ptr::null()) })
}

/// Some functions return whether they succeeded, and keep why not;
fn check(succeeded: i32) -> io::Result<()> {
    if succeeded == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// others return the error.
fn succeeded(error: u32) -> io::Result<()> {
    if error == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(error as i32)) }
}

const _: () = assert!(size_of::<TOKEN_USER>() < MOST_OF_TOKEN_USER);
