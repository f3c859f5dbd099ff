//! Reading or setting fields and their deadlines at once: HGETEX, HSETEX.

use super::expire::{FieldList, GETS_FIELDS, deadline_of, push_deadline, push_persistence};
use super::remove::take_away;
use super::value::{
    BASE, DATA, FIELDS, INSERTS, READS_AND_UPDATES, count_expired, edit, edit_or_create, hash_at,
    push_effect, push_removal, reply_with_found,
};
use crate::base::text;
use crate::commands::deadline::TimeForm;
use crate::engine::{Args, Argument, ArgumentKind, Command, CommandError, Context, Event, Flags};
use crate::keyspace::{Key, Lookup};
use crate::types::{Collection, FieldDeadline, Hash, PackedLimits};

const SECONDS: Argument = Argument::new("seconds", ArgumentKind::Integer).after("EX");
const MILLISECONDS: Argument = Argument::new("milliseconds", ArgumentKind::Integer).after("PX");
const UNIX_SECONDS: Argument =
    Argument::new("unix-time-seconds", ArgumentKind::UnixTime).after("EXAT");
const UNIX_MILLISECONDS: Argument =
    Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime).after("PXAT");

/// Returns the form of a deadline that a word stands for.
fn form_of(args: Args<'_>, index: usize) -> Option<TimeForm> {
    let forms = [
        ("EX", TimeForm::EX),
        ("PX", TimeForm::PX),
        ("EXAT", TimeForm::EXAT),
        ("PXAT", TimeForm::PXAT),
    ];
    forms.into_iter().find(|(word, _)| args.is_word(index, word)).map(|(_, form)| form)
}

pub(super) const HGETEX: Command = Command {
    name: "hgetex",
    arity: -5,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: READS_AND_UPDATES,
    since: "8.0.0",
    complexity: "O(N) in the fields named",
    summary: "Reads fields of a hash and may change or remove their deadlines.",
    arguments: &[
        Argument::key("key"),
        Argument::one_of(
            "expiration",
            &[
                SECONDS,
                MILLISECONDS,
                UNIX_SECONDS,
                UNIX_MILLISECONDS,
                Argument::word("persist", "PERSIST"),
            ],
        )
        .optional(),
        FIELDS,
    ],
    short_args_max: usize::MAX,
    run: hgetex,
    ..BASE
};

/// What HGETEX does to the fields it reads.
#[derive(Clone, Copy)]
enum Then {
    Nothing,
    Persist,
    Expire(u64),
}

fn hgetex(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, args, now_ms) = (context.key(1), context.args, context.now_ms);
    hash_at(&mut context.keys, &key, Lookup::READ)?;
    let (then, list_index) = if let Some(form) = form_of(args, 2) {
        let number = args.at(3);
        (Then::Expire(deadline_of(form, number, now_ms, context.command_name())?), 4)
    } else if args.is_word(2, "PERSIST") {
        (Then::Persist, 3)
    } else {
        (Then::Nothing, 2)
    };
    if args.is_word(list_index, "FIELDS") && args.len() == list_index + 1 {
        return Err(context.wrong_arity());
    }
    let fields = FieldList::parse(args, list_index, GETS_FIELDS)?;
    let reply = &mut *context.reply;
    reply.array(fields.len());
    let (mut due, mut changed): (Vec<&[u8]>, Vec<&[u8]>) = Default::default();
    let read = |hash: &mut Hash| {
        if matches!(then, Then::Expire(_)) {
            hash.make_triplets();
        }
        for field in fields.iter() {
            reply_with_found(reply, hash.get(field, now_ms));
            if hash.holds_due(field, now_ms) {
                hash.remove(field);
                due.push(field);
            } else if then.apply(hash, field, now_ms) {
                changed.push(field);
            }
        }
    };
    if edit(&mut context.keys, &key, read)?.is_none() {
        fields.iter().for_each(|_| context.reply.null());
    }
    let removes = matches!(then, Then::Expire(at) if at <= now_ms);
    let removed: &[&[u8]] = if removes { &changed } else { &[] };
    take_away(context, &key, (&due, removed));
    if changed.is_empty() || removes {
        return Ok(());
    }
    context.effects.changed(changed.len() as u64);
    match then {
        Then::Nothing => {}
        Then::Persist => {
            context.notify_fields(Event::HPERSIST, &key, changed.iter().copied());
            push_persistence(context, &key, &changed);
        }
        Then::Expire(at) => {
            context.notify_fields(Event::HEXPIRE, &key, changed.iter().copied());
            push_deadline(context, &key, at, None, &changed);
        }
    }
    Ok(())
}

