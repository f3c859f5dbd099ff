//! Values of every type and encoding through payloads and files, whole and damaged.

use bytes::Bytes;

use super::codes::kind;
use super::{
    LoadOptions, Loaded, RdbError, SaveOptions, Shapes, Stamps, dump, load, restore, save,
};
use crate::base::crc::crc64;
use crate::config::Config;
use crate::keyspace::{Access, Aging, Entry, Keyspace, LockMode, Lookup, Noted};
use crate::types::{
    BlockLimits, Encoding, End, FieldDeadline, Hash, IntegerText, List, ListLimits, Object,
    ObjectRef, PackedLimits, Parts, Pending, ProducerLimits, Producers, Set, SortedSet, Stream,
    StreamId, StringRef, StringValue,
};

const NOW_MS: u64 = 1_700_000_000_000;
const AGING: fn() -> Aging = || Aging::new(false, NOW_MS, 10, 1);

fn shapes() -> Shapes {
    Shapes::read(&Config::default())
}

fn hash(count: usize, deadline: impl Fn(usize) -> Option<u64>) -> Object {
    let limits = PackedLimits { entries_max: 512, value_bytes_max: 64 };
    let mut hash = Hash::new();
    for number in 0..count {
        let (field, value) = (format!("field:{number}"), (number * 7).to_string());
        let deadline = deadline(number).map_or(FieldDeadline::None, FieldDeadline::At);
        hash.set(field.as_bytes(), value.as_bytes(), deadline, limits);
    }
    hash.into()
}

fn list(texts: impl Iterator<Item = Vec<u8>>) -> Object {
    let limits = ListLimits::new(-2, None);
    let mut list = List::new();
    texts.for_each(|text| list.push(End::Back, StringRef::Text(&text), &limits));
    list.into()
}

fn set(members: impl Iterator<Item = Vec<u8>>) -> Object {
    let members: Vec<Vec<u8>> = members.collect();
    let limits = shapes().set;
    let mut set = Set::for_members(&members[0], members.len(), &limits);
    members.iter().for_each(|member| assert!(set.add(member, &limits)));
    set.into()
}

fn packed_set(members: &[&[u8]]) -> Object {
    Set::of_packed(members.iter().copied().collect()).into()
}

fn sorted_set(members: impl Iterator<Item = Vec<u8>>) -> Object {
    let limits = shapes().sorted_set;
    let mut set = SortedSet::default();
    let scores = [0.0, -1.5, f64::INFINITY, 1e300, 12.0, f64::NEG_INFINITY].into_iter().cycle();
    members.zip(scores).for_each(|(member, score)| set.insert(&member, score, limits));
    set.into()
}

/// Returns a stream that producers have sent entries to, and, if wanted, one whose readers have given
/// some back.
fn sent_stream(has_returned: bool) -> Object {
    let id = |number: u64| StreamId { ms: NOW_MS + number, sequence: 0 };
    let mut stream = Stream::new();
    let parts = stream.parts_mut();
    let limits = ProducerLimits { duration_s: 7, tokens_max: 20 };
    let producers = parts.producers.insert(Box::new(Producers::new(limits)));
    for number in 0..50_u64 {
        let name = [b'a' + u8::try_from(number % 3).expect("small")];
        producers.record(&name, number.to_string().as_bytes(), id(number), NOW_MS);
    }
    producers.counts.duplicates = 12;
    if has_returned {
        let mut group = parts.groups.create(b"group", id(100), None).expect("the first");
        let reader = group.create_consumer(b"reader", NOW_MS).expect("the first");
        for number in [3, 1, 2, 9, 5] {
            let consumer = Some(reader).filter(|_| number > 3);
            let pending = Pending { consumer, delivered_ms: 0, delivery_count: 2 };
            group.assign(id(number), pending);
        }
    }
    stream.into()
}

