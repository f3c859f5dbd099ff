//! Locking ahead: the shards of plain commands that follow each other are locked some commands early.
//!
//! A lock is taken to find out where an entry lies, so that it can be fetched, and taken again by the
//! command. Both cost as much as the rest of a GET, because a locked instruction lets nothing overlap.
//! Here one lock serves for both. Two blocks take turns: while the commands of one run, the entries of
//! the other are on their way.
//!
//! Nobody may wait for anything while shards are held: they are only tried, commands whose shard
//! cannot be had at once end the block, and so do those that need more than one shard, or long. What
//! may wait (evicting, removing expired keys that a reader saw) is put off until nothing is held.
//! Commands that follow each other on one shard share its lock.

use std::ops::Range;

use super::args::Args;
use super::batch::{Batch, EntryHints, HINTS_MAX, Queued};
use super::refusals::fits;
use super::state::Engine;
use super::table::Known;
use crate::keyspace::{HeldShard, shard_of};

/// Commands of a block.
pub(super) const BLOCK_COMMANDS: usize = 8;
const _: () = assert!(BLOCK_COMMANDS <= HINTS_MAX);
/// Request bytes up to which a command is plain: more of them take long.
const PLAIN_BYTES_MAX: usize = 4096;

/// Blocks whose shards are held at the same time.
const BLOCK_COUNT: usize = 2;

/// The held shards of one block of commands, in their order.
#[derive(Default)]
pub(super) struct Block<'k> {
    /// The commands: each is one of the table with as many arguments as it takes.
    known: [Option<&'k Known>; BLOCK_COMMANDS],
    /// Empty where it is the shard of the command before, which is of the same block.
    shards: [HeldShard<'k>; BLOCK_COMMANDS],
    /// Shards from here up to the end are held.
    next: usize,
    end: usize,
}

impl<'k> Block<'k> {
    /// Returns how many commands have not been taken yet.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.end - self.next
    }

    /// Returns the held shards with their commands, of which `queued` begins with the block's first.
    #[inline]
    fn shards<'b>(
        &'b mut self,
        queued: &'b [Queued],
    ) -> impl Iterator<Item = (&'b mut HeldShard<'k>, &'b Queued)> {
        let held = self.shards[..self.end].iter_mut().zip(queued);
        held.filter(|(shard, _)| !shard.is_empty())
    }

    /// Takes the command that comes next; its shard is to be taken out of its place, which is empty where
    /// it is the shard of the command before. Unless the command runs, all that is held has to go: the
    /// others would be taken for it.
    #[inline]
    pub(super) fn take(&mut self) -> Option<(&'k Known, &mut HeldShard<'k>)> {
        let at = self.next;
        if at >= self.end {
            return None;
        }
        self.next += 1;
        Some(((*self.known.get(at)?)?, self.shards.get_mut(at)?))
    }
}

/// Shards held for the commands that come next.
#[derive(Default)]
pub(super) struct Ahead<'k> {
    blocks: [Block<'k>; BLOCK_COUNT],
    /// Which block belongs to the command that comes next; the others follow it.
    turn: usize,
}

impl<'k> Ahead<'k> {
    /// Says whether no shard is held for the command that comes next.
    #[inline]
    pub(super) fn is_used_up(&self) -> bool {
        self.blocks[self.turn].len() == 0
    }

    /// Returns the block of the command that comes next.
    #[inline]
    pub(super) fn block(&mut self) -> &mut Block<'k> {
        &mut self.blocks[self.turn]
    }

    /// Lets all shards go.
    pub(super) fn clear(&mut self) {
        for block in self.blocks.iter_mut().filter(|block| block.len() > 0) {
            *block = Block::default();
        }
    }

    /// Goes on to the next block, which has shards unless none at all is held; says whether it has.
    #[inline]
    pub(super) fn turn(&mut self) -> bool {
        self.turn = (self.turn + 1) % BLOCK_COUNT;
        !self.is_used_up()
    }

    /// Holds shards for the commands that come next, and begins to fetch their entries.
    pub(super) fn hold(&mut self, engine: &'k Engine, db: u32, batch: &Batch, range: Range<usize>) {
        let mut at = range.start;
        for step in 0..BLOCK_COUNT {
            let block = &mut self.blocks[(self.turn + step) % BLOCK_COUNT];
            if block.len() == 0 {
                fill(block, engine, db, batch, at..range.end);
            }
            if block.len() == 0 {
                break;
            }
            at += block.len();
        }
    }
}

/// Holds shards for the first commands of a range, up to one that is not plain or has to wait, and
/// begins to fetch their entries.
///
/// Locking, finding and fetching are loops of their own: reads and fetches have to wait until their
/// addresses are translated, which those of a loop do together; a locked instruction between them would
/// wait for each.
fn fill<'k>(
    block: &mut Block<'k>,
    engine: &'k Engine,
    db: u32,
    batch: &Batch,
    range: Range<usize>,
) {
    (block.next, block.end) = (0, 0);
    let Some(database) = engine.keyspace.database(db) else { return };
    let commands = &batch.commands[range];
    let places = block.known.iter_mut().zip(&mut block.shards);
    let mut last = None;
    for (queued, (place, shard)) in commands.iter().zip(places) {
        let Some(id) = queued.plain_id() else { break };
        let known = engine.table.by_id(id);
        let wanted = Some((shard_of(queued.hash), known.mode));
        if wanted != last && !database.try_hold((db, queued.hash), known.mode, shard) {
            break;
        }
        *place = Some(known);
        block.end += 1;
        last = wanted;
    }
    let mut hints = EntryHints::default();
    for (shard, queued) in block.shards(commands) {
        hints.note(shard.find_ahead(queued.hash));
    }
    hints.prefetch();
}

/// Says whether a command with a key and so many arguments needs one shard and, if it is short, little
/// time, so that it may be locked ahead.
#[inline]
pub(super) fn takes_plain(known: &Known, arg_count: usize) -> bool {
    arg_count <= known.plain_args_max && fits(known.command.arity, arg_count)
}

/// Says whether a command is short enough to be locked ahead.
#[inline]
pub(super) fn is_short(args: Args<'_>) -> bool {
    args.extent_bytes() <= PLAIN_BYTES_MAX
}
