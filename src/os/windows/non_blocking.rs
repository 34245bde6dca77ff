//! Sending and receiving without waiting: here it is the socket that never waits.

use std::io::{self, IoSlice, Read};
use std::mem::zeroed;
use std::net::TcpStream;
use std::os::windows::io::AsRawSocket;
use std::ptr;
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::io::Errno;
use socket2::{SockRef, Socket};
use windows_sys::Win32::Networking::WinSock::{FD_SET, SOCKET_ERROR, TIMEVAL, WSAEINTR, select};

use crate::os::socket::events;

/// What connecting says when it takes its time.
pub(crate) const UNDER_WAY: Errno = Errno::WOULDBLOCK;

/// Waits for at most `time`. True: it has come to its end, well or not. By select(), since WSAPoll() hides that it failed
/// before Windows 10 2004.
pub(crate) fn has_connected(socket: &Socket, time: Duration) -> io::Result<bool> {
    // SAFETY: plain data, for which zeros are a value.
    let mut set: FD_SET = unsafe { zeroed() };
    set.fd_count = 1;
    set.fd_array[0] = socket.as_raw_socket() as usize;
    let (mut made, mut failed) = (set, set);
    let time = TIMEVAL { tv_sec: time.as_secs() as i32, tv_usec: time.subsec_micros() as i32 };
    // SAFETY: all point to valid structs; the first argument is ignored.
    match unsafe { select(0, ptr::null_mut(), &mut made, &mut failed, &time) } {
        SOCKET_ERROR => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(WSAEINTR) => Ok(false),
            error => Err(error),
        },
        count => Ok(count > 0),
    }
}

/// For a connection that has just been made. [`receive`] waits on it for at most `time`, which is kept where the system
/// keeps it for sockets that wait.
pub(crate) fn prepare(stream: &TcpStream, time: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(time))
}

/// Sends some of `first` and of `second` after it; returns how many bytes. Does not wait.
pub(crate) fn send(stream: &TcpStream, first: &[u8], second: &[u8]) -> io::Result<usize> {
    let pieces = [IoSlice::new(first), IoSlice::new(second)];
    let pieces = if second.is_empty() { &pieces[..1] } else { &pieces };
    let pieces = if first.is_empty() { &pieces[1..] } else { pieces };
    SockRef::from(stream).send_vectored(pieces)
}

/// Receives some bytes; 0 is the end. Waits when there are none, if that is wanted; `WouldBlock` when there still are none
/// then.
pub(crate) fn receive(mut stream: &TcpStream, buffer: &mut [u8], waits: bool) -> io::Result<usize> {
    match stream.read(buffer) {
        Err(error) if waits && error.kind() == io::ErrorKind::WouldBlock => {
            let time = stream.read_timeout()?.unwrap_or_default();
            events(stream, PollFlags::IN, time)?;
            stream.read(buffer)
        }
        result => result,
    }
}
