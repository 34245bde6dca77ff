//! What a request's handler can do to its connection: end it, slow it down, cut its response short.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With RST.
    Reset,
    /// With FIN.
    Close,
}

/// Shared by a connection and the handlers of its requests.
pub(crate) struct Control {
    pub(crate) id: u64,
    end: Mutex<Option<End>>,
    ended: Notify,
    gone: watch::Sender<bool>,
    settings: Mutex<Settings>,
    /// Whether any setting differs from the usual: the only thing that the common path looks at.
    unusual: AtomicBool,
    linger: Mutex<Option<Duration>>,
}

/// How reads and writes behave.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Settings {
    /// Bytes a second.
    pub(crate) read_rate: Option<u64>,
    /// Bytes in each drop, and the pause between drops.
    pub(crate) drip: Option<(u64, Duration)>,
    /// How much of the response may still be written, and how the connection ends then.
    pub(crate) cut: Option<(u64, End)>,
    /// The connection ends so long after the response.
    pub(crate) close_after_response: Option<(Duration, End)>,
    /// The response has been handed over completely.
    pub(crate) response_complete: bool,
}

impl Control {
    pub(crate) fn new(id: u64) -> Self {
        Self {
            id,
            end: Mutex::new(None),
            ended: Notify::new(),
            gone: watch::Sender::new(false),
            settings: Mutex::default(),
            unusual: AtomicBool::new(false),
            linger: Mutex::default(),
        }
    }

    /// Ends the connection at once, wherever it is.
    pub(crate) fn end(&self, how: End) {
        crate::lock(&self.end).get_or_insert(how);
        self.ended.notify_one();
    }

    /// Resolves when a handler wants the connection to end.
    pub(crate) async fn ended(&self) -> End {
        loop {
            if let Some(end) = *crate::lock(&self.end) {
                return end;
            }
            self.ended.notified().await;
        }
    }

    /// Tells the handlers that the connection is no more.
    pub(crate) fn set_gone(&self) {
        self.gone.send_replace(true);
    }

    /// Resolves when the connection is no more.
    pub(crate) async fn gone(&self) {
        // The sender is part of self: it cannot be dropped while this waits.
        let _ = self.gone.subscribe().wait_for(|gone| *gone).await;
    }

    /// The settings, when they are unusual.
    pub(crate) fn unusual(&self) -> Option<Settings> {
        self.unusual.load(Ordering::Acquire).then(|| *crate::lock(&self.settings))
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = crate::lock(&self.settings);
        change(&mut settings);
        self.unusual.store(*settings != Settings::default(), Ordering::Release);
    }

    /// The next response ends the connection; the rest of the request's body is taken in for so long.
    pub(crate) fn set_linger(&self, linger: Duration) {
        *crate::lock(&self.linger) = Some(linger);
    }

    pub(crate) fn linger(&self) -> Option<Duration> {
        *crate::lock(&self.linger)
    }
}
