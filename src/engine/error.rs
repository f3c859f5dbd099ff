//! What a client hears when a command is refused. The connection stays open.

use std::borrow::Cow;

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
    #[error("ERR unknown command '{command}', with args beginning with: {arguments}")]
    UnknownCommand { command: String, arguments: String },
    #[error("ERR unknown subcommand '{subcommand}'. Try {container} HELP.")]
    UnknownSubcommand { container: String, subcommand: String },
    #[error("ERR DB index is out of range")]
    DatabaseOutOfRange,
    #[error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")]
    StringTooLong,
    #[error("NOAUTH Authentication required.")]
    AuthenticationRequired,
    #[error("OOM command not allowed when used memory > 'maxmemory'.")]
    OutOfMemory,
    /// A refusal that one command alone has; the text starts with its code.
    #[error("{0}")]
    Refused(Cow<'static, str>),
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
