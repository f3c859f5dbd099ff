//! The library `cmsgpack`: Lua values as MessagePack and back.
//!
//! A table whose keys are 1 to n is an array, any other one a map; a number without a fraction is an
//! integer; what is nested deeper than [`PACK_NESTING_MAX`], and what MessagePack has no form for, is
//! packed as nil. Several values are packed one behind the other.
//!
//! Source of the format: <https://github.com/msgpack/msgpack/blob/master/spec.md>; binary strings and
//! extensions, which the originals do not read, are refused.

use std::mem;

use mlua::{Error, Lua, MultiValue, Table, Value};

use super::arguments::{Arguments, fail};
use super::{NESTING_MAX, RESULT_COUNT_MAX, TEXT_BYTES_MAX};

/// Tables within tables that are packed; what a deeper one holds is lost.
const PACK_NESTING_MAX: usize = 16;
/// Elements of an array that room is made for before they are read.
const ROOM_MAX: usize = 64;

/// Makes the table of this library.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("_NAME", "cmsgpack")?;
    table.raw_set("_VERSION", "lua-cmsgpack 0.4.0")?;
    table.raw_set("_DESCRIPTION", "MessagePack for Lua")?;
    let pack = |lua: &Lua, values: MultiValue| {
        let bytes = pack(&Arguments::new(lua, &values), &values)?;
        lua.create_string(bytes)
    };
    table.raw_set("pack", lua.create_function(pack)?)?;
    let all = |lua: &Lua, values: MultiValue| unpack(lua, &Arguments::new(lua, &values), 0, 0);
    table.raw_set("unpack", lua.create_function(all)?)?;
    let unpack_one = |lua: &Lua, values: MultiValue| {
        let arguments = Arguments::new(lua, &values);
        unpack(lua, &arguments, 1, arguments.integer_or(2, 0)?)
    };
    table.raw_set("unpack_one", lua.create_function(unpack_one)?)?;
    let unpack_limit = |lua: &Lua, values: MultiValue| {
        let arguments = Arguments::new(lua, &values);
        unpack(lua, &arguments, arguments.integer(2)?, arguments.integer_or(3, 0)?)
    };
    table.raw_set("unpack_limit", lua.create_function(unpack_limit)?)?;
    Ok(table)
}

/// `pack(...)`.
fn pack(arguments: &Arguments<'_>, values: &MultiValue) -> mlua::Result<Vec<u8>> {
    if values.is_empty() {
        return Err(arguments.refuse(0, "MessagePack pack needs input."));
    }
    let mut packed = Vec::new();
    for value in values {
        put_value(&mut packed, value, 0)?;
    }
    Ok(packed)
}

fn put_value(packed: &mut Vec<u8>, value: &Value, level: usize) -> mlua::Result<()> {
    if packed.len() > TEXT_BYTES_MAX {
        return Err(Error::RuntimeError("string length overflow".to_owned()));
    }
    match value {
        Value::Boolean(truth) => packed.push(if *truth { 0xc3 } else { 0xc2 }),
        Value::Integer(number) => put_integer(packed, *number),
        Value::Number(number) => put_number(packed, *number),
        Value::String(text) => put_string(packed, &text.as_bytes()),
        Value::Table(table) if level < PACK_NESTING_MAX => put_table(packed, table, level)?,
        _ => packed.push(0xc0),
    }
    Ok(())
}

/// Appends a number that the binding holds for no integer.
#[expect(clippy::cast_possible_truncation, reason = "the result is compared with the double")]
#[expect(clippy::float_cmp, reason = "asks whether the shorter form says the same")]
fn put_number(packed: &mut Vec<u8>, number: f64) {
    let short = number as f32;
    if number == 0.0 {
        // The zero with a sign is an integer to this format.
        put_integer(packed, 0);
    } else if f64::from(short) == number {
        packed.push(0xca);
        packed.extend_from_slice(&short.to_be_bytes());
    } else {
        packed.push(0xcb);
        packed.extend_from_slice(&number.to_be_bytes());
    }
}

/// Appends an integer in the shortest form that holds it.
fn put_integer(packed: &mut Vec<u8>, number: i64) {
    let bytes = number.to_be_bytes();
    let (tag, length) = match number {
        -32..=127 => {
            packed.push(bytes[7]);
            return;
        }
        128..=0xff => (0xcc, 1),
        0x100..=0xffff => (0xcd, 2),
        0x1_0000..=0xffff_ffff => (0xce, 4),
        0x1_0000_0000.. => (0xcf, 8),
        -0x80..=-33 => (0xd0, 1),
        -0x8000..=-0x81 => (0xd1, 2),
        -0x8000_0000..=-0x8001 => (0xd2, 4),
        _ => (0xd3, 8),
    };
    packed.push(tag);
    packed.extend_from_slice(&bytes[8 - length..]);
}

