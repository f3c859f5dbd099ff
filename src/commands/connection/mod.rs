//! Commands about the connection itself and the other ones: signing in, names, lists, pauses.

mod greeting;
mod names;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] = &[
    greeting::AUTH,
    greeting::ECHO,
    greeting::HELLO,
    greeting::PING,
    greeting::QUIT,
    greeting::RESET,
    greeting::SELECT,
];
