//! Commands that bring keys to another place, perhaps in another database.

use crate::base::text;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags,
    KeyFlags, KeySpec,
};
use crate::keyspace::{Key, KeyPlace, Keyspace, Lookup};

const SAME_PLACE: CommandError =
    CommandError::refused("ERR source and destination objects are the same");

pub(super) const COPY: Command = Command {
    name: "copy",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[
        KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS)),
        KeySpec::one(2, KeyFlags::OW.and(KeyFlags::UPDATE)),
    ],
    acl: Categories::KEYSPACE,
    since: "6.2.0",
    complexity: "O(N) in the elements of the value, O(1) for strings",
    summary: "Copies a key's value and deadline to another key, perhaps in another database.",
    arguments: &[
        Argument::key("source"),
        Argument::key("destination").of_spec(1),
        Argument::new("destination-db", ArgumentKind::Integer).after("DB").optional(),
        Argument::word("replace", "REPLACE").optional(),
    ],
    other_places: Some(copy_places),
    run: copy,
    ..Command::DEFAULT
};

fn copy(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (args, keyspace) = (context.args, &context.engine.keyspace);
    let options = CopyOptions::parse(context)?;
    let db = options.db.unwrap_or(context.session.db);
    let (from, to) = (context.key(1), keyspace.key(db, args.at(2)));
    if db == context.session.db && from.bytes == to.bytes {
        return Err(SAME_PLACE);
    }
    let stamp = context.keys.access().aging.first_stamp();
    let copied = context.keys.get(&from, Lookup::READ).map(|entry| entry.copy(to.bytes, stamp));
    let is_taken =
        copied.is_some() && context.keys.get(&to, Lookup::WRITE).is_some() && !options.replaces;
    let copied = copied.filter(|_| !is_taken);
    let replaced = copied.map(|copied| context.keys.insert(&to, copied));
    context.effects.changed(u64::from(replaced.is_some()));
    if let Some(replaced) = replaced {
        context.notify(Event::COPY_TO, &to);
        context.notify_replaced(&to, replaced);
    }
    context.reply.integer(i64::from(replaced.is_some()));
    Ok(())
}

#[derive(Clone, Copy, Default)]
struct CopyOptions {
    db: Option<u32>,
    replaces: bool,
}

impl CopyOptions {
    fn parse(context: &Context<'_>) -> Result<Self, CommandError> {
        let args = context.args;
        let mut options = Self::default();
        let mut index = 3;
        while index < args.len() {
            if args.is_word(index, "REPLACE") {
                options.replaces = true;
            } else if args.is_word(index, "DB") && index + 1 < args.len() {
                index += 1;
                options.db = Some(context.database(index)?);
            } else {
                return Err(CommandError::Syntax);
            }
            index += 1;
        }
        Ok(options)
    }
}

/// Adds the place of the copy when a database is named.
fn copy_places(keyspace: &Keyspace, _db: u32, args: Args<'_>, places: &mut Vec<KeyPlace>) {
    for index in 3..args.len() {
        if args.is_word(index, "DB") {
            add_place(keyspace, args, (index + 1, 2), places);
        }
    }
}

/// Adds the place of the key at one argument in the database that another argument names.
fn add_place(
    keyspace: &Keyspace,
    args: Args<'_>,
    (db_at, key_at): (usize, usize),
    places: &mut Vec<KeyPlace>,
) {
    let number = args.get(db_at).and_then(text::parse_i64);
    let db = number.and_then(|number| u32::try_from(number).ok());
    if let Some(db) = db.filter(|&db| db < keyspace.database_count())
        && let Some(key) = args.get(key_at)
    {
        places.push(keyspace.key(db, key).place());
    }
}

pub(super) const MOVE: Command = Command {
    name: "move",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    acl: Categories::KEYSPACE,
    since: "1.0.0",
    summary: "Moves a key to another database.",
    arguments: &[Argument::key("key"), Argument::new("db", ArgumentKind::Integer)],
    other_places: Some(move_places),
    run: move_key,
    ..Command::DEFAULT
};

