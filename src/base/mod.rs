//! Floor 0: things without a floor below them: clock, checksums, patterns, numbers as text, memory
//! for data, the gate and the mailboxes that threads meet at.

pub mod breaks;
pub mod clock;
pub mod crc;
pub mod double;
pub mod equal;
pub mod extended;
pub mod gate;
pub mod glob;
pub mod log;
pub mod mailbox;
pub mod patience;
pub mod positions;
pub mod prefetch;
pub mod slab;
pub mod striped;
pub mod text;

mod chunks;
mod natural;
mod primitives;

#[cfg(test)]
mod gate_tests;
#[cfg(test)]
#[expect(clippy::duplicate_mod, reason = "that is its purpose: the same code on a scheduler")]
mod scheduled;
