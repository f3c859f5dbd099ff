//! What a script returns on its way to the client.

use mlua::{Table, Value};

use super::failure::Failure;
use crate::resp::ReplyBuffer;
use crate::script::Host;

/// Deepest nesting of what a script returns.
const DEPTH_MAX: usize = 1000;
/// Most values in what a script returns: a table may hold itself many times over.
const VALUE_COUNT_MAX: usize = if cfg!(test) { 100_000 } else { 16 * 1024 * 1024 };
/// Letters of a verbatim string's format.
const FORMAT_BYTES: usize = 3;

/// Writes what one script returns.
pub(super) struct Outgoing<'a> {
    reply: &'a mut ReplyBuffer,
    host: &'a mut dyn Host,
    /// The script has chosen RESP3: truth values are sent as such.
    is_resp3: bool,
    depth: usize,
    values_left: usize,
}

/// There is no end to what the script returns.
#[derive(Debug)]
pub(super) struct Endless;

type Written = Result<(), Endless>;

/// Returns the error that a script returns as its value, if it is one.
pub(super) fn failure_of(value: &Value) -> Option<Failure> {
    let Value::Table(table) = value else { return None };
    match field(table, "err") {
        Some(Value::String(_)) => Some(Failure::of_table(table)),
        _ => None,
    }
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(reply: &'a mut ReplyBuffer, host: &'a mut dyn Host, is_resp3: bool) -> Self {
        Self { reply, host, is_resp3, depth: 0, values_left: VALUE_COUNT_MAX }
    }

    /// Writes a value.
    pub(super) fn write(&mut self, value: &Value) -> Written {
        match value {
            Value::String(text) => self.reply.bulk(&text.as_bytes()),
            Value::Integer(number) => self.reply.integer(*number),
            Value::Number(number) => self.reply.integer(whole(*number)),
            Value::Boolean(value) if self.is_resp3 => self.reply.boolean(*value),
            Value::Boolean(true) => self.reply.integer(1),
            Value::Table(table) => return self.table(table),
            _ => self.reply.null(),
        }
        Ok(())
    }

    fn table(&mut self, table: &Table) -> Written {
        self.values_left = self.values_left.checked_sub(1).ok_or(Endless)?;
        if self.depth == DEPTH_MAX {
            self.reply.error("ERR reached lua stack limit");
            return Ok(());
        }
        self.depth += 1;
        let written = match self.typed(table) {
            Some(written) => written,
            None => self.array(table),
        };
        self.depth -= 1;
        written
    }

    /// Writes a table that says what it is; `None` for one that does not.
    fn typed(&mut self, table: &Table) -> Option<Written> {
        if let Some(Value::String(_)) = field(table, "err") {
            let Failure { text, counted } = Failure::of_table(table);
            self.reply.error_bytes(&text);
            if !counted {
                self.host.count_error(&text);
            }
            return Some(Ok(()));
        }
        if let Some(Value::String(text)) = field(table, "ok") {
            self.reply.simple(&one_line(&text.as_bytes()));
            return Some(Ok(()));
        }
        match field(table, "double") {
            Some(Value::Number(number)) => {
                self.reply.double(number);
                return Some(Ok(()));
            }
            Some(Value::Integer(number)) => {
                self.reply.double(f64_of(number));
                return Some(Ok(()));
            }
            _ => {}
        }
        if let Some(Value::Table(map)) = field(table, "map") {
            return Some(self.map(&map));
        }
        if let Some(Value::Table(set)) = field(table, "set") {
            return Some(self.set(&set));
        }
        if let Some(Value::String(digits)) = field(table, "big_number") {
            self.reply.big_number(&one_line(&digits.as_bytes()));
            return Some(Ok(()));
        }
        let Some(Value::Table(verbatim)) = field(table, "verbatim_string") else { return None };
        self.verbatim(&verbatim)
    }

    fn verbatim(&mut self, table: &Table) -> Option<Written> {
        let Some(Value::String(text)) = field(table, "string") else { return None };
        let Some(Value::String(format)) = field(table, "format") else { return None };
        let mut letters = [b' '; FORMAT_BYTES];
        for (letter, given) in letters.iter_mut().zip(format.as_bytes().iter()) {
            *letter = if given.is_ascii_graphic() { *given } else { b' ' };
        }
        let format = std::str::from_utf8(&letters).unwrap_or("txt");
        self.reply.verbatim(format, &text.as_bytes());
        Some(Ok(()))
    }

    fn map(&mut self, table: &Table) -> Written {
        let mark = self.reply.deferred();
        let mut count = 0;
        for pair in table.pairs::<Value, Value>() {
            let Ok((key, value)) = pair else { break };
            self.write(&key)?;
            self.write(&value)?;
            count += 1;
        }
        self.reply.finish_map(mark, count);
        Ok(())
    }

    fn set(&mut self, table: &Table) -> Written {
        let mark = self.reply.deferred();
        let mut count = 0;
        for pair in table.pairs::<Value, Value>() {
            let Ok((member, _)) = pair else { break };
            self.write(&member)?;
            count += 1;
        }
        self.reply.finish_set(mark, count);
        Ok(())
    }

    /// Writes the elements up to the first absent one.
    fn array(&mut self, table: &Table) -> Written {
        let mark = self.reply.deferred();
        let mut count = 0;
        for element in table.sequence_values::<Value>() {
            let Ok(element) = element else { break };
            self.values_left = self.values_left.checked_sub(1).ok_or(Endless)?;
            self.write(&element)?;
            count += 1;
        }
        self.reply.finish_array(mark, count);
        Ok(())
    }
}

fn field(table: &Table, name: &str) -> Option<Value> {
    match table.raw_get(name) {
        Ok(Value::Nil) | Err(_) => None,
        Ok(value) => Some(value),
    }
}

/// Drops a number's fraction; what no integer holds becomes the least one.
#[expect(clippy::cast_possible_truncation, reason = "checked")]
fn whole(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}

#[expect(clippy::cast_precision_loss, reason = "Lua held a double before the binding made this")]
fn f64_of(number: i64) -> f64 {
    number as f64
}

/// Returns a text without line breaks.
fn one_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace(['\r', '\n'], " ")
}
