//! Walking over a member table.

use std::slice;

use super::Member;
use super::leaf::Leaf;

/// How many members ahead of the walk are fetched.
const AHEAD: usize = 24;

/// All members, leaf by leaf. They lie all over the memory, so those that come soon are fetched.
pub(in crate::types) struct Members<'a, M> {
    leaves: slice::Iter<'a, Leaf<M>>,
    members: slice::Iter<'a, M>,
}

impl<'a, M: Member> Members<'a, M> {
    pub(super) fn new(leaves: &'a [Leaf<M>]) -> Self {
        Self { leaves: leaves.iter(), members: slice::Iter::default() }
    }

    /// Goes on to the next leaf.
    fn enter(&mut self) -> Option<()> {
        let members = self.leaves.next()?.members();
        if let Some(next) = self.leaves.as_slice().first() {
            next.prefetch();
        }
        members.iter().take(AHEAD).for_each(M::prefetch_whole);
        self.members = members.iter();
        Some(())
    }
}

impl<M> Clone for Members<'_, M> {
    fn clone(&self) -> Self {
        Self { leaves: self.leaves.clone(), members: self.members.clone() }
    }
}

impl<'a, M: Member> Iterator for Members<'a, M> {
    type Item = &'a M;

    #[inline]
    fn next(&mut self) -> Option<&'a M> {
        loop {
            if let Some(member) = self.members.next() {
                if let Some(ahead) = self.members.as_slice().get(AHEAD - 1) {
                    ahead.prefetch_whole();
                }
                return Some(member);
            }
            self.enter()?;
        }
    }
}
