//! Waiting for the end: signals, or a client's SHUTDOWN.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};

use crate::base::log;
use crate::engine::ShutdownRequest;

/// What the main thread waits for.
pub(super) struct Ending {
    signals: Signals,
    requested: Arc<Mutex<Option<ShutdownRequest>>>,
    /// A signal that came before anybody waited.
    early: Option<End>,
    /// A signal has come, so that another SIGINT ends the process as it is.
    is_ending: Arc<AtomicBool>,
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
    /// Begins to catch signals. SIGHUP is caught and does nothing. SIGINT behind another signal ends the
    /// process at once, with status 1: a script or a save may keep the server from stopping.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub(super) fn new() -> io::Result<Self> {
        let is_ending = Arc::new(AtomicBool::new(false));
        // What is registered first acts first, so that no signal is taken for the second one.
        flag::register_conditional_shutdown(SIGINT, 1, Arc::clone(&is_ending))?;
        for signal in [SIGTERM, SIGINT] {
            flag::register(signal, Arc::clone(&is_ending))?;
        }
        let signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        Ok(Self { signals, requested: Arc::default(), early: None, is_ending })
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

    /// Says that the signal was not obeyed: the next one is a first one again.
    pub(super) fn go_on(&self) {
        self.is_ending.store(false, Ordering::SeqCst);
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
