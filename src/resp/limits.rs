//! How much of one command the parser accepts before it calls the stream broken.

use super::ProtocolError;

/// Arguments of one command, at most: what the originals' 32-bit counter can hold.
const MULTIBULK_COUNT_MAX: usize = 0x7fff_ffff;
/// Bytes of an inline command or of a `*` or `$` line before its end must be in sight.
const INLINE_BYTES_MAX: usize = 64 * 1024;
/// Arguments of a command before authentication.
const UNAUTHENTICATED_COUNT_MAX: usize = 10;
/// Bytes of an argument before authentication.
const UNAUTHENTICATED_BULK_BYTES_MAX: usize = 16 * 1024;

/// Limits of one command; a server keeps one value for everybody and one for clients that have
/// yet to authenticate.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one argument.
    pub bulk_bytes_max: usize,
    /// Arguments of one command.
    pub multibulk_count_max: usize,
    /// Bytes of an inline command, and of the lines that announce lengths.
    pub inline_bytes_max: usize,
    /// The first two after authentication; they tell which of two errors to report.
    authenticated: (usize, usize),
}

impl Default for Limits {
    /// Returns the limits of a server with default settings: arguments up to 512 MiB.
    fn default() -> Self {
        Self::new(512 * 1024 * 1024)
    }
}

impl Limits {
    /// Returns the limits of a client that may do everything; `bulk_bytes_max` is `proto-max-bulk-len`.
    pub fn new(bulk_bytes_max: usize) -> Self {
        Self {
            bulk_bytes_max,
            multibulk_count_max: MULTIBULK_COUNT_MAX,
            inline_bytes_max: INLINE_BYTES_MAX,
            authenticated: (bulk_bytes_max, MULTIBULK_COUNT_MAX),
        }
    }

    /// Returns the smaller limits that hold until a client has authenticated.
    #[must_use]
    pub fn before_authentication(&self) -> Self {
        Self {
            bulk_bytes_max: self.bulk_bytes_max.min(UNAUTHENTICATED_BULK_BYTES_MAX),
            multibulk_count_max: self.multibulk_count_max.min(UNAUTHENTICATED_COUNT_MAX),
            ..*self
        }
    }

    /// Returns what to say about an argument longer than `bulk_bytes_max`.
    #[cold]
    pub(super) fn bulk_error(&self, bytes: usize) -> ProtocolError {
        match self.authenticated {
            (bytes_max, _) if bytes <= bytes_max => ProtocolError::UnauthenticatedBulkLength,
            _ => ProtocolError::InvalidBulkLength,
        }
    }

    /// Returns what to say about more arguments than `multibulk_count_max`.
    #[cold]
    pub(super) fn count_error(&self, count: usize) -> ProtocolError {
        match self.authenticated {
            (_, count_max) if count <= count_max => ProtocolError::UnauthenticatedMultibulkLength,
            _ => ProtocolError::InvalidMultibulkLength,
        }
    }
}
