//! Transactions: commands that run as one, if watched keys have not changed.

mod queue;
mod watch;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] =
    &[queue::DISCARD, queue::EXEC, queue::MULTI, watch::UNWATCH, watch::WATCH];
