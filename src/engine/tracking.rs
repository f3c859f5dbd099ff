//! Client-side caching for one client: what it reads is noted under the locks of its commands, and
//! whoever changes a key tells those who have read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use smallvec::SmallVec;

use super::args::Args;
use super::clients::{ClientCell, Gauges};
use super::command::Flags;
use super::context::Context;
use super::plan::find_keys;
use super::session::Session;
use super::state::{Engine, WorkerMessage};
use super::table::{KeyPlan, Known};
use super::waiting::Waiter;
use crate::config::Setting;
use crate::keyspace::{Keys, OwnedKey};
use crate::resp::{Protocol, ReplyBuffer};
use crate::tracking::{Prefixes, TrackingTable};

/// Keys that a worker itself forgets when a client ends its tracking; more are the reaper's.
const KEYS_FORGOTTEN_AT_ONCE: usize = 256;

/// A client that tracks keys.
pub(super) type Tracker = crate::tracking::Tracker<Arc<ClientCell>>;

/// Who tracks what.
#[derive(Default)]
pub struct Tracking {
    client_count: AtomicU64,
    /// Held by whoever takes keys away that are above the limit.
    shedding: Mutex<()>,
    pub table: Arc<TrackingTable<Arc<ClientCell>>>,
    pub prefixes: Prefixes<Arc<ClientCell>>,
}

impl Tracking {
    /// Says whether any client tracks keys.
    #[inline]
    pub fn is_on(&self) -> bool {
        // Relaxed: a client that tracks keys is counted before it reads any under their locks.
        self.client_count() > 0
    }

    /// Returns the number of clients that track keys.
    #[inline]
    pub fn client_count(&self) -> u64 {
        self.client_count.load(Ordering::Relaxed)
    }
}

/// What others may see of a client's tracking. Relaxed: written by its worker, read as it stands.
#[derive(Default)]
pub struct TrackingCell {
    bits: AtomicU8,
    redirect: AtomicU64,
    /// A command of the client is running.
    is_running: AtomicBool,
    /// What the client is told behind the reply of that command, which has changed what it has read.
    own_news: Mutex<Vec<News>>,
}

impl TrackingCell {
    const ON: u8 = 1;
    const BROKEN: u8 = 2;
    const BROADCASTS: u8 = 4;
    const SKIPS_OWN: u8 = 8;
    /// The client itself is about to leave.
    const LEAVES: u8 = 16;

    fn has(&self, bit: u8) -> bool {
        self.bits.load(Ordering::Relaxed) & bit != 0
    }

    /// Says whether the client tracks keys.
    pub fn is_on(&self) -> bool {
        self.has(Self::ON)
    }

    /// Notes that the client is about to leave: from its last reply on it can be told nothing more.
    pub fn leave(&self) {
        self.bits.fetch_or(Self::LEAVES, Ordering::Relaxed);
    }

    /// Says whether the client itself is about to leave.
    pub fn leaves(&self) -> bool {
        self.has(Self::LEAVES)
    }

    /// Says whether the client that was to be told is gone.
    pub fn is_broken(&self) -> bool {
        self.has(Self::BROKEN)
    }

    /// Says whether it follows prefixes instead of what it reads.
    pub fn broadcasts(&self) -> bool {
        self.has(Self::BROADCASTS)
    }

    /// Says whether it does not want to hear of its own changes.
    pub fn skips_own(&self) -> bool {
        self.has(Self::SKIPS_OWN)
    }

    /// Returns the id of the client that is told instead; 0 for none.
    pub fn redirect(&self) -> u64 {
        self.redirect.load(Ordering::Relaxed)
    }
}

/// Which reads are noted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// All of them.
    #[default]
    All,
    /// Those a CLIENT CACHING YES stands before.
    OptIn,
    /// All but those a CLIENT CACHING NO stands before.
    OptOut,
}

/// How a client wants keys tracked.
#[derive(Clone, Debug, Default)]
pub struct TrackingOptions {
    /// The id of the client that is told instead; 0 for none.
    pub redirect: u64,
    pub broadcasts: bool,
    pub choice: Choice,
    pub skips_own: bool,
    pub prefixes: Vec<Vec<u8>>,
}

/// The tracking of one session.
pub struct SessionTracking {
    tracker: Arc<Tracker>,
    pub choice: Choice,
    /// Set while the next command stands under CLIENT CACHING: the number of the container of that. It
    /// outlasts other commands of the same container.
    chosen_by: Option<usize>,
    /// Prefixes followed, in order.
    pub prefixes: Vec<Vec<u8>>,
}

/// News for one client about keys it may have cached.
pub struct Invalidation {
    /// Who is told.
    pub client: Arc<ClientCell>,
    pub news: News,
}

