//! What a script can set up in `cjson`, and the functions that do it and answer with what holds.

use std::cell::Cell;
use std::rc::Rc;

use mlua::{IntoLuaMulti, Lua, MultiValue, Table, Value};

use crate::script::libs::arguments::Arguments;

/// The largest number most settings take.
const LIMIT_MAX: i32 = i32::MAX;
/// Digits of a number at most, and by default.
const PRECISION_MAX: i32 = 14;

/// What becomes of numbers that JSON has no form for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InvalidNumbers {
    Refuse,
    Accept,
    /// Written as null.
    Null,
}

/// The settings of one `cjson` table.
#[derive(Clone, Debug)]
pub(in crate::script::libs) struct Settings {
    pub(super) sparse_as_object: Cell<bool>,
    pub(super) sparse_ratio: Cell<i32>,
    pub(super) sparse_safe: Cell<i32>,
    pub(super) encode_depth_max: Cell<i32>,
    pub(super) decode_depth_max: Cell<i32>,
    pub(super) precision: Cell<i32>,
    /// Has no effect: buffers are not kept.
    keep_buffer: Cell<bool>,
    pub(super) encode_invalid: Cell<InvalidNumbers>,
    pub(super) decode_invalid: Cell<InvalidNumbers>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sparse_as_object: Cell::new(false),
            sparse_ratio: Cell::new(2),
            sparse_safe: Cell::new(10),
            encode_depth_max: Cell::new(1000),
            decode_depth_max: Cell::new(1000),
            precision: Cell::new(PRECISION_MAX),
            keep_buffer: Cell::new(true),
            encode_invalid: Cell::new(InvalidNumbers::Refuse),
            decode_invalid: Cell::new(InvalidNumbers::Accept),
        }
    }
}

impl Settings {
    /// Sets all back to what they are at first.
    pub(in crate::script::libs) fn reset(&self) {
        let first = Self::default();
        self.sparse_as_object.swap(&first.sparse_as_object);
        self.sparse_ratio.swap(&first.sparse_ratio);
        self.sparse_safe.swap(&first.sparse_safe);
        self.encode_depth_max.swap(&first.encode_depth_max);
        self.decode_depth_max.swap(&first.decode_depth_max);
        self.precision.swap(&first.precision);
        self.keep_buffer.swap(&first.keep_buffer);
        self.encode_invalid.swap(&first.encode_invalid);
        self.decode_invalid.swap(&first.decode_invalid);
    }
}

/// Puts the functions that set the settings into the table.
pub(super) fn define(lua: &Lua, table: &Table, settings: &Rc<Settings>) -> mlua::Result<()> {
    setter(lua, table, settings, ("encode_sparse_array", 3), |settings, arguments| {
        let convert = switch(arguments, 1, &settings.sparse_as_object)?;
        let ratio = number(arguments, 2, &settings.sparse_ratio, 0, LIMIT_MAX)?;
        let safe = number(arguments, 3, &settings.sparse_safe, 0, LIMIT_MAX)?;
        Ok(vec![convert, ratio, safe])
    })?;
    setter(lua, table, settings, ("encode_max_depth", 1), |settings, arguments| {
        Ok(vec![number(arguments, 1, &settings.encode_depth_max, 1, LIMIT_MAX)?])
    })?;
    setter(lua, table, settings, ("decode_max_depth", 1), |settings, arguments| {
        Ok(vec![number(arguments, 1, &settings.decode_depth_max, 1, LIMIT_MAX)?])
    })?;
    setter(lua, table, settings, ("encode_number_precision", 1), |settings, arguments| {
        Ok(vec![number(arguments, 1, &settings.precision, 1, PRECISION_MAX)?])
    })?;
    setter(lua, table, settings, ("encode_keep_buffer", 1), |settings, arguments| {
        Ok(vec![switch(arguments, 1, &settings.keep_buffer)?])
    })?;
    setter(lua, table, settings, ("encode_invalid_numbers", 1), |settings, arguments| {
        Ok(vec![invalid_numbers(arguments, &settings.encode_invalid, &["off", "on", "null"])?])
    })?;
    setter(lua, table, settings, ("decode_invalid_numbers", 1), |settings, arguments| {
        Ok(vec![invalid_numbers(arguments, &settings.decode_invalid, &["off", "on"])?])
    })
}

