//! LMOVEM and BLMOVEM: several elements move at once, as one command.
//!
//! One by one (OBO) they land as by so many single moves; in bulk (BULK) they keep the order that
//! they had in their list. The reply has the order of the destination.

use super::moving::{
    DESTINATION, KEYS, SOURCE, TIMEOUT, WHERE_FROM, WHERE_TO, add, announce_move, ends, may_move,
    serve_or_wait,
};
use super::pop::positive;
use super::value::{change, count_of, is_no_list, limits, word_of};
use crate::commands::string::reply_with;
use crate::commands::waiting::give_up_at;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group,
};
use crate::types::{Element, End};

const HOW_MANY: Argument = Argument::block(
    "how-many",
    &[
        Argument::one_of(
            "selector",
            &[
                Argument::new("count", ArgumentKind::Integer).after("COUNT"),
                Argument::new("exactly", ArgumentKind::Integer).after("EXACTLY"),
            ],
        ),
        Argument::one_of(
            "ordering",
            &[Argument::word("obo", "OBO"), Argument::word("bulk", "BULK")],
        ),
    ],
)
.optional();

pub(super) const LMOVEM: Command = Command {
    name: "lmovem",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: KEYS,
    acl: Categories::LIST,
    since: "8.10.0",
    group: Group::List,
    complexity: "O(N) in the elements moved",
    summary: "Moves elements from an end of one list to an end of another.",
    arguments: &[SOURCE, DESTINATION, WHERE_FROM, WHERE_TO, HOW_MANY],
    run: lmovem,
    ..Command::DEFAULT
};

fn lmovem(context: &mut Context<'_>) -> Result<(), CommandError> {
    ends(context)?;
    let wish = MoveWish::read(context.args, 5)?;
    match wish.move_many(context)? {
        Some(count) => context.effects.changed(count as u64),
        None => context.reply.null_array(),
    }
    Ok(())
}

pub(super) const BLMOVEM: Command = Command {
    name: "blmovem",
    arity: -6,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::BLOCKING),
    keys: KEYS,
    acl: Categories::LIST,
    since: "8.10.0",
    group: Group::List,
    complexity: "O(N) in the elements moved",
    summary: "Moves elements from an end of one list to an end of another; waits for them.",
    arguments: &[SOURCE, DESTINATION, WHERE_FROM, WHERE_TO, TIMEOUT, HOW_MANY],
    run: blmovem,
    ..Command::DEFAULT
};

fn blmovem(context: &mut Context<'_>) -> Result<(), CommandError> {
    ends(context)?;
    MoveWish::read(context.args, 6)?;
    let deadline_ms = give_up_at(context, 5)?;
    serve_or_wait(context, deadline_ms, move_several)
}

fn move_several(context: &mut Context<'_>, index: usize) -> Result<bool, CommandError> {
    if is_no_list(context, index) {
        return Ok(false);
    }
    let wish = MoveWish::read(context.args, 6)?;
    let Some(count) = wish.move_many(context)? else { return Ok(false) };
    let (from, to) = ends(context)?;
    let (db, args) = (context.session.db, context.args);
    context.effects.changed(count as u64);
    let mut digits = itoa::Buffer::new();
    let order: &[u8] = if wish.is_bulk { b"BULK" } else { b"OBO" };
    context.effects.push(
        db,
        &[
            b"LMOVEM",
            args.at(1),
            args.at(2),
            word_of(from),
            word_of(to),
            b"COUNT",
            digits.format(count).as_bytes(),
            order,
        ],
    );
    Ok(true)
}

/// How many elements move, and in which order.
struct MoveWish {
    count: usize,
    is_exact: bool,
    is_bulk: bool,
}

impl MoveWish {
    /// Reads the arguments from the selector on; without them, one element moves.
    fn read(args: Args<'_>, index: usize) -> Result<Self, CommandError> {
        let is_exact = args.is_word(index, "EXACTLY");
        if args.len() == index {
            return Ok(Self { count: 1, is_exact, is_bulk: false });
        }
        if args.len() != index + 3 || !(is_exact || args.is_word(index, "COUNT")) {
            return Err(CommandError::Syntax);
        }
        let count = positive(args.at(index + 1), "ERR count should be greater than 0")?;
        let is_bulk = args.is_word(index + 2, "BULK");
        if !is_bulk && !args.is_word(index + 2, "OBO") {
            return Err(CommandError::Syntax);
        }
        Ok(Self { count, is_exact, is_bulk })
    }

