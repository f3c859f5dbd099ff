//! A packed sequence against a vector of texts, by random edits.

use fastrand::Rng;

use super::{At, Item, Packed};
use crate::types::IntegerText;

fn random_text(random: &mut Rng) -> Vec<u8> {
    match random.u8(..8) {
        0 => random.i64(..).to_string().into_bytes(),
        1 => random.i16(..).to_string().into_bytes(),
        2 => random.i8(..).to_string().into_bytes(),
        3 => vec![b'x'; random.usize(..200)],
        4 if random.u8(..10) == 0 => vec![b'y'; random.usize(..20_000)],
        _ => format!("text:{}", random.u8(..)).into_bytes(),
    }
}

fn texts(packed: &Packed) -> Vec<Vec<u8>> {
    packed.iter().map(|item| item.bytes(&mut IntegerText::new()).to_vec()).collect()
}

fn place(packed: &Packed, index: usize) -> At {
    packed.at_index(i64::try_from(index).expect("small")).unwrap_or_else(|| packed.end())
}

fn edit(random: &mut Rng, packed: &mut Packed, model: &mut Vec<Vec<u8>>) {
    let text = random_text(random);
    let index = random.usize(..=model.len());
    let at = place(packed, index);
    match random.u8(..10) {
        0 => {
            packed.push_front(text.as_slice());
            model.insert(0, text);
        }
        1 => {
            packed.push_back(text.as_slice());
            model.push(text);
        }
        2 | 3 => {
            packed.insert_before(at, text.as_slice());
            model.insert(index, text);
        }
        4 if index < model.len() => {
            packed.replace(at, text.as_slice());
            model[index] = text;
        }
        5 if index < model.len() => {
            let next = packed.remove(at);
            model.remove(index);
            assert_eq!(next.is_some(), index < model.len());
        }
        6 => {
            let count = random.usize(..4);
            let end = model.len().min(index + count);
            assert_eq!(packed.remove_range(at, count), end - index);
            model.drain(index..end);
        }
        7 => {
            let more: Vec<Vec<u8>> = (0..random.u8(..4)).map(|_| random_text(random)).collect();
            let items: Vec<Item<'_>> = more.iter().map(|text| text.as_slice().into()).collect();
            packed.insert_all_before(at, &items);
            model.splice(index..index, more);
        }
        8 => {
            let rest = packed.split_off(at);
            let model_rest = model.split_off(index);
            assert_eq!(texts(&rest), model_rest);
            if random.bool() {
                packed.append_packed(&rest);
                model.extend(model_rest);
            } else {
                packed.prepend_packed(&rest);
                model.splice(0..0, model_rest);
            }
        }
        _ => {
            let wanted = model.get(index).cloned().unwrap_or(text);
            let found = packed.first().and_then(|first| packed.find(first, &wanted, 0));
            let expected = model.iter().position(|other| *other == wanted);
            assert_eq!(found, expected.map(|index| place(packed, index)));
        }
    }
}

#[test]
fn edits_agree_with_a_vector() {
    for seed in 0..40 {
        let mut random = Rng::with_seed(seed);
        let (mut packed, mut model) = (Packed::new(), Vec::new());
        for _ in 0..400 {
            edit(&mut random, &mut packed, &mut model);
            assert_eq!(packed.len(), model.len());
            if model.len() > 60 {
                packed.remove_range(place(&packed, 20), 30);
                model.drain(20..50);
            }
        }
        assert_eq!(texts(&packed), model);
        let backwards =
            packed.iter().rev().map(|item| item.bytes(&mut IntegerText::new()).to_vec());
        assert!(backwards.eq(model.iter().rev().cloned()));
        assert!(Packed::from_bytes(packed.as_bytes()) == Ok(packed.clone()));
        assert!(model.iter().map(Vec::as_slice).collect::<Packed>() == packed);
    }
}

#[test]
fn a_sequence_too_long_to_count_is_walked() {
    let count = 70_000_usize;
    let mut packed: Packed = (0..70_000_i64).collect();
    assert_eq!(packed.len(), count);
    assert!(packed.item(place(&packed, 69_999)).equals(b"69999"));
    assert_eq!(packed.at_index(70_000), None);
    assert_eq!(packed.at_index(-1), packed.last());
    let rest = packed.split_off(place(&packed, 100));
    assert_eq!((packed.len(), rest.len()), (100, count - 100));
    packed.append_packed(&rest);
    assert_eq!(packed.len(), count);
    packed.remove_range(place(&packed, 100), count);
    assert_eq!(packed.len(), 100);
}