/// Returns a stream with deleted entries and, if wanted, with groups that have read of it.
fn stream(count: u64, has_groups: bool) -> Object {
    let id = |number: u64| StreamId { ms: NOW_MS + number / 3, sequence: number % 3 };
    let limits = BlockLimits { bytes_max: 4096, entries_max: 100 };
    let mut stream = Stream::new();
    let Parts { log, groups, .. } = stream.parts_mut();
    for number in 0..count {
        let fields: [&[u8]; 4] = [b"name", b"value", b"other", b"12"];
        let fields = &fields[..if number.is_multiple_of(7) { 2 } else { 4 }];
        log.append(id(number), fields.iter().copied(), limits);
    }
    (0..count).step_by(5).for_each(|number| assert!(log.delete(id(number))));
    if has_groups {
        let mut group = groups.create(b"group", id(100), Some(101)).expect("the first");
        let reader = group.create_consumer(b"reader", NOW_MS).expect("the first");
        group.consumer_mut(reader).active_ms = Some(NOW_MS - 1);
        group.create_consumer(b"sleeper", NOW_MS + 5).expect("another name");
        for number in 0..50 {
            let pending = Pending { consumer: Some(reader), delivered_ms: 9, delivery_count: 2 };
            group.assign(id(number), pending);
        }
        drop(group);
        groups.create(b"idle", StreamId::MIN, None).expect("another name");
    }
    stream.into()
}

fn objects() -> Vec<Object> {
    let words = |count: usize| (0..count).map(|number| format!("word:{number}").into_bytes());
    let numbers = |count: usize| (0..count).map(|number| number.to_string().into_bytes());
    let large = numbers(5).chain([vec![b'x'; 20_000]]).chain(numbers(3));
    let some = |number: usize| number.is_multiple_of(3).then(|| NOW_MS + 10_000 + number as u64);
    let hashes = [hash(5, |_| None), hash(900, |_| None), hash(8, some), hash(700, some)];
    let lists = [list(numbers(7)), list(numbers(9000)), list(large)];
    let sets = [
        set(numbers(9)),
        set(numbers(2000)),
        set(words(7)),
        set(words(700)),
        // Integers that were not alone when they came.
        packed_set(&[b"3", b"1", b"2"]),
    ];
    let sorted = [sorted_set(words(9)), sorted_set(words(900))];
    let streams = [
        Stream::new().into(),
        stream(3, false),
        stream(500, false),
        stream(500, true),
        sent_stream(false),
        sent_stream(true),
    ];
    hashes.into_iter().chain(lists).chain(sets).chain(sorted).chain(streams).collect()
}

fn texts() -> Vec<Vec<u8>> {
    let texts = ["", "12", "-70000", "99999999999", "hello"].map(|text| text.as_bytes().to_vec());
    let long = [b"abc".repeat(20), b"noise: q8w7e6r5".to_vec(), b"0123456789".repeat(5_000)];
    texts.into_iter().chain(long).collect()
}

/// Returns entries of every type and encoding.
fn samples() -> Vec<Entry> {
    let texts =
        texts().into_iter().map(|text| Entry::new(b"key", StringValue::from_bytes(&text), None, 0));
    let objects = objects().into_iter().map(|object| Entry::of_object(b"key", object, None, 0));
    texts.chain(objects).collect()
}

/// Returns the payload of a value; what a table holds stands in no order, so it is sorted here.
fn comparable(entry: &Entry, compresses: bool) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = match (entry.object(), entry.encoding()) {
        (Some(ObjectRef::Set(set)), Encoding::Hashtable) => {
            let mut digits = IntegerText::new();
            set.iter().map(|member| member.bytes(&mut digits).to_vec()).collect()
        }
        (Some(ObjectRef::Hash(hash)), Encoding::Hashtable) => {
            hash.iter().map(|field| format!("{field:?}").into_bytes()).collect()
        }
        _ => return dump(entry, compresses),
    };
    parts.sort_unstable();
    parts.concat()
}

#[test]
fn every_value_comes_back_from_its_payload_as_it_was() {
    for compresses in [false, true] {
        for entry in samples() {
            let payload = dump(&entry, compresses);
            let restored = restore(&payload, false, &shapes()).expect("what was dumped");
            let restored = restored.into_entry(b"key", None, 0);
            assert_eq!(restored.encoding(), entry.encoding());
            let is_same = comparable(&restored, compresses) == comparable(&entry, compresses);
            assert!(is_same, "{:?}", entry.encoding());
        }
    }
}

