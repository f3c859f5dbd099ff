//! A machine: one Lua state, the scripts it has compiled, and the run of a script.
//!
//! A machine belongs to one thread. While a script runs, the server it talks to is lent to the
//! functions that Lua calls through a scoped thread-local.

mod arguments;
mod failure;
mod incoming;
mod interface;
mod outgoing;
mod random;
mod sandbox;
mod state;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use mlua::{Function, Lua, LuaOptions, StdLib};
use scoped_tls_hkt::scoped_thread_local;

use self::outgoing::{Endless, Outgoing};
use self::sandbox::{Ended, Sandbox, SyntaxError};
use super::error::ScriptError;
use super::host::Host;
use super::registry::Script;
use crate::resp::ReplyBuffer;

scoped_thread_local!(static mut HOST: for<'a> &'a mut dyn Host);

/// Bytes that a machine's scripts may have at a time.
const MEMORY_BYTES_MAX: usize = if cfg!(test) { 64 << 20 } else { 1 << 30 };

/// Bytes in use after a script from which on its garbage is collected at once.
const GARBAGE_BYTES_MAX: usize = MEMORY_BYTES_MAX / 16;

/// Scripts kept compiled; beyond that many, all are compiled anew.
const COMPILED_COUNT_MAX: usize = 4096;

/// The name of a script in its own error messages.
const CHUNK_NAME: &str = "@user_script";

/// One thread's Lua state.
#[derive(Debug)]
pub struct Machine {
    sandbox: Sandbox,
    compiled: HashMap<[u8; 40], Function, foldhash::fast::RandomState>,
    /// Generation of the registry that `compiled` belongs to.
    generation: u64,
}

impl Machine {
    /// Makes a machine of this thread.
    ///
    /// # Errors
    /// When memory is short.
    pub fn new() -> Result<Self, ScriptError> {
        let sandbox =
            Sandbox::new().map_err(|error| ScriptError::new(format!("ERR {error}"), false))?;
        Ok(Self { sandbox, compiled: HashMap::default(), generation: 0 })
    }

    /// Drops what is compiled, if it belongs to an older generation of the registry.
    pub fn renew(&mut self, generation: u64) {
        if self.generation != generation {
            self.compiled.clear();
            self.generation = generation;
        }
    }

    /// Returns the bytes that Lua uses.
    pub fn memory_bytes(&self) -> usize {
        self.sandbox.lua().used_memory()
    }

    /// Runs a script and appends its reply in the protocol version of `reply`; appends nothing when
    /// it ends with an error.
    ///
    /// # Errors
    /// What the script raised, with its place.
    pub fn run(
        &mut self,
        script: &Script,
        keys: &[&[u8]],
        args: &[&[u8]],
        host: &mut dyn Host,
        reply: &mut ReplyBuffer,
    ) -> Result<(), ScriptError> {
        if !self.compiled.contains_key(&script.sha) {
            self.compile(script)?;
        }
        let function = &self.compiled[&script.sha];
        let value = match self.sandbox.run(function, keys, args, host) {
            Ok(value) => value,
            Err(ended) => return Err(placed(ended, script)),
        };
        if let Some(failure) = outgoing::failure_of(&value) {
            return Err(ScriptError::new(failure.text, failure.counted));
        }
        let checkpoint = reply.checkpoint();
        let mut outgoing = Outgoing::new(reply, self.sandbox.is_resp3());
        outgoing.write(&value).map_err(|Endless| {
            reply.truncate(checkpoint);
            ScriptError::new("ERR the script returns too many values", false)
        })
    }

    #[cold]
    fn compile(&mut self, script: &Script) -> Result<(), ScriptError> {
        let function = self
            .sandbox
            .compile(script.code(), CHUNK_NAME)
            .map_err(|error| ScriptError::new(not_compiled(error), false))?;
        if self.compiled.len() >= COMPILED_COUNT_MAX {
            self.compiled.clear();
        }
        self.compiled.insert(script.sha, function);
        Ok(())
    }
}

/// Names the script and the line in an error.
#[cold]
fn placed(ended: Ended, script: &Script) -> ScriptError {
    let mut text = ended.text;
    if let Some(line) = ended.line {
        let place = format!(" script: {}, on {CHUNK_NAME}:{line}.", script.sha_text());
        text.extend_from_slice(place.as_bytes());
    }
    ScriptError::new(text, ended.counted)
}

fn not_compiled(SyntaxError(text): SyntaxError) -> String {
    format!("ERR Error compiling script (new function): {text}")
}

thread_local! {
    /// A state that compiles scripts only to see whether they are right.
    static CHECKER: Lua = Lua::new_with(StdLib::NONE, LuaOptions::new()).unwrap_or_default();
}

/// Says whether this is the code of a script; `Err` holds what the client reads.
pub(super) fn check_syntax(code: &[u8]) -> Result<(), String> {
    CHECKER.with(|lua| sandbox::compile(lua, code, CHUNK_NAME).map(drop).map_err(not_compiled))
}
