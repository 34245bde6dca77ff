//! pthread_cancel().

use std::marker::PhantomData;

/// Before this is dropped, pthread_cancel() on this thread waits: it would end the thread by unwinding through frames of
/// Rust, which aborts the program.
pub(crate) struct Deferred {
    before: i32,
    /// The state is that of this thread.
    not_send: PhantomData<*const ()>,
}

#[cfg(all(target_os = "linux", any(target_env = "gnu", target_env = "musl")))]
mod system {
    use std::ffi::c_int;

    /// The same number in glibc and musl.
    const PTHREAD_CANCEL_DISABLE: c_int = 1;

    unsafe extern "C" {
        fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
    }

    /// What it was before.
    pub(super) fn disable() -> c_int {
        set(PTHREAD_CANCEL_DISABLE)
    }

    pub(super) fn set(state: c_int) -> c_int {
        let mut before = state;
        // SAFETY: `before` may be written. The call fails, and changes nothing, for a state that does not exist.
        unsafe { pthread_setcancelstate(state, &mut before) };
        before
    }
}

/// Nobody has told us that threads are cancelled elsewhere.
#[cfg(not(all(target_os = "linux", any(target_env = "gnu", target_env = "musl"))))]
mod system {
    pub(super) fn disable() -> i32 {
        0
    }

    pub(super) fn set(_: i32) -> i32 {
        0
    }
}

impl Deferred {
    pub(crate) fn new() -> Self {
        Deferred { before: system::disable(), not_send: PhantomData }
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        system::set(self.before);
    }
}