#[test]
fn what_was_given_back_comes_back_in_its_order() {
    let entry = Entry::of_object(b"key", sent_stream(true), None, 0);
    let restored = restore(&dump(&entry, false), false, &shapes()).expect("what was dumped");
    let restored = restored.into_entry(b"key", None, 0);
    let stream = restored.collection::<Stream>().expect("it is a stream");
    let group = stream.groups().get(b"group").expect("it is there");
    let order: Vec<u64> = group.returned().map(|id| id.ms - NOW_MS).collect();
    assert_eq!((order, group.pending().len()), (vec![3, 1, 2], 5));
}

#[test]
fn producers_stand_as_the_originals_write_them() {
    let mut value = vec![kind::STREAM_4, 0];
    // No entries, of an empty stream; no groups; limits; one producer with two tokens; counts.
    value.extend_from_slice(&[0; 9]);
    value.extend_from_slice(b"\x40\x64\x40\x64\x01\x01p\x02\x01a\x05\x00\x02bc\x05\x01\x03\x07");
    let restored = restore(&payload_of(&value), false, &shapes()).expect("the payload is whole");
    let entry = restored.into_entry(b"key", None, 0);
    let producers = entry.collection::<Stream>().and_then(Stream::producers).expect("some");
    let sent: Vec<_> = producers.iter().flat_map(|(_, sent)| sent).collect();
    let id = |sequence| StreamId { ms: 5, sequence };
    assert_eq!(sent, [(&b"a"[..], id(0)), (b"bc", id(1))]);
    assert_eq!((producers.counts.added, producers.counts.duplicates), (3, 7));
    assert_eq!(dump(&entry, false)[..value.len()], value);
    // A stream that no producer has used is no larger than others.
    value.truncate(11);
    value.extend_from_slice(b"\x40\x64\x40\x64\x00\x00\x00");
    let restored = restore(&payload_of(&value), false, &shapes()).expect("the payload is whole");
    let entry = restored.into_entry(b"key", None, 0);
    assert!(entry.collection::<Stream>().is_some_and(|stream| stream.producers().is_none()));
}

fn access() -> Access {
    Access {
        now_ms: 0,
        aging: AGING(),
        touches: true,
        removes_expired: true,
        noted: Noted::NOTHING,
    }
}

const LIBRARY: &[u8] = b"#!lua name=a\n";

fn saved(keyspace: &Keyspace) -> Vec<u8> {
    let options = SaveOptions {
        version: "7.4.0",
        now_ms: NOW_MS,
        used_memory_bytes: 0,
        libraries: &[Bytes::from_static(LIBRARY)],
        stamps: Stamps::Idle,
        compresses: true,
        sums: true,
    };
    let mut file = Vec::new();
    save(keyspace, &mut file, &options).expect("memory takes everything");
    file
}

fn loaded(file: &[u8]) -> Result<(Keyspace, Loaded), RdbError> {
    let keyspace = Keyspace::new(16);
    let options = LoadOptions {
        now_ms: NOW_MS,
        shapes: shapes(),
        aging: AGING(),
        sums: true,
        is_strict: true,
        replaces: false,
        define: &mut |text| if text == LIBRARY { Ok(()) } else { Err("no library".into()) },
        proceed: &mut |_| true,
    };
    load(&keyspace, file, options).map(|loaded| (keyspace, loaded))
}

/// Returns a keyspace with every sample in two databases, some of them with deadlines.
fn filled() -> Keyspace {
    let keyspace = Keyspace::new(16);
    let access = access();
    for (number, entry) in samples().into_iter().enumerate() {
        for db in [0, 7] {
            let name = format!("{db}:{number}");
            let key = keyspace.key(db, name.as_bytes());
            let mut keys = keyspace.lock_one(key.place(), LockMode::Exclusive, &access);
            keys.insert(&key, entry.copy(name.as_bytes(), AGING().first_stamp()));
            if number.is_multiple_of(4) {
                let mut entry = keys.get_mut(&key).expect("just inserted");
                entry.set_deadline(Some(NOW_MS + 1 + number as u64));
            }
        }
    }
    keyspace
}

