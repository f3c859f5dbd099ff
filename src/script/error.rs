//! Why a script ended early.

/// The error a script ended with, as the client reads it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", String::from_utf8_lossy(text))]
pub struct ScriptError {
    text: Vec<u8>,
    counted: bool,
}

impl ScriptError {
    /// Returns an error of this text, which begins with its code; `counted` when it came from a command,
    /// which has counted it in the statistics of errors.
    pub(super) fn new(text: impl Into<Vec<u8>>, counted: bool) -> Self {
        Self { text: text.into(), counted }
    }

    /// Returns the line that the client reads, without a sign before it.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Says whether the statistics of errors know of it already.
    pub fn is_counted(&self) -> bool {
        self.counted
    }
}
