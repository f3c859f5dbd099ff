//! Trimming: XTRIM, and the options of it that XADD takes too.

use super::value::{edit, id, integer};
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Effects, Event,
    Flags, Group, KeyFlags, KeySpec,
};
use crate::types::{References, Stream, Trim, TrimGoal};

/// Blocks' worth of entries an approximate trim drops at once at most, unless told otherwise.
const LIMIT_BLOCKS: u64 = 100;
/// The limit when blocks have none, and the largest one that is chosen without being told.
const LIMIT_DEFAULT: u64 = 10_000;
const LIMIT_MAX: u64 = 1_000_000;

/// How entries that groups refer to are treated.
pub(super) const REFERENCES: Argument = Argument::one_of(
    "condition",
    &[
        Argument::word("keepref", "KEEPREF"),
        Argument::word("delref", "DELREF"),
        Argument::word("acked", "ACKED"),
    ],
);

/// The parts of the trimming option.
pub(super) const TRIM_PARTS: &[Argument] = &[
    Argument::one_of(
        "strategy",
        &[Argument::word("maxlen", "MAXLEN"), Argument::word("minid", "MINID").since("6.2.0")],
    ),
    Argument::one_of(
        "operator",
        &[Argument::word("equal", "="), Argument::word("approximately", "~")],
    )
    .optional(),
    Argument::new("threshold", ArgumentKind::String),
    Argument::new("count", ArgumentKind::Integer).after("LIMIT").since("6.2.0").optional(),
];

/// Options that say how a stream is trimmed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TrimOptions {
    goal: Option<TrimGoal>,
    is_approximate: bool,
    limit: Option<u64>,
    pub(super) references: References,
}

impl TrimOptions {
    /// Takes the option at a position; returns how many arguments it has, 0 if it is none.
    ///
    /// # Errors
    /// A value that makes no sense, or a second goal.
    pub(super) fn take(&mut self, args: Args<'_>, at: usize) -> Result<usize, CommandError> {
        let has_value = at + 1 < args.len();
        if has_value && args.is_word(at, "MAXLEN") {
            self.take_goal(args, at, |value| match u64::try_from(integer(value)?) {
                Ok(count) => Ok(TrimGoal::MaxLength(count)),
                Err(_) => Err(CommandError::refused("ERR The MAXLEN argument must be >= 0.")),
            })
        } else if has_value && args.is_word(at, "MINID") {
            self.take_goal(args, at, |value| id(value).map(TrimGoal::MinId))
        } else if has_value && args.is_word(at, "LIMIT") {
            const NEGATIVE: CommandError =
                CommandError::refused("ERR The LIMIT argument must be >= 0.");
            let limit = u64::try_from(integer(args.at(at + 1))?).map_err(|_| NEGATIVE)?;
            self.limit = Some(limit);
            Ok(2)
        } else if let Some(references) = references_word(args, at) {
            self.references = references;
            Ok(1)
        } else {
            Ok(0)
        }
    }

