//! Sets: different texts in no order.

mod algebra;
mod chance;
mod change;
mod count;
mod read;
mod store;
mod value;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] = &[
    change::SADD,
    read::SCARD,
    algebra::SDIFF,
    count::SDIFFCARD,
    store::SDIFFSTORE,
    algebra::SINTER,
    count::SINTERCARD,
    store::SINTERSTORE,
    read::SISMEMBER,
    read::SMEMBERS,
    read::SMISMEMBER,
    change::SMOVE,
    chance::SPOP,
    chance::SRANDMEMBER,
    change::SREM,
    read::SSCAN,
    algebra::SUNION,
    count::SUNIONCARD,
    store::SUNIONSTORE,
];
