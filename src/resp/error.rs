//! The ways in which a request stream can be broken.

/// A broken request stream, in the words of the originals.
///
/// The client reads `-ERR`, a space and this text; then its connection is closed, because nobody
/// can say where its next command begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The number behind `*` is malformed or too large.
    #[error("Protocol error: invalid multibulk length")]
    InvalidMultibulkLength,
    /// An argument does not begin with `$`; holds the byte found there.
    #[error("Protocol error: expected '$', got '{}'", char::from(*.0))]
    ExpectedDollar(u8),
    /// The number behind `$` is malformed, negative or above `proto-max-bulk-len`.
    #[error("Protocol error: invalid bulk length")]
    InvalidBulkLength,
    /// The line that begins with `*` does not end in time.
    #[error("Protocol error: too big mbulk count string")]
    TooBigMultibulkCount,
    /// The line that should begin with `$` does not end in time.
    #[error("Protocol error: too big bulk count string")]
    TooBigBulkCount,
    /// An inline command does not end in time.
    #[error("Protocol error: too big inline request")]
    TooBigInline,
    /// A quote of an inline command is not closed, or text follows the closing one.
    #[error("Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
    /// More arguments than a client may send before it has authenticated.
    #[error("Protocol error: unauthenticated multibulk length")]
    UnauthenticatedMultibulkLength,
    /// A longer argument than a client may send before it has authenticated.
    #[error("Protocol error: unauthenticated bulk length")]
    UnauthenticatedBulkLength,
}

impl ProtocolError {
    /// Returns the text of the error reply, its code included, with the client's byte as it came.
    pub(super) fn reply(self) -> Vec<u8> {
        match self {
            Self::ExpectedDollar(byte) => {
                let mut reply = b"ERR Protocol error: expected '$', got '".to_vec();
                reply.extend_from_slice(&[byte, b'\'']);
                reply
            }
            other => format!("ERR {other}").into_bytes(),
        }
    }
}
