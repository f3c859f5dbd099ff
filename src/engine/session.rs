//! One connection as the engine knows it: database, authentication, how replies are wanted.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::clients::{ClientCell, Gauges};
use super::quiet::PutOff;
use super::tracking::SessionTracking;
use super::transaction::Transaction;
use super::waiting::Parked;
use super::watching::WatchSet;
use crate::pubsub::Subscriptions;

/// Which replies a client wants to see (CLIENT REPLY).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyMode {
    #[default]
    On,
    Off,
    /// The reply of the next command is left out.
    SkipNext,
    /// The reply of this command is left out, then replies go on.
    SkipThis,
}

impl ReplyMode {
    /// Says whether what is replied now is left out.
    pub(super) fn is_mute(self) -> bool {
        matches!(self, Self::Off | Self::SkipThis)
    }
}

/// What happens to a connection after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Continue,
    /// Send what is pending, then close.
    Close,
    /// Keep the command and what follows; run them when resumed (CLIENT PAUSE, or because a command that
    /// takes long holds what they need).
    Postpone,
    /// The command waits for a key; what follows is kept until its reply has come.
    Wait,
    /// Keep what follows for another turn: commands took so long that others have waited long enough.
    Yield,
}

/// The state of one connection. Owned by its worker.
pub struct Session {
    pub cell: Arc<ClientCell>,
    pub db: u32,
    pub is_authenticated: bool,
    pub reply_mode: ReplyMode,
    /// The transaction that has just run has left out what is not to be replied.
    pub(super) has_minded_reply_mode: bool,
    /// Accesses of this client leave stamps alone.
    pub no_touch: bool,
    /// Set by handlers that end the connection.
    pub closes: bool,
    /// The commands queued, between MULTI and EXEC.
    pub transaction: Option<Box<Transaction>>,
    pub watches: WatchSet,
    /// Commands that find nothing reply at once, whatever time they are given.
    pub refuses_to_wait: bool,
    /// Of the command that comes next, if it has been put off.
    pub(super) put_off: PutOff,
    /// A script of the client is running.
    pub is_in_script: bool,
    /// How keys are tracked for the client, if they are.
    pub tracking: Option<Box<SessionTracking>>,
    /// What the client listens to.
    pub subscriptions: Subscriptions,
    /// Number of its turn of monitoring, if it monitors.
    pub monitors: Option<u64>,
}

impl Session {
    pub(super) fn new(cell: Arc<ClientCell>, is_authenticated: bool) -> Self {
        Self {
            cell,
            db: 0,
            is_authenticated,
            reply_mode: ReplyMode::On,
            has_minded_reply_mode: false,
            no_touch: false,
            closes: false,
            refuses_to_wait: false,
            put_off: PutOff::default(),
            is_in_script: false,
            transaction: None,
            watches: WatchSet::default(),
            tracking: None,
            subscriptions: Subscriptions::default(),
            monitors: None,
        }
    }

    /// Returns a session for serving a client that waits: its own one belongs to another thread.
    pub(super) fn stand_in(parked: &Parked) -> Self {
        let mut session = Self::new(Arc::clone(&parked.cell), true);
        session.db = parked.db;
        session.no_touch = parked.no_touch;
        session
    }

    /// Shows others what is queued and watched.
    #[inline]
    pub(super) fn show_transaction(&self) {
        self.show_as_queued(self.transaction.as_deref());
    }

    /// The same for a transaction that runs.
    #[inline]
    pub(super) fn show_as_queued(&self, transaction: Option<&Transaction>) {
        let gauges = &self.cell.gauges;
        let (queued, bytes) = match transaction {
            Some(transaction) => (transaction.len() as u64 + 1, transaction.bytes() as u64),
            None => (0, 0),
        };
        let watched = self.watches.len() as u64;
        if queued != Gauges::value(&gauges.queued_commands)
            || watched != Gauges::value(&gauges.watched_keys)
        {
            Gauges::set(&gauges.queued_commands, queued);
            Gauges::set(&gauges.queued_bytes, bytes);
            Gauges::set(&gauges.watched_keys, watched);
            Gauges::set(&gauges.watched_bytes, self.watches.bytes() as u64);
        }
    }

    /// Notes that a command could not be queued.
    pub(super) fn abort_transaction(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.is_aborted = true;
        }
    }

    /// Says whether a command may wait for a key.
    pub fn may_wait(&self) -> bool {
        !self.refuses_to_wait
    }

    /// Returns the client's id.
    pub fn id(&self) -> u64 {
        self.cell.id
    }

    /// Chooses the database of the commands that follow.
    pub fn select(&mut self, db: u32) {
        self.db = db;
        // Relaxed: shown by CLIENT LIST only.
        self.cell.db.store(db, Ordering::Relaxed);
    }

    /// Says whether another thread wants this connection closed.
    pub fn is_doomed(&self) -> bool {
        // Relaxed: the message that follows the flag orders it.
        self.cell.is_doomed.load(Ordering::Relaxed)
    }
}
