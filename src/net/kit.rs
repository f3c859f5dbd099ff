//! What a worker lends to the connection whose turn it is: everything that one turn needs and that
//! need not exist once per connection.

use crate::base::clock::{self, Ticker};
use crate::engine::{Batch, Worker};

use super::settings::Settings;

/// Bytes of the read buffer all connections of a worker share.
pub(super) const READ_BYTES_MAX: usize = 64 * 1024;

/// A worker's tools.
pub(super) struct Kit {
    pub(super) worker: Worker,
    pub(super) batch: Batch,
    /// Always [`READ_BYTES_MAX`] bytes long, except while a turn has taken it.
    pub(super) read_buffer: Vec<u8>,
    pub(super) settings: Settings,
    pub(super) ticker: Ticker,
    /// The wall clock at the start of this round of the event loop, in milliseconds.
    pub(super) now_ms: u64,
    /// Some connection waits for the end of a pause.
    pub(super) has_postponed: bool,
}

impl Kit {
    /// Puts the tools of a worker together.
    pub(super) fn new(worker: Worker) -> Self {
        let settings = Settings::read(&worker.engine().config);
        Self {
            worker,
            batch: Batch::default(),
            read_buffer: vec![0; READ_BYTES_MAX],
            settings,
            ticker: Ticker::default(),
            now_ms: clock::unix_ms(),
            has_postponed: false,
        }
    }

    /// Looks at the clock and, when they have changed, at the settings.
    #[inline]
    pub(super) fn renew(&mut self) {
        self.now_ms = clock::unix_ms();
        self.settings.renew(&self.worker.engine().config);
    }
}
