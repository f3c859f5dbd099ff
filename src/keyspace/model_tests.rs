//! The keyspace against a naive model: long random sequences of operations, on a clock of the test's own.

use std::collections::HashMap;
use std::time::Duration;

use fastrand::Rng;

use super::{Access, Aging, Entry, Key, Keyspace, LockMode, Lookup, Noted, Sweep};
use crate::types::{IntegerText, StringValue};

const STEP_COUNT: usize = 60_000;
const DATABASE_COUNT: u32 = 3;
const KEY_COUNT: u32 = 300;
const START_MS: u64 = 1_800_000_000_000;

type Model = HashMap<(u32, Vec<u8>), (Vec<u8>, Option<u64>)>;

struct Pair {
    keyspace: Keyspace,
    model: Model,
    now_ms: u64,
    random: Rng,
}

fn name(number: u32) -> Vec<u8> {
    // Names of many lengths, one of them too long for the header's length field.
    let filler = if number == 7 { 70_000 } else { number as usize % 40 };
    format!("{number}:{}", "k".repeat(filler)).into_bytes()
}

impl Pair {
    fn new(seed: u64) -> Self {
        let keyspace = Keyspace::new(DATABASE_COUNT);
        Self { keyspace, model: Model::new(), now_ms: START_MS, random: Rng::with_seed(seed) }
    }

    fn access(&self) -> Access {
        let aging = Aging::new(self.random.clone().bool(), self.now_ms, 10, 1);
        Access {
            now_ms: self.now_ms,
            aging,
            touches: true,
            removes_expired: true,
            noted: Noted::NOTHING,
        }
    }

    fn value(&mut self) -> Vec<u8> {
        let length = match self.random.u32(..10) {
            0 => return self.random.i64(..).to_string().into_bytes(),
            1 => return self.random.u8(..).to_string().into_bytes(),
            2 => self.random.usize(900..1_200),
            3 => self.random.usize(16_000..17_000),
            _ => self.random.usize(..120),
        };
        let byte = self.random.lowercase() as u8;
        vec![byte; length]
    }

    fn deadline(&mut self) -> Option<u64> {
        let span_ms = [100, 10_000, 10_000_000][self.random.usize(..3)];
        self.random.bool().then(|| self.now_ms + 1 + self.random.u64(..span_ms))
    }

    /// Forgets what is due in the model.
    fn expire_model(&mut self) {
        let now_ms = self.now_ms;
        self.model.retain(|_, (_, deadline_ms)| deadline_ms.is_none_or(|due_ms| due_ms > now_ms));
    }

    fn with_key<R>(
        &self,
        db: u32,
        name: &[u8],
        act: impl FnOnce(&mut super::Keys<'_>, &Key<'_>) -> R,
    ) -> R {
        let (key, access) = (self.keyspace.key(db, name), self.access());
        let mut keys = self.keyspace.lock_one(key.place(), LockMode::Exclusive, &access);
        act(&mut keys, &key)
    }

    fn step(&mut self) {
        let db = self.random.u32(..DATABASE_COUNT);
        let name = name(self.random.u32(..KEY_COUNT));
        match self.random.u32(..100) {
            0..40 => self.set(db, name),
            40..55 => self.remove(db, name),
            55..65 => self.write_range(db, name),
            65..75 => self.change_deadline(db, name),
            75..80 => self.rename(db, &name),
            80..85 => self.copy(db, &name),
            85..97 => self.pass_time(),
            97 => self.swap(db),
            98 => self.sweep(),
            _ => self.scan(db),
        }
        self.expire_model();
    }

    fn set(&mut self, db: u32, name: Vec<u8>) {
        let (value, deadline_ms) = (self.value(), self.deadline());
        let existed = self.with_key(db, &name, |keys, key| {
            keys.set(key, StringValue::from_bytes(&value), deadline_ms)
        });
        let known = self.model.insert((db, name), (value, deadline_ms));
        assert_eq!(existed, known.is_some());
    }

    fn remove(&mut self, db: u32, name: Vec<u8>) {
        let removed = self.with_key(db, &name, |keys, key| keys.remove(key).is_some());
        assert_eq!(removed, self.model.remove(&(db, name)).is_some());
    }

    fn write_range(&mut self, db: u32, name: Vec<u8>) {
        let offset = [0, 3, 50, 1_100, 17_000][self.random.usize(..5)];
        let text = vec![b'w'; self.random.usize(1..40)];
        let length = self.with_key(db, &name, |keys, key| {
            keys.get_mut(key).map(|mut entry| entry.write_range(offset, &text))
        });
        let known = self.model.get_mut(&(db, name));
        assert_eq!(length.is_some(), known.is_some());
        if let Some((value, _)) = known {
            value.resize(value.len().max(offset + text.len()), 0);
            value[offset..offset + text.len()].copy_from_slice(&text);
            assert_eq!(length, Some(value.len()));
        }
    }

    fn change_deadline(&mut self, db: u32, name: Vec<u8>) {
        let deadline_ms = self.deadline();
        let changed = self.with_key(db, &name, |keys, key| {
            keys.get_mut(key).map(|mut entry| entry.set_deadline(deadline_ms)).is_some()
        });
        let known = self.model.get_mut(&(db, name));
        assert_eq!(changed, known.is_some());
        if let Some((_, known)) = known {
            *known = deadline_ms;
        }
    }

