//! The registry of connected clients: what CLIENT LIST shows and CLIENT KILL finds.
//!
//! Each client has one [`ClientCell`]. The worker that owns the connection writes it with relaxed
//! stores; any thread may read it. What is rare (names) sits behind a mutex.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::client_memory::ClientMemory;
use super::session::Session;
use super::tracking::TrackingCell;
use super::waiting::Waiter;

/// Where a client comes from, as text: `127.0.0.1:50000`, or the path of a unix socket with `:0`.
#[derive(Clone, Debug)]
pub struct Peer {
    pub address: String,
    pub local_address: String,
    pub descriptor: i32,
    pub is_unix: bool,
    /// True when the peer is this machine; protected mode refuses others.
    pub is_loopback: bool,
}

/// Names a client has given itself.
#[derive(Clone, Debug, Default)]
pub struct ClientNames {
    pub name: String,
    pub library_name: String,
    pub library_version: String,
    pub user: String,
}

macro_rules! gauges {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// Figures of one client; written by its worker only.
        #[derive(Default)]
        pub struct Gauges { $($(#[$doc])* pub $name: AtomicU64,)+ }
    };
}

gauges! {
    /// Wall clock of the last command, in milliseconds.
    last_active_ms,
    /// Bytes waiting in the query buffer.
    query_bytes,
    /// Free bytes of the query buffer.
    query_free_bytes,
    /// Bytes of the arguments of an incomplete command.
    argument_bytes,
    /// Bytes of replies waiting to be sent.
    reply_bytes,
    /// Bytes the reply buffers take.
    reply_capacity_bytes,
    /// Bytes received since the connection began.
    input_bytes,
    /// Bytes sent since the connection began.
    output_bytes,
    /// Commands run since the connection began.
    command_count,
    /// Commands queued since MULTI plus one; 0 outside of a transaction.
    queued_commands,
    /// Bytes they take.
    queued_bytes,
    /// Keys watched for the next transaction.
    watched_keys,
    /// Bytes they take.
    watched_bytes,
    /// Bytes that the names of channels and patterns it subscribes to take.
    subscribed_bytes,
    /// Bytes that the prefixes it tracks take.
    prefix_bytes,
    /// Its share of the sum of all clients' memory; see [`Clients::count_memory`].
    counted_bytes,
    /// Index of the last command in the command table plus one; 0 before the first one.
    last_command,
    /// Channels the client subscribes to.
    channel_count,
    /// Patterns it subscribes to.
    pattern_count,
    /// Shard channels it subscribes to.
    shard_channel_count,
}

impl Gauges {
    /// Sets a gauge; relaxed, since readers only show it.
    pub fn set(cell: &AtomicU64, value: u64) {
        cell.store(value, Ordering::Relaxed);
    }

    /// Says whether the client subscribes to anything.
    pub fn is_subscriber(&self) -> bool {
        let counts = [&self.channel_count, &self.pattern_count, &self.shard_channel_count];
        counts.iter().any(|count| Self::value(count) > 0)
    }

    /// Returns a gauge; what another thread wrote may be a moment old.
    pub fn value(cell: &AtomicU64) -> u64 {
        cell.load(Ordering::Relaxed)
    }
}

/// What others may see of a client.
pub struct ClientCell {
    pub id: u64,
    pub worker: usize,
    pub peer: Peer,
    pub created_ms: u64,
    pub gauges: Gauges,
    pub names: Mutex<ClientNames>,
    pub db: AtomicU32,
    pub is_resp3: AtomicBool,
    pub no_evict: AtomicBool,
    pub no_touch: AtomicBool,
    /// The client follows redirections to another server (CLIENT CAPA).
    pub can_redirect: AtomicBool,
    /// The client imports data (CLIENT IMPORT-SOURCE).
    pub is_import_source: AtomicBool,
    /// The client is shown the commands of all others.
    pub is_monitor: AtomicBool,
    /// A command of it waits for the end of a pause.
    pub is_postponed: AtomicBool,
    /// Set by whoever wants the connection closed; its worker acts on it.
    pub is_doomed: AtomicBool,
    /// How it has keys tracked.
    pub tracking: TrackingCell,
    /// Number of the connection at its worker.
    pub seat: AtomicUsize,
    /// What the client waits for, while it waits for a key.
    pub waiting: Mutex<Option<Arc<Waiter>>>,
}

impl ClientCell {
    /// Says whether the client is as good as gone: it has said so, or somebody wants it closed.
    pub fn leaves(&self) -> bool {
        // Relaxed: who knows of it has heard so from the client itself, or from who had it closed.
        self.tracking.leaves() || self.is_doomed.load(Ordering::Relaxed)
    }

    /// Returns the bytes the client takes, as its worker noted them last.
    pub fn memory_bytes(&self) -> u64 {
        const OWN_BYTES: u64 = (size_of::<ClientCell>() + size_of::<Session>()) as u64;
        let gauges = &self.gauges;
        let parts = [
            &gauges.query_bytes,
            &gauges.query_free_bytes,
            &gauges.argument_bytes,
            &gauges.queued_bytes,
            &gauges.reply_capacity_bytes,
            &gauges.watched_bytes,
            &gauges.subscribed_bytes,
            &gauges.prefix_bytes,
        ];
        OWN_BYTES + parts.into_iter().map(Gauges::value).sum::<u64>()
    }
}

/// All connected clients, by id.
#[derive(Default)]
pub struct Clients {
    by_id: Mutex<BTreeMap<u64, Arc<ClientCell>>>,
    pub(super) memory: ClientMemory,
    last_id: AtomicU64,
    postponed_count: AtomicU64,
    max_query_bytes: AtomicU64,
    max_reply_bytes: AtomicU64,
}

impl Clients {
    /// Registers a client under a new id.
    pub fn open(&self, worker: usize, peer: Peer, now_ms: u64) -> Arc<ClientCell> {
        // Relaxed: only uniqueness matters.
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let cell = Arc::new(ClientCell {
            id,
            worker,
            peer,
            created_ms: now_ms,
            gauges: Gauges::default(),
            names: Mutex::new(ClientNames { user: "default".into(), ..ClientNames::default() }),
            db: AtomicU32::new(0),
            is_resp3: AtomicBool::new(false),
            no_evict: AtomicBool::new(false),
            no_touch: AtomicBool::new(false),
            can_redirect: AtomicBool::new(false),
            is_import_source: AtomicBool::new(false),
            is_monitor: AtomicBool::new(false),
            is_postponed: AtomicBool::new(false),
            is_doomed: AtomicBool::new(false),
            tracking: TrackingCell::default(),
            seat: AtomicUsize::new(usize::MAX),
            waiting: Mutex::new(None),
        });
        Gauges::set(&cell.gauges.last_active_ms, now_ms);
        self.by_id.lock().insert(id, Arc::clone(&cell));
        cell
    }

    /// Forgets a client, whose connection is closed or about to be.
    pub fn close(&self, cell: &ClientCell) {
        self.by_id.lock().remove(&cell.id);
        self.memory.forget(cell);
    }

    /// Notes whether a command of the client waits for the end of a pause; its worker calls this.
    pub fn set_postponed(&self, cell: &ClientCell, is_postponed: bool) {
        // Relaxed, here and below: statistics.
        if cell.is_postponed.swap(is_postponed, Ordering::Relaxed) == is_postponed {
            return;
        }
        if is_postponed {
            self.postponed_count.fetch_add(1, Ordering::Relaxed);
        } else {
            self.postponed_count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Returns how many clients wait for the end of a pause.
    pub fn postponed_count(&self) -> u64 {
        self.postponed_count.load(Ordering::Relaxed)
    }

    /// Returns the number of clients.
    pub fn count(&self) -> usize {
        self.by_id.lock().len()
    }

    /// Returns all clients in the order they came.
    pub fn all(&self) -> Vec<Arc<ClientCell>> {
        self.by_id.lock().values().cloned().collect()
    }

    /// Calls a function for all clients; nobody comes or goes meanwhile.
    pub(super) fn for_each(&self, mut each: impl FnMut(&ClientCell)) {
        self.by_id.lock().values().for_each(|cell| each(cell));
    }

    /// Returns the client of an id.
    pub fn find(&self, id: u64) -> Option<Arc<ClientCell>> {
        self.by_id.lock().get(&id).cloned()
    }

    /// Returns the bytes that all clients take as their workers noted them last.
    pub fn buffer_bytes(&self) -> u64 {
        self.by_id.lock().values().map(|cell| cell.memory_bytes()).sum()
    }

    /// Notes the buffers of a client for the largest ones ever seen (INFO clients).
    pub fn note_buffers(&self, query_bytes: u64, reply_bytes: u64) {
        // Relaxed: statistics.
        if query_bytes > self.max_query_bytes.load(Ordering::Relaxed) {
            self.max_query_bytes.fetch_max(query_bytes, Ordering::Relaxed);
        }
        if reply_bytes > self.max_reply_bytes.load(Ordering::Relaxed) {
            self.max_reply_bytes.fetch_max(reply_bytes, Ordering::Relaxed);
        }
    }

    /// Forgets the largest buffers seen.
    pub fn forget_max_buffers(&self) {
        self.max_query_bytes.store(0, Ordering::Relaxed);
        self.max_reply_bytes.store(0, Ordering::Relaxed);
    }

    /// Returns the largest query buffer and reply buffer seen, in bytes.
    pub fn max_buffers(&self) -> (u64, u64) {
        (self.max_query_bytes.load(Ordering::Relaxed), self.max_reply_bytes.load(Ordering::Relaxed))
    }
}
