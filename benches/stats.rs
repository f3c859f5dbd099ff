//! What counting costs: per command on a worker, and when a scrape sums it up.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use redpoll::control::{Names, render};
use redpoll::stats::{Counter, Snapshot, Stats};

const COMMAND_COUNT: usize = 300;
const WORKER_COUNT: usize = 8;

fn recording(criterion: &mut Criterion) {
    let stats = Stats::new(WORKER_COUNT, COMMAND_COUNT);
    let worker = stats.worker(0);
    criterion.bench_function("stats/add", |bencher| {
        bencher.iter(|| worker.add(Counter::KeyspaceHits, black_box(1)));
    });
    let mut elapsed_ns = 0_u64;
    criterion.bench_function("stats/record_command", |bencher| {
        bencher.iter(|| {
            // A few hundred nanoseconds, never twice the same: as commands take in life.
            elapsed_ns = elapsed_ns.wrapping_mul(5).wrapping_add(3) & 1023;
            worker.record_command(black_box(7), elapsed_ns);
        });
    });
}

fn scraping(criterion: &mut Criterion) {
    let stats = Stats::new(WORKER_COUNT, COMMAND_COUNT);
    for worker in 0..WORKER_COUNT {
        for id in 0..COMMAND_COUNT {
            stats.worker(worker).record_command(id, 1_000 * id as u64);
        }
    }
    let snapshot = || Snapshot::of_stats(&stats, |id| format!("command-{id}"));
    criterion.bench_function("stats/snapshot of 300 commands, 8 workers", |bencher| {
        bencher.iter(snapshot);
    });
    let taken = snapshot();
    criterion.bench_function("metrics/page of 300 commands", |bencher| {
        bencher.iter(|| render(&taken, Names::WellFormed));
    });
}

criterion_group!(benches, recording, scraping);
criterion_main!(benches);
