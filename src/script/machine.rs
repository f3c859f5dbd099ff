//! A machine: one Lua state, the scripts it has compiled, and the run of a script.
//!
//! A machine belongs to one thread. While a script runs, the server it talks to is lent to the
//! functions that Lua calls through a scoped thread-local.

use std::collections::HashMap;

use mlua::{Function, Lua, LuaOptions, StdLib, Table, Value};
use scoped_tls_hkt::scoped_thread_local;

use super::error::ScriptError;
use super::host::Host;
use super::libs;
use super::registry::Script;
use crate::resp::ReplyBuffer;

scoped_thread_local!(static mut HOST: for<'a> &'a mut dyn Host);

/// The name of a script in its own error messages.
const CHUNK_NAME: &str = "@user_script";

/// One thread's Lua state.
#[derive(Debug)]
pub struct Machine {
    lua: Lua,
    globals: Table,
    compiled: HashMap<[u8; 40], Function, foldhash::fast::RandomState>,
    /// Generation of the registry that `compiled` belongs to.
    generation: u64,
}

impl Machine {
    /// Makes a machine of this thread.
    pub fn new() -> Result<Self, ScriptError> {
        Self::build().map_err(|error| broken(&error))
    }

    fn build() -> mlua::Result<Self> {
        let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH;
        let lua = Lua::new_with(libraries, LuaOptions::new().catch_rust_panics(false))?;
        let globals = lua.globals();
        libs::install(&lua, &globals)?;
        Ok(Self { lua, globals, compiled: HashMap::default(), generation: 0 })
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
        self.lua.used_memory()
    }

    /// Runs a script and appends its reply in the protocol version of `reply`; appends nothing when
    /// it ends with an error.
    pub fn run(
        &mut self,
        script: &Script,
        keys: &[&[u8]],
        args: &[&[u8]],
        host: &mut dyn Host,
        reply: &mut ReplyBuffer,
    ) -> Result<(), ScriptError> {
        let function = self.function(script)?;
        self.fill("KEYS", keys).map_err(|error| broken(&error))?;
        self.fill("ARGV", args).map_err(|error| broken(&error))?;
        let result: Value = HOST.set(host, || function.call(())).map_err(|error| broken(&error))?;
        match result {
            Value::Integer(number) => reply.integer(number),
            Value::String(text) => reply.bulk(&text.as_bytes()),
            Value::Boolean(true) => reply.integer(1),
            _ => reply.null(),
        }
        Ok(())
    }

    fn fill(&self, name: &str, items: &[&[u8]]) -> mlua::Result<()> {
        let items = items.iter().map(|item| self.lua.create_string(item));
        let table = self.lua.create_sequence_from(items.collect::<mlua::Result<Vec<_>>>()?)?;
        self.globals.raw_set(name, table)
    }

    fn function(&mut self, script: &Script) -> Result<Function, ScriptError> {
        if let Some(function) = self.compiled.get(&script.sha) {
            return Ok(function.clone());
        }
        let function = compile(&self.lua, script.code()).map_err(ScriptError::new)?;
        self.compiled.insert(script.sha, function.clone());
        Ok(function)
    }
}

fn broken(error: &mlua::Error) -> ScriptError {
    ScriptError::new(format!("ERR {error}"))
}

fn compile(lua: &Lua, code: &[u8]) -> Result<Function, String> {
    lua.load(code)
        .set_name(CHUNK_NAME)
        .set_mode(mlua::chunk::ChunkMode::Text)
        .into_function()
        .map_err(|error| compile_error(&error))
}

fn compile_error(error: &mlua::Error) -> String {
    let text = match error {
        mlua::Error::SyntaxError { message, .. } => message.clone(),
        other => other.to_string(),
    };
    format!("ERR Error compiling script (new function): {text}")
}

thread_local! {
    /// A state that compiles scripts only to see whether they are right.
    static CHECKER: Lua = Lua::new_with(StdLib::NONE, LuaOptions::new()).unwrap_or_default();
}

/// Says whether this is the code of a script; `Err` holds what the client reads.
pub(super) fn check_syntax(code: &[u8]) -> Result<(), String> {
    CHECKER.with(|lua| compile(lua, code)).map(drop)
}
