//! The scripts the server knows, by the digest of their text.
//!
//! One lock guards the table: it is taken for a look-up and never while Lua runs. Scripts that came
//! with EVAL are forgotten, the oldest first, when there are many of them; those of SCRIPT LOAD stay.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::RwLock;
use sha1::{Digest, Sha1};

use super::conduct::Conduct;
use super::machine;
use super::shebang::{self, ScriptFlags};

/// Scripts of EVAL that are kept.
const EVALUATED_COUNT_MAX: usize = 500;
/// Bytes of a text up to which a thread remembers its script: it keeps it even when all are forgotten.
const REMEMBERED_BYTES_MAX: usize = 64 * 1024;

/// How a script came to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By EVAL: it may be forgotten.
    Evaluated,
    /// By SCRIPT LOAD: it stays until it is flushed.
    Loaded,
}

/// A script that compiles.
#[derive(Debug)]
pub struct Script {
    /// SHA-1 of the text, in lower-case hexadecimal digits.
    pub sha: [u8; 40],
    /// The text, its first line included.
    pub body: Bytes,
    /// What its first line says.
    pub flags: ScriptFlags,
    /// Which keys it uses.
    pub conduct: Conduct,
    /// It stays until it is flushed.
    is_loaded: AtomicBool,
}

impl Script {
    /// Returns the digest as text.
    pub fn sha_text(&self) -> &str {
        std::str::from_utf8(&self.sha).unwrap_or_default()
    }

    /// Returns the code behind the first line's flags.
    pub(super) fn code(&self) -> &[u8] {
        shebang::split(&self.body).map_or(&[], |(_, code)| code)
    }

    /// Returns about how many bytes it takes.
    fn size_bytes(&self) -> usize {
        self.body.len() + size_of::<Self>() + 2 * size_of::<usize>()
    }
}

/// Scripts by digest, and those of EVAL by age.
#[derive(Debug, Default)]
struct Table {
    by_sha: HashMap<[u8; 40], Arc<Script>, foldhash::fast::RandomState>,
    evaluated: VecDeque<[u8; 40]>,
    bytes: usize,
}

/// When a script was known: in which registry, after how many flushes, and after how many scripts had
/// been forgotten there. As long as that is so, it is still known.
type Stamp = (u64, u64, u64);

thread_local! {
    /// The script that this thread last found by its text. Programs send the same one again and again.
    static LAST: RefCell<Option<(Stamp, Arc<Script>)>> = const { RefCell::new(None) };
}

/// The registry of scripts.
#[derive(Debug)]
pub struct Scripts {
    /// No other registry of the process has this number.
    number: u64,
    table: RwLock<Table>,
    /// Grows with each flush; the machines of before are dropped.
    generation: AtomicU64,
    evicted: AtomicU64,
}

impl Default for Scripts {
    fn default() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self {
            // Relaxed: only that it differs matters.
            number: COUNT.fetch_add(1, Ordering::Relaxed),
            table: RwLock::default(),
            generation: AtomicU64::default(),
            evicted: AtomicU64::default(),
        }
    }
}

impl Scripts {
    /// Compiles a script to see whether it is one, and remembers it. `Err` holds what the client reads.
    pub fn load(&self, body: &Bytes, origin: Origin) -> Result<Arc<Script>, String> {
        let sha = digest(body);
        if let Some(known) = self.get(&sha) {
            if origin == Origin::Loaded {
                self.keep(&known);
            }
            return Ok(known);
        }
        let (flags, code) = shebang::split(body)?;
        let calls = machine::check(code)?;
        let script = Arc::new(Script {
            sha,
            // A copy: the text may be a small part of a large buffer.
            body: Bytes::copy_from_slice(body),
            flags,
            conduct: Conduct::new(calls.map(Into::into)),
            is_loaded: AtomicBool::new(origin == Origin::Loaded),
        });
        Ok(self.insert(script, origin))
    }

    fn insert(&self, script: Arc<Script>, origin: Origin) -> Arc<Script> {
        let mut table = self.table.write();
        if let Some(known) = table.by_sha.get(&script.sha) {
            return Arc::clone(known);
        }
        table.bytes += script.size_bytes();
        table.by_sha.insert(script.sha, Arc::clone(&script));
        if origin == Origin::Evaluated {
            table.evaluated.push_back(script.sha);
            if table.evaluated.len() > EVALUATED_COUNT_MAX {
                self.evict(&mut table);
            }
        }
        script
    }

