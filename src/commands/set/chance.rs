//! Commands that leave it to chance which members they take.

use super::value::{open, reply_with, set_of};
use crate::config::Setting;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::{Key, Lookup};
use crate::types::{Collection, IntegerText, TakenMember};

/// Members that one effect names at most.
const EFFECT_MEMBERS_MAX: usize = 1024;

pub(super) const SPOP: Command = Command {
    name: "spop",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N) in the members taken",
    summary: "Takes random members out of a set.",
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key"),
        Argument::new("count", ArgumentKind::Integer).optional().since("3.2.0"),
    ],
    short_args_max: 2,
    run: spop,
    ..Command::DEFAULT
};

fn spop(context: &mut Context<'_>) -> Result<(), CommandError> {
    match context.args.len() {
        2 => pop_one(context),
        3 => pop_many(context),
        _ => Err(CommandError::Syntax),
    }
}

fn pop_one(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let Some(mut entry) = context.keys.get_mut(&key) else {
        context.reply.null();
        return Ok(());
    };
    let mut set = open(&mut entry)?;
    let taken = set.pop(&mut fastrand::Rng::new());
    let is_empty = set.is_empty();
    drop(set);
    if is_empty {
        context.keys.remove(&key);
    }
    context.notify(Event::SPOP, &key);
    if is_empty {
        context.notify(Event::DEL, &key);
    }
    reply_with(context.reply, taken.as_item());
    let member = taken.as_item();
    context.effects.changed(1);
    let mut digits = IntegerText::new();
    context.effects.push(context.session.db, &[b"SREM", key.bytes, member.bytes(&mut digits)]);
    Ok(())
}

fn pop_many(context: &mut Context<'_>) -> Result<(), CommandError> {
    const NO_COUNT: CommandError =
        CommandError::refused("ERR value is out of range, must be positive");
    let count = context.integer(2).ok().and_then(|count| usize::try_from(count).ok());
    let count = count.ok_or(NO_COUNT)?;
    let key = context.key(1);
    let size = context.keys.get(&key, Lookup::WRITE).map(set_of).transpose()?.map(Collection::len);
    match size {
        None => context.reply.set(0),
        Some(_) if count == 0 => context.reply.set(0),
        Some(size) if count >= size => pop_all(context, &key)?,
        Some(_) => pop_some(context, &key, count)?,
    }
    Ok(())
}

/// Removes the key and replies with its members, once nobody has to wait for it.
fn pop_all(context: &mut Context<'_>, key: &Key<'_>) -> Result<(), CommandError> {
    let Some(entry) = context.keys.remove(key) else { return Ok(()) };
    let set = set_of(&entry)?;
    super::value::reply_with_all(context.reply, set);
    context.effects.changed(set.len() as u64);
    context.notify(Event::SPOP, key);
    context.notify(Event::DEL, key);
    let is_lazy = context.engine.config.flag(Setting::LazyfreeLazyServerDel);
    let effect: &[u8] = if is_lazy { b"UNLINK" } else { b"DEL" };
    context.effects.push(context.session.db, &[effect, key.bytes]);
    Ok(())
}

/// Takes fewer members than there are.
fn pop_some(context: &mut Context<'_>, key: &Key<'_>, count: usize) -> Result<(), CommandError> {
    let Some(mut entry) = context.keys.get_mut(key) else { return Ok(()) };
    let mut set = open(&mut entry)?;
    context.reply.set(count);
    let mut random = fastrand::Rng::new();
    let mut batch = Vec::with_capacity(count.min(EFFECT_MEMBERS_MAX));
    for left in (0..count).rev() {
        let taken = set.pop(&mut random);
        reply_with(context.reply, taken.as_item());
        batch.push(taken);
        if batch.len() == EFFECT_MEMBERS_MAX || left == 0 {
            let names: Vec<Box<[u8]>> = batch.drain(..).map(|taken| name_of(&taken)).collect();
            let mut effect: Vec<&[u8]> = vec![b"SREM", key.bytes];
            effect.extend(names.iter().map(|name| &**name));
            context.effects.push(context.session.db, &effect);
        }
    }
    drop(set);
    context.effects.changed(count as u64);
    context.notify(Event::SPOP, key);
    Ok(())
}

fn name_of(taken: &TakenMember) -> Box<[u8]> {
    taken.as_item().bytes(&mut IntegerText::new()).into()
}

pub(super) const SRANDMEMBER: Command = Command {
    name: "srandmember",
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N) in the members returned",
    summary: "Returns random members of a set.",
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key"),
        Argument::new("count", ArgumentKind::Integer).optional().since("2.6.0"),
    ],
    short_args_max: 2,
    run: srandmember,
    ..Command::DEFAULT
};

