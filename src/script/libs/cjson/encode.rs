//! Lua values as JSON.

use mlua::{Error, Function, Lua, Table, Value};

use super::settings::{InvalidNumbers, Settings};
use crate::script::libs::arguments::{double, fail, type_name};
use crate::script::libs::{NESTING_MAX, TEXT_BYTES_MAX, numbers};

/// Returns the text of a value. `next` is Lua's function of that name.
pub(super) fn encode(
    lua: &Lua,
    next: &Function,
    value: Value,
    settings: &Settings,
) -> mlua::Result<Vec<u8>> {
    let mut encoder = Encoder { lua, next, settings, text: Vec::new(), levels: Vec::new() };
    encoder.document(value)?;
    Ok(encoder.text)
}

/// A table that is being written.
enum Level {
    Array { table: Table, index: i64, length: i64 },
    Object { table: Table, last_key: Value },
}

struct Encoder<'a> {
    lua: &'a Lua,
    next: &'a Function,
    settings: &'a Settings,
    text: Vec<u8>,
    /// The tables around the value that is written; not the machine's stack, which is shorter.
    levels: Vec<Level>,
}

impl Encoder<'_> {
    /// Writes a value with all that is in it.
    fn document(&mut self, value: Value) -> mlua::Result<()> {
        self.value(value)?;
        while let Some(level) = self.levels.pop() {
            if self.text.len() > TEXT_BYTES_MAX {
                return Err(fail(self.lua, "string length overflow"));
            }
            match level {
                Level::Array { length, index, .. } if index == length => self.text.push(b']'),
                Level::Array { table, index, length } => {
                    if index > 0 {
                        self.text.push(b',');
                    }
                    let value = table.raw_get(index + 1)?;
                    self.levels.push(Level::Array { table, index: index + 1, length });
                    self.value(value)?;
                }
                Level::Object { table, last_key } => self.object(table, last_key)?,
            }
        }
        Ok(())
    }

    /// Writes the member behind a key, or the end of the object.
    fn object(&mut self, table: Table, last_key: Value) -> mlua::Result<()> {
        let is_first = last_key.is_nil();
        let (key, value) = self.next.call::<(Value, Value)>((&table, last_key))?;
        if key.is_nil() {
            self.text.push(b'}');
            return Ok(());
        }
        if !is_first {
            self.text.push(b',');
        }
        self.key(&key)?;
        self.levels.push(Level::Object { table, last_key: key });
        self.value(value)
    }

    /// Writes a value, of a table only the beginning.
    fn value(&mut self, value: Value) -> mlua::Result<()> {
        match value {
            Value::Nil => self.text.extend_from_slice(b"null"),
            Value::Boolean(true) => self.text.extend_from_slice(b"true"),
            Value::Boolean(false) => self.text.extend_from_slice(b"false"),
            Value::Integer(number) => self.number(double(number))?,
            Value::Number(number) => self.number(number)?,
            Value::String(text) => self.string(&text.as_bytes()),
            Value::LightUserData(pointer) if pointer.0.is_null() => {
                self.text.extend_from_slice(b"null");
            }
            Value::Table(table) => return self.table(table),
            other => return Err(self.refuse(type_name(&other), "type not supported")),
        }
        Ok(())
    }

    fn number(&mut self, number: f64) -> mlua::Result<()> {
        if number.is_nan() || number.is_infinite() {
            match self.settings.encode_invalid.get() {
                InvalidNumbers::Refuse => {
                    return Err(self.refuse("number", "must not be NaN or Inf"));
                }
                InvalidNumbers::Accept if number.is_nan() => {
                    self.text.extend_from_slice(b"nan");
                    return Ok(());
                }
                InvalidNumbers::Accept => {}
                InvalidNumbers::Null => {
                    self.text.extend_from_slice(b"null");
                    return Ok(());
                }
            }
        }
        let precision = usize::try_from(self.settings.precision.get()).unwrap_or(1);
        self.text.extend_from_slice(numbers::general(number, precision).as_bytes());
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        self.text.push(b'"');
        let mut plain_from = 0;
        for (index, byte) in text.iter().enumerate() {
            if !is_escaped(*byte) {
                continue;
            }
            self.text.extend_from_slice(&text[plain_from..index]);
            self.escape(*byte);
            plain_from = index + 1;
        }
        self.text.extend_from_slice(&text[plain_from..]);
        self.text.push(b'"');
    }

    fn escape(&mut self, byte: u8) {
        let letter = match byte {
            b'"' | b'\\' | b'/' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            other => {
                self.text.extend_from_slice(format!("\\u{other:04x}").as_bytes());
                return;
            }
        };
        self.text.extend_from_slice(&[b'\\', letter]);
    }

    fn table(&mut self, table: Table) -> mlua::Result<()> {
        let depth = self.levels.len() + 1;
        let depth_max = usize::try_from(self.settings.encode_depth_max.get()).unwrap_or(1);
        if depth > depth_max.min(NESTING_MAX) {
            let text = format!("Cannot serialise, excessive nesting ({depth})");
            return Err(fail(self.lua, &text));
        }
        self.levels.push(match self.array_length(&table)? {
            Some(length) => {
                self.text.push(b'[');
                Level::Array { table, index: 0, length }
            }
            None => {
                self.text.push(b'{');
                Level::Object { table, last_key: Value::Nil }
            }
        });
        Ok(())
    }

    /// Returns the highest index of a table that is written as an array.
    fn array_length(&self, table: &Table) -> mlua::Result<Option<i64>> {
        let Some((count, highest)) = count_of_indices(table)? else { return Ok(None) };
        if highest == 0 {
            return Ok(None);
        }
        let ratio = i64::from(self.settings.sparse_ratio.get());
        let is_sparse = ratio > 0
            && highest > count.saturating_mul(ratio)
            && highest > i64::from(self.settings.sparse_safe.get());
        match (is_sparse, self.settings.sparse_as_object.get()) {
            (false, _) => Ok(Some(highest)),
            (true, true) => Ok(None),
            (true, false) => Err(self.refuse("table", "excessively sparse array")),
        }
    }

    /// Writes a key and the colon behind it.
    fn key(&mut self, key: &Value) -> mlua::Result<()> {
        match key {
            Value::String(text) => self.string(&text.as_bytes()),
            Value::Integer(_) | Value::Number(_) => {
                self.text.push(b'"');
                self.value(key.clone())?;
                self.text.push(b'"');
            }
            other => {
                let text = "table key must be a number or string";
                return Err(self.refuse(type_name(other), text));
            }
        }
        self.text.push(b':');
        Ok(())
    }

    fn refuse(&self, kind: &str, why: &str) -> Error {
        fail(self.lua, &format!("Cannot serialise {kind}: {why}"))
    }
}