    /// Moves elements between the lists of the first two keys and replies with them. Returns how many;
    /// `None`, without a reply, when there are not enough.
    fn move_many(&self, context: &mut Context<'_>) -> Result<Option<usize>, CommandError> {
        let (from, to) = ends(context)?;
        let (source, destination, limits) = (context.key(1), context.key(2), limits(context));
        if !may_move(context, &source, &destination)? {
            return Ok(None);
        }
        let there = count_of(&mut context.keys, &source)?.unwrap_or(0);
        if there == 0 || self.is_exact && there < self.count {
            return Ok(None);
        }
        let count = self.count.min(there);
        let is_same = source.bytes == destination.bytes;
        let mut elements: Vec<Element> = Vec::new();
        change(&mut context.keys, &source, |list| {
            elements.extend((0..count).map_while(|_| list.pop(from, &limits)));
            self.arrange(&mut elements, from, to);
            if is_same {
                elements.iter().for_each(|element| list.push(to, element.as_ref(), &limits));
            }
        })?;
        if !is_same {
            add(context, &destination, to, &elements, &limits)?;
        }
        announce_move(context, (&source, from), (&destination, to));
        context.reply.array(count);
        // The last one pushed at the front stands before the others.
        match to {
            End::Front => {
                elements.iter().rev().for_each(|one| reply_with(context.reply, one.as_ref()));
            }
            End::Back => elements.iter().for_each(|one| reply_with(context.reply, one.as_ref())),
        }
        Ok(Some(count))
    }

    /// Brings elements from the order they were taken in to the one they are pushed in.
    fn arrange(&self, elements: &mut [Element], from: End, to: End) {
        // Pushes at the end where they were taken turn the order round, all others keep it.
        if self.is_bulk && from == to {
            elements.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    fn moved(words: &str) -> [String; 2] {
        let mut bench = Bench::new();
        bench.say("RPUSH a 1 2 3 4");
        bench.say("RPUSH b x");
        [bench.say(words), bench.say("LRANGE b 0 -1")]
    }

    #[test]
    fn order_follows_the_wish() {
        for (ends, how_many, reply, list) in [
            ("LEFT LEFT", "COUNT 2 OBO", "[\"2\", \"1\"]", "[\"2\", \"1\", \"x\"]"),
            ("LEFT LEFT", "COUNT 2 BULK", "[\"1\", \"2\"]", "[\"1\", \"2\", \"x\"]"),
            ("LEFT RIGHT", "COUNT 2 OBO", "[\"1\", \"2\"]", "[\"x\", \"1\", \"2\"]"),
            ("LEFT RIGHT", "COUNT 2 BULK", "[\"1\", \"2\"]", "[\"x\", \"1\", \"2\"]"),
            ("RIGHT LEFT", "COUNT 2 OBO", "[\"3\", \"4\"]", "[\"3\", \"4\", \"x\"]"),
            ("RIGHT LEFT", "COUNT 2 BULK", "[\"3\", \"4\"]", "[\"3\", \"4\", \"x\"]"),
            ("RIGHT RIGHT", "COUNT 2 OBO", "[\"4\", \"3\"]", "[\"x\", \"4\", \"3\"]"),
            ("RIGHT RIGHT", "EXACTLY 2 BULK", "[\"3\", \"4\"]", "[\"x\", \"3\", \"4\"]"),
            ("RIGHT RIGHT", "", "[\"4\"]", "[\"x\", \"4\"]"),
        ] {
            let now = format!("LMOVEM a b {ends} {how_many}");
            let waiting = format!("BLMOVEM a b {ends} 0 {how_many}");
            for words in [now, waiting] {
                assert_eq!(moved(&words), [reply, list], "{words}");
            }
        }
    }

    #[test]
    fn too_few_are_moved_only_without_exactly() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("RPUSH a 1 2", "2"),
            ("LMOVEM a b LEFT RIGHT EXACTLY 3 BULK", "(nil)"),
            ("LMOVEM none b LEFT RIGHT", "(nil)"),
            ("LMOVEM a b LEFT RIGHT COUNT 0 BULK", "ERR count should be greater than 0"),
            ("LMOVEM a b LEFT RIGHT COUNT 2", "ERR syntax error"),
            ("LMOVEM a b LEFT RIGHT COUNT 2 ALL", "ERR syntax error"),
        ]);
        bench.expect_effects(
            "LMOVEM a b LEFT RIGHT COUNT 9 BULK",
            &["0: LMOVEM a b LEFT RIGHT COUNT 9 BULK"],
        );
        bench.expect(&[("EXISTS a", "0"), ("LLEN b", "2")]);
        bench.expect_effects(
            "BLMOVEM b a LEFT RIGHT 0 EXACTLY 2 OBO",
            &["0: LMOVEM b a LEFT RIGHT COUNT 2 OBO"],
        );
    }
}
