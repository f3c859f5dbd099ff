//! What producers have sent of late, so that an entry that is sent again is not added again.
//!
//! A producer gives each entry a token, or has it made of what is in the entry. The stream keeps the
//! last tokens of each producer in the order in which they came, at most `tokens_max` of them, and the
//! entry that each stands for. A token is good for `duration_s` from the time in its entry's
//! identifier on. Whatever is recorded also clears some of what is not good any more, the producers by
//! turns, so that those that are gone leave nothing behind.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use indexmap::IndexMap;

use super::id::StreamId;
use crate::types::Corrupt;
use crate::types::object::free_each;

/// Bytes that a token takes beyond its text, and a producer beyond its name, about.
const TOKEN_BYTES: usize = size_of::<Sent>() + 20;
const PRODUCER_BYTES: usize = size_of::<Producer>() + 60;
/// Producers that are looked after whenever a token is recorded, and tokens of one forgotten at once.
const LOOKED_AFTER_COUNT: usize = 2;
const FORGOTTEN_AT_ONCE_MAX: usize = 16;

/// How long and how many tokens are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerLimits {
    pub duration_s: u32,
    /// Of one producer.
    pub tokens_max: u32,
}

impl ProducerLimits {
    pub const DURATION_S_MAX: u32 = 86_400;
    pub const TOKENS_MAX: u32 = 10_000;

    /// Returns limits within their bounds, from 1 on.
    pub fn new(duration_s: u64, tokens_max: u64) -> Option<Self> {
        let within = |number: u64, max: u32| {
            u32::try_from(number).ok().filter(|number| (1..=max).contains(number))
        };
        Some(Self {
            duration_s: within(duration_s, Self::DURATION_S_MAX)?,
            tokens_max: within(tokens_max, Self::TOKENS_MAX)?,
        })
    }

    /// Says whether the token of an entry is good no more.
    fn is_over(&self, id: StreamId, now_ms: u64) -> bool {
        id.ms.saturating_add(u64::from(self.duration_s) * 1000) <= now_ms
    }
}

impl Default for ProducerLimits {
    fn default() -> Self {
        Self { duration_s: 100, tokens_max: 100 }
    }
}

/// Tokens ever recorded, and entries that were sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProducerCounts {
    pub added: u64,
    pub duplicates: u64,
}

/// The producers of a stream.
#[derive(Clone, Debug)]
pub struct Producers {
    limits: ProducerLimits,
    pub counts: ProducerCounts,
    list: IndexMap<Box<[u8]>, Producer, RandomState>,
    /// Who is looked after next.
    turn: usize,
    token_count: usize,
    bytes: usize,
}

/// One of them. A token's number is that of its place in `sent` plus `first`.
#[derive(Clone, Debug, Default)]
struct Producer {
    sent: VecDeque<Sent>,
    first: u64,
    numbers: HashTable<u64>,
}

#[derive(Clone, Debug)]
struct Sent {
    token: Box<[u8]>,
    id: StreamId,
}

impl Producers {
    /// Returns no producers.
    pub fn new(limits: ProducerLimits) -> Self {
        Self {
            limits,
            counts: ProducerCounts::default(),
            list: IndexMap::default(),
            turn: 0,
            token_count: 0,
            bytes: 0,
        }
    }

    /// Returns how long and how many tokens are kept.
    pub fn limits(&self) -> ProducerLimits {
        self.limits
    }

    /// Changes the limits. Unless they are what they were, all tokens are forgotten.
    pub fn set_limits(&mut self, limits: ProducerLimits) {
        if limits != self.limits {
            *self = Self { counts: self.counts, ..Self::new(limits) };
        }
    }

    /// Says whether nothing was ever recorded.
    pub fn is_unused(&self) -> bool {
        self.list.is_empty() && self.counts == ProducerCounts::default()
    }

    /// Returns the numbers of producers that have tokens that are good, and of those tokens.
    /// Cost: O(producers).
    pub fn tracked(&self, now_ms: u64) -> (usize, usize) {
        let good = |producer: &Producer| {
            let over = producer.sent.partition_point(|sent| self.limits.is_over(sent.id, now_ms));
            producer.sent.len() - over
        };
        let counts = self.list.values().map(good).filter(|&count| count > 0);
        counts.fold((0, 0), |(producers, tokens), count| (producers + 1, tokens + count))
    }

