//! The `redis` table: what scripts ask of the server.

use std::rc::Rc;

use mlua::{Lua, MultiValue, Table, Value};
use smallvec::SmallVec;

use super::arguments::{Text, number};
use super::failure::{Failure, refuse};
use super::incoming::{Incoming, Reply};
use super::sandbox::Surface;
use super::state::State;
use super::{HOST, MEMORY_BYTES_MAX};
use crate::resp::{Protocol, ReplyBuffer};
use crate::script::host::{Host, LogLevel};
use crate::script::registry::digest;

/// Arguments of a command that fit on the stack.
const ARGS_INLINE: usize = 8;

/// The level of Redis whose scripting interface this is.
const REDIS_VERSION: &str = "7.4.0";
const REDIS_VERSION_NUM: u32 = 0x0007_0400;

const NO_COMMAND: &str = "Please specify at least one argument for this redis lib call";
const BAD_ARGUMENT: &str = "Lua redis lib command arguments must be strings or integers";

/// Makes the table.
pub(super) fn table(lua: &Lua, state: &Rc<State>, surface: Surface) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for (name, raises) in [("call", true), ("pcall", false)] {
        let state = Rc::clone(state);
        let call = move |lua: &Lua, args: MultiValue| call(lua, &state, &args, raises);
        table.raw_set(name, lua.create_function(call)?)?;
    }
    let shared = Rc::clone(state);
    let set_protocol = move |lua: &Lua, args: MultiValue| setresp(lua, &shared, &args);
    table.raw_set("setresp", lua.create_function(set_protocol)?)?;
    table.raw_set("sha1hex", lua.create_function(|lua, args: MultiValue| sha1hex(lua, &args))?)?;
    table
        .raw_set("set_repl", lua.create_function(|lua, args: MultiValue| set_repl(lua, &args))?)?;
    table.raw_set("acl_check_cmd", lua.create_function(|_, args: MultiValue| may_run(&args))?)?;
    let error_reply = |lua: &Lua, args: MultiValue| error_reply(lua, &args);
    table.raw_set("error_reply", lua.create_function(error_reply)?)?;
    let status_reply = |lua: &Lua, args: MultiValue| status_reply(lua, &args);
    table.raw_set("status_reply", lua.create_function(status_reply)?)?;
    if surface == Surface::Scripts {
        table.raw_set("replicate_commands", lua.create_function(|_, ()| Ok(true))?)?;
        table.raw_set("breakpoint", lua.create_function(|_, ()| Ok(false))?)?;
        table.raw_set("debug", lua.create_function(|_, _: MultiValue| Ok(()))?)?;
    }
    add_common(lua, &table)?;
    let numbers = [
        ("REPL_NONE", 0),
        ("REPL_AOF", 1),
        ("REPL_SLAVE", 2),
        ("REPL_REPLICA", 2),
        ("REPL_ALL", 3),
    ];
    numbers.into_iter().try_for_each(|(name, number)| table.raw_set(name, number))?;
    Ok(table)
}

/// Adds what the code of a library may use as well while it is loaded.
pub(super) fn add_common(lua: &Lua, table: &Table) -> mlua::Result<()> {
    table.raw_set("log", lua.create_function(|lua, args: MultiValue| log(lua, &args))?)?;
    table.raw_set("REDIS_VERSION", REDIS_VERSION)?;
    table.raw_set("REDIS_VERSION_NUM", REDIS_VERSION_NUM)?;
    let levels = [("LOG_DEBUG", 0), ("LOG_VERBOSE", 1), ("LOG_NOTICE", 2), ("LOG_WARNING", 3)];
    levels.into_iter().try_for_each(|(name, level)| table.raw_set(name, level))
}

/// `redis.call` and `redis.pcall`: runs a command.
fn call(lua: &Lua, state: &State, args: &MultiValue, raises: bool) -> mlua::Result<Value> {
    // Without a limit the binding needs no protected calls; what a reply may take is checked.
    lua.set_memory_limit(0)?;
    let outcome = run_command(lua, state, args);
    lua.set_memory_limit(MEMORY_BYTES_MAX)?;
    match outcome {
        Ok(Reply::Value(value)) => Ok(value),
        Ok(Reply::Error(failure)) if raises => Err(mlua::Error::external(failure)),
        Ok(Reply::Error(failure)) => failure.to_table(lua).map(Value::Table),
        Err(error) => Err(error),
    }
}

fn run_command(lua: &Lua, state: &State, args: &MultiValue) -> mlua::Result<Reply> {
    if args.is_empty() {
        return Ok(Reply::Error(own_failure(NO_COMMAND)));
    }
    let mut texts: SmallVec<[Text; ARGS_INLINE]> = SmallVec::with_capacity(args.len());
    for value in args {
        let Some(text) = Text::of(value) else {
            return Ok(Reply::Error(own_failure(BAD_ARGUMENT)));
        };
        texts.push(text);
    }
    let slices: SmallVec<[&[u8]; ARGS_INLINE]> = texts.iter_mut().map(Text::bytes).collect();
    if !HOST.is_set() {
        let text = "redis.call/pcall can only be called inside a script invocation";
        return Ok(Reply::Error(own_failure(text)));
    }
    let mut reply = state.reply.borrow_mut();
    reply.clear();
    reply.set_protocol(if state.is_resp3.get() { Protocol::Resp3 } else { Protocol::Resp2 });
    HOST.with(|host| host.call(&slices, &mut reply));
    convert(lua, state, &mut reply)
}

