//! What the packed forms have in common.

use std::borrow::Cow;
use std::io::BufRead;

use crate::rdb::error::RdbError;
use crate::rdb::input::Input;
use crate::types::{Item, Packed};

/// Elements for which room is made before they arrive, at most.
const TRUSTED_COUNT: usize = 4096;

/// Returns for how many elements to make room when so many are announced: a lie costs little, and more
/// than `packed_max` stay more.
pub(super) fn room(announced: u64, packed_max: usize) -> usize {
    let trusted = TRUSTED_COUNT.max(packed_max.saturating_add(1));
    usize::try_from(announced).unwrap_or(usize::MAX).min(trusted)
}

/// Reads a packed sequence and looks at every entry of it.
pub(super) fn packed<R: BufRead>(input: &mut Input<R>) -> Result<Packed, RdbError> {
    as_packed(&input.string()?)
}

/// Takes bytes for a packed sequence after looking at every entry.
pub(super) fn as_packed(bytes: &[u8]) -> Result<Packed, RdbError> {
    Packed::from_bytes(bytes).map_err(|_| RdbError::Corrupt("a damaged listpack"))
}

/// Says whether no two items are the same text.
pub(super) fn are_different<'a>(items: impl Iterator<Item = Item<'a>>) -> bool {
    let mut texts: Vec<Cow<'a, [u8]>> = items
        .map(|item| match item {
            Item::Text(text) => Cow::Borrowed(text),
            Item::Integer(integer) => {
                Cow::Owned(itoa::Buffer::new().format(integer).as_bytes().to_vec())
            }
        })
        .collect();
    texts.sort_unstable();
    texts.windows(2).all(|pair| pair[0] != pair[1])
}

#[cfg(test)]
mod tests {
    use super::{are_different, room};
    use crate::types::Item;

    #[test]
    fn an_integer_and_its_text_are_the_same() {
        assert!(!are_different([Item::Integer(12), Item::Text(b"12")].into_iter()));
        assert!(are_different([Item::Integer(12), Item::Text(b"012")].into_iter()));
        assert!(are_different(std::iter::empty()));
    }

    #[test]
    fn a_lying_count_makes_little_room() {
        assert_eq!(room(u64::MAX, 128), 4096);
        assert_eq!(room(u64::MAX, 1 << 20), (1 << 20) + 1);
        assert_eq!(room(7, 128), 7);
    }
}
