//! Access stamps: what an entry remembers of its use, in 24 bits, for LRU or LFU eviction.
//!
//! LRU: the low 24 bits of a clock of [`LRU_STEP_MS`] steps (49 days until it repeats). LFU: 16 bits
//! of minutes of the last decrement and an 8-bit logarithmic counter.
//!
//! Source of the counter: R. Morris, "Counting large numbers of events in small registers",
//! CACM 21(10), 1978; parameters (factor, decay, first value) as the originals document them.

use super::entry::{Entry, STAMP_BITS};

/// Milliseconds of one step of the LRU clock.
pub(super) const LRU_STEP_MS: u64 = 256;
const STAMP_MASK: u32 = (1 << STAMP_BITS) - 1;

/// The counter of a new key, so that it is not evicted before it could be used.
const LFU_FIRST_COUNT: u8 = 5;

/// The LRU clock at a time.
#[derive(Clone, Copy, Debug)]
pub struct LruClock(u32);

impl LruClock {
    /// Returns the clock at a wall time in milliseconds.
    pub fn at(now_ms: u64) -> Self {
        Self(low_bits(now_ms / LRU_STEP_MS) & STAMP_MASK)
    }
}

/// How entries are stamped; follows the eviction policy.
#[derive(Clone, Copy, Debug)]
pub enum Aging {
    /// The time of the last access.
    Lru(LruClock),
    /// How often an entry is used, fading with time.
    Lfu { minutes: u16, log_factor: u32, decay_minutes: u32 },
}

impl Aging {
    /// Returns the stamps of now for one of the two kinds of policy.
    pub fn new(is_lfu: bool, now_ms: u64, log_factor: u32, decay_minutes: u32) -> Self {
        if is_lfu {
            Self::Lfu { minutes: minutes_at(now_ms), log_factor, decay_minutes }
        } else {
            Self::Lru(LruClock::at(now_ms))
        }
    }

    /// Returns the stamp of an entry that is created now.
    #[inline]
    pub fn first_stamp(self) -> u32 {
        match self {
            Self::Lru(LruClock(now)) => now,
            Self::Lfu { minutes, .. } => lfu_stamp(minutes, LFU_FIRST_COUNT),
        }
    }

    /// Returns the stamp of an entry that comes from elsewhere, by what is known of its use: how long
    /// ago it was used last for LRU, how often lately for LFU. The other is not kept.
    pub fn aged_stamp(self, idle_ms: Option<u64>, frequency: Option<u8>) -> u32 {
        match (self, idle_ms, frequency) {
            (Self::Lru(LruClock(now)), Some(idle_ms), _) => {
                let steps = idle_ms.div_ceil(LRU_STEP_MS).min(STAMP_MASK.into());
                now.wrapping_sub(low_bits(steps)) & STAMP_MASK
            }
            (Self::Lfu { minutes, .. }, _, Some(count)) => lfu_stamp(minutes, count),
            _ => self.first_stamp(),
        }
    }

