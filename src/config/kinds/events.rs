//! Classes of keyspace events, each a letter.

use super::{Refusal, Value};

/// A set of classes of keyspace events.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct KeyspaceEvents {
    bits: i64,
}

impl KeyspaceEvents {
    /// Announced on the channel of the key (`K`).
    pub const KEYSPACE: Self = Self { bits: 1 };
    /// Announced on the channel of the event (`E`).
    pub const KEYEVENT: Self = Self { bits: 1 << 1 };
    /// Commands of any type (`g`).
    pub const GENERIC: Self = Self { bits: 1 << 2 };
    /// Strings (`$`).
    pub const STRING: Self = Self { bits: 1 << 3 };
    /// Lists (`l`).
    pub const LIST: Self = Self { bits: 1 << 4 };
    /// Sets (`s`).
    pub const SET: Self = Self { bits: 1 << 5 };
    /// Hashes (`h`).
    pub const HASH: Self = Self { bits: 1 << 6 };
    /// Sorted sets (`z`).
    pub const SORTED_SET: Self = Self { bits: 1 << 7 };
    /// Expired keys (`x`).
    pub const EXPIRED: Self = Self { bits: 1 << 8 };
    /// Evicted keys (`e`).
    pub const EVICTED: Self = Self { bits: 1 << 9 };
    /// Streams (`t`).
    pub const STREAM: Self = Self { bits: 1 << 10 };
    /// Reads of keys that are not there (`m`).
    pub const KEY_MISS: Self = Self { bits: 1 << 11 };
    /// Types of modules (`d`).
    pub const MODULE: Self = Self { bits: 1 << 12 };
    /// New keys (`n`).
    pub const NEW: Self = Self { bits: 1 << 13 };

    pub(crate) fn from_bits(bits: i64) -> Self {
        Self { bits }
    }

    /// Says whether all classes of `other` are in this set.
    pub fn contains(self, other: Self) -> bool {
        self.bits & other.bits == other.bits
    }

    /// Says whether any event is announced on any channel.
    pub fn is_empty(self) -> bool {
        self.bits == 0
    }
}

/// The letters `A` stands for, in the order they are shown.
const ALL_LETTERS: [(u8, KeyspaceEvents); 10] = [
    (b'g', KeyspaceEvents::GENERIC),
    (b'$', KeyspaceEvents::STRING),
    (b'l', KeyspaceEvents::LIST),
    (b's', KeyspaceEvents::SET),
    (b'h', KeyspaceEvents::HASH),
    (b'z', KeyspaceEvents::SORTED_SET),
    (b'x', KeyspaceEvents::EXPIRED),
    (b'e', KeyspaceEvents::EVICTED),
    (b't', KeyspaceEvents::STREAM),
    (b'd', KeyspaceEvents::MODULE),
];

/// The others: shown behind `A` too, except for `n`, which is shown only without it.
const OTHER_LETTERS: [(u8, KeyspaceEvents); 3] = [
    (b'K', KeyspaceEvents::KEYSPACE),
    (b'E', KeyspaceEvents::KEYEVENT),
    (b'm', KeyspaceEvents::KEY_MISS),
];

fn all_bits() -> i64 {
    ALL_LETTERS.iter().fold(0, |bits, (_, events)| bits | events.bits)
}

/// Reads letters up to a zero byte.
pub(crate) fn parse(word: &[u8]) -> Result<Value, Refusal> {
    let mut bits = 0;
    for &letter in word.iter().take_while(|&&byte| byte != 0) {
        bits |= bits_of(letter).ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")?;
    }
    Ok(Value::Number(bits))
}

fn bits_of(letter: u8) -> Option<i64> {
    match letter {
        b'A' => Some(all_bits()),
        b'n' => Some(KeyspaceEvents::NEW.bits),
        _ => ALL_LETTERS
            .iter()
            .chain(&OTHER_LETTERS)
            .find(|(known, _)| *known == letter)
            .map(|(_, events)| events.bits),
    }
}

pub(crate) fn show(bits: i64) -> String {
    let events = KeyspaceEvents { bits };
    let mut text = String::new();
    if bits & all_bits() == all_bits() {
        text.push('A');
    } else {
        let listed = ALL_LETTERS.iter().chain([&(b'n', KeyspaceEvents::NEW)]);
        text.extend(listed.filter(|(_, one)| events.contains(*one)).map(|(c, _)| char::from(*c)));
    }
    let others = OTHER_LETTERS.iter().filter(|(_, one)| events.contains(*one));
    text.extend(others.map(|(letter, _)| char::from(*letter)));
    text
}

#[cfg(test)]
mod tests {
    use super::{parse, show};
    use crate::config::kinds::Value;

    #[test]
    fn letters_are_shown_as_the_originals_show_them() {
        for (word, expected) in [
            ("", ""),
            ("KA", "AK"),
            ("KEA", "AKE"),
            ("Kg$lshzxetdmnE", "AKEm"),
            ("KEmnA", "AKEm"),
            ("$lgKK", "g$lK"),
            ("Kn", "nK"),
        ] {
            let Ok(Value::Number(bits)) = parse(word.as_bytes()) else { panic!("{word}") };
            assert_eq!(show(bits), expected, "{word}");
        }
    }

    #[test]
    fn an_unknown_letter_is_refused() {
        let refusal = parse(b"KEq").unwrap_err().to_string();
        assert_eq!(refusal, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
}
