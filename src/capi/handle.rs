//! Handles: pointers to memory of ours that begins with a tag, by which a call knows whether a pointer is one of them.
//!
//! No list of live handles is kept, since that would be global state. So a pointer to memory that is not mapped crashes,
//! and a handle that was freed is not told apart from a new one of its kind that got the same memory. Everything else
//! that is no handle is refused: memory of others, handles of another kind or of another copy of this library, and
//! freed handles, whose tag is overwritten.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::borrowed::UploadHandle;
use super::opaque::{oss_batch, oss_client, oss_stream, oss_upload};
use crate::batch::Batch;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::upload::UploadStream;

/// A type that C sees only behind a pointer, and what that pointer stands for.
///
/// # Safety
/// `KIND` is another one for every type: it alone says what the value in the memory is.
pub(super) unsafe trait Opaque {
    type Value;
    const KIND: usize;
}

// SAFETY: the kinds differ.
unsafe impl Opaque for oss_client {
    type Value = Client;
    const KIND: usize = 0;
}
// SAFETY: the kinds differ.
unsafe impl Opaque for oss_upload {
    type Value = UploadHandle;
    const KIND: usize = 1;
}

// SAFETY: the kinds differ.
unsafe impl Opaque for oss_stream {
    type Value = UploadStream;
    const KIND: usize = 2;
}

// SAFETY: the kinds differ.
unsafe impl Opaque for oss_batch {
    type Value = Batch;
    const KIND: usize = 3;
}

struct Kind {
    name: &'static str,
    maker: &'static str,
}

/// Their addresses make the tags: so another copy of this library in the same process has others, and handles do not
/// pass from one to the other, where their memory may be laid out differently.
static KINDS: [Kind; 4] = [
    Kind { name: "an oss_client", maker: "oss_client_new()" },
    Kind { name: "an oss_upload", maker: "oss_upload_start()" },
    Kind { name: "an oss_stream", maker: "oss_stream_open()" },
    Kind { name: "an oss_batch", maker: "oss_batch_start()" },
];

/// Digits without a meaning, which make of the address what is found nowhere by chance.
const SALT: usize = 0x9d2c_5f8b_e371_a64d_u64 as usize;
const FREED: usize = 0;

#[repr(C)]
struct Handle<T> {
    tag: AtomicUsize,
    value: T,
}

/// What a pointer points at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pointee {
    Null,
    Kind(usize),
    Unknown,
}

fn tag_of(kind: usize) -> usize {
    (&raw const KINDS[kind]).addr() ^ SALT
}

/// The first word of a handle. An aligned word never reaches into the next page, so whatever `handle` points at, it may be
/// looked at when a byte of it may. Read by an atomic operation, the compiler assumes nothing about what is there.
///
/// # Safety
/// `handle` is null, or a byte at it may be read.
unsafe fn tag<'a, H>(handle: *mut H) -> Option<&'a AtomicUsize> {
    let tag = handle.cast::<AtomicUsize>();
    // SAFETY: as the caller promises, not null and aligned.
    (!tag.is_null() && tag.is_aligned()).then(|| unsafe { &*tag })
}

/// # Safety
/// As for [`tag`].
unsafe fn look<H>(handle: *mut H) -> Pointee {
    if handle.is_null() {
        return Pointee::Null;
    }
    // SAFETY: as the caller promises.
    let found = unsafe { tag(handle) }.map(|tag| tag.load(Ordering::Acquire));
    (0..KINDS.len()).find(|kind| found == Some(tag_of(*kind))).map_or(Pointee::Unknown, Pointee::Kind)
}

/// Neither null nor a handle of any kind.
///
/// # Safety
/// As for [`get`].
#[cfg(any(feature = "upload-file-symbol", test))]
pub(super) unsafe fn is_unknown<H: Opaque>(handle: *mut H) -> bool {
    // SAFETY: as the caller promises.
    unsafe { look(handle) == Pointee::Unknown }
}

pub(super) fn make<H: Opaque>(value: H::Value) -> *mut H {
    Box::into_raw(Box::new(Handle { tag: AtomicUsize::new(tag_of(H::KIND)), value })).cast()
}

