//! What a client hears when a command is refused. The connection stays open.

use std::borrow::Cow;

use crate::stats::WorkerStats;

/// A refusal; its text is the whole error line without the leading `-`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error("WRONGTYPE Operation against a key holding the wrong kind of value")]
    WrongType,
    #[error("ERR syntax error")]
    Syntax,
    #[error("ERR value is not an integer or out of range")]
    NotAnInteger,
    #[error("ERR value is not a valid float")]
    NotAFloat,
    #[error("ERR value is out of range")]
    OutOfRange,
    #[error("ERR no such key")]
    NoSuchKey,
    #[error("ERR index out of range")]
    IndexOutOfRange,
    #[error("ERR invalid expire time in '{command}' command")]
    InvalidExpireTime { command: String },
    #[error("ERR wrong number of arguments for '{command}' command")]
    WrongArity { command: String },
    #[error("ERR DB index is out of range")]
    DatabaseOutOfRange,
    #[error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")]
    StringTooLong,
    #[error("NOAUTH Authentication required.")]
    AuthenticationRequired,
    #[error("OOM command not allowed when used memory > 'maxmemory'.")]
    OutOfMemory,
    #[error("LOADING Redis is loading the dataset in memory")]
    Loading,
    /// A refusal that one command alone has; the text starts with its code.
    #[error("{0}")]
    Refused(Cow<'static, str>),
    /// The same with a text that quotes bytes of the client as they came.
    #[error("{}", String::from_utf8_lossy(.0))]
    Quoting(Vec<u8>),
    /// The same for one that a command inside this one has met with: it is counted already.
    #[error("{}", String::from_utf8_lossy(.0))]
    Counted(Vec<u8>),
    /// No refusal, and nobody reads it: the command has done nothing, and runs again soon. It was run
    /// beside another one, and wanted what is not to be had at this moment.
    #[error("BUSY Try again.")]
    NotNow,
}

impl CommandError {
    /// A refusal with a text that only one place has; it starts with the code (`ERR`, ...).
    pub const fn refused(text: &'static str) -> Self {
        Self::Refused(Cow::Borrowed(text))
    }

    /// The same with a text made at run time.
    pub const fn refused_with(text: String) -> Self {
        Self::Refused(Cow::Owned(text))
    }

    /// A refusal that quotes what the client wrote: `word` stands between the other two.
    pub fn quoting(before: &str, word: &[u8], after: &str) -> Self {
        Self::Quoting([before.as_bytes(), quotable(word), after.as_bytes()].concat())
    }

    /// Returns the whole error line without the leading `-`.
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Refused(text) => Cow::Borrowed(text.as_bytes()),
            Self::Quoting(text) | Self::Counted(text) => Cow::Borrowed(text),
            other => Cow::Owned(other.to_string().into_bytes()),
        }
    }

    /// Counts it as the end of a command of this number.
    pub(super) fn count(&self, stats: &WorkerStats, id: usize) {
        stats.record_failed(id);
        if !matches!(self, Self::Counted(_)) {
            stats.record_error(&self.bytes());
        }
    }

    /// The refusal of a command with too few or too many arguments; `command` in lower case, with
    /// `|` before a subcommand.
    pub fn wrong_arity(command: &str) -> Self {
        Self::WrongArity { command: command.into() }
    }

    /// The refusal of an expiry that is not positive or too far away.
    pub fn invalid_expire_time(command: &str) -> Self {
        Self::InvalidExpireTime { command: command.into() }
    }
}

/// Returns the part of an argument that errors quote: up to the first zero byte, where the originals'
/// texts end.
pub(super) fn quotable(word: &[u8]) -> &[u8] {
    word.split(|&byte| byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::CommandError;

    #[test]
    fn a_quoted_word_keeps_its_bytes_up_to_a_zero() {
        let error = CommandError::quoting("ERR '", b"a\xffb\0c", "'");
        assert_eq!(*error.bytes(), *b"ERR 'a\xffb'");
        assert_eq!(*CommandError::Syntax.bytes(), *b"ERR syntax error");
    }
}
