//! Hashes against a naive model, with random operations that cross every threshold.

use std::collections::BTreeMap;

use super::{FieldDeadline, Hash, HashField};
use crate::types::{Collection, Encoding, PackedLimits};

const LIMITS: PackedLimits = PackedLimits { entries_max: 24, value_bytes_max: 12 };

#[derive(Default)]
struct Model(BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>);

fn owned(field: HashField<'_>) -> (Vec<u8>, (Vec<u8>, Option<u64>)) {
    let (mut one, mut other) = Default::default();
    let value = field.value.bytes(&mut other).to_vec();
    (field.field.bytes(&mut one).to_vec(), (value, field.deadline_ms))
}

impl Model {
    fn check(&self, hash: &Hash) {
        let all: Vec<_> = hash.iter().map(owned).collect();
        assert_eq!(all.len(), self.0.len());
        assert_eq!(hash.len(), self.0.len());
        assert_eq!(all.into_iter().collect::<BTreeMap<_, _>>(), self.0);
        let soonest = self.0.values().filter_map(|(_, deadline_ms)| *deadline_ms).min();
        assert_eq!(hash.due_ms(), soonest);
    }
}

fn text(random: &mut fastrand::Rng) -> Vec<u8> {
    match random.u8(..40) {
        0 => vec![b'x'; random.usize(12..30)],
        1..20 => random.i32(-300..300).to_string().into_bytes(),
        _ => format!("value{}", random.u8(..)).into_bytes(),
    }
}

fn deadline(random: &mut fastrand::Rng) -> FieldDeadline {
    match random.u8(..8) {
        0 => FieldDeadline::At(random.u64(1..50)),
        1..3 => FieldDeadline::Keep,
        _ => FieldDeadline::None,
    }
}

fn change(random: &mut fastrand::Rng, hash: &mut Hash, model: &mut Model, field_count: u32) {
    let field = match random.u32(..field_count) {
        number if number % 3 == 0 => number.to_string().into_bytes(),
        number => format!("field{number}").into_bytes(),
    };
    match random.u8(..10) {
        0..5 => {
            let (value, deadline) = (text(random), deadline(random));
            let was_ms = model.0.get(&field).and_then(|(_, deadline_ms)| *deadline_ms);
            let old = model.0.insert(field.clone(), (value.clone(), deadline.after(was_ms)));
            assert_eq!(hash.set(&field, &value, deadline, LIMITS), old.is_none());
        }
        5..7 => assert_eq!(hash.remove(&field), model.0.remove(&field).is_some()),
        7 => {
            let deadline_ms = random.bool().then(|| random.u64(1..50));
            let found = model.0.get_mut(&field);
            assert_eq!(hash.set_deadline(&field, deadline_ms), found.is_some());
            if let Some(found) = found {
                found.1 = deadline_ms;
            }
        }
        8 => {
            let now_ms = random.u64(..6);
            let mut due = Vec::new();
            hash.remove_due(now_ms, usize::MAX, |field| due.push(field.to_vec()));
            due.sort_unstable();
            let is_due = |(_, deadline_ms): &(_, Option<u64>)| {
                deadline_ms.is_some_and(|deadline_ms| deadline_ms <= now_ms)
            };
            let expected: Vec<Vec<u8>> =
                model.0.extract_if(.., |_, found| is_due(found)).map(|(field, _)| field).collect();
            assert_eq!(due, expected);
        }
        _ => {
            let now_ms = random.u64(..50);
            let expected = model.0.get(&field);
            let is_due = |deadline_ms: Option<u64>| deadline_ms.is_some_and(|ms| ms <= now_ms);
            let expected = expected.filter(|(_, deadline_ms)| !is_due(*deadline_ms));
            let found = hash.get(&field, now_ms);
            assert_eq!(
                found.map(|value| value.bytes(&mut Default::default()).to_vec()),
                expected.map(|(value, _)| value.clone())
            );
        }
    }
}

#[test]
fn a_hash_does_what_the_model_does() {
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut hash, mut model) = (Hash::new(), Model::default());
        // Few fields stay packed, more cross the threshold.
        let field_count = [8, 30, 60, 400][random.usize(..4)];
        for step in 0..2_000 {
            change(&mut random, &mut hash, &mut model, field_count);
            if step % 50 == 0 {
                model.check(&hash);
                model.check(&hash.clone());
            }
        }
        model.check(&hash);
    }
}

#[test]
fn encodings_change_at_the_limits() {
    let mut hash = Hash::new();
    for number in 0..24 {
        hash.set(format!("f{number}").as_bytes(), &[b'v'; 12], FieldDeadline::None, LIMITS);
    }
    assert_eq!(hash.encoding(), Encoding::Listpack);
    hash.set_deadline(b"f3", Some(9));
    assert_eq!(hash.encoding(), Encoding::ListpackEx);
    hash.set_deadline(b"f3", None);
    assert_eq!(hash.encoding(), Encoding::ListpackEx);
    hash.set(b"f24", b"v", FieldDeadline::None, LIMITS);
    assert_eq!(hash.encoding(), Encoding::Hashtable);
    hash.remove(b"f24");
    assert_eq!(hash.encoding(), Encoding::Hashtable);
    let mut hash = Hash::new();
    hash.set(b"f", &[b'v'; 13], FieldDeadline::None, LIMITS);
    assert_eq!(hash.encoding(), Encoding::Hashtable);
}

#[test]
fn triplets_stand_in_the_order_of_their_deadlines() {
    let mut hash = Hash::new();
    for (field, deadline_ms) in [("a", None), ("b", Some(5)), ("c", Some(3)), ("d", Some(5))] {
        hash.set(field.as_bytes(), b"1", FieldDeadline::None, LIMITS);
        hash.set_deadline(field.as_bytes(), deadline_ms);
    }
    let order = |hash: &Hash| {
        let fields = hash.iter().map(|field| owned(field).0);
        String::from_utf8(fields.collect::<Vec<_>>().concat()).expect("ASCII")
    };
    assert_eq!(order(&hash), "cbda");
    hash.set(b"b", b"2", FieldDeadline::None, LIMITS);
    assert_eq!(order(&hash), "cdab");
    hash.set(b"d", b"2", FieldDeadline::Keep, LIMITS);
    assert_eq!(order(&hash), "cdab");
}

#[test]
fn a_scan_meets_every_field_that_stays() {
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut hash = Hash::new();
        let name = |number: u32| format!("f{number}").into_bytes();
        for number in 0..500 {
            hash.set(&name(number), b"v", FieldDeadline::None, LIMITS);
        }
        let (mut cursor, mut met) = (0, std::collections::HashMap::new());
        loop {
            cursor = hash.scan(cursor, random.usize(1..20), |field| {
                *met.entry(owned(field).0).or_insert(0) += 1;
            });
            if cursor == 0 {
                break;
            }
            // The first hundred stay; the others come and go.
            for _ in 0..random.usize(..30) {
                let field = name(random.u32(100..2_000));
                if random.bool() {
                    hash.set(&field, b"v", FieldDeadline::None, LIMITS);
                } else {
                    hash.remove(&field);
                }
            }
        }
        assert!((0..100).all(|number| met.get(&name(number)) == Some(&1)));
    }
}
