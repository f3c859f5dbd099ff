//! Streams: append-only logs of entries, and groups of consumers that share the reading.

mod acknowledge;
mod add;
mod autoclaim;
mod claim;
mod delete;
mod delivery;
mod group;
mod info;
mod info_full;
mod pending;
mod producers;
mod range;
mod read;
mod read_group;
mod reading;
mod set_id;
mod trim;
mod value;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] = &[
    acknowledge::XACK,
    acknowledge::XACKDEL,
    add::XADD,
    autoclaim::XAUTOCLAIM,
    claim::XCLAIM,
    producers::XCFGSET,
    delete::XDEL,
    delete::XDELEX,
    group::XGROUP,
    producers::XIDMPRECORD,
    info::XINFO,
    range::XLEN,
    acknowledge::XNACK,
    pending::XPENDING,
    range::XRANGE,
    read::XREAD,
    read_group::XREADGROUP,
    range::XREVRANGE,
    set_id::XSETID,
    trim::XTRIM,
];
