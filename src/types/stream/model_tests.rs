//! Streams against naive models, through long random sequences of operations.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::{
    BlockLimits, Deletion, Pending, References, Stream, StreamEntry, StreamId, StreamLog,
    StreamMarks, Trim, TrimGoal,
};
use crate::types::{Collection, IntegerText, Packed};

type Fields = Vec<Vec<u8>>;

const LIMITS: [BlockLimits; 4] = [
    BlockLimits { bytes_max: 4096, entries_max: 100 },
    BlockLimits { bytes_max: 200, entries_max: 0 },
    BlockLimits { bytes_max: 0, entries_max: 3 },
    BlockLimits { bytes_max: 0, entries_max: 0 },
];

fn id(ms: u64, sequence: u64) -> StreamId {
    StreamId { ms, sequence }
}

fn texts(entry: &StreamEntry<'_>) -> Fields {
    let own = |item: crate::types::Item<'_>| item.bytes(&mut IntegerText::new()).to_vec();
    entry.fields().flat_map(|(name, value)| [own(name), own(value)]).collect()
}

fn append(log: &mut StreamLog, at: StreamId, fields: &Fields, limits: BlockLimits) {
    log.append(at, fields.iter().map(Vec::as_slice), limits);
}

fn random_fields(random: &mut Rng) -> Fields {
    let names: &[&str] = match random.u8(0..10) {
        0 => &["other"],
        1 => &["temp", "hum", "more"],
        2 => &["hum", "temp"],
        _ => &["temp", "hum"],
    };
    let mut fields = Fields::new();
    for name in names {
        fields.push(name.as_bytes().to_vec());
        fields.push(match random.u8(0..5) {
            0 => random.i64(..).to_string().into_bytes(),
            1 => vec![b'v'; random.usize(0..80)],
            2 => random.u8(..).to_string().into_bytes(),
            3 => b"21.5".to_vec(),
            _ => vec![0xFF; random.usize(0..5)],
        });
    }
    fields
}

fn next_id(random: &mut Rng, last: StreamId) -> StreamId {
    match random.u8(0..3) {
        0 => id(last.ms + random.u64(1..100_000), random.u64(0..10)),
        1 => id(last.ms + 1, 0),
        _ => id(last.ms, last.sequence + random.u64(1..3)),
    }
}

struct Model {
    stream: Stream,
    entries: BTreeMap<StreamId, Fields>,
    limits: BlockLimits,
    random: Rng,
}

impl Model {
    fn some_id(&mut self) -> StreamId {
        let last = self.stream.log().last_id();
        match self.entries.len() {
            0 => last,
            count => {
                let near =
                    *self.entries.keys().nth(self.random.usize(0..count)).expect("it is there");
                match self.random.u8(0..4) {
                    0 => near.next().expect("far from the end"),
                    1 => near.previous().unwrap_or(near),
                    _ => near,
                }
            }
        }
    }

    fn step(&mut self) {
        match self.random.u8(0..20) {
            0..=11 => {
                let at = next_id(&mut self.random, self.stream.log().last_id());
                let fields = random_fields(&mut self.random);
                append(&mut self.stream.parts_mut().log, at, &fields, self.limits);
                self.entries.insert(at, fields);
            }
            12..=15 => {
                let at = self.some_id();
                let expected = if self.entries.remove(&at).is_some() {
                    Deletion::Done
                } else {
                    Deletion::Absent
                };
                assert_eq!(self.stream.delete(at, References::Keep), expected);
            }
            16 => self.trim(),
            _ => self.compare_range(),
        }
        assert_eq!(self.stream.log().len(), self.entries.len() as u64);
        let first = self.entries.keys().next().copied().unwrap_or_default();
        assert_eq!(self.stream.log().first_id(), first);
    }

    fn trim(&mut self) {
        let length = self.random.u64(0..=self.entries.len() as u64 + 3);
        let bound = self.some_id();
        let goal =
            if self.random.bool() { TrimGoal::MaxLength(length) } else { TrimGoal::MinId(bound) };
        let is_approximate = self.random.u8(0..4) > 0;
        let limit = (is_approximate && self.random.bool()).then(|| self.random.u64(1..50));
        let dropped = self.stream.trim(&Trim { goal, is_approximate, limit }, References::Keep);
        let count = self.entries.len() as u64;
        let wanted = match goal {
            TrimGoal::MaxLength(length) => count.saturating_sub(length),
            TrimGoal::MinId(bound) => self.entries.range(..bound).count() as u64,
        };
        assert!(dropped <= wanted && (is_approximate || dropped == wanted));
        assert!(limit.is_none_or(|limit| dropped <= limit));
        for _ in 0..dropped {
            self.entries.pop_first();
        }
    }

