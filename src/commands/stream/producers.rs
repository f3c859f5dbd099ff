//! Adding an entry once however often it is sent: XADD's IDMP and IDMPAUTO, XCFGSET, XIDMPRECORD.
//!
//! Effects state an entry and the token it stands for apart, as an XADD and an XIDMPRECORD, so that
//! whoever repeats them decides nothing. An entry that was sent again is no effect: all that changes
//! is a count.

use std::ops::Range;

use super::value::{edit, id, integer};
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::types::{Parts, ProducerLimits, Producers, StreamId};

/// The option of XADD.
pub(super) const OPTION: Argument = Argument::one_of(
    "idmp",
    &[
        Argument::new("pid", ArgumentKind::String).shown_as("producer-id").after("IDMPAUTO"),
        Argument::block(
            "idmp",
            &[
                Argument::new("pid", ArgumentKind::String).shown_as("producer-id"),
                Argument::new("iid", ArgumentKind::String).shown_as("idempotent-id"),
            ],
        )
        .after("IDMP"),
    ],
);

/// Who sends an entry, and how he knows it again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender<'a> {
    producer: &'a [u8],
    /// `None`: by what is in it.
    token: Option<&'a [u8]>,
    /// Where the option stands.
    at: usize,
}

impl<'a> Sender<'a> {
    /// Returns where the option and its arguments stand.
    pub(super) fn places(&self) -> Range<usize> {
        self.at..self.at + 2 + usize::from(self.token.is_some())
    }

    /// Takes the option at a position of XADD into `sender`; returns how many arguments it has, 0 if it
    /// is none.
    ///
    /// # Errors
    /// It stands twice, or something is empty.
    pub(super) fn take(
        sender: &mut Option<Self>,
        args: Args<'a>,
        at: usize,
    ) -> Result<usize, CommandError> {
        const TWICE: &str = "ERR syntax error, IDMP/IDMPAUTO specified multiple times";
        let behind = args.len() - 1 - at;
        let is_automatic = behind >= 1 && args.is_word(at, "IDMPAUTO");
        let is_named = behind >= 2 && args.is_word(at, "IDMP");
        if !is_automatic && !is_named {
            return Ok(0);
        }
        if sender.is_some() {
            return Err(CommandError::refused(TWICE));
        }
        let producer = args.at(at + 1);
        let token = (!is_automatic).then(|| args.at(at + 2));
        if producer.is_empty() {
            return Err(CommandError::refused(if is_automatic {
                "ERR syntax error, IDMPAUTO requires a non-empty producer ID"
            } else {
                "ERR syntax error, IDMP requires a non-empty producer ID"
            }));
        }
        if token.is_some_and(<[u8]>::is_empty) {
            return Err(CommandError::refused(
                "ERR syntax error, IDMP requires a non-empty idempotent ID",
            ));
        }
        let taken = Self { producer, token, at };
        *sender = Some(taken);
        Ok(taken.places().len())
    }

    /// Returns the producer, and the token of an entry with these names and values.
    pub(super) fn stamp(self, fields: Args<'_>) -> Stamp<'a> {
        match self.token {
            Some(token) => Stamp { producer: self.producer, token: Token::Given(token) },
            None => Stamp { producer: self.producer, token: Token::Made(digest(fields)) },
        }
    }
}

/// A producer and the token by which he knows an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp<'a> {
    producer: &'a [u8],
    token: Token<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Token<'a> {
    Given(&'a [u8]),
    Made([u8; 16]),
}

impl Stamp<'_> {
    fn token(&self) -> &[u8] {
        match &self.token {
            Token::Given(token) => token,
            Token::Made(digest) => digest,
        }
    }

    /// Returns the entry that was added for this stamp, if the stream still knows; counts that.
    pub(super) fn find_sent(&self, parts: &mut Parts, now_ms: u64) -> Option<StreamId> {
        let producers = parts.producers.as_deref_mut()?;
        let sent = producers.find(self.producer, self.token(), now_ms)?;
        producers.counts.duplicates += 1;
        Some(sent)
    }

