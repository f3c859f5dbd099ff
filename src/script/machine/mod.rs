//! Machines: one Lua state with the scripts it has compiled, or with functions of libraries; and the
//! run of a script or function.
//!
//! A machine belongs to one thread. While a script runs, the server it talks to is lent to the
//! functions that Lua calls through a scoped thread-local.

mod arguments;
mod failure;
mod functions;
mod incoming;
mod interface;
mod outgoing;
mod random;
mod registration;
mod sandbox;
mod state;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use mlua::{Function, Lua, LuaOptions, StdLib, Value};
use scoped_tls_hkt::scoped_thread_local;

use self::outgoing::{Endless, Outgoing};
use self::sandbox::{Ended, Sandbox, Surface, SyntaxError};
use super::analysis::{self, Call};
use super::error::ScriptError;
use super::host::Host;
use super::registry::Script;
use crate::resp::ReplyBuffer;

pub use self::functions::{FunctionMachine, Occasion};

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
    /// The script that ran last.
    last: Option<([u8; 40], Function)>,
    generation: u64,
}

impl Machine {
    /// Makes a machine of this thread for scripts of a generation of the registry.
    ///
    /// # Errors
    /// When memory is short.
    pub fn new(generation: u64) -> Result<Self, ScriptError> {
        let sandbox = new_sandbox(Surface::Scripts)?;
        Ok(Self { sandbox, compiled: HashMap::default(), last: None, generation })
    }

    /// Returns the generation of the registry that its scripts are of.
    pub fn generation(&self) -> u64 {
        self.generation
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
        let function = match self.last.take_if(|(sha, _)| *sha == script.sha) {
            Some((_, function)) => function,
            None => self.compiled(script)?,
        };
        let outcome = self.sandbox.run(&function, keys, args, host);
        self.last = Some((script.sha, function));
        let outcome = outcome.map_err(|ended| ended.placed_in(script.code(), CHUNK_NAME));
        finish(&self.sandbox, outcome, (script.sha_text(), CHUNK_NAME), (host, reply))
    }

    /// Returns a script as Lua runs it.
    fn compiled(&mut self, script: &Script) -> Result<Function, ScriptError> {
        match self.compiled.get(&script.sha) {
            Some(function) => Ok(function.clone()),
            None => self.compile(script),
        }
    }

    #[cold]
    fn compile(&mut self, script: &Script) -> Result<Function, ScriptError> {
        let function = self
            .sandbox
            .compile(script.code(), CHUNK_NAME)
            .map_err(|error| ScriptError::new(not_compiled(error), false))?;
        if self.compiled.len() >= COMPILED_COUNT_MAX {
            self.compiled.clear();
        }
        self.compiled.insert(script.sha, function.clone());
        Ok(function)
    }
}

fn new_sandbox(surface: Surface) -> Result<Sandbox, ScriptError> {
    Sandbox::new(surface).map_err(|error| ScriptError::new(format!("ERR {error}"), false))
}

/// Makes a reply of what a script or function of a name returned, or the error it ended with.
fn finish(
    sandbox: &Sandbox,
    outcome: Result<Value, Ended>,
    (name, chunk_name): (&str, &str),
    (host, reply): (&mut dyn Host, &mut ReplyBuffer),
) -> Result<(), ScriptError> {
    let value = outcome.map_err(|ended| placed(ended, name, chunk_name))?;
    if let Some(failure) = outgoing::failure_of(&value) {
        return Err(ScriptError::new(failure.text, failure.counted));
    }
    let checkpoint = reply.checkpoint();
    let mut outgoing = Outgoing::new(reply, host, sandbox.is_resp3());
    outgoing.write(&value).map_err(|Endless| {
        reply.truncate(checkpoint);
        ScriptError::new("ERR the script returns too many values", false)
    })
}

impl Ended {
    /// Gives an error its place if that is unknown and can only be the one line the code has.
    #[cold]
    fn placed_in(mut self, code: &[u8], chunk_name: &str) -> Self {
        let code = code.trim_ascii_end();
        let line = memchr::memchr_iter(b'\n', code).count() + 1;
        let has_one_line = !code.trim_ascii_start().contains(&b'\n');
        if !self.is_line_lost || !has_one_line {
            return self;
        }
        self.line = Some(line);
        if self.is_unplaced {
            let (code, rest) = self.text.split_at(self.text.len().min(b"ERR ".len()));
            let place = format!("{}:{line}: ", chunk_name.trim_start_matches('@'));
            self.text = [code, place.as_bytes(), rest].concat();
        }
        self
    }
}

/// Names the script and the line, if it is known, in an error.
#[cold]
fn placed(ended: Ended, name: &str, chunk_name: &str) -> ScriptError {
    let mut text = ended.text;
    let line = match ended.line {
        Some(line) => line.to_string(),
        None if ended.is_line_lost => "?".to_owned(),
        None => return ScriptError::new(text, ended.counted),
    };
    let place = format!(" script: {name}, on {chunk_name}:{line}.");
    text.extend_from_slice(place.as_bytes());
    ScriptError::new(text, ended.counted)
}

fn not_compiled(SyntaxError(text): SyntaxError) -> String {
    format!("ERR Error compiling script (new function): {text}")
}

thread_local! {
    /// A state that compiles scripts only to see whether they are right.
    static CHECKER: Lua = Lua::new_with(StdLib::NONE, LuaOptions::new()).unwrap_or_default();
}

/// Returns the places in the code of a script that run commands, if it is understood. `Err` holds what
/// the client reads: it is no such code.
pub(super) fn check(code: &[u8]) -> Result<Option<Box<[Call]>>, String> {
    CHECKER.with(|lua| {
        let function = sandbox::compile(lua, code, CHUNK_NAME).map_err(not_compiled)?;
        Ok(analysis::calls(&function.dump(true), false))
    })
}