fn move_key(context: &mut Context<'_>) -> Result<(), CommandError> {
    let db = context.database(2)?;
    if db == context.session.db {
        return Err(SAME_PLACE);
    }
    let (from, to) = (context.key(1), context.engine.keyspace.key(db, context.args.at(1)));
    let may = context.keys.get(&from, Lookup::WRITE).is_some()
        && context.keys.get(&to, Lookup::WRITE).is_none();
    let is_done = may && bring(context, &from, &to);
    context.effects.changed(u64::from(is_done));
    if is_done {
        context.notify(Event::MOVE_FROM, &from);
        context.notify(Event::MOVE_TO, &to);
    }
    context.reply.integer(i64::from(is_done));
    Ok(())
}

fn bring(context: &mut Context<'_>, from: &Key<'_>, to: &Key<'_>) -> bool {
    let entry = context.keys.remove(from);
    entry.map(|entry| context.keys.insert(to, entry)).is_some()
}

fn move_places(keyspace: &Keyspace, _db: u32, args: Args<'_>, places: &mut Vec<KeyPlace>) {
    add_place(keyspace, args, (2, 1), places);
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn a_copy_is_independent_and_keeps_the_deadline() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a 1 PX 5000", "OK"),
            ("COPY a b", "1"),
            ("COPY a b", "0"),
            ("SET a 2", "OK"),
            ("GET b", "\"1\""),
            ("PTTL b", "5000"),
            ("COPY a b REPLACE", "1"),
            ("PTTL b", "-1"),
            ("COPY none b", "0"),
            ("COPY none b REPLACE", "0"),
            ("GET b", "\"2\""),
        ]);
        bench.expect_effects("COPY a c", &["0: COPY a c"]);
        bench.expect_effects("COPY a c", &[]);
    }

    #[test]
    fn copies_reach_other_databases() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("SET a 1", "OK"),
            ("COPY a b DB 3", "1"),
            ("COPY a b DB 3", "0"),
            ("COPY a a DB 3", "1"),
            ("EXISTS b", "0"),
            ("SELECT 3", "OK"),
            ("MGET a b", "[\"1\", \"1\"]"),
            ("COPY a b DB 2 DB 0", "1"),
        ]);
    }

    #[test]
    fn places_that_make_no_sense_are_refused() {
        let mut bench = Bench::new();
        let same = "ERR source and destination objects are the same";
        let no_database = "ERR DB index is out of range";
        let too_large = "ERR value is out of range, value must between -2147483648 and 2147483647";
        bench.expect(&[
            ("COPY a a", same),
            ("COPY a a DB 0", same),
            ("COPY a b DB 16", no_database),
            ("COPY a b DB -1", no_database),
            ("COPY a b DB 3000000000", too_large),
            ("COPY a b DB x", "ERR value is not an integer or out of range"),
            ("COPY a b DB", "ERR syntax error"),
            ("COPY a b FOO", "ERR syntax error"),
            ("MOVE a 0", same),
            ("MOVE a 16", no_database),
            ("MOVE a -1", no_database),
            ("MOVE a 3000000000", too_large),
            ("MOVE a x", "ERR value is not an integer or out of range"),
        ]);
    }

    #[test]
    fn a_moved_key_leaves_its_database() {
        let mut bench = Bench::new();
        bench.expect(&[("SET a 1 PX 5000", "OK"), ("MOVE none 1", "0")]);
        bench.expect_effects("MOVE a 1", &["0: MOVE a 1"]);
        bench.expect(&[("EXISTS a", "0"), ("SET a 2", "OK")]);
        bench.expect_effects("MOVE a 1", &[]);
        bench.expect(&[("GET a", "\"2\""), ("SELECT 1", "OK"), ("GET a", "\"1\"")]);
        bench.expect(&[("PTTL a", "5000")]);
        bench.expect_effects("MOVE a 2", &["1: MOVE a 2"]);
    }
}