fn put_string(packed: &mut Vec<u8>, text: &[u8]) {
    put_length(packed, text.len(), (0xa0, 32), &[(0xd9, 1), (0xda, 2), (0xdb, 4)]);
    packed.extend_from_slice(text);
}

/// Appends a length: within the tag if it is below the first form's limit, else in the shortest of
/// the forms (tag, bytes of length).
fn put_length(packed: &mut Vec<u8>, length: usize, short: (u8, usize), forms: &[(u8, usize)]) {
    let bytes = length.to_be_bytes();
    if length < short.1 {
        packed.push(short.0 | bytes[7]);
        return;
    }
    let fits = |form: &&(u8, usize)| form.1 == 4 || length >> (8 * form.1) == 0;
    if let Some((tag, width)) = forms.iter().find(fits) {
        packed.push(*tag);
        packed.extend_from_slice(&bytes[8 - width..]);
    }
}

fn put_table(packed: &mut Vec<u8>, table: &Table, level: usize) -> mlua::Result<()> {
    let (count, is_array) = shape(table)?;
    if is_array {
        let length = table.raw_len();
        put_length(packed, length, (0x90, 16), &[(0xdc, 2), (0xdd, 4)]);
        for index in 1..=length {
            put_value(packed, &table.get(index)?, level + 1)?;
        }
        return Ok(());
    }
    put_length(packed, count, (0x80, 16), &[(0xde, 2), (0xdf, 4)]);
    table.for_each(|key: Value, value: Value| {
        put_value(packed, &key, level + 1)?;
        put_value(packed, &value, level + 1)
    })
}

/// Returns how many entries a table has, and whether their keys are 1 to that number.
fn shape(table: &Table) -> mlua::Result<(usize, bool)> {
    let mut count = 0;
    let mut highest = 0;
    let mut is_array = true;
    table.for_each(|key: Value, _: bool| {
        count += 1;
        match key {
            Value::Integer(index) if index > 0 => highest = highest.max(index.cast_unsigned()),
            _ => is_array = false,
        }
        Ok(())
    })?;
    Ok((count, is_array && highest == count as u64))
}

/// Unpacks up to `limit` values from `offset` on; without either, all there are.
///
/// Where one of them is given, the results begin with the offset behind what was read, or -1 at the
/// end.
fn unpack(
    lua: &Lua,
    arguments: &Arguments<'_>,
    limit: i64,
    offset: i64,
) -> mlua::Result<MultiValue> {
    let data = arguments.string(1)?;
    let data = data.as_bytes();
    let (limit, offset) = (clamped(limit), clamped(offset));
    let (Ok(count_max), Ok(start)) = (usize::try_from(limit), usize::try_from(offset)) else {
        let length = data.len();
        let text =
            format!("Invalid request to unpack with offset of {offset} and limit of {length}.");
        return Err(arguments.fail(&text));
    };
    let Some(left) = data.get(start..) else {
        let text = format!("Start offset {start} greater than input length {}.", data.len());
        return Err(arguments.fail(&text));
    };
    let all = count_max == 0 && start == 0;
    let mut input = Input { lua, left, levels: Vec::new() };
    let mut values = MultiValue::new();
    while !input.left.is_empty() && (all || values.len() < count_max) {
        if values.len() >= RESULT_COUNT_MAX {
            return Err(arguments.fail(
                "stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)",
            ));
        }
        values.push_back(input.value()?);
    }
    if !all {
        values.push_front(behind(data.len(), input.left.len()));
    }
    Ok(values)
}

/// Cuts an integer argument down to C's `int`.
#[expect(clippy::cast_possible_truncation, reason = "it is what the originals do")]
fn clamped(number: i64) -> i32 {
    number as i32
}

/// Returns the offset behind what was read, or -1 at the end.
#[expect(clippy::cast_possible_wrap, reason = "no string is that long")]
fn behind(length: usize, left: usize) -> Value {
    Value::Integer(if left == 0 { -1 } else { (length - left) as i64 })
}

/// What is left to unpack.
struct Input<'a> {
    lua: &'a Lua,
    left: &'a [u8],
    /// The tables around the value that is read; not the machine's stack, which is shorter.
    levels: Vec<Level>,
}

/// A table that is being filled.
struct Level {
    table: Table,
    /// Elements, or keys and values, still to come.
    left: usize,
    place: Place,
}

/// Where the next value goes.
enum Place {
    Index(usize),
    Key,
    Value(Value),
}

/// What a tag begins.
enum Piece {
    Value(Value),
    Array(usize),
    Map(usize),
}

