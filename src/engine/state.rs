//! The engine: what all threads share to run commands.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;

use super::clients::{ClientCell, Clients};
use super::effects::EffectLog;
use super::monitors::{Monitors, Sight};
use super::own_messages::OwnMessages;
use super::pause::Pause;
use super::persistence::Persistence;
use super::quiet::Quiet;
use super::reaper::Reaper;
use super::script::SlowScripts;
use super::table::CommandTable;
use super::tracking::{Invalidation, Tracking};
use super::waiting::Parked;
use super::watching::Watches;
use crate::base::gate::Gate;
use crate::base::mailbox::Mailbox;
use crate::base::{clock, striped::Striped};
use crate::blocking::Waiters;
use crate::config::{Config, Setting};
use crate::keyspace::Keyspace;
use crate::pubsub::{Broadcast, Message, PubSub};
use crate::resp::ReplyBuffer;
use crate::script::{Functions, Scripts};
use crate::stats::{CommandLogKind, Counter, Stats};

/// What threads tell a worker.
pub enum WorkerMessage {
    /// Close the connection of this client (its cell says `is_doomed`).
    CloseClient(u64),
    /// Send a reply to a client that waited, and messages behind it, and go on with what it has sent since.
    Deliver { client: Arc<ClientCell>, reply: ReplyBuffer, messages: Vec<Message> },
    /// Send a message to clients that subscribe to its channel.
    Publish(Box<Broadcast>),
    /// Tell a client which keys have changed.
    Invalidate(Box<Invalidation>),
    /// Show a client that monitors a command of another one.
    Show(Sight),
    /// Run what was postponed, if it may run now.
    Resume,
    /// All scripts are forgotten.
    ScriptsFlushed,
    /// Settings that a connection or the event loop caches may have changed.
    ConfigChanged,
    /// End the event loop.
    Stop,
}

/// How SHUTDOWN or a signal wants the server to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownRequest {
    /// `Some(true)` saves first, `Some(false)` does not, `None` as the save points say.
    pub save: Option<bool>,
    /// Waits for nobody.
    pub is_now: bool,
    /// Stops even if saving fails.
    pub is_forced: bool,
}

/// Tells the main thread to stop.
pub type StopSignal = Box<dyn Fn(ShutdownRequest) + Send + Sync>;

/// Puts a changed setting into effect outside the engine (sockets, log), or refuses it.
pub type SettingApplier = Box<dyn Fn(Setting, &Config) -> Result<(), String> + Send + Sync>;

/// Facts of this process, fixed at start.
#[derive(Clone, Debug)]
pub struct Identity {
    pub run_id: String,
    pub process_id: u32,
    pub executable: String,
    pub started_ms: u64,
    pub started_monotonic_us: u64,
}

/// Everything commands and workers share.
pub struct Engine {
    pub keyspace: Keyspace,
    pub config: Arc<Config>,
    pub stats: Arc<Stats>,
    pub table: CommandTable,
    pub gate: Gate,
    pub clients: Clients,
    pub effects: EffectLog,
    pub reaper: Reaper,
    pub pause: Pause,
    /// Clients that wait for keys.
    pub waiters: Waiters<Parked>,
    /// Keys that clients watch.
    pub watches: Watches,
    /// Who is told of changes to keep a cache of its own true.
    pub tracking: Tracking,
    /// Who listens to which channels.
    pub pubsub: PubSub,
    /// Who is shown all commands.
    pub monitors: Monitors,
    pub identity: Identity,
    /// Changes since the last save.
    pub changes: Striped,
    /// Active expiry may be switched off for tests (DEBUG SET-ACTIVE-EXPIRE).
    pub expires_actively: AtomicBool,
    /// Upkeep (expiry, eviction) may be stopped for tests (DEBUG PAUSE-CRON).
    pub is_upkeep_paused: AtomicBool,
    /// Checksums of RESTORE's payloads may be ignored for tests (DEBUG SET-SKIP-CHECKSUM-VALIDATION).
    pub skips_checksums: AtomicBool,
    /// Idle clients may keep the memory of their replies for tests (DEBUG REPLYBUFFER RESIZING).
    pub keeps_reply_buffers: AtomicBool,
    pub persistence: Persistence,
    /// From how many bytes on an element of a list is large, for tests (DEBUG
    /// QUICKLIST-PACKED-THRESHOLD); 0 for the usual.
    pub list_large_bytes_min: AtomicUsize,
    pub peak_memory_bytes: AtomicU64,
    /// The scripts that clients have sent.
    pub scripts: Scripts,
    /// The libraries of functions.
    pub functions: Functions,
    /// Those that take long.
    pub slow: SlowScripts,
    /// Whether scripts are held back for those whom they keep from running.
    pub quiet: Quiet,
    /// By worker: bytes its machine for scripts uses.
    pub(super) script_memory: Box<[AtomicUsize]>,
    /// By worker: bytes its machine for functions uses.
    pub(super) function_memory: Box<[AtomicUsize]>,
    /// Scripts may call every command, for tests (DEBUG SET-DISABLE-DENY-SCRIPTS).
    pub allows_denied_commands: AtomicBool,
    workers: OnceLock<Vec<Mailbox<WorkerMessage>>>,
    /// By worker: it has posted letters to itself. Only that worker reads and writes its flag.
    own_mail: Box<[CachePadded<AtomicBool>]>,
    /// By worker.
    pub(super) own_messages: Box<[CachePadded<OwnMessages>]>,
    stop: Mutex<Option<StopSignal>>,
    applier: OnceLock<SettingApplier>,
    is_stopping: AtomicBool,
    replication_id: Mutex<String>,
    upkeep_steps: AtomicU64,
}

