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
    /// Keys whose whole value is replaced (`o`).
    pub const OVERWRITTEN: Self = Self { bits: 1 << 14 };
    /// Keys that get a value of another type (`c`).
    pub const TYPE_CHANGED: Self = Self { bits: 1 << 15 };
    /// Announced with the fields concerned on the channel of the key (`S`).
    pub const FIELDS_BY_KEY: Self = Self { bits: 1 << 16 };
    /// Announced with the fields concerned on the channel of the event (`T`).
    pub const FIELDS_BY_EVENT: Self = Self { bits: 1 << 17 };
    /// Announced on the channel of each key and field (`I`).
    pub const FIELD: Self = Self { bits: 1 << 18 };
    /// Announced with the fields concerned on the channel of the event and the key (`V`).
    pub const FIELDS_BY_BOTH: Self = Self { bits: 1 << 19 };

    pub(crate) fn from_bits(bits: i64) -> Self {
        Self { bits }
    }

    /// Says whether all classes of `other` are in this set.
    pub fn contains(self, other: Self) -> bool {
        self.bits & other.bits == other.bits
    }

    /// Says whether fields are announced on any channel.
    pub fn include_fields(self) -> bool {
        const FIELDS: i64 = KeyspaceEvents::FIELDS_BY_KEY.bits
            | KeyspaceEvents::FIELDS_BY_EVENT.bits
            | KeyspaceEvents::FIELD.bits
            | KeyspaceEvents::FIELDS_BY_BOTH.bits;
        self.bits & FIELDS != 0
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

/// Letters that are shown behind the others, but not behind `A`, which does not stand for them.
const HIDDEN_LETTERS: [(u8, KeyspaceEvents); 3] = [
    (b'n', KeyspaceEvents::NEW),
    (b'o', KeyspaceEvents::OVERWRITTEN),
    (b'c', KeyspaceEvents::TYPE_CHANGED),
];

/// Letters that are shown behind all others, behind `A` too.
const LAST_LETTERS: [(u8, KeyspaceEvents); 7] = [
    (b'K', KeyspaceEvents::KEYSPACE),
    (b'E', KeyspaceEvents::KEYEVENT),
    (b'm', KeyspaceEvents::KEY_MISS),
    (b'S', KeyspaceEvents::FIELDS_BY_KEY),
    (b'T', KeyspaceEvents::FIELDS_BY_EVENT),
    (b'I', KeyspaceEvents::FIELD),
    (b'V', KeyspaceEvents::FIELDS_BY_BOTH),
];

const REFUSAL: &str = "Invalid event class character. Use 'Ag$lshzxeKEtmdnocSTIV'.";

fn all_bits() -> i64 {
    ALL_LETTERS.iter().fold(0, |bits, (_, events)| bits | events.bits)
}

/// Reads letters up to a zero byte.
pub(crate) fn parse(word: &[u8]) -> Result<Value, Refusal> {
    let mut bits = 0;
    for &letter in word.iter().take_while(|&&byte| byte != 0) {
        bits |= bits_of(letter).ok_or(REFUSAL)?;
    }
    Ok(Value::Number(bits))
}

fn bits_of(letter: u8) -> Option<i64> {
    match letter {
        b'A' => Some(all_bits()),
        _ => ALL_LETTERS
            .iter()
            .chain(&HIDDEN_LETTERS)
            .chain(&LAST_LETTERS)
            .find(|(known, _)| *known == letter)
            .map(|(_, events)| events.bits),
    }
}

pub(crate) fn show(bits: i64) -> String {
    let events = KeyspaceEvents { bits };
    let shown = |letters: &[(u8, KeyspaceEvents)]| -> String {
        let listed = letters.iter().filter(|(_, one)| events.contains(*one));
        listed.map(|(letter, _)| char::from(*letter)).collect()
    };
    let first = match bits & all_bits() == all_bits() {
        true => "A".to_owned(),
        false => shown(&ALL_LETTERS) + &shown(&HIDDEN_LETTERS),
    };
    first + &shown(&LAST_LETTERS)
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
            ("con", "noc"),
            ("VcITASEomK", "AKEmSTIV"),
            ("STIVh", "hSTIV"),
        ] {
            let Ok(Value::Number(bits)) = parse(word.as_bytes()) else { panic!("{word}") };
            assert_eq!(show(bits), expected, "{word}");
        }
    }

    #[test]
    fn an_unknown_letter_is_refused() {
        let refusal = parse(b"KEq").unwrap_err().to_string();
        assert_eq!(refusal, "Invalid event class character. Use 'Ag$lshzxeKEtmdnocSTIV'.");
    }
}
