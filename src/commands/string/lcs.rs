//! The longest common subsequence of two strings: LCS.
//!
//! Dynamic programming over one row of lengths; what the way back needs, which neighbour of each
//! cell was the larger one, is one bit per cell.
//!
//! Source: R. Wagner and M. Fischer, "The string-to-string correction problem", JACM 21(1), 1974.

use std::ops::Range;

use crate::config::Setting;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::keyspace::Lookup;
use crate::types::{IntegerText, ValueType};

/// Bytes the originals take for each cell of their table; the limit on memory is in terms of it.
const CELL_BYTES: u64 = 4;

pub(super) const LCS: Command = Command {
    name: "lcs",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::range(1, 1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::STRING,
    since: "7.0.0",
    group: Group::String,
    complexity: "O(N*M) in the lengths of the strings",
    summary: "Finds the longest common subsequence of two strings.",
    arguments: &[
        Argument::key("key1"),
        Argument::key("key2"),
        Argument::word("len", "LEN").optional(),
        Argument::word("idx", "IDX").optional(),
        Argument::new("min-match-len", ArgumentKind::Integer).after("MINMATCHLEN").optional(),
        Argument::word("withmatchlen", "WITHMATCHLEN").optional(),
    ],
    run: lcs,
    ..Command::DEFAULT
};

fn lcs(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (left, right) = (text_of(context, 1), text_of(context, 2));
    let (left, right) = (left?, right?);
    let options = Options::parse(context)?;
    check_size(context, left.len(), right.len())?;
    // The table takes long; nobody has to wait for it.
    context.keys.unlock();
    match options.form {
        Form::Length => context.reply.count(length_of(&left, &right)),
        Form::Text => context.reply.bulk(&subsequence(&left, &right)),
        Form::Indexes => reply_with_matches(context, &options, &left, &right),
    }
    Ok(())
}

/// What LCS replies with.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Text,
    Length,
    Indexes,
}

#[derive(Clone, Copy, Default)]
struct Options {
    form: Form,
    has_lengths: bool,
    shortest: usize,
}

impl Options {
    fn parse(context: &Context<'_>) -> Result<Self, CommandError> {
        const BOTH: CommandError = CommandError::refused(
            "ERR If you want both the length and indexes, please just use IDX.",
        );
        let args = context.args;
        let (mut options, mut length, mut indexes) = (Self::default(), false, false);
        let mut index = 3;
        while index < args.len() {
            if args.is_word(index, "IDX") {
                indexes = true;
            } else if args.is_word(index, "LEN") {
                length = true;
            } else if args.is_word(index, "WITHMATCHLEN") {
                options.has_lengths = true;
            } else if args.is_word(index, "MINMATCHLEN") && index + 1 < args.len() {
                index += 1;
                options.shortest = usize::try_from(context.integer(index)?).unwrap_or(0);
            } else {
                return Err(CommandError::Syntax);
            }
            index += 1;
        }
        options.form = match (length, indexes) {
            (true, true) => return Err(BOTH),
            (true, false) => Form::Length,
            (false, true) => Form::Indexes,
            (false, false) => Form::Text,
        };
        Ok(options)
    }
}

/// Copies the string of a key; an absent one is empty.
fn text_of(context: &mut Context<'_>, index: usize) -> Result<Vec<u8>, CommandError> {
    const REFUSAL: CommandError =
        CommandError::refused("ERR The specified keys must contain string values");
    let key = context.key(index);
    match context.keys.get(&key, Lookup::READ) {
        Some(entry) if entry.value_type() == ValueType::String => {
            Ok(entry.string().bytes(&mut IntegerText::new()).to_vec())
        }
        Some(_) => Err(REFUSAL),
        None => Ok(Vec::new()),
    }
}

