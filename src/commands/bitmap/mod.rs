//! Bitmaps: strings seen as rows of bits, bit 0 being the highest bit of the first byte.

mod bit;
mod bits;
mod combine;
mod count;
mod field;
mod integer;
mod range;
mod value;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] = &[
    count::BITCOUNT,
    field::BITFIELD,
    field::BITFIELD_RO,
    combine::BITOP,
    count::BITPOS,
    bit::GETBIT,
    bit::SETBIT,
];
