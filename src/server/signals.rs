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
        Ok(Self { signals, requested: Arc::default() })
    }

    /// Returns what ends the wait.
    pub(super) fn ender(&self) -> Ender {
        Ender { handle: self.signals.handle(), requested: Arc::clone(&self.requested) }
    }

    /// Waits. Returns the client's request, or `None` for a signal.
    pub(super) fn wait(&mut self) -> Option<ShutdownRequest> {
        for signal in self.signals.forever() {
            match signal {
                SIGINT => log::warning(format_args!("Received SIGINT scheduling shutdown...")),
                SIGTERM => log::warning(format_args!("Received SIGTERM scheduling shutdown...")),
                _ => continue,
            }
            return None;
        }
        *self.requested.lock()
    }
}
