//! Lists: sequences of strings that are pushed, popped and moved at both ends, also by waiting.

mod edit;
mod moving;
mod moving_many;
mod pop;
mod pop_waiting;
mod push;
mod read;
mod search;
mod value;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] = &[
    moving::BLMOVE,
    moving_many::BLMOVEM,
    pop_waiting::BLMPOP,
    pop_waiting::BLPOP,
    pop_waiting::BRPOP,
    moving::BRPOPLPUSH,
    read::LINDEX,
    edit::LINSERT,
    read::LLEN,
    moving::LMOVE,
    moving_many::LMOVEM,
    pop::LMPOP,
    pop::LPOP,
    search::LPOS,
    push::LPUSH,
    push::LPUSHX,
    read::LRANGE,
    edit::LREM,
    edit::LSET,
    edit::LTRIM,
    pop::RPOP,
    moving::RPOPLPUSH,
    push::RPUSH,
    push::RPUSHX,
];
