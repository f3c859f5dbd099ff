//! Strings: values that are one sequence of bytes, or a number spelled in one.

mod count;
mod options;
mod read;
mod set;
mod value;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] = &[
    count::DECR,
    count::DECRBY,
    count::INCR,
    count::INCRBY,
    read::GET,
    read::STRLEN,
    set::GETSET,
    set::PSETEX,
    set::SET,
    set::SETEX,
    set::SETNX,
];
