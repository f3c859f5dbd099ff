//! Random operations against a sorted vector, across the limit of the packed form.

use fastrand::Rng;

use super::edge::order;
use super::{Form, LexEnd, LexRange, ScoreEnd, ScoreRange, SortedSet};
use crate::types::{IntegerText, Item, PackedLimits};

const LIMITS: PackedLimits = PackedLimits { entries_max: 16, value_bytes_max: 24 };

/// The naive model: entries in order.
#[derive(Default)]
struct Model(Vec<(f64, Vec<u8>)>);

impl Model {
    fn position(&self, member: &[u8]) -> Option<usize> {
        self.0.iter().position(|(_, other)| other == member)
    }

    fn set(&mut self, member: &[u8], score: f64) -> Option<f64> {
        let old = self.position(member).map(|at| self.0.remove(at).0);
        let at = self.0.partition_point(|(other_score, other)| {
            order((*other_score, other), (score, member)).is_lt()
        });
        self.0.insert(at, (score, member.to_vec()));
        old
    }
}

fn text(item: Item<'_>) -> Vec<u8> {
    item.bytes(&mut IntegerText::new()).to_vec()
}

fn entries(set: &SortedSet) -> Vec<(f64, Vec<u8>)> {
    set.iter().map(|(member, score)| (score, text(member))).collect()
}

fn check(set: &SortedSet, model: &Model, random: &mut Rng) {
    assert_eq!(set.len(), model.0.len());
    assert_eq!(entries(set), model.0);
    if let Form::Tree(tree) = &set.form {
        tree.check();
    }
    let len = model.0.len();
    for (rank, (score, member)) in model.0.iter().enumerate() {
        assert_eq!(set.rank(member), Some((rank, *score)));
        assert_eq!(set.score(member), Some(*score));
        assert_eq!(
            set.at(rank).map(|(member, score)| (score, text(member))).as_ref(),
            model.0.get(rank)
        );
    }
    let start = random.usize(..=len);
    let end = random.usize(start..=len + 2);
    let backwards: Vec<_> = set.walk(start..end, true).map(|(member, _)| text(member)).collect();
    let expected: Vec<_> =
        model.0[start..end.min(len)].iter().rev().map(|(_, member)| member.clone()).collect();
    assert_eq!(backwards, expected);
    let end = |random: &mut Rng| ScoreEnd { score: score(random), is_open: random.bool() };
    let range = ScoreRange { min: end(random), max: end(random) };
    let inside = model.0.iter().filter(|(score, _)| {
        let is_above = *score > range.min.score || !range.min.is_open && *score == range.min.score;
        let is_below = *score < range.max.score || !range.max.is_open && *score == range.max.score;
        is_above && is_below
    });
    assert_eq!(set.ranks_by_score(&range).len(), inside.count());
}

fn score(random: &mut Rng) -> f64 {
    match random.u8(..8) {
        0 => f64::INFINITY,
        1 => random.f64() - 0.5,
        2 => f64::from(random.i32(..)) * 1e10,
        _ => f64::from(random.i8(-20..20)),
    }
}

fn member(random: &mut Rng, spread: u32) -> Vec<u8> {
    let number = random.u32(..spread);
    match number % 5 {
        0 => number.to_string().into_bytes(),
        1 => format!("a rather long member, too long to be packed: {number}").into_bytes(),
        2 if number.is_multiple_of(3) => {
            let mut long = vec![b'x'; 600 + number as usize % 1000];
            long.extend_from_slice(number.to_string().as_bytes());
            long
        }
        _ => format!("member:{number}").into_bytes(),
    }
}

#[test]
fn random_changes_agree_with_a_sorted_vector() {
    for (seed, spread) in (0..12).zip([20, 200, 3000].into_iter().cycle()) {
        let mut random = Rng::with_seed(seed);
        let (mut set, mut model) = (SortedSet::default(), Model::default());
        for round in 0..4000 {
            let is_growing = (round / 800) % 2 == 0;
            if random.u8(..10) < if is_growing { 8 } else { 2 } {
                let (member, score) = (member(&mut random, spread), score(&mut random));
                let old = set.upsert(&member, LIMITS, |_| Some(score));
                assert_eq!(old, model.set(&member, score));
            } else if random.u8(..10) == 0 && !model.0.is_empty() {
                let start = random.usize(..model.0.len());
                let most = if random.u8(..30) == 0 { usize::MAX } else { start + 50 };
                let end = random.usize(start..=model.0.len().min(most));
                assert_eq!(set.remove_ranks(start..end), end - start);
                model.0.drain(start..end);
            } else {
                let member = match random.usize(..2) {
                    0 if !model.0.is_empty() => model.0[random.usize(..model.0.len())].1.clone(),
                    _ => member(&mut random, spread),
                };
                let removed = model.position(&member).map(|at| model.0.remove(at).0);
                assert_eq!(set.remove(&member), removed);
            }
            if round % 101 == 0 {
                check(&set, &model, &mut random);
            }
        }
        check(&set, &model, &mut random);
        let rest = set.len();
        assert_eq!(set.remove_ranks(0..rest), rest);
        check(&set, &Model::default(), &mut random);
    }
}

