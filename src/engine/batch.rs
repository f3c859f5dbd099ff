//! A batch: complete commands of one client or of several, parsed before the first one runs.

use super::ahead::{is_short, takes_plain};
use super::args::Args;
use super::command::{BeginSearch, FindKeys};
use super::table::{CommandTable, KeyPlan, Known};
use crate::keyspace::{EntryHint, Keyspace};
use crate::resp::Span;

/// Commands in one batch at most; bounds how long a worker stays with one client.
pub const BATCH_COMMANDS_MAX: usize = 64;

/// Bytes that are copied at most to keep the rest of a batch for another turn.
const KEPT_BYTES_MAX: usize = 64 * 1024;

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

/// A parsed command; as small as it can be, because all of a batch are gone through again and again.
#[derive(Clone, Copy)]
pub(super) struct Queued {
    /// Hash of the key of a single-key command, or of the first one where their number is given.
    pub(super) hash: u64,
    first_span: usize,
    /// End of the command in the buffer.
    pub(super) end: usize,
    arg_count: u32,
    /// The database its client was in when it was looked up; good enough for fetching ahead.
    db: u32,
    id: u16,
    marks: u8,
}
const _: () = assert!(size_of::<Queued>() == 40, "a batch of them fits a small cache");

/// The id of a name that no command has.
const UNKNOWN: u16 = u16::MAX;

/// There is a hash.
const HAS_HASH: u8 = 1;
/// The command before it in the buffer has the same name, spelled alike, and as many arguments.
const IS_ALIKE: u8 = 1 << 1;
/// It may run with its shard locked ahead.
const IS_PLAIN: u8 = 1 << 2;
/// What it touches is to be fetched: it has a hash, and not that of the command before.
const IS_FETCHED: u8 = 1 << 3;
/// Its entry is fetched when its shard is locked ahead, in time for it.
const IS_HELD_AHEAD: u8 = 1 << 4;

impl Queued {
    #[inline]
    fn has(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    /// Returns its number in the command table; `None` for an unknown name.
    #[inline]
    pub(super) fn id(&self) -> Option<usize> {
        (self.id != UNKNOWN).then_some(usize::from(self.id))
    }

    /// Returns its number in the command table if it may run with its shard locked ahead.
    #[inline]
    pub(super) fn plain_id(&self) -> Option<usize> {
        self.has(IS_PLAIN).then_some(usize::from(self.id))
    }

    /// Returns the hash, if there is one.
    #[inline]
    pub(super) fn known_hash(&self) -> Option<u64> {
        self.has(HAS_HASH).then_some(self.hash)
    }
}

/// What follows from a command's name and the number of its arguments.
struct Named {
    id: u16,
    plan: KeyPlan,
    /// It is plain if it is short enough.
    may_be_plain: bool,
}

impl Named {
    #[inline]
    fn new(known: Option<&Known>, arg_count: usize) -> Self {
        let Some(known) = known else {
            return Self { id: UNKNOWN, plan: KeyPlan::None, may_be_plain: false };
        };
        let may_be_plain = takes_plain(known, arg_count);
        Self { id: known.number, plan: known.plan, may_be_plain }
    }
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

