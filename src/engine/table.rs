//! The command table: name to facts, in a few nanoseconds.
//!
//! A name of up to 16 bytes is one 128-bit word with the letters folded to lower case (of a longer one the
//! first and the last eight bytes are); a multiplicative hash of that word picks the place in a table
//! that is at most one eighth full.

use std::collections::HashMap;

use super::args::Args;
use super::command::{BeginSearch, Command, FindKeys, Flags, KeyFlags};
use crate::keyspace::LockMode;

/// Bytes of a name's word.
const WORD_BYTES: usize = 16;
const PLACE_COUNT: usize = 4096;
const PLACE_BITS: u32 = PLACE_COUNT.trailing_zeros();
const EMPTY: u16 = u16::MAX;

/// How a command's shards are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlan {
    /// No keys.
    None,
    /// One key at a fixed position.
    One(usize),
    /// Look at the specs.
    Many,
}

/// A command or subcommand with what follows from its facts.
pub struct Known {
    pub command: &'static Command,
    /// Index in the table: the command's number in statistics.
    pub id: usize,
    /// The same.
    pub(super) number: u16,
    /// `get`, `client|list`.
    pub full_name: String,
    pub plan: KeyPlan,
    pub mode: LockMode,
    /// It runs a script.
    pub runs_script: bool,
    /// Arguments up to which it is plain: it needs one shard and little time, so that the shard may be
    /// locked ahead.
    pub plain_args_max: usize,
    /// Its name consists of letters that all go into its word: no other name has the same word.
    is_word: bool,
    /// Subcommands by name, for containers.
    pub subcommands: HashMap<&'static str, usize>,
    /// The container, for subcommands.
    pub parent: Option<usize>,
}

/// All commands of the server.
pub struct CommandTable {
    known: Vec<Known>,
    places: Box<[u16; PLACE_COUNT]>,
    words: Vec<u128>,
}

impl CommandTable {
    /// Builds the table from the families' lists.
    ///
    /// # Panics
    /// When a name is empty or its word stands twice: a mistake in the lists.
    pub fn new(families: &[&'static [Command]]) -> Self {
        let mut table =
            Self { known: Vec::new(), places: Box::new([EMPTY; PLACE_COUNT]), words: Vec::new() };
        for command in families.iter().flat_map(|family| family.iter()) {
            table.add(command);
        }
        table
    }

    fn add(&mut self, command: &'static Command) {
        let word = word_of(command.name.as_bytes()).expect("names are not empty");
        let id = self.push(command, command.name.into(), None);
        self.words.resize(id + 1, 0);
        self.words[id] = word;
        let mut place = place_of(word);
        while self.places[place] != EMPTY {
            assert!(self.words[usize::from(self.places[place])] != word, "{} twice", command.name);
            place = (place + 1) % PLACE_COUNT;
        }
        self.places[place] = u16::try_from(id).expect("a few hundred commands");
        for subcommand in command.subcommands {
            let name = format!("{}|{}", command.name, subcommand.name);
            let sub_id = self.push(subcommand, name, Some(id));
            self.known[id].subcommands.insert(subcommand.name, sub_id);
        }
    }

    fn push(
        &mut self,
        command: &'static Command,
        full_name: String,
        parent: Option<usize>,
    ) -> usize {
        let id = self.known.len();
        // A client that is to wait is noted in the shards it waits for, and PFCOUNT, a reader, keeps
        // the count it found with the value.
        let is_alone = command.locks_alone
            || command.flags.has_any(Flags::WRITE.and(Flags::BLOCKING))
            || command.keys.iter().any(|spec| spec.flags.has(KeyFlags::RW));
        let mode = if is_alone { LockMode::Exclusive } else { LockMode::Shared };
        let plan = plan_of(command);
        let name = command.name.as_bytes();
        let is_word = name.len() <= WORD_BYTES && name.iter().all(u8::is_ascii_lowercase);
        let subcommands = HashMap::new();
        let runs_script = command.script_keeps_to_keys.is_some();
        let known = Known {
            command,
            id,
            number: u16::try_from(id).expect("a few hundred commands"),
            full_name,
            plan,
            mode,
            runs_script,
            plain_args_max: plain_args_max(command, plan),
            is_word,
            subcommands,
            parent,
        };
        self.known.push(known);
        id
    }

    /// Returns all commands; a container's subcommands follow it.
    pub fn all(&self) -> &[Known] {
        &self.known
    }

    /// Returns a command by its number.
    #[inline]
    pub fn by_id(&self, id: usize) -> &Known {
        &self.known[id]
    }

    /// Returns a top-level command by name, in any case of letters.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<&Known> {
        self.find_word(word_of(name)?, name)
    }

    #[inline]
    fn find_word(&self, word: u128, name: &[u8]) -> Option<&Known> {
        let mut place = place_of(word);
        loop {
            let id = self.places[place];
            if id == EMPTY {
                return None;
            }
            let id = usize::from(id);
            if self.words[id] == word {
                let known = &self.known[id];
                // Folding also maps some bytes that are not letters onto each other.
                let is_same = known.command.name.as_bytes().eq_ignore_ascii_case(name);
                return is_same.then_some(known);
            }
            place = (place + 1) % PLACE_COUNT;
        }
    }

