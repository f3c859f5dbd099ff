//! Effects: what a write did, in a form that gives the same result wherever and whenever it is
//! repeated (PEXPIREAT for EXPIRE, DEL for an expired key).
//!
//! A handler says what it changed; the engine appends the effects to one log while the shards are
//! still locked, so the log's order agrees with the order of changes for every key. Nothing is
//! recorded while nobody listens.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::args::Args;

/// Receives effects in the order of the log.
pub trait EffectReader: Send {
    /// Takes one command of the log, which ends at this offset. It is for everybody in its targets; who
    /// is not among them counts its bytes and leaves it out.
    fn append(&mut self, offset: u64, effect: &Effect);
}

/// Who repeats an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Targets(u8);

impl Targets {
    pub const NONE: Self = Self(0);
    /// The server itself, from its file of commands.
    pub const FILE: Self = Self(1);
    pub const REPLICAS: Self = Self(2);
    pub const ALL: Self = Self(3);

    /// Reads the number by which scripts choose; bits beyond those two mean nothing.
    pub fn of_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// Returns those in both.
    #[must_use]
    pub fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns those in one of them.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Says whether one of `other` is in here.
    pub fn has_any(self, other: Self) -> bool {
        self.only(other) != Self::NONE
    }
}

/// The one log of effects with its global offset.
#[derive(Default)]
pub struct EffectLog {
    is_listening: AtomicBool,
    offset: AtomicU64,
    reader: Mutex<Option<Box<dyn EffectReader>>>,
}

impl EffectLog {
    /// Starts recording. The caller has closed the gate, so no command is half done.
    pub fn attach(&self, reader: Box<dyn EffectReader>) {
        *self.reader.lock() = Some(reader);
        // Release pairs with nothing: the gate that the caller holds orders it.
        self.is_listening.store(true, Ordering::Release);
    }

    /// Says whether effects must be recorded.
    #[inline]
    pub fn is_listening(&self) -> bool {
        // Relaxed: changes only while the gate is closed.
        self.is_listening.load(Ordering::Relaxed)
    }

    /// Returns the offset behind the last effect, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// Appends commands as one transaction, if there are several of them. Its brackets are for whoever
    /// repeats one of them.
    pub fn append_transaction(&self, effects: &[Effect]) {
        let [first, .., last] = effects else { return self.append(effects) };
        let targets = effects.iter().fold(Targets::NONE, |all, effect| all.and(effect.targets));
        let bracket = |db, word: &'static [u8]| Effect::new(db, [word].into_iter()).to(targets);
        let mut all = Vec::with_capacity(effects.len() + 2);
        all.push(bracket(first.db, b"MULTI"));
        all.extend_from_slice(effects);
        all.push(bracket(last.db, b"EXEC"));
        self.append(&all);
    }

    /// Appends commands; called under the locks of the shards they changed.
    pub fn append(&self, effects: &[Effect]) {
        let mut reader = self.reader.lock();
        let Some(reader) = reader.as_mut() else { return };
        for effect in effects {
            let bytes = effect.bytes.len() as u64;
            let offset = self.offset.fetch_add(bytes, Ordering::Relaxed) + bytes;
            reader.append(offset, effect);
        }
    }
}

/// One command of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    pub db: u32,
    pub targets: Targets,
    bytes: Vec<u8>,
}

impl Effect {
    /// Encodes a command that everybody repeats.
    pub fn new<'a>(db: u32, arguments: impl ExactSizeIterator<Item = &'a [u8]>) -> Self {
        let mut bytes = Vec::with_capacity(64);
        let mut digits = itoa::Buffer::new();
        bytes.push(b'*');
        bytes.extend_from_slice(digits.format(arguments.len()).as_bytes());
        bytes.extend_from_slice(b"\r\n");
        for argument in arguments {
            bytes.push(b'$');
            bytes.extend_from_slice(digits.format(argument.len()).as_bytes());
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(argument);
            bytes.extend_from_slice(b"\r\n");
        }
        Self { db, targets: Targets::ALL, bytes }
    }

    /// The same for others.
    #[must_use]
    pub fn to(self, targets: Targets) -> Self {
        Self { targets, ..self }
    }

    /// Returns the command as a RESP array of bulk strings.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What one command did.
pub struct Effects {
    pub(super) is_recording: bool,
    /// Who repeats it.
    pub(super) targets: Targets,
    /// Number of changes, as `rdb_changes_since_last_save` counts them.
    pub(super) change_count: u64,
    pub(super) list: Vec<Effect>,
    /// The command itself is not what is repeated.
    pub(super) is_rewritten: bool,
    /// It is repeated though it changes no data.
    pub(super) is_repeated: bool,
}

impl Default for Effects {
    fn default() -> Self {
        Self {
            is_recording: false,
            targets: Targets::ALL,
            change_count: 0,
            list: Vec::new(),
            is_rewritten: false,
            is_repeated: false,
        }
    }
}

impl Effects {
    /// Counts changes. Unless the handler states its effects, the command itself is repeated.
    #[inline]
    pub fn changed(&mut self, count: u64) {
        self.change_count += count;
    }

    /// Says whether effects are recorded; stating them has a purpose only then.
    #[inline]
    pub fn is_recorded(&self) -> bool {
        self.is_recording
    }

    /// Has the command, or what is stated, repeated though it changes no data.
    #[inline]
    pub fn repeat(&mut self) {
        self.is_repeated = true;
    }

    /// The same, by replicas only (PUBLISH).
    #[inline]
    pub fn repeat_on_replicas(&mut self) {
        self.is_repeated = true;
        self.targets = self.targets.only(Targets::REPLICAS);
    }

    /// Says whether there is something that somebody repeats.
    #[inline]
    pub(super) fn are_repeated(&self) -> bool {
        (self.change_count > 0 || self.is_repeated) && self.targets != Targets::NONE
    }

    /// Says that the command itself is not what is repeated, even if no effect is stated.
    #[inline]
    pub fn rewrite(&mut self) {
        self.is_rewritten = true;
    }

    /// Returns the effect of repeating the command itself.
    pub(super) fn of_command(&self, db: u32, args: Args<'_>) -> Effect {
        Effect::new(db, args.iter()).to(self.targets)
    }

    /// Returns the effects of a command that has changed something.
    pub(super) fn into_effects(self, db: u32, args: Args<'_>) -> Vec<Effect> {
        if self.is_rewritten { self.list } else { vec![self.of_command(db, args)] }
    }

    /// Makes room for the next command's.
    pub(super) fn clear(&mut self) {
        self.change_count = 0;
        self.targets = Targets::ALL;
        self.is_rewritten = false;
        self.is_repeated = false;
        self.list.clear();
    }

    /// States an effect, replacing the command itself.
    pub fn push(&mut self, db: u32, arguments: &[&[u8]]) {
        self.is_rewritten = true;
        if self.is_recording {
            self.list.push(Effect::new(db, arguments.iter().copied()).to(self.targets));
        }
    }
}
