//! How saving and loading go: what INFO tells of it, and the gate that keeps commands out meanwhile.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// Figures of persistence. Relaxed throughout: statistics that stand for themselves, and a flag whose
/// reader at worst answers once more that the server is loading.
#[derive(Debug)]
pub struct Persistence {
    is_loading: AtomicBool,
    load_started_s: AtomicU64,
    load_bytes: AtomicU64,
    loaded_bytes: AtomicU64,
    loaded_keys: AtomicU64,
    expired_keys: AtomicU64,
    /// When the data was last saved: seconds since 1970.
    last_save_s: AtomicI64,
    save_count: AtomicU64,
}

/// A load under way.
#[derive(Clone, Copy, Debug)]
pub struct LoadProgress {
    /// Seconds since 1970.
    pub started_s: u64,
    pub total_bytes: u64,
    pub loaded_bytes: u64,
}

impl Persistence {
    /// Starts out with nothing to save since `now_s`.
    pub(super) fn new(now_s: u64) -> Self {
        Self {
            is_loading: AtomicBool::new(false),
            load_started_s: AtomicU64::new(0),
            load_bytes: AtomicU64::new(0),
            loaded_bytes: AtomicU64::new(0),
            loaded_keys: AtomicU64::new(0),
            expired_keys: AtomicU64::new(0),
            last_save_s: AtomicI64::new(now_s.cast_signed()),
            save_count: AtomicU64::new(0),
        }
    }

    /// Says whether commands must wait for the data.
    #[inline]
    pub fn is_loading(&self) -> bool {
        self.is_loading.load(Ordering::Relaxed)
    }

    /// Begins to load a file of this size.
    pub fn begin_loading(&self, now_s: u64, total_bytes: u64) {
        self.load_started_s.store(now_s, Ordering::Relaxed);
        self.load_bytes.store(total_bytes, Ordering::Relaxed);
        self.loaded_bytes.store(0, Ordering::Relaxed);
        self.is_loading.store(true, Ordering::Relaxed);
    }

    /// Notes how far it got.
    pub fn note_loaded_bytes(&self, bytes: u64) {
        self.loaded_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Ends loading, however it went.
    pub fn end_loading(&self) {
        self.is_loading.store(false, Ordering::Relaxed);
    }

    /// Notes what a load brought.
    pub fn note_loaded_keys(&self, loaded: u64, expired: u64) {
        self.loaded_keys.store(loaded, Ordering::Relaxed);
        self.expired_keys.store(expired, Ordering::Relaxed);
    }

    /// Returns the load under way.
    pub fn load_progress(&self) -> Option<LoadProgress> {
        self.is_loading().then(|| LoadProgress {
            started_s: self.load_started_s.load(Ordering::Relaxed),
            total_bytes: self.load_bytes.load(Ordering::Relaxed),
            loaded_bytes: self.loaded_bytes.load(Ordering::Relaxed),
        })
    }

    /// Returns how many keys the last load brought, and how many it left out as expired.
    pub fn last_load(&self) -> (u64, u64) {
        (self.loaded_keys.load(Ordering::Relaxed), self.expired_keys.load(Ordering::Relaxed))
    }

    /// Notes that the data was saved.
    pub fn note_saved(&self, now_s: u64) {
        self.last_save_s.store(now_s.cast_signed(), Ordering::Relaxed);
        self.save_count.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns when the data was last saved, or when the server began: seconds since 1970.
    pub fn last_save_s(&self) -> i64 {
        self.last_save_s.load(Ordering::Relaxed)
    }

    /// Returns how often the data was saved.
    pub fn save_count(&self) -> u64 {
        self.save_count.load(Ordering::Relaxed)
    }
}
