//! Commands about the server: its command table, its settings, its state.

mod config;
mod table;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] = &[table::COMMAND, config::CONFIG];
