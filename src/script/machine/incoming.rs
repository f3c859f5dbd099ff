//! Replies of commands on their way into Lua.
//!
//! What Lua has no type for becomes a table with one field that says what it is: `ok`, `err`, `map`,
//! `set`, `double`, `big_number`, `verbatim_string`.

use mlua::{Either, Lua, Table, Value};

use super::failure::Failure;

/// Deepest nesting of a reply.
const DEPTH_MAX: usize = 128;

/// An element of a table that is made: the binding makes strings of texts faster than of bytes.
pub(super) type Element<'a> = Either<&'a str, Value>;

/// Returns the element for some bytes.
#[inline]
pub(super) fn element<'a>(lua: &Lua, bytes: &'a [u8]) -> Element<'a> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Either::Left(text),
        Err(_) => Either::Right(lua.create_string(bytes).map_or(Value::Nil, Value::String)),
    }
}

/// A reader of one reply.
pub(super) struct Incoming<'a> {
    lua: &'a Lua,
    rest: &'a [u8],
    depth: usize,
}

/// A reply as Lua sees it.
pub(super) enum Reply {
    Value(Value),
    /// An error of the command itself, not one within a larger reply.
    Error(Failure),
}

impl<'a> Incoming<'a> {
    pub(super) fn new(lua: &'a Lua, bytes: &'a [u8]) -> Self {
        Self { lua, rest: bytes, depth: 0 }
    }

    /// Reads the reply.
    pub(super) fn read(mut self) -> mlua::Result<Reply> {
        if self.rest.first() == Some(&b'-') {
            self.rest = &self.rest[1..];
            let text = self.line()?.to_vec();
            return Ok(Reply::Error(Failure { text, counted: true }));
        }
        self.value().map(Reply::Value)
    }

    fn value(&mut self) -> mlua::Result<Value> {
        let (&kind, rest) = self.rest.split_first().ok_or_else(broken)?;
        self.rest = rest;
        match kind {
            b'$' => self.bulk(),
            b':' => Ok(Value::Integer(self.number()?)),
            b'+' => {
                let line = self.line()?;
                self.single("ok", line)
            }
            b'-' => {
                let text = self.line()?.to_vec();
                Failure { text, counted: true }.to_table(self.lua).map(Value::Table)
            }
            b'*' | b'>' => self.array(),
            b'_' => {
                self.line()?;
                Ok(Value::Nil)
            }
            b'#' => Ok(Value::Boolean(self.line()? == b"t")),
            b'~' => self.set(),
            b'%' => self.map(),
            b',' => self.double(),
            b'(' => {
                let line = self.line()?;
                self.single("big_number", line)
            }
            b'=' => self.verbatim(),
            b'|' => self.attributed(),
            _ => Err(broken()),
        }
    }

    #[inline]
    fn bulk(&mut self) -> mlua::Result<Value> {
        match self.text()? {
            Some(text) => self.lua.create_string(text).map(Value::String),
            None => Ok(Value::Boolean(false)),
        }
    }

