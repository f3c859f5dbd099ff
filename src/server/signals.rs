//! Waiting for the end: signals, or a client's SHUTDOWN.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::base::log;
use crate::engine::ShutdownRequest;

/// What the main thread waits for.
pub(super) struct Ending {
    signals: Signals,
    requested: Arc<Mutex<Option<ShutdownRequest>>>,
    /// A signal that came before anybody waited.
    early: Option<End>,
}

/// What ended the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Interrupt,
    Terminate,
    /// A client, by SHUTDOWN.
    Client(ShutdownRequest),
}

/// Ends the wait from another thread.
#[derive(Clone)]
pub(super) struct Ender {
    handle: Handle,
    requested: Arc<Mutex<Option<ShutdownRequest>>>,
}

impl Ender {
    /// Ends the wait with a client's request.
    pub(super) fn end(&self, request: ShutdownRequest) {
        *self.requested.lock() = Some(request);
        self.handle.close();
    }
}

impl Ending {
    /// Begins to catch signals. SIGHUP is caught and does nothing.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub(super) fn new() -> io::Result<Self> {
        let signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        Ok(Self { signals, requested: Arc::default(), early: None })
    }

    /// Returns what ends the wait.
    pub(super) fn ender(&self) -> Ender {
        Ender { handle: self.signals.handle(), requested: Arc::clone(&self.requested) }
    }

    /// Says whether a signal has come already; it is kept for [`Ending::wait`].
    pub(super) fn is_due(&mut self) -> bool {
        if self.early.is_none() {
            self.early = self.signals.pending().find_map(end_of);
        }
        self.early.is_some()
    }

    /// Waits for a signal or a client.
    pub(super) fn wait(&mut self) -> End {
        let early = self.early.take();
        let signal = early.or_else(|| self.signals.forever().find_map(end_of));
        signal.unwrap_or_else(|| End::Client(self.requested.lock().unwrap_or_default()))
    }
}

/// Returns what a signal means, and says so in the log.
fn end_of(signal: i32) -> Option<End> {
    let (end, name) = match signal {
        SIGINT => (End::Interrupt, "SIGINT"),
        SIGTERM => (End::Terminate, "SIGTERM"),
        _ => return None,
    };
    log::warning(format_args!("Received {name} scheduling shutdown..."));
    Some(end)
}
