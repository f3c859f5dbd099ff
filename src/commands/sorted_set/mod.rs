//! Sorted sets: members in the order of their scores.

mod add;
mod bounds;
mod combine;
mod pop;
mod pop_waiting;
mod random;
mod range;
mod read;
mod remove;
mod scan;
mod source;
mod value;

use crate::engine::Command;

pub(super) use add::{Conditions, add_members};
pub(super) use value::{double, parse_double, put_member, sorted_set_of, store};

pub(super) const COMMANDS: &[Command] = &[
    pop_waiting::BZMPOP,
    pop_waiting::BZPOPMAX,
    pop_waiting::BZPOPMIN,
    add::ZADD,
    read::ZCARD,
    read::ZCOUNT,
    combine::ZDIFF,
    combine::ZDIFFSTORE,
    add::ZINCRBY,
    combine::ZINTER,
    combine::ZINTERCARD,
    combine::ZINTERSTORE,
    read::ZLEXCOUNT,
    pop::ZMPOP,
    read::ZMSCORE,
    pop::ZPOPMAX,
    pop::ZPOPMIN,
    random::ZRANDMEMBER,
    range::ZRANGE,
    range::ZRANGEBYLEX,
    range::ZRANGEBYSCORE,
    range::ZRANGESTORE,
    read::ZRANK,
    remove::ZREM,
    remove::ZREMRANGEBYLEX,
    remove::ZREMRANGEBYRANK,
    remove::ZREMRANGEBYSCORE,
    range::ZREVRANGE,
    range::ZREVRANGEBYLEX,
    range::ZREVRANGEBYSCORE,
    read::ZREVRANK,
    scan::ZSCAN,
    read::ZSCORE,
    combine::ZUNION,
    combine::ZUNIONSTORE,
];
