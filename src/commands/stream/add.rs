//! XADD.

use super::producers::{OPTION, Sender, Stamp};
use super::trim::{ExactTrim, REFERENCES, TRIM_PARTS, TrimOptions};
use super::value::{BAD_ID, edit};
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec, Tuning,
};
use crate::types::{IdRefusal, NewStreamId, Stream, StreamId, Trim};

/// Bytes of one entry's names and values at most.
const ENTRY_BYTES_MAX: usize = 1 << 30;

pub(super) const XADD: Command = Command {
    name: "xadd",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec {
        notes: "UPDATE instead of INSERT because of the optional trimming feature",
        ..KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))
    }],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(1) to add, O(N) to trim with N entries dropped",
    summary: "Adds an entry to a stream, which it creates if needed.",
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key"),
        Argument::word("nomkstream", "NOMKSTREAM").since("6.2.0").optional(),
        REFERENCES.since("8.2.0").optional(),
        OPTION.since("8.6.0").optional(),
        Argument::block("trim", TRIM_PARTS).optional(),
        Argument::one_of(
            "id-selector",
            &[Argument::word("auto-id", "*"), Argument::new("id", ArgumentKind::String)],
        ),
        Argument::block(
            "data",
            &[
                Argument::new("field", ArgumentKind::String),
                Argument::new("value", ArgumentKind::String),
            ],
        )
        .multiple(),
    ],
    short_args_max: usize::MAX,
    run: xadd,
    ..Command::DEFAULT
};

/// What XADD was asked to do.
struct Addition<'a> {
    wanted: NewStreamId,
    id_at: usize,
    trim: Option<Trim>,
    options: TrimOptions,
    creates: bool,
    /// Who sends the entry, if it is not to be added again.
    sender: Option<Sender<'a>>,
}

fn parse(args: Args<'_>, entries_max: usize) -> Result<Addition<'_>, CommandError> {
    let (mut options, mut creates, mut at, mut wanted) = (TrimOptions::default(), true, 2, None);
    let mut sender = None;
    while at < args.len() && wanted.is_none() {
        let word = args.at(at);
        if word == b"*" {
            wanted = Some(NewStreamId::Automatic);
            break;
        }
        match options.take(args, at)? {
            0 if args.is_word(at, "NOMKSTREAM") => {
                creates = false;
                at += 1;
            }
            0 => match Sender::take(&mut sender, args, at)? {
                0 => wanted = Some(NewStreamId::parse(word).ok_or(BAD_ID)?),
                taken => at += taken,
            },
            taken => at += taken,
        }
    }
    if sender.is_some() && wanted.is_some_and(|wanted| wanted != NewStreamId::Automatic) {
        return Err(CommandError::refused(
            "ERR syntax error, IDMP/IDMPAUTO can be used only with auto-generated IDs",
        ));
    }
    let trim = options.trim(entries_max)?;
    let field_words = args.len().saturating_sub(at + 1);
    match wanted {
        Some(wanted) if field_words >= 2 && field_words.is_multiple_of(2) => {
            Ok(Addition { wanted, id_at: at, trim, options, creates, sender })
        }
        _ => Err(CommandError::wrong_arity("xadd")),
    }
}

fn xadd(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    let addition = parse(args, context.tuning.stream_blocks.entries_max)?;
    let fields = args.from(addition.id_at + 1);
    if fields.total_bytes() > ENTRY_BYTES_MAX {
        return Err(CommandError::refused("ERR Elements are too large to be stored"));
    }
    if addition.wanted == NewStreamId::Exact(StreamId::MIN) {
        return Err(refusal(IdRefusal::Zero));
    }
    let stamp = addition.sender.map(|sender| sender.stamp(fields));
    let entry = NewEntry { addition: &addition, fields, stamp, now_ms: context.now_ms };
    let key = context.key(1);
    let outcome = match context.keys.get_mut(&key) {
        Some(mut found) => {
            let mut stream = edit(&mut found)?;
            if let Some(sent) =
                stamp.and_then(|stamp| stamp.find_sent(stream.parts_mut(), context.now_ms))
            {
                context.reply.bulk(sent.text().as_bytes());
                return Ok(());
            }
            entry.append_to(&mut stream, context.tuning)?
        }
        None if !addition.creates => {
            context.reply.null();
            return Ok(());
        }
        None => {
            let mut stream = Stream::new();
            let outcome = entry.append_to(&mut stream, context.tuning)?;
            context.keys.create(&key, stream);
            outcome
        }
    };
    let id_text = outcome.id.text();
    context.reply.bulk(id_text.as_bytes());
    context.effects.changed(1);
    context.notify(Event::XADD, &key);
    if outcome.dropped_count > 0 {
        context.notify(Event::XTRIM, &key);
    }
    let is_literal = matches!(addition.wanted, NewStreamId::Exact(_)) && outcome.exact.is_none();
    if context.effects.is_recorded() && !is_literal {
        repeat(context, &addition, id_text.as_bytes(), outcome.exact);
        if let Some(stamp) = stamp {
            stamp.state(context, id_text.as_bytes());
        }
    }
    Ok(())
}

/// An entry that is to be added.
struct NewEntry<'a> {
    addition: &'a Addition<'a>,
    fields: Args<'a>,
    stamp: Option<Stamp<'a>>,
    now_ms: u64,
}

/// An entry that was added.
struct Added {
    id: StreamId,
    /// How the trim is repeated, if not literally.
    exact: Option<ExactTrim>,
    dropped_count: u64,
}

