//! Hashes: fields with values under one key, some of them with deadlines of their own.

mod count;
mod expire;
mod random;
mod read;
mod remove;
mod scan;
mod set;
mod ttl;
mod value;
mod volatile;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] = &[
    set::HSET,
    set::HMSET,
    set::HSETNX,
    read::HGET,
    read::HMGET,
    read::HGETALL,
    read::HKEYS,
    read::HVALS,
    read::HLEN,
    read::HSTRLEN,
    read::HEXISTS,
    remove::HDEL,
    remove::HGETDEL,
    count::HINCRBY,
    count::HINCRBYFLOAT,
    random::HRANDFIELD,
    scan::HSCAN,
    expire::HEXPIRE,
    expire::HPEXPIRE,
    expire::HEXPIREAT,
    expire::HPEXPIREAT,
    expire::HPERSIST,
    ttl::HTTL,
    ttl::HPTTL,
    ttl::HEXPIRETIME,
    ttl::HPEXPIRETIME,
    volatile::HGETEX,
    volatile::HSETEX,
];
