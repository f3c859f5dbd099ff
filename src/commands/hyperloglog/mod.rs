//! HyperLogLog: how many different elements were seen, in a string of 12 KiB at most, with a standard
//! error of 0.81 %.
//!
//! The value is an ordinary string in the format that Redis documents, so it can be read with GET,
//! stored with SET and carried to another server:
//!
//! ```text
//! "HYLL" | encoding (0 dense, 1 sparse) | 3 unused bytes | cached count (8, little endian; its highest bit: stale)
//! dense    16,384 registers of 6 bits, the first one in the lowest bits of the first byte
//! sparse   runs of equal registers (see `sparse`)
//! ```
//!
//! Sources: P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, "HyperLogLog: the analysis of a near-optimal
//! cardinality estimation algorithm", AofA 2007; O. Ertl, "New cardinality estimation algorithms for
//! HyperLogLog sketches", arXiv:1702.01284.

mod add;
mod count;
mod debug;
mod dense;
mod element;
mod estimate;
mod merge;
mod sketch;
mod sparse;
mod value;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] =
    &[add::PFADD, count::PFCOUNT, debug::PFDEBUG, merge::PFMERGE, debug::PFSELFTEST];
