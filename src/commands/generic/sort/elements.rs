//! The elements to sort, copied out of their collection.

use super::request::Request;
use crate::engine::{CommandError, Context};
use crate::keyspace::{Entry, Lookup};
use crate::types::{Collection, IntegerText, List, Set, SortedSet, ValueType};

/// Texts one behind the other in one buffer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Elements {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// They are the members of a set, whose order means nothing.
    pub(super) is_set: bool,
}

impl Elements {
    /// Reads the elements of the first key: a use of it.
    ///
    /// # Errors
    /// The key holds something that has no elements to sort.
    pub(super) fn read(
        context: &mut Context<'_>,
        request: &Request<'_>,
    ) -> Result<Self, CommandError> {
        let key = context.key(1);
        let found = context.keys.get(&key, Lookup::READ);
        found.map_or_else(|| Ok(Self::default()), |entry| Self::of(entry, request))
    }

    /// The same after the locks have changed: no further use.
    ///
    /// # Errors
    /// As above.
    pub(super) fn read_again(
        context: &mut Context<'_>,
        request: &Request<'_>,
    ) -> Result<Self, CommandError> {
        let found = context.keys.peek(&context.key(1));
        found.map_or_else(|| Ok(Self::default()), |entry| Self::of(entry, request))
    }

    fn of(entry: &Entry, request: &Request<'_>) -> Result<Self, CommandError> {
        let (mut elements, mut digits) = (Self::default(), IntegerText::new());
        match entry.value_type() {
            ValueType::List => {
                let list = entry.collection::<List>().ok_or(CommandError::WrongType)?;
                let mut push = |element: crate::types::StringRef<'_>| {
                    elements.push(element.bytes(&mut digits));
                };
                if request.is_unsorted && request.is_descending {
                    list.iter_back_from(list.len().saturating_sub(1)).for_each(&mut push);
                } else {
                    list.iter_from(0).for_each(&mut push);
                }
            }
            ValueType::Set => {
                let set = entry.collection::<Set>().ok_or(CommandError::WrongType)?;
                set.for_each(|member| elements.push(member.bytes(&mut digits)));
                elements.is_set = true;
            }
            ValueType::SortedSet => {
                let set = entry.collection::<SortedSet>().ok_or(CommandError::WrongType)?;
                let is_reverse = request.is_unsorted && request.is_descending;
                let walk = set.walk(0..set.len(), is_reverse);
                walk.for_each(|(member, _)| elements.push(member.bytes(&mut digits)));
            }
            ValueType::String | ValueType::Hash | ValueType::Stream => {
                return Err(CommandError::WrongType);
            }
        }
        Ok(elements)
    }

    fn push(&mut self, element: &[u8]) {
        self.bytes.extend_from_slice(element);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn at(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.at(index))
    }
}
