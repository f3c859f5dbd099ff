//! Sorted sets: members in the order of their scores, and of their bytes where scores are equal.
//!
//! Few short members lie in one packed sequence; more become a tree that knows ranks, with an index from
//! members to their places. Every range is a range of ranks, whatever it was asked by.

mod arena;
mod bulk;
mod edge;
mod index;
mod inner;
mod leaf;
#[cfg(test)]
mod model_tests;
mod small;
mod tree;
mod walk;

use std::ops::Range;

use super::{Collection, Corrupt, Encoding, IntegerText, Item, Packed, PackedLimits, ValueType};
use bulk::Builder;
use edge::Edge;
use small::Pairs;
use tree::Tree;

pub use edge::{LexEnd, LexRange, ScoreEnd, ScoreRange};
pub use walk::Walk;

/// A sorted set.
#[derive(Clone, Debug)]
pub struct SortedSet {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Packed(Packed),
    Tree(Box<Tree>),
}

/// Bytes of a member's and a score's heads in a packed sequence, and more.
const PAIR_OVERHEAD_BYTES: usize = 64;

impl Default for SortedSet {
    fn default() -> Self {
        Self { form: Form::Packed(Packed::new()) }
    }
}

/// Reading.
impl SortedSet {
    /// Returns the number of members.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => Pairs(packed).len(),
            Form::Tree(tree) => tree.len(),
        }
    }

    /// Says whether there are no members.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a member's score.
    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.form {
            Form::Packed(packed) => Pairs(packed).find(member).map(|at| Pairs(packed).score(at)),
            Form::Tree(tree) => tree.find(member).map(|spot| tree.score(spot)),
        }
    }

    /// Starts to fetch what look-ups of these members will read.
    #[inline]
    pub(in crate::types) fn prefetch(&self, members: &[&[u8]]) {
        if let Form::Tree(tree) = &self.form {
            tree.prefetch(members);
        }
    }

    /// Returns a member's rank, from 0, with its score. Cost: logarithmic.
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match &self.form {
            Form::Packed(packed) => {
                let pairs = Pairs(packed);
                pairs.find(member).map(|at| (pairs.rank(at), pairs.score(at)))
            }
            Form::Tree(tree) => tree.find(member).map(|spot| (tree.rank(spot), tree.score(spot))),
        }
    }

    /// Returns the members of some ranks in order, backwards if asked for. Ranks beyond the last one
    /// have no members. Cost: logarithmic, then constant for each.
    pub fn walk(&self, ranks: Range<usize>, is_reverse: bool) -> Walk<'_> {
        let end = ranks.end.min(self.len());
        let count = end.saturating_sub(ranks.start);
        let first = if is_reverse { end.saturating_sub(1) } else { ranks.start };
        match &self.form {
            Form::Packed(packed) => Walk::packed(packed, first, count, is_reverse),
            Form::Tree(tree) => Walk::tree(tree, first, count, is_reverse),
        }
    }

    /// Returns all members in order.
    pub fn iter(&self) -> Walk<'_> {
        self.walk(0..self.len(), false)
    }

    /// Returns the member of a rank. Cost: logarithmic.
    pub fn at(&self, rank: usize) -> Option<(Item<'_>, f64)> {
        self.walk(rank..rank + 1, false).next()
    }

    /// Returns the ranks of the members whose scores are in a range; `start` never exceeds `end`.
    pub fn ranks_by_score(&self, range: &ScoreRange) -> Range<usize> {
        let start = self.count_before(&range.first_edge());
        start..self.count_before(&range.last_edge()).max(start)
    }

    /// Returns the ranks of the members in a range of bytes, provided that all scores are equal.
    pub fn ranks_by_member(&self, range: &LexRange<'_>) -> Range<usize> {
        let start = match range.min {
            LexEnd::First => 0,
            LexEnd::Last => self.len(),
            LexEnd::Included(member) => self.count_before(&Edge::BeforeMember(member)),
            LexEnd::Excluded(member) => self.count_before(&Edge::BehindMember(member)),
        };
        let end = match range.max {
            LexEnd::First => 0,
            LexEnd::Last => self.len(),
            LexEnd::Included(member) => self.count_before(&Edge::BehindMember(member)),
            LexEnd::Excluded(member) => self.count_before(&Edge::BeforeMember(member)),
        };
        start..end.max(start)
    }

    fn count_before(&self, edge: &Edge<'_>) -> usize {
        match &self.form {
            Form::Packed(packed) => Pairs(packed).count_before(edge),
            Form::Tree(tree) => tree.count_before(edge),
        }
    }

    /// Shows about `count` members from a cursor on (0 at first) and returns the cursor to go on from,
    /// 0 behind the last. Members that stay are shown, whatever else changes meanwhile. Those of a packed
    /// sequence are shown all at once.
    pub fn scan(&self, cursor: u64, count: usize, show: &mut dyn FnMut(Item<'_>, f64)) -> u64 {
        let tree = match &self.form {
            Form::Packed(_) => {
                self.iter().for_each(|(member, score)| show(member, score));
                return 0;
            }
            Form::Tree(tree) => tree,
        };
        // A cursor that no scan has returned is behind all.
        let Ok(first) = u32::try_from(cursor) else { return 0 };
        let (spots, next) = tree.scan(first, count);
        for spot in spots {
            show(Item::Text(tree.member(spot)), tree.score(spot));
        }
        next.map_or(0, u64::from)
    }

    /// Returns the packed sequence if it is one: what RDB files hold.
    pub fn as_packed(&self) -> Option<&Packed> {
        match &self.form {
            Form::Packed(packed) => Some(packed),
            Form::Tree(_) => None,
        }
    }
}