impl Then {
    /// Says whether it changed the field.
    fn apply(self, hash: &mut Hash, field: &[u8], now_ms: u64) -> bool {
        let was_ms = match hash.find(field) {
            Some((_, was_ms)) if was_ms.is_none_or(|was_ms| was_ms > now_ms) => was_ms,
            _ => return false,
        };
        match self {
            Self::Nothing => false,
            Self::Persist => was_ms.is_some() && hash.set_deadline(field, None),
            Self::Expire(deadline_ms) if deadline_ms <= now_ms => hash.remove(field),
            Self::Expire(deadline_ms) => hash.set_deadline(field, Some(deadline_ms)),
        }
    }
}

pub(super) const HSETEX: Command = Command {
    name: "hsetex",
    arity: -6,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: INSERTS,
    since: "8.0.0",
    complexity: "O(N) in the fields set",
    summary: "Sets fields of a hash and their deadline, under conditions if wanted.",
    arguments: &[
        Argument::key("key"),
        Argument::one_of(
            "key-condition",
            &[Argument::word("nx", "NX"), Argument::word("xx", "XX")],
        )
        .optional(),
        Argument::one_of(
            "fields-condition",
            &[Argument::word("fnx", "FNX"), Argument::word("fxx", "FXX")],
        )
        .optional(),
        Argument::one_of(
            "expiration",
            &[
                SECONDS,
                MILLISECONDS,
                UNIX_SECONDS,
                UNIX_MILLISECONDS,
                Argument::word("keepttl", "KEEPTTL"),
            ],
        )
        .optional(),
        Argument::block("fields", &[Argument::new("numfields", ArgumentKind::Integer), DATA])
            .after("FIELDS"),
    ],
    short_args_max: usize::MAX,
    run: hsetex,
    ..BASE
};

fn hsetex(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, now_ms, limits) = (context.key(1), context.now_ms, context.tuning.hash);
    let request = Request::parse(context)?;
    let hash = hash_at(&mut context.keys, &key, Lookup::PEEK)?;
    if !request.is_wanted(hash, now_ms) {
        context.reply.integer(0);
        return Ok(());
    }
    context.reply.integer(1);
    match request.deadline {
        FieldDeadline::At(deadline_ms) if deadline_ms <= now_ms => {
            remove_all(context, &key, &request)
        }
        _ => set_all(context, &key, &request, limits),
    }
}

/// Removes the fields instead of setting them to expire at once; listeners hear of both.
fn remove_all(
    context: &mut Context<'_>,
    key: &Key<'_>,
    request: &Request<'_>,
) -> Result<(), CommandError> {
    let mut gone = Vec::new();
    edit(&mut context.keys, key, |hash| {
        gone.extend(request.pairs().map(|(field, _)| field).filter(|field| hash.remove(field)));
    })?;
    if gone.is_empty() && context.keys.peek(key).is_none() {
        context.notify(Event::NEW, key);
    }
    let fields: Vec<&[u8]> = request.pairs().map(|(field, _)| field).collect();
    context.notify_fields(Event::HSET, key, fields.iter().copied());
    context.notify_fields_taken(Event::HDEL, key, &fields);
    if !gone.is_empty() {
        context.effects.changed(gone.len() as u64);
        push_removal(context, key, &gone);
    }
    Ok(())
}

fn set_all(
    context: &mut Context<'_>,
    key: &Key<'_>,
    request: &Request<'_>,
    limits: PackedLimits,
) -> Result<(), CommandError> {
    let now_ms = context.now_ms;
    // Whoever looks at a field finds out that its time has come.
    let looks = request.deadline == FieldDeadline::Keep || request.of_fields.is_some();
    let mut due = Vec::new();
    edit_or_create(&mut context.keys, key, |hash| {
        hash.expect_fields(request.len(), limits);
        for (field, value) in request.pairs() {
            if looks && hash.holds_due(field, now_ms) {
                hash.remove(field);
                due.push(field);
            }
            hash.set(field, value, request.deadline, limits);
        }
        Ok(())
    })?;
    context.effects.changed(request.len() as u64);
    count_expired(context, key, &due);
    let fields = || request.pairs().map(|(field, _)| field);
    context.notify_fields(Event::HSET, key, fields());
    if matches!(request.deadline, FieldDeadline::At(_)) {
        context.notify_fields(Event::HEXPIRE, key, fields());
    }
    if !due.is_empty() {
        // Whoever repeats this may not have noticed yet that their time had come.
        push_removal(context, key, &due);
    }
    request.push(context, key);
    Ok(())
}

/// What HSETEX is asked to do.
struct Request<'a> {
    args: Args<'a>,
    /// NX or XX: the key must be there, or must not.
    of_key: Option<bool>,
    /// FNX or FXX: all fields must be there, or none.
    of_fields: Option<bool>,
    deadline: FieldDeadline,
    first_field: usize,
}