    /// Returns what finds the commands of a batch, most of which name the same one as the one before.
    pub fn finder(&self) -> Finder<'_> {
        Finder { table: self, last: None }
    }

    /// Returns a subcommand by name, in any case of letters.
    pub fn find_subcommand(&self, container: &Known, name: &[u8]) -> Option<&Known> {
        let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        container.subcommands.get(name.as_str()).map(|&id| &self.known[id])
    }

    /// Returns what a full name (`get`, `client|list`) means.
    pub fn find_full_name(&self, name: &[u8]) -> Option<&Known> {
        let mut parts = name.splitn(2, |&byte| byte == b'|');
        let known = self.find(parts.next()?)?;
        match parts.next() {
            None => Some(known),
            Some(part) => self.find_subcommand(known, part),
        }
    }

    /// Returns what a request's first arguments name: a command, or a container's subcommand.
    pub fn resolve(&self, args: Args<'_>) -> Option<&Known> {
        let known = self.find(args.get(0)?)?;
        if known.subcommands.is_empty() {
            return Some(known);
        }
        match args.get(1) {
            None => Some(known),
            Some(name) => self.find_subcommand(known, name),
        }
    }
}

/// Finds commands, the one that was found last with the least effort.
pub struct Finder<'t> {
    table: &'t CommandTable,
    last: Option<(u128, &'t Known)>,
}

impl<'t> Finder<'t> {
    /// Returns a top-level command by name, in any case of letters.
    #[inline]
    pub fn find(&mut self, name: &[u8]) -> Option<&'t Known> {
        let word = word_of(name)?;
        if let Some((last_word, known)) = self.last
            && last_word == word
            && known.command.name.len() == name.len()
        {
            return Some(known);
        }
        let known = self.table.find_word(word, name)?;
        self.last = known.is_word.then_some((word, known));
        Some(known)
    }
}

#[inline]
fn word_of(name: &[u8]) -> Option<u128> {
    const FOLD: u128 = 0x2020_2020_2020_2020_2020_2020_2020_2020;
    if name.is_empty() {
        return None;
    }
    // Two overlapping loads of a fixed size cost less than a copy of a varying one.
    let length = name.len();
    let word = if length >= 8 {
        let (low, high) = (load(name.first_chunk::<8>()?), load(name.last_chunk::<8>()?));
        u128::from(low) | u128::from(high) << ((length.min(WORD_BYTES) - 8) * 8)
    } else if length >= 4 {
        let (low, high) = (name.first_chunk::<4>()?, name.last_chunk::<4>()?);
        let (low, high) = (u32::from_le_bytes(*low), u32::from_le_bytes(*high));
        u128::from(u64::from(low) | u64::from(high) << ((length - 4) * 8))
    } else {
        let (first, middle, last) = (name[0], name[length / 2], name[length - 1]);
        let word = u32::from(first) | u32::from(middle) << (length / 2 * 8);
        u128::from(word | u32::from(last) << ((length - 1) * 8))
    };
    Some(word | FOLD)
}

#[inline]
fn load(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
const fn low_half(word: u128) -> u64 {
    word as u64
}

#[inline]
fn place_of(word: u128) -> usize {
    // Fibonacci hashing: the top bits of a product with an odd constant near 2^64 / golden ratio.
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let [low, high] = [low_half(word), low_half(word >> 64)];
    let folded = low ^ high.rotate_left(29);
    (folded.wrapping_mul(MULTIPLIER) >> (64 - PLACE_BITS)) as usize
}

fn plain_args_max(command: &Command, plan: KeyPlan) -> usize {
    let keeps_to_one_shard = matches!(plan, KeyPlan::One(_))
        && command.subcommands.is_empty()
        && !command.looks_beyond
        && command.script_keeps_to_keys.is_none()
        && !command.flags.has(Flags::BLOCKING);
    match keeps_to_one_shard {
        true if takes_constant_time(command.complexity) => usize::MAX,
        true => command.short_args_max,
        false => 0,
    }
}

/// Says whether a complexity promises constant time for each argument, whatever they say.
fn takes_constant_time(complexity: &str) -> bool {
    matches!(complexity, "O(1)" | "O(1) amortized") || complexity.starts_with("O(1) for each")
}

fn plan_of(command: &Command) -> KeyPlan {
    if command.find_keys.is_some() || command.other_places.is_some() {
        return KeyPlan::Many;
    }
    match command.keys {
        [] => KeyPlan::None,
        [spec] => match (spec.begin, spec.find) {
            (BeginSearch::Index(index), FindKeys::Range { last: 0, .. }) => KeyPlan::One(index),
            _ => KeyPlan::Many,
        },
        _ => KeyPlan::Many,
    }
}
