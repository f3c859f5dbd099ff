//! Scripts and functions: running them, and what the server keeps of them.

mod eval;
mod fcall;
mod function;
mod script;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] = &[
    eval::EVAL,
    eval::EVAL_RO,
    eval::EVALSHA,
    eval::EVALSHA_RO,
    fcall::FCALL,
    fcall::FCALL_RO,
    function::FUNCTION,
    script::SCRIPT,
];