#[test]
fn a_file_holds_all_databases() {
    let keyspace = filled();
    let file = saved(&keyspace);
    assert!(file.starts_with(b"REDIS0014"));
    let (copy, counts) = loaded(&file).expect("what was saved");
    assert_eq!(counts.key_count, 2 * samples().len() as u64);
    assert_eq!(counts.library_count, 1);
    let access = access();
    for db in [0, 7] {
        assert_eq!(copy.key_count(db), keyspace.key_count(db));
        keyspace.for_each(db, &mut |entry| {
            let key = copy.key(db, entry.key());
            let mut keys = copy.lock_one(key.place(), LockMode::Shared, &access);
            let other = keys.get(&key, Lookup::PEEK).expect("every key is there");
            assert_eq!(other.deadline_ms(), entry.deadline_ms());
            assert!(comparable(other, true) == comparable(entry, true), "{:?}", entry.encoding());
        });
    }
}

#[test]
fn a_file_has_the_oldest_version_whose_readers_know_its_values() {
    let with = |object: Object| {
        let (keyspace, access) = (Keyspace::new(16), access());
        let key = keyspace.key(3, b"key");
        let mut keys = keyspace.lock_one(key.place(), LockMode::Exclusive, &access);
        keys.insert(&key, Entry::of_object(b"key", object, None, 0));
        drop(keys);
        saved(&keyspace)[..9].escape_ascii().to_string()
    };
    let due = |number: usize| (number == 3).then_some(NOW_MS + 10_000);
    assert!(saved(&Keyspace::new(16)).starts_with(b"REDIS0010"));
    assert_eq!(with(stream(9, false)), "REDIS0010");
    assert_eq!(with(stream(500, true)), "REDIS0011");
    assert_eq!(with(hash(8, due)), "REDIS0012");
    assert_eq!(with(sent_stream(false)), "REDIS0013");
    assert_eq!(with(sent_stream(true)), "REDIS0014");
}

#[test]
fn what_is_due_and_what_is_there_twice_is_sorted_out() {
    let header = b"REDIS0010\xfe\x00";
    let due = b"\xfc\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01a\x01b";
    let key = b"\x00\x01k\x01v";
    let end = [0xff, 0, 0, 0, 0, 0, 0, 0, 0];
    let file = [&header[..], due, key, &end].concat();
    let (keyspace, counts) = loaded(&file).expect("it is whole, and has no checksum");
    assert_eq!((counts.key_count, counts.expired_count), (1, 1));
    assert_eq!(keyspace.key_count(0), 1);
    let twice = [&header[..], key, key, &end].concat();
    assert!(matches!(loaded(&twice), Err(RdbError::DuplicateKey(_))));
}

#[test]
fn records_that_mean_nothing_here_are_skipped() {
    let file = [
        &b"REDIS0012"[..],
        b"\xfa\x03foo\x03bar",
        b"\xf5\x0d#!lua name=a\n",
        b"\xf7\x81abcdefgh\x02\x02\x05\x03xyz\x02\x07\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\xfe\x03\xfb\x01\x00\xf4\x05\x01\x00\xf8\x05\xf9\x07\xfd\xff\xff\xff\x7f\x00\x01k\x01v",
        b"\xff\x00\x00\x00\x00\x00\x00\x00\x00",
    ]
    .concat();
    let (keyspace, counts) = loaded(&file).expect("it is whole");
    assert_eq!((counts.key_count, counts.library_count), (1, 1));
    assert_eq!(keyspace.key_count(3), 1);
    assert!(matches!(loaded(b"REDIS0012\xf5\x01a\xff"), Err(RdbError::Library(_))));
    let module = b"REDIS0012\xfe\x00\x07\x01k\x81abcdefgh";
    assert!(matches!(loaded(module), Err(RdbError::Module(_))));
    assert!(matches!(loaded(b"REDIS0015\xff"), Err(RdbError::Version(15))));
    assert!(matches!(loaded(b"RADIS0010\xff"), Err(RdbError::Signature)));
    assert!(matches!(loaded(b"REDIS0010\xfe\x10"), Err(RdbError::Database(16))));
}

#[test]
fn what_modules_say_of_keys_and_slots_on_their_way_are_skipped() {
    let remarks = b"\xfe\x00\xf3\x01abcd\x02\x07\x05\x03xyz\x00\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0";
    let slots = b"\xfe\x00\xf3\x03job\x01\x05\x09\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0";
    for file in [[&b"REDIS0013"[..], remarks].concat(), [&b"VALKEY080"[..], slots].concat()] {
        let (_, counts) = loaded(&file).expect("it is whole");
        assert_eq!(counts.key_count, 1);
    }
}