/// What the handle stands for, or an error that calls it `name`.
///
/// # Safety
/// `handle` is null, or a byte at it may be read. It is not freed while the value is in use.
pub(super) unsafe fn get<'a, H: Opaque>(name: &str, handle: *mut H) -> Result<&'a H::Value> {
    let Kind { name: wanted, maker } = KINDS[H::KIND];
    // SAFETY: as the caller promises; memory with this tag was made by make() for this type.
    match unsafe { look(handle) } {
        Pointee::Kind(kind) if kind == H::KIND => Ok(unsafe { &(*handle.cast::<Handle<H::Value>>()).value }),
        Pointee::Kind(kind) => {
            Err(Error::invalid(format!("{name} is {}; it must be {wanted}, which {maker} makes", KINDS[kind].name)))
        }
        Pointee::Null => Err(Error::invalid(format!("{name} is NULL"))),
        Pointee::Unknown => Err(Error::invalid(format!(
            "{name} is not {wanted} of this library: it has been freed, or something else made it; it must come from {maker}"
        ))),
    }
}

/// Frees a handle. Anything else is left alone, a handle that has been freed too.
///
/// # Safety
/// `handle` is null, or a byte at it may be read. No other call uses it.
pub(super) unsafe fn free<H: Opaque>(handle: *mut H) {
    // SAFETY: as the caller promises; what is claimed was made by make(), and is freed by nobody else.
    unsafe {
        if claim(handle) {
            drop(Box::from_raw(handle.cast::<Handle<H::Value>>()));
        }
    }
}

/// Overwrites the tag, so that no call takes the handle for one any more. Of two threads that free it at the same time one
/// gets true.
///
/// # Safety
/// As for [`free`].
unsafe fn claim<H: Opaque>(handle: *mut H) -> bool {
    // Looked at before it is written: memory of others may be read-only.
    // SAFETY: as the caller promises.
    let tag = unsafe { (look(handle) == Pointee::Kind(H::KIND)).then(|| tag(handle)).flatten() };
    tag.is_some_and(|tag| tag.compare_exchange(tag_of(H::KIND), FREED, Ordering::AcqRel, Ordering::Relaxed).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::CredentialsSource;
    use crate::options::ClientOptions;

    fn client() -> *mut oss_client {
        let options = ClientOptions {
            endpoint: Some("http://127.0.0.1:1".into()),
            credentials: CredentialsSource::Anonymous,
            ..ClientOptions::default()
        };
        make(Client::new(options).unwrap())
    }

    fn refusal<H: Opaque>(handle: *mut H) -> String {
        // SAFETY: the tests below give pointers that may be read.
        let found = unsafe { get("it", handle) };
        found.err().expect("it is refused").message().to_owned()
    }

    #[test]
    fn a_handle_is_known_by_its_kind() {
        let client = client();
        // SAFETY: made above.
        unsafe {
            assert!(get("client", client).is_ok());
            assert!(!is_unknown(client));
            assert!(!is_unknown(client.cast::<oss_upload>()));
            // The wrong function leaves it as it is.
            free(client.cast::<oss_upload>());
            assert!(get("client", client).is_ok());
        }
        assert_eq!(
            refusal(client.cast::<oss_upload>()),
            "it is an oss_client; it must be an oss_upload, which oss_upload_start() makes"
        );
        // SAFETY: made above.
        unsafe { free(client) };
    }

    #[test]
    fn what_is_no_handle_is_refused_and_left_alone() {
        static READ_ONLY: [usize; 4] = [1, 2, 3, 4];
        let read_only = (&raw const READ_ONLY).cast_mut();
        let unaligned = read_only.cast::<u8>().wrapping_add(1).cast();
        // Far from the tags of all kinds, which are next to each other.
        let mut another_copys = [tag_of(oss_client::KIND) ^ (1 << 20), 0];
        for foreign in [read_only.cast::<oss_client>(), unaligned, another_copys.as_mut_ptr().cast()] {
            // SAFETY: readable memory.
            unsafe {
                assert!(is_unknown(foreign));
                free(foreign);
            }
            assert!(refusal(foreign).starts_with("it is not an oss_client of this library"), "{}", refusal(foreign));
        }
        // SAFETY: null is allowed.
        unsafe { free(std::ptr::null_mut::<oss_client>()) };
        assert_eq!(refusal(std::ptr::null_mut::<oss_client>()), "it is NULL");
    }

    /// Not left to the allocator, which happens to write there.
    #[test]
    fn the_tag_is_gone_before_the_memory_is() {
        let client = client();
        // SAFETY: made above, and freed at the end.
        unsafe {
            assert!(claim(client));
            assert!(!claim(client));
            assert!(refusal(client).starts_with("it is not an oss_client of this library: it has been freed"));
            drop(Box::from_raw(client.cast::<Handle<Client>>()));
        }
    }

    #[test]
    fn kinds_have_tags_of_their_own() {
        assert_ne!(tag_of(oss_client::KIND), tag_of(oss_upload::KIND));
        for kind in 0..KINDS.len() {
            assert_ne!(tag_of(kind), FREED);
        }
    }
}
