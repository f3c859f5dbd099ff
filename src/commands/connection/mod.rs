//! Commands about the connection itself and the other ones: signing in, names, lists, pauses.

mod client;
mod filter;
mod greeting;
mod kill;
mod line;
mod listing;
mod names;
mod pause;
mod tracking;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] = &[
    greeting::AUTH,
    client::CLIENT,
    greeting::ECHO,
    greeting::HELLO,
    greeting::PING,
    greeting::QUIT,
    greeting::RESET,
    greeting::SELECT,
];
