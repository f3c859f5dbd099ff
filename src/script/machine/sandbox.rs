//! A Lua state as scripts see it, and the safe way into it.

use std::rc::Rc;

use mlua::chunk::ChunkMode;
use mlua::{Function, HookTriggers, Lua, LuaOptions, LuaString, StdLib, Table, Value, VmState};

use super::failure::{Ending, Failure, describe, note, refuse};
use super::incoming::element;
use super::state::State;
use super::{GARBAGE_BYTES_MAX, HOST, MEMORY_BYTES_MAX, interface, random, registration};
use crate::script::host::{Host, Meanwhile};
use crate::script::libs;

/// Instructions between two looks at the rest of the server.
const HOOK_INSTRUCTIONS: u32 = 100_000;
/// Longest text that is compiled.
const CHUNK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// First byte of compiled code, which is never loaded: it is not checked.
const COMPILED_MARK: u8 = 0x1b;

const PRELUDE: &str = include_str!("prelude.lua");

/// A Lua state whose scripts cannot change what later ones see.
#[derive(Debug)]
pub(in crate::script) struct Sandbox {
    lua: Lua,
    state: Rc<State>,
    run: Function,
    call: Function,
    load: Function,
    /// The metatable of the globals, whose `__index` is what scripts find there.
    view: Table,
    /// What scripts find as globals, and what the code of a library finds.
    globals: Table,
    library_globals: Table,
}

/// What runs in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::script) enum Surface {
    /// Scripts of EVAL.
    Scripts,
    /// Functions of libraries.
    Functions,
}

/// Says why a text does not compile; begins with the place.
#[derive(Debug)]
pub(in crate::script) struct SyntaxError(pub(in crate::script) String);

impl Sandbox {
    /// Makes a state.
    pub(in crate::script) fn new(surface: Surface) -> mlua::Result<Self> {
        let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH | StdLib::OS;
        // Panics of functions that Lua calls become errors of the script.
        let lua = Lua::new_with(libraries, LuaOptions::new().catch_rust_panics(true))?;
        let state = Rc::new(State::default());
        let real = lua.create_table()?;
        let shared = shared_libraries(&lua, &state, surface)?;
        let prelude = lua.load(PRELUDE).set_name("=prelude").set_mode(ChunkMode::Text);
        let entries: Table = prelude.call((natives(&lua, &state)?, real.clone(), shared))?;
        let sandbox = Self {
            run: entries.raw_get("run")?,
            call: entries.raw_get("call")?,
            load: entries.raw_get("load")?,
            view: entries.raw_get("view")?,
            library_globals: entries.raw_get("library_globals")?,
            globals: real,
            state,
            lua,
        };
        sandbox.watch(HOOK_INSTRUCTIONS)?;
        sandbox.lua.gc_collect()?;
        Ok(sandbox)
    }

    /// Looks at the server every so many instructions.
    fn watch(&self, instructions: u32) -> mlua::Result<()> {
        watch(&self.lua, &self.state, instructions)
    }

    pub(in crate::script) fn lua(&self) -> &Lua {
        &self.lua
    }

    /// Compiles a text.
    pub(in crate::script) fn compile(
        &self,
        code: &[u8],
        name: &str,
    ) -> Result<Function, SyntaxError> {
        compile(&self.lua, code, name)
    }

    /// Runs a script that finds `keys` and `args` among its globals.
    #[inline]
    pub(in crate::script) fn run(
        &self,
        script: &Function,
        keys: &[&[u8]],
        args: &[&[u8]],
        host: &mut dyn Host,
    ) -> Result<Value, Ended> {
        self.enter(&self.run, script, keys, args, host)
    }

    /// Calls a function with `keys` and `args`.
    pub(in crate::script) fn call(
        &self,
        function: &Function,
        keys: &[&[u8]],
        args: &[&[u8]],
        host: &mut dyn Host,
    ) -> Result<Value, Ended> {
        self.enter(&self.call, function, keys, args, host)
    }

