//! Nodes by number: what pointers would be, in safe code and half the size.

use std::ops::{Index, IndexMut};

use crate::types::object::free_each;

/// The number of no node.
pub(super) const NIL: u32 = u32::MAX;

const LIVE: &str = "a node's number is kept only while the node lives";

/// Nodes, each in an allocation of its own; numbers of freed ones are given out again.
#[derive(Clone, Debug)]
pub(super) struct Arena<T> {
    slots: Vec<Option<Box<T>>>,
    free: Vec<u32>,
}

impl<T> Arena<T> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// Keeps a node and returns its number.
    pub(super) fn add(&mut self, node: T) -> u32 {
        let node = Some(Box::new(node));
        if let Some(number) = self.free.pop() {
            self.slots[number as usize] = node;
            return number;
        }
        let number = u32::try_from(self.slots.len()).expect("nodes number less than members");
        self.slots.push(node);
        number
    }

    /// Takes a node out.
    pub(super) fn take(&mut self, number: u32) -> Box<T> {
        self.free.push(number);
        self.slots[number as usize].take().expect(LIVE)
    }

    /// Frees all nodes.
    pub(super) fn dismantle(self, pause: &mut dyn FnMut()) {
        free_each(self.slots, pause);
    }

    /// Returns the number of live nodes.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Returns a number that is larger than those of all nodes.
    pub(super) fn number_end(&self) -> usize {
        self.slots.len()
    }

    /// Returns the bytes of the nodes and of this list of them.
    pub(super) fn memory_bytes(&self) -> usize {
        self.len() * size_of::<T>()
            + self.slots.capacity() * size_of::<Option<Box<T>>>()
            + self.free.capacity() * size_of::<u32>()
    }
}

impl<T> Index<u32> for Arena<T> {
    type Output = T;

    #[inline]
    fn index(&self, number: u32) -> &T {
        self.slots[number as usize].as_ref().expect(LIVE)
    }
}

impl<T> IndexMut<u32> for Arena<T> {
    #[inline]
    fn index_mut(&mut self, number: u32) -> &mut T {
        self.slots[number as usize].as_mut().expect(LIVE)
    }
}
