//! Commands that name the members they add or remove.

use super::value::{open, set_of};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::keyspace::{Key, Lookup};
use crate::types::{Collection, Set};

pub(super) const SADD: Command = Command {
    name: "sadd",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::INSERT))],
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N) in the members given",
    summary: "Adds members to a set, which is created if need be.",
    arguments: &[Argument::key("key"), Argument::new("member", ArgumentKind::String).multiple()],
    short_args_max: usize::MAX,
    member_at: 2,
    run: sadd,
    ..Command::DEFAULT
};

fn sadd(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, limits) = (context.key(1), &context.tuning.set);
    let members = context.args.from(2);
    let mut added = 0;
    let mut add_to = |set: &mut Set| {
        members.iter().for_each(|member| added += u64::from(set.add(member, limits)));
    };
    if let Some(mut entry) = context.keys.get_mut(&key) {
        let mut set = open(&mut entry)?;
        set.expect(members.len(), limits);
        add_to(&mut set);
    } else {
        let mut set = Set::for_members(members.at(0), members.len(), limits);
        add_to(&mut set);
        context.keys.create(&key, set);
    }
    context.effects.changed(added);
    if added > 0 {
        context.notify(Event::SADD, &key);
    }
    context.reply.integer(added.cast_signed());
    Ok(())
}

pub(super) const SREM: Command = Command {
    name: "srem",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N) in the members given",
    summary: "Removes members from a set; without members the key goes, too.",
    arguments: &[Argument::key("key"), Argument::new("member", ArgumentKind::String).multiple()],
    short_args_max: usize::MAX,
    member_at: 2,
    run: srem,
    ..Command::DEFAULT
};

fn srem(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(1);
    let (mut removed, mut is_emptied) = (0, false);
    if let Some(mut entry) = context.keys.get_mut(&key) {
        let mut set = open(&mut entry)?;
        for member in context.args.from(2).iter() {
            removed += u64::from(set.remove(member));
        }
        is_emptied = set.is_empty();
        drop(set);
        if is_emptied {
            context.keys.remove(&key);
        }
    }
    context.effects.changed(removed);
    if removed > 0 {
        context.notify(Event::SREM, &key);
    }
    if is_emptied {
        context.notify(Event::DEL, &key);
    }
    context.reply.integer(removed.cast_signed());
    Ok(())
}

pub(super) const SMOVE: Command = Command {
    name: "smove",
    arity: 4,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[
        KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::RW.and(KeyFlags::INSERT)),
    ],
    acl: Categories::SET,
    since: "1.0.0",
    group: Group::Set,
    summary: "Moves a member from one set to another.",
    arguments: &[
        Argument::key("source"),
        Argument::key("destination").of_spec(1),
        Argument::new("member", ArgumentKind::String),
    ],
    run: smove,
    ..Command::DEFAULT
};

fn smove(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (from, to, member) = (context.key(1), context.key(2), context.args.at(3));
    let found = context.keys.get(&from, Lookup::WRITE);
    let found = found.map(|entry| set_of(entry).map(|set| set.contains(member)));
    let other = context.keys.get(&to, Lookup::WRITE).map(set_of);
    // Nothing to move: whatever the destination is then.
    let Some(is_member) = found else {
        context.reply.integer(0);
        return Ok(());
    };
    let (is_member, other) = (is_member?, other.transpose()?);
    if is_member && from.bytes != to.bytes {
        let is_new = !other.is_some_and(|set| set.contains(member));
        take_away(context, &from, member)?;
        // A key that is not opened for changes is not changed for those who watch it.
        if is_new {
            bring(context, &to, member)?;
        }
        context.effects.changed(1 + u64::from(is_new));
    }
    context.reply.integer(i64::from(is_member));
    Ok(())
}

/// Removes a member from a key's set, and the key without members.
fn take_away(context: &mut Context<'_>, key: &Key<'_>, member: &[u8]) -> Result<(), CommandError> {
    let mut is_emptied = false;
    if let Some(mut entry) = context.keys.get_mut(key) {
        let mut set = open(&mut entry)?;
        set.remove(member);
        is_emptied = set.is_empty();
    }
    context.notify(Event::SREM, key);
    if is_emptied {
        context.keys.remove(key);
        context.notify(Event::DEL, key);
    }
    Ok(())
}