impl Input<'_> {
    /// Reads a value with all that is in it.
    fn value(&mut self) -> mlua::Result<Value> {
        loop {
            let mut value = match self.piece()? {
                Piece::Value(value) => value,
                Piece::Array(count) => {
                    let table = self.lua.create_table_with_capacity(count.min(ROOM_MAX), 0)?;
                    match self.open(table, count, Place::Index(1))? {
                        Some(empty) => Value::Table(empty),
                        None => continue,
                    }
                }
                Piece::Map(count) => {
                    match self.open(self.lua.create_table()?, 2 * count, Place::Key)? {
                        Some(empty) => Value::Table(empty),
                        None => continue,
                    }
                }
            };
            // A value may be the last of its table, which then is a value itself.
            loop {
                let Some(mut level) = self.levels.pop() else { return Ok(value) };
                level.put(value)?;
                if level.left > 0 {
                    self.levels.push(level);
                    break;
                }
                value = Value::Table(level.table);
            }
        }
    }

    /// Begins a table; gives it back if it is empty.
    fn open(&mut self, table: Table, left: usize, place: Place) -> mlua::Result<Option<Table>> {
        if self.levels.len() >= NESTING_MAX {
            let text = "stack overflow (in function mp_decode_to_lua_array)";
            return Err(fail(self.lua, text));
        }
        if left == 0 {
            return Ok(Some(table));
        }
        self.levels.push(Level { table, left, place });
        Ok(None)
    }

    /// Reads a value, or the count of what is in it.
    fn piece(&mut self) -> mlua::Result<Piece> {
        let [tag] = self.bytes()?;
        Ok(match tag {
            0x80..=0x8f => Piece::Map(usize::from(tag & 0xf)),
            0x90..=0x9f => Piece::Array(usize::from(tag & 0xf)),
            0xdc => Piece::Array(self.count(2)?),
            0xdd => Piece::Array(self.count(4)?),
            0xde => Piece::Map(self.count(2)?),
            0xdf => Piece::Map(self.count(4)?),
            _ => Piece::Value(self.scalar(tag)?),
        })
    }

    fn scalar(&mut self, tag: u8) -> mlua::Result<Value> {
        Ok(match tag {
            0x00..=0x7f => Value::Integer(i64::from(tag)),
            0xa0..=0xbf => self.string(usize::from(tag & 0x1f))?,
            0xc0 => Value::Nil,
            0xc2 | 0xc3 => Value::Boolean(tag == 0xc3),
            0xca => Value::Number(f64::from(f32::from_be_bytes(self.bytes()?))),
            0xcb => Value::Number(f64::from_be_bytes(self.bytes()?)),
            0xcc..=0xd3 => Value::Number(self.integer(tag)?),
            0xd9..=0xdb => {
                let length = self.count(1 << (tag - 0xd9))?;
                self.string(length)?
            }
            0xe0..=0xff => Value::Integer(i64::from(tag.cast_signed())),
            _ => return Err(fail(self.lua, "Bad data format in input.")),
        })
    }

    /// Takes the next bytes.
    fn take(&mut self, count: usize) -> mlua::Result<&[u8]> {
        let Some((taken, left)) = self.left.split_at_checked(count) else {
            return Err(fail(self.lua, "Missing bytes in input."));
        };
        self.left = left;
        Ok(taken)
    }

    fn bytes<const N: usize>(&mut self) -> mlua::Result<[u8; N]> {
        self.take(N).map(|taken| taken.try_into().unwrap_or([0; N]))
    }

    /// Reads an integer of the width and kind its tag says.
    #[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
    fn integer(&mut self, tag: u8) -> mlua::Result<f64> {
        Ok(match tag {
            0xcc => f64::from(u8::from_be_bytes(self.bytes()?)),
            0xcd => f64::from(u16::from_be_bytes(self.bytes()?)),
            0xce => f64::from(u32::from_be_bytes(self.bytes()?)),
            0xd0 => f64::from(i8::from_be_bytes(self.bytes()?)),
            0xd1 => f64::from(i16::from_be_bytes(self.bytes()?)),
            0xd2 => f64::from(i32::from_be_bytes(self.bytes()?)),
            // 64 bits are signed either way, as ever.
            _ => i64::from_be_bytes(self.bytes()?) as f64,
        })
    }

    /// Reads a count of so many bytes.
    fn count(&mut self, width: usize) -> mlua::Result<usize> {
        let bytes = self.take(width)?;
        Ok(bytes.iter().fold(0, |count, byte| count << 8 | usize::from(*byte)))
    }

    fn string(&mut self, length: usize) -> mlua::Result<Value> {
        let lua = self.lua;
        let bytes = self.take(length)?;
        Ok(Value::String(lua.create_string(bytes)?))
    }
}