    fn evict(&self, table: &mut Table) {
        let Some(oldest) = table.evaluated.pop_front() else { return };
        if let Some(script) = table.by_sha.remove(&oldest) {
            table.bytes -= script.size_bytes();
            // A statistic: nothing depends on its order.
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Makes a script of EVAL one that stays.
    fn keep(&self, script: &Script) {
        // The flag only saves the write lock; the table's lock orders the rest.
        if !script.is_loaded.swap(true, Ordering::Relaxed) {
            self.table.write().evaluated.retain(|sha| *sha != script.sha);
        }
    }

    /// Returns the script of a digest, given in hexadecimal digits of either case.
    pub fn get(&self, sha: &[u8]) -> Option<Arc<Script>> {
        let mut key: [u8; 40] = sha.try_into().ok()?;
        key.make_ascii_lowercase();
        self.table.read().by_sha.get(&key).map(Arc::clone)
    }

    /// Returns the script of a text. Cost: a comparison if it is the one this thread asked for last,
    /// otherwise that of the digest.
    pub fn by_text(&self, body: &[u8]) -> Option<Arc<Script>> {
        LAST.with_borrow_mut(|last| {
            let stamp = (self.number, self.generation(), self.evicted_count());
            if let Some((known_at, script)) = last
                && *known_at == stamp
                && script.body == body
            {
                return Some(Arc::clone(script));
            }
            let script = self.get(&digest(body))?;
            if body.len() <= REMEMBERED_BYTES_MAX {
                *last = Some((stamp, Arc::clone(&script)));
            }
            Some(script)
        })
    }

    /// Says whether there is a script of this digest.
    pub fn exists(&self, sha: &[u8]) -> bool {
        self.get(sha).is_some()
    }

    /// Returns the digest of a script's text, in hexadecimal digits.
    pub fn digest(body: &[u8]) -> [u8; 40] {
        digest(body)
    }

    /// Forgets all scripts.
    pub fn flush(&self) {
        let mut table = self.table.write();
        *table = Table::default();
        // Release: whoever sees the new generation also sees the empty table.
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Returns a number that grows with each flush.
    pub fn generation(&self) -> u64 {
        // Acquire: see `flush`.
        self.generation.load(Ordering::Acquire)
    }

    /// Returns how many scripts there are.
    pub fn count(&self) -> usize {
        self.table.read().by_sha.len()
    }

    /// Returns about how many bytes the scripts take.
    pub fn bytes(&self) -> usize {
        self.table.read().bytes
    }

    /// Returns how many scripts of EVAL have been forgotten for want of room.
    pub fn evicted_count(&self) -> u64 {
        // A statistic: nothing depends on its order.
        self.evicted.load(Ordering::Relaxed)
    }
}

/// Returns the digest of a text, in hexadecimal digits.
pub(super) fn digest(text: &[u8]) -> [u8; 40] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = [0; 40];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(Sha1::digest(text)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    hex
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{EVALUATED_COUNT_MAX, Origin, Scripts};

    #[test]
    fn what_was_found_by_its_text_is_found_until_it_is_forgotten() {
        let body = Bytes::from_static(b"return 1");
        let (scripts, others) = (Scripts::default(), Scripts::default());
        let load = |body: &Bytes| scripts.load(body, Origin::Evaluated).expect("it compiles");
        assert!(scripts.by_text(&body).is_none());
        load(&body);
        for _ in 0..2 {
            assert!(scripts.by_text(&body).is_some_and(|script| script.body == body));
        }
        assert!(scripts.by_text(b"return 2").is_none());
        assert!(others.by_text(&body).is_none(), "another server does not know it");
        assert!(scripts.by_text(&body).is_some());
        scripts.flush();
        assert!(scripts.by_text(&body).is_none());
        load(&body);
        assert!(scripts.by_text(&body).is_some());
        for number in 0..EVALUATED_COUNT_MAX {
            load(&format!("return -{number}").into());
        }
        assert!(scripts.by_text(&body).is_none());
    }
}