impl Engine {
    /// Puts the parts together. `worker_count` workers will be opened.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(
        config: Arc<Config>,
        table: CommandTable,
        worker_count: usize,
        database_count: u32,
        identity: Identity,
    ) -> std::io::Result<Self> {
        let stats = Arc::new(Stats::new(worker_count, table.all().len()));
        stats.set_latency_tracking(config.flag(Setting::LatencyTracking));
        let clients = Clients::default();
        clients.set_memory_limit(config.maxmemory_clients_bytes());
        Ok(Self {
            keyspace: Keyspace::new(database_count),
            config,
            stats,
            table,
            gate: Gate::new(worker_count),
            clients,
            effects: EffectLog::default(),
            reaper: Reaper::start()?,
            pause: Pause::default(),
            waiters: Waiters::default(),
            watches: Watches::default(),
            tracking: Tracking::default(),
            pubsub: PubSub::default(),
            monitors: Monitors::default(),
            identity,
            changes: Striped::default(),
            expires_actively: AtomicBool::new(true),
            is_upkeep_paused: AtomicBool::new(false),
            skips_checksums: AtomicBool::new(false),
            keeps_reply_buffers: AtomicBool::new(false),
            persistence: Persistence::new(clock::unix_ms() / 1000),
            list_large_bytes_min: AtomicUsize::new(0),
            replication_id: Mutex::new(random_id()),
            upkeep_steps: AtomicU64::new(0),
            peak_memory_bytes: AtomicU64::new(0),
            scripts: Scripts::default(),
            functions: Functions::default(),
            slow: SlowScripts::new(worker_count),
            quiet: Quiet::default(),
            script_memory: (0..worker_count).map(|_| AtomicUsize::new(0)).collect(),
            function_memory: (0..worker_count).map(|_| AtomicUsize::new(0)).collect(),
            allows_denied_commands: AtomicBool::new(false),
            workers: OnceLock::new(),
            own_mail: (0..worker_count).map(|_| CachePadded::default()).collect(),
            own_messages: (0..worker_count).map(|_| CachePadded::default()).collect(),
            stop: Mutex::new(None),
            applier: OnceLock::new(),
            is_stopping: AtomicBool::new(false),
        })
    }

    /// Gives the engine the workers' mailboxes; once, before clients are accepted.
    pub fn set_workers(&self, mailboxes: Vec<Mailbox<WorkerMessage>>) {
        assert!(self.workers.set(mailboxes).is_ok(), "the workers are set once");
    }

    /// Returns the number of workers.
    pub fn worker_count(&self) -> usize {
        self.stats.worker_count()
    }

    #[inline]
    pub(super) fn mailbox(&self, worker: usize) -> Option<&Mailbox<WorkerMessage>> {
        self.workers.get().and_then(|workers| workers.get(worker))
    }

    /// Posts a message to one worker.
    pub fn tell(&self, worker: usize, message: WorkerMessage) {
        if let Some(mailbox) = self.mailbox(worker) {
            mailbox.post(message);
        }
    }

    /// Posts a message to one worker; `from` is the worker whose commands this thread is running, if
    /// it runs any. A worker's letters to itself stand in line with all others, but wake nobody.
    pub(super) fn post(&self, from: Option<usize>, to: usize, message: WorkerMessage) {
        if from != Some(to) {
            return self.tell(to, message);
        }
        if let Some(mailbox) = self.mailbox(to) {
            mailbox.post_own(message);
            // Relaxed, here and below: the flag stays on its worker's thread.
            self.own_mail[to].store(true, Ordering::Relaxed);
        }
    }

    /// Says whether a worker has posted letters to itself since the last call; it calls this before it
    /// sleeps.
    pub fn take_own_mail(&self, worker: usize) -> bool {
        let flag = &self.own_mail[worker];
        let has_mail = flag.load(Ordering::Relaxed);
        if has_mail {
            flag.store(false, Ordering::Relaxed);
        }
        has_mail
    }

    /// Posts a message to all workers.
    pub fn tell_all(&self, message: fn() -> WorkerMessage) {
        for mailbox in self.workers.get().into_iter().flatten() {
            mailbox.post(message());
        }
    }

    /// Asks the worker of a client to close it. For all others it is gone from now on.
    pub fn close_client(&self, cell: &ClientCell) {
        // Relaxed: the mailbox's lock orders the flag before the message.
        cell.is_doomed.store(true, Ordering::Relaxed);
        self.clients.close(cell);
        self.tell(cell.worker, WorkerMessage::CloseClient(cell.id));
    }

    /// Says what ends the server when a client asks for it.
    pub fn on_shutdown(&self, stop: StopSignal) {
        *self.stop.lock() = Some(stop);
    }

    /// Says what puts changed settings into effect outside the engine; once, at start.
    pub fn on_setting_changed(&self, applier: SettingApplier) {
        assert!(self.applier.set(applier).is_ok(), "the applier is set once");
    }

    /// Puts a changed setting into effect wherever it is not read from the configuration.
    ///
    /// # Errors
    /// The reason why it cannot be, for the client.
    pub fn apply_setting(&self, setting: Setting) -> Result<(), String> {
        self.applier.get().map_or(Ok(()), |apply| apply(setting, &self.config))
    }

    /// Begins to stop the server.
    pub fn request_shutdown(&self, request: ShutdownRequest) {
        self.is_stopping.store(true, Ordering::Relaxed);
        if let Some(stop) = &*self.stop.lock() {
            stop(request);
        }
    }

    /// Says whether the server is on its way down.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Returns the id of the history of the data, 40 hexadecimal digits.
    pub fn replication_id(&self) -> String {
        self.replication_id.lock().clone()
    }

    /// Begins another history.
    pub fn change_replication_id(&self) {
        *self.replication_id.lock() = random_id();
    }

    /// Returns the bytes of memory in use: data and clients.
    pub fn used_memory_bytes(&self) -> u64 {
        let used = crate::keyspace::data_bytes() + self.client_bytes();
        // Relaxed: a statistic.
        self.peak_memory_bytes.fetch_max(used, Ordering::Relaxed);
        used
    }

    /// Does what is due ten times a second: samples the rates, and now and then the peak of memory;
    /// keeps the tracked keys inside their limit.
    /// Only one thread calls it.
    pub fn keep_up(&self) {
        /// Samples of rates for one of memory, which asks every client for its buffers.
        const STEPS_PER_MEMORY_SAMPLE: u64 = 10;
        self.stats.tick_rates(clock::monotonic_us());
        if self.tracking.is_on() {
            self.shed_tracked_keys(None);
        }
        // Relaxed: only this thread writes it.
        let step = self.upkeep_steps.fetch_add(1, Ordering::Relaxed);
        if step.is_multiple_of(STEPS_PER_MEMORY_SAMPLE) {
            self.used_memory_bytes();
        }
    }

    /// Returns the bytes that the workers' machines for scripts use.
    pub fn script_memory_bytes(&self) -> usize {
        // Relaxed: a statistic.
        self.script_memory.iter().map(|bytes| bytes.load(Ordering::Relaxed)).sum()
    }

    /// Returns the bytes that the workers' machines for functions use.
    pub fn function_memory_bytes(&self) -> usize {
        // Relaxed: a statistic.
        self.function_memory.iter().map(|bytes| bytes.load(Ordering::Relaxed)).sum()
    }

    /// Returns the bytes that all clients take as last noted by their workers.
    pub fn client_bytes(&self) -> u64 {
        self.clients.buffer_bytes()
    }

    /// Says whether new connections must authenticate.
    pub fn requires_password(&self) -> bool {
        !self.config.text(Setting::Requirepass).is_empty()
    }

    /// Returns how many entries a command log keeps.
    pub fn command_log_max(&self, kind: CommandLogKind) -> usize {
        let setting = match kind {
            CommandLogKind::Slow => Setting::SlowlogMaxLen,
            CommandLogKind::LargeRequest => Setting::CommandlogLargeRequestMaxLen,
            CommandLogKind::LargeReply => Setting::CommandlogLargeReplyMaxLen,
        };
        usize::try_from(self.config.number(setting)).unwrap_or(0)
    }

    /// Counts keys evicted or expired by background threads as changes, too.
    pub fn count_changes(&self, count: u64) {
        self.changes.add(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Returns the total of a counter.
    pub fn total(&self, counter: Counter) -> u64 {
        self.stats.total(counter)
    }
}

/// Returns 40 random hexadecimal digits.
fn random_id() -> String {
    (0..5).map(|_| format!("{:08x}", fastrand::u32(..))).collect()
}
