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
mod monitor;
mod process;
mod saving;
mod shutdown;
mod slowlog;
mod state;
mod table;

use crate::engine::Command;

pub use info::snapshot;
pub use saving::{LoadError, has_saved_data, load_at_start, save_before_stop};

pub(super) const COMMANDS: &[Command] = &[
    acl::ACL,
    saving::BGSAVE,
    table::COMMAND,
    commandlog::COMMANDLOG,
    config::CONFIG,
    databases::DBSIZE,
    debug::DEBUG,
    databases::FLUSHALL,
    databases::FLUSHDB,
    info::INFO,
    saving::LASTSAVE,
    latency::LATENCY,
    lolwut::LOLWUT,
    memory::MEMORY,
    monitor::MONITOR,
    state::MODULE,
    state::ROLE,
    saving::SAVE,
    shutdown::SHUTDOWN,
    slowlog::SLOWLOG,
    databases::SWAPDB,
    state::TIME,
];