    fn compare_range(&mut self) {
        let (start, end) = (self.some_id(), self.some_id());
        let log = self.stream.log();
        let expected: Vec<(StreamId, Fields)> = if start > end {
            Vec::new()
        } else {
            self.entries.range(start..=end).map(|(at, fields)| (*at, fields.clone())).collect()
        };
        let own = |entry: StreamEntry<'_>| (entry.id(), texts(&entry));
        let mut back: Vec<_> = log.range_back(start, end).map(own).collect();
        back.reverse();
        assert_eq!(log.range(start, end).map(own).collect::<Vec<_>>(), expected);
        assert_eq!(back, expected);
        assert_eq!(log.get(start).map(|entry| texts(&entry)), self.entries.get(&start).cloned());
    }

    fn check(&self) {
        let log = self.stream.log();
        let bytes: usize = log.blocks.iter().map(super::block::Block::memory_bytes).sum();
        assert_eq!(log.block_bytes, bytes);
        let mut copy = StreamLog::default();
        for (first, bytes) in log.blocks() {
            let packed = Packed::from_bytes(bytes).expect("blocks are packed sequences");
            copy.load_block(first, &packed).expect("blocks are whole");
        }
        copy.set_marks(*log.marks());
        let own = |entry: StreamEntry<'_>| (entry.id(), texts(&entry));
        let all =
            |log: &StreamLog| log.range(StreamId::MIN, StreamId::MAX).map(own).collect::<Vec<_>>();
        assert_eq!(all(&copy), all(log));
        assert_eq!(copy.len(), log.len());
        let live: usize = log.blocks.iter().map(super::block::Block::live_count).sum();
        assert_eq!(live as u64, log.len());
    }
}

#[test]
fn entries_are_those_of_a_sorted_map() {
    for (seed, limits) in LIMITS.into_iter().cycle().take(12).enumerate() {
        let mut model = Model {
            stream: Stream::new(),
            entries: BTreeMap::new(),
            limits,
            random: Rng::with_seed(seed as u64),
        };
        for step in 0..3000 {
            model.step();
            if step % 100 == 0 {
                model.check();
            }
        }
        model.check();
    }
}

#[test]
fn groups_keep_who_has_what() {
    let mut random = Rng::with_seed(7);
    let mut stream = Stream::new();
    let empty_bytes = stream.memory_bytes();
    let groups = &mut stream.parts_mut().groups;
    groups.create(b"g", StreamId::MIN, None);
    let mut model: BTreeMap<StreamId, Option<Vec<u8>>> = BTreeMap::new();
    let mut returned: Vec<StreamId> = Vec::new();
    for _ in 0..5000 {
        let mut group = groups.get_mut(b"g").expect("it was created");
        let at = id(random.u64(0..50), 0);
        let name = vec![b'a' + random.u8(0..6)];
        match random.u8(0..10) {
            0 => {
                let had = model.values().filter(|owner| owner.as_ref() == Some(&name)).count();
                let removed = group.remove_consumer(&name);
                assert!(removed.is_none_or(|count| count == had));
                model.retain(|_, owner| owner.as_ref() != Some(&name));
            }
            1..=3 => assert_eq!(group.acknowledge(at), model.remove(&at).is_some()),
            4 => {
                group.assign(at, Pending { consumer: None, delivered_ms: 0, delivery_count: 1 });
                model.insert(at, None);
                returned.retain(|&other| other != at);
                returned.push(at);
            }
            _ => {
                let found = group.find_consumer(&name);
                let consumer = found.or_else(|| group.create_consumer(&name, 1));
                let delivered_ms = random.u64(1..9);
                group.assign(at, Pending { consumer, delivered_ms, delivery_count: 1 });
                model.insert(at, Some(name));
            }
        }
        let (until_ms, count_max) = (random.u64(0..10), random.usize(0..60));
        returned.retain(|at| model.get(at).is_some_and(Option::is_none));
        assert!(group.returned().eq(returned.iter().copied()));
        let owned = group.pending().iter().filter(|(_, pending)| pending.consumer.is_some());
        let mut idle: Vec<_> = owned.map(|(at, pending)| (pending.delivered_ms, *at)).collect();
        idle.retain(|&(delivered_ms, _)| delivered_ms <= until_ms);
        idle.sort_unstable();
        let idle = idle.into_iter().map(|(_, at)| at);
        let expected: Vec<_> = returned.iter().copied().chain(idle).collect();
        assert_eq!(group.has_idle_since(until_ms), !expected.is_empty());
        let shown = count_max.min(expected.len());
        assert_eq!(group.idle_since(until_ms, count_max), expected[..shown]);
        let owner = |pending: &Pending| {
            pending.consumer.map(|consumer| group.consumer(consumer).name().to_vec())
        };
        assert!(
            group.pending().iter().map(|(at, pending)| (*at, owner(pending))).eq(model.clone())
        );
        for (_, consumer) in group.consumers() {
            let own = model.iter().filter(|(_, owner)| owner.as_deref() == Some(consumer.name()));
            assert!(consumer.pending().iter().eq(own.map(|(at, _)| at)));
        }
    }
    let names: Vec<Vec<u8>> = {
        let group = groups.get(b"g").expect("it was created");
        group.consumers().map(|(_, consumer)| consumer.name().to_vec()).collect()
    };
    assert!(names.is_sorted());
    assert!(groups.remove(b"g") && groups.is_empty() && !groups.remove(b"g"));
    assert_eq!(groups.free_cost(), 0);
    assert!(stream.memory_bytes() - empty_bytes <= 64);
}

