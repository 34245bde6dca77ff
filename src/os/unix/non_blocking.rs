//! Sending and receiving without waiting: here each call says whether it waits.

use std::io::{self, IoSlice};
use std::net::TcpStream;
use std::time::Duration;

use libc::c_int;
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use socket2::{SockRef, Socket};

use crate::os::socket::events;

/// What connecting says when it takes its time.
pub(crate) const UNDER_WAY: Errno = Errno::INPROGRESS;

#[cfg(not(target_vendor = "apple"))]
const QUIETLY: c_int = libc::MSG_NOSIGNAL;
/// There a socket has an option for that, which socket2 sets.
#[cfg(target_vendor = "apple")]
const QUIETLY: c_int = 0;

/// Waits for at most `time`. True: it has come to its end, well or not.
pub(crate) fn has_connected(socket: &Socket, time: Duration) -> io::Result<bool> {
    Ok(!events(socket, PollFlags::OUT, time)?.is_empty())
}

/// For a connection that has just been made. [`receive`] waits on it for at most `time`.
pub(crate) fn prepare(stream: &TcpStream, time: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(time))?;
    stream.set_nonblocking(false)
}

/// Sends some of `first` and of `second` after it; returns how many bytes. Does not wait, and raises no signal.
pub(crate) fn send(stream: &TcpStream, first: &[u8], second: &[u8]) -> io::Result<usize> {
    let (socket, flags) = (SockRef::from(stream), QUIETLY | libc::MSG_DONTWAIT);
    if second.is_empty() {
        return socket.send_with_flags(first, flags);
    }
    let pieces = [IoSlice::new(first), IoSlice::new(second)];
    let pieces = if first.is_empty() { &pieces[1..] } else { &pieces };
    socket.send_vectored_with_flags(pieces, flags)
}

/// Receives some bytes; 0 is the end. Waits when there are none, if that is wanted; `WouldBlock` when there still are none
/// then. To wait in here, and not for an event before, saves a system call a response.
pub(crate) fn receive(stream: &TcpStream, buffer: &mut [u8], waits: bool) -> io::Result<usize> {
    let flags = if waits { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
    Ok(recv(stream, buffer, flags)?.0)
}
