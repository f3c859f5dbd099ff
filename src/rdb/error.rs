//! Why bytes are no RDB, or cannot be read or written.

use std::io;

/// What is wrong; whoever loads or restores decides how loudly to say so.
#[derive(Debug, thiserror::Error)]
pub enum RdbError {
    /// It ends in the middle.
    #[error("unexpected end of the data")]
    Truncated,
    /// Something in it cannot be; says what.
    #[error("{0}")]
    Corrupt(&'static str),
    /// A collection without elements, which is never kept.
    #[error("an empty value")]
    EmptyValue,
    /// It does not begin as an RDB file does.
    #[error("wrong signature: this is no RDB file")]
    Signature,
    #[error("can't handle RDB format version {0}")]
    Version(u64),
    #[error("wrong RDB checksum: expected {expected:016x}, found {found:016x}")]
    Checksum { expected: u64, found: u64 },
    /// A type of value or a record that no release this server knows has written.
    #[error("unknown RDB type or opcode {0}")]
    UnknownType(u8),
    /// A value that only a module understands.
    #[error("the data holds values of modules ('{0}'), and this server loads no modules")]
    Module(String),
    /// A library of functions that cannot be defined; says why.
    #[error("Failed creating the functions: {0}")]
    Library(String),
    /// A key that the database holds already.
    #[error("key '{0}' is there already")]
    DuplicateKey(String),
    #[error("a database number beyond the setting 'databases': {0}")]
    Database(u64),
    /// The server is on its way down.
    #[error("interrupted")]
    Interrupted,
    #[error("{0}")]
    System(#[from] io::Error),
}

impl RdbError {
    /// Tells an end of the data apart from other failures to read.
    pub(super) fn reading(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::System(error),
        }
    }
}
