//! Libraries that scripts find beside Lua's own.

/// Puts the libraries into a table of globals.
#[expect(clippy::unnecessary_wraps, reason = "creating a library's functions can fail")]
pub(super) fn install(_lua: &mlua::Lua, _globals: &mlua::Table) -> mlua::Result<()> {
    Ok(())
}
