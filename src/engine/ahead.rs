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

use std::ops::Range;

use super::args::Args;
use super::batch::{Batch, EntryHints, Queued};
use super::state::Engine;
use super::table::Known;
use crate::keyspace::HeldShard;

/// Commands of a block.
const BLOCK_COMMANDS: usize = 8;
/// Request bytes up to which a command is plain: more of them take long.
const PLAIN_BYTES_MAX: usize = 4096;

/// The held shards of one block of commands, in their order.
#[derive(Default)]
struct Block<'k> {
    shards: [Option<HeldShard<'k>>; BLOCK_COMMANDS],
    /// Shards from here up to the end are held.
    next: usize,
    end: usize,
}

impl<'k> Block<'k> {
    fn len(&self) -> usize {
        self.end - self.next
    }

    fn push(&mut self, shard: HeldShard<'k>) {
        self.shards[self.end] = Some(shard);
        self.end += 1;
    }
}

/// Shards held for the commands that come next.
#[derive(Default)]
pub(super) struct Ahead<'k> {
    blocks: [Block<'k>; 2],
    /// Which block belongs to the command that comes next.
    turn: usize,
}

impl<'k> Ahead<'k> {
    /// Says whether no shard is held for the command that comes next.
    #[inline]
    pub(super) fn is_used_up(&self) -> bool {
        self.blocks[self.turn].len() == 0
    }

    /// Takes the shard of the command that comes next, if it is held; if not, none is.
    #[inline]
    pub(super) fn take(&mut self) -> Option<HeldShard<'k>> {
        let block = &mut self.blocks[self.turn];
        let shard = block.shards.get_mut(block.next)?.take()?;
        block.next += 1;
        Some(shard)
    }

    /// Goes on to the next block; says whether there is one.
    #[inline]
    pub(super) fn turn(&mut self) -> bool {
        self.turn ^= 1;
        !self.is_used_up()
    }

    /// Holds shards for the commands that come next. The block in turn is filled if it is empty, the
    /// other one behind it.
    pub(super) fn hold(
        &mut self,
        engine: &'k Engine,
        db: u32,
        (batch, buffer): (&Batch, &[u8]),
        mut range: Range<usize>,
    ) {
        if self.is_used_up() {
            fill(&mut self.blocks[self.turn], engine, db, (batch, buffer), range.clone());
        }
        range.start += self.blocks[self.turn].len();
        if !self.is_used_up() {
            fill(&mut self.blocks[self.turn ^ 1], engine, db, (batch, buffer), range);
        }
    }
}

/// Holds shards for the first commands of a range, up to one that is not plain or has to wait, and
/// begins to fetch their entries.
fn fill<'k>(
    block: &mut Block<'k>,
    engine: &'k Engine,
    db: u32,
    (batch, buffer): (&Batch, &[u8]),
    range: Range<usize>,
) {
    (block.next, block.end) = (0, 0);
    let mut hints = EntryHints::default();
    for index in range.take(BLOCK_COMMANDS) {
        let queued = &batch.commands[index];
        let Some(known) = queued.id.map(|id| engine.table.by_id(id)) else { break };
        if !is_plain(known, queued, batch.args(buffer, index)) {
            break;
        }
        let held = engine.keyspace.try_hold((db, queued.hash), known.mode);
        let Some((shard, hint)) = held else { break };
        block.push(shard);
        hints.note(hint);
    }
    hints.prefetch();
}

#[inline]
fn is_plain(known: &Known, queued: &Queued, args: Args<'_>) -> bool {
    known.is_plain && queued.has_hash && args.extent_bytes() <= PLAIN_BYTES_MAX
}
