//! LPOS: where elements are.

use super::value::list_of;
use crate::base::text;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;
use crate::types::{Collection, List, TextMatch};

pub(super) const LPOS: Command = Command {
    name: "lpos",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::LIST,
    since: "6.0.6",
    group: Group::List,
    complexity: "O(N) in the elements looked at",
    summary: "Finds the indices of elements in a list.",
    arguments: &[
        Argument::key("key"),
        Argument::new("element", ArgumentKind::String),
        Argument::new("rank", ArgumentKind::Integer).after("RANK").optional(),
        Argument::new("num-matches", ArgumentKind::Integer).after("COUNT").optional(),
        Argument::new("len", ArgumentKind::Integer).after("MAXLEN").optional(),
    ],
    run: lpos,
    ..Command::DEFAULT
};

fn lpos(context: &mut Context<'_>) -> Result<(), CommandError> {
    let wish = Wish::read(context.args)?;
    let key = context.key(1);
    let Some(entry) = context.keys.get(&key, Lookup::READ) else {
        match wish.count {
            Some(_) => context.reply.array(0),
            None => context.reply.null(),
        }
        return Ok(());
    };
    let wanted = TextMatch::new(context.args.at(2));
    let found = wish.find(list_of(entry)?, &wanted);
    match (wish.count, found.first()) {
        (Some(_), _) => {
            context.reply.array(found.len());
            found.iter().for_each(|index| context.reply.count(*index));
        }
        (None, Some(index)) => context.reply.count(*index),
        (None, None) => context.reply.null(),
    }
    Ok(())
}

/// What LPOS asks for.
struct Wish {
    /// Matches passed over before the first that counts.
    skipped: u64,
    is_backwards: bool,
    /// `None`: the first match, not in an array.
    count: Option<usize>,
    /// Elements looked at.
    looked_at_max: usize,
}

impl Wish {
    fn read(args: Args<'_>) -> Result<Self, CommandError> {
        let mut wish =
            Self { skipped: 0, is_backwards: false, count: None, looked_at_max: usize::MAX };
        let mut index = 3;
        while index < args.len() {
            let value = args.get(index + 1).ok_or(CommandError::Syntax)?;
            if args.is_word(index, "RANK") {
                let rank = rank_of(value)?;
                wish.is_backwards = rank < 0;
                wish.skipped = rank.unsigned_abs() - 1;
            } else if args.is_word(index, "COUNT") {
                let count = not_negative(value, "ERR COUNT can't be negative")?;
                wish.count = Some(if count == 0 { usize::MAX } else { count });
            } else if args.is_word(index, "MAXLEN") {
                let most = not_negative(value, "ERR MAXLEN can't be negative")?;
                wish.looked_at_max = if most == 0 { usize::MAX } else { most };
            } else {
                return Err(CommandError::Syntax);
            }
            index += 2;
        }
        Ok(wish)
    }

    fn find(&self, list: &List, wanted: &TextMatch<'_>) -> Vec<usize> {
        let most = self.count.unwrap_or(1);
        let skipped = usize::try_from(self.skipped).unwrap_or(usize::MAX);
        let last = list.len().saturating_sub(1);
        if self.is_backwards {
            let values = list.iter_back_from(last).take(self.looked_at_max).enumerate();
            let matching = values.filter(|(_, value)| wanted.is(*value)).skip(skipped);
            matching.take(most).map(|(distance, _)| last - distance).collect()
        } else {
            let values = list.iter_from(0).take(self.looked_at_max).enumerate();
            let matching = values.filter(|(_, value)| wanted.is(*value)).skip(skipped);
            matching.take(most).map(|(index, _)| index).collect()
        }
    }
}

fn rank_of(argument: &[u8]) -> Result<i64, CommandError> {
    match text::parse_i64(argument).ok_or(CommandError::NotAnInteger)? {
        0 => Err(CommandError::refused(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or \
             use negative to start from the end of the list",
        )),
        i64::MIN => Err(CommandError::refused(
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        )),
        rank => Ok(rank),
    }
}

fn not_negative(argument: &[u8], refusal: &'static str) -> Result<usize, CommandError> {
    let number = text::parse_i64(argument).and_then(|number| usize::try_from(number).ok());
    number.ok_or(CommandError::refused(refusal))
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn matches_are_counted_from_either_end() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("RPUSH l a b c 1 2 3 c c", "8"),
            ("LPOS l a", "0"),
            ("LPOS l c", "2"),
            ("LPOS l 2", "4"),
            ("LPOS l none", "(nil)"),
            ("LPOS l c RANK 2", "6"),
            ("LPOS l c RANK -1", "7"),
            ("LPOS l c RANK -2 COUNT 0", "[6, 2]"),
            ("LPOS l c COUNT 2", "[2, 6]"),
            ("LPOS l c COUNT 0", "[2, 6, 7]"),
            ("LPOS l c COUNT 0 MAXLEN 3", "[2]"),
            ("LPOS l c COUNT 0 MAXLEN 2", "[]"),
            ("LPOS l a MAXLEN 7 RANK -1", "(nil)"),
            ("LPOS l c RANK 9223372036854775807", "(nil)"),
            ("LPOS none a", "(nil)"),
            ("LPOS none a COUNT 1", "[]"),
        ]);
    }

    #[test]
    fn wrong_wishes_are_refused() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("LPOS l a COUNT -1", "ERR COUNT can't be negative"),
            ("LPOS l a MAXLEN x", "ERR MAXLEN can't be negative"),
            ("LPOS l a RANK x", "ERR value is not an integer or out of range"),
            ("LPOS l a RANK", "ERR syntax error"),
            ("LPOS l a FOO 1", "ERR syntax error"),
        ]);
        assert!(bench.say("LPOS l a RANK 0").starts_with("ERR RANK can't be zero: "));
    }
}