#[test]
fn a_set_made_of_members_in_order_is_like_any_other() {
    for (seed, count) in (0..).zip([0, 1, 8, 9, 43, 44, 100, 1_400, 5_000, 45_000]) {
        let mut random = Rng::with_seed(seed);
        let mut model = Model::default();
        for number in 0..count {
            model.0.push((f64::from(number / 3), format!("m:{number:06}").into_bytes()));
        }
        if count == 1_400 {
            model.0[700].1.resize(3_000, b'x');
        }
        let members: Vec<_> =
            model.0.iter().map(|(score, member)| (*score, Item::Text(member))).collect();
        let mut set = SortedSet::from_ascending(&members, LIMITS);
        check(&set, &model, &mut random);
        // It can be changed everywhere, and whole parts of it be removed.
        for _ in 0..200 {
            let (member, score) = (member(&mut random, 500), score(&mut random));
            assert_eq!(set.upsert(&member, LIMITS, |_| Some(score)), model.set(&member, score));
        }
        check(&set, &model, &mut random);
        while !model.0.is_empty() {
            let start = random.usize(..model.0.len());
            let end = random.usize(start..=model.0.len());
            assert_eq!(set.remove_ranks(start..end), end - start);
            model.0.drain(start..end);
            check(&set, &model, &mut random);
        }
    }
}

#[test]
fn members_are_ordered_by_bytes_where_scores_are_equal() {
    let mut random = Rng::with_seed(3);
    let mut set = SortedSet::default();
    let mut model = Model::default();
    for _ in 0..3000 {
        let member = member(&mut random, 5000);
        set.insert(&member, 0.0, LIMITS);
        model.set(&member, 0.0);
    }
    check(&set, &model, &mut random);
    for _ in 0..500 {
        let (min, max) = (member(&mut random, 6000), member(&mut random, 6000));
        let range = LexRange { min: LexEnd::Included(&min), max: LexEnd::Excluded(&max) };
        let inside = model.0.iter().filter(|(_, member)| *member >= min && *member < max);
        assert_eq!(set.ranks_by_member(&range).len(), inside.count());
    }
    let all = LexRange { min: LexEnd::First, max: LexEnd::Last };
    assert_eq!(set.ranks_by_member(&all), 0..set.len());
    let none = LexRange { min: LexEnd::Last, max: LexEnd::First };
    assert_eq!(set.ranks_by_member(&none).len(), 0);
}

#[test]
fn ascending_and_descending_scores_fill_the_leaves() {
    for direction in [1.0, -1.0] {
        let mut set = SortedSet::default();
        for number in 0..20_000 {
            set.insert(format!("m{number}").as_bytes(), f64::from(number) * direction, LIMITS);
        }
        let Form::Tree(tree) = &set.form else { panic!("it is large") };
        tree.check();
        let bytes = crate::types::Collection::memory_bytes(&set) / set.len();
        assert!(bytes < 45, "{bytes} bytes for a member of 6");
    }
}

#[test]
fn a_scan_shows_all_that_stays_while_others_come_and_go() {
    let mut random = Rng::with_seed(9);
    let mut set = SortedSet::default();
    for number in 0..2000 {
        set.insert(format!("stays:{number}").as_bytes(), f64::from(number), LIMITS);
    }
    for growth in [-1, 0, 1] {
        let (mut cursor, mut seen) = (0, std::collections::BTreeSet::new());
        loop {
            cursor = set.scan(cursor, 10, &mut |member, _| {
                seen.insert(text(member));
            });
            if cursor == 0 {
                break;
            }
            for _ in 0..40 {
                let number = random.u32(..20_000);
                if growth >= 0 {
                    set.insert(format!("comes:{number}").as_bytes(), score(&mut random), LIMITS);
                }
                if growth <= 0 {
                    set.remove(format!("comes:{number}").as_bytes());
                }
                let moved = format!("stays:{}", random.u32(..2000));
                set.insert(moved.as_bytes(), score(&mut random), LIMITS);
            }
        }
        let stayed = seen.iter().filter(|member| member.starts_with(b"stays")).count();
        assert_eq!(stayed, 2000);
    }
}

#[test]
fn a_thousand_members_of_sixteen_bytes_take_little_memory() {
    let limits = PackedLimits { entries_max: 128, value_bytes_max: 64 };
    let mut set = SortedSet::default();
    for number in 0..1000_u32 {
        let score = (number * 104_729) % 1_000_003;
        set.insert(format!("member{number:010}").as_bytes(), f64::from(score), limits);
    }
    let bytes = crate::types::Collection::memory_bytes(&set);
    assert!(bytes < 54_000, "{bytes} bytes");
}

#[test]
fn packed_sequences_from_outside_are_checked() {
    let packed = |texts: &[&str]| texts.iter().map(|text| text.as_bytes()).collect();
    let whole = SortedSet::from_packed(packed(&["a", "1", "b", "1", "c", "1.5"]), LIMITS);
    assert_eq!(whole.map(|set| set.len()), Ok(3));
    for wrong in [&["a"][..], &["a", "x"], &["b", "1", "a", "1"], &["a", "1", "a", "2"]] {
        assert!(SortedSet::from_packed(packed(wrong), LIMITS).is_err());
    }
}
