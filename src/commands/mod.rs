//! Floor 5: WHAT each command does: one constant of facts and one handler, side by side, by family.

mod bitmap;
mod connection;
mod deadline;
mod generic;
mod geo;
mod hash;
mod help;
mod hyperloglog;
mod list;
#[cfg(test)]
mod model_tests;
mod pubsub;
mod scan;
mod scripting;
mod server;
mod set;
mod sorted_set;
mod stream;
mod string;
#[cfg(test)]
mod testing;
mod transaction;
mod version;
mod waiting;

use crate::engine::Command;

pub use server::{LoadError, has_saved_data, load_at_start, save_before_stop, snapshot};
pub use version::{REDIS_VERSION, REDPOLL_VERSION};

/// All families' lists, in the order COMMAND shows them.
pub const FAMILIES: &[&[Command]] = &[
    string::COMMANDS,
    hash::COMMANDS,
    list::COMMANDS,
    bitmap::COMMANDS,
    hyperloglog::COMMANDS,
    set::COMMANDS,
    stream::COMMANDS,
    generic::COMMANDS,
    pubsub::COMMANDS,
    connection::COMMANDS,
    server::COMMANDS,
    sorted_set::COMMANDS,
    transaction::COMMANDS,
    scripting::COMMANDS,
    geo::COMMANDS,
];
