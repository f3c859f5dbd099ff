//! The library `struct`: values laid out as C structures are, by a format of letters.
//!
//! `b B h H l L T i I` are integers (signed when lower case; a number may follow `i` and `I`), `f d`
//! floats, `x` a byte of padding, `s` a string ended by a zero, `cN` a string of N bytes (`c0`: as many
//! as the value before says); `<` and `>` choose the byte order, `!N` the alignment, a
//! space means nothing. The format's model is Roberto Ierusalimschy's library of that name.

use mlua::{Lua, MultiValue, Table, Value};

use super::arguments::{Arguments, until_zero};
use super::{RESULT_COUNT_MAX, TEXT_BYTES_MAX};

/// Bytes of the longest integer.
const INTEGER_BYTES_MAX: usize = 32;
/// Alignment a bare `!` asks for.
const ALIGNMENT: usize = 8;

/// Makes the table of this library.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    let pack = |lua: &Lua, values: MultiValue| {
        let bytes = pack(&Arguments::new(lua, &values))?;
        lua.create_string(bytes)
    };
    table.raw_set("pack", lua.create_function(pack)?)?;
    let unpack = |lua: &Lua, values: MultiValue| unpack(lua, &Arguments::new(lua, &values));
    table.raw_set("unpack", lua.create_function(unpack)?)?;
    let size = |lua: &Lua, values: MultiValue| size(&Arguments::new(lua, &values));
    table.raw_set("size", lua.create_function(size)?)?;
    Ok(table)
}

/// Walks over a format and keeps what its control letters set.
struct Format<'a> {
    arguments: &'a Arguments<'a>,
    text: &'a [u8],
    alignment: usize,
    big_endian: bool,
}

/// One letter of a format with the bytes its value takes; 0 where that depends on the value.
struct Item {
    letter: u8,
    size: usize,
}

impl<'a> Format<'a> {
    fn new(arguments: &'a Arguments<'a>, text: &'a [u8]) -> Self {
        Self {
            arguments,
            text: until_zero(text),
            alignment: 1,
            big_endian: cfg!(target_endian = "big"),
        }
    }

    /// Returns the next letter, or `None` at the end.
    fn next(&mut self) -> mlua::Result<Option<Item>> {
        let Some((&letter, rest)) = self.text.split_first() else { return Ok(None) };
        self.text = rest;
        let size = match letter {
            b'b' | b'B' | b'x' => 1,
            b'h' | b'H' => 2,
            b'l' | b'L' | b'T' | b'd' => 8,
            b'f' => 4,
            b'c' => self.count(1)?,
            b'i' | b'I' => self.integer_bytes()?,
            _ => 0,
        };
        Ok(Some(Item { letter, size }))
    }

    fn integer_bytes(&mut self) -> mlua::Result<usize> {
        let size = self.count(4)?;
        if size > INTEGER_BYTES_MAX {
            let text = format!("integral size {size} is larger than limit of {INTEGER_BYTES_MAX}");
            return Err(self.arguments.fail(&text));
        }
        Ok(size)
    }

    /// Reads the number behind a letter; at most C's largest `int`.
    fn count(&mut self, absent: usize) -> mlua::Result<usize> {
        let mut count: Option<i32> = None;
        while let Some((digit, rest)) = self.text.split_first() {
            if !digit.is_ascii_digit() {
                break;
            }
            self.text = rest;
            let value = count.unwrap_or(0).checked_mul(10);
            let value = value.and_then(|value| value.checked_add(i32::from(digit - b'0')));
            count = Some(value.ok_or_else(|| self.arguments.fail("integral size overflow"))?);
        }
        Ok(count.and_then(|count| usize::try_from(count).ok()).unwrap_or(absent))
    }

    /// Returns the bytes of padding before an item at an offset.
    fn padding(&self, offset: usize, item: &Item) -> usize {
        if item.size == 0 || item.letter == b'c' {
            return 0;
        }
        let mask = item.size.min(self.alignment) - 1;
        // Sizes that are no power of two are masked all the same, as ever.
        (mask + 1).wrapping_sub(offset & mask) & mask
    }

