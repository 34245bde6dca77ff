//! Accepts connections and sees each to its end.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::control::{Control, End};
use crate::fault::{Action, ActiveFault};
use crate::service;
use crate::shared::Shared;
use crate::wire::{Stream, Wire};

/// The most that is read from a connection at once.
const READ_BUFFER: usize = 512 << 10;
const HANDSHAKE: Duration = Duration::from_secs(30);

/// Accepts connections for ever.
pub(crate) async fn accept(shared: Arc<Shared>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => {
                let id = shared.accepted.fetch_add(1, Ordering::Relaxed) + 1;
                shared.open.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(connection(Arc::new(Open(shared.clone())), tcp, tls.clone(), id));
            }
            // Out of descriptors, most likely: it passes.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Counts a connection as open as long as it lives, or one of its requests is being carried out.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn connection(open: Arc<Open>, tcp: TcpStream, tls: Option<TlsAcceptor>, id: u64) {
    let fault = open.0.faults().pick_accept();
    if let Some(ActiveFault { action, .. }) = fault {
        if matches!(action, Action::Reset { .. }) {
            reset_on_close(&tcp);
        }
        return;
    }
    let _ = tcp.set_nodelay(true);
    let stream = match tls {
        None => Stream::Plain(tcp),
        Some(acceptor) => match tokio::time::timeout(HANDSHAKE, acceptor.accept(tcp)).await {
            Ok(Ok(stream)) => Stream::Tls(Box::new(stream)),
            _ => return,
        },
    };
    converse(&open, stream, Arc::new(Control::new(id))).await;
}

async fn converse(open: &Arc<Open>, stream: Stream, control: Arc<Control>) {
    let handler = service_fn(|request| {
        // A task of its own: what has arrived completely is processed even when the client leaves.
        let (open, served_by) = (open.clone(), control.clone());
        let task = tokio::spawn(async move { service::serve(open.0.clone(), served_by, request).await });
        let control = control.clone();
        Box::pin(async move {
            if let Ok(Some(response)) = task.await {
                return Ok::<_, Infallible>(response);
            }
            // Nobody to answer, a fault, or a panic: a fault may have said already how the connection ends.
            control.end(End::Close);
            pending().await
        })
    });
    let io = TokioIo::new(Wire::new(stream, control.clone()));
    let mut connection =
        http1::Builder::new().max_buf_size(READ_BUFFER).auto_date_header(false).serve_connection(io, handler);
    let end = tokio::select! {
        biased;
        end = control.ended() => Some(end),
        _ = std::future::poll_fn(|cx| connection.poll_without_shutdown(cx)) => None,
    };
    let stream = connection.into_parts().io.into_inner().stream;
    control.set_gone();
    match end {
        Some(End::Reset) => reset_on_close(stream.tcp()),
        Some(End::Close) | None => close(stream, control.linger()).await,
    }
}

/// Says that nothing more comes, then takes in what the client is still sending, for a while.
async fn close(mut stream: Stream, linger: Option<Duration>) {
    let _ = stream.shutdown().await;
    let Some(linger) = linger else { return };
    let drain = async {
        let mut buffer = vec![0; 64 << 10];
        while !matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)) {}
    };
    let _ = tokio::time::timeout(linger, drain).await;
}

fn reset_on_close(tcp: &TcpStream) {
    let _ = socket2::SockRef::from(tcp).set_linger(Some(Duration::ZERO));
}