/// Adds a member to a key's set, which is created if need be.
fn bring(context: &mut Context<'_>, key: &Key<'_>, member: &[u8]) -> Result<(), CommandError> {
    let limits = &context.tuning.set;
    if let Some(mut entry) = context.keys.get_mut(key) {
        open(&mut entry)?.add(member, limits);
    } else {
        let mut set = Set::for_members(member, 1, limits);
        set.add(member, limits);
        context.keys.create(key, set);
    }
    context.notify(Event::SADD, key);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

    #[test]
    fn members_are_added_once_and_removed() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SADD s a b a", "2"),
            ("SADD s a", "0"),
            ("SCARD s", "2"),
            ("TYPE s", "set"),
            ("SREM s a none", "1"),
            ("SREM none a", "0"),
            ("SREM s b b", "1"),
            ("EXISTS s", "0"),
            ("SET string x", "OK"),
            ("SADD string a", WRONG_TYPE),
            ("SREM string a", WRONG_TYPE),
        ]);
        bench.expect_effects("SADD s a b", &["0: SADD s a b"]);
        bench.expect_effects("SADD s a b", &[]);
        bench.expect_effects("SREM s none", &[]);
        bench.expect_effects("SREM s a b", &["0: SREM s a b"]);
    }

    #[test]
    fn encodings_follow_the_settings() {
        let mut bench = Bench::with_settings(
            "set-max-intset-entries 3\nset-max-listpack-entries 4\nset-max-listpack-value 5",
        );
        bench.expect(&[
            ("SADD i 1 2 3", "3"),
            ("OBJECT ENCODING i", "\"intset\""),
            ("SADD i 4", "1"),
            ("OBJECT ENCODING i", "\"hashtable\""),
            ("SADD p a 2 3 4", "4"),
            ("OBJECT ENCODING p", "\"listpack\""),
            ("SADD p 5", "1"),
            ("OBJECT ENCODING p", "\"hashtable\""),
            ("SADD l aaaaaa", "1"),
            ("OBJECT ENCODING l", "\"hashtable\""),
            ("SADD many 1 2 3 4", "4"),
            ("OBJECT ENCODING many", "\"listpack\""),
            ("SADD more 1 2 3 4 5", "5"),
            ("OBJECT ENCODING more", "\"hashtable\""),
            ("CONFIG SET set-max-intset-entries 5", "OK"),
            ("SADD again 1 2 3 4 5", "5"),
            ("OBJECT ENCODING again", "\"intset\""),
            ("SADD again 1 1 1 1 1 1", "0"),
            ("OBJECT ENCODING again", "\"hashtable\""),
        ]);
    }

    #[test]
    fn a_member_moves_between_sets() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SADD a 1 x", "2"),
            ("SADD b y", "1"),
            ("SET string v", "OK"),
            ("SMOVE none string 1", "0"),
            ("SMOVE none b 1", "0"),
            ("SMOVE string b 1", WRONG_TYPE),
            ("SMOVE a string none", WRONG_TYPE),
            ("SMOVE a b none", "0"),
            ("SMOVE a a x", "1"),
            ("SMOVE a a none", "0"),
        ]);
        bench.expect_effects("SMOVE a b x", &["0: SMOVE a b x"]);
        bench.expect(&[("SCARD a", "1"), ("SISMEMBER b x", "1"), ("SADD c 1", "1")]);
        bench.expect_effects("SMOVE a c 1", &["0: SMOVE a c 1"]);
        bench.expect(&[("EXISTS a", "0"), ("SCARD c", "1"), ("SMOVE c new 1", "1")]);
        bench.expect(&[("OBJECT ENCODING new", "\"intset\""), ("EXISTS c", "0")]);
    }

    #[test]
    fn a_destination_that_gains_nothing_has_not_changed() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SADD a 1 2", "2"),
            ("SADD b 1", "1"),
            ("WATCH b", "OK"),
            ("SMOVE a b 1", "1"),
            ("MULTI", "OK"),
            ("SCARD b", "QUEUED"),
            ("EXEC", "[1]"),
            ("WATCH b", "OK"),
            ("SMOVE a b 2", "1"),
            ("MULTI", "OK"),
            ("SCARD b", "QUEUED"),
            ("EXEC", "(nil)"),
        ]);
    }
}