    /// The same; `is_alike` says that it has the name of the command before, and as many arguments, which
    /// is of the same client and is looked up together with it.
    #[inline]
    pub fn push_next(&mut self, arg_count: usize, end: usize, is_alike: bool) {
        let first_span = self.spans.len() - arg_count;
        #[expect(clippy::cast_possible_truncation, reason = "a count is at most `i32::MAX`")]
        let arg_count = arg_count as u32;
        let marks = if is_alike { IS_ALIKE } else { 0 };
        self.commands.push(Queued {
            hash: 0,
            first_span,
            end,
            arg_count,
            db: 0,
            id: UNKNOWN,
            marks,
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
        args_of(&self.spans, buffer, &self.commands[index])
    }

    /// Returns the same, and the hash of the command's key, if there is one.
    #[inline]
    pub(super) fn args_and_hash<'b>(&'b self, buffer: &'b [u8], index: usize) -> (Args<'b>, u64) {
        let queued = &self.commands[index];
        (args_of(&self.spans, buffer, queued), queued.hash)
    }

    /// Says whether little would have to be copied to keep the commands from number `index` on, which is
    /// not the first one, and what follows them in the buffer.
    pub(super) fn is_cheap_to_keep(&self, buffer: &[u8], index: usize) -> bool {
        buffer.len().saturating_sub(self.commands[index - 1].end) <= KEPT_BYTES_MAX
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
        let Self { spans, commands } = self;
        let commands = &mut commands[first..];
        let in_row = if commands.len() >= ROW_COMMANDS_MIN { IS_HELD_AHEAD } else { 0 };
        let mut runs_script = false;
        let mut finder = table.finder();
        let mut known = None;
        let mut named = Named::new(None, 0);
        let mut last_hash = None;
        for queued in commands.iter_mut() {
            let args = args_of(spans, buffer, queued);
            if known.is_none() || !queued.has(IS_ALIKE) {
                known = finder.find(args.at(0));
                named = Named::new(known, args.len());
                runs_script |= known.is_some_and(|known| known.runs_script);
            }
            queued.id = named.id;
            queued.db = db;
            queued.marks &= IS_ALIKE;
            let key = match named.plan {
                KeyPlan::One(index) => args.get(index),
                KeyPlan::Many => known.and_then(|known| first_counted_key(known, args)),
                KeyPlan::None => None,
            };
            let Some(key) = key else {
                last_hash = None;
                continue;
            };
            let hash = keyspace.hash(key);
            let is_plain = named.may_be_plain && is_short(args);
            let is_fetched = last_hash != Some(hash);
            last_hash = Some(hash);
            queued.hash = hash;
            queued.marks |= HAS_HASH
                | if is_plain { IS_PLAIN | in_row } else { 0 }
                | if is_fetched { IS_FETCHED } else { 0 };
        }
        // Fetching is a loop of its own, so that all wait together until addresses are translated.
        if let Some(database) = keyspace.database(db) {
            let fetched = commands.iter().filter(|queued| queued.has(IS_FETCHED));
            fetched.for_each(|queued| database.prefetch_shard(queued.hash));
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
        let mut is_fetched_now = false;
        for queued in self.commands.iter().filter(|queued| queued.has(IS_FETCHED)) {
            if queued.db != last_db {
                (last_db, database) = (queued.db, keyspace.database(queued.db));
            }
            if let Some(database) = database {
                database.prefetch_group(queued.hash);
            }
            is_fetched_now |= !queued.has(IS_HELD_AHEAD);
        }
        if is_fetched_now {
            for commands in self.commands.chunks(HINTS_MAX) {
                fetch_entries(commands, keyspace);
            }
        }
    }
}

#[inline]
fn args_of<'b>(spans: &'b [Span], buffer: &'b [u8], queued: &Queued) -> Args<'b> {
    let first = queued.first_span;
    Args::new(buffer, &spans[first..first + queued.arg_count as usize])
}

/// Fetches the entries of up to [`HINTS_MAX`] commands. Finding out where they lie takes a lock for
/// each, and a locked instruction waits until the addresses of all fetches before it are translated:
/// therefore first all are found, then all are fetched.
#[inline]
fn fetch_entries(commands: &[Queued], keyspace: &Keyspace) {
    let mut hints = EntryHints::default();
    let now = commands.iter().filter(|queued| queued.has(IS_FETCHED) && !queued.has(IS_HELD_AHEAD));
    now.for_each(|queued| hints.note(keyspace.entry_hint(queued.db, queued.hash)));
    hints.prefetch();
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
    use super::first_counted_key;
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
            let found = first_counted_key(known, Args::new(request.as_bytes(), &spans));
            assert_eq!(found, key.map(str::as_bytes), "{request}");
        }
    }
}
