//! The library `bit`: operations on 32-bit integers, whose results are signed.
//!
//! Numbers are taken modulo 2^32, rounded to the nearest even one. That rule, and the names, are those
//! of Mike Pall's BitOp, whose trick does the rounding: adding 2^52 + 2^51 leaves the wanted bits in the
//! low half of the double.

use mlua::{IntoLua, Lua, MultiValue, Table};

use super::arguments::Arguments;

/// Shifts a double's integral part into the low bits of its mantissa.
const ROUNDING: f64 = 6_755_399_441_055_744.0;

/// Digits `tohex` writes by default, and at most.
const DIGIT_COUNT_MAX: usize = 8;

/// Makes the table of this library.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    unary(lua, &table, "tobit", |bits| bits)?;
    unary(lua, &table, "bnot", |bits| !bits)?;
    unary(lua, &table, "bswap", u32::swap_bytes)?;
    folding(lua, &table, "band", |left, right| left & right)?;
    folding(lua, &table, "bor", |left, right| left | right)?;
    folding(lua, &table, "bxor", |left, right| left ^ right)?;
    shifting(lua, &table, "lshift", u32::wrapping_shl)?;
    shifting(lua, &table, "rshift", u32::wrapping_shr)?;
    shifting(lua, &table, "arshift", |bits, by| {
        bits.cast_signed().wrapping_shr(by).cast_unsigned()
    })?;
    shifting(lua, &table, "rol", |bits, by| bits.rotate_left(by & 31))?;
    shifting(lua, &table, "ror", |bits, by| bits.rotate_right(by & 31))?;
    define(lua, &table, "tohex", to_hexadecimal)?;
    Ok(table)
}

/// Puts a function into the table.
fn define<R: IntoLua>(
    lua: &Lua,
    table: &Table,
    name: &str,
    run: impl Fn(&Arguments<'_>) -> mlua::Result<R> + 'static,
) -> mlua::Result<()> {
    let function =
        lua.create_function(move |lua, values: MultiValue| run(&Arguments::new(lua, &values)))?;
    table.raw_set(name, function)
}

fn unary(lua: &Lua, table: &Table, name: &str, run: fn(u32) -> u32) -> mlua::Result<()> {
    define(lua, table, name, move |arguments| Ok(run(bits(arguments, 1)?).cast_signed()))
}

fn folding(lua: &Lua, table: &Table, name: &str, run: fn(u32, u32) -> u32) -> mlua::Result<()> {
    define(lua, table, name, move |arguments| {
        let first = bits(arguments, 1)?;
        // The last one first: it shows when several are no numbers.
        let folded = (2..=arguments.len())
            .rev()
            .try_fold(first, |folded, position| Ok(run(folded, bits(arguments, position)?)));
        folded.map(u32::cast_signed)
    })
}

fn shifting(lua: &Lua, table: &Table, name: &str, run: fn(u32, u32) -> u32) -> mlua::Result<()> {
    define(lua, table, name, move |arguments| {
        let value = bits(arguments, 1)?;
        Ok(run(value, bits(arguments, 2)?).cast_signed())
    })
}

/// Returns the 32 bits of a numeric argument.
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
fn bits(arguments: &Arguments<'_>, position: usize) -> mlua::Result<u32> {
    Ok((arguments.number(position)? + ROUNDING).to_bits() as u32)
}

/// `tohex(value [, digits])`: a negative count of digits asks for capitals.
fn to_hexadecimal(arguments: &Arguments<'_>) -> mlua::Result<String> {
    let value = bits(arguments, 1)?;
    let wanted = if arguments.len() < 2 { 8 } else { bits(arguments, 2)?.cast_signed() };
    let count = wanted.unsigned_abs().min(8) as usize;
    let digits = if wanted < 0 { format!("{value:08X}") } else { format!("{value:08x}") };
    Ok(digits[DIGIT_COUNT_MAX - count..].to_owned())
}

#[cfg(test)]
mod tests {
    use crate::script::libs::testing::evaluate;

    #[test]
    fn results_are_signed() {
        assert_eq!(evaluate("return bit.bnot(0)"), "-1");
        assert_eq!(evaluate("return bit.tobit(0xffffffff)"), "-1");
        assert_eq!(evaluate("return bit.lshift(1, 31)"), "-2147483648");
        assert_eq!(evaluate("return bit.bxor(1, 3, 7)"), "5");
        assert_eq!(evaluate("return bit.arshift(-8, 1)"), "-4");
        assert_eq!(evaluate("return bit.bswap(0x12345678)"), "2018915346");
    }

    #[test]
    fn counts_of_shifts_are_taken_modulo_32() {
        assert_eq!(evaluate("return bit.lshift(1, 33)"), "2");
        assert_eq!(evaluate("return bit.rol(0x12345678, 36)"), "591751041");
        assert_eq!(evaluate("return bit.ror(1, -31)"), "-2147483648");
    }

    #[test]
    fn numbers_wrap_and_round_to_even() {
        assert_eq!(evaluate("return bit.tobit(0xffffffff + 2)"), "1");
        assert_eq!(evaluate("return bit.tobit(2.5)"), "2");
        assert_eq!(evaluate("return bit.tobit(3.5)"), "4");
        assert_eq!(evaluate("return bit.tobit('7')"), "7");
    }

    #[test]
    fn hexadecimal_text_has_the_digits_asked_for() {
        assert_eq!(evaluate("return bit.tohex(-1)"), "ffffffff");
        assert_eq!(evaluate("return bit.tohex(255, -4)"), "00FF");
        assert_eq!(evaluate("return bit.tohex(1, 0)"), "");
        assert_eq!(evaluate("return bit.tohex(1, -2147483648)"), "00000001");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let text = "t:1: bad argument #1 to 'band' (number expected, got no value)";
        assert_eq!(evaluate("return bit.band()"), text);
        let text = "t:1: bad argument #2 to 'bor' (number expected, got string)";
        assert_eq!(evaluate("return bit.bor(1, 'x')"), text);
    }
}
