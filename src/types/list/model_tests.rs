//! A list against a deque of texts, by random edits, across the limits both ways.

use std::collections::VecDeque;

use fastrand::Rng;

use super::{End, List, ListLimits, NodeRef, Side, TextMatch, Viewer};
use crate::types::{Collection, Encoding, IntegerText, StringRef};

type Model = VecDeque<Vec<u8>>;

fn owned(value: StringRef<'_>) -> Vec<u8> {
    value.bytes(&mut IntegerText::new()).to_vec()
}

fn random_text(random: &mut Rng) -> Vec<u8> {
    match random.u8(..12) {
        0 => random.i64(..).to_string().into_bytes(),
        1 => vec![b'x'; random.usize(..300)],
        2 if random.u8(..20) == 0 => vec![b'y'; random.usize(..20_000)],
        _ => random.u8(..40).to_string().into_bytes(),
    }
}

struct Both {
    list: List,
    model: Model,
    limits: ListLimits,
    random: Rng,
}

#[derive(Default)]
struct Shown(Vec<Vec<u8>>);

impl<'a> Viewer<'a> for Shown {
    fn text(&mut self, text: &'a [u8]) {
        self.0.push(text.to_vec());
    }

    fn other(&mut self, value: StringRef<'a>) {
        self.0.push(owned(value));
    }
}

impl Both {
    fn index(&mut self) -> usize {
        self.random.usize(..=self.model.len())
    }

    fn signed(&mut self) -> i64 {
        let count = i64::try_from(self.model.len()).expect("small");
        self.random.i64(-count - 2..count + 2)
    }

    fn extend(&mut self) {
        let count = self.random.usize(1..6);
        let texts: Vec<Vec<u8>> = (0..count).map(|_| random_text(&mut self.random)).collect();
        let end = if self.random.bool() { End::Front } else { End::Back };
        self.list.extend(end, texts.iter().map(Vec::as_slice), &self.limits);
        for text in texts {
            match end {
                End::Front => self.model.push_front(text),
                End::Back => self.model.push_back(text),
            }
        }
    }

    fn pop(&mut self) {
        let end = if self.random.bool() { End::Front } else { End::Back };
        let element = self.list.pop(end, &self.limits).map(|element| owned(element.as_ref()));
        let expected = match end {
            End::Front => self.model.pop_front(),
            End::Back => self.model.pop_back(),
        };
        assert_eq!(element, expected);
    }

    fn resolve(&self, index: i64) -> Option<usize> {
        let count = i64::try_from(self.model.len()).expect("small");
        let index = if index < 0 { count + index } else { index };
        usize::try_from(index).ok().filter(|index| *index < self.model.len())
    }

    fn set(&mut self) {
        let (index, text) = (self.signed(), random_text(&mut self.random));
        let place = self.resolve(index);
        assert_eq!(self.list.set(index, &text, &self.limits), place.is_some());
        if let Some(place) = place {
            self.model[place] = text;
        }
    }

    fn get(&mut self) {
        let index = self.signed();
        let expected = self.resolve(index).map(|place| self.model[place].clone());
        assert_eq!(self.list.get(index).map(owned), expected);
    }

    fn insert(&mut self) {
        let index = self.index();
        let pivot = self.model.get(index).cloned().unwrap_or_else(|| b"none".to_vec());
        let text = random_text(&mut self.random);
        let side = if self.random.bool() { Side::Before } else { Side::After };
        let place = self.model.iter().position(|other| *other == pivot);
        let is_there = self.list.insert(&TextMatch::new(&pivot), side, &text, &self.limits);
        assert_eq!(is_there, place.is_some());
        if let Some(place) = place {
            self.model.insert(place + usize::from(side == Side::After), text);
        }
    }

    fn remove_matching(&mut self) {
        let index = self.index();
        let wanted = self.model.get(index).cloned().unwrap_or_else(|| b"1".to_vec());
        let count = self.random.i64(-3..4);
        let most = if count == 0 { usize::MAX } else { count.unsigned_abs().try_into().expect("") };
        let matching = |(_, text): &(usize, &Vec<u8>)| **text == wanted;
        let places = self.model.iter().enumerate();
        let mut places: Vec<usize> = if count < 0 {
            places.rev().filter(matching).take(most).map(|(place, _)| place).collect()
        } else {
            places.filter(matching).take(most).map(|(place, _)| place).collect()
        };
        let removed = self.list.remove_matching(count, &TextMatch::new(&wanted), &self.limits);
        assert_eq!(removed, places.len());
        places.sort_unstable();
        for place in places.into_iter().rev() {
            self.model.remove(place);
        }
    }

