//! The size of the radix tree that the originals file a stream's blocks in: XINFO STREAM tells it.

use super::id::StreamId;
use super::log::StreamLog;

/// Bytes of a key in that tree: both numbers of an identifier.
const KEY_BYTES: usize = 16;

impl StreamLog {
    /// Returns how many nodes a compressed radix tree of the blocks' identifiers has. Cost: O(blocks).
    pub fn radix_node_count(&self) -> usize {
        let keys: Vec<[u8; KEY_BYTES]> =
            self.blocks.iter().map(|block| key(block.first())).collect();
        if keys.is_empty() { 1 } else { node_count(&keys, 0) }
    }
}

fn key(id: StreamId) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&id.ms.to_be_bytes());
    key[8..].copy_from_slice(&id.sequence.to_be_bytes());
    key
}

/// Returns the nodes for keys in ascending order that agree in their first `depth` bytes.
fn node_count(keys: &[[u8; KEY_BYTES]], depth: usize) -> usize {
    let (first, last) = (&keys[0], &keys[keys.len() - 1]);
    let shared = (depth..KEY_BYTES).take_while(|&at| first[at] == last[at]).count();
    // Bytes that all share make one compressed node.
    let run = usize::from(shared > 0);
    let branch = depth + shared;
    if branch == KEY_BYTES {
        return run + 1;
    }
    let children = keys.chunk_by(|one, next| one[branch] == next[branch]);
    run + 1 + children.map(|child| node_count(child, branch + 1)).sum::<usize>()
}