    /// Notes that an entry was added for this stamp.
    pub(super) fn record(
        &self,
        parts: &mut Parts,
        id: StreamId,
        limits: ProducerLimits,
        now_ms: u64,
    ) {
        opened(parts, limits).record(self.producer, self.token(), id, now_ms);
    }

    /// States that an entry was added for this stamp.
    pub(super) fn state(&self, context: &mut Context<'_>, id: &[u8]) {
        let words: [&[u8]; 5] =
            [b"XIDMPRECORD", context.args.at(1), self.producer, self.token(), id];
        context.effects.push(context.session.db, &words);
    }
}

/// Returns the producers of a stream, which get these limits if there were none yet.
fn opened(parts: &mut Parts, limits: ProducerLimits) -> &mut Producers {
    parts.producers.get_or_insert_with(|| Box::new(Producers::new(limits)))
}

/// Returns a digest of names and values that does not depend on the order of the pairs: XXH3 with 128
/// bits of each pair, combined by exclusive or, as the originals have it in their files.
fn digest(fields: Args<'_>) -> [u8; 16] {
    let mut sum = 0;
    for at in (0..fields.len()).step_by(2) {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        hasher.update(fields.at(at));
        hasher.update(fields.at(at + 1));
        sum ^= hasher.digest128();
    }
    sum.to_le_bytes()
}

pub(super) const XCFGSET: Command = Command {
    name: "xcfgset",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::STREAM,
    since: "8.6.0",
    group: Group::Stream,
    complexity: "O(1), or O(N) in the entries that producers have named when limits change",
    summary: "Sets for how long a stream knows what its producers have sent.",
    arguments: &[
        Argument::key("key"),
        Argument::new("idmp-duration", ArgumentKind::Integer).after("IDMP-DURATION").optional(),
        Argument::new("idmp-maxsize", ArgumentKind::Integer).after("IDMP-MAXSIZE").optional(),
    ],
    wakes_nobody: true,
    run: xcfgset,
    ..Command::DEFAULT
};

/// What XCFGSET sets.
#[derive(Clone, Copy, Debug, Default)]
struct Change {
    duration_s: Option<u32>,
    tokens_max: Option<u32>,
}

impl Change {
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let (mut change, mut at) = (Self::default(), 2);
        while at < args.len() {
            let has_value = at + 1 < args.len();
            let (place, name, unit, max) = if has_value && args.is_word(at, "IDMP-DURATION") {
                let max = ProducerLimits::DURATION_S_MAX;
                (&mut change.duration_s, "IDMP-DURATION", "seconds", max)
            } else if has_value && args.is_word(at, "IDMP-MAXSIZE") {
                let max = ProducerLimits::TOKENS_MAX;
                (&mut change.tokens_max, "IDMP-MAXSIZE", "entries", max)
            } else {
                return Err(CommandError::Syntax);
            };
            if place.is_some() {
                let text = format!("ERR {name} specified multiple times");
                return Err(CommandError::Quoting(text.into_bytes()));
            }
            let number = u32::try_from(integer(args.at(at + 1))?).ok();
            *place = Some(number.filter(|number| (1..=max).contains(number)).ok_or_else(|| {
                let text = format!("ERR {name} must be between 1 and {max} {unit}");
                CommandError::Quoting(text.into_bytes())
            })?);
            at += 2;
        }
        match change {
            Self { duration_s: None, tokens_max: None } => {
                Err(CommandError::refused("ERR At least one parameter must be specified"))
            }
            _ => Ok(change),
        }
    }

    fn of(self, limits: ProducerLimits) -> ProducerLimits {
        ProducerLimits {
            duration_s: self.duration_s.unwrap_or(limits.duration_s),
            tokens_max: self.tokens_max.unwrap_or(limits.tokens_max),
        }
    }
}

