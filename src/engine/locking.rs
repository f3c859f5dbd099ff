//! Locking what a command declares.

use super::Args;
use super::batch::{EntryHints, HINTS_MAX};
use super::command::{Flags, KeyFlags};
use super::error::CommandError;
use super::plan::{KeyAt, find_keys};
use super::state::Engine;
use super::table::{KeyPlan, Known};
use crate::keyspace::{Access, Key, KeyPlace, Keys, LockMode};

/// Locks what a command declares; `None` if somebody holds it for a while, or if it may not wait for it.
// Always inlined: what it returns is large, and is built where it is used.
#[inline(always)]
pub(super) fn lock<'k>(
    engine: &'k Engine,
    db: u32,
    known: &Known,
    (args, hash): (Args<'k>, Option<u64>),
    declared: &mut Declared,
    access: &'k Access,
) -> Option<(Keys<'k>, Option<(usize, Key<'k>)>)> {
    Some(match known.plan {
        KeyPlan::None => (Keys::none(access), None),
        KeyPlan::One(index) => match args.get(index) {
            None => (Keys::none(access), None),
            Some(bytes) => {
                let hash = hash.unwrap_or_else(|| engine.keyspace.hash(bytes));
                let key = Key::with_hash(bytes, hash, db);
                let keys = engine.keyspace.lock_one_soon(key.place(), known.mode, access)?;
                (keys, Some((index, key)))
            }
        },
        KeyPlan::Many => (lock_many(engine, db, known, args, declared, access)?, None),
    })
}

fn lock_many<'k>(
    engine: &'k Engine,
    db: u32,
    known: &Known,
    args: Args<'_>,
    declared: &mut Declared,
    access: &'k Access,
) -> Option<Keys<'k>> {
    let keyspace = &engine.keyspace;
    declared.clear();
    add_places(engine, db, known, args, declared);
    // As for a batch of commands: the fetches of many keys overlap, level by level.
    let hashes = if declared.hashes.len() > 1 { &declared.hashes[..] } else { &[] };
    if let Some(database) = keyspace.database(db) {
        hashes.iter().for_each(|&hash| database.prefetch_group(hash));
    }
    let mode = mode_of(engine, known, args);
    let keys = keyspace.lock_soon(&mut declared.places, mode, access)?;
    for portion in hashes.chunks(HINTS_MAX) {
        let mut hints = EntryHints::default();
        portion.iter().for_each(|&hash| hints.note(keys.entry_hint(db, hash)));
        hints.prefetch();
    }
    Some(keys)
}

/// Returns what becomes of a command for which [`lock`] has returned nothing.
#[cold]
pub(super) fn refusal(
    engine: &Engine,
    db: u32,
    known: &Known,
    args: Args<'_>,
    declared: &mut Declared,
) -> CommandError {
    declared.clear();
    match known.plan {
        KeyPlan::One(index) => {
            let key = args.get(index).map(|bytes| engine.keyspace.key(db, bytes).place());
            declared.places.extend(key);
        }
        _ => add_places(engine, db, known, args, declared),
    }
    engine.refusal_for(&declared.places)
}

/// Returns how the keys of a command are locked: those of a script that only reads may be shared.
fn mode_of(engine: &Engine, known: &Known, args: Args<'_>) -> LockMode {
    match known.command.flags_by_script {
        Some(flags_of) if flags_of(engine, args).has(Flags::READONLY) => LockMode::Shared,
        _ => known.mode,
    }
}

/// The keys that a command declares.
#[derive(Default)]
pub(super) struct Declared {
    pub(super) places: Vec<KeyPlace>,
    /// Of the keys in the client's database.
    hashes: Vec<u64>,
    found: Vec<KeyAt>,
}

impl Declared {
    /// Forgets all keys.
    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.hashes.clear();
    }
}

/// Adds the places of all keys a command declares.
pub(super) fn add_places(
    engine: &Engine,
    db: u32,
    known: &Known,
    args: Args<'_>,
    declared: &mut Declared,
) {
    declared.found.clear();
    // Arguments that make no sense declare no keys; the handler says what is wrong with them.
    find_keys(known.command, args, &mut declared.found);
    let keyspace = &engine.keyspace;
    let database = keyspace.database(db);
    for &(index, flags) in &declared.found {
        if !flags.has(KeyFlags::NOT_KEY)
            && let Some(bytes) = args.get(index)
        {
            let hash = keyspace.hash(bytes);
            if let Some(database) = database {
                database.prefetch_shard(hash);
            }
            declared.hashes.push(hash);
            declared.places.push(Key::with_hash(bytes, hash, db).place());
        }
    }
    if let Some(more) = known.command.other_places {
        more(keyspace, db, args, &mut declared.places);
    }
}
