//! What a command costs between parser and socket: `Worker::run` on batches of GET and SET over a
//! million keys, with statistics, expiry checks, access stamps and slow log on.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fastrand::Rng;
use redpoll::commands::FAMILIES;
use redpoll::config::Config;
use redpoll::engine::{Batch, CommandTable, Engine, Identity, Peer, Session, Worker};
use redpoll::resp::{Limits, Opening, Parsed, Parser, ReplyBuffer};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const KEY_COUNT: u32 = 1_000_000;
const VALUE: [u8; 64] = [b'v'; 64];
/// Different requests that take turns, so that keys are not cached from one iteration to the next.
const REQUEST_COUNT: usize = 4_096;

struct Server {
    worker: Worker,
    session: Session,
    batch: Batch,
    reply: ReplyBuffer,
}

impl Server {
    fn new() -> Self {
        let identity = Identity {
            run_id: "0".repeat(40),
            process_id: 1,
            executable: "redpoll".into(),
            started_ms: 0,
            started_monotonic_us: 0,
        };
        let config = Arc::new(Config::default());
        let engine = Engine::new(config, CommandTable::new(FAMILIES), 1, 16, identity);
        let worker = Worker::new(Arc::new(engine.expect("a thread can be started")), 0);
        let session = worker.open(Peer {
            address: "127.0.0.1:50000".into(),
            local_address: "127.0.0.1:6379".into(),
            descriptor: 8,
            is_unix: false,
            is_loopback: true,
        });
        Self { worker, session, batch: Batch::default(), reply: ReplyBuffer::new() }
    }

    /// Parses and runs all commands of a request; returns the bytes of the replies.
    fn run(&mut self, request: &mut [u8]) -> usize {
        let (mut parser, limits, mut at) = (Parser::default(), Limits::default(), 0);
        let mut opening = Opening::default();
        self.batch.clear();
        while let Ok((Parsed::Command { end, arg_count }, is_alike)) =
            parser.next_in_row(request, at, &limits, &mut self.batch.spans, &mut opening)
        {
            self.batch.push_next(arg_count, end, is_alike);
            at = end;
        }
        self.worker.run(&mut self.session, request, &mut self.batch, &mut self.reply);
        let bytes = self.reply.len();
        self.reply.clear();
        bytes
    }

    fn fill(&mut self) {
        for number in 0..KEY_COUNT {
            let mut request = Vec::new();
            push(&mut request, &[b"SET", key(number).as_bytes(), &VALUE]);
            self.run(&mut request);
        }
    }
}

fn key(number: u32) -> String {
    format!("key:{number:012}")
}

fn push(request: &mut Vec<u8>, arguments: &[&[u8]]) {
    request.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        request.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        request.extend_from_slice(argument);
        request.extend_from_slice(b"\r\n");
    }
}

/// Returns requests of `batch` commands each, on random keys.
fn requests(batch: usize, mut command: impl FnMut(&mut Vec<u8>, &str)) -> Vec<Vec<u8>> {
    let mut random = Rng::with_seed(11);
    let mut request = || {
        let mut request = Vec::new();
        (0..batch).for_each(|_| command(&mut request, &key(random.u32(..KEY_COUNT))));
        request
    };
    (0..REQUEST_COUNT).map(|_| request()).collect()
}

fn dispatch(criterion: &mut Criterion) {
    let mut server = Server::new();
    server.fill();
    let mut group = criterion.benchmark_group("dispatch");
    for batch in [1, 16, 64] {
        group.throughput(Throughput::Elements(batch as u64));
        let kinds = [
            ("get", requests(batch, |out, key| push(out, &[b"GET", key.as_bytes()]))),
            ("set", requests(batch, |out, key| push(out, &[b"SET", key.as_bytes(), &VALUE]))),
            (
                "set px",
                requests(batch, |out, key| {
                    push(out, &[b"SET", key.as_bytes(), &VALUE, b"PX", b"100000000"]);
                }),
            ),
        ];
        for (name, mut requests) in kinds {
            let mut turn = 0;
            group.bench_function(format!("{name} x{batch}"), |bencher| {
                bencher.iter(|| {
                    turn = (turn + 1) % REQUEST_COUNT;
                    black_box(server.run(&mut requests[turn]))
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, dispatch);
criterion_main!(benches);
