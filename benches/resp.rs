//! What one command costs in the protocol alone: pipelines parsed, replies written.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use redpoll::resp::{Limits, Parsed, Parser, Protocol, ReplyBuffer};

/// Commands of one pipeline.
const PIPELINE: usize = 64;

fn command(arguments: &[&[u8]], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        out.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}

fn pipeline(arguments: impl Fn(&[u8], &mut Vec<u8>)) -> Vec<u8> {
    let mut stream = Vec::new();
    for index in 0..PIPELINE {
        arguments(format!("key:{index:012}").as_bytes(), &mut stream);
    }
    stream
}

fn parse(criterion: &mut Criterion) {
    let value = vec![b'v'; 1000];
    let streams = [
        ("get", pipeline(|key, out| command(&[b"GET", key], out))),
        ("set_64", pipeline(|key, out| command(&[b"SET", key, &value[..64]], out))),
        ("set_1000", pipeline(|key, out| command(&[b"SET", key, &value], out))),
        (
            "set_64_ex",
            pipeline(|key, out| command(&[b"SET", key, &value[..64], b"EX", b"100"], out)),
        ),
        (
            "mget_10",
            pipeline(|key, out| {
                command(&[&b"MGET"[..], key, key, key, key, key, key, key, key, key, key], out)
            }),
        ),
        ("inline", pipeline(|key, out| out.extend_from_slice(&[b"GET ", key, b"\r\n"].concat()))),
    ];
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(PIPELINE as u64));
    let limits = Limits::default();
    for (name, mut stream) in streams {
        let (mut parser, mut spans) = (Parser::default(), Vec::new());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                spans.clear();
                let mut at = 0;
                while let Ok(Parsed::Command { end, .. }) =
                    parser.next(black_box(&mut stream), at, &limits, &mut spans)
                {
                    at = end;
                }
                black_box(&spans).len()
            });
        });
    }
    group.finish();
}

fn write(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write");
    group.throughput(Throughput::Elements(PIPELINE as u64));
    let value = vec![b'v'; 1000];
    let mut case = |name: &str, write: &dyn Fn(&mut ReplyBuffer)| {
        let mut reply = ReplyBuffer::with_protocol(Protocol::Resp3);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                write(black_box(&mut reply));
                reply.clear();
            });
        });
    };
    case("ok", &|reply| (0..PIPELINE).for_each(|_| reply.ok()));
    case("null", &|reply| (0..PIPELINE).for_each(|_| reply.null()));
    case("integer_small", &|reply| (0..64).for_each(|number| reply.integer(black_box(number))));
    case("integer_large", &|reply| (0..64).for_each(|_| reply.integer(black_box(1_234_567_890))));
    case("bulk_5", &|reply| (0..PIPELINE).for_each(|_| reply.bulk(black_box(&value[..5]))));
    case("bulk_64", &|reply| (0..PIPELINE).for_each(|_| reply.bulk(black_box(&value[..64]))));
    case("bulk_1000", &|reply| (0..PIPELINE).for_each(|_| reply.bulk(black_box(&value))));
    case("double", &|reply| (0..PIPELINE).for_each(|_| reply.double(black_box(2.657_91))));
    case("deferred_10", &|reply| {
        for _ in 0..PIPELINE {
            let mark = reply.deferred();
            (0..10).for_each(|_| reply.bulk(black_box(&value[..5])));
            reply.finish_array(mark, 10);
        }
    });
    group.finish();
}

fn share(criterion: &mut Criterion) {
    let value = Bytes::from(vec![b'v'; 100_000]);
    criterion.bench_function("write/shared_100k", |bencher| {
        bencher.iter_batched_ref(
            ReplyBuffer::new,
            |reply| reply.bulk_shared(value.clone()),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, parse, write, share);
criterion_main!(benches);
