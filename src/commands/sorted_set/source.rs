//! What unions, intersections and differences take in: sorted sets, and sets with a score of 1 for each
//! member.

use crate::engine::{CommandError, Context};
use crate::keyspace::{Key, Keys, Lookup};
use crate::types::{Collection, IntegerText, Item, Set, SortedSet};

/// The members of one key.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// No such key.
    Absent,
    Sorted(&'a SortedSet),
    Plain(&'a Set),
}

/// The score of every member of a set.
const PLAIN_SCORE: f64 = 1.0;

impl<'a> Source<'a> {
    /// Looks up the keys from one position on and checks their types.
    ///
    /// # Errors
    /// [`CommandError::WrongType`].
    pub(super) fn look_up<'k>(
        context: &mut Context<'k>,
        first: usize,
        count: usize,
    ) -> Result<Vec<Key<'k>>, CommandError> {
        let keys: Vec<Key<'k>> = (first..first + count).map(|index| context.key(index)).collect();
        for key in &keys {
            context.keys.get(key, Lookup::READ);
            Source::of(&context.keys, key)?;
        }
        Ok(keys)
    }

    /// Returns the members of a key.
    ///
    /// # Errors
    /// [`CommandError::WrongType`].
    pub(super) fn of(keys: &'a Keys<'_>, key: &Key<'_>) -> Result<Self, CommandError> {
        let Some(entry) = keys.peek(key) else { return Ok(Self::Absent) };
        let sorted = entry.collection().map(Self::Sorted);
        let found = sorted.or_else(|| entry.collection().map(Self::Plain));
        found.ok_or(CommandError::WrongType)
    }

    pub(super) fn len(self) -> usize {
        match self {
            Self::Absent => 0,
            Self::Sorted(set) => set.len(),
            Self::Plain(set) => Collection::len(set),
        }
    }

    /// Returns a member's score.
    pub(super) fn score(self, member: Item<'_>) -> Option<f64> {
        match self {
            Self::Absent => None,
            Self::Sorted(set) => set.score(member.bytes(&mut IntegerText::new())),
            Self::Plain(set) => set.contains_item(member).then_some(PLAIN_SCORE),
        }
    }

    /// Shows members with scores until `show` says that it is enough.
    pub(super) fn for_each(self, show: &mut dyn FnMut(Item<'a>, f64) -> bool) {
        match self {
            Self::Absent => {}
            Self::Sorted(set) => {
                set.iter().any(|(member, score)| !show(member, score));
            }
            Self::Plain(set) => {
                set.iter().any(|member| !show(member, PLAIN_SCORE));
            }
        }
    }
}
