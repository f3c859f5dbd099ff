//! Removing fields: HDEL, HGETDEL.

use super::expire::{FieldList, GETS_FIELDS};
use super::value::{BASE, FIELDS, edit, push_removal, reply_with_found};
use crate::engine::{
    Argument, ArgumentKind, Command, CommandError, Context, Event, Flags, KeyFlags, KeySpec,
};
use crate::types::Hash;

pub(super) const HDEL: Command = Command {
    name: "hdel",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    since: "2.0.0",
    complexity: "O(N) in the fields removed",
    summary: "Removes fields of a hash, and the hash with its last field.",
    arguments: &[Argument::key("key"), Argument::new("field", ArgumentKind::String).multiple()],
    short_args_max: usize::MAX,
    member_at: 2,
    run: hdel,
    ..BASE
};

fn hdel(context: &mut Context<'_>) -> Result<(), CommandError> {
    const FIRST_FIELD: usize = 2;
    let (key, args) = (context.key(1), context.args);
    let removed = edit(&mut context.keys, &key, |hash| {
        args.from(FIRST_FIELD).iter().filter(|field| hash.remove(field)).count()
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        context.effects.changed(removed as u64);
        context.notify_taken(Event::HDEL, &key);
    }
    context.reply.count(removed);
    Ok(())
}

pub(super) const HGETDEL: Command = Command {
    name: "hgetdel",
    arity: -5,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    since: "8.0.0",
    complexity: "O(N) in the fields removed",
    summary: "Reads fields of a hash and removes them.",
    arguments: &[Argument::key("key"), FIELDS],
    short_args_max: usize::MAX,
    run: hgetdel,
    ..BASE
};

fn hgetdel(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, now_ms) = (context.key(1), context.now_ms);
    super::value::hash_at(&mut context.keys, &key, crate::keyspace::Lookup::WRITE)?;
    let fields = FieldList::parse(context.args, 2, GETS_FIELDS)?;
    let reply = &mut *context.reply;
    reply.array(fields.len());
    let mut gone: Vec<&[u8]> = Vec::new();
    let take = |hash: &mut Hash| {
        for field in fields.iter() {
            reply_with_found(reply, hash.get(field, now_ms));
            if hash.remove(field) {
                gone.push(field);
            }
        }
    };
    if edit(&mut context.keys, &key, take)?.is_none() {
        fields.iter().for_each(|_| context.reply.null());
    }
    if !gone.is_empty() {
        context.effects.changed(gone.len() as u64);
        context.notify_taken(Event::HDEL, &key);
        push_removal(context, &key, &gone);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn the_hash_goes_with_its_last_field() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("HSET h a 1 b 2", "2"),
            ("HDEL h a x", "1"),
            ("HDEL h x", "0"),
            ("EXISTS h", "1"),
            ("HDEL h b", "1"),
            ("EXISTS h", "0"),
            ("HDEL h b", "0"),
        ]);
        assert_eq!(bench.change_count(), 4);
    }

    #[test]
    fn fields_are_read_and_removed_at_once() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("HSET h a 1 b 2 c 3", "3"),
            ("HGETDEL h FIELDS 3 a z b", "[\"1\", (nil), \"2\"]"),
            ("HGETDEL nokey FIELDS 2 a b", "[(nil), (nil)]"),
        ]);
        bench.expect_effects("HGETDEL h FIELDS 2 c z", &["0: HDEL h c"]);
        bench.expect_effects("HGETDEL h FIELDS 1 c", &[]);
        bench.expect(&[
            ("EXISTS h", "0"),
            ("HGETDEL h FIELDS 0 a", "ERR Number of fields must be a positive integer"),
            (
                "HGETDEL h FIELDS 2 a",
                "ERR The `numfields` parameter must match the number of arguments",
            ),
            (
                "HGETDEL h FOO 1 a",
                "ERR Mandatory argument FIELDS is missing or not at the right position",
            ),
        ]);
    }
}
