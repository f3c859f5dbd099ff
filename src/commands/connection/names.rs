//! Names that clients give themselves.

use crate::engine::CommandError;

/// Returns a client name of printable characters without spaces; empty takes the name away.
///
/// # Errors
/// Other characters.
pub(super) fn checked_name(name: &[u8]) -> Result<String, CommandError> {
    printable(name).ok_or(CommandError::refused(
        "ERR Client names cannot contain spaces, newlines or special characters.",
    ))
}

fn printable(text: &[u8]) -> Option<String> {
    let is_plain = text.iter().all(|byte| (b'!'..=b'~').contains(byte));
    is_plain.then(|| String::from_utf8_lossy(text).into_owned())
}
