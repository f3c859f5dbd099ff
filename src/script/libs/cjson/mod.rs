//! The library `cjson`: Lua values as JSON and back.
//!
//! A table whose keys are all positive integers is an array, unless it is empty (`{}` is an object) or
//! has too many holes; JSON's null is the light userdata `cjson.null`. The model is Mark Pulford's
//! lua-cjson 2.1, whose peculiarities scripts rely on: slashes are escaped, numbers have 14 digits,
//! `nan`, `inf`, hexadecimal digits and leading zeros are read unless forbidden, and a zero byte ends a
//! document.

use std::rc::Rc;

use mlua::{Function, Lua, MultiValue, Table, Value};

use super::arguments::Arguments;

mod decode;
mod encode;
mod settings;
mod tokens;

pub(super) use settings::Settings;

/// Makes the table of this library with its settings.
pub(super) fn table(lua: &Lua, settings: &Rc<Settings>) -> mlua::Result<Table> {
    let next: Function = lua.globals().raw_get("next")?;
    table_with(lua, &next, settings)
}

fn table_with(lua: &Lua, next: &Function, settings: &Rc<Settings>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("_NAME", "cjson")?;
    table.raw_set("_VERSION", "2.1.0")?;
    table.raw_set("null", Value::NULL)?;
    let own = Rc::clone(settings);
    let iterate = next.clone();
    let encode = move |lua: &Lua, values: MultiValue| {
        let text = encode::encode(lua, &iterate, only(lua, &values)?, &own)?;
        lua.create_string(text)
    };
    table.raw_set("encode", lua.create_function(encode)?)?;
    let own = Rc::clone(settings);
    let decode = move |lua: &Lua, values: MultiValue| {
        only(lua, &values)?;
        decode::decode(lua, &Arguments::new(lua, &values).string(1)?.as_bytes(), &own)
    };
    table.raw_set("decode", lua.create_function(decode)?)?;
    let next = next.clone();
    let new = move |lua: &Lua, (): ()| table_with(lua, &next, &Rc::new(Settings::default()));
    table.raw_set("new", lua.create_function(new)?)?;
    settings::define(lua, &table, settings)?;
    Ok(table)
}

/// Returns the one argument there may be.
fn only(lua: &Lua, values: &MultiValue) -> mlua::Result<Value> {
    match values.front() {
        Some(value) if values.len() == 1 => Ok(value.clone()),
        _ => Err(Arguments::new(lua, values).refuse(1, "expected 1 argument")),
    }
}
