//! The libraries scripts find beside Lua's own: `cjson`, `cmsgpack`, `struct` and `bit`.
//!
//! Each is a table of Rust functions that take Lua values and give Lua values. What a script passes
//! is not trusted: lengths are compared with the bytes that are there before anything is allocated,
//! and nesting ends at [`NESTING_MAX`], so that neither the machine's stack nor the slots in which
//! the Lua binding keeps values can run out.
//!
//! A failure is a [`mlua::Error::RuntimeError`] whose text is complete, with the place of the call in
//! front (`user_script:1: bad argument #1 to 'encode' (expected 1 argument)`); whoever catches it for
//! the script hands it on as that text.

use std::rc::Rc;

use mlua::{Lua, Table};

mod arguments;
mod bit;
mod cjson;
mod cmsgpack;
mod numbers;
mod structs;
#[cfg(test)]
mod testing;

/// Tables within tables that are read or written; a document's own limits are lower by default.
///
/// Every level takes up to five of the 8,000 slots that Lua gives to a function.
const NESTING_MAX: usize = 1_500;

/// Bytes a library's function makes at most: a small table can stand for a long text.
const TEXT_BYTES_MAX: usize = 128 << 20;

/// Values one call returns at most; Lua has room for 8,000 in all.
const RESULT_COUNT_MAX: usize = 7_000;

/// The libraries of one Lua state.
#[derive(Debug)]
pub(super) struct Libraries {
    json_settings: Rc<cjson::Settings>,
}

/// Makes the libraries and puts them into a table of globals.
pub(super) fn install(lua: &Lua, globals: &Table) -> mlua::Result<Libraries> {
    let json_settings = Rc::new(cjson::Settings::default());
    globals.raw_set("cjson", cjson::table(lua, &json_settings)?)?;
    globals.raw_set("cmsgpack", cmsgpack::table(lua)?)?;
    globals.raw_set("struct", structs::table(lua)?)?;
    globals.raw_set("bit", bit::table(lua)?)?;
    Ok(Libraries { json_settings })
}

impl Libraries {
    /// Sets back what a script has set up in `cjson`, so that it holds for no other script.
    ///
    /// Costs a few stores, so it can be done before each run.
    pub(super) fn forget_settings(&self) {
        self.json_settings.reset();
    }
}