    /// Carries out a letter that stands for no value.
    fn control(&mut self, letter: u8) -> mlua::Result<()> {
        match letter {
            b' ' => {}
            b'>' => self.big_endian = true,
            b'<' => self.big_endian = false,
            b'!' => {
                let alignment = self.count(ALIGNMENT)?;
                if !alignment.is_power_of_two() {
                    let text = format!("alignment {alignment} is not a power of 2");
                    return Err(self.arguments.fail(&text));
                }
                self.alignment = alignment;
            }
            other => {
                let other = String::from_utf8_lossy(&[other]).into_owned();
                let text = format!("invalid format option '{other}'");
                return Err(self.arguments.refuse(1, &text));
            }
        }
        Ok(())
    }
}

/// `pack(format, ...)`.
fn pack(arguments: &Arguments<'_>) -> mlua::Result<Vec<u8>> {
    let text = arguments.string(1)?;
    let text = text.as_bytes();
    let mut format = Format::new(arguments, &text);
    let mut packed = Vec::new();
    let mut position = 2;
    while let Some(item) = format.next()? {
        let padding = format.padding(packed.len(), &item);
        packed.resize(packed.len() + padding, 0);
        match item.letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let number = number(arguments, position)?;
                put_integer(&mut packed, number, item.size, format.big_endian);
                position += 1;
            }
            b'x' => packed.push(0),
            b'f' | b'd' => {
                let number = number(arguments, position)?;
                put_float(&mut packed, number, item.size, format.big_endian);
                position += 1;
            }
            b'c' | b's' => {
                position += 1;
                put_string(&mut packed, arguments, position, &item)?;
            }
            letter => format.control(letter)?,
        }
        if packed.len() > TEXT_BYTES_MAX {
            return Err(arguments.fail("string length overflow"));
        }
    }
    Ok(packed)
}

/// Returns a numeric argument; the first missing one reads as nil, as it always did.
fn number(arguments: &Arguments<'_>, position: usize) -> mlua::Result<f64> {
    let number = arguments.number(position);
    if position == arguments.len() + 1 {
        return Err(arguments.refuse(position, "number expected, got nil"));
    }
    number
}

/// Appends a string; `position` is the one behind it, which is the one its refusal names.
fn put_string(
    packed: &mut Vec<u8>,
    arguments: &Arguments<'_>,
    position: usize,
    item: &Item,
) -> mlua::Result<()> {
    if position == arguments.len() + 2 {
        return Err(arguments.refuse(position - 1, "string expected, got nil"));
    }
    let text = arguments.string(position - 1)?;
    let text = text.as_bytes();
    let length = if item.size == 0 { text.len() } else { item.size };
    let wanted = text.get(..length);
    packed.extend_from_slice(wanted.ok_or_else(|| arguments.refuse(position, "string too short"))?);
    if item.letter == b's' {
        packed.push(0);
    }
    Ok(())
}

/// Appends the low bytes of an integer; those beyond eight are zero.
fn put_integer(packed: &mut Vec<u8>, number: f64, size: usize, big_endian: bool) {
    let mut bytes = [0; INTEGER_BYTES_MAX];
    bytes[..8].copy_from_slice(&wrapped(number).to_le_bytes());
    if big_endian {
        packed.extend(bytes[..size].iter().rev());
    } else {
        packed.extend_from_slice(&bytes[..size]);
    }
}

