//! What bitmap commands ask of a key: its bytes for reading, room in it for writing, and where a bit is.

use crate::base::text;
use crate::commands::string::string_of;
use crate::config::Setting;
use crate::engine::{CommandError, Context, Engine};
use crate::keyspace::{EntryMut, Key, Lookup};
use crate::types::{IntegerText, StringRef, StringValue};

/// From how many bytes on a string is read without holding its lock.
const LONG_BYTES: usize = 1024 * 1024;

/// The position of a bit, counted from the highest bit of the first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BitOffset(u64);

impl BitOffset {
    /// Reads a position; behind `#` stands a multiple of `width`, where one is given.
    ///
    /// # Errors
    /// Not a number, negative, or beyond the longest string (`proto-max-bulk-len`).
    pub(super) fn parse(
        engine: &Engine,
        argument: &[u8],
        width: Option<u32>,
    ) -> Result<Self, CommandError> {
        const REFUSAL: CommandError =
            CommandError::refused("ERR bit offset is not an integer or out of range");
        let (digits, factor) = match (argument.split_first(), width) {
            (Some((b'#', digits)), Some(width)) => (digits, u64::from(width)),
            _ => (argument, 1),
        };
        let number = text::parse_i64(digits).and_then(|number| u64::try_from(number).ok());
        let bit = number.and_then(|number| number.checked_mul(factor)).ok_or(REFUSAL)?;
        let bytes_max = engine.config.size(Setting::ProtoMaxBulkLen) as u64;
        if bit / 8 < bytes_max { Ok(Self(bit)) } else { Err(REFUSAL) }
    }

    /// Returns the position as a number.
    pub(super) fn bit(self) -> u64 {
        self.0
    }

    /// Returns the index of the byte the bit is in.
    pub(super) fn byte(self) -> usize {
        usize::try_from(self.0 / 8).expect("addresses have 64 bits")
    }

    /// Returns how far the bit is from the lowest one of its byte.
    pub(super) fn shift(self) -> u32 {
        7 - u32::try_from(self.0 % 8).expect("a remainder of eight")
    }
}

/// Reads the bytes of a key; `None` without the key. A long string is read after its lock is released.
///
/// # Errors
/// [`CommandError::WrongType`].
pub(super) fn read<R>(
    context: &mut Context<'_>,
    key: &Key<'_>,
    look: impl FnOnce(Option<&[u8]>) -> R,
) -> Result<R, CommandError> {
    let Some(entry) = context.keys.get(key, Lookup::READ) else { return Ok(look(None)) };
    match string_of(entry)? {
        StringRef::Shared(bytes) if bytes.len() >= LONG_BYTES => {
            let bytes = bytes.clone();
            context.keys.unlock();
            Ok(look(Some(&bytes)))
        }
        value => Ok(look(Some(value.bytes(&mut IntegerText::new())))),
    }
}

/// Opens the string of a key for changes, creating it and filling it up with zeros so that it has a
/// byte at an index. Says whether it has grown.
///
/// # Errors
/// [`CommandError::WrongType`].
pub(super) fn open<'c>(
    context: &'c mut Context<'_>,
    key: &Key<'_>,
    byte: usize,
) -> Result<(EntryMut<'c>, bool), CommandError> {
    if context.keys.get(key, Lookup::PEEK).is_none() {
        context.keys.set(key, StringValue::edited(b""), None);
    }
    let mut entry = context.keys.get_mut(key).expect("it is there or was just created");
    let mut digits = IntegerText::new();
    let bytes = string_of(&entry)?.bytes(&mut digits);
    let (has_grown, old) = (byte >= bytes.len(), bytes.get(byte).copied().unwrap_or(0));
    // Whatever was opened for changes is `raw` from then on.
    if has_grown || !matches!(entry.string(), StringRef::Shared(_)) {
        entry.write_range(byte, &[old]);
    }
    Ok((entry, has_grown))
}

/// Returns the bytes of a string that was opened for changes.
pub(super) fn opened_bytes<'e>(entry: &'e EntryMut<'_>) -> &'e [u8] {
    match entry.string() {
        StringRef::Text(bytes) => bytes,
        StringRef::Shared(bytes) => bytes,
        StringRef::Integer(_) => unreachable!("opening turns integers into texts"),
    }
}