    /// Reads a length and the bytes behind it; `None` for the length -1.
    #[inline]
    fn text(&mut self) -> mlua::Result<Option<&'a [u8]>> {
        let Ok(length) = usize::try_from(self.number()?) else { return Ok(None) };
        if self.rest.len() < length + 2 {
            return Err(broken());
        }
        let (text, rest) = self.rest.split_at(length);
        self.rest = &rest[2..];
        Ok(Some(text))
    }

    fn single(&self, name: &str, text: &[u8]) -> mlua::Result<Value> {
        self.lua.create_table_from([(name, element(self.lua, text))]).map(Value::Table)
    }

    fn array(&mut self) -> mlua::Result<Value> {
        let Ok(count) = usize::try_from(self.number()?) else { return Ok(Value::Boolean(false)) };
        self.nested(|reply| {
            let lua = reply.lua;
            let mut failed = None;
            let elements = (0..count)
                .map_while(|_| reply.element().map_err(|error| failed = Some(error)).ok());
            let table = lua.create_sequence_from(elements)?;
            match failed {
                Some(error) => Err(error),
                None => Ok(Value::Table(table)),
            }
        })
    }

    /// Reads a value; a text is only borrowed.
    fn element(&mut self) -> mlua::Result<Element<'a>> {
        if self.rest.first() != Some(&b'$') {
            return self.value().map(Either::Right);
        }
        self.rest = &self.rest[1..];
        match self.text()? {
            Some(text) => Ok(element(self.lua, text)),
            None => Ok(Either::Right(Value::Boolean(false))),
        }
    }

    fn set(&mut self) -> mlua::Result<Value> {
        let count = self.number()?;
        self.nested(|reply| {
            let members = reply.lua.create_table()?;
            for _ in 0..count {
                reply.put(&members, Some(Value::Boolean(true)))?;
            }
            reply.wrapped("set", members)
        })
    }

    fn map(&mut self) -> mlua::Result<Value> {
        let pairs = self.number()?;
        self.nested(|reply| {
            let fields = reply.lua.create_table()?;
            for _ in 0..pairs {
                reply.put(&fields, None)?;
            }
            reply.wrapped("map", fields)
        })
    }

    /// Reads a key, and a value if none is given; what Lua refuses as a key is left out.
    fn put(&mut self, table: &Table, value: Option<Value>) -> mlua::Result<()> {
        let key = self.value()?;
        let value = match value {
            Some(value) => value,
            None => self.value()?,
        };
        match key {
            Value::Nil => Ok(()),
            Value::Number(number) if number.is_nan() => Ok(()),
            key => table.raw_set(key, value),
        }
    }

    fn wrapped(&self, name: &str, inner: Table) -> mlua::Result<Value> {
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set(name, inner)?;
        Ok(Value::Table(table))
    }

    fn double(&mut self) -> mlua::Result<Value> {
        let text = std::str::from_utf8(self.line()?).map_err(|_| broken())?;
        let number: f64 = text.parse().map_err(|_| broken())?;
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set("double", number)?;
        Ok(Value::Table(table))
    }

    fn verbatim(&mut self) -> mlua::Result<Value> {
        let text = self.text()?.ok_or_else(broken)?;
        let (format, text) = text.split_at_checked(4).ok_or_else(broken)?;
        let inner = self.lua.create_table_with_capacity(0, 2)?;
        inner.raw_set("format", self.lua.create_string(&format[..3])?)?;
        inner.raw_set("string", self.lua.create_string(text)?)?;
        self.wrapped("verbatim_string", inner)
    }

    /// Steps over attributes: scripts see the reply without them.
    fn attributed(&mut self) -> mlua::Result<Value> {
        let pairs = self.number()?;
        self.nested(|reply| {
            for _ in 0..2 * pairs {
                reply.value()?;
            }
            reply.value()
        })
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> mlua::Result<Value>,
    ) -> mlua::Result<Value> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(broken());
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    #[inline]
    fn number(&mut self) -> mlua::Result<i64> {
        // Most lengths and counts have one digit.
        if let [digit @ b'0'..=b'9', b'\r', b'\n', rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(i64::from(digit - b'0'));
        }
        let line = self.line()?;
        crate::base::text::parse_i64(line).ok_or_else(broken)
    }

    fn line(&mut self) -> mlua::Result<&'a [u8]> {
        let end = memchr::memchr(b'\r', self.rest).ok_or_else(broken)?;
        let line = &self.rest[..end];
        self.rest = self.rest.get(end + 2..).ok_or_else(broken)?;
        Ok(line)
    }
}

/// Says that a command's reply is not one: our own fault.
fn broken() -> mlua::Error {
    debug_assert!(false, "a command's reply is complete");
    mlua::Error::RuntimeError("a command's reply was not understood".to_owned())
}