/// Returns the 64 bits of an integral number, negative ones as their complement.
#[expect(clippy::cast_possible_truncation, reason = "numbers beyond 64 bits have no meaning here")]
#[expect(clippy::cast_sign_loss, reason = "negative numbers take the other branch")]
fn wrapped(number: f64) -> u64 {
    match number {
        _ if number < 0.0 => (number as i64).cast_unsigned(),
        // What does not fit is zero, as the processor's conversion leaves it.
        _ if number >= 2.0_f64.powi(64) => 0,
        _ => number as u64,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the format asks for the shorter float")]
fn put_float(packed: &mut Vec<u8>, number: f64, size: usize, big_endian: bool) {
    match (size, big_endian) {
        (4, true) => packed.extend_from_slice(&(number as f32).to_be_bytes()),
        (4, false) => packed.extend_from_slice(&(number as f32).to_le_bytes()),
        (_, true) => packed.extend_from_slice(&number.to_be_bytes()),
        (_, false) => packed.extend_from_slice(&number.to_le_bytes()),
    }
}

/// `unpack(format, data [, position])`: the values, then the position behind them.
fn unpack(lua: &Lua, arguments: &Arguments<'_>) -> mlua::Result<MultiValue> {
    let text = arguments.string(1)?;
    let text = text.as_bytes();
    let data = arguments.string(2)?;
    let data = data.as_bytes();
    let start = arguments.integer_or(3, 1)?;
    if start == 0 {
        return Err(arguments.refuse(3, "offset must be 1 or greater"));
    }
    // Negative positions wrap around and lie behind all data.
    let mut offset = usize::try_from(start.cast_unsigned()).unwrap_or(usize::MAX).wrapping_sub(1);
    let mut format = Format::new(arguments, &text);
    let mut results = MultiValue::new();
    while let Some(item) = format.next()? {
        offset = offset.wrapping_add(format.padding(offset, &item));
        let too_short = || arguments.refuse(2, "data string too short");
        let rest = data.get(offset..).ok_or_else(too_short)?;
        let bytes = rest.get(..item.size).ok_or_else(too_short)?;
        if results.len() >= RESULT_COUNT_MAX {
            return Err(arguments.fail("stack overflow (too many results)"));
        }
        offset += match item.letter {
            b'c' if item.size == 0 => {
                let length = previous_size(arguments, &mut results)?;
                let bytes = rest.get(..length).ok_or_else(too_short)?;
                results.push_back(Value::String(lua.create_string(bytes)?));
                length
            }
            b's' => {
                let end = memchr::memchr(0, rest);
                let end = end.ok_or_else(|| arguments.fail("unfinished string in data"))?;
                results.push_back(Value::String(lua.create_string(&rest[..end])?));
                end + 1
            }
            letter => {
                match value(lua, letter, bytes, format.big_endian)? {
                    Some(value) => results.push_back(value),
                    None if letter == b'x' => {}
                    None => format.control(letter)?,
                }
                item.size
            }
        };
    }
    let behind = offset.wrapping_add(1).cast_signed();
    results.push_back(Value::Integer(i64::try_from(behind).unwrap_or(i64::MAX)));
    Ok(results)
}

/// Returns the value that bytes spell, or `None` for a letter without one.
fn value(lua: &Lua, letter: u8, bytes: &[u8], big_endian: bool) -> mlua::Result<Option<Value>> {
    Ok(match letter {
        b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
            Some(Value::Number(integer(bytes, letter.is_ascii_lowercase(), big_endian)))
        }
        b'f' | b'd' => Some(Value::Number(float(bytes, big_endian))),
        b'c' => Some(Value::String(lua.create_string(bytes)?)),
        _ => None,
    })
}

/// Takes back the number just unpacked, which is the length of what follows.
#[expect(clippy::cast_possible_truncation, reason = "saturates: longer than any data")]
#[expect(clippy::cast_sign_loss, reason = "negative lengths are made too large")]
fn previous_size(arguments: &Arguments<'_>, results: &mut MultiValue) -> mlua::Result<usize> {
    let missing = || arguments.fail("format 'c0' needs a previous size");
    let number = match results.pop_back() {
        Some(Value::Number(number)) => number,
        Some(text @ Value::String(_)) => arguments.coerced(&text)?.ok_or_else(missing)?,
        _ => return Err(missing()),
    };
    Ok(if number <= -1.0 { usize::MAX } else { number as usize })
}

/// Reads an integer of any size, modulo 2^64.
#[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
fn integer(bytes: &[u8], signed: bool, big_endian: bool) -> f64 {
    let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    let value =
        if big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) };
    if !signed {
        return value as f64;
    }
    // The sign of an integer longer than eight bytes is looked for where the processor's shift,
    // which counts modulo 64, looks for it.
    let mask = u64::MAX << ((bytes.len() * 8).wrapping_sub(1) & 63);
    let extended = if value & mask == 0 { value } else { value | mask };
    extended.cast_signed() as f64
}

fn float(bytes: &[u8], big_endian: bool) -> f64 {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return f64::from(if big_endian {
            f32::from_be_bytes(bytes)
        } else {
            f32::from_le_bytes(bytes)
        });
    }
    let bytes = <[u8; 8]>::try_from(bytes).unwrap_or_default();
    if big_endian { f64::from_be_bytes(bytes) } else { f64::from_le_bytes(bytes) }
}

