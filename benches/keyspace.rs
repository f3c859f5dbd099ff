//! What the keyspace alone costs over a million keys: look-ups, changes, removal, scan and the sweep
//! of expired keys.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fastrand::Rng;
use redpoll::keyspace::{Access, Aging, Keyspace, LockMode, Lookup, Noted, Sweep};
use redpoll::types::StringValue;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const KEY_COUNT: u32 = 1_000_000;
/// Keys of the keyspaces that a bench uses up.
const SMALL_COUNT: u32 = 10_000;
const NOW_MS: u64 = 1_800_000_000_000;
const VALUE: [u8; 64] = [b'v'; 64];

fn access() -> Access {
    let aging = Aging::new(false, NOW_MS, 10, 1);
    Access { now_ms: NOW_MS, aging, touches: true, removes_expired: true, noted: Noted::NOTHING }
}

fn name(number: u32) -> [u8; 16] {
    let mut name = *b"key:000000000000";
    name[4..].copy_from_slice(format!("{number:012}").as_bytes());
    name
}

fn value() -> StringValue<'static> {
    StringValue::Text { bytes: &VALUE, is_raw: false }
}

fn set(keyspace: &Keyspace, access: &Access, number: u32, deadline_ms: Option<u64>) {
    let name = name(number);
    let key = keyspace.key(0, &name);
    let mut keys = keyspace.lock_one(key.place(), LockMode::Exclusive, access);
    keys.set(&key, value(), deadline_ms);
}

fn filled(count: u32, deadline_ms: Option<u64>) -> Keyspace {
    let (keyspace, access) = (Keyspace::new(1), access());
    (0..count).for_each(|number| set(&keyspace, &access, number, deadline_ms));
    keyspace
}

fn single_keys(criterion: &mut Criterion) {
    let (keyspace, access) = (filled(KEY_COUNT, None), access());
    let mut random = Rng::with_seed(5);
    criterion.bench_function("keyspace/find", |bencher| {
        bencher.iter(|| {
            let name = name(random.u32(..KEY_COUNT));
            let key = keyspace.key(0, &name);
            let mut keys = keyspace.lock_one(key.place(), LockMode::Shared, &access);
            keys.get(&key, Lookup::READ).map(|entry| black_box(entry.string()).len())
        });
    });
    criterion.bench_function("keyspace/find nothing", |bencher| {
        bencher.iter(|| {
            let name = name(KEY_COUNT + random.u32(..KEY_COUNT));
            let key = keyspace.key(0, &name);
            let mut keys = keyspace.lock_one(key.place(), LockMode::Shared, &access);
            keys.get(&key, Lookup::READ).is_some()
        });
    });
    criterion.bench_function("keyspace/replace", |bencher| {
        bencher.iter(|| set(&keyspace, &access, random.u32(..KEY_COUNT), None));
    });
    criterion.bench_function("keyspace/remove and create", |bencher| {
        bencher.iter(|| {
            let name = name(random.u32(..KEY_COUNT));
            let key = keyspace.key(0, &name);
            let mut keys = keyspace.lock_one(key.place(), LockMode::Exclusive, &access);
            keys.remove(&key);
            keys.set(&key, value(), None)
        });
    });
}

fn walks(criterion: &mut Criterion) {
    let keyspace = filled(KEY_COUNT, None);
    let mut cursor = 0;
    criterion.bench_function("keyspace/scan 10 of a million", |bencher| {
        bencher.iter(|| {
            let mut bytes = 0;
            let next = keyspace.scan(0, cursor, 10, &mut |entry| bytes += entry.key().len());
            cursor = next.expect("nobody holds a shard");
            bytes
        });
    });
    let mut group = criterion.benchmark_group("keyspace");
    group.throughput(Throughput::Elements(u64::from(KEY_COUNT))).sample_size(10);
    group.bench_function("visit a million", |bencher| {
        bencher.iter(|| {
            let mut bytes = 0;
            keyspace.for_each(0, &mut |entry| bytes += entry.key().len());
            bytes
        });
    });
    group.finish();
}

fn expiry(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sweep");
    group.sample_size(10);
    let late = filled(KEY_COUNT, Some(NOW_MS + 3_600_000));
    group.bench_function("nothing due among a million", |bencher| {
        let mut sweep = Sweep::new(0, 1);
        bencher.iter(|| sweep.run(&late, NOW_MS, Duration::MAX, &mut |_, _| {}).expired_count);
    });
    drop(late);
    group.throughput(Throughput::Elements(u64::from(SMALL_COUNT)));
    group.bench_function("ten thousand due", |bencher| {
        bencher.iter_batched_ref(
            || filled(SMALL_COUNT, Some(NOW_MS + 1)),
            |keyspace| {
                let mut sweep = Sweep::new(0, 1);
                let swept = sweep.run(keyspace, NOW_MS + 1, Duration::MAX, &mut |_, _| {});
                assert_eq!(swept.expired_count, u64::from(SMALL_COUNT));
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, single_keys, walks, expiry);
criterion_main!(benches);