    fn remove_range(&mut self) {
        let start = self.index();
        let count = if self.random.u8(..10) == 0 { 2000 } else { self.random.usize(..10) };
        self.list.remove_range(start, count, &self.limits);
        self.model.drain(start..self.model.len().min(start + count));
    }

    fn walk(&mut self) {
        let start = self.index();
        let onwards: Vec<Vec<u8>> = self.list.iter_from(start).map(owned).collect();
        let (count, mut shown) = (start % 7 * 5, Shown::default());
        self.list.show_from(start, count, &mut shown);
        assert_eq!(shown.0, onwards[..count.min(onwards.len())]);
        assert!(onwards.iter().eq(self.model.iter().skip(start)));
        let back: Vec<Vec<u8>> = self.list.iter_back_from(start).map(owned).collect();
        let expected = if start < self.model.len() { start + 1 } else { 0 };
        assert!(back.iter().eq(self.model.iter().take(expected).rev()));
    }

    fn check(&self) {
        assert_eq!(self.list.len(), self.model.len());
        assert_eq!(self.list.end(End::Front).map(owned).as_ref(), self.model.front());
        assert_eq!(self.list.end(End::Back).map(owned).as_ref(), self.model.back());
    }

    fn check_all(&self) {
        assert!(self.list.iter_from(0).map(owned).eq(self.model.iter().cloned()));
        let mut copy = List::new();
        for node in self.list.nodes() {
            match node {
                NodeRef::Packed(packed) => copy.append_packed(packed),
                NodeRef::Large(bytes) => copy.append_large(bytes.clone()),
            }
        }
        assert!(copy.iter_from(0).map(owned).eq(self.model.iter().cloned()));
        assert!(self.list.memory_bytes() > 0);
    }

    fn step(&mut self, bias: u8) {
        match self.random.u8(..20) {
            0..5 => self.extend(),
            5..8 => self.pop(),
            8 | 9 => self.set(),
            10 => self.get(),
            11..14 => self.insert(),
            14 => self.remove_matching(),
            15 => self.remove_range(),
            16 => self.walk(),
            17 if bias == 0 => self.pop(),
            _ => self.extend(),
        }
        self.check();
    }
}

#[test]
fn edits_agree_with_a_deque() {
    let settings = [(-2, None), (-1, None), (4, None), (1, None), (128, None), (-2, Some(40))];
    for seed in 0..60 {
        let random = Rng::with_seed(seed);
        let (size, large) = settings[usize::try_from(seed).expect("small") % settings.len()];
        let limits = ListLimits::new(size, large);
        let mut both = Both { list: List::new(), model: Model::new(), limits, random };
        for round in 0..8_u8 {
            for _ in 0..150 {
                both.step(round % 2);
            }
            both.check_all();
        }
    }
}

#[test]
fn memory_is_counted_as_it_is() {
    let limits = ListLimits::new(-2, None);
    let mut list = List::new();
    let text = [b'm'; 100];
    for _ in 0..1000 {
        list.extend(End::Back, [text.as_slice()].into_iter(), &limits);
    }
    let full = list.memory_bytes();
    assert!((102_000..115_000).contains(&full), "{full}");
    let large = vec![b'l'; 10_000];
    list.extend(End::Front, [large.as_slice()].into_iter(), &limits);
    assert!(list.memory_bytes() >= full + 10_000);
    list.remove_range(0, 1001, &limits);
    assert_eq!((list.len(), list.memory_bytes()), (0, 7));
}

#[test]
fn forms_change_at_the_limits() {
    let limits = ListLimits::new(4, None);
    let mut list = List::new();
    for _ in 0..4 {
        list.extend(End::Back, [b"a".as_slice()].into_iter(), &limits);
    }
    assert_eq!(list.encoding(), Encoding::Listpack);
    list.extend(End::Back, [b"a".as_slice()].into_iter(), &limits);
    assert_eq!(list.encoding(), Encoding::Quicklist);
    list.remove_end(End::Back, &limits);
    list.remove_end(End::Back, &limits);
    assert_eq!(list.encoding(), Encoding::Quicklist);
    list.remove_end(End::Back, &limits);
    assert_eq!(list.encoding(), Encoding::Listpack);
}