    /// Returns the entry that a producer's token stands for.
    pub fn find(&self, producer: &[u8], token: &[u8], now_ms: u64) -> Option<StreamId> {
        let found = self.list.get(producer)?;
        let place = found.place(token, self.list.hasher().hash_one(token))?;
        Some(found.sent[place].id).filter(|&id| !self.limits.is_over(id, now_ms))
    }

    /// Notes that a producer's token stands for an entry, whatever it stood for before.
    pub fn record(&mut self, producer: &[u8], token: &[u8], id: StreamId, now_ms: u64) {
        self.counts.added += 1;
        let index = self.open(producer);
        self.forget(index, now_ms);
        self.put(index, token, id);
        while self.list[index].sent.len() > self.limits.tokens_max as usize {
            self.pop(index);
        }
        self.look_after(now_ms);
    }

    /// Adds a producer's token from outside behind its others.
    ///
    /// # Errors
    /// It stands there already, or there are too many.
    pub fn load(&mut self, producer: &[u8], token: &[u8], id: StreamId) -> Result<(), Corrupt> {
        let index = self.open(producer);
        let hash = self.list.hasher().hash_one(token);
        let found = &self.list[index];
        let is_full = found.sent.len() >= self.limits.tokens_max as usize;
        if is_full || found.place(token, hash).is_some() {
            return Err(Corrupt);
        }
        self.put(index, token, id);
        Ok(())
    }

    /// Returns each producer's name, and its tokens with their entries, the oldest first.
    pub fn iter(
        &self,
    ) -> impl ExactSizeIterator<Item = (&[u8], impl ExactSizeIterator<Item = (&[u8], StreamId)> + Clone)>
    {
        self.list.iter().map(|(name, producer)| {
            (&**name, producer.sent.iter().map(|sent| (&*sent.token, sent.id)))
        })
    }

    /// Returns the bytes of memory of the struct and beyond. Cost: O(1).
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.bytes
    }

    /// Returns about how many pieces of memory they consist of. Cost: O(1).
    pub(super) fn free_cost(&self) -> usize {
        self.token_count + 2 * self.list.len()
    }

    /// Frees all tokens piece by piece.
    pub(super) fn dismantle(self, pause: &mut dyn FnMut()) {
        self.list.into_values().for_each(|producer| free_each(producer.sent, pause));
    }

    /// Returns the index of a producer, which comes into being if needed.
    fn open(&mut self, producer: &[u8]) -> usize {
        if let Some(index) = self.list.get_index_of(producer) {
            return index;
        }
        self.bytes += producer.len() + PRODUCER_BYTES;
        self.list.insert_full(producer.into(), Producer::default()).0
    }

    fn put(&mut self, index: usize, token: &[u8], id: StreamId) {
        let hash = self.list.hasher().hash_one(token);
        let hasher = self.list.hasher().clone();
        let producer = &mut self.list[index];
        if let Some(place) = producer.place(token, hash) {
            producer.sent[place].id = id;
            return;
        }
        let number = producer.first + producer.sent.len() as u64;
        producer.sent.push_back(Sent { token: token.into(), id });
        let Producer { sent, first, numbers } = producer;
        numbers.insert_unique(hash, number, |&number| {
            hasher.hash_one(&*sent[place_of(number, *first)].token)
        });
        self.token_count += 1;
        self.bytes += token.len() + TOKEN_BYTES;
    }

    /// Forgets the oldest token of a producer.
    fn pop(&mut self, index: usize) {
        let hasher = self.list.hasher().clone();
        let producer = &mut self.list[index];
        let Some(oldest) = producer.sent.pop_front() else { return };
        let (number, hash) = (producer.first, hasher.hash_one(&*oldest.token));
        if let Ok(found) = producer.numbers.find_entry(hash, |&other| other == number) {
            found.remove();
        }
        producer.first += 1;
        self.token_count -= 1;
        self.bytes -= oldest.token.len() + TOKEN_BYTES;
    }

    /// Forgets tokens of a producer that are good no more, the oldest ones first.
    fn forget(&mut self, index: usize, now_ms: u64) {
        for _ in 0..FORGOTTEN_AT_ONCE_MAX {
            let oldest = self.list[index].sent.front();
            if !oldest.is_some_and(|sent| self.limits.is_over(sent.id, now_ms)) {
                break;
            }
            self.pop(index);
        }
    }

    /// Forgets what is over of the producers whose turn it is, and those that have nothing left.
    fn look_after(&mut self, now_ms: u64) {
        for _ in 0..LOOKED_AFTER_COUNT.min(self.list.len()) {
            let index = if self.turn < self.list.len() { self.turn } else { 0 };
            self.forget(index, now_ms);
            self.turn = index + 1;
            if self.list[index].sent.is_empty()
                && let Some((name, _)) = self.list.swap_remove_index(index)
            {
                self.bytes -= name.len() + PRODUCER_BYTES;
                self.turn = index;
            }
        }
    }
}

