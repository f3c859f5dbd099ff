//! Errors on their way through Lua: made by Rust, raised, caught, and at last described.

use mlua::{Error, Lua, Value};

use super::state::State;

/// How the place of an error in the prelude begins.
const PRELUDE_PLACE: &[u8] = b"prelude:";

/// An error of the script interface: a table with `err` in the eyes of Lua.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", String::from_utf8_lossy(text))]
pub(super) struct Failure {
    /// What a client reads, its code first.
    pub(super) text: Vec<u8>,
    /// A command replied it, so that the statistics of errors know it.
    pub(super) counted: bool,
}

/// Where and why a script ended.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) failure: Failure,
    /// Line of the script, if one was running.
    pub(super) line: Option<usize>,
    /// The text would begin with its place, but the code that failed has ended with the call that
    /// failed (`return pairs(1)`), and left no trace.
    pub(super) is_unplaced: bool,
    /// The line is not known for that reason.
    pub(super) is_line_lost: bool,
}

/// Returns the error of a function that was called in the wrong way; `text` has no code.
pub(super) fn refuse(text: &str) -> Error {
    Error::external(Failure { text: format!("ERR {text}").into_bytes(), counted: false })
}

/// Returns the failure within an error, if that is one.
fn failure_in(mut error: &Error) -> Option<&Failure> {
    loop {
        match error {
            Error::CallbackError { cause, .. } => error = cause,
            Error::ExternalError(inner) => return inner.downcast_ref(),
            _ => return None,
        }
    }
}

/// Returns the text of an error without the traces the binding adds.
fn text_of(mut error: &Error) -> String {
    loop {
        match error {
            Error::CallbackError { cause, .. } => error = cause,
            Error::RuntimeError(text) | Error::MemoryError(text) => return text.clone(),
            other => return other.to_string(),
        }
    }
}

/// Returns what Lua code gets in place of an error that Rust made.
pub(super) fn describe(lua: &Lua, error: Value) -> mlua::Result<Value> {
    let Value::Error(error) = error else { return Ok(error) };
    match failure_in(&error) {
        Some(failure) => failure.to_table(lua).map(Value::Table),
        None => lua.create_string(text_of(&error)).map(Value::String),
    }
}

impl Failure {
    /// Returns the error as Lua code sees it.
    pub(super) fn to_table(&self, lua: &Lua) -> mlua::Result<mlua::Table> {
        let table = lua.create_table_with_capacity(0, 2)?;
        table.raw_set("err", lua.create_string(&self.text)?)?;
        if self.counted {
            table.raw_set("ignore_error_stats_update", true)?;
        }
        Ok(table)
    }

    /// Reads what was raised.
    fn of(lua: &Lua, raised: &Value) -> Self {
        let text = match raised {
            Value::Table(table) => return Self::of_table(table),
            Value::Error(error) => match failure_in(error) {
                Some(failure) => return failure.clone(),
                None => text_of(error).into_bytes(),
            },
            Value::String(text) => located(lua, &text.as_bytes()),
            Value::Nil => b"nil".to_vec(),
            other => {
                other.to_string().unwrap_or_else(|_| other.type_name().to_owned()).into_bytes()
            }
        };
        Self { text: [b"ERR ".as_slice(), &text].concat(), counted: false }
    }

    pub(super) fn of_table(table: &mlua::Table) -> Self {
        let text = match table.raw_get("err") {
            Ok(Value::String(text)) => text.as_bytes().to_vec(),
            _ => b"ERR unknown error".to_vec(),
        };
        let counted =
            matches!(table.raw_get("ignore_error_stats_update"), Ok(Value::Boolean(true)));
        Self { text, counted }
    }
}

/// Replaces the place of the prelude's code, which stands between the script and some of Lua's own
/// functions, by that of the script.
fn located(lua: &Lua, text: &[u8]) -> Vec<u8> {
    let Some(rest) = text.strip_prefix(PRELUDE_PLACE) else { return text.to_vec() };
    let rest = memchr::memchr(b' ', rest).map_or(rest, |end| &rest[end + 1..]);
    match running_line(lua) {
        Some((source, line)) => [format!("{source}:{line}: ").as_bytes(), rest].concat(),
        None => rest.to_vec(),
    }
}

/// Returns the innermost running function that a script has, by its source and line.
fn running_line(lua: &Lua) -> Option<(String, usize)> {
    for level in 1.. {
        let found = lua.inspect_stack(level, |frame| {
            let source = frame.source().short_src?;
            let line = frame.current_line()?;
            source.starts_with("user_").then(|| (source.into_owned(), line))
        })?;
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Says whether an error names a place in the prelude.
fn is_of_prelude(raised: &Value) -> bool {
    matches!(raised, Value::String(text) if text.as_bytes().starts_with(PRELUDE_PLACE))
}

/// Notes why a script ends; called by Lua before the stack unwinds.
pub(super) fn note(lua: &Lua, state: &State, raised: &Value) {
    let failure = match state.killed.get() {
        Some(why) => Failure { text: format!("ERR {why}").into_bytes(), counted: false },
        None => Failure::of(lua, raised),
    };
    let line = running_line(lua).map(|(_, line)| line);
    let is_line_lost = line.is_none() && matches!(raised, Value::String(_));
    let is_unplaced = is_line_lost && is_of_prelude(raised);
    state.ending.replace(Some(Ending { failure, line, is_unplaced, is_line_lost }));
}
