//! The size of the radix tree that the originals file a stream's blocks in: XINFO STREAM tells it.

use super::id::StreamId;
use super::log::StreamLog;

/// Bytes of an identifier in that tree: both numbers.
const ID_BYTES: usize = 16;

impl StreamLog {
    /// Returns how many nodes a compressed radix tree of the blocks' identifiers has. Cost: O(blocks).
    pub fn radix_node_count(&self) -> usize {
        let ids: Vec<[u8; ID_BYTES]> =
            self.blocks.iter().map(|block| id_bytes(block.first())).collect();
        if ids.is_empty() { 1 } else { node_count(&ids, 0) }
    }
}

fn id_bytes(id: StreamId) -> [u8; ID_BYTES] {
    let mut bytes = [0; ID_BYTES];
    bytes[..8].copy_from_slice(&id.ms.to_be_bytes());
    bytes[8..].copy_from_slice(&id.sequence.to_be_bytes());
    bytes
}

/// Returns the nodes for identifiers in ascending order that agree in their first `depth` bytes.
fn node_count(ids: &[[u8; ID_BYTES]], depth: usize) -> usize {
    let (first, last) = (&ids[0], &ids[ids.len() - 1]);
    let shared = (depth..ID_BYTES).take_while(|&at| first[at] == last[at]).count();
    // Bytes that all share make one compressed node.
    let run = usize::from(shared > 0);
    let branch = depth + shared;
    if branch == ID_BYTES {
        return run + 1;
    }
    let children = ids.chunk_by(|one, next| one[branch] == next[branch]);
    run + 1 + children.map(|child| node_count(child, branch + 1)).sum::<usize>()
}