impl<'a> Request<'a> {
    fn parse(context: &Context<'a>) -> Result<Self, CommandError> {
        const TWO_CONDITIONS: CommandError =
            CommandError::refused("ERR Only one of FXX or FNX arguments can be specified");
        const TWO_DEADLINES: CommandError = CommandError::refused(
            "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
        );
        let args = context.args;
        let mut request = Self {
            args,
            of_key: None,
            of_fields: None,
            deadline: FieldDeadline::None,
            first_field: 0,
        };
        let mut index = 2;
        while index < args.len() {
            let word = args.at(index);
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if is("FIELDS") {
                request.take_count(context, index + 1)?;
                return Ok(request);
            } else if is("FNX") || is("FXX") {
                if request.of_fields.replace(is("FXX")).is_some() {
                    return Err(TWO_CONDITIONS);
                }
            } else if is("NX") || is("XX") {
                if request.of_key.replace(is("XX")).is_some() {
                    return Err(CommandError::Syntax);
                }
            } else if is("KEEPTTL") || form_of(args, index).is_some() {
                if request.deadline != FieldDeadline::None {
                    return Err(TWO_DEADLINES);
                }
                index += request.take_deadline(context, index)?;
            } else {
                return Err(CommandError::quoting("ERR unknown argument: ", word, ""));
            }
            index += 1;
        }
        Err(CommandError::refused("ERR missing FIELDS argument"))
    }

    /// Takes KEEPTTL or a deadline and returns how many arguments follow the word.
    fn take_deadline(
        &mut self,
        context: &Context<'a>,
        index: usize,
    ) -> Result<usize, CommandError> {
        const NO_NUMBER: CommandError = CommandError::refused("ERR missing expire time");
        let Some(form) = form_of(self.args, index) else {
            self.deadline = FieldDeadline::Keep;
            return Ok(0);
        };
        let number = self.args.get(index + 1).ok_or(NO_NUMBER)?;
        let at = deadline_of(form, number, context.now_ms, context.command_name())?;
        self.deadline = FieldDeadline::At(at);
        Ok(1)
    }

    fn take_count(&mut self, context: &Context<'a>, index: usize) -> Result<(), CommandError> {
        const BAD_COUNT: CommandError = CommandError::refused("ERR invalid number of fields");
        let number = self.args.get(index).ok_or_else(|| context.wrong_arity())?;
        let count = text::parse_i64(number).and_then(|count| i32::try_from(count).ok());
        let count = count.and_then(|count| usize::try_from(count).ok()).filter(|&count| count > 0);
        let count = count.ok_or(BAD_COUNT)?;
        self.first_field = index + 1;
        let rest = self.args.len() - self.first_field;
        if rest.is_multiple_of(2) && rest / 2 == count {
            Ok(())
        } else {
            Err(context.wrong_arity())
        }
    }

    fn len(&self) -> usize {
        (self.args.len() - self.first_field) / 2
    }

    fn pairs(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let args = self.args;
        (self.first_field..args.len()).step_by(2).map(move |at| (args.at(at), args.at(at + 1)))
    }

    /// Says whether the conditions hold.
    fn is_wanted(&self, hash: Option<&Hash>, now_ms: u64) -> bool {
        if self.of_key.is_some_and(|must_be| must_be != hash.is_some_and(|hash| !hash.is_empty())) {
            return false;
        }
        let is_there = |field| hash.is_some_and(|hash| hash.get(field, now_ms).is_some());
        let Some(must_be) = self.of_fields else { return true };
        self.pairs().all(|(field, _)| is_there(field) == must_be)
    }