/// What a client is told.
#[derive(Clone)]
pub enum News {
    /// These keys have changed: an array as the protocol writes it. The flag says that the client
    /// hears it in another one's place.
    Keys(Bytes, bool),
    /// All keys may have changed. The flag as above.
    Everything(bool),
    /// The client of this id, which was told instead, is gone.
    BrokenRedirect(u64),
}

impl News {
    /// Puts it behind the replies of a client, unless that could not tell it from replies; `listens`: it
    /// subscribes to channels. Says whether it did.
    pub fn write(&self, reply: &mut ReplyBuffer, listens: bool) -> bool {
        let is_resp3 = reply.protocol() == Protocol::Resp3;
        let is_understood = match self {
            _ if is_resp3 => true,
            Self::Keys(_, is_other) | Self::Everything(is_other) => *is_other && listens,
            Self::BrokenRedirect(_) => false,
        };
        if !is_understood {
            return false;
        }
        reply.raw(match self {
            Self::BrokenRedirect(_) => b">2\r\n$21\r\ntracking-redir-broken\r\n",
            _ if is_resp3 => b">2\r\n$10\r\ninvalidate\r\n",
            _ => b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n",
        });
        match self {
            Self::Keys(keys, _) => reply.raw_shared(keys),
            Self::Everything(_) => reply.null(),
            Self::BrokenRedirect(id) => reply.integer(id.cast_signed()),
        }
        true
    }
}

impl Session {
    /// Keeps what the command that begins now has to tell its own client; says whether that may be
    /// anything.
    #[inline]
    pub(super) fn keep_own_news(&self) -> bool {
        let tracks = self.tracking.is_some();
        if tracks {
            self.cell.tracking.is_running.store(true, Ordering::Relaxed);
        }
        tracks
    }

    /// Puts what was kept behind the command's reply.
    pub(super) fn tell_own_news(&self, reply: &mut ReplyBuffer) {
        self.cell.tracking.is_running.store(false, Ordering::Relaxed);
        let listens = !self.subscriptions.is_empty();
        for news in std::mem::take(&mut *self.cell.tracking.own_news.lock()) {
            news.write(reply, listens);
        }
    }
}

impl SessionTracking {
    /// Has the next command, or the next transaction, stand under CLIENT CACHING, which is `known`.
    pub fn choose(&mut self, known: &Known) {
        self.chosen_by = known.parent;
    }

    /// Says whether the next command stands under CLIENT CACHING.
    pub fn is_chosen(&self) -> bool {
        self.chosen_by.is_some()
    }

    /// Notes the end of a command outside of a transaction, or of a whole transaction.
    pub(super) fn command_ended(&mut self, known: &Known) {
        if known.parent != self.chosen_by {
            self.chosen_by = None;
        }
    }

    fn notes_reads(&self) -> bool {
        match self.choice {
            Choice::All => true,
            Choice::OptIn => self.is_chosen(),
            Choice::OptOut => !self.is_chosen(),
        }
    }
}

impl Context<'_> {
    /// Begins to track keys for the client, or changes how. From now on whoever changes a key knows.
    pub fn track(&mut self, options: TrackingOptions) {
        let (engine, session) = (self.engine, &mut *self.session);
        let cell = &session.cell;
        let tracking = session.tracking.get_or_insert_with(|| {
            engine.tracking.client_count.fetch_add(1, Ordering::Relaxed);
            engine.keyspace.observe_everything();
            Box::new(SessionTracking {
                tracker: Arc::new(Tracker::new(Arc::clone(cell))),
                choice: Choice::All,
                chosen_by: None,
                prefixes: Vec::new(),
            })
        });
        let bit = |applies, bit| if applies { bit } else { 0 };
        let bits = TrackingCell::ON
            | bit(options.broadcasts, TrackingCell::BROADCASTS)
            | bit(options.skips_own, TrackingCell::SKIPS_OWN);
        cell.tracking.bits.store(bits, Ordering::Relaxed);
        cell.tracking.redirect.store(options.redirect, Ordering::Relaxed);
        tracking.choice = options.choice;
        let everything = vec![Vec::new()];
        let prefixes = match options.broadcasts {
            true if options.prefixes.is_empty() => everything,
            true => options.prefixes,
            false => Vec::new(),
        };
        for prefix in prefixes {
            engine.tracking.prefixes.follow(&tracking.tracker, &prefix);
            if let Err(place) = tracking.prefixes.binary_search(&prefix) {
                /// Of a prefix here and in the list of all, without its bytes.
                const PREFIX_BYTES: usize = 4 * size_of::<Vec<u8>>();
                let bytes = &cell.gauges.prefix_bytes;
                let more = (PREFIX_BYTES + 2 * prefix.len()) as u64;
                Gauges::set(bytes, Gauges::value(bytes) + more);
                tracking.prefixes.insert(place, prefix);
            }
        }
    }
}