impl Level {
    /// Puts the next value where it belongs.
    fn put(&mut self, value: Value) -> mlua::Result<()> {
        self.left -= 1;
        self.place = match mem::replace(&mut self.place, Place::Key) {
            Place::Index(index) => {
                self.table.raw_seti(index, value)?;
                Place::Index(index + 1)
            }
            Place::Key => Place::Value(value),
            Place::Value(key) => {
                check_key(&key)?;
                self.table.raw_set(key, value)?;
                Place::Key
            }
        };
        Ok(())
    }
}

/// Refuses what no table takes as a key.
fn check_key(key: &Value) -> mlua::Result<()> {
    match key {
        Value::Nil => Err(Error::RuntimeError("table index is nil".to_owned())),
        Value::Number(number) if number.is_nan() => {
            Err(Error::RuntimeError("table index is NaN".to_owned()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::script::libs::testing::evaluate;

    /// Returns what an expression packs, in hexadecimal.
    fn packed(arguments: &str) -> String {
        evaluate(&format!(
            "return (string.gsub(cmsgpack.pack({arguments}), '.', function(c)
                return string.format('%02x', string.byte(c)) end))"
        ))
    }

    #[test]
    fn numbers_take_the_shortest_form() {
        assert_eq!(
            packed("0, 127, 128, 255, 256, 65536, 2^32"),
            "007fccff".replace("ccff", "cc80ccff") + "cd0100ce00010000cf0000000100000000"
        );
        assert_eq!(
            packed("-1, -32, -33, -129, -32769, -2^31-1"),
            "ffe0d0dfd1ff7fd2ffff7fffd3ffffffff7fffffff"
        );
        assert_eq!(
            packed("0.5, 0.1, -0.0, math.huge, 2^63"),
            "ca3f000000cb3fb999999999999a00ca7f800000ca5f000000"
        );
    }

    #[test]
    fn tables_are_arrays_or_maps() {
        assert_eq!(packed("{}, {1,2}, {[2]=1}, {a=true}"), "9092010281020181a161c3");
        assert_eq!(packed("nil, print"), "c0c0");
    }

    #[test]
    fn what_is_nested_too_deeply_is_nil() {
        assert_eq!(
            packed("(function() local a = {} for _ = 1, 20 do a = {a} end return a end)()"),
            "91".repeat(16) + "c0"
        );
        assert_eq!(
            packed("(function() local a = {} a.x = a return a end)()"),
            "81a178".repeat(16) + "c0"
        );
    }

    #[test]
    fn values_come_back() {
        let source = "local t = cmsgpack.unpack(cmsgpack.pack({a = {1, 'x', -5, 1.5, false}}))
            return #t.a, unpack(t.a)";
        assert_eq!(evaluate(source), "5,1,x,-5,1.5,false");
        assert_eq!(evaluate("return cmsgpack.unpack(cmsgpack.pack(1, nil, 'b'))"), "1,nil,b");
        let source =
            "return cmsgpack.unpack(cmsgpack.pack(string.rep('x', 300))) == string.rep('x', 300)";
        assert_eq!(evaluate(source), "true");
    }

    #[test]
    fn a_stream_is_read_piece_by_piece() {
        assert_eq!(evaluate("return cmsgpack.unpack_one('abc')"), "1,97");
        assert_eq!(evaluate("return cmsgpack.unpack_one('abc', 2)"), "-1,99");
        assert_eq!(evaluate("return cmsgpack.unpack_limit('abc', 2)"), "2,97,98");
        let text = "t:1: Start offset 9 greater than input length 3.";
        assert_eq!(evaluate("return cmsgpack.unpack_one('abc', 9)"), text);
        let text = "t:1: Invalid request to unpack with offset of 2 and limit of 3.";
        assert_eq!(evaluate("return cmsgpack.unpack_limit('abc', -1, 2)"), text);
    }

    #[test]
    fn lies_about_lengths_are_refused() {
        let missing = "t:1: Missing bytes in input.";
        for input in [
            "\\217",
            "\\219\\255\\255\\255\\255",
            "\\221\\255\\255\\255\\255",
            "\\223\\255\\255\\255\\255",
            "\\203\\1",
        ] {
            assert_eq!(evaluate(&format!("return cmsgpack.unpack('{input}')")), missing, "{input}");
        }
        assert_eq!(evaluate("return cmsgpack.unpack('\\193')"), "t:1: Bad data format in input.");
    }

    #[test]
    fn hostile_nesting_and_counts_end_in_an_error() {
        let text = "t:1: stack overflow (in function mp_decode_to_lua_array)";
        assert_eq!(evaluate("return cmsgpack.unpack(string.rep('\\145', 1e6))"), text);
        assert_eq!(
            evaluate("return cmsgpack.unpack(string.rep('\\161x', 1e5))"),
            "t:1: stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)"
        );
    }
}
