//! Deleting entries one by one: XDEL, XDELEX.

use super::trim::{REFERENCES, references_word};
use super::value::{edit, id, ids};
use crate::base::text;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::resp::ReplyBuffer;
use crate::types::{Deletion, References, StreamId};

/// The counted list of identifiers that newer commands take.
pub(super) const IDS: Argument = Argument::block(
    "ids",
    &[
        Argument::new("numids", ArgumentKind::Integer),
        Argument::new("id", ArgumentKind::String).multiple(),
    ],
)
.after("IDS");

pub(super) const XDEL: Command = Command {
    name: "xdel",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(1) for each entry, whatever the size of the stream",
    summary: "Deletes entries of a stream.",
    arguments: &[Argument::key("key"), Argument::new("id", ArgumentKind::String).multiple()],
    wakes_nobody: true,
    run: xdel,
    ..Command::DEFAULT
};

fn xdel(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, args) = (context.key(1), context.args);
    let mut count = 0;
    if let Some(mut entry) = context.keys.get_mut(&key) {
        let mut stream = edit(&mut entry)?;
        let ids = ids(args.from(2))?;
        let deletes = |&id: &StreamId| stream.delete(id, References::Keep) == Deletion::Done;
        count = ids.iter().copied().filter(deletes).count();
    }
    if count > 0 {
        context.effects.changed(count as u64);
        context.notify(Event::XDEL, &key);
    }
    context.reply.count(count);
    Ok(())
}

pub(super) const XDELEX: Command = Command {
    name: "xdelex",
    arity: -5,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    acl: Categories::STREAM,
    since: "8.2.0",
    group: Group::Stream,
    complexity: "O(G) for each entry with G groups",
    summary: "Deletes entries of a stream, and says what becomes of groups' references to them.",
    arguments: &[Argument::key("key"), REFERENCES.optional(), IDS],
    wakes_nobody: true,
    run: xdelex,
    ..Command::DEFAULT
};

/// A treatment of references and a counted list of identifiers, in any order.
pub(super) struct IdBlock {
    pub(super) references: References,
    pub(super) ids: Vec<StreamId>,
}

impl IdBlock {
    /// Returns what the arguments from a position on say.
    ///
    /// # Errors
    /// Anything else, no list, or one of another length than it says.
    pub(super) fn parse(args: Args<'_>, from: usize) -> Result<Self, CommandError> {
        let (mut references, mut found, mut at) = (None, None, from);
        while at < args.len() {
            if let Some(word) = references_word(args, at) {
                if references.replace(word).is_some() {
                    return Err(CommandError::Syntax);
                }
                at += 1;
            } else if found.is_none() {
                let (ids, end) = Self::take_ids(args, at)?;
                found = Some(ids);
                at = end;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        let ids = found.ok_or(CommandError::Syntax)?;
        Ok(Self { references: references.unwrap_or_default(), ids })
    }

    /// Returns the identifiers of the list at a position, and where it ends.
    ///
    /// # Errors
    /// There is no list, or it is shorter than it says.
    fn take_ids(args: Args<'_>, at: usize) -> Result<(Vec<StreamId>, usize), CommandError> {
        const NO_COUNT: CommandError =
            CommandError::refused("ERR Number of IDs must be a positive integer");
        const WRONG_COUNT: CommandError =
            CommandError::refused("ERR The `numids` parameter must match the number of arguments");
        if !args.is_word(at, "IDS") || at + 1 >= args.len() {
            return Err(CommandError::Syntax);
        }
        let count = counted(args.at(at + 1)).ok_or(NO_COUNT)?;
        let first = at + 2;
        if count > args.len() - first {
            return Err(WRONG_COUNT);
        }
        let ids = args.from(first).iter().take(count).map(id).collect::<Result<_, _>>()?;
        Ok((ids, first + count))
    }
}

/// Returns the positive number an argument spells.
pub(super) fn counted(argument: &[u8]) -> Option<usize> {
    let count = text::parse_i64(argument).and_then(|count| usize::try_from(count).ok());
    count.filter(|&count| count > 0)
}

fn xdelex(context: &mut Context<'_>) -> Result<(), CommandError> {
    let block = IdBlock::parse(context.args, 2)?;
    let key = context.key(1);
    let mut outcomes = vec![Deletion::Absent; block.ids.len()];
    let mut count = 0;
    if let Some(mut entry) = context.keys.get_mut(&key) {
        let mut stream = edit(&mut entry)?;
        for (id, outcome) in block.ids.iter().zip(&mut outcomes) {
            let refers = block.references == References::Remove && stream.groups().refer_to(*id);
            *outcome = stream.delete(*id, block.references);
            count += u64::from(refers || *outcome == Deletion::Done);
        }
    }
    if count > 0 {
        context.effects.changed(count);
        context.notify(Event::XDEL, &key);
    }
    reply_outcome(context.reply, &outcomes);
    Ok(())
}

/// Replies with a number for each entry: 1 deleted, -1 not there, 2 still referred to.
pub(super) fn reply_outcome(reply: &mut ReplyBuffer, outcomes: &[Deletion]) {
    reply.array(outcomes.len());
    for outcome in outcomes {
        reply.integer(match outcome {
            Deletion::Done => 1,
            Deletion::Absent => -1,
            Deletion::Referenced => 2,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    fn filled() -> Bench {
        let mut bench = Bench::new();
        for ms in 1..=4 {
            bench.say(&format!("XADD s {ms}-0 f v"));
        }
        bench
    }

    #[test]
    fn deleted_entries_are_counted() {
        let mut bench = filled();
        bench.expect_effects("XDEL s 9-0", &[]);
        bench.expect_effects("XDEL s 1-0 9-0", &["0: XDEL s 1-0 9-0"]);
        bench.expect(&[
            ("XDEL s 2-0 2-0 3-0", "2"),
            ("XDEL none x", "0"),
            ("XDEL s x", "ERR Invalid stream ID specified as stream command argument"),
            ("XLEN s", "1"),
            ("XDEL s 4-0", "1"),
            ("EXISTS s", "1"),
        ]);
    }

    #[test]
    fn deleting_minds_what_groups_refer_to() {
        let mut bench = filled();
        bench.expect(&[
            ("XGROUP CREATE s g 0", "OK"),
            ("XREADGROUP GROUP g c COUNT 1 STREAMS s >", "[[\"s\", [[\"1-0\", [\"f\", \"v\"]]]]]"),
            ("XDELEX s ACKED IDS 2 1-0 2-0", "[2, 2]"),
            ("XDELEX s KEEPREF IDS 2 1-0 9-0", "[1, -1]"),
            ("XPENDING s g - + 1", "[[\"1-0\", \"c\", 0, 1]]"),
            ("XDELEX s IDS 1 1-0 DELREF", "[-1]"),
            ("XPENDING s g - + 1", "[]"),
            ("XDELEX none IDS 1 1-0", "[-1]"),
            ("XDELEX s IDS 0 1-0", "ERR Number of IDs must be a positive integer"),
            ("XDELEX s IDS 2 1-0", "ERR The `numids` parameter must match the number of arguments"),
            ("XDELEX s IDS 1 1-0 2-0", "ERR syntax error"),
            ("XDELEX s ACKED KEEPREF IDS", "ERR syntax error"),
        ]);
    }
}
