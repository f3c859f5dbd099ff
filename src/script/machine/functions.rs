//! The machine for functions of libraries: a Lua state of its own, as in the originals, so that what
//! libraries keep in variables and what scripts do cannot meet.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use mlua::{Function, Table, Value};

use super::registration::Registration;
use super::sandbox::{Sandbox, Surface, SyntaxError};
use super::{finish, new_sandbox};
use crate::resp::ReplyBuffer;
use crate::script::analysis;
use crate::script::error::ScriptError;
use crate::script::functions::{Catalog, Contents, LibraryFunction, LibraryText};
use crate::script::host::{Host, LogLevel, Meanwhile};

/// The name of a library's code in its error messages.
const CHUNK_NAME: &str = "@user_function";

/// Why the code of a library runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A client has sent it.
    Command,
    /// It was read from a file.
    File,
    /// One of its functions is called, and this machine does not know it yet.
    Call,
}

impl Occasion {
    /// Returns how long the code may run. What was once quick enough may take longer on another thread of
    /// a busy computer, and must not be lost for it.
    const fn time_max(self) -> Duration {
        match self {
            Self::Command => Duration::from_millis(500),
            Self::File | Self::Call => Duration::from_secs(10),
        }
    }
}

/// One thread's Lua state for functions.
#[derive(Debug)]
pub struct FunctionMachine {
    sandbox: Sandbox,
    /// The functions by the number of their library, then by their place in it.
    functions: Table,
    /// The libraries that are in there.
    defined: HashSet<u64>,
    /// Version of the registry that `defined` was compared with, if nothing was defined since.
    version: Option<u64>,
}

impl FunctionMachine {
    /// Makes a machine of this thread.
    ///
    /// # Errors
    /// When memory is short.
    pub fn new() -> Result<Self, ScriptError> {
        let sandbox = new_sandbox(Surface::Functions)?;
        let functions = sandbox.lua().create_table().map_err(|error| failed(&error))?;
        Ok(Self { sandbox, functions, defined: HashSet::new(), version: None })
    }

    /// Returns the version of the registry that it holds libraries of; `None` if it may hold others.
    pub fn version(&self) -> Option<u64> {
        self.version
    }

    /// Drops the libraries that are not in a catalog, which has this version.
    ///
    /// # Errors
    /// When memory is short.
    pub fn renew(&mut self, version: u64, catalog: &Catalog) -> Result<(), ScriptError> {
        self.version = Some(version);
        let kept = catalog.text_ids();
        let gone: Vec<u64> = self.defined.difference(&kept).copied().collect();
        for id in &gone {
            self.functions.raw_set(*id, Value::Nil).map_err(|error| failed(&error))?;
            self.defined.remove(id);
        }
        if !gone.is_empty() {
            self.sandbox.lua().gc_collect().map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// Returns the bytes that Lua uses.
    pub fn memory_bytes(&self) -> usize {
        self.sandbox.lua().used_memory()
    }

    /// Runs the code of a library and returns what it comes to; `Err` holds what the client reads.
    pub(in crate::script) fn define(
        &mut self,
        library: &LibraryText,
        occasion: Occasion,
    ) -> Result<Contents, String> {
        let compiled = self.sandbox.compile(library.code(), CHUNK_NAME);
        let code = compiled
            .map_err(|SyntaxError(text)| format!("ERR Error compiling function: {text}"))?;
        let unregistered = |text: &str| format!("ERR Error registering functions: {text}");
        let callbacks = self.sandbox.lua().create_table();
        let callbacks = callbacks.map_err(|error| unregistered(&error.to_string()))?;
        let registration = Registration::new(callbacks);
        let place = &self.sandbox.state().registration;
        place.replace(Some(registration));
        let deadline = Instant::now() + occasion.time_max();
        let mut host = LoadHost { deadline, logs: occasion != Occasion::Call };
        let outcome = self.sandbox.load(&code, &mut host);
        let registration = place.take();
        outcome.map_err(|ended| unregistered(&String::from_utf8_lossy(&ended.text)))?;
        let Some(Registration { definitions, callbacks, .. }) = registration else {
            return Ok(Contents::default());
        };
        self.functions
            .raw_set(library.id, callbacks)
            .map_err(|error| unregistered(&error.to_string()))?;
        self.defined.insert(library.id);
        // Perhaps nobody wants the library after all.
        self.version = None;
        // Its functions are defined on many machines, but known by what it is at first.
        let is_new = occasion != Occasion::Call;
        let calls = if is_new { analysis::calls(&code.dump(true), true) } else { None };
        Ok(Contents { definitions, calls })
    }

    /// Calls a function and appends its reply in the protocol version of `reply`; appends nothing when
    /// it ends with an error. Defines the functions of its library first, if they are not.
    ///
    /// # Errors
    /// What the function raised, with its place.
    pub fn call(
        &mut self,
        function: &LibraryFunction,
        (keys, args): (&[&[u8]], &[&[u8]]),
        host: &mut dyn Host,
        reply: &mut ReplyBuffer,
    ) -> Result<(), ScriptError> {
        let callback = self.callback(function)?;
        let outcome = self.sandbox.call(&callback, keys, args, host);
        finish(&self.sandbox, outcome, (&function.name, CHUNK_NAME), (host, reply))
    }

    fn callback(&mut self, function: &LibraryFunction) -> Result<Function, ScriptError> {
        let library = &function.library;
        if !self.defined.contains(&library.id) {
            self.define(library, Occasion::Call).map_err(|text| ScriptError::new(text, false))?;
        }
        let functions: Table =
            self.functions.raw_get(library.id).map_err(|error| failed(&error))?;
        functions.raw_get(function.index + 1).map_err(|error| failed(&error))
    }
}

fn failed(error: &mlua::Error) -> ScriptError {
    ScriptError::new(format!("ERR {error}"), false)
}

/// The server as the code of a library sees it.
struct LoadHost {
    deadline: Instant,
    logs: bool,
}

impl Host for LoadHost {
    fn call(&mut self, _: &[&[u8]], reply: &mut ReplyBuffer) {
        reply.error("ERR This Redis command is not allowed from script");
    }

    fn set_resp3(&mut self, _: bool) {}

    fn set_replication(&mut self, _: u8) {}

    fn log(&mut self, level: LogLevel, text: &[u8]) {
        if self.logs {
            level.write(text);
        }
    }

    fn may_run(&mut self, _: &[&[u8]]) -> Result<bool, String> {
        Ok(false)
    }

    fn meanwhile(&mut self) -> Meanwhile {
        if Instant::now() < self.deadline {
            return Meanwhile::GoOn;
        }
        Meanwhile::Kill("FUNCTION LOAD timeout")
    }
}
