//! A batch: complete commands of one client or of several, parsed before the first one runs.

use super::ahead::is_plain;
use super::args::Args;
use super::command::{BeginSearch, FindKeys};
use super::table::{CommandTable, KeyPlan, Known};
use crate::keyspace::{EntryHint, Keyspace};
use crate::resp::Span;

/// Commands in one batch at most; bounds how long a worker stays with one client.
pub const BATCH_COMMANDS_MAX: usize = 64;

/// Entries that are found before the first of them is fetched.
pub(super) const HINTS_MAX: usize = 32;
/// Commands of one client that follow each other, from which on their shards are locked ahead.
pub(super) const ROW_COMMANDS_MIN: usize = 8;

/// Where the entries of some commands lie.
pub(super) struct EntryHints {
    hints: [EntryHint; HINTS_MAX],
    count: usize,
}

impl Default for EntryHints {
    #[inline]
    fn default() -> Self {
        Self { hints: [EntryHint::NONE; HINTS_MAX], count: 0 }
    }
}

impl EntryHints {
    /// Notes an entry that is to be fetched, of [`HINTS_MAX`] at most.
    #[inline]
    pub(super) fn note(&mut self, hint: Option<EntryHint>) {
        if let Some(hint) = hint {
            self.hints[self.count] = hint;
            self.count += 1;
        }
    }

    /// Fetches the entries that were noted.
    #[inline]
    pub(super) fn prefetch(&self) {
        self.hints[..self.count].iter().for_each(|hint| hint.prefetch());
    }
}

#[derive(Clone, Copy)]
pub(super) struct Queued {
    first_span: usize,
    pub(super) arg_count: usize,
    /// End of the command in the buffer.
    pub(super) end: usize,
    /// Number in the command table; `None` for an unknown name.
    pub(super) id: Option<usize>,
    /// Hash of the key of a single-key command, or of the first one where their number is given.
    pub(super) hash: u64,
    /// The database its client was in when it was looked up; good enough for fetching ahead.
    db: u32,
    pub(super) has_hash: bool,
    /// The command before it in the buffer has the same name, spelled alike.
    is_alike: bool,
    /// It may run with its shard locked ahead.
    pub(super) is_plain: bool,
    /// What it touches is to be fetched: it has a hash, and not that of the command before.
    is_fetched: bool,
    /// Its entry is fetched when its shard is locked ahead, in time for it.
    is_held_ahead: bool,
}

/// Parsed commands with the positions of their arguments.
#[derive(Default)]
pub struct Batch {
    /// Argument positions; the parser appends here, [`Batch::push`] closes a command.
    pub spans: Vec<Span>,
    pub(super) commands: Vec<Queued>,
}

impl Batch {
    /// Forgets all commands, keeping the memory.
    pub fn clear(&mut self) {
        self.spans.clear();
        self.commands.clear();
    }

    /// Adds the command whose `arg_count` arguments are the last ones of `spans` and which ends at
    /// `end` of the buffer.
    #[inline]
    pub fn push(&mut self, arg_count: usize, end: usize) {
        self.push_next(arg_count, end, false);
    }

    /// The same; `is_alike` says that it has the name of the command before, which is of the same client
    /// and is looked up together with it.
    #[inline]
    pub fn push_next(&mut self, arg_count: usize, end: usize, is_alike: bool) {
        let first_span = self.spans.len() - arg_count;
        self.commands.push(Queued {
            first_span,
            arg_count,
            end,
            id: None,
            hash: 0,
            db: 0,
            has_hash: false,
            is_alike,
            is_plain: false,
            is_fetched: false,
            is_held_ahead: false,
        });
    }

    /// Returns the number of commands.
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// Says whether there is nothing to run.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Returns the end of a command in the buffer.
    pub fn end_of(&self, index: usize) -> usize {
        self.commands[index].end
    }

    /// Returns the arguments of a command; `buffer` is the one it was parsed from.
    #[inline]
    pub fn args<'b>(&'b self, buffer: &'b [u8], index: usize) -> Args<'b> {
        let queued = &self.commands[index];
        Args::new(buffer, &self.spans[queued.first_span..queued.first_span + queued.arg_count])
    }