fn srandmember(context: &mut Context<'_>) -> Result<(), CommandError> {
    match context.args.len() {
        2 => show_one(context),
        3 => show_many(context),
        _ => Err(CommandError::Syntax),
    }
}

fn show_one(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    match context.keys.get(&key, Lookup::READ).map(set_of).transpose()? {
        Some(set) => reply_with(context.reply, set.random(&mut fastrand::Rng::new())),
        None => context.reply.null(),
    }
    Ok(())
}

fn show_many(context: &mut Context<'_>) -> Result<(), CommandError> {
    const TOO_LOW: CommandError = CommandError::refused(
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
    );
    let count = context.integer(2)?;
    if count == i64::MIN {
        return Err(TOO_LOW);
    }
    let (key, reply) = (context.key(1), &mut *context.reply);
    let found = context.keys.get(&key, Lookup::READ).map(set_of).transpose()?;
    let number = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let Some(set) = found.filter(|_| number > 0) else {
        reply.array(0);
        return Ok(());
    };
    let mut random = fastrand::Rng::new();
    if count < 0 {
        reply.array(number);
        set.draw(&mut random, number, |member| reply_with(reply, member));
    } else {
        reply.array(number.min(set.len()));
        set.sample(&mut random, number, |member| reply_with(reply, member));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::commands::testing::Bench;

    fn members(reply: &str) -> Vec<String> {
        let list = reply.trim_matches(['[', ']']).split(", ");
        list.filter(|member| !member.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn popped_members_are_repeated_by_name() {
        let mut bench = Bench::new();
        bench.say("SADD s 7");
        bench.expect_effects("SPOP s", &["0: SREM s 7"]);
        bench.expect(&[("EXISTS s", "0"), ("SPOP s", "(nil)"), ("SPOP s 5", "[]")]);
        bench.say("SADD s a b c d e");
        bench.effects();
        let popped = members(&bench.say("SPOP s 3"));
        assert_eq!(popped.iter().collect::<BTreeSet<_>>().len(), 3);
        let expected = format!("0: SREM s {}", popped.join(" ").replace('"', ""));
        assert_eq!(bench.effects(), [expected]);
        bench.expect_effects("SPOP s 0", &[]);
        bench.expect_effects("SPOP s 2", &["0: UNLINK s"]);
        bench.expect(&[("CONFIG SET lazyfree-lazy-server-del no", "OK"), ("SADD s a", "1")]);
        bench.expect_effects("SPOP s 2", &["0: DEL s"]);
        assert_eq!(bench.change_count(), 14);
    }

    #[test]
    fn many_popped_members_make_several_effects() {
        let mut bench = Bench::new();
        for number in 0..3_000 {
            bench.say(&format!("SADD s member:{number}"));
        }
        bench.effects();
        assert_eq!(members(&bench.say("SPOP s 2500")).len(), 2_500);
        let counts: Vec<usize> =
            bench.effects().iter().map(|effect| effect.split(' ').count() - 3).collect();
        assert_eq!(counts, [1024, 1024, 452]);
        assert_eq!(bench.say("SCARD s"), "500");
    }

    #[test]
    fn counts_are_checked_before_the_key() {
        let mut bench = Bench::new();
        bench.say("SET string x");
        let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
        bench.expect(&[
            ("SPOP s -1", "ERR value is out of range, must be positive"),
            ("SPOP string x", "ERR value is out of range, must be positive"),
            ("SPOP string 1", wrong),
            ("SPOP string", wrong),
            ("SPOP s 1 2", "ERR syntax error"),
            ("SRANDMEMBER s 1 2", "ERR syntax error"),
            ("SRANDMEMBER string 1", wrong),
            ("SRANDMEMBER string", wrong),
            ("SRANDMEMBER none", "(nil)"),
            ("SRANDMEMBER none 3", "[]"),
        ]);
        let refusal = bench.say("SRANDMEMBER s -9223372036854775808");
        assert!(refusal.starts_with("ERR value is out of range, value must between"));
    }

    #[test]
    fn negative_counts_repeat_members_positive_ones_do_not() {
        let mut bench = Bench::new();
        bench.say("SADD s a b c");
        assert_eq!(members(&bench.say("SRANDMEMBER s -10")).len(), 10);
        assert_eq!(members(&bench.say("SRANDMEMBER s 10")).len(), 3);
        let two: BTreeSet<String> = members(&bench.say("SRANDMEMBER s 2")).into_iter().collect();
        assert_eq!(two.len(), 2);
        assert_eq!(bench.say("SRANDMEMBER s 0"), "[]");
        bench.expect_effects("SRANDMEMBER s", &[]);
    }
}