    fn take_goal(
        &mut self,
        args: Args<'_>,
        at: usize,
        parse: impl FnOnce(&[u8]) -> Result<TrimGoal, CommandError>,
    ) -> Result<usize, CommandError> {
        if self.goal.is_some() {
            return Err(CommandError::refused(
                "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ));
        }
        let has_operator = at + 2 < args.len() && matches!(args.at(at + 1), b"~" | b"=");
        self.is_approximate = has_operator && args.at(at + 1) == b"~";
        let value = at + 1 + usize::from(has_operator);
        self.goal = Some(parse(args.at(value))?);
        Ok(value + 1 - at)
    }

    /// Returns how to trim once all options have been taken; `None` for not at all.
    ///
    /// # Errors
    /// A limit without a goal that it may limit.
    pub(super) fn trim(&self, entries_max: usize) -> Result<Option<Trim>, CommandError> {
        let Some(goal) = self.goal else {
            return if self.limit.is_none_or(|limit| limit == 0) {
                Ok(None)
            } else {
                Err(CommandError::refused(
                    "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
                ))
            };
        };
        if self.limit.is_some() && !self.is_approximate {
            return Err(CommandError::refused(
                "ERR syntax error, LIMIT cannot be used without the special ~ option",
            ));
        }
        let limit = match self.limit {
            Some(limit) => (limit > 0).then_some(limit),
            None => self.is_approximate.then(|| default_limit(entries_max)),
        };
        Ok(Some(Trim { goal, is_approximate: self.is_approximate, limit }))
    }
}

fn default_limit(entries_max: usize) -> u64 {
    match (entries_max as u64).saturating_mul(LIMIT_BLOCKS) {
        0 => LIMIT_DEFAULT,
        limit => limit.min(LIMIT_MAX),
    }
}

/// Returns how references are to be treated if the argument at a position says so.
pub(super) fn references_word(args: Args<'_>, at: usize) -> Option<References> {
    let words = [
        ("KEEPREF", References::Keep),
        ("DELREF", References::Remove),
        ("ACKED", References::Acknowledged),
    ];
    words.into_iter().find(|(word, _)| args.is_word(at, word)).map(|(_, references)| references)
}

/// Returns the word for a treatment of references that is not the default.
fn word_of(references: References) -> Option<&'static [u8]> {
    match references {
        References::Keep => None,
        References::Remove => Some(b"DELREF"),
        References::Acknowledged => Some(b"ACKED"),
    }
}

/// The words that repeat a trim exactly, whatever limits or blocks there are.
pub(super) struct ExactTrim {
    references: Option<&'static [u8]>,
    is_by_id: bool,
    has_operator: bool,
    threshold: Vec<u8>,
}

impl ExactTrim {
    /// Returns the words for a trim that has come to its end.
    pub(super) fn new(trim: &Trim, references: References, stream: &Stream) -> Self {
        let log = stream.log();
        let exact = match trim.goal {
            goal if !trim.is_approximate => goal,
            TrimGoal::MaxLength(_) => TrimGoal::MaxLength(log.len()),
            TrimGoal::MinId(_) => TrimGoal::MinId(log.first_id()),
        };
        let threshold = match exact {
            TrimGoal::MaxLength(count) => count.to_string().into_bytes(),
            TrimGoal::MinId(id) => id.text().as_bytes().to_vec(),
        };
        let is_by_id = matches!(exact, TrimGoal::MinId(_));
        let references = word_of(references);
        Self { references, is_by_id, has_operator: trim.is_approximate, threshold }
    }

    /// Appends the words.
    pub(super) fn push_to<'a>(&'a self, words: &mut Vec<&'a [u8]>) {
        words.extend(self.references);
        words.push(if self.is_by_id { b"MINID" } else { b"MAXLEN" });
        if self.has_operator {
            words.push(b"=");
        }
        words.push(&self.threshold);
    }
}

pub(super) const XTRIM: Command = Command {
    name: "xtrim",
    arity: -4,
    flags: Flags::WRITE,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N) in the entries dropped, little for each: whole blocks go at once",
    summary: "Drops the oldest entries of a stream.",
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key"),
        Argument::block("trim", TRIM_PARTS),
        REFERENCES.since("8.2.0").optional(),
    ],
    wakes_nobody: true,
    run: xtrim,
    ..Command::DEFAULT
};

fn xtrim(context: &mut Context<'_>) -> Result<(), CommandError> {
    let (args, mut options, mut at) = (context.args, TrimOptions::default(), 2);
    while at < args.len() {
        match options.take(args, at)? {
            0 => return Err(CommandError::Syntax),
            taken => at += taken,
        }
    }
    let Some(trim) = options.trim(context.tuning.stream_blocks.entries_max)? else {
        return Err(CommandError::refused(
            "ERR syntax error, XTRIM must be called with a trimming strategy",
        ));
    };
    let key = context.key(1);
    let Some(mut entry) = context.keys.get_mut(&key) else {
        context.reply.integer(0);
        return Ok(());
    };
    let mut stream = edit(&mut entry)?;
    let dropped = stream.trim(&trim, options.references);
    if dropped > 0 {
        context.effects.changed(dropped);
        if trim.is_approximate {
            let exact = ExactTrim::new(&trim, options.references, &stream);
            repeat_trim(context.effects, context.session.db, key.bytes, &exact);
        }
    }
    drop(stream);
    if dropped > 0 {
        context.notify(Event::XTRIM, &key);
    }
    context.reply.integer(dropped.cast_signed());
    Ok(())
}

