//! What a script costs: `Machine::run` against a server that answers at once.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use redpoll::resp::ReplyBuffer;
use redpoll::script::{Host, LogLevel, Machine, Meanwhile, Origin, Scripts};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A server that has one number and takes whatever it is given.
struct Instant;

impl Host for Instant {
    fn call(&mut self, args: &[&[u8]], reply: &mut ReplyBuffer) {
        match args[0] {
            b"GET" => reply.bulk(b"41"),
            b"LRANGE" => {
                reply.array(100);
                (0..100).for_each(|number| reply.bulk_integer(number));
            }
            _ => reply.ok(),
        }
    }

    fn set_resp3(&mut self, _on: bool) {}

    fn set_replication(&mut self, _bits: u8) {}

    fn log(&mut self, _level: LogLevel, _text: &[u8]) {}

    fn may_run(&mut self, _args: &[&[u8]]) -> Result<bool, String> {
        Ok(true)
    }

    fn meanwhile(&mut self) -> Meanwhile {
        Meanwhile::GoOn
    }
}

/// Scripts by what they show.
const SCRIPTS: &[(&str, &str)] = &[
    ("nothing", "return 1"),
    ("one read", "return redis.call('GET', KEYS[1])"),
    (
        "read-modify-write",
        "local v = tonumber(redis.call('GET', KEYS[1])) redis.call('SET', KEYS[1], v + ARGV[1]) return v",
    ),
    ("a list", "return redis.call('LRANGE', KEYS[1], 0, -1)"),
    ("a loop", "local n = 0 for i = 1, 1000 do n = n + i % 7 end return n"),
];

fn script(criterion: &mut Criterion) {
    let scripts = Scripts::default();
    let mut machine = Machine::new(0).expect("there is memory");
    let mut reply = ReplyBuffer::new();
    let mut group = criterion.benchmark_group("script");
    for (name, body) in SCRIPTS {
        let script = scripts
            .load(&Bytes::from_static(body.as_bytes()), Origin::Loaded)
            .expect("the script compiles");
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let outcome = machine.run(&script, &[b"key"], &[b"1"], &mut Instant, &mut reply);
                let bytes = reply.len();
                reply.clear();
                black_box((outcome.is_ok(), bytes))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, script);
criterion_main!(benches);