    /// Runs the code of a library, which finds nothing but what registers functions.
    pub(in crate::script) fn load(
        &self,
        code: &Function,
        host: &mut dyn Host,
    ) -> Result<Value, Ended> {
        let failed = |error: mlua::Error| Ended::of(&error);
        self.view.raw_set("__index", &self.library_globals).map_err(failed)?;
        let outcome = self.enter(&self.load, code, &[], &[], host);
        self.view.raw_set("__index", &self.globals).map_err(failed)?;
        outcome
    }

    fn enter(
        &self,
        entry: &Function,
        function: &Function,
        keys: &[&[u8]],
        args: &[&[u8]],
        host: &mut dyn Host,
    ) -> Result<Value, Ended> {
        self.state.reset();
        let outcome = HOST.set(host, || {
            let keys = self.sequence(keys)?;
            let args = self.sequence(args)?;
            self.lua.set_memory_limit(MEMORY_BYTES_MAX)?;
            let outcome: mlua::Result<(bool, Value)> = entry.call((function, keys, args));
            self.lua.set_memory_limit(0)?;
            outcome
        });
        if self.lua.used_memory() > GARBAGE_BYTES_MAX {
            self.lua.gc_collect().map_err(|error| Ended::of(&error))?;
        }
        if self.state.killed.get().is_some() {
            self.watch(HOOK_INSTRUCTIONS).map_err(|error| Ended::of(&error))?;
            return Err(self.ended(&Value::Nil));
        }
        match outcome {
            Ok((true, value)) => Ok(value),
            Ok((false, raised)) => Err(self.ended(&raised)),
            Err(error) => Err(Ended::of(&error)),
        }
    }

    /// Returns what the functions of this state share.
    pub(in crate::script) fn state(&self) -> &Rc<State> {
        &self.state
    }

    /// Says whether the last script has chosen RESP3.
    pub(in crate::script) fn is_resp3(&self) -> bool {
        self.state.is_resp3.get()
    }

    fn sequence(&self, items: &[&[u8]]) -> mlua::Result<Table> {
        self.lua.create_sequence_from(items.iter().map(|item| element(&self.lua, item)))
    }

    #[cold]
    fn ended(&self, raised: &Value) -> Ended {
        if let Some(ending) = self.state.ending.take() {
            let Ending { failure: Failure { text, counted }, line, is_unplaced, is_line_lost } =
                ending;
            return Ended { text, counted, line, is_unplaced, is_line_lost };
        }
        let text = match (raised, self.state.killed.get()) {
            (Value::String(text), _) => text.to_string_lossy(),
            (_, Some(why)) => why.to_owned(),
            _ => "error in error handling".to_owned(),
        };
        Ended::with_text(&text)
    }
}

/// Why a script did not return.
#[derive(Debug)]
pub(in crate::script) struct Ended {
    /// What went wrong, with its code.
    pub(in crate::script) text: Vec<u8>,
    /// A command replied it.
    pub(in crate::script) counted: bool,
    /// Where in the script, if that is known.
    pub(in crate::script) line: Option<usize>,
    /// The text would begin with its place, if it were known.
    pub(in crate::script) is_unplaced: bool,
    /// The line is not known, but there was one.
    pub(in crate::script) is_line_lost: bool,
}

impl Ended {
    fn of(error: &mlua::Error) -> Self {
        Self::with_text(&error.to_string())
    }

    fn with_text(text: &str) -> Self {
        let text = format!("ERR {text}").into_bytes();
        Self { text, counted: false, line: None, is_unplaced: false, is_line_lost: false }
    }
}

fn watch(lua: &Lua, state: &Rc<State>, instructions: u32) -> mlua::Result<()> {
    let triggers = HookTriggers::new().every_nth_instruction(instructions);
    let state = Rc::clone(state);
    lua.set_global_hook(triggers, move |lua, _| {
        breathe(lua, &state)?;
        Ok(VmState::Continue)
    })
}

/// Gives the server a turn; an error if the script is to end.
fn breathe(lua: &Lua, state: &Rc<State>) -> mlua::Result<()> {
    if let Some(why) = state.killed.get() {
        return Err(refuse(why));
    }
    if !HOST.is_set() {
        return Ok(());
    }
    let Meanwhile::Kill(why) = HOST.with(|host| host.meanwhile()) else { return Ok(()) };
    state.killed.set(Some(why));
    // From here on each instruction fails, so that no handler of errors keeps it running.
    watch(lua, state, 1)?;
    Err(refuse(why))
}

