//! Inner nodes of the tree: children, how many members each holds, and each one's first score.

/// Children of a full node: as many as make a node of 512 bytes, a size class of the allocator.
pub(super) const CHILDREN_MAX: usize = 31;

const _: () = assert!(size_of::<Inner>() <= 512);

/// A child as its parent knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Child {
    pub(super) node: u32,
    pub(super) count: u32,
    pub(super) first: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Inner {
    firsts: [f64; CHILDREN_MAX],
    children: [u32; CHILDREN_MAX],
    counts: [u32; CHILDREN_MAX],
    len: u8,
}

impl Inner {
    pub(super) fn new() -> Self {
        Self {
            firsts: [0.0; CHILDREN_MAX],
            children: [0; CHILDREN_MAX],
            counts: [0; CHILDREN_MAX],
            len: 0,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() == CHILDREN_MAX
    }

    #[inline]
    pub(super) fn node(&self, at: usize) -> u32 {
        self.children[..self.len()][at]
    }

    #[inline]
    pub(super) fn first(&self, at: usize) -> f64 {
        self.firsts[..self.len()][at]
    }

    pub(super) fn set_first(&mut self, at: usize, first: f64) {
        self.firsts[at] = first;
    }

    #[inline]
    pub(super) fn count(&self, at: usize) -> usize {
        self.counts[..self.len()][at] as usize
    }

    pub(super) fn set_count(&mut self, at: usize, count: usize) {
        self.counts[at] = narrow(count);
    }

    #[inline]
    pub(super) fn increment(&mut self, at: usize) {
        self.counts[at] += 1;
    }

    #[inline]
    pub(super) fn decrease(&mut self, at: usize, count: usize) {
        self.counts[at] -= narrow(count);
    }

    /// Returns the members of all children.
    pub(super) fn total(&self) -> usize {
        self.total_before(self.len())
    }

    /// Returns the members of the children before this one.
    #[inline]
    pub(super) fn total_before(&self, at: usize) -> usize {
        self.counts[..at].iter().map(|&count| count as usize).sum()
    }

    /// Returns the child that holds the member of this rank, and its rank within the child.
    #[inline]
    pub(super) fn find_rank(&self, mut rank: usize) -> (usize, usize) {
        let last = self.len() - 1;
        for at in 0..last {
            let count = self.count(at);
            if rank < count {
                return (at, rank);
            }
            rank -= count;
        }
        (last, rank)
    }

    /// Returns the last child that begins before an edge, or the first one.
    #[inline]
    pub(super) fn child_before(&self, is_behind: impl Fn(usize) -> bool) -> usize {
        let (mut low, mut high) = (1, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if is_behind(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low - 1
    }

    pub(super) fn insert(&mut self, at: usize, child: Child) {
        let len = self.len();
        self.firsts.copy_within(at..len, at + 1);
        self.children.copy_within(at..len, at + 1);
        self.counts.copy_within(at..len, at + 1);
        (self.firsts[at], self.children[at]) = (child.first, child.node);
        self.counts[at] = child.count;
        self.len += 1;
    }

    pub(super) fn remove(&mut self, at: usize) {
        let len = self.len();
        self.firsts.copy_within(at + 1..len, at);
        self.children.copy_within(at + 1..len, at);
        self.counts.copy_within(at + 1..len, at);
        self.len -= 1;
    }

    /// Moves the children from a place on into a new node.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let mut right = Self::new();
        for from in at..self.len() {
            right.insert(from - at, self.child(from));
        }
        self.len -= right.len;
        right
    }

    /// Adds all children of the node behind. They fit.
    pub(super) fn append(&mut self, right: &Self) {
        for at in 0..right.len() {
            self.insert(self.len(), right.child(at));
        }
    }

    fn child(&self, at: usize) -> Child {
        Child { node: self.children[at], count: self.counts[at], first: self.firsts[at] }
    }
}

pub(super) fn narrow(count: usize) -> u32 {
    u32::try_from(count).expect("a sorted set holds less than 2^32 members")
}
