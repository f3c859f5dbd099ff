//! Runs a line of Lua with the libraries in reach, for their tests.

use mlua::{Error, Lua, MultiValue};

use super::install;

/// Runs a chunk named `t` and returns its results as texts with commas between, or the error's text.
pub(super) fn evaluate(source: &str) -> String {
    let lua = Lua::new();
    install(&lua, &lua.globals()).expect("the libraries are made");
    match lua.load(source).set_name("@t").eval::<MultiValue>() {
        Ok(values) => {
            let texts = values.iter().map(|value| value.to_string().expect("a text"));
            texts.collect::<Vec<_>>().join(",")
        }
        Err(Error::CallbackError { cause, .. }) => reason(&cause),
        Err(error) => reason(&error),
    }
}

fn reason(error: &Error) -> String {
    match error {
        Error::RuntimeError(text) => text.clone(),
        other => other.to_string(),
    }
}