/// Functions that only the prelude sees.
fn natives(lua: &Lua, state: &Rc<State>) -> mlua::Result<Table> {
    let natives = lua.create_table()?;
    natives.raw_set("describe", lua.create_function(|lua, error: Value| describe(lua, error))?)?;
    let on_error = Rc::clone(state);
    let on_error = move |lua: &Lua, raised: Value| {
        note(lua, &on_error, &raised);
        Ok(())
    };
    natives.raw_set("on_error", lua.create_function(on_error)?)?;
    let load = |lua: &Lua, (text, name): (LuaString, LuaString)| {
        let name = String::from_utf8_lossy(&name.as_bytes()).into_owned();
        match compile(lua, &text.as_bytes(), &name) {
            Ok(function) => Ok((Some(function), None)),
            Err(SyntaxError(text)) => Ok((None, Some(text))),
        }
    };
    let is_placed = |lua: &Lua, level: usize| {
        let line = lua.inspect_stack(level, |frame| frame.current_line());
        Ok(line.flatten().is_some())
    };
    natives.raw_set("is_placed", lua.create_function(is_placed)?)?;
    let breathing = Rc::clone(state);
    let breathe = move |lua: &Lua, ()| breathe(lua, &breathing);
    natives.raw_set("breathe", lua.create_function(breathe)?)?;
    natives.raw_set("compile", lua.create_function(load)?)?;
    natives.raw_set("library", registration::table(lua, state)?)?;
    Ok(natives)
}

/// Makes the libraries that all scripts share.
fn shared_libraries(lua: &Lua, state: &Rc<State>, surface: Surface) -> mlua::Result<Table> {
    let globals = lua.globals();
    let shared = lua.create_table()?;
    for name in ["table", "string", "math", "coroutine"] {
        shared.raw_set(name, globals.raw_get::<Table>(name)?)?;
    }
    let clock = globals.raw_get::<Table>("os")?.raw_get::<Function>("clock")?;
    let os = lua.create_table()?;
    os.raw_set("clock", clock)?;
    shared.raw_set("os", os)?;
    let math: Table = shared.raw_get("math")?;
    let own = Rc::clone(state);
    let draw = move |lua: &Lua, args| random::random(lua, &own.random, &args);
    math.raw_set("random", lua.create_function(draw)?)?;
    let own = Rc::clone(state);
    let seed = move |lua: &Lua, args| random::randomseed(lua, &own.random, &args);
    math.raw_set("randomseed", lua.create_function(seed)?)?;
    shared.raw_set("redis", interface::table(lua, state, surface)?)?;
    // Made once per state: there is nothing set yet.
    let _ = state.libraries.set(libs::install(lua, &shared)?);
    Ok(shared)
}

/// Compiles a text.
pub(super) fn compile(lua: &Lua, code: &[u8], name: &str) -> Result<Function, SyntaxError> {
    if code.len() > CHUNK_BYTES_MAX {
        return Err(SyntaxError("chunk too large".to_owned()));
    }
    if code.first() == Some(&COMPILED_MARK) {
        return Err(SyntaxError("attempt to load chunk with wrong mode".to_owned()));
    }
    let compiled = || {
        let limit = lua.set_memory_limit(MEMORY_BYTES_MAX)?;
        // Lua 5.1 does not keep the name of a chunk alive while it compiles; this does.
        let anchor = lua.create_string(name);
        let chunk = lua.load(code).set_name(name).set_mode(ChunkMode::Text);
        let function = chunk.into_function();
        drop(anchor);
        lua.set_memory_limit(limit)?;
        function
    };
    compiled().map_err(|error| match error {
        mlua::Error::SyntaxError { message, .. } => SyntaxError(message),
        mlua::Error::MemoryError(_) => SyntaxError("not enough memory".to_owned()),
        other => SyntaxError(other.to_string()),
    })
}
