//! What a signal to stop does: a set of options.

use super::choices::one_of;
use super::{Refusal, Value};

/// The options of a shutdown; none of them is the default behaviour.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ShutdownOptions {
    bits: i64,
}

const SAVE: i64 = 1;
const NOSAVE: i64 = 2;
const NOW: i64 = 4;
const FORCE: i64 = 8;
const SAFE: i64 = 16;
const FAILOVER: i64 = 32;

const NAMES: [(&str, i64); 7] = [
    ("default", 0),
    ("save", SAVE),
    ("nosave", NOSAVE),
    ("now", NOW),
    ("force", FORCE),
    ("safe", SAFE),
    ("failover", FAILOVER),
];

impl ShutdownOptions {
    pub(crate) fn from_bits(bits: i64) -> Self {
        Self { bits }
    }

    /// Saves a snapshot even without save points.
    pub fn save(self) -> bool {
        self.bits & SAVE != 0
    }

    /// Saves no snapshot even with save points.
    pub fn nosave(self) -> bool {
        self.bits & NOSAVE != 0
    }

    /// Does not wait for replicas.
    pub fn now(self) -> bool {
        self.bits & NOW != 0
    }

    /// Stops even when saving fails.
    pub fn force(self) -> bool {
        self.bits & FORCE != 0
    }

    /// Refuses to stop where data could be lost.
    pub fn safe(self) -> bool {
        self.bits & SAFE != 0
    }

    /// Hands over to a replica first.
    pub fn failover(self) -> bool {
        self.bits & FAILOVER != 0
    }
}

/// Returns the words there are.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

pub(crate) fn parse(words: &[&[u8]]) -> Result<Value, Refusal> {
    if words.is_empty() {
        return Err(one_of(&NAMES));
    }
    let mut bits = 0;
    for word in words {
        let known = NAMES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        bits |= known.ok_or_else(|| one_of(&NAMES))?.1;
    }
    if bits & SAVE != 0 && bits & NOSAVE != 0 {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
    }
    Ok(Value::Number(bits))
}

pub(crate) fn show(bits: i64) -> String {
    let chosen: Vec<_> =
        NAMES.iter().filter(|(_, bit)| bits & bit != 0).map(|(name, _)| *name).collect();
    if chosen.is_empty() { "default".to_owned() } else { chosen.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::{parse, show};
    use crate::config::kinds::Value;

    fn shown(words: &[&[u8]]) -> Result<String, String> {
        match parse(words).map_err(|refusal| refusal.to_string())? {
            Value::Number(bits) => Ok(show(bits)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_are_shown_in_one_order() {
        assert_eq!(shown(&[b"force", b"NOW", b"nosave"]).unwrap(), "nosave now force");
        assert_eq!(shown(&[b"default", b"now"]).unwrap(), "now");
        assert_eq!(shown(&[b"default"]).unwrap(), "default");
    }

    #[test]
    fn contradictions_and_unknown_words_are_refused() {
        assert!(shown(&[b"save", b"nosave"]).unwrap_err().starts_with("shutdown options SAVE"));
        for words in [&[] as &[&[u8]], &[b""], &[b"save", b"wat"]] {
            assert_eq!(
                shown(words).unwrap_err(),
                "argument(s) must be one of the following: \
                 default, save, nosave, now, force, safe, failover"
            );
        }
    }
}
