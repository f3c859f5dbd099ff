//! Keys of any type: existence, removal, deadlines, names, walks over all of them.

mod existence;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] = &[existence::DEL, existence::EXISTS];
