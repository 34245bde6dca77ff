//! A stream that obeys its [`Control`]: it reads slowly, writes in drops, or breaks off in a response.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

use crate::control::{Control, End, Settings};

/// Slow reading takes its bytes in so many steps a second.
const STEPS: u64 = 20;

/// A connection, encrypted or not.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }
}

macro_rules! delegate {
    ($self:ident, $method:ident, $($argument:expr),*) => {
        match $self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).$method($($argument),*),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).$method($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_read, cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self, poll_write, cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_flush, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_shutdown, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, poll_write_vectored, cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}

/// A stream under control.
pub(crate) struct Wire {
    pub(crate) stream: Stream,
    control: Arc<Control>,
    read_pause: Option<Pin<Box<Sleep>>>,
    write_pause: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(crate) fn new(stream: Stream, control: Arc<Control>) -> Self {
        Self { stream, control, read_pause: None, write_pause: None }
    }

    fn read_slowly(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>, rate: u64) -> Poll<io::Result<()>> {
        ready!(wait(&mut self.read_pause, cx));
        let step = (rate / STEPS).max(1).min(buf.remaining() as u64);
        let mut small = vec![0; step as usize];
        let mut small = ReadBuf::new(&mut small);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut small))?;
        let read = small.filled().len() as u64;
        self.read_pause = pause(Duration::from_nanos(read.saturating_mul(1_000_000_000) / rate));
        buf.put_slice(small.filled());
        Poll::Ready(Ok(()))
    }

    fn write_oddly(&mut self, cx: &mut Context<'_>, buf: &[u8], settings: Settings) -> Poll<io::Result<usize>> {
        ready!(wait(&mut self.write_pause, cx));
        let mut length = buf.len() as u64;
        if let Some((left, how)) = settings.cut {
            if left == 0 {
                self.control.end(how);
                return Poll::Pending;
            }
            length = length.min(left);
        }
        length = length.min(settings.drip.map_or(u64::MAX, |(bytes, _)| bytes));
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &buf[..length as usize]))?;
        self.write_pause = settings.drip.and_then(|(_, interval)| pause(interval));
        self.control.change(|settings| {
            if let Some((left, _)) = &mut settings.cut {
                *left -= written as u64;
            }
        });
        Poll::Ready(Ok(written))
    }

    /// Ends the connection behind a response that is out.
    fn close_behind(&self, delay: Duration, how: End) {
        self.control.change(|settings| settings.close_after_response = None);
        let control = self.control.clone();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            control.end(how);
        });
    }
}

fn pause(duration: Duration) -> Option<Pin<Box<Sleep>>> {
    Some(Box::pin(tokio::time::sleep(duration)))
}

fn wait(pause: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> Poll<()> {
    if let Some(sleep) = pause {
        ready!(sleep.as_mut().poll(cx));
        *pause = None;
    }
    Poll::Ready(())
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.control.unusual().and_then(|settings| settings.read_rate) {
            Some(rate) => this.read_slowly(cx, buf, rate),
            None => Pin::new(&mut this.stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match this.control.unusual() {
            Some(settings) => this.write_oddly(cx, buf, settings),
            None => Pin::new(&mut this.stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match this.control.unusual() {
            Some(settings) => {
                let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
                this.write_oddly(cx, first, settings)
            }
            None => Pin::new(&mut this.stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_flush(cx))?;
        if let Some(Settings { response_complete: true, close_after_response: Some((delay, how)), .. }) =
            this.control.unusual()
        {
            this.close_behind(delay, how);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
