//! A worker's own copy of the settings its hot path reads, renewed when the configuration changes.

use crate::config::{Config, KeyspaceEvents, MaxmemoryPolicy, Setting};
use crate::keyspace::{Aging, VictimOrder, Victims};
use crate::types::{BlockLimits, ListLimits, PackedLimits, ProducerLimits, SetLimits};

/// Settings as plain values.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    pub generation: u64,
    /// Bytes; 0 means no limit.
    pub maxmemory_bytes: u64,
    /// `None` for noeviction.
    pub policy: Option<(Victims, VictimOrder)>,
    pub sample_count: usize,
    pub eviction_tenacity: u32,
    pub is_lfu: bool,
    pub lfu_log_factor: u32,
    pub lfu_decay_minutes: u32,
    /// From how many nanoseconds on a command is slow; the largest number for never.
    pub slow_log_ns: u64,
    /// From how many bytes on arguments and replies are large; the largest number for never.
    pub large_request_bytes: usize,
    pub large_reply_bytes: usize,
    /// Milliseconds; 0: the monitor is off.
    pub latency_monitor_ms: u64,
    /// From how many bytes on a sparse HyperLogLog becomes dense.
    pub hll_sparse_bytes_max: usize,
    /// Which keyspace events are announced, and where.
    pub events: KeyspaceEvents,
    /// Up to where sets stay small.
    pub set: SetLimits,
    /// Up to where entries of a stream share a block.
    pub stream_blocks: BlockLimits,
    /// What streams remember of their producers, unless they have limits of their own.
    pub stream_producers: ProducerLimits,
    /// Up to where hashes stay packed.
    pub hash: PackedLimits,
    /// How much one packed piece of a list holds.
    pub list: ListLimits,
    /// Up to where a sorted set stays packed.
    pub sorted_set_packed: PackedLimits,
}

impl Tuning {
    /// Reads the settings.
    pub fn read(config: &Config) -> Self {
        // Read first: a change during the reads below then shows as another generation.
        let generation = config.generation();
        let policy = config.maxmemory_policy();
        let decay_minutes = u32::try_from(config.number(Setting::LfuDecayTime)).unwrap_or(1);
        Self {
            generation,
            maxmemory_bytes: config.maxmemory_bytes(),
            policy: victims_of(policy, decay_minutes),
            sample_count: usize::try_from(config.number(Setting::MaxmemorySamples)).unwrap_or(1),
            eviction_tenacity: u32::try_from(config.number(Setting::MaxmemoryEvictionTenacity))
                .unwrap_or(0),
            is_lfu: policy.is_lfu(),
            lfu_log_factor: u32::try_from(config.number(Setting::LfuLogFactor)).unwrap_or(10),
            lfu_decay_minutes: decay_minutes,
            slow_log_ns: u64::try_from(config.number(Setting::SlowlogLogSlowerThan))
                .map_or(u64::MAX, |slow_us| slow_us.saturating_mul(1000)),
            large_request_bytes: threshold(config.number(Setting::CommandlogRequestLargerThan)),
            large_reply_bytes: threshold(config.number(Setting::CommandlogReplyLargerThan)),
            latency_monitor_ms: config
                .number(Setting::LatencyMonitorThreshold)
                .max(0)
                .unsigned_abs(),
            hll_sparse_bytes_max: config.size(Setting::HllSparseMaxBytes),
            events: config.keyspace_events(),
            set: SetLimits {
                integers_max: config.size(Setting::SetMaxIntsetEntries),
                packed: PackedLimits {
                    entries_max: config.size(Setting::SetMaxListpackEntries),
                    value_bytes_max: config.size(Setting::SetMaxListpackValue),
                },
            },
            stream_blocks: BlockLimits {
                bytes_max: threshold(config.number(Setting::StreamNodeMaxBytes)),
                entries_max: threshold(config.number(Setting::StreamNodeMaxEntries)),
            },
            stream_producers: ProducerLimits::new(
                config.number(Setting::StreamIdmpDuration).unsigned_abs(),
                config.number(Setting::StreamIdmpMaxsize).unsigned_abs(),
            )
            .unwrap_or_default(),
            hash: PackedLimits {
                entries_max: config.size(Setting::HashMaxListpackEntries),
                value_bytes_max: config.size(Setting::HashMaxListpackValue),
            },
            list: ListLimits::new(config.number(Setting::ListMaxListpackSize), None),
            sorted_set_packed: PackedLimits {
                entries_max: config.size(Setting::ZsetMaxListpackEntries),
                value_bytes_max: config.size(Setting::ZsetMaxListpackValue),
            },
        }
    }

    /// Returns how entries are stamped now.
    #[inline]
    pub fn aging(&self, now_ms: u64) -> Aging {
        Aging::new(self.is_lfu, now_ms, self.lfu_log_factor, self.lfu_decay_minutes)
    }
}

/// Returns a threshold that a negative setting puts out of reach.
fn threshold(bytes: i64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn victims_of(policy: MaxmemoryPolicy, decay_minutes: u32) -> Option<(Victims, VictimOrder)> {
    let victims = if policy.is_volatile() { Victims::Volatile } else { Victims::All };
    let order = match policy {
        MaxmemoryPolicy::NoEviction => return None,
        MaxmemoryPolicy::AllkeysLru | MaxmemoryPolicy::VolatileLru => {
            VictimOrder::LeastRecentlyUsed
        }
        MaxmemoryPolicy::AllkeysLfu | MaxmemoryPolicy::VolatileLfu => {
            VictimOrder::LeastFrequentlyUsed { decay_minutes }
        }
        MaxmemoryPolicy::AllkeysRandom | MaxmemoryPolicy::VolatileRandom => VictimOrder::Random,
        MaxmemoryPolicy::VolatileTtl => VictimOrder::SoonestDeadline,
    };
    Some((victims, order))
}