/// `size(format)`.
fn size(arguments: &Arguments<'_>) -> mlua::Result<usize> {
    let text = arguments.string(1)?;
    let text = text.as_bytes();
    let mut format = Format::new(arguments, &text);
    let mut offset = 0;
    while let Some(item) = format.next()? {
        offset += format.padding(offset, &item);
        match item.letter {
            b's' => return Err(arguments.refuse(1, "option 's' has no fixed size")),
            b'c' if item.size == 0 => {
                return Err(arguments.refuse(1, "option 'c0' has no fixed size"));
            }
            letter if !letter.is_ascii_alphanumeric() => format.control(letter)?,
            _ => {}
        }
        offset += item.size;
    }
    Ok(offset)
}

#[cfg(test)]
mod tests {
    use crate::script::libs::testing::evaluate;

    /// Returns what an expression packs, in hexadecimal.
    fn packed(arguments: &str) -> String {
        evaluate(&format!(
            "return (string.gsub(struct.pack({arguments}), '.', function(c)
                return string.format('%02x', string.byte(c)) end))"
        ))
    }

    #[test]
    fn integers_are_laid_out_in_the_order_asked_for() {
        assert_eq!(packed("'<i>i', 1, 2"), "0100000000000002");
        assert_eq!(packed("'>I3h', 0x010203, -2"), "010203fffe");
        assert_eq!(packed("'<i9', -1"), "ffffffffffffffff00");
    }

    #[test]
    fn values_are_aligned_when_asked() {
        assert_eq!(packed("'<!4bi', 1, 2"), "0100000002000000");
        assert_eq!(packed("'bxh', 1, 2"), "01000200");
        assert_eq!(evaluate("return struct.size('!bd')"), "16");
        assert_eq!(evaluate("return struct.size('bd')"), "9");
    }

    #[test]
    fn strings_end_with_a_zero_or_have_a_length() {
        assert_eq!(packed("'sc2c0', 'ab', 'cde', 'f'"), "6162006364".to_owned() + "66");
        assert_eq!(evaluate("return struct.unpack('sBc0', 'ab\\0\\2cde')"), "ab,cd,7");
    }

    #[test]
    fn numbers_come_back() {
        let source = "return struct.unpack('<ifdb', struct.pack('<ifdb', -5, 0.5, 1.25, -1))";
        assert_eq!(evaluate(source), "-5,0.5,1.25,-1,18");
        assert_eq!(
            evaluate("return struct.unpack('I8', string.rep('\\255', 8))"),
            "18446744073709552000,9"
        );
    }

    #[test]
    fn lies_about_lengths_are_refused() {
        let short = "t:1: bad argument #2 to 'unpack' (data string too short)";
        assert_eq!(evaluate("return struct.unpack('i', 'abc')"), short);
        assert_eq!(evaluate("return struct.unpack('c2147483647', 'abc')"), short);
        assert_eq!(evaluate("return struct.unpack('bc0', '\\255abc')"), short);
        assert_eq!(evaluate("return struct.unpack('b', 'abc', 2^53)"), short);
        assert_eq!(
            evaluate("return struct.pack('c99999999999', 'a')"),
            "t:1: integral size overflow"
        );
        let few = "t:1: bad argument #3 to 'pack' (string too short)";
        assert_eq!(evaluate("return struct.pack('c2147483647', 'a')"), few);
        let text = "t:1: integral size 33 is larger than limit of 32";
        assert_eq!(evaluate("return struct.pack('i33', 1)"), text);
    }

    #[test]
    fn mistakes_in_formats_are_named() {
        let text = "t:1: bad argument #1 to 'pack' (invalid format option 'Z')";
        assert_eq!(evaluate("return struct.pack('Z', 1)"), text);
        assert_eq!(evaluate("return struct.pack('!3', 1)"), "t:1: alignment 3 is not a power of 2");
        let text = "t:1: bad argument #2 to 'pack' (number expected, got nil)";
        assert_eq!(evaluate("return struct.pack('i')"), text);
        let text = "t:1: bad argument #1 to 'size' (option 's' has no fixed size)";
        assert_eq!(evaluate("return struct.size('s')"), text);
        assert_eq!(
            evaluate("return struct.unpack('c0', 'abc')"),
            "t:1: format 'c0' needs a previous size"
        );
    }
}
