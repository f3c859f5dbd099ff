//! Sets against a naive model, across all representations in both directions.

use std::collections::{BTreeSet, HashMap};

use super::{Set, SetLimits};
use crate::types::{Collection, Encoding, IntegerText, Item, PackedLimits};

const LIMITS: SetLimits =
    SetLimits { integers_max: 20, packed: PackedLimits { entries_max: 12, value_bytes_max: 10 } };

fn name(random: &mut fastrand::Rng) -> Vec<u8> {
    let number = random.i32(-30..30);
    match random.u8(..20) {
        0..=11 => number.to_string().into_bytes(),
        12 => (i64::from(number) << 40).to_string().into_bytes(),
        13..=17 => format!("m{number}").into_bytes(),
        18 => Vec::new(),
        _ => format!("a long member {number}").into_bytes(),
    }
}

fn bytes(item: Item<'_>) -> Vec<u8> {
    item.bytes(&mut IntegerText::new()).to_vec()
}

fn members(set: &Set) -> BTreeSet<Vec<u8>> {
    set.iter().map(bytes).collect()
}

#[test]
fn sets_change_like_their_model() {
    let mut random = fastrand::Rng::with_seed(11);
    let mut encodings: HashMap<&str, u32> = HashMap::new();
    for _ in 0..400 {
        let first = name(&mut random);
        let (mut set, mut model) = (Set::for_members(&first, 1, &LIMITS), BTreeSet::new());
        for _ in 0..random.usize(1..150) {
            let member = name(&mut random);
            match random.u8(..10) {
                0..=4 => assert_eq!(set.add(&member, &LIMITS), model.insert(member)),
                5 | 6 => assert_eq!(set.remove(&member), model.remove(&member)),
                7 if !model.is_empty() => {
                    assert!(model.remove(&bytes(set.pop(&mut random).as_item())));
                }
                8 if !model.is_empty() => {
                    assert!(model.contains(&bytes(set.random(&mut random))));
                    let (mut seen, count) = (BTreeSet::new(), random.usize(..30));
                    set.sample(&mut random, count, |item| assert!(seen.insert(bytes(item))));
                    assert_eq!(seen.len(), count.min(model.len()));
                    assert!(seen.is_subset(&model));
                    let mut draws = 0;
                    set.draw(&mut random, count, |item| {
                        draws += 1;
                        assert!(model.contains(&bytes(item)));
                    });
                    assert_eq!(draws, count);
                }
                _ => assert_eq!(set.contains(&member), model.contains(&member)),
            }
            assert_eq!(set.len(), model.len());
            *encodings.entry(set.encoding().name()).or_default() += 1;
        }
        assert_eq!(members(&set), model);
        assert_eq!(members(&set.clone()), model);
        let mut scanned = BTreeSet::new();
        let mut cursor = set.scan(0, 5, |item| assert!(scanned.insert(bytes(item))));
        while cursor != 0 {
            cursor = set.scan(cursor, 5, |item| assert!(scanned.insert(bytes(item))));
        }
        assert_eq!(scanned, model);
    }
    assert!(
        encodings.values().all(|&count| count > 1_000) && encodings.len() == 3,
        "{encodings:?}"
    );
}

#[test]
fn a_set_of_integers_grows_into_a_table() {
    let mut set = Set::for_members(b"1", 1, &LIMITS);
    for number in 0..20_i64 {
        assert!(set.add(number.to_string().as_bytes(), &LIMITS));
        assert_eq!(set.encoding(), Encoding::Intset);
    }
    assert!(!set.add(b"19", &LIMITS));
    assert!(set.add(b"20", &LIMITS));
    assert_eq!(set.encoding(), Encoding::Hashtable);
    for number in 2..21_i64 {
        assert!(set.remove(number.to_string().as_bytes()));
    }
    assert_eq!(set.encoding(), Encoding::Hashtable);
    set.settle(&LIMITS);
    assert_eq!((set.encoding(), set.len()), (Encoding::Intset, 2));
}

#[test]
fn the_first_text_decides_by_count_and_length() {
    let of_integers = |count: i64| {
        let mut set = Set::of_integers();
        (0..count).for_each(|number| {
            set.add(number.to_string().as_bytes(), &LIMITS);
        });
        set
    };
    for (count, member, encoding) in [
        (11, "a", Encoding::Listpack),
        (12, "a", Encoding::Hashtable),
        (1, "a2345678901", Encoding::Hashtable),
        (1, "a234567890", Encoding::Listpack),
    ] {
        let mut set = of_integers(count);
        assert!(set.add(member.as_bytes(), &LIMITS));
        assert_eq!(set.encoding(), encoding, "{count} {member}");
        assert!(set.contains(b"0") && set.contains(member.as_bytes()));
    }
    let mut set = of_integers(1);
    set.add(b"12345678901", &LIMITS);
    set.add(b"a", &LIMITS);
    assert_eq!(set.encoding(), Encoding::Hashtable);
    let mut set = of_integers(1);
    set.expect(21, &LIMITS);
    assert_eq!(set.encoding(), Encoding::Hashtable);
}

#[test]
fn samples_are_fair() {
    const ROUNDS: u32 = 20_000;
    let mut random = fastrand::Rng::with_seed(5);
    for (member_count, sample_count) in [(10_usize, 3_usize), (20, 5), (40, 8)] {
        let mut set = Set::of_integers();
        for number in 0..member_count {
            set.add(number.to_string().as_bytes(), &LIMITS);
        }
        let mut counts: HashMap<Vec<u8>, u32> = HashMap::new();
        for _ in 0..ROUNDS {
            set.sample(&mut random, sample_count, |item| {
                *counts.entry(bytes(item)).or_default() += 1
            });
        }
        let share = f64::from(u32::try_from(sample_count).expect("small"))
            / f64::from(u32::try_from(member_count).expect("small"));
        for count in counts.values() {
            let ratio = f64::from(*count) / (f64::from(ROUNDS) * share);
            assert!((0.93..1.07).contains(&ratio), "{ratio}");
        }
    }
}

#[test]
fn bytes_of_integers_are_taken_back() {
    let mut set = Set::of_integers();
    for number in [5, -70_000, 1_i64 << 40] {
        set.add(number.to_string().as_bytes(), &LIMITS);
    }
    let copied = set.small_bytes().expect("it is small").to_vec();
    let taken = Set::from_integer_bytes(&copied).expect("the bytes are right");
    assert_eq!(members(&taken), members(&set));
    for at in 8..copied.len() {
        let mut swapped = copied.clone();
        swapped[at] ^= 0x80;
        if let Ok(set) = Set::from_integer_bytes(&swapped) {
            assert_eq!(set.len(), 3);
        }
    }
    assert!(Set::from_integer_bytes(&copied[..20]).is_err());
}
