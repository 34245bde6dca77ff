//! Sockets: connecting, and waiting for what happens, for a limited time.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

use super::descriptor;
use super::non_blocking::{self, UNDER_WAY};
pub(crate) use super::non_blocking::{receive, send};

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
    socket: Socket,
    is_made: bool,
}

impl Connecting {
    /// Begins to connect to `address`, and waits for nobody.
    pub(crate) fn begin(address: &SocketAddr) -> io::Result<Self> {
        let socket = descriptor::open(|| Socket::new(Domain::for_address(*address), Type::STREAM, None))?;
        socket.set_nonblocking(true)?;
        match socket.connect(&(*address).into()) {
            Ok(()) => Ok(Connecting { socket, is_made: true }),
            Err(error) if Errno::from_io_error(&error) == Some(UNDER_WAY) => Ok(Connecting { socket, is_made: false }),
            Err(error) => Err(error),
        }
    }

    /// Waits for at most `time`. True: it has come to its end, well or not.
    pub(crate) fn wait(&self, time: Duration) -> io::Result<bool> {
        Ok(self.is_made || non_blocking::has_connected(&self.socket, time)?)
    }

    /// The connection, once it has come to its end. [`receive`] waits on it for at most `time`.
    pub(crate) fn finish(self, time: Duration) -> io::Result<TcpStream> {
        if !self.is_made
            && let Some(error) = self.socket.take_error()?
        {
            return Err(error);
        }
        let stream = TcpStream::from(self.socket);
        non_blocking::prepare(&stream, time)?;
        Ok(stream)
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
        // Windows has two bits for it.
        has_input: events.intersects(PollFlags::IN),
        has_room: events.intersects(PollFlags::OUT | PollFlags::ERR | PollFlags::HUP),
    })
}

/// Empty when nothing happened.
pub(super) fn events(socket: &impl AsFd, wanted: PollFlags, time: Duration) -> io::Result<PollFlags> {
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