/// Refuses strings whose table would be too large in the originals.
fn check_size(context: &Context<'_>, left: usize, right: usize) -> Result<(), CommandError> {
    const TOO_LONG: CommandError = CommandError::refused("ERR String too long for LCS");
    const TOO_LARGE: CommandError = CommandError::refused(
        "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
    );
    let limit = u32::MAX as usize - 1;
    if left >= limit || right >= limit {
        return Err(TOO_LONG);
    }
    let cells = (left as u64 + 1).checked_mul(right as u64 + 1);
    let bytes = cells.and_then(|cells| cells.checked_mul(CELL_BYTES));
    let bytes_max = context.engine.config.size(Setting::ProtoMaxBulkLen) as u64;
    if bytes.is_some_and(|bytes| bytes <= bytes_max) { Ok(()) } else { Err(TOO_LARGE) }
}

/// Fills the table row by row and calls `larger_above` for each cell that has a larger one above it
/// than to its left. Returns the length of the whole subsequence.
fn fill(left: &[u8], right: &[u8], mut larger_above: impl FnMut(usize, usize)) -> usize {
    let mut row = vec![0_u32; right.len() + 1];
    for (at_left, byte) in left.iter().enumerate() {
        let mut diagonal = 0;
        for (at_right, other) in right.iter().enumerate() {
            let (above, before) = (row[at_right + 1], row[at_right]);
            row[at_right + 1] = if byte == other { diagonal + 1 } else { above.max(before) };
            if above > before {
                larger_above(at_left, at_right);
            }
            diagonal = above;
        }
    }
    row[right.len()] as usize
}

fn length_of(left: &[u8], right: &[u8]) -> usize {
    fill(left, right, |_, _| {})
}

/// One bit per cell: whether the way back goes up from it.
struct Directions {
    words: Vec<u64>,
    columns: usize,
}

impl Directions {
    fn of(left: &[u8], right: &[u8]) -> (Self, usize) {
        let columns = right.len();
        let words = vec![0_u64; (left.len() * columns).div_ceil(64)];
        let mut directions = Self { words, columns };
        let length = fill(left, right, |row, column| directions.set(row, column));
        (directions, length)
    }

    fn set(&mut self, row: usize, column: usize) {
        let cell = row * self.columns + column;
        self.words[cell / 64] |= 1 << (cell % 64);
    }

    fn goes_up(&self, row: usize, column: usize) -> bool {
        let cell = row * self.columns + column;
        self.words[cell / 64] >> (cell % 64) & 1 == 1
    }
}

/// A run of bytes that both strings have in common.
struct Match {
    left: Range<usize>,
    right: Range<usize>,
}

/// Visits the runs of the subsequence from the last to the first; returns its length.
fn for_each_match(left: &[u8], right: &[u8], mut visit: impl FnMut(Match)) -> usize {
    let (directions, length) = Directions::of(left, right);
    let (mut at_left, mut at_right) = (left.len(), right.len());
    while at_left > 0 && at_right > 0 {
        let (end_left, end_right) = (at_left, at_right);
        while at_left > 0 && at_right > 0 && left[at_left - 1] == right[at_right - 1] {
            at_left -= 1;
            at_right -= 1;
        }
        if at_left < end_left {
            visit(Match { left: at_left..end_left, right: at_right..end_right });
        } else if directions.goes_up(at_left - 1, at_right - 1) {
            at_left -= 1;
        } else {
            at_right -= 1;
        }
    }
    length
}

fn subsequence(left: &[u8], right: &[u8]) -> Vec<u8> {
    let mut reversed = Vec::new();
    for_each_match(left, right, |run| reversed.extend(left[run.left].iter().rev()));
    reversed.reverse();
    reversed
}

fn reply_with_matches(context: &mut Context<'_>, options: &Options, left: &[u8], right: &[u8]) {
    let reply = &mut *context.reply;
    reply.map(2);
    reply.bulk(b"matches");
    let mark = reply.deferred();
    let mut count = 0;
    let length = for_each_match(left, right, |run| {
        if run.left.len() < options.shortest {
            return;
        }
        count += 1;
        reply.array(2 + usize::from(options.has_lengths));
        for range in [&run.left, &run.right] {
            reply.array(2);
            reply.count(range.start);
            reply.count(range.end - 1);
        }
        if options.has_lengths {
            reply.count(run.left.len());
        }
    });
    reply.finish_array(mark, count);
    reply.bulk(b"len");
    reply.count(length);
}