/// Puts one function, which takes so many arguments, into the table.
fn setter(
    lua: &Lua,
    table: &Table,
    settings: &Rc<Settings>,
    (name, count_max): (&str, usize),
    run: fn(&Settings, &Arguments<'_>) -> mlua::Result<Vec<Answer>>,
) -> mlua::Result<()> {
    let settings = Rc::clone(settings);
    let function = lua.create_function(move |lua, values: MultiValue| {
        let arguments = Arguments::new(lua, &values);
        if arguments.len() > count_max {
            return Err(arguments.refuse(count_max + 1, "found too many arguments"));
        }
        let answers = run(&settings, &arguments)?;
        let values = answers.into_iter().map(|answer| answer.into_value(lua));
        values.collect::<mlua::Result<MultiValue>>()?.into_lua_multi(lua)
    })?;
    table.raw_set(name, function)
}

/// What holds after a call.
enum Answer {
    Switch(bool),
    Number(i32),
    Word(&'static str),
}

impl Answer {
    fn into_value(self, lua: &Lua) -> mlua::Result<Value> {
        Ok(match self {
            Self::Switch(on) => Value::Boolean(on),
            Self::Number(number) => Value::Integer(i64::from(number)),
            Self::Word(word) => Value::String(lua.create_string(word)?),
        })
    }
}

/// Sets a number if one is given.
fn number(
    arguments: &Arguments<'_>,
    position: usize,
    setting: &Cell<i32>,
    lowest: i32,
    highest: i32,
) -> mlua::Result<Answer> {
    if !arguments.is_absent(position) {
        let value = Some(int(arguments.integer(position)?));
        let value = value.filter(|value| (lowest..=highest).contains(value));
        let text = || format!("expected integer between {lowest} and {highest}");
        // The refusal names the first argument, whichever it is.
        setting.set(value.ok_or_else(|| arguments.refuse(1, &text()))?);
    }
    Ok(Answer::Number(setting.get()))
}

/// Cuts an argument down to C's `int`.
#[expect(clippy::cast_possible_truncation, reason = "it is what the originals do")]
fn int(number: i64) -> i32 {
    number as i32
}

/// Sets a switch if a boolean, `on` or `off` is given.
fn switch(
    arguments: &Arguments<'_>,
    position: usize,
    setting: &Cell<bool>,
) -> mlua::Result<Answer> {
    if let Some(index) = choice(arguments, position, &["off", "on"])? {
        setting.set(index == 1);
    }
    Ok(Answer::Switch(setting.get()))
}

/// Sets how numbers without a form in JSON are treated, if that is given.
fn invalid_numbers(
    arguments: &Arguments<'_>,
    setting: &Cell<InvalidNumbers>,
    words: &[&'static str],
) -> mlua::Result<Answer> {
    match choice(arguments, 1, words)? {
        Some(0) => setting.set(InvalidNumbers::Refuse),
        Some(1) => setting.set(InvalidNumbers::Accept),
        Some(_) => setting.set(InvalidNumbers::Null),
        None => {}
    }
    Ok(match setting.get() {
        InvalidNumbers::Refuse => Answer::Switch(false),
        InvalidNumbers::Accept => Answer::Switch(true),
        InvalidNumbers::Null => Answer::Word("null"),
    })
}

/// Returns which of the words an argument is; false and true stand for the first two.
fn choice(
    arguments: &Arguments<'_>,
    position: usize,
    words: &[&str],
) -> mlua::Result<Option<usize>> {
    if arguments.is_absent(position) {
        return Ok(None);
    }
    if let Some(Value::Boolean(on)) = arguments.value(position) {
        return Ok(Some(usize::from(*on)));
    }
    let text = arguments.string(position)?;
    let text = text.as_bytes();
    let index = words.iter().position(|word| word.as_bytes() == &*text);
    let shown = String::from_utf8_lossy(&text);
    match index {
        Some(index) => Ok(Some(index)),
        None => Err(arguments.refuse(position, &format!("invalid option '{shown}'"))),
    }
}

#[cfg(test)]
mod tests {
    use crate::script::libs::testing::evaluate;

    #[test]
    fn settings_answer_with_what_holds() {
        assert_eq!(evaluate("return cjson.encode_sparse_array()"), "false,2,10");
        assert_eq!(evaluate("return cjson.encode_sparse_array(true, nil, 5)"), "true,2,5");
        assert_eq!(evaluate("return cjson.encode_max_depth()"), "1000");
        assert_eq!(evaluate("return cjson.decode_max_depth(7)"), "7");
        assert_eq!(evaluate("return cjson.encode_number_precision('3')"), "3");
        assert_eq!(evaluate("return cjson.encode_keep_buffer('off')"), "false");
        assert_eq!(evaluate("return cjson.encode_invalid_numbers('null')"), "null");
        assert_eq!(evaluate("return cjson.decode_invalid_numbers()"), "true");
    }

    #[test]
    fn values_that_no_setting_takes_are_refused() {
        let text = "t:1: bad argument #1 to 'encode_max_depth' (expected integer between 1 and 2147483647)";
        assert_eq!(evaluate("return cjson.encode_max_depth(0)"), text);
        let text = "t:1: bad argument #2 to 'encode_max_depth' (found too many arguments)";
        assert_eq!(evaluate("return cjson.encode_max_depth(1, 2)"), text);
        let text = "t:1: bad argument #1 to 'decode_invalid_numbers' (invalid option 'null')";
        assert_eq!(evaluate("return cjson.decode_invalid_numbers('null')"), text);
    }

    #[test]
    fn a_new_library_has_settings_of_its_own() {
        let source = "local other = cjson.new() other.encode_max_depth(3)
            return cjson.encode_max_depth(), other.encode_max_depth()";
        assert_eq!(evaluate(source), "1000,3");
    }
}
