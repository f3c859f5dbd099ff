//! Removing fields: HDEL, HGETDEL.

use super::expire::{FieldList, GETS_FIELDS};
use super::value::{BASE, FIELDS, count_expired, edit, push_removal, reply_with_found};
use crate::engine::{
    Argument, ArgumentKind, Command, CommandError, Context, Event, Flags, KeyFlags, KeySpec,
};
use crate::keyspace::Key;
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
    let wants_fields = context.wants_fields();
    let mut gone = Vec::new();
    let removed = edit(&mut context.keys, &key, |hash| {
        let removed = args.from(FIRST_FIELD).iter().filter(|field| hash.remove(field));
        removed.inspect(|field| gone.extend(wants_fields.then_some(*field))).count()
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        context.effects.changed(removed as u64);
        context.notify_fields_taken(Event::HDEL, &key, &gone);
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
    let (mut due, mut gone): (Vec<&[u8]>, Vec<&[u8]>) = Default::default();
    let take = |hash: &mut Hash| {
        for field in fields.iter() {
            let is_due = hash.holds_due(field, now_ms);
            reply_with_found(reply, hash.get(field, now_ms));
            if hash.remove(field) {
                if is_due { due.push(field) } else { gone.push(field) }
            }
        }
    };
    if edit(&mut context.keys, &key, take)?.is_none() {
        fields.iter().for_each(|_| context.reply.null());
    }
    take_away(context, &key, (&due, &gone));
    Ok(())
}

/// Tells that fields are gone: some had been due, the others were removed before their time.
pub(super) fn take_away(
    context: &mut Context<'_>,
    key: &Key<'_>,
    (due, removed): (&[&[u8]], &[&[u8]]),
) {
    context.effects.changed((due.len() + removed.len()) as u64);
    count_expired(context, key, due);
    if !removed.is_empty() {
        context.notify_fields(Event::HDEL, key, removed.iter().copied());
    }
    let all: Vec<&[u8]> = due.iter().chain(removed).copied().collect();
    if !all.is_empty() {
        context.notify_if_gone(key);
        push_removal(context, key, &all);
    }
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