/// Changes.
impl SortedSet {
    /// Returns an empty set of the form that so many members, the longest of so many bytes, will need.
    pub fn for_members(count: usize, bytes_max: usize, limits: PackedLimits) -> Self {
        if count <= limits.entries_max && bytes_max <= limits.value_bytes_max {
            return Self::default();
        }
        Self { form: Form::Tree(Box::new(Tree::with_room(count))) }
    }

    /// Makes the set ready for so many members, the longest of so many bytes, though some may be in it
    /// already. Cost: linear if that turns a packed sequence into a tree.
    pub fn make_ready(&mut self, count: usize, bytes_max: usize, limits: PackedLimits) {
        let is_beyond = count > limits.entries_max || bytes_max > limits.value_bytes_max;
        if is_beyond && matches!(self.form, Form::Packed(_)) {
            self.unpack();
        }
    }

    /// Returns the set of members that come in order, each once. Cost: linear.
    pub fn from_ascending(members: &[(f64, Item<'_>)], limits: PackedLimits) -> Self {
        debug_assert!(members.is_sorted_by(|(left, _), (right, _)| left <= right));
        if members.len() <= limits.entries_max
            && members.iter().all(|(_, member)| member.len() <= limits.value_bytes_max)
        {
            let mut packed = Packed::new();
            members.iter().for_each(|&(score, member)| small::append(&mut packed, member, score));
            return Self { form: Form::Packed(packed) };
        }
        let (mut builder, mut digits) = (Builder::new(members.len()), IntegerText::new());
        for (score, member) in members {
            builder.push(*score, member.bytes(&mut digits));
        }
        Self { form: Form::Tree(Box::new(builder.finish())) }
    }

    /// Takes a packed sequence from outside; the limits decide whether it stays one.
    ///
    /// # Errors
    /// It is no sequence of different members with their scores, in order.
    pub fn from_packed(packed: Packed, limits: PackedLimits) -> Result<Self, Corrupt> {
        if !Pairs(&packed).are_right() {
            return Err(Corrupt);
        }
        let mut set = Self { form: Form::Packed(packed) };
        let longest = set.iter().map(|(member, _)| member.len()).max().unwrap_or(0);
        if set.len() > limits.entries_max || longest > limits.value_bytes_max {
            set.unpack();
        }
        Ok(set)
    }

    /// Adds a member or changes its score: `decide` gets the old score and returns the new one, or nothing
    /// to leave all as it is. Returns the old score.
    #[inline]
    pub fn upsert(
        &mut self,
        member: &[u8],
        limits: PackedLimits,
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Option<f64> {
        let packed = match &mut self.form {
            Form::Tree(tree) => return tree.upsert(member, decide),
            Form::Packed(packed) => packed,
        };
        let pairs = Pairs(packed);
        let at = pairs.find(member);
        let old = at.map(|at| pairs.score(at));
        let Some(score) = decide(old) else { return old };
        if let Some(at) = at {
            if old != Some(score) {
                small::remove(packed, at);
                small::insert(packed, member, score);
            }
            return old;
        }
        let has_room = pairs.len() < limits.entries_max
            && member.len() <= limits.value_bytes_max
            && packed.has_room(member.len() + PAIR_OVERHEAD_BYTES);
        if has_room {
            small::insert(packed, member, score);
        } else {
            self.unpack().upsert(member, |_| Some(score));
        }
        None
    }

    /// Sets a member's score, whatever it was.
    pub fn insert(&mut self, member: &[u8], score: f64, limits: PackedLimits) {
        self.upsert(member, limits, |_| Some(score));
    }

    /// Removes a member and returns its score.
    #[inline]
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.form {
            Form::Tree(tree) => tree.remove(member),
            Form::Packed(packed) => {
                let at = Pairs(packed).find(member)?;
                let score = Pairs(packed).score(at);
                small::remove(packed, at);
                Some(score)
            }
        }
    }

    /// Removes the members of some ranks and returns how many there were.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) -> usize {
        let count = ranks.end.min(self.len()).saturating_sub(ranks.start);
        match &mut self.form {
            Form::Packed(packed) => small::remove_ranks(packed, ranks.start, count),
            Form::Tree(tree) => tree.remove_ranks(ranks.start, count),
        }
        count
    }

    /// Turns a packed sequence into a tree.
    fn unpack(&mut self) -> &mut Tree {
        if let Form::Packed(packed) = &self.form {
            let pairs = Pairs(packed);
            let mut builder = Builder::new(pairs.len() + 1);
            let mut digits = IntegerText::new();
            for at in pairs.places() {
                builder.push(pairs.score(at), pairs.member(at).bytes(&mut digits));
            }
            self.form = Form::Tree(Box::new(builder.finish()));
        }
        match &mut self.form {
            Form::Tree(tree) => tree,
            Form::Packed(_) => unreachable!("it has just become a tree"),
        }
    }
}

impl Collection for SortedSet {
    const TYPE: ValueType = ValueType::SortedSet;

    fn memory_bytes(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => packed.byte_count(),
            Form::Tree(tree) => tree.memory_bytes(),
        }
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn encoding(&self) -> Encoding {
        match &self.form {
            Form::Packed(_) => Encoding::Listpack,
            Form::Tree(_) => Encoding::Skiplist,
        }
    }

    fn free_cost(&self) -> usize {
        match &self.form {
            Form::Packed(_) => 1,
            Form::Tree(tree) => tree.free_cost(),
        }
    }

    fn dismantle(self, pause: &mut dyn FnMut()) {
        if let Form::Tree(tree) = self.form {
            tree.dismantle(pause);
        }
    }
}
