//! Commands about the server: its command table, its settings, its state.

mod acl;
mod allocator;
mod commandlog;
mod config;
mod databases;
mod debug;
mod info;
mod latency;
mod lolwut;
mod memory;
mod process;
mod shutdown;
mod slowlog;
mod state;
mod table;

use crate::engine::Command;

pub use info::snapshot;

pub(super) const COMMANDS: &[Command] = &[
    acl::ACL,
    table::COMMAND,
    commandlog::COMMANDLOG,
    config::CONFIG,
    databases::DBSIZE,
    debug::DEBUG,
    databases::FLUSHALL,
    databases::FLUSHDB,
    info::INFO,
    state::LASTSAVE,
    latency::LATENCY,
    lolwut::LOLWUT,
    memory::MEMORY,
    state::MODULE,
    state::ROLE,
    shutdown::SHUTDOWN,
    slowlog::SLOWLOG,
    databases::SWAPDB,
    state::TIME,
];