fn xcfgset(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, defaults) = (context.key(1), context.tuning.stream_producers);
    let mut entry = context.keys.get_mut(&key).ok_or(CommandError::NoSuchKey)?;
    let mut stream = edit(&mut entry)?;
    let change = Change::parse(context.args)?;
    let parts = stream.parts_mut();
    let before = parts.producers.as_ref().map(|producers| producers.limits());
    let limits = change.of(before.unwrap_or(defaults));
    opened(parts, defaults).set_limits(limits);
    drop(stream);
    if before != Some(limits) {
        context.effects.changed(1);
    }
    context.reply.ok();
    Ok(())
}

pub(super) const XIDMPRECORD: Command = Command {
    name: "xidmprecord",
    arity: 5,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::STREAM,
    since: "8.6.2",
    group: Group::Stream,
    summary: "Notes which entry a producer has sent, as files of commands and replicas are told.",
    arguments: &[
        Argument::key("key"),
        Argument::new("pid", ArgumentKind::String),
        Argument::new("iid", ArgumentKind::String),
        Argument::new("stream-id", ArgumentKind::String),
    ],
    wakes_nobody: true,
    run: xidmprecord,
    ..Command::DEFAULT
};

fn xidmprecord(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (key, args, now_ms) = (context.key(1), context.args, context.now_ms);
    let (producer, token, id) = (args.at(2), args.at(3), id(args.at(4))?);
    if producer.is_empty() {
        return Err(CommandError::refused("ERR producer ID must be non-empty"));
    }
    if token.is_empty() {
        return Err(CommandError::refused("ERR idempotent ID must be non-empty"));
    }
    let mut entry = context.keys.get_mut(&key).ok_or(CommandError::NoSuchKey)?;
    let mut stream = edit(&mut entry)?;
    if stream.log().get(id).is_none() {
        return Err(CommandError::refused("ERR No such message in stream"));
    }
    let producers = opened(stream.parts_mut(), context.tuning.stream_producers);
    match producers.find(producer, token, now_ms) {
        Some(known) if known != id => {
            return Err(CommandError::refused(
                "ERR IID already exists for this producer with a different stream ID",
            ));
        }
        Some(_) => {}
        None => {
            producers.record(producer, token, id, now_ms);
            context.effects.changed(1);
        }
    }
    context.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    /// Returns the pairs about producers in XINFO STREAM.
    fn facts(bench: &mut Bench, key: &str) -> String {
        let info = bench.say(&format!("XINFO STREAM {key}"));
        let (_, facts) = info.split_once("\"idmp-duration\", ").expect("they stand there");
        let (facts, _) = facts.split_once(", \"groups\"").expect("groups follow");
        let is_number = |word: &&str| !word.starts_with('"');
        facts.split(", ").filter(is_number).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_entry_sent_again_is_not_added_again() {
        let mut bench = Bench::new();
        let now = bench.now_ms();
        let first = format!("\"{now}-0\"");
        bench.expect(&[
            ("XADD s IDMP p a * f v", &first),
            ("XADD s NOMKSTREAM IDMP p a MAXLEN 0 * g w", &first),
            ("XADD s idmp q a * f v", &format!("\"{now}-1\"")),
            ("XADD s MAXLEN ~ 100 IDMP p b * f v", &format!("\"{now}-2\"")),
            ("XADD s IDMPAUTO p * f v g w", &format!("\"{now}-3\"")),
            ("XADD s IDMPAUTO p * g w f v", &format!("\"{now}-3\"")),
            ("XADD s IDMPAUTO p * f w g v", &format!("\"{now}-4\"")),
            ("XLEN s", "5"),
        ]);
        assert_eq!(facts(&mut bench, "s"), "100 100 2 5 5 2");
    }

    #[test]
    fn producers_are_checked_as_the_originals_check_them() {
        let mut bench = Bench::new();
        let bad_id = "ERR Invalid stream ID specified as stream command argument";
        let twice = "ERR syntax error, IDMP/IDMPAUTO specified multiple times";
        let exact = "ERR syntax error, IDMP/IDMPAUTO can be used only with auto-generated IDs";
        bench.expect(&[
            ("XADD s IDMP p * f v", bad_id),
            ("XADD s IDMP p", "ERR wrong number of arguments for 'xadd' command"),
            ("XADD s IDMP p a 1-1 f v", exact),
            ("XADD s IDMPAUTO p 1-* f v", exact),
            ("XADD s IDMP p a IDMP q b * f v", twice),
            ("XADD s IDMPAUTO p IDMP q b * f v", twice),
            ("XADD s IDMPAUTO p IDMPAUTO q * f v", twice),
            ("XADD s NOMKSTREAM IDMP p a * f v", "(nil)"),
            ("EXISTS s", "0"),
        ]);
        for (words, what) in [
            (&["IDMP", "", "a"][..], "IDMP requires a non-empty producer ID"),
            (&["IDMP", "p", ""], "IDMP requires a non-empty idempotent ID"),
            (&["IDMPAUTO", ""], "IDMPAUTO requires a non-empty producer ID"),
        ] {
            let all = [&["XADD", "s"], words, &["*", "f", "v"]].concat();
            let bytes: Vec<&[u8]> = all.iter().map(|word| word.as_bytes()).collect();
            assert_eq!(bench.tell(&bytes), format!("ERR syntax error, {what}"));
        }
    }

    #[test]
    fn what_was_sent_is_forgotten_in_time_and_by_number() {
        let mut bench = Bench::with_settings("stream-idmp-duration 10\nstream-idmp-maxsize 2");
        let now = bench.now_ms();
        bench.say("XADD s IDMP p a * f v");
        bench.advance(9_999);
        assert_eq!(bench.say("XADD s IDMP p a * f v"), format!("\"{now}-0\""));
        bench.advance(1);
        assert_eq!(facts(&mut bench, "s"), "10 2 0 0 1 1");
        assert_eq!(bench.say("XADD s IDMP p a * f v"), format!("\"{}-0\"", now + 10_000));
        bench.say("XADD s IDMP p b * f v");
        bench.say("XADD s IDMP p c * f v");
        assert_eq!(facts(&mut bench, "s"), "10 2 1 2 4 1");
        assert_eq!(bench.say("XADD s IDMP p a * f v"), format!("\"{}-3\"", now + 10_000));
    }

    #[test]
    fn limits_of_a_stream_can_be_set() {
        let mut bench = Bench::new();
        let now = bench.now_ms();
        let not_an_integer = "ERR value is not an integer or out of range";
        bench.expect(&[
            ("XCFGSET s IDMP-DURATION 5", "ERR no such key"),
            ("SET text x", "OK"),
            (
                "XCFGSET text IDMP-DURATION 0",
                "WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("XADD s IDMP p a * f v", &format!("\"{now}-0\"")),
            ("XCFGSET s", "ERR At least one parameter must be specified"),
            ("XCFGSET s IDMP-DURATION", "ERR syntax error"),
            ("XCFGSET s FOO 5", "ERR syntax error"),
            ("XCFGSET s IDMP-DURATION x", not_an_integer),
            ("XCFGSET s IDMP-DURATION 00", not_an_integer),
            ("XCFGSET s IDMP-DURATION 0", "ERR IDMP-DURATION must be between 1 and 86400 seconds"),
            (
                "XCFGSET s IDMP-MAXSIZE 10001",
                "ERR IDMP-MAXSIZE must be between 1 and 10000 entries",
            ),
            (
                "XCFGSET s IDMP-MAXSIZE 1 IDMP-MAXSIZE 1",
                "ERR IDMP-MAXSIZE specified multiple times",
            ),
            ("XCFGSET s IDMP-DURATION 100 IDMP-MAXSIZE 100", "OK"),
        ]);
        assert_eq!(facts(&mut bench, "s"), "100 100 1 1 1 0");
        bench.say("XCFGSET s IDMP-MAXSIZE 7");
        assert_eq!(facts(&mut bench, "s"), "100 7 0 0 1 0");
        assert_eq!(bench.say("XADD s IDMP p a * f v"), format!("\"{now}-1\""));
        bench.say("COPY s t");
        assert_eq!(facts(&mut bench, "t"), "100 7 1 1 2 0");
    }

    #[test]
    fn effects_state_the_entry_and_its_token() {
        let mut bench = Bench::new();
        let now = bench.now_ms();
        let added = format!("0: XADD s {now}-0 f v");
        let noted = format!("0: XIDMPRECORD s p a {now}-0");
        bench.expect_effects("XADD s IDMP p a * f v", &[&added, &noted]);
        bench.expect_effects("XADD s IDMP p a * f v", &[]);
        let added = format!("0: XADD s NOMKSTREAM MAXLEN = 2 {now}-1 f v");
        let noted = format!("0: XIDMPRECORD s q a {now}-1");
        bench.expect_effects("XADD s NOMKSTREAM IDMP q a MAXLEN ~ 9 * f v", &[&added, &noted]);
        let added = format!("0: XADD s MAXLEN 9 {now}-2 f v");
        let noted = format!("0: XIDMPRECORD s q b {now}-2");
        bench.expect_effects("XADD s MAXLEN 9 IDMP q b * f v", &[&added, &noted]);
        bench.expect_effects("XCFGSET s IDMP-DURATION 100", &[]);
        bench.expect_effects("XCFGSET s IDMP-DURATION 9", &["0: XCFGSET s IDMP-DURATION 9"]);
    }

    #[test]
    fn what_was_sent_can_be_noted_afterwards() {
        let mut bench = Bench::new();
        let now = bench.now_ms();
        let (one, two) = (format!("{now}-0"), format!("{now}-1"));
        bench.expect(&[
            ("XIDMPRECORD s p a 1-1", "ERR no such key"),
            ("XIDMPRECORD s p a x", "ERR Invalid stream ID specified as stream command argument"),
            ("XADD s * f v", &format!("\"{one}\"")),
            ("XADD s * f v", &format!("\"{two}\"")),
            ("XIDMPRECORD s p a 1-1", "ERR No such message in stream"),
            (&format!("XIDMPRECORD s p a {one}"), "OK"),
            (&format!("XIDMPRECORD s p a {one}"), "OK"),
            (
                &format!("XIDMPRECORD s p a {two}"),
                "ERR IID already exists for this producer with a different stream ID",
            ),
            ("XADD s IDMP p a * f v", &format!("\"{one}\"")),
        ]);
        assert_eq!(facts(&mut bench, "s"), "100 100 1 1 1 1");
        let empty: [&[u8]; 5] = [b"XIDMPRECORD", b"s", b"", b"a", b"1-1"];
        assert_eq!(bench.tell(&empty), "ERR producer ID must be non-empty");
        let empty: [&[u8]; 5] = [b"XIDMPRECORD", b"s", b"p", b"", b"1-1"];
        assert_eq!(bench.tell(&empty), "ERR idempotent ID must be non-empty");
    }

    #[test]
    fn a_made_token_is_that_of_the_originals_files() {
        let mut bench = Bench::new();
        let now = bench.now_ms();
        bench.say("XADD s * f v");
        let mut token = xxhash_rust::xxh3::xxh3_128(b"ab").to_le_bytes().to_vec();
        let other = xxhash_rust::xxh3::xxh3_128(b"cd").to_le_bytes();
        token.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
        let id = format!("{now}-0");
        let words: [&[u8]; 5] = [b"XIDMPRECORD", b"s", b"p", &token, id.as_bytes()];
        assert_eq!(bench.tell(&words), "OK");
        assert_eq!(bench.say("XADD s IDMPAUTO p * a b c d"), format!("\"{id}\""));
    }
}