impl NewEntry<'_> {
    /// Adds the entry and trims.
    #[inline]
    fn append_to(&self, stream: &mut Stream, tuning: &Tuning) -> Result<Added, CommandError> {
        let parts = stream.parts_mut();
        let log = &mut parts.log;
        let id = log.new_id(self.addition.wanted, self.now_ms).map_err(refusal)?;
        log.append(id, self.fields.iter(), tuning.stream_blocks);
        if let Some(stamp) = &self.stamp {
            stamp.record(parts, id, tuning.stream_producers, self.now_ms);
        }
        let Some(trim) = &self.addition.trim else {
            return Ok(Added { id, exact: None, dropped_count: 0 });
        };
        let references = self.addition.options.references;
        let dropped_count = stream.trim(trim, references);
        let exact = trim.is_approximate.then(|| ExactTrim::new(trim, references, stream));
        Ok(Added { id, exact, dropped_count })
    }
}

fn refusal(refusal: IdRefusal) -> CommandError {
    CommandError::refused(match refusal {
        IdRefusal::Zero => "ERR The ID specified in XADD must be greater than 0-0",
        IdRefusal::Exhausted => {
            "ERR The stream has exhausted the last possible ID, unable to add more items"
        }
        IdRefusal::NotBehindLast => {
            "ERR The ID specified in XADD is equal or smaller than the target stream top item"
        }
    })
}

/// States the command with the identifier it has given and, for an approximate trim, exactly what it
/// has left.
#[cold]
fn repeat(context: &mut Context<'_>, addition: &Addition<'_>, id: &[u8], exact: Option<ExactTrim>) {
    let args = context.args;
    let mut words: Vec<&[u8]> = vec![args.at(0), args.at(1)];
    match &exact {
        Some(exact) => {
            if !addition.creates {
                words.push(b"NOMKSTREAM");
            }
            exact.push_to(&mut words);
        }
        None => words.extend(options(addition, args)),
    }
    words.push(id);
    words.extend(args.from(addition.id_at + 1).iter());
    context.effects.push(context.session.db, &words);
}

/// Returns the options as they came, apart from that about a sender.
fn options<'a>(addition: &'a Addition<'_>, args: Args<'a>) -> impl Iterator<Item = &'a [u8]> {
    let sender = addition.sender.as_ref().map_or(0..0, Sender::places);
    (2..addition.id_at).filter(move |at| !sender.contains(at)).map(move |at| args.at(at))
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn identifiers_follow_the_clock_and_never_go_back() {
        let mut bench = Bench::new();
        let now = bench.now_ms();
        assert_eq!(bench.say("XADD s * f v"), format!("\"{now}-0\""));
        assert_eq!(bench.say("XADD s * f v"), format!("\"{now}-1\""));
        bench.advance(5);
        assert_eq!(bench.say("XADD s * f v"), format!("\"{}-0\"", now + 5));
        let behind =
            "ERR The ID specified in XADD is equal or smaller than the target stream top item";
        let last = "18446744073709551615-18446744073709551615";
        bench.expect(&[
            ("XADD s 5 f v", behind),
            ("XADD s 5-* f v", behind),
            ("XADD s 0-0 f v", "ERR The ID specified in XADD must be greater than 0-0"),
            ("XADD t 0-* f v", "\"0-1\""),
            ("XADD t 7-* f v", "\"7-0\""),
            ("XADD t 7-* f v", "\"7-1\""),
            ("XADD t 18446744073709551615-* f v", "\"18446744073709551615-0\""),
            (&format!("XADD t {last} f v"), &format!("\"{last}\"")),
            (
                "XADD t * f v",
                "ERR The stream has exhausted the last possible ID, unable to add more items",
            ),
        ]);
    }

    #[test]
    fn an_entry_needs_an_identifier_and_pairs() {
        let mut bench = Bench::new();
        let arity = "ERR wrong number of arguments for 'xadd' command";
        let bad_id = "ERR Invalid stream ID specified as stream command argument";
        bench.expect(&[
            ("XADD s 1-1 f v g", arity),
            ("XADD s MAXLEN 5 *", arity),
            ("XADD s NOMKSTREAM NOMKSTREAM NOMKSTREAM", arity),
            ("XADD s foo f v", bad_id),
            ("XADD s - f v", bad_id),
            ("XADD s NOMKSTREAM * f v", "(nil)"),
            ("EXISTS s", "0"),
            ("SET text x", "OK"),
            (
                "XADD text * f v",
                "WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
        ]);
    }

    #[test]
    fn effects_name_the_identifier_and_trim_exactly() {
        let mut bench = Bench::with_settings("stream-node-max-entries 2");
        let now = bench.now_ms();
        bench.expect_effects("XADD s 1-1 f v", &["0: XADD s 1-1 f v"]);
        bench.expect_effects("XADD s 1-* f v", &["0: XADD s 1-2 f v"]);
        bench
            .expect_effects("XADD s MAXLEN ~ 1 LIMIT 9 2-1 f v", &["0: XADD s MAXLEN = 1 2-1 f v"]);
        let expected = format!("0: XADD s NOMKSTREAM MAXLEN 7 {now}-0 f v");
        bench.expect_effects("XADD s NOMKSTREAM MAXLEN 7 * f v", &[&expected]);
        let expected = format!("0: XADD s MINID = 2-1 {now}-1 f v");
        bench.expect_effects("XADD s MINID ~ 2-1 * f v", &[&expected]);
    }
}