fn repeat_trim(effects: &mut Effects, db: u32, key: &[u8], exact: &ExactTrim) {
    let mut words: Vec<&[u8]> = vec![b"XTRIM", key];
    exact.push_to(&mut words);
    effects.push(db, &words);
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    const BLOCKS: &str = "stream-node-max-entries 10";

    fn filled(count: usize) -> Bench {
        let mut bench = Bench::with_settings(BLOCKS);
        for ms in 1..=count {
            bench.say(&format!("XADD s {ms}-0 f v"));
        }
        bench
    }

    #[test]
    fn exact_trims_drop_what_is_asked_and_are_repeated_as_they_came() {
        let mut bench = filled(25);
        bench.effects();
        bench.expect(&[
            ("XTRIM s MAXLEN 20", "5"),
            ("XTRIM s MAXLEN = 20", "0"),
            ("XTRIM s MINID 8", "2"),
            ("XLEN s", "18"),
            ("XTRIM none MAXLEN 5", "0"),
        ]);
        assert_eq!(bench.effects(), ["0: XTRIM s MAXLEN 20", "0: XTRIM s MINID 8"]);
    }

    #[test]
    fn approximate_trims_drop_whole_blocks_and_are_repeated_exactly() {
        let mut bench = filled(45);
        bench.expect_effects("XTRIM s MAXLEN ~ 40", &[]);
        bench.expect_effects("XTRIM s MAXLEN ~ 32", &["0: XTRIM s MAXLEN = 35"]);
        bench.expect_effects("XTRIM s MINID ~ 35 LIMIT 10", &["0: XTRIM s MINID = 21-0"]);
        bench.expect_effects("XTRIM s MAXLEN ~ 0", &["0: XTRIM s MAXLEN = 0"]);
        assert_eq!(bench.say("XLEN s"), "0");
        assert_eq!(bench.say("EXISTS s"), "1");
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let mut bench = Bench::new();
        let other =
            "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
        let unlimited = "ERR syntax error, LIMIT cannot be used without the special ~ option";
        let aimless =
            "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
        bench.expect(&[
            ("XTRIM s FOO 1", "ERR syntax error"),
            ("XTRIM s MAXLEN 1 MINID 1", other),
            ("XTRIM s MAXLEN 1 LIMIT 1", unlimited),
            ("XTRIM s LIMIT 1", aimless),
            ("XTRIM s MAXLEN -1", "ERR The MAXLEN argument must be >= 0."),
            ("XTRIM s MAXLEN ~ 1 LIMIT -1", "ERR The LIMIT argument must be >= 0."),
            ("XTRIM s LIMIT 0", "ERR syntax error, XTRIM must be called with a trimming strategy"),
            ("XTRIM s MINID x", "ERR Invalid stream ID specified as stream command argument"),
        ]);
    }

    #[test]
    fn trimming_can_spare_what_groups_refer_to() {
        let mut bench = filled(10);
        bench.expect(&[
            ("XGROUP CREATE s g 0", "OK"),
            ("XREADGROUP GROUP g c COUNT 1 STREAMS s >", "[[\"s\", [[\"1-0\", [\"f\", \"v\"]]]]]"),
            ("XACK s g 1-0", "1"),
            ("XTRIM s ACKED MAXLEN 5", "1"),
            ("XLEN s", "9"),
            ("XTRIM s DELREF MAXLEN 5", "4"),
        ]);
    }
}
