//! Commands about the server: its command table, its settings, its state.

mod allocator;
mod config;
mod databases;
mod info;
mod latency;
mod logs;
mod lolwut;
mod memory;
mod process;
mod shutdown;
mod state;
mod table;

use crate::engine::Command;

pub use info::snapshot;

pub(super) const COMMANDS: &[Command] = &[
    table::COMMAND,
    logs::COMMANDLOG,
    config::CONFIG,
    databases::DBSIZE,
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
    logs::SLOWLOG,
    databases::SWAPDB,
    state::TIME,
];
