//! Keys of any type: existence, removal, deadlines, names, walks over all of them.

mod copy;
mod dump;
mod existence;
mod expire;
mod object;
mod rename;
mod sort;
mod ttl;
mod walk;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] = &[
    copy::COPY,
    existence::DEL,
    dump::DUMP,
    existence::EXISTS,
    expire::EXPIRE,
    expire::EXPIREAT,
    ttl::EXPIRETIME,
    walk::KEYS,
    copy::MOVE,
    object::OBJECT,
    expire::PERSIST,
    expire::PEXPIRE,
    expire::PEXPIREAT,
    ttl::PEXPIRETIME,
    ttl::PTTL,
    walk::RANDOMKEY,
    rename::RENAME,
    rename::RENAMENX,
    dump::RESTORE,
    dump::RESTORE_ASKING,
    walk::SCAN,
    sort::SORT,
    sort::SORT_RO,
    existence::TOUCH,
    ttl::TTL,
    existence::TYPE,
    existence::UNLINK,
];
