//! Commands that rename keys.

use crate::engine::{
    Argument, Categories, Command, CommandError, Context, Event, Flags, KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;

pub(super) const RENAME: Command = Command {
    name: "rename",
    arity: 3,
    flags: Flags::WRITE,
    keys: &[
        KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::OW.and(KeyFlags::UPDATE)),
    ],
    acl: Categories::KEYSPACE,
    since: "1.0.0",
    summary: "Gives a key another name, replacing what has that name.",
    arguments: &[Argument::key("key"), Argument::key("newkey").of_spec(1)],
    run: rename,
    ..Command::DEFAULT
};

fn rename(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (from, to) = (context.key(1), context.key(2));
    if context.keys.get(&from, Lookup::WRITE).is_none() {
        return Err(CommandError::NoSuchKey);
    }
    if from.bytes != to.bytes {
        let replaced = context.keys.rename(&from, &to);
        context.effects.changed(1);
        context.notify(Event::RENAME_FROM, &from);
        context.notify(Event::RENAME_TO, &to);
        context.notify_replaced(&to, replaced);
    }
    context.reply.ok();
    Ok(())
}

pub(super) const RENAMENX: Command = Command {
    name: "renamenx",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[
        KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::OW.and(KeyFlags::INSERT)),
    ],
    acl: Categories::KEYSPACE,
    since: "1.0.0",
    summary: "Gives a key another name unless that is taken.",
    arguments: &[Argument::key("key"), Argument::key("newkey").of_spec(1)],
    run: renamenx,
    ..Command::DEFAULT
};

fn renamenx(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (from, to) = (context.key(1), context.key(2));
    if context.keys.get(&from, Lookup::WRITE).is_none() {
        return Err(CommandError::NoSuchKey);
    }
    // The key's own name is taken, too.
    let is_free = context.keys.get(&to, Lookup::WRITE).is_none();
    if is_free {
        context.keys.rename(&from, &to);
        context.effects.changed(1);
        context.notify(Event::RENAME_FROM, &from);
        context.notify(Event::RENAME_TO, &to);
    }
    context.reply.integer(i64::from(is_free));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn value_and_deadline_move_to_the_new_name() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a 1 PX 5000", "OK"),
            ("SET b 2 PX 9000", "OK"),
            ("RENAME a b", "OK"),
            ("GET b", "\"1\""),
            ("PTTL b", "5000"),
            ("EXISTS a", "0"),
            ("SET c 3", "OK"),
            ("RENAME c b", "OK"),
            ("PTTL b", "-1"),
        ]);
        bench.expect_effects("RENAME b d", &["0: RENAME b d"]);
        bench.expect_effects("RENAME d d", &[]);
        bench.expect_effects("RENAMENX d e", &["0: RENAMENX d e"]);
    }

    #[test]
    fn a_taken_name_stops_renamenx_and_no_key_both() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("RENAME a a", "ERR no such key"),
            ("RENAMENX a b", "ERR no such key"),
            ("MSET a 1 b 2", "OK"),
            ("RENAME a a", "OK"),
            ("RENAMENX a a", "0"),
            ("RENAMENX a b", "0"),
            ("MGET a b", "[\"1\", \"2\"]"),
        ]);
    }

    #[test]
    fn an_expired_name_is_free() {
        let mut bench = Bench::new();
        bench.expect(&[("SET a 1", "OK"), ("SET b 2 PX 10", "OK")]);
        bench.advance(10);
        bench.expect_effects("RENAMENX a b", &["0: DEL b", "0: RENAMENX a b"]);
        bench.expect(&[("SET c 2 PX 10", "OK")]);
        bench.advance(10);
        bench.expect(&[("RENAME c b", "ERR no such key"), ("GET b", "\"1\"")]);
    }
}
