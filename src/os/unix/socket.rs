//! Sockets: connecting, and waiting for what happens, for a limited time.

use std::io::{self, IoSlice};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, SocketFlags, SocketType};

use super::descriptor;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Something to read.
    Input,
    /// Space in the send buffer.
    Space,
    /// Either of them.
    InputOrSpace,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Happened {
    /// Something did.
    pub anything: bool,
    /// There is something to read, or the peer has closed its side.
    pub has_input: bool,
    /// A write does not wait: there is room, or it fails at once.
    pub has_room: bool,
}

/// A connection that is being made.
pub(crate) struct Connecting {
    socket: OwnedFd,
    is_made: bool,
}

impl Connecting {
    /// Begins to connect to `address`, and waits for nobody.
    pub(crate) fn begin(address: &SocketAddr) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = descriptor::open(|| net::socket_with(family, SocketType::STREAM, flags, None))?;
        match net::connect(&socket, address) {
            Ok(()) => Ok(Connecting { socket, is_made: true }),
            Err(Errno::INPROGRESS) => Ok(Connecting { socket, is_made: false }),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for at most `time`. True: it has come to its end, well or not.
    pub(crate) fn wait(&self, time: Duration) -> io::Result<bool> {
        Ok(self.is_made || !events(&self.socket, PollFlags::OUT, time)?.is_empty())
    }

    /// The connection, once it has come to its end. [`receive`] waits on it for at most `time`.
    pub(crate) fn finish(self, time: Duration) -> io::Result<TcpStream> {
        if !self.is_made {
            net::sockopt::socket_error(&self.socket)??;
        }
        net::sockopt::set_socket_timeout(&self.socket, net::sockopt::Timeout::Recv, Some(time))?;
        rustix::io::ioctl_fionbio(&self.socket, false)?;
        Ok(TcpStream::from(self.socket))
    }
}

/// Waits for at most `time` until what is wanted happens, or the connection fails.
pub(crate) fn wait(stream: &TcpStream, wanted: Wanted, time: Duration) -> io::Result<Happened> {
    let wanted = match wanted {
        Wanted::Input => PollFlags::IN,
        Wanted::Space => PollFlags::OUT,
        Wanted::InputOrSpace => PollFlags::IN | PollFlags::OUT,
    };
    let events = events(stream, wanted, time)?;
    Ok(Happened {
        anything: !events.is_empty(),
        has_input: events.contains(PollFlags::IN),
        has_room: events.intersects(PollFlags::OUT | PollFlags::ERR | PollFlags::HUP),
    })
}

/// Sends some of `first` and of `second` after it; returns how many bytes. Does not wait, and raises no signal.
pub(crate) fn send(stream: &TcpStream, first: &[u8], second: &[u8]) -> io::Result<usize> {
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    if second.is_empty() {
        return Ok(net::send(stream, first, flags)?);
    }
    let pieces = [IoSlice::new(first), IoSlice::new(second)];
    let pieces = if first.is_empty() { &pieces[1..] } else { &pieces };
    Ok(net::sendmsg(stream, pieces, &mut SendAncillaryBuffer::default(), flags)?)
}

/// Receives some bytes; 0 is the end. Waits when there are none, if that is wanted; `WouldBlock` when there still are none
/// then. To wait in here, and not for an event before, saves a system call a response.
pub(crate) fn receive(stream: &TcpStream, buffer: &mut [u8], waits: bool) -> io::Result<usize> {
    let flags = if waits { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
    Ok(net::recv(stream, buffer, flags)?.0)
}

/// Empty when nothing happened.
fn events(socket: &impl AsFd, wanted: PollFlags, time: Duration) -> io::Result<PollFlags> {
    let mut set = [PollFd::new(socket, wanted)];
    let time = Timespec { tv_sec: time.as_secs() as _, tv_nsec: time.subsec_nanos() as _ };
    match poll(&mut set, Some(&time)) {
        Ok(_) => Ok(set[0].revents()),
        Err(Errno::INTR) => Ok(PollFlags::empty()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn a_connection_is_made_and_tells_what_happens_on_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connecting = Connecting::begin(&listener.local_addr().unwrap()).unwrap();
        assert!(connecting.wait(LONG).unwrap());
        let stream = connecting.finish(Duration::from_millis(1)).unwrap();
        let nothing = wait(&stream, Wanted::Input, Duration::ZERO).unwrap();
        assert_eq!(nothing, Happened { anything: false, has_input: false, has_room: false });
        let room = wait(&stream, Wanted::InputOrSpace, LONG).unwrap();
        assert_eq!(room, Happened { anything: true, has_input: false, has_room: true });
        for waits in [false, true] {
            assert_eq!(receive(&stream, &mut [0; 2], waits).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
        listener.accept().unwrap().0.write_all(b"x").unwrap();
        assert!(wait(&stream, Wanted::Input, LONG).unwrap().has_input);
        assert_eq!([false, true].map(|waits| receive(&stream, &mut [0; 2], waits).unwrap()), [1, 0]);
    }

    #[test]
    fn two_pieces_are_sent_one_after_the_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        for (first, second) in [("ab", ""), ("", "cd"), ("ef", "gh")] {
            let sent = send(&stream, first.as_bytes(), second.as_bytes()).unwrap();
            assert_eq!(sent, first.len() + second.len());
        }
        drop(stream);
        let mut heard = String::new();
        listener.accept().unwrap().0.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "abcdefgh");
    }

    #[test]
    fn an_address_that_nobody_listens_at_refuses() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = Connecting::begin(&address).and_then(|connecting| {
            assert!(connecting.wait(LONG)?);
            connecting.finish(LONG)
        });
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
