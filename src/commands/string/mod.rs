//! Strings: values that are one sequence of bytes, or a number spelled in one.

mod compare;
mod count;
mod edit;
mod float;
mod increx;
mod lcs;
mod many;
mod options;
mod read;
mod set;
mod take;
mod value;

use crate::engine::Command;

pub(super) use value::{reply_with, string_of};

pub(super) const COMMANDS: &[Command] = &[
    edit::APPEND,
    count::DECR,
    count::DECRBY,
    compare::DELEX,
    take::DELIFEQ,
    compare::DIGEST,
    read::GET,
    take::GETDEL,
    take::GETEX,
    read::GETRANGE,
    set::GETSET,
    count::INCR,
    count::INCRBY,
    float::INCRBYFLOAT,
    increx::INCREX,
    lcs::LCS,
    read::MGET,
    many::MSET,
    many::MSETEX,
    many::MSETNX,
    set::PSETEX,
    set::SET,
    set::SETEX,
    set::SETNX,
    edit::SETRANGE,
    read::STRLEN,
    read::SUBSTR,
];