#[cfg(test)]
mod tests {
    use super::{length_of, subsequence};
    use crate::commands::testing::Bench;

    fn bench() -> Bench {
        let mut bench = Bench::new();
        bench.expect(&[("MSET a ohmytext b mynewtext", "OK")]);
        bench
    }

    #[test]
    fn each_form_answers_for_the_same_subsequence() {
        let first = "[[4, 7], [5, 8]]";
        let both = format!("[\"matches\", [{first}, [[2, 3], [0, 1]]], \"len\", 6]");
        let mut bench = bench();
        bench.expect(&[
            ("LCS a b", "\"mytext\""),
            ("LCS a b LEN", "6"),
            ("LCS a b IDX", &both),
            ("LCS a b IDX MINMATCHLEN 4", &format!("[\"matches\", [{first}], \"len\", 6]")),
            (
                "LCS a b IDX WITHMATCHLEN MINMATCHLEN -1",
                "[\"matches\", [[[4, 7], [5, 8], 4], [[2, 3], [0, 1], 2]], \"len\", 6]",
            ),
            ("LCS a none", "\"\""),
            ("LCS a none IDX", "[\"matches\", [], \"len\", 0]"),
            ("LCS a b MINMATCHLEN 4", "\"mytext\""),
        ]);
        bench.speak_resp3();
        bench.expect(&[("LCS none none IDX", "{\"matches\": [], \"len\": 0}")]);
    }

    #[test]
    fn contradictions_and_unknown_words_are_refused() {
        let mut bench = bench();
        let both = "ERR If you want both the length and indexes, please just use IDX.";
        bench.expect(&[
            ("LCS a b IDX LEN", both),
            ("LCS a b LEN IDX", both),
            ("LCS a b FOO", "ERR syntax error"),
            ("LCS a b MINMATCHLEN", "ERR syntax error"),
            ("LCS a b MINMATCHLEN x", "ERR value is not an integer or out of range"),
            ("LCS a", "ERR wrong number of arguments for 'lcs' command"),
        ]);
    }

    #[test]
    fn tables_beyond_the_limit_are_refused() {
        let mut bench = Bench::new();
        let long = vec![b'x'; 20_000];
        bench.run(&[b"MSET", b"a", &long, b"b", &long]);
        assert_eq!(
            bench.say("LCS a b LEN"),
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
        );
    }

    #[test]
    fn the_subsequence_stands_in_both_and_is_as_long_as_it_can_be() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..500 {
            let mut text = |bytes: usize| -> Vec<u8> {
                (0..random.usize(..bytes)).map(|_| random.u8(b'a'..b'd')).collect()
            };
            let (left, right) = (text(30), text(40));
            let found = subsequence(&left, &right);
            assert_eq!(found.len(), longest(&left, &right));
            assert_eq!(found.len(), length_of(&left, &right));
            assert!(stands_in(&found, &left) && stands_in(&found, &right));
        }
    }

    /// The textbook's recurrence, cell by cell.
    fn longest(left: &[u8], right: &[u8]) -> usize {
        let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
        for (row, byte) in left.iter().enumerate() {
            for (column, other) in right.iter().enumerate() {
                table[row + 1][column + 1] = if byte == other {
                    table[row][column] + 1
                } else {
                    table[row][column + 1].max(table[row + 1][column])
                };
            }
        }
        table[left.len()][right.len()]
    }

    fn stands_in(part: &[u8], whole: &[u8]) -> bool {
        let mut rest = whole.iter();
        part.iter().all(|byte| rest.any(|other| other == byte))
    }
}