/// Makes a Lua value of a reply, which may be in one piece or in many.
fn convert(lua: &Lua, state: &State, reply: &mut ReplyBuffer) -> mlua::Result<Reply> {
    if lua.used_memory() + reply.len() > MEMORY_BYTES_MAX {
        return Err(mlua::Error::MemoryError("not enough memory".to_owned()));
    }
    let mut chunks = reply.chunks();
    let first = chunks.next().unwrap_or_default();
    if first.len() == reply.len() {
        return Incoming::new(lua, first).read();
    }
    let mut joined = state.joined.borrow_mut();
    joined.clear();
    joined.extend(reply.chunks().flatten());
    let read = Incoming::new(lua, &joined).read();
    *joined = Vec::new();
    reply.release();
    read
}

fn own_failure(text: &str) -> Failure {
    Failure { text: format!("ERR {text}").into_bytes(), counted: false }
}

fn with_host<R>(act: impl FnOnce(&mut dyn Host) -> R) -> mlua::Result<R> {
    if !HOST.is_set() {
        return Err(refuse("redis functions can only be called inside a script invocation"));
    }
    Ok(HOST.with(|host| act(host)))
}

fn setresp(lua: &Lua, state: &State, args: &MultiValue) -> mlua::Result<()> {
    let [version] = args.as_slices().0 else {
        return Err(refuse("redis.setresp() requires one argument."));
    };
    let is_resp3 = match number(lua, version).map(f64::trunc) {
        Some(2.0) => false,
        Some(3.0) => true,
        _ => return Err(refuse("RESP version must be 2 or 3.")),
    };
    state.is_resp3.set(is_resp3);
    with_host(|host| host.set_resp3(is_resp3))
}

#[expect(clippy::cast_possible_truncation, reason = "saturates beyond what is valid")]
fn set_repl(lua: &Lua, args: &MultiValue) -> mlua::Result<()> {
    const BITS: i64 = 3;
    let [bits] = args.as_slices().0 else {
        return Err(refuse("redis.set_repl() requires one argument."));
    };
    let bits = number(lua, bits).unwrap_or(0.0) as i64;
    match u8::try_from(bits) {
        Ok(bits) if i64::from(bits) & !BITS == 0 => with_host(|host| host.set_replication(bits)),
        _ => Err(refuse(
            "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        )),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "saturates beyond what is valid")]
fn log(lua: &Lua, args: &MultiValue) -> mlua::Result<()> {
    if args.len() < 2 {
        return Err(refuse("redis.log() requires two arguments or more."));
    }
    let Some(level) = number(lua, &args[0]) else {
        return Err(refuse("First argument must be a number (log level)."));
    };
    let level = match level as i64 {
        0 => LogLevel::Debug,
        1 => LogLevel::Verbose,
        2 => LogLevel::Notice,
        3 => LogLevel::Warning,
        _ => return Err(refuse("Invalid log level.")),
    };
    let mut line = Vec::new();
    for (index, value) in args.iter().skip(1).enumerate() {
        let Some(mut text) = Text::of(value) else { continue };
        if index > 0 {
            line.push(b' ');
        }
        line.extend_from_slice(text.bytes());
    }
    with_host(|host| host.log(level, &line))
}

fn sha1hex(lua: &Lua, args: &MultiValue) -> mlua::Result<Value> {
    let [value] = args.as_slices().0 else { return Err(refuse("wrong number of arguments")) };
    let text = lua.coerce_string(value.clone())?;
    let sha = digest(&text.map(|text| text.as_bytes().to_vec()).unwrap_or_default());
    lua.create_string(sha).map(Value::String)
}

fn may_run(args: &MultiValue) -> mlua::Result<bool> {
    if args.is_empty() {
        return Err(refuse(NO_COMMAND));
    }
    let mut texts: SmallVec<[Text; ARGS_INLINE]> = args.iter().filter_map(Text::of).collect();
    if texts.len() < args.len() {
        return Err(refuse(BAD_ARGUMENT));
    }
    let slices: SmallVec<[&[u8]; ARGS_INLINE]> = texts.iter_mut().map(Text::bytes).collect();
    with_host(|host| host.may_run(&slices))?
        .map_err(|_| refuse("Invalid command passed to redis.acl_check_cmd()"))
}

/// `redis.error_reply`: a table with `err`, whose text begins with a code.
fn error_reply(lua: &Lua, args: &MultiValue) -> mlua::Result<Table> {
    let [Value::String(text)] = args.as_slices().0 else { return mistyped_reply(lua) };
    let text = text.as_bytes();
    let text = text.strip_prefix(b"-").unwrap_or(&text);
    let end = text.iter().rposition(|&byte| !matches!(byte, b'\r' | b'\n'));
    let text = &text[..end.map_or(0, |last| last + 1)];
    let text = match text.contains(&b' ') {
        true => text.to_vec(),
        false => [b"ERR ", text].concat(),
    };
    Failure { text, counted: false }.to_table(lua)
}

fn status_reply(lua: &Lua, args: &MultiValue) -> mlua::Result<Table> {
    let [Value::String(text)] = args.as_slices().0 else { return mistyped_reply(lua) };
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set("ok", text)?;
    Ok(table)
}

fn mistyped_reply(lua: &Lua) -> mlua::Result<Table> {
    own_failure("wrong number or type of arguments").to_table(lua)
}