    /// Notes an access to an entry.
    #[inline]
    pub fn touch(self, entry: &Entry) {
        match self {
            Self::Lru(LruClock(now)) => entry.set_stamp(now),
            Self::Lfu { minutes, log_factor, decay_minutes } => {
                let count = faded(entry.stamp(), minutes, decay_minutes);
                entry.set_stamp(lfu_stamp(minutes, grown(count, log_factor)));
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clocks of stamps wrap around")]
const fn low_bits(number: u64) -> u32 {
    number as u32
}

/// Returns the minutes of a wall time, in the 16 bits that stamps keep of them.
fn minutes_at(now_ms: u64) -> u16 {
    minutes_of(low_bits(now_ms / 60_000) << 8)
}

fn minutes_of(stamp: u32) -> u16 {
    let [_, low, high, _] = stamp.to_le_bytes();
    u16::from_le_bytes([low, high])
}

fn lfu_stamp(minutes: u16, count: u8) -> u32 {
    u32::from(minutes) << 8 | u32::from(count)
}

/// Returns the counter less one for every `decay_minutes` since the stamp; 0 minutes means no decay.
fn faded(stamp: u32, minutes: u16, decay_minutes: u32) -> u8 {
    let count = stamp.to_le_bytes()[0];
    if decay_minutes == 0 {
        return count;
    }
    let elapsed = minutes.wrapping_sub(minutes_of(stamp));
    let periods = u32::from(elapsed) / decay_minutes;
    count.saturating_sub(u8::try_from(periods).unwrap_or(u8::MAX))
}

/// Returns the counter after one more use: it grows with probability 1 / (used × factor + 1).
fn grown(count: u8, log_factor: u32) -> u8 {
    if count == u8::MAX {
        return count;
    }
    let base = count.saturating_sub(LFU_FIRST_COUNT);
    let chance = 1.0 / (f64::from(base) * f64::from(log_factor) + 1.0);
    if fastrand::f64() < chance { count + 1 } else { count }
}

/// Returns the milliseconds since the last access by an LRU stamp, in steps of 256 ms.
pub fn idle_ms(entry: &Entry, now: LruClock) -> u64 {
    u64::from(now.0.wrapping_sub(entry.stamp()) & STAMP_MASK) * LRU_STEP_MS
}

/// Returns the LFU counter as it stands now.
pub fn frequency(entry: &Entry, now_ms: u64, decay_minutes: u32) -> u8 {
    faded(entry.stamp(), minutes_at(now_ms), decay_minutes)
}

/// What a look-up does besides finding.
#[derive(Clone, Copy, Debug)]
pub struct Lookup {
    /// Stamps the entry.
    pub touches: bool,
    /// Counts a hit or a miss.
    pub counts: bool,
    /// Announces a miss to those who listen.
    pub announces: bool,
}

impl Lookup {
    /// A client reads the value.
    pub const READ: Self = Self { touches: true, counts: true, announces: true };
    /// A client asks about the key; the entry does not become younger.
    pub const NO_TOUCH: Self = Self { touches: false, counts: true, announces: true };
    /// A client asks how the key is kept.
    pub const ABOUT: Self = Self { touches: false, counts: true, announces: false };
    /// A client is about to change the key; what it reads on the way is no hit.
    pub const WRITE: Self = Self { touches: true, counts: false, announces: false };
    /// Introspection: leaves no trace.
    pub const PEEK: Self = Self { touches: false, counts: false, announces: false };
}

/// The circumstances of a command's accesses.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// The wall clock; what is due by then is absent.
    pub now_ms: u64,
    /// How accessed entries are stamped.
    pub aging: Aging,
    /// False for clients that asked not to be noticed (CLIENT NO-TOUCH).
    pub touches: bool,
    /// False on a replica: it hides expired keys but waits for its leader to remove them.
    pub removes_expired: bool,
    /// Which events of keys are noted for those who listen to them.
    pub noted: Noted,
}

/// Which events of keys somebody wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noted {
    pub expired: bool,
    pub fields_expired: bool,
    pub emptied: bool,
    pub created: bool,
    pub missed: bool,
    pub overwritten: bool,
    pub type_changed: bool,
}

impl Noted {
    /// Nobody listens.
    pub const NOTHING: Self = Self {
        expired: false,
        fields_expired: false,
        emptied: false,
        created: false,
        missed: false,
        overwritten: false,
        type_changed: false,
    };
}

/// What befell a key besides what its command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyEvent {
    /// Its time had come.
    Expired,
    /// The time of these fields of its hash had come.
    FieldsExpired(Vec<Box<[u8]>>),
    /// It has gone with the last of them.
    Emptied,
    /// It was not there before.
    Created,
    /// It was to be read and is not there.
    Missed,
    /// Its whole value was replaced.
    Overwritten,
    /// Its new value is of another type.
    TypeChanged,
}

#[cfg(test)]
mod tests {
    use super::{Aging, LruClock, faded, grown, idle_ms};
    use crate::keyspace::Entry;
    use crate::types::StringValue;

    fn entry(aging: Aging) -> Entry {
        Entry::new(b"k", StringValue::Integer(1), None, aging.first_stamp())
    }

    #[test]
    fn idle_time_grows_until_the_next_access() {
        let entry = entry(Aging::Lru(LruClock::at(1_000_000)));
        assert_eq!(idle_ms(&entry, LruClock::at(1_000_000 + 10_240)), 10_240);
        Aging::Lru(LruClock::at(1_010_240)).touch(&entry);
        assert_eq!(idle_ms(&entry, LruClock::at(1_010_240)), 0);
    }

    #[test]
    fn a_stamp_from_elsewhere_is_as_old_as_told() {
        let aging = Aging::Lru(LruClock::at(1_700_000_000_123));
        for idle in [0, 1, 999, 1_000_000, 1_000_001] {
            let entry = entry(aging);
            entry.set_stamp(aging.aged_stamp(Some(idle), None));
            let told = idle_ms(&entry, LruClock::at(1_700_000_000_123));
            assert!((idle..idle + 256).contains(&told), "{idle} {told}");
        }
        let often = Aging::new(true, 60_000 * 7, 10, 1).aged_stamp(None, Some(100));
        assert_eq!(faded(often, 7, 1), 100);
    }

    #[test]
    fn the_counter_fades_and_saturates() {
        assert_eq!(faded(10 << 8 | 7, 13, 1), 4);
        assert_eq!(faded(10 << 8 | 7, 100, 1), 0);
        assert_eq!(faded(10 << 8 | 7, 100, 0), 7);
        assert_eq!(grown(u8::MAX, 0), u8::MAX);
        assert_eq!(grown(5, 10), 6);
    }
}
