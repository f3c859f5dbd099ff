//! What a worker lends to the connections whose turn it is: everything that a turn needs and that
//! need not exist once per connection.
//!
//! Connections take their turns in groups. All of a group read into one arena and parse into one
//! batch; then memory that their commands will touch is fetched for all of them together; then each
//! runs its share, and then each sends. A client that sends one command at a time thus gets its
//! memory fetched ahead like one that pipelines, and its peer, woken by the first reply, finds more.

use std::ops::Range;

use crate::base::clock::{self, Ticker};
use crate::engine::{BATCH_COMMANDS_MAX, Batch, Worker};

use super::input::Filled;
use super::settings::Settings;

/// Bytes every connection may read in its turn.
const READ_BYTES_MIN: usize = 64 * 1024;
const ARENA_BYTES: usize = 2 * READ_BYTES_MIN;
/// Commands after which a group takes no further connection.
const GROUP_COMMANDS: usize = BATCH_COMMANDS_MAX;

/// A connection's share in the group: bytes of the arena and commands of the batch.
pub(super) struct Share {
    pub(super) begin: usize,
    /// End of the parsed commands.
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) commands: Range<usize>,
    pub(super) filled: Filled,
    /// A script may run with it: nobody's share may have to wait behind it.
    pub(super) runs_script: bool,
}

/// A worker's tools.
pub(super) struct Kit {
    pub(super) worker: Worker,
    /// What the connections of the group have read; always [`ARENA_BYTES`] long, except while it is
    /// taken.
    pub(super) arena: Vec<u8>,
    pub(super) filled_bytes: usize,
    /// The commands of the group.
    pub(super) group: Batch,
    /// For what a connection runs alone.
    pub(super) solo: Batch,
    pub(super) settings: Settings,
    pub(super) ticker: Ticker,
    /// The wall clock at the start of this round of the event loop, in milliseconds.
    pub(super) now_ms: u64,
    /// Some connection waits for the end of a pause, or of what was postponed beside a script.
    pub(super) has_postponed: bool,
}

impl Kit {
    /// Puts the tools of a worker together.
    pub(super) fn new(worker: Worker) -> Self {
        let settings = Settings::read(&worker.engine().config);
        Self {
            worker,
            arena: vec![0; ARENA_BYTES],
            filled_bytes: 0,
            group: Batch::default(),
            solo: Batch::default(),
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

    /// Says whether CLIENT PAUSE is in force.
    pub(super) fn is_paused(&self) -> bool {
        self.worker.engine().pause.current(self.now_ms).is_some()
    }

    /// Says whether the group should take no further connection.
    #[inline]
    pub(super) fn is_group_full(&self) -> bool {
        self.group.len() >= GROUP_COMMANDS || self.filled_bytes > ARENA_BYTES - READ_BYTES_MIN
    }

    /// Begins another group.
    #[inline]
    pub(super) fn clear_group(&mut self) {
        self.group.clear();
        self.filled_bytes = 0;
    }
}