/// Returns how many keys there are and the highest, or `None` if one is no positive integer.
fn count_of_indices(table: &Table) -> mlua::Result<Option<(i64, i64)>> {
    // Most objects show by their first key that they are no arrays.
    if let Some(pair) = table.pairs::<Value, bool>().next()
        && !matches!(pair?.0, Value::Integer(_) | Value::Number(_))
    {
        return Ok(None);
    }
    let mut count = 0;
    let mut highest = Some(0);
    table.for_each(|key: Value, _: bool| {
        count += 1;
        highest = highest.zip(index(&key)).map(|(highest, index)| highest.max(index));
        Ok(())
    })?;
    Ok(highest.map(|highest| (count, highest)))
}

/// Returns the index that a key is; those beyond 64 bits are the highest there can be.
fn index(key: &Value) -> Option<i64> {
    match key {
        Value::Integer(index) => Some(*index).filter(|index| *index > 0),
        Value::Number(index) => (*index >= 1.0 && index.floor() == *index).then_some(i64::MAX),
        _ => None,
    }
}

fn is_escaped(byte: u8) -> bool {
    matches!(byte, 0..=0x1f | b'"' | b'/' | b'\\' | 0x7f)
}

#[cfg(test)]
mod tests {
    use crate::script::libs::testing::evaluate;

    #[test]
    fn values_have_the_text_of_the_originals() {
        assert_eq!(
            evaluate("return cjson.encode({1, 'a/b', true, cjson.null, 0.1, {}})"),
            r#"[1,"a\/b",true,null,0.1,{}]"#
        );
        assert_eq!(evaluate("return cjson.encode({a = {1e15, -0.0}})"), r#"{"a":[1e+15,-0]}"#);
        assert_eq!(
            evaluate(r#"return cjson.encode('\0\8\9\10\12\13\31\127"\\é')"#),
            r#""\u0000\b\t\n\f\r\u001f\u007f\"\\é""#
        );
        assert_eq!(evaluate("return cjson.encode(nil)"), "null");
        assert_eq!(evaluate("return cjson.encode({[1.5] = 1})"), r#"{"1.5":1}"#);
    }

    #[test]
    fn holes_are_null_until_they_are_too_many() {
        assert_eq!(evaluate("return cjson.encode({[3] = 1})"), "[null,null,1]");
        let text = "t:1: Cannot serialise table: excessively sparse array";
        assert_eq!(evaluate("return cjson.encode({[11] = 1})"), text);
        assert_eq!(evaluate("return cjson.encode({[1e300] = 1})"), text);
        let source = "cjson.encode_sparse_array(true) return cjson.encode({[11] = 1})";
        assert_eq!(evaluate(source), r#"{"11":1}"#);
    }

    #[test]
    fn what_json_cannot_say_is_refused() {
        let text = "t:1: Cannot serialise function: type not supported";
        assert_eq!(evaluate("return cjson.encode(print)"), text);
        let text = "t:1: Cannot serialise boolean: table key must be a number or string";
        assert_eq!(evaluate("return cjson.encode({[true] = 1})"), text);
        let text = "t:1: Cannot serialise number: must not be NaN or Inf";
        assert_eq!(evaluate("return cjson.encode(1 / 0)"), text);
        assert_eq!(
            evaluate("cjson.encode_invalid_numbers(true) return cjson.encode({1 / 0, 0 / 0})"),
            "[inf,nan]"
        );
        assert_eq!(
            evaluate("cjson.encode_invalid_numbers('null') return cjson.encode({1 / 0})"),
            "[null]"
        );
    }

    #[test]
    fn nesting_ends_with_an_error() {
        let text = "t:1: Cannot serialise, excessive nesting (1001)";
        assert_eq!(evaluate("local a = {} a[1] = a return cjson.encode(a)"), text);
        let text = "t:1: Cannot serialise, excessive nesting (1501)";
        assert_eq!(
            evaluate("cjson.encode_max_depth(1e9) local a = {} a.x = a return cjson.encode(a)"),
            text
        );
    }
}