    fn rename(&mut self, db: u32, from: &[u8]) {
        let to = name(self.random.u32(..KEY_COUNT));
        if from == to {
            return;
        }
        let (source, target) = (self.keyspace.key(db, from), self.keyspace.key(db, &to));
        let mut places = [source.place(), target.place()];
        let access = self.access();
        let mut keys = self.keyspace.lock(&mut places, LockMode::Exclusive, &access);
        let replaced = keys.rename(&source, &target);
        drop(keys);
        let known = self.model.remove(&(db, from.to_vec()));
        let other = known.and_then(|known| self.model.insert((db, to), known));
        assert_eq!(replaced.is_some(), other.is_some());
    }

    fn copy(&mut self, db: u32, from: &[u8]) {
        let (to, other) = (name(self.random.u32(..KEY_COUNT)), self.random.u32(..DATABASE_COUNT));
        if from == to && db == other {
            return;
        }
        let (source, target) = (self.keyspace.key(db, from), self.keyspace.key(other, &to));
        let mut places = [source.place(), target.place()];
        let access = self.access();
        let mut keys = self.keyspace.lock(&mut places, LockMode::Exclusive, &access);
        let copy = keys.get(&source, Lookup::READ).map(|entry| entry.copy(&to, 1));
        let copied = copy.map(|entry| keys.insert(&target, entry)).is_some();
        drop(keys);
        let known = self.model.get(&(db, from.to_vec())).cloned();
        assert_eq!(copied, known.is_some());
        if let Some(known) = known {
            self.model.insert((other, to), known);
        }
    }

    fn pass_time(&mut self) {
        self.now_ms +=
            [1, 50, 5_000, 600_000][self.random.choice([0, 0, 0, 1, 1, 2, 3]).unwrap_or(0)];
    }

    fn swap(&mut self, db: u32) {
        let other = self.random.u32(..DATABASE_COUNT);
        self.keyspace.swap(db, other);
        let moved = |number: u32| match number {
            number if number == db => other,
            number if number == other => db,
            number => number,
        };
        let model = std::mem::take(&mut self.model);
        self.model =
            model.into_iter().map(|((db, name), rest)| ((moved(db), name), rest)).collect();
    }

    fn sweep(&mut self) {
        self.expire_model();
        let mut sweep = Sweep::new(0, 1);
        while sweep.run(&self.keyspace, self.now_ms, Duration::ZERO, &mut |_, _| {}).has_more {}
        for db in 0..DATABASE_COUNT {
            let count = self.model.keys().filter(|(known, _)| *known == db).count();
            assert_eq!(self.keyspace.key_count(db), count as u64);
            let is_volatile = |(_, deadline_ms): &&(Vec<u8>, Option<u64>)| deadline_ms.is_some();
            let of_db = self.model.iter().filter(|((known, _), _)| *known == db);
            let count = of_db.map(|(_, rest)| rest).filter(is_volatile).count();
            let counted =
                self.keyspace.database(db).map_or(0, super::shard::Database::volatile_count);
            assert_eq!(counted, count as u64);
        }
    }

    fn scan(&mut self, db: u32) {
        let mut found = Vec::new();
        let mut cursor = 0;
        loop {
            let next = self.keyspace.scan(db, cursor, 7, &mut |entry: &Entry| {
                if !entry.is_expired(self.now_ms) {
                    found.push(entry.key().to_vec());
                }
            });
            cursor = next.expect("nobody holds a shard");
            if cursor == 0 {
                break;
            }
        }
        found.sort_unstable();
        let mut known: Vec<Vec<u8>> =
            self.model.keys().filter(|(of, _)| *of == db).map(|(_, name)| name.clone()).collect();
        known.sort_unstable();
        assert_eq!(found, known);
    }

    fn compare(&self) {
        for db in 0..DATABASE_COUNT {
            for number in 0..KEY_COUNT {
                let name = name(number);
                let found = self.with_key(db, &name, |keys, key| {
                    keys.get(key, Lookup::READ).map(|entry| {
                        let mut digits = IntegerText::new();
                        (entry.string().bytes(&mut digits).to_vec(), entry.deadline_ms())
                    })
                });
                assert_eq!(found.as_ref(), self.model.get(&(db, name)), "{db} {number}");
            }
        }
    }
}

#[test]
fn random_operations_do_what_a_plain_map_does() {
    for seed in [1, 2] {
        let mut pair = Pair::new(seed);
        for step in 0..STEP_COUNT {
            pair.step();
            if step % 6_000 == 0 {
                pair.compare();
            }
        }
        pair.compare();
    }
}

#[test]
fn racing_increments_of_many_threads_are_exact() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 5_000;
    let keyspace = Keyspace::new(1);
    let access = Access {
        now_ms: START_MS,
        aging: Aging::new(false, START_MS, 10, 1),
        touches: true,
        removes_expired: true,
        noted: Noted::NOTHING,
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let keyspace = &keyspace;
            scope.spawn(move || {
                let mut random = Rng::with_seed(thread as u64);
                for _ in 0..ROUNDS {
                    let (left, right) =
                        (random.u32(..50).to_le_bytes(), random.u32(..50).to_le_bytes());
                    let (left, right) = (keyspace.key(0, &left), keyspace.key(0, &right));
                    let mut places = [left.place(), right.place()];
                    let mut keys = keyspace.lock(&mut places, LockMode::Exclusive, &access);
                    for key in [&left, &right] {
                        let old =
                            keys.get(key, Lookup::READ).and_then(|entry| entry.string().integer());
                        keys.set(key, StringValue::Integer(old.unwrap_or(0) + 1), None);
                    }
                }
            });
        }
    });
    let mut sum = 0;
    keyspace.for_each(0, &mut |entry| sum += entry.string().integer().unwrap_or(0));
    assert_eq!(sum, i64::try_from(2 * THREADS * ROUNDS).expect("small"));
}
