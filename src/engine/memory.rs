//! Staying inside `maxmemory`: evicting before a command that may need memory runs.

use std::time::{Duration, Instant};

use super::notify::Event;
use super::removal::record_removal;
use super::state::Engine;
use super::tuning::Tuning;
use crate::keyspace::{Evictor, Expired, data_bytes};
use crate::stats::{Counter, WorkerStats};

/// Evictions between two looks at the clock.
const EVICTIONS_PER_CHECK: u32 = 16;

/// What trying to make room came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Memory is inside its limit.
    Enough,
    /// The time ran out; more will be evicted soon.
    Later,
    /// Nothing may be evicted.
    None,
}

/// Evicts until memory is inside its limit or the time for one go is used up.
pub(super) fn make_room(
    engine: &Engine,
    tuning: &Tuning,
    evictor: &mut Evictor,
    now_ms: u64,
    stats: &WorkerStats,
) -> Room {
    let Some(policy) = tuning.policy else { return Room::None };
    let started = Instant::now();
    let limit = time_limit(tuning.eviction_tenacity);
    let mut evicted_count = 0_u32;
    let mut room = Room::Enough;
    while data_bytes() > tuning.maxmemory_bytes {
        let mut effect = |db: u32, key: &[u8]| {
            record_removal(engine, None, db, Expired::Key(key));
            engine.notify(None, tuning.events, Event::EVICTED, (db, key));
        };
        let evicted =
            evictor.evict(&engine.keyspace, policy, tuning.sample_count, now_ms, &mut effect);
        if evicted.is_none() {
            room = Room::None;
            break;
        }
        evicted_count += 1;
        if evicted_count.is_multiple_of(EVICTIONS_PER_CHECK)
            && limit.is_some_and(|limit| started.elapsed() >= limit)
        {
            room = Room::Later;
            break;
        }
    }
    stats.add(Counter::EvictedKeys, u64::from(evicted_count));
    engine.count_changes(u64::from(evicted_count));
    record_latency(engine, tuning, started.elapsed(), now_ms);
    room
}

/// Returns how long one go may take: up to 500 us by tenacity 0 to 10, then growing by 15 % a step;
/// `None` (no limit) at 100.
fn time_limit(tenacity: u32) -> Option<Duration> {
    const LINEAR_STEP_US: u64 = 50;
    const GROWTH: f64 = 1.15;
    match tenacity {
        0..=10 => Some(Duration::from_micros(LINEAR_STEP_US * u64::from(tenacity))),
        11..=99 => Some(Duration::from_micros(500).mul_f64(GROWTH.powf(f64::from(tenacity - 10)))),
        _ => None,
    }
}

fn record_latency(engine: &Engine, tuning: &Tuning, elapsed: Duration, now_ms: u64) {
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    if tuning.latency_monitor_ms > 0 && elapsed_ms >= tuning.latency_monitor_ms {
        engine.stats.latency_monitor().record("eviction-cycle", now_ms / 1000, elapsed_ms);
    }
}
