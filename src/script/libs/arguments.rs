//! The arguments of a library's function, checked the way Lua's own functions check theirs.

use mlua::{Error, Lua, LuaString, MultiValue, Value};

/// What a function was called with; positions start at 1, as in Lua's error texts.
pub(super) struct Arguments<'a> {
    lua: &'a Lua,
    values: &'a MultiValue,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(lua: &'a Lua, values: &'a MultiValue) -> Self {
        Self { lua, values }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns the argument at a position, or `None` beyond the last.
    pub(super) fn value(&self, position: usize) -> Option<&'a Value> {
        self.values.get(position - 1)
    }

    /// Whether there is no argument there, or nil.
    pub(super) fn is_absent(&self, position: usize) -> bool {
        matches!(self.value(position), None | Some(Value::Nil))
    }

    /// Returns a number, or a string that spells one.
    pub(super) fn number(&self, position: usize) -> mlua::Result<f64> {
        match self.value(position) {
            Some(Value::Integer(number)) => Ok(double(*number)),
            Some(Value::Number(number)) => Ok(*number),
            Some(text @ Value::String(_)) => {
                self.coerced(text)?.ok_or_else(|| self.mistyped(position, "number"))
            }
            _ => Err(self.mistyped(position, "number")),
        }
    }

    /// Returns the number that a string spells, if it does.
    pub(super) fn coerced(&self, text: &Value) -> mlua::Result<Option<f64>> {
        self.lua.coerce_number(text.clone())
    }

    /// Returns a number without its fraction.
    #[expect(clippy::cast_possible_truncation, reason = "saturates: far beyond every limit")]
    pub(super) fn integer(&self, position: usize) -> mlua::Result<i64> {
        self.number(position).map(|number| number as i64)
    }

    /// Returns a number without its fraction, or what stands for an absent one.
    pub(super) fn integer_or(&self, position: usize, absent: i64) -> mlua::Result<i64> {
        if self.is_absent(position) { Ok(absent) } else { self.integer(position) }
    }

    /// Returns a string, or a number's text.
    pub(super) fn string(&self, position: usize) -> mlua::Result<LuaString> {
        match self.value(position) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(number @ (Value::Integer(_) | Value::Number(_))) => {
                let text = self.lua.coerce_string(number.clone())?;
                text.ok_or_else(|| self.mistyped(position, "string"))
            }
            _ => Err(self.mistyped(position, "string")),
        }
    }

    /// Refuses an argument for its type.
    pub(super) fn mistyped(&self, position: usize, expected: &str) -> Error {
        let found = self.value(position).map_or("no value", type_name);
        self.refuse(position, &format!("{expected} expected, got {found}"))
    }

    /// Refuses an argument; the text names the function as the caller names it.
    pub(super) fn refuse(&self, position: usize, why: &str) -> Error {
        let named = self.lua.inspect_stack(0, |frame| {
            let names = frame.names();
            let is_method = names.name_what == Some("method");
            (names.name.map(|name| name.into_owned()), is_method)
        });
        let (name, is_method) = named.unwrap_or_default();
        let name = name.unwrap_or_else(|| "?".to_owned());
        match (is_method, position) {
            (true, 1) => self.fail(&format!("calling '{name}' on bad self ({why})")),
            (true, _) => {
                self.fail(&format!("bad argument #{} to '{name}' ({why})", position.max(1) - 1))
            }
            (false, _) => self.fail(&format!("bad argument #{position} to '{name}' ({why})")),
        }
    }

    /// Returns an error with the caller's place in front.
    pub(super) fn fail(&self, text: &str) -> Error {
        fail(self.lua, text)
    }
}

/// Returns an error with the place of the call in front, where the caller is Lua code.
pub(super) fn fail(lua: &Lua, text: &str) -> Error {
    let place = lua.inspect_stack(1, |frame| {
        let line = frame.current_line()?;
        let source = frame.source().short_src?;
        Some(format!("{source}:{line}: "))
    });
    Error::RuntimeError(format!("{}{text}", place.flatten().unwrap_or_default()))
}

/// Returns the name of a value's type in error texts.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Boolean(_) => "boolean",
        Value::Integer(_) | Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Table(_) => "table",
        Value::Function(_) => "function",
        Value::Thread(_) => "thread",
        _ => "userdata",
    }
}

/// Returns the double that Lua holds for an integer of the binding.
#[expect(clippy::cast_precision_loss, reason = "the binding makes integers of doubles only")]
pub(super) fn double(number: i64) -> f64 {
    number as f64
}

/// Returns what a script-visible string holds up to its first zero byte.
pub(super) fn until_zero(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr::memchr(0, bytes).unwrap_or(bytes.len())]
}