/// Returns a damaged copy: bits flipped, the end cut off, a length that lies, a part repeated.
fn damaged(random: &mut fastrand::Rng, whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..random.usize(1..4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.usize(..bytes.len());
        match random.u8(..8) {
            0 => bytes.truncate(at),
            1 => {
                let lie = [&[0x81][..], &random.u64(..).to_be_bytes()].concat();
                bytes.splice(at..(at + 1).min(bytes.len()), lie);
            }
            2 => {
                let end = (at + random.usize(..20)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            3 => bytes[at] = random.u8(..),
            4 => bytes[at] = *random.choice(&[0, 0x3f, 0x7f, 0x80, 0xc3, 0xff]).expect("some"),
            _ => bytes[at] ^= 1 << random.u8(..8),
        }
    }
    bytes
}

/// Returns the payload of a type and a value, with a checksum that is right.
fn payload_of(value: &[u8]) -> Vec<u8> {
    let mut payload = [value, &14_u16.to_le_bytes()].concat();
    let checksum = crc64(0, &payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    payload
}

#[test]
fn damaged_payloads_are_refused_or_are_values_that_can_be_used() {
    const CASES_PER_SAMPLE: usize = 1500;
    let mut random = fastrand::Rng::with_seed(7);
    for entry in samples() {
        let payload = dump(&entry, random.bool());
        let value = &payload[..payload.len() - 10];
        for _ in 0..CASES_PER_SAMPLE {
            let damaged = damaged(&mut random, value);
            let Ok(value) = restore(&payload_of(&damaged), false, &shapes()) else { continue };
            let restored = value.into_entry(b"key", None, 0);
            let dumped = dump(&restored, true);
            let again = restore(&dumped, false, &shapes());
            let again = again.expect("what was accepted is whole").into_entry(b"key", None, 0);
            assert_eq!(again.value_type(), restored.value_type());
            let len = |entry: &Entry| entry.object().map(ObjectRef::len);
            assert_eq!(len(&again), len(&restored));
        }
    }
}

#[test]
fn a_field_due_at_the_beginning_of_time_is_due() {
    // As Valkey has it: three fields, each with its value and the deadline.
    let deadlines = [0_i64, -1, 5];
    let mut value = vec![kind::HASH_VALKEY, 3];
    for (name, deadline_ms) in (b'a'..).zip(deadlines) {
        value.extend_from_slice(&[1, name, 1, b'v']);
        value.extend_from_slice(&deadline_ms.to_le_bytes());
    }
    let restored = restore(&payload_of(&value), false, &shapes()).expect("the payload is whole");
    let entry = restored.into_entry(b"key", None, 0);
    assert_eq!(entry.object().and_then(ObjectRef::due_ms), Some(1));
    let again = restore(&dump(&entry, true), false, &shapes()).expect("what is dumped is whole");
    assert_eq!(dump(&again.into_entry(b"key", None, 0), true), dump(&entry, true));
}

#[test]
fn random_bytes_of_every_type_are_no_reason_to_panic() {
    let mut random = fastrand::Rng::with_seed(8);
    for _ in 0..30_000 {
        let length = random.usize(..60);
        let mut bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        bytes.insert(0, random.u8(..30));
        drop(restore(&payload_of(&bytes), false, &shapes()));
    }
}

#[test]
fn damaged_files_are_refused_or_loaded() {
    let keyspace = filled();
    let file = saved(&keyspace);
    let mut random = fastrand::Rng::with_seed(9);
    let mut refused = 0;
    for _ in 0..300 {
        let damaged = damaged(&mut random, &file);
        refused += usize::from(damaged != file && loaded(&damaged).is_err());
        // Without a checksum, so that the readers behind it are reached.
        let mut unsummed = damaged;
        let sum_at = unsummed.len().saturating_sub(8);
        unsummed[sum_at..].fill(0);
        drop(loaded(&unsummed));
    }
    assert!(refused > 250, "{refused}");
}