    /// First pass over the commands from number `first` on: looks them up, hashes their keys and
    /// fetches what leads to them. `db` is where their client is. Says whether one runs a script.
    pub(super) fn look_up(
        &mut self,
        (table, keyspace): (&CommandTable, &Keyspace),
        db: u32,
        buffer: &[u8],
        first: usize,
    ) -> bool {
        let mut runs_script = false;
        let is_in_row = self.commands.len() - first >= ROW_COMMANDS_MIN;
        let mut finder = table.finder();
        let mut last = None;
        let mut last_hash = None;
        for index in first..self.commands.len() {
            let args = self.args(buffer, index);
            let known = match last {
                Some(known) if self.commands[index].is_alike => Some(known),
                _ => finder.find(args.at(0)),
            };
            last = known;
            let key = known.and_then(|known| key_ahead(known, args));
            let hash = key.map(|key| keyspace.hash(key));
            let is_plain = known.is_some_and(|known| hash.is_some() && is_plain(known, args));
            let queued = &mut self.commands[index];
            queued.id = known.map(|known| known.id);
            runs_script |= known.is_some_and(|known| known.runs_script);
            queued.db = db;
            queued.is_plain = is_plain;
            queued.is_held_ahead = is_in_row && is_plain;
            queued.has_hash = hash.is_some();
            queued.is_fetched = hash.is_some() && hash != last_hash;
            last_hash = hash;
            queued.hash = hash.unwrap_or_default();
        }
        // Fetching is a loop of its own, so that all wait together until addresses are translated.
        if let Some(database) = keyspace.database(db) {
            let queued = self.commands[first..].iter().filter(|queued| queued.is_fetched);
            queued.for_each(|queued| database.prefetch_shard(queued.hash));
        }
        runs_script
    }

    /// The other passes, over all commands: fetches what they will touch, one level after the other, so
    /// that the fetches of many keys overlap.
    pub(super) fn fetch(&self, keyspace: &Keyspace) {
        // One command gains nothing: there is no other fetch to overlap with.
        if self.commands.len() <= 1 {
            return;
        }
        // Most of them are about one database.
        let (mut last_db, mut database) = (0, keyspace.database(0));
        for (db, hash) in hashes(&self.commands) {
            if db != last_db {
                (last_db, database) = (db, keyspace.database(db));
            }
            if let Some(database) = database {
                database.prefetch_group(hash);
            }
        }
        for commands in self.commands.chunks(HINTS_MAX) {
            fetch_entries(commands, keyspace);
        }
    }
}

fn hashes(commands: &[Queued]) -> impl Iterator<Item = (u32, u64)> {
    commands.iter().filter(|queued| queued.is_fetched).map(|queued| (queued.db, queued.hash))
}

/// Fetches the entries of up to [`HINTS_MAX`] commands. Finding out where they lie takes a lock for
/// each, and a locked instruction waits until the addresses of all fetches before it are translated:
/// therefore first all are found, then all are fetched.
#[inline]
fn fetch_entries(commands: &[Queued], keyspace: &Keyspace) {
    let mut hints = EntryHints::default();
    let now = commands.iter().filter(|queued| queued.is_fetched && !queued.is_held_ahead);
    now.for_each(|queued| hints.note(keyspace.entry_hint(queued.db, queued.hash)));
    hints.prefetch();
}

/// Returns the key that is worth fetching ahead: the only one, or of a script the first.
#[inline]
fn key_ahead<'b>(known: &Known, args: Args<'b>) -> Option<&'b [u8]> {
    match known.plan {
        KeyPlan::One(index) => args.get(index),
        KeyPlan::Many => first_counted_key(known, args),
        KeyPlan::None => None,
    }
}

/// Returns the first one of the keys whose number stands before them.
fn first_counted_key<'b>(known: &Known, args: Args<'b>) -> Option<&'b [u8]> {
    let [spec] = known.command.keys else { return None };
    let BeginSearch::Index(first) = spec.begin else { return None };
    let FindKeys::KeyNum { count_index, first_index, .. } = spec.find else { return None };
    let has_none = args.get(first + count_index)? == b"0";
    if has_none { None } else { args.get(first + first_index) }
}

#[cfg(test)]
mod tests {
    use super::key_ahead;
    use crate::engine::args::Args;
    use crate::engine::command::{Command, KeyFlags, KeySpec};
    use crate::engine::table::CommandTable;
    use crate::resp::Span;

    #[test]
    fn the_first_of_counted_keys_is_fetched_ahead() {
        const RUN: Command = Command {
            name: "run",
            keys: &[KeySpec::counted(2, 1, KeyFlags::RO)],
            ..Command::DEFAULT
        };
        let table = CommandTable::new(&[&[RUN]]);
        let known = table.find(b"run").expect("it is in the table");
        for (request, key) in [
            ("run text 2 a b", Some("a")),
            ("run text 0 a", None),
            ("run text 1", None),
            ("run text", None),
        ] {
            let starts = request.split(' ').scan(0, |next, word| {
                let span = Span { start: *next, len: word.len() };
                *next += word.len() + 1;
                Some(span)
            });
            let spans: Vec<Span> = starts.collect();
            let found = key_ahead(known, Args::new(request.as_bytes(), &spans));
            assert_eq!(found, key.map(str::as_bytes), "{request}");
        }
    }
}
