//! String and expiry commands against a naive model: long random dialogues, a clock moved by hand.

use std::collections::HashMap;

use fastrand::Rng;

use super::testing::Bench;

const STEP_COUNT: usize = 30_000;
const KEY_COUNT: u32 = 12;
const TTL_MS_MAX: u64 = 2_000;

/// What a key holds: its text and its deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    text: String,
    deadline_ms: Option<u64>,
}

/// A server as its clients understand it.
struct Model {
    held: HashMap<String, Held>,
    now_ms: u64,
}

const NIL: &str = "(nil)";
const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
const OVERFLOW: &str = "ERR increment or decrement would overflow";

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn bulk(text: Option<String>) -> String {
    text.map_or(NIL.into(), |text| quoted(&text))
}

fn integer(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl Model {
    fn expire(&mut self) {
        let now_ms = self.now_ms;
        self.held.retain(|_, held| held.deadline_ms.is_none_or(|deadline_ms| deadline_ms > now_ms));
    }

    fn text(&self, key: &str) -> Option<String> {
        self.held.get(key).map(|held| held.text.clone())
    }

    fn put(&mut self, key: &str, text: &str, deadline_ms: Option<u64>) {
        self.held.insert(key.into(), Held { text: text.into(), deadline_ms });
    }

    /// Changes the text, keeping the deadline.
    fn edit(&mut self, key: &str, text: String) {
        let deadline_ms = self.held.get(key).and_then(|held| held.deadline_ms);
        self.held.insert(key.into(), Held { text, deadline_ms });
    }

    /// Returns the reply to a command.
    fn answer(&mut self, words: &[&str]) -> String {
        self.expire();
        let key = words[1];
        let old = self.text(key);
        match words[0] {
            "GET" => bulk(old),
            "SET" => self.set(key, words[2], &words[3..]),
            "GETSET" => {
                self.put(key, words[2], None);
                bulk(old)
            }
            "GETDEL" => {
                self.held.remove(key);
                bulk(old)
            }
            "DEL" => i32::from(self.held.remove(key).is_some()).to_string(),
            "DELIFEQ" => {
                let is_equal = old.as_deref() == Some(words[2]);
                if is_equal {
                    self.held.remove(key);
                }
                i32::from(is_equal).to_string()
            }
            "INCRBY" => self.add(key, words[2]),
            "APPEND" => {
                let text = old.unwrap_or_default() + words[2];
                self.edit(key, text.clone());
                text.len().to_string()
            }
            "SETRANGE" => self.overwrite(key, words[2].parse().expect("an offset"), words[3]),
            "STRLEN" => old.map_or(0, |text| text.len()).to_string(),
            "PEXPIRE" => self.give_deadline(key, words[2], words.get(3).copied()),
            "PERSIST" => {
                let held = self.held.get_mut(key);
                i32::from(held.is_some_and(|held| held.deadline_ms.take().is_some())).to_string()
            }
            "PTTL" => match self.held.get(key).map(|held| held.deadline_ms) {
                None => "-2".into(),
                Some(None) => "-1".into(),
                Some(Some(deadline_ms)) => (deadline_ms - self.now_ms).to_string(),
            },
            "RENAME" => self.rename(key, words[2]),
            "COPY" => self.copy(key, words[2]),
            other => unreachable!("{other} is not in the model"),
        }
    }

    fn set(&mut self, key: &str, text: &str, options: &[&str]) -> String {
        let old = self.held.get(key).cloned();
        let allows = match options.first() {
            Some(&"NX") => old.is_none(),
            Some(&"XX") => old.is_some(),
            _ => true,
        };
        if !allows {
            return NIL.into();
        }
        let deadline_ms = match options {
            [.., "PX", ms] => Some(self.now_ms + ms.parse::<u64>().expect("milliseconds")),
            [.., "KEEPTTL"] => old.and_then(|held| held.deadline_ms),
            _ => None,
        };
        self.put(key, text, deadline_ms);
        "OK".into()
    }

    fn add(&mut self, key: &str, amount: &str) -> String {
        let old = self.text(key).unwrap_or_else(|| "0".into());
        let Some(old) = integer(&old) else { return NOT_AN_INTEGER.into() };
        let amount = amount.parse().expect("an amount");
        let Some(sum) = old.checked_add(amount) else { return OVERFLOW.into() };
        self.edit(key, sum.to_string());
        sum.to_string()
    }

    fn overwrite(&mut self, key: &str, offset: usize, bytes: &str) -> String {
        let mut text = self.text(key).unwrap_or_default().into_bytes();
        let end = offset + bytes.len();
        text.resize(text.len().max(end), 0);
        text[offset..end].copy_from_slice(bytes.as_bytes());
        let length = text.len();
        self.edit(key, String::from_utf8(text).expect("ASCII"));
        length.to_string()
    }

    fn give_deadline(&mut self, key: &str, ms: &str, condition: Option<&str>) -> String {
        let Some(held) = self.held.get_mut(key) else { return "0".into() };
        let ms: i64 = ms.parse().expect("milliseconds");
        let at = self.now_ms.saturating_add_signed(ms);
        let allows = match condition {
            Some("NX") => held.deadline_ms.is_none(),
            Some("XX") => held.deadline_ms.is_some(),
            Some("GT") => held.deadline_ms.is_some_and(|old| at > old),
            Some("LT") => held.deadline_ms.is_none_or(|old| at < old),
            _ => true,
        };
        if allows && ms <= 0 {
            self.held.remove(key);
        } else if allows {
            held.deadline_ms = Some(at);
        }
        i32::from(allows).to_string()
    }

    fn rename(&mut self, from: &str, to: &str) -> String {
        let Some(held) = self.held.get(from).cloned() else { return "ERR no such key".into() };
        self.held.remove(from);
        self.held.insert(to.into(), held);
        "OK".into()
    }

    fn copy(&mut self, from: &str, to: &str) -> String {
        if from == to {
            return "ERR source and destination objects are the same".into();
        }
        let may = !self.held.contains_key(to);
        let copied = self.held.get(from).filter(|_| may).cloned();
        let is_done = copied.map(|held| self.held.insert(to.into(), held)).is_some();
        i32::from(is_done).to_string()
    }
}

fn key(random: &mut Rng) -> String {
    format!("key:{}", random.u32(..KEY_COUNT))
}

fn value(random: &mut Rng) -> String {
    match random.u32(..8) {
        0 => i64::MAX.to_string(),
        1 => random.i64(..).to_string(),
        2 => "0".repeat(random.usize(1..4)),
        3 => "x".repeat(random.usize(900..1_100)),
        4 => "y".repeat(random.usize(16_000..17_000)),
        5 => "z".repeat(random.usize(1..60)),
        _ => random.i32(-50..50).to_string(),
    }
}

fn command(random: &mut Rng) -> Vec<String> {
    const CONDITIONS: [&str; 4] = ["NX", "XX", "GT", "LT"];
    let (key, other, value) = (key(random), key(random), value(random));
    let ttl = random.u64(1..TTL_MS_MAX).to_string();
    let line = match random.u32(..24) {
        0..3 => format!("GET {key}"),
        3 | 4 => format!("SET {key} {value}"),
        5 | 6 => format!("SET {key} {value} PX {ttl}"),
        7 => format!("SET {key} {value} NX PX {ttl}"),
        8 => format!("SET {key} {value} XX KEEPTTL"),
        9 => format!("GETSET {key} {value}"),
        10 => format!("GETDEL {key}"),
        11 => format!("DEL {key}"),
        12 => format!("DELIFEQ {key} {value}"),
        13 | 14 => format!("INCRBY {key} {}", random.i32(-100..100)),
        15 => format!("APPEND {key} {value}"),
        16 => format!("SETRANGE {key} {} {value}", random.usize(..50)),
        17 => format!("STRLEN {key}"),
        18 => format!("PEXPIRE {key} {}", random.i64(-100..2_000)),
        19 => format!("PEXPIRE {key} {ttl} {}", CONDITIONS[random.usize(..4)]),
        20 => format!("PERSIST {key}"),
        21 => format!("PTTL {key}"),
        22 => format!("RENAME {key} {other}"),
        _ => format!("COPY {key} {other}"),
    };
    line.split(' ').map(Into::into).collect()
}

/// Runs random commands on both and compares every reply; returns the server and what it must hold.
fn converse(seed: u64) -> (Bench, Model) {
    let (mut bench, mut random) = (Bench::new(), Rng::with_seed(seed));
    let mut model = Model { held: HashMap::new(), now_ms: bench.now_ms() };
    for _ in 0..STEP_COUNT {
        if random.u32(..4) == 0 {
            let ms = random.u64(..100);
            bench.advance(ms);
            model.now_ms += ms;
        }
        let words = command(&mut random);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let arguments: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let (reply, expected) = (bench.tell(&arguments), model.answer(&words));
        // Zeros that SETRANGE fills in are escaped in readable replies.
        assert_eq!(reply, expected.replace('\0', "\\x00"), "{words:.60?}");
    }
    (bench, model)
}

/// Returns what a server holds.
fn contents(bench: &mut Bench) -> HashMap<String, Held> {
    let mut held = HashMap::new();
    for number in 0..KEY_COUNT {
        let key = format!("key:{number}");
        let text = bench.tell(&[b"GET", key.as_bytes()]);
        let ttl_ms: i64 = bench.tell(&[b"PTTL", key.as_bytes()]).parse().expect("milliseconds");
        if text != NIL {
            let text = text.trim_matches('"').replace("\\x00", "\0");
            let deadline_ms = u64::try_from(ttl_ms).ok().map(|ttl_ms| bench.now_ms() + ttl_ms);
            held.insert(key, Held { text, deadline_ms });
        }
    }
    held
}

#[test]
fn random_commands_are_answered_as_by_a_plain_map() {
    for seed in 1..4 {
        let (mut bench, mut model) = converse(seed);
        model.expire();
        assert_eq!(contents(&mut bench), model.held);
    }
}

#[test]
fn repeating_the_effects_makes_an_equal_server() {
    let (mut leader, mut model) = converse(9);
    let effects = leader.effects();
    let mut follower = Bench::new();
    for effect in &effects {
        let line = effect.split_once(": ").expect("a database").1;
        let words: Vec<Vec<u8>> =
            line.split(' ').map(|word| word.replace("\\x00", "\0").into_bytes()).collect();
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let reply = follower.tell(&words);
        assert!(!reply.starts_with("ERR"), "{effect:.60}: {reply}");
    }
    follower.advance(leader.now_ms() - follower.now_ms());
    model.expire();
    assert_eq!(contents(&mut follower), model.held);
    assert_eq!(contents(&mut leader), model.held);
}