impl Producer {
    /// Returns the place of a token.
    fn place(&self, token: &[u8], hash: u64) -> Option<usize> {
        let place = |number: u64| place_of(number, self.first);
        let found = self.numbers.find(hash, |&number| *self.sent[place(number)].token == *token)?;
        Some(place(*found))
    }
}

fn place_of(number: u64, first: u64) -> usize {
    usize::try_from(number - first).expect("places in memory")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{ProducerLimits, Producers};
    use crate::types::StreamId;

    fn id(ms: u64) -> StreamId {
        StreamId { ms, sequence: 0 }
    }

    #[test]
    fn tokens_are_found_as_a_naive_model_finds_them() {
        let mut random = fastrand::Rng::with_seed(7);
        let limits = ProducerLimits { duration_s: 1, tokens_max: 5 };
        let mut producers = Producers::new(limits);
        let mut model: BTreeMap<u8, Vec<(u8, u64)>> = BTreeMap::new();
        let mut now_ms = 1_000_000;
        for _ in 0..20_000 {
            now_ms += random.u64(0..100);
            let (producer, token) = (random.u8(0..6), random.u8(0..9));
            let sent = model.entry(producer).or_default();
            sent.retain(|&(_, ms)| ms + 1000 > now_ms);
            let expected = sent.iter().find(|&&(other, _)| other == token).map(|&(_, ms)| id(ms));
            assert_eq!(producers.find(&[producer], &[token], now_ms), expected);
            if expected.is_none() {
                producers.record(&[producer], &[token], id(now_ms), now_ms);
                sent.push((token, now_ms));
                if sent.len() > 5 {
                    sent.remove(0);
                }
            }
            let live = |sent: &&Vec<(u8, u64)>| sent.iter().any(|&(_, ms)| ms + 1000 > now_ms);
            assert_eq!(producers.tracked(now_ms).0, model.values().filter(live).count());
            assert_eq!(producers.token_count, producers.iter().map(|(_, sent)| sent.len()).sum());
        }
    }

    #[test]
    fn producers_that_are_gone_leave_nothing_behind() {
        let mut producers = Producers::new(ProducerLimits { duration_s: 1, tokens_max: 3 });
        let empty = producers.memory_bytes();
        for number in 0..1000_u32 {
            producers.record(&number.to_be_bytes(), b"token", id(5), 5);
        }
        assert_eq!(producers.tracked(5), (1000, 1000));
        assert_eq!(producers.tracked(1005), (0, 0));
        for ms in 2000..3000 {
            producers.record(b"alive", &ms.to_string().into_bytes(), id(ms), ms);
        }
        assert_eq!((producers.list.len(), producers.token_count), (1, 3));
        assert!(producers.memory_bytes() < empty + 500);
    }

    #[test]
    fn other_limits_forget_tokens_and_keep_counts() {
        let limits = ProducerLimits::default();
        let mut producers = Producers::new(limits);
        producers.record(b"p", b"1", id(5), 5);
        producers.set_limits(limits);
        assert_eq!(producers.find(b"p", b"1", 5), Some(id(5)));
        producers.set_limits(ProducerLimits { tokens_max: 7, ..limits });
        assert_eq!(producers.find(b"p", b"1", 5), None);
        assert_eq!((producers.counts.added, producers.bytes), (1, 0));
    }

    #[test]
    fn a_token_from_outside_stands_once() {
        let mut producers = Producers::new(ProducerLimits { duration_s: 1, tokens_max: 2 });
        assert!(producers.load(b"p", b"1", id(1)).is_ok());
        assert!(producers.load(b"p", b"1", id(2)).is_err());
        assert!(producers.load(b"p", b"2", id(2)).is_ok());
        assert!(producers.load(b"p", b"3", id(3)).is_err());
        assert!(producers.load(b"q", b"3", id(3)).is_ok());
    }
}
