//! Scripts: running them, and what the server keeps of them.

mod eval;
mod script;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] =
    &[eval::EVAL, eval::EVAL_RO, eval::EVALSHA, eval::EVALSHA_RO, script::SCRIPT];
