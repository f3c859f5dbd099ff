//! What the code of a library finds while it is loaded: `redis.register_function` and the log.

use std::collections::HashSet;
use std::rc::Rc;

use mlua::{Function, Lua, MultiValue, Table, Value};

use super::failure::refuse;
use super::interface;
use super::state::State;
use crate::script::functions::{BAD_NAME, Definition, is_name};
use crate::script::shebang::ScriptFlags;

/// Functions a library registers at most.
const FUNCTION_COUNT_MAX: usize = 65_536;

/// What the library that is being loaded has registered.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) definitions: Vec<Definition>,
    /// The functions themselves, in the same order.
    pub(super) callbacks: Table,
    names: HashSet<String>,
}

impl Registration {
    /// Begins with an empty table for the functions.
    pub(super) fn new(callbacks: Table) -> Self {
        Self { definitions: Vec::new(), callbacks, names: HashSet::new() }
    }
}

/// Makes the table.
pub(super) fn table(lua: &Lua, state: &Rc<State>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    let state = Rc::clone(state);
    let register = move |lua: &Lua, args: MultiValue| register(lua, &state, &args);
    table.raw_set("register_function", lua.create_function(register)?)?;
    interface::add_common(lua, &table)?;
    Ok(table)
}

fn register(lua: &Lua, state: &State, args: &MultiValue) -> mlua::Result<()> {
    let mut registration = state.registration.borrow_mut();
    let Some(registration) = registration.as_mut() else {
        let text = "redis.register_function can only be called on FUNCTION LOAD command";
        return Err(refuse(text));
    };
    let (definition, callback) = match args.as_slices().0 {
        [Value::Table(named)] => by_names(lua, named)?,
        [_] => {
            return Err(refuse(
                "calling redis.register_function with a single argument is only applicable to Lua \
                 table (representing named arguments).",
            ));
        }
        [name, callback] => by_position(lua, name, callback)?,
        _ => return Err(refuse("wrong number of arguments to redis.register_function")),
    };
    if !is_name(definition.name.as_bytes()) {
        return Err(refuse(BAD_NAME));
    }
    if !registration.names.insert(definition.name.clone()) {
        return Err(refuse("Function already exists in the library"));
    }
    if registration.definitions.len() >= FUNCTION_COUNT_MAX {
        return Err(refuse("too many functions in the library"));
    }
    registration.callbacks.raw_push(callback)?;
    registration.definitions.push(definition);
    Ok(())
}

/// Returns the bytes of a string or a number.
fn text(lua: &Lua, value: &Value) -> Option<Vec<u8>> {
    let text = match value {
        Value::String(_) | Value::Integer(_) | Value::Number(_) => lua.coerce_string(value.clone()),
        _ => return None,
    };
    text.ok().flatten().map(|text| text.as_bytes().to_vec())
}

/// Returns a name; bytes that no name has stay recognizable as such.
fn name_text(lua: &Lua, value: &Value) -> Option<String> {
    text(lua, value).map(|text| String::from_utf8_lossy(&text).into_owned())
}

fn by_position(lua: &Lua, name: &Value, callback: &Value) -> mlua::Result<(Definition, Function)> {
    const NAME: &str = "first argument to redis.register_function must be a string";
    const CALLBACK: &str = "second argument to redis.register_function must be a function";
    let name = name_text(lua, name).ok_or_else(|| refuse(NAME))?;
    let Value::Function(callback) = callback else { return Err(refuse(CALLBACK)) };
    let definition = Definition { name, description: None, flags: flags_from(&[])? };
    Ok((definition, callback.clone()))
}

/// Reads arguments by their names, which may be written in any case of letters.
fn by_names(lua: &Lua, named: &Table) -> mlua::Result<(Definition, Function)> {
    const KEY: &str = "named argument key given to redis.register_function is not a string";
    let (mut name, mut callback, mut description) = (None, None, None);
    let mut flags = flags_from(&[])?;
    for pair in named.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let mut key = text(lua, &key).ok_or_else(|| refuse(KEY))?;
        key.make_ascii_lowercase();
        let not_a = |what| {
            let key = String::from_utf8_lossy(&key);
            refuse(&format!("{key} argument given to redis.register_function must be a {what}"))
        };
        match key.as_slice() {
            b"function_name" => {
                name = Some(name_text(lua, &value).ok_or_else(|| not_a("string"))?);
            }
            b"description" => {
                description = Some(text(lua, &value).ok_or_else(|| not_a("string"))?);
            }
            b"callback" => {
                let Value::Function(function) = value else { return Err(not_a("function")) };
                callback = Some(function);
            }
            b"flags" => flags = flags_of(lua, &value)?,
            _ => return Err(refuse("unknown argument given to redis.register_function")),
        }
    }
    let missing = |what| refuse(&format!("redis.register_function must get a {what} argument"));
    let name = name.ok_or_else(|| missing("function name"))?;
    let callback = callback.ok_or_else(|| missing("callback"))?;
    Ok((Definition { name, description, flags }, callback))
}

fn flags_of(lua: &Lua, value: &Value) -> mlua::Result<ScriptFlags> {
    const TABLE: &str =
        "flags argument to redis.register_function must be a table representing function flags";
    let Value::Table(list) = value else { return Err(refuse(TABLE)) };
    let mut names = Vec::new();
    for index in 1.. {
        match list.raw_get::<Value>(index)? {
            Value::Nil => break,
            name => names.push(text(lua, &name).unwrap_or_default()),
        }
    }
    flags_from(&names)
}

/// Returns the flags of these names. What a function may do follows from its flags, even without any.
fn flags_from(names: &[Vec<u8>]) -> mlua::Result<ScriptFlags> {
    let mut flags = ScriptFlags { has_shebang: true, ..ScriptFlags::default() };
    // In whatever case, unlike those of a script's first line.
    let are_known = names.iter().all(|name| flags.set(&name.to_ascii_lowercase()));
    if are_known { Ok(flags) } else { Err(refuse("unknown flag given")) }
}