impl Engine {
    /// Ends the tracking of keys for a client; nothing of it is left behind, or, if there is much, nothing
    /// is left after a while.
    pub fn untrack(&self, session: &mut Session) {
        let Some(tracking) = session.tracking.take() else { return };
        session.cell.tracking.bits.fetch_and(TrackingCell::LEAVES, Ordering::Relaxed);
        session.cell.tracking.redirect.store(0, Ordering::Relaxed);
        Gauges::set(&session.cell.gauges.prefix_bytes, 0);
        self.tracking.prefixes.leave(&tracking.tracker);
        self.tracking.table.leave(&tracking.tracker);
        if tracking.tracker.key_count() <= KEYS_FORGOTTEN_AT_ONCE {
            self.tracking.table.clean_up(&tracking.tracker);
        } else {
            let table = Arc::clone(&self.tracking.table);
            self.reaper.run(move || table.clean_up(&tracking.tracker));
        }
        self.keyspace.end_observing_everything();
        self.tracking.client_count.fetch_sub(1, Ordering::Relaxed);
    }

    /// Notes which keys a command has read for its client. They are still locked.
    pub(super) fn remember_reads(
        &self,
        from: usize,
        session: &Session,
        (known, args): (&Known, Args<'_>),
        keys: &Keys<'_>,
    ) {
        let Some(tracker) = tracker_of_reads(session, known) else { return };
        let found: SmallVec<[usize; 1]> = match known.plan {
            KeyPlan::None => return,
            KeyPlan::One(index) => [index].into(),
            KeyPlan::Many => {
                let mut found = Vec::new();
                find_keys(known.command, args, &mut found);
                found.into_iter().map(|(index, _)| index).collect()
            }
        };
        let read = || found.iter().filter_map(|&index| args.get(index));
        read().for_each(|key| self.tracking.table.remember(tracker, key));
        if keys.lack_database() && self.keyspace.has_come(session.db) {
            // There was nothing to lock, so somebody may have set the keys between read and note.
            read().for_each(|key| self.forget_reads(Some(from), key, 0));
        }
        self.shed_tracked_keys(Some(from));
    }

    /// Notes for a client that waits no longer which keys it has read at last. It can neither leave nor
    /// track otherwise meanwhile. What it was not served from is noted too, like what is read and absent.
    pub(super) fn remember_late_reads(&self, waiter: &Waiter) {
        if let Some(tracker) = &waiter.detail.tracker {
            waiter.keys().iter().for_each(|key| self.tracking.table.remember(tracker, &key.bytes));
        }
    }

    /// Forgets tracked keys, and tells whoever has read them, until there are no more than
    /// `tracking-table-max-keys`.
    pub(super) fn shed_tracked_keys(&self, from: Option<usize>) {
        let limit = self.config.number(Setting::TrackingTableMaxKeys).unsigned_abs();
        if limit == 0 || self.tracking.table.key_count() <= limit {
            return;
        }
        // One at a time: two would take too much away.
        let _turn = self.tracking.shedding.lock();
        while let Some(key) = self.tracking.table.surplus(limit) {
            self.forget_reads(from, &key, 0);
        }
    }

    /// Lets those know who watch or track keys that a client (0: the server itself) has changed. They
    /// are still locked. `from` is the worker whose commands this thread is running, if it runs any.
    #[inline]
    pub(super) fn tell_of_changes(&self, from: Option<usize>, keys: &[OwnedKey], client_id: u64) {
        if !self.watches.is_empty() {
            keys.iter().for_each(|key| self.watches.mark(key));
        }
        if self.tracking.is_on() {
            self.invalidate(from, keys, client_id);
        }
    }

    /// Tells those who track keys that a client has changed; as above.
    pub(super) fn invalidate(&self, from: Option<usize>, keys: &[OwnedKey], client_id: u64) {
        for key in keys {
            self.forget_reads(from, &key.bytes, client_id);
            if !self.tracking.prefixes.is_empty() {
                self.tracking.prefixes.note(&key.bytes, client_id);
            }
        }
    }

    /// The same for one key that the server itself removes.
    #[inline]
    pub(super) fn tell_of_removal(&self, from: Option<usize>, (db, key): (u32, &[u8])) {
        if !self.watches.is_empty() || self.tracking.is_on() {
            self.tell_of_changes(from, &[OwnedKey::from(&self.keyspace.key(db, key))], 0);
        }
    }

    /// Tells those who have read a key to forget it.
    fn forget_reads(&self, from: Option<usize>, key: &[u8], client_id: u64) {
        // The count is exact enough: who read this key held its shard's lock before.
        if self.tracking.table.key_count() == 0 {
            return;
        }
        let trackers = self.tracking.table.forget(key);
        if trackers.is_empty() {
            return;
        }
        let keys = encode_keys([key].into_iter());
        for tracker in &trackers {
            self.send_news(from, tracker, client_id, |is_other| News::Keys(keys.clone(), is_other));
        }
    }

    /// Tells all clients that track keys to forget everything. The gate is closed.
    pub fn invalidate_everything(&self, from: usize) {
        if !self.tracking.is_on() {
            return;
        }
        let forgotten = self.tracking.table.clear();
        self.reaper.run(|| forgotten.settle());
        for cell in self.clients.all().iter().filter(|cell| cell.tracking.is_on()) {
            self.send_to(Some(from), cell, News::Everything);
        }
    }

    /// Tells the followers of prefixes what has changed since the last call: one message each. Called
    /// before replies are sent, so that nobody sees a change answered that its followers cannot hear of.
    #[inline]
    pub fn send_gathered_news(&self, from: Option<usize>) {
        if self.tracking.prefixes.has_news() {
            self.send_news_of_prefixes(from);
        }
    }

    #[cold]
    fn send_news_of_prefixes(&self, from: Option<usize>) {
        self.tracking.prefixes.tell_all(|gathered| {
            let changed = gathered.changed;
            let all = encode_keys(changed.iter().map(|(key, _)| &**key));
            for tracker in &gathered.followers {
                let own_id = tracker.client.id;
                let skips_own = tracker.client.tracking.skips_own();
                let keys = if skips_own && changed.iter().any(|(_, id)| *id == own_id) {
                    let others: Vec<&[u8]> = changed
                        .iter()
                        .filter(|(_, id)| *id != own_id)
                        .map(|(key, _)| &**key)
                        .collect();
                    if others.is_empty() {
                        continue;
                    }
                    encode_keys(others.into_iter())
                } else {
                    all.clone()
                };
                self.send_news(from, tracker, 0, |is_other| News::Keys(keys.clone(), is_other));
            }
        });
    }

    fn send_news(
        &self,
        from: Option<usize>,
        tracker: &Tracker,
        client_id: u64,
        news: impl Fn(bool) -> News,
    ) {
        let cell = &tracker.client;
        if cell.tracking.is_on() && !(cell.tracking.skips_own() && client_id == cell.id) {
            self.send_to(from, cell, news);
        }
    }

    /// Sends news to a client, or to whom it has them redirected. What a command has to tell its own
    /// client stands right behind its reply.
    fn send_to(&self, from: Option<usize>, cell: &Arc<ClientCell>, news: impl Fn(bool) -> News) {
        let redirect = cell.tracking.redirect();
        // Relaxed: this thread has written it.
        if redirect == 0
            && from == Some(cell.worker)
            && cell.tracking.is_running.load(Ordering::Relaxed)
        {
            return cell.tracking.own_news.lock().push(news(false));
        }
        let (client, news) = match redirect {
            0 => (Arc::clone(cell), news(false)),
            id => match self.clients.find(id).filter(|other| !other.leaves()) {
                Some(other) => (other, news(true)),
                None => {
                    cell.tracking.bits.fetch_or(TrackingCell::BROKEN, Ordering::Relaxed);
                    (Arc::clone(cell), News::BrokenRedirect(id))
                }
            },
        };
        let worker = client.worker;
        let letter = WorkerMessage::Invalidate(Box::new(Invalidation { client, news }));
        self.post(from, worker, letter);
    }
}

/// Returns who is to be noted as a reader of the keys of a client's command, if they are to be noted.
pub(super) fn tracker_of_reads<'a>(
    session: &'a Session,
    known: &Known,
) -> Option<&'a Arc<Tracker>> {
    let tracking = session.tracking.as_ref()?;
    // Of a script, the commands it calls count.
    let is_script = known.command.script_keeps_to_keys.is_some();
    let is_read = known.command.flags.has(Flags::READONLY) && !is_script;
    let is_noted = is_read && !session.cell.tracking.broadcasts() && tracking.notes_reads();
    is_noted.then_some(&tracking.tracker)
}

/// Returns an array of keys as the protocol writes it.
fn encode_keys<'a>(keys: impl ExactSizeIterator<Item = &'a [u8]>) -> Bytes {
    let mut text = Vec::with_capacity(64);
    let mut digits = itoa::Buffer::new();
    let mut push_count = |text: &mut Vec<u8>, kind: u8, count: usize| {
        text.push(kind);
        text.extend_from_slice(digits.format(count).as_bytes());
        text.extend_from_slice(b"\r\n");
    };
    push_count(&mut text, b'*', keys.len());
    for key in keys {
        push_count(&mut text, b'$', key.len());
        text.extend_from_slice(key);
        text.extend_from_slice(b"\r\n");
    }
    Bytes::from(text)
}