fn with_entries(count: u64) -> Stream {
    let mut stream = Stream::new();
    let limits = BlockLimits { bytes_max: 4096, entries_max: 4 };
    for ms in 1..=count {
        append(&mut stream.parts_mut().log, id(ms, 0), &vec![b"f".to_vec(), b"v".to_vec()], limits);
    }
    stream
}

#[test]
fn references_keep_entries_from_being_trimmed_or_go_with_them() {
    let mut stream = with_entries(10);
    let groups = &mut stream.parts_mut().groups;
    let mut group = groups.create(b"g", id(6, 0), None).expect("it is new");
    let consumer = group.create_consumer(b"c", 1);
    for ms in [2, 5] {
        group.assign(id(ms, 0), Pending { consumer, delivered_ms: 1, delivery_count: 1 });
    }
    drop(group);
    assert_eq!(stream.delete(id(2, 0), References::Acknowledged), Deletion::Referenced);
    assert_eq!(stream.delete(id(7, 0), References::Acknowledged), Deletion::Referenced);
    assert_eq!(stream.delete(id(11, 0), References::Acknowledged), Deletion::Absent);
    let exact = |goal| Trim { goal, is_approximate: false, limit: None };
    let goal = TrimGoal::MaxLength(1);
    assert_eq!(stream.trim(&exact(goal), References::Acknowledged), 4);
    let left: Vec<u64> =
        stream.log().range(StreamId::MIN, StreamId::MAX).map(|entry| entry.id().ms).collect();
    assert_eq!(left, [2, 5, 7, 8, 9, 10]);
    assert_eq!(stream.trim(&exact(TrimGoal::MinId(id(5, 0))), References::Remove), 1);
    let pending = |stream: &Stream| stream.groups().get(b"g").map(|group| group.pending().len());
    assert_eq!(pending(&stream), Some(1));
    assert_eq!(stream.delete(id(5, 0), References::Remove), Deletion::Done);
    assert_eq!(pending(&stream), Some(0));
}

#[test]
fn an_approximate_trim_drops_whole_blocks_up_to_its_limit() {
    let mut stream = with_entries(20);
    let trim = |goal, limit| Trim { goal, is_approximate: true, limit };
    assert_eq!(stream.trim(&trim(TrimGoal::MaxLength(5), Some(9)), References::Keep), 8);
    assert_eq!(stream.trim(&trim(TrimGoal::MaxLength(5), None), References::Keep), 4);
    assert_eq!(stream.trim(&trim(TrimGoal::MinId(id(16, 0)), None), References::Keep), 0);
    assert_eq!(stream.trim(&trim(TrimGoal::MinId(id(17, 0)), None), References::Keep), 4);
    assert_eq!(stream.log().len(), 4);
}

#[test]
fn an_emptied_stream_can_start_over_with_smaller_identifiers() {
    let mut stream = with_entries(4);
    assert_eq!(stream.delete(id(4, 0), References::Keep), Deletion::Done);
    let goal = TrimGoal::MinId(id(4, 0));
    assert_eq!(
        stream.trim(&Trim { goal, is_approximate: false, limit: None }, References::Keep),
        3
    );
    let log = &mut stream.parts_mut().log;
    assert_eq!((log.len(), log.block_count()), (0, 1));
    log.set_marks(StreamMarks::default());
    append(log, id(2, 0), &vec![b"f".to_vec(), b"v".to_vec()], LIMITS[0]);
    assert!(log.get(id(2, 0)).is_some());
    assert_eq!(log.first_id(), id(2, 0));
}

#[test]
fn forged_blocks_are_refused() {
    let stream = with_entries(4);
    let (first, bytes) = stream.log().blocks().next().expect("there is a block");
    let packed = Packed::from_bytes(bytes).expect("it is packed");
    let items: Vec<crate::types::Item<'_>> = packed.iter().collect();
    let mut accepted = 0;
    for index in 0..items.len() {
        for forged in [-1, 0, 1, 2, 3, 5, 1 << 40] {
            let mut items = items.clone();
            items[index] = crate::types::Item::Integer(forged);
            let mut log = StreamLog::default();
            if log.load_block(first, &items.into_iter().collect()).is_ok() {
                accepted += 1;
                assert_eq!(log.range(StreamId::MIN, StreamId::MAX).count() as u64, log.len());
            }
        }
    }
    assert!(accepted > 0, "names and values may be anything");
    for count in 0..items.len() {
        let cut: Packed = items[..count].iter().copied().collect();
        let mut log = StreamLog::default();
        let is_ok = log.load_block(first, &cut).is_ok();
        assert!(!is_ok, "{count}");
    }
}