    /// States what was set, without the conditions: they held.
    fn push(&self, context: &mut Context<'_>, key: &Key<'_>) {
        let (mut ms, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
        let count = count.format(self.len()).as_bytes();
        let mut words = vec![b"HSETEX".as_slice(), key.bytes];
        match self.deadline {
            FieldDeadline::None => {}
            FieldDeadline::Keep => words.push(b"KEEPTTL"),
            FieldDeadline::At(at) => words.extend([b"PXAT", ms.format(at).as_bytes()]),
        }
        words.extend([b"FIELDS".as_slice(), count]);
        let data: Vec<&[u8]> = self.args.from(self.first_field).iter().collect();
        push_effect(context, &words, &data);
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn hgetex_reads_and_changes_deadlines() {
        for settings in ["", "hash-max-listpack-entries 0"] {
            let mut bench = Bench::with_settings(settings);
            let at = bench.now_ms() + 10_000;
            bench.expect(&[
                ("HSET h a 1 b 2 c 3", "3"),
                ("HGETEX h FIELDS 2 a x", "[\"1\", (nil)]"),
                ("HGETEX nokey EX 10 FIELDS 2 a x", "[(nil), (nil)]"),
                ("HGETEX h EX 10 FIELDS 2 a x", "[\"1\", (nil)]"),
                ("HTTL h FIELDS 2 a b", "[10, -1]"),
            ]);
            let effect = format!("0: HPEXPIREAT h {at} FIELDS 1 b");
            bench.expect_effects("HGETEX h PX 10000 FIELDS 2 b x", &[&effect]);
            bench
                .expect_effects("HGETEX h PERSIST FIELDS 3 a b c", &["0: HPERSIST h FIELDS 2 a b"]);
            bench.expect_effects("HGETEX h FIELDS 1 a", &[]);
            bench.expect_effects("HGETEX h PXAT 1 FIELDS 2 a x", &["0: HDEL h a"]);
            bench.expect(&[("HGETEX h EX 0 FIELDS 2 b c", "[\"2\", \"3\"]"), ("EXISTS h", "0")]);
        }
    }

    #[test]
    fn hgetex_refuses_what_the_original_refuses() {
        let mut bench = Bench::new();
        let list = "ERR Mandatory argument FIELDS is missing or not at the right position";
        bench.expect(&[
            ("HSET h a 1", "1"),
            ("HGETEX h EX -1 FIELDS 1 a", "ERR invalid expire time, must be >= 0"),
            ("HGETEX h EX FIELDS 1 a", "ERR value is not an integer or out of range"),
            ("HGETEX h PERSIST EX 10 FIELDS 1 a", list),
            ("HGETEX h KEEPTTL FIELDS 1 a", list),
            ("HGETEX h FIELDS x a", "ERR Number of fields must be a positive integer"),
        ]);
    }

    #[test]
    fn hsetex_minds_its_conditions() {
        for settings in ["", "hash-max-listpack-entries 0"] {
            let mut bench = Bench::with_settings(settings);
            bench.expect(&[
                ("HSETEX h FXX FIELDS 1 a 1", "0"),
                ("EXISTS h", "0"),
                ("HSETEX h XX FIELDS 1 a 1", "0"),
                ("HSETEX h FNX EX 10 FIELDS 2 a 1 b 2", "1"),
                ("HSETEX h FNX FIELDS 2 b 3 c 3", "0"),
                ("HSETEX h NX FIELDS 1 c 3", "0"),
                ("HSETEX h XX FXX KEEPTTL FIELDS 1 a 5", "1"),
                ("HTTL h FIELDS 2 a b", "[10, 10]"),
                ("HSETEX h FIELDS 1 a 6", "1"),
                ("HTTL h FIELDS 2 a b", "[-1, 10]"),
                ("HMGET h a b c", "[\"6\", \"2\", (nil)]"),
                ("HSETEX h EXAT 1 FIELDS 2 a 1 b 1", "1"),
                ("EXISTS h", "0"),
            ]);
        }
    }

    #[test]
    fn hsetex_states_what_it_set() {
        let mut bench = Bench::new();
        let at = bench.now_ms() + 10_000;
        let effect = format!("0: HSETEX h PXAT {at} FIELDS 1 a 1");
        bench.expect_effects("HSETEX h FNX EX 10 FIELDS 1 a 1", &[&effect]);
        bench
            .expect_effects("HSETEX h keepttl FIELDS 1 a 2", &["0: HSETEX h KEEPTTL FIELDS 1 a 2"]);
        bench.expect_effects("HSETEX h PXAT 1 FIELDS 2 a 2 b 1", &["0: HDEL h a"]);
        bench.expect_effects("HSETEX h PXAT 1 FIELDS 1 a 2", &[]);
    }

    #[test]
    fn hsetex_refuses_what_the_original_refuses() {
        let mut bench = Bench::new();
        let arity = "ERR wrong number of arguments for 'hsetex' command";
        let one = "ERR Only one of FXX or FNX arguments can be specified";
        bench.expect(&[
            ("HSETEX h FIELDS 2 a 1", arity),
            ("HSETEX h FIELDS 1 a 1 b", arity),
            ("HSETEX h FIELDS 0 a 1", "ERR invalid number of fields"),
            ("HSETEX h FIELDS 2147483648 a 1", "ERR invalid number of fields"),
            ("HSETEX h FOO 1 a 1", "ERR unknown argument: FOO"),
            ("HSETEX h FNX FXX FIELDS 1 a 1", one),
            ("HSETEX h EX x FIELDS 1 a 1", "ERR value is not an integer or out of range"),
            (
                "HSETEX h EX 1 KEEPTTL FIELDS 1 a 1",
                "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
            ),
        ]);
    }
}
