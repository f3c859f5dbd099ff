//! Walks over the entries of a stream by identifier, from either end.

use std::collections::VecDeque;

use super::block::{Block, Head, StreamEntry};
use super::id::StreamId;
use super::log::StreamLog;

/// Entries in ascending order.
#[derive(Clone, Debug)]
pub struct StreamRange<'a> {
    blocks: &'a VecDeque<Block>,
    index: usize,
    /// Where the walk stands in its block.
    place: Option<(Head, usize)>,
    start: StreamId,
    end: StreamId,
}

/// Entries in descending order.
#[derive(Clone, Debug)]
pub struct StreamRangeBack<'a> {
    blocks: &'a VecDeque<Block>,
    /// One more than the block's index; 0 when the walk is over.
    count: usize,
    place: Option<(Head, usize)>,
    start: StreamId,
    end: StreamId,
}

impl<'a> StreamRange<'a> {
    pub(super) fn new(log: &'a StreamLog, start: StreamId, end: StreamId) -> Self {
        let is_empty = start > end || start > log.last_id();
        let index = if is_empty { log.blocks.len() } else { log.block_of(start).unwrap_or(0) };
        Self { blocks: &log.blocks, index, place: None, start, end }
    }

    fn stop(&mut self) {
        self.index = self.blocks.len();
    }
}

impl<'a> Iterator for StreamRange<'a> {
    type Item = StreamEntry<'a>;

    fn next(&mut self) -> Option<StreamEntry<'a>> {
        loop {
            let block = self.blocks.get(self.index)?;
            let (head, at) = match self.place {
                Some(place) => place,
                None => {
                    let head = block.head();
                    (head, block.start(&head))
                }
            };
            let Some(met) = block.entry_at(&head, at) else {
                self.index += 1;
                self.place = None;
                continue;
            };
            self.place = Some((head, met.end));
            let id = met.entry.id();
            if id > self.end {
                self.stop();
                return None;
            }
            if !met.is_deleted && id >= self.start {
                return Some(met.entry);
            }
        }
    }
}

impl<'a> StreamRangeBack<'a> {
    pub(super) fn new(log: &'a StreamLog, start: StreamId, end: StreamId) -> Self {
        let found = if start > end { None } else { log.block_of(end) };
        let count = found.map_or(0, |index| index + 1);
        Self { blocks: &log.blocks, count, place: None, start, end }
    }
}

impl<'a> Iterator for StreamRangeBack<'a> {
    type Item = StreamEntry<'a>;

    fn next(&mut self) -> Option<StreamEntry<'a>> {
        loop {
            let block = self.blocks.get(self.count.checked_sub(1)?)?;
            let (head, end) = self.place.unwrap_or_else(|| (block.head(), block.end()));
            let Some(met) = block.before(&head, end).and_then(|at| block.entry_at(&head, at))
            else {
                self.count -= 1;
                self.place = None;
                continue;
            };
            self.place = Some((head, met.at));
            let id = met.entry.id();
            if id < self.start {
                self.count = 0;
                return None;
            }
            if !met.is_deleted && id <= self.end {
                return Some(met.entry);
            }
        }
    }
}
