//! Running scripts: EVAL, EVALSHA and their reading forms.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::base::text;
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Engine, Flags, Group,
    KeyFlags, KeySpec, evaluate,
};
use crate::script::{Origin, Script, ScriptFlags, Scripts};
use crate::stats::Counter;

/// Characters of a digest in hexadecimal digits.
const DIGEST_CHARS: usize = 40;
/// Keys and arguments of a script that fit on the stack.
const GIVEN_INLINE: usize = 16;

/// What is true of every script.
const BASE: Flags =
    Flags::NOSCRIPT.and(Flags::SKIP_MONITOR).and(Flags::NO_MANDATORY_KEYS).and(Flags::MOVABLEKEYS);
pub(super) const READS_ONLY: Flags = BASE.and(Flags::STALE).and(Flags::READONLY);
/// Whether a script without flags writes is not known before.
pub(super) const FLAGS: Flags = BASE.and(Flags::STALE).and(Flags::MAY_REPLICATE);

pub(super) const WRITES: &[KeySpec] =
    &[KeySpec::counted(2, 1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))];
pub(super) const READS: &[KeySpec] = &[KeySpec::counted(2, 1, KeyFlags::RO.and(KeyFlags::ACCESS))];

pub(super) const fn arguments(first: &'static str) -> [Argument; 4] {
    [
        Argument::new(first, ArgumentKind::String),
        Argument::new("numkeys", ArgumentKind::Integer),
        Argument::key("key").optional().multiple(),
        Argument::new("arg", ArgumentKind::String).optional().multiple(),
    ]
}
const BY_TEXT: &[Argument] = &arguments("script");
const BY_DIGEST: &[Argument] = &arguments("sha1");

/// What all four have in common.
const COMMON: Command = Command {
    arity: -3,
    flags: FLAGS,
    keys: WRITES,
    acl: Categories::SCRIPTING,
    since: "2.6.0",
    group: Group::Scripting,
    complexity: "Depends on the script",
    arguments: BY_TEXT,
    ..Command::DEFAULT
};

pub(super) const EVAL: Command = Command {
    name: "eval",
    summary: "Runs a Lua script.",
    script_keeps_to_keys: Some(text_keeps_to_keys),
    flags_by_script: Some(|_, args| flags_of(ScriptFlags::of(args.at(1)), FLAGS)),
    run: |context| eval(context, false),
    ..COMMON
};

pub(super) const EVAL_RO: Command = Command {
    name: "eval_ro",
    flags: READS_ONLY,
    keys: READS,
    since: "7.0.0",
    summary: "Runs a Lua script that only reads.",
    script_keeps_to_keys: Some(text_keeps_to_keys),
    flags_by_script: Some(|_, args| flags_of(ScriptFlags::of(args.at(1)), READS_ONLY)),
    run: |context| eval(context, true),
    ..COMMON
};

pub(super) const EVALSHA: Command = Command {
    name: "evalsha",
    summary: "Runs a Lua script that the server knows, by its SHA1 digest.",
    arguments: BY_DIGEST,
    script_keeps_to_keys: Some(digest_keeps_to_keys),
    flags_by_script: Some(|engine, args| flags_of(flags_of_known(engine, args), FLAGS)),
    run: |context| evalsha(context, false),
    ..COMMON
};

pub(super) const EVALSHA_RO: Command = Command {
    name: "evalsha_ro",
    flags: READS_ONLY,
    keys: READS,
    since: "7.0.0",
    summary: "Runs a Lua script that the server knows and that only reads, by its SHA1 digest.",
    arguments: BY_DIGEST,
    script_keeps_to_keys: Some(digest_keeps_to_keys),
    flags_by_script: Some(|engine, args| flags_of(flags_of_known(engine, args), READS_ONLY)),
    run: |context| evalsha(context, true),
    ..COMMON
};

/// Returns how a command behaves that runs a script with these flags; `without` is how it does when
/// the script states none.
pub(in crate::commands) fn flags_of(script: ScriptFlags, without: Flags) -> Flags {
    if !script.has_shebang {
        return without;
    }
    let mut flags = BASE;
    for (applies, flag) in [
        (script.no_writes, Flags::READONLY),
        (!script.no_writes, Flags::WRITE),
        (!script.no_writes && !script.allow_oom, Flags::DENYOOM),
        (script.allow_stale, Flags::STALE),
    ] {
        flags = if applies { flags.and(flag) } else { flags };
    }
    flags
}

fn flags_of_known(engine: &Engine, args: Args<'_>) -> ScriptFlags {
    engine.scripts.get(args.at(1)).map(|script| script.flags).unwrap_or_default()
}

fn text_keeps_to_keys(engine: &Engine, args: Args<'_>) -> bool {
    keeps_to_keys(engine, args, &Scripts::digest(args.at(1)))
}

fn digest_keeps_to_keys(engine: &Engine, args: Args<'_>) -> bool {
    keeps_to_keys(engine, args, args.at(1))
}

fn keeps_to_keys(engine: &Engine, args: Args<'_>, digest: &[u8]) -> bool {
    let script = engine.scripts.get(digest);
    script.is_some_and(|script| engine.table.keeps_to_keys(&script.conduct, &arguments_of(args)))
}

/// Returns what a script or function is given beside its keys; nothing if the number of keys is wrong.
pub(super) fn arguments_of(args: Args<'_>) -> Vec<&[u8]> {
    let count = text::parse_i64(args.at(2)).and_then(|count| usize::try_from(count).ok());
    count.map_or_else(Vec::new, |count| args.from(3).iter().skip(count).collect())
}

fn eval(context: &mut Context<'_>, is_read_only: bool) -> Result<(), CommandError> {
    context.show_to_monitors();
    let key_count = key_count(context, CommandError::NotAnInteger)?;
    let script = load(context, context.args.at(1), Origin::Evaluated)?;
    run(context, &script, key_count, is_read_only)
}

fn evalsha(context: &mut Context<'_>, is_read_only: bool) -> Result<(), CommandError> {
    const NO_SCRIPT: CommandError =
        CommandError::refused("NOSCRIPT No matching script. Please use EVAL.");
    context.show_to_monitors();
    // A text that is no digest is refused before the number of keys is looked at.
    if context.args.at(1).len() != DIGEST_CHARS {
        return Err(NO_SCRIPT);
    }
    let key_count = key_count(context, CommandError::NotAnInteger)?;
    let script = context.engine.scripts.get(context.args.at(1)).ok_or(NO_SCRIPT)?;
    run(context, &script, key_count, is_read_only)
}

/// Remembers a script and returns it.
pub(super) fn load(
    context: &Context<'_>,
    body: &[u8],
    origin: Origin,
) -> Result<Arc<Script>, CommandError> {
    let scripts = &context.engine.scripts;
    if origin == Origin::Evaluated
        && let Some(script) = scripts.by_text(body)
    {
        return Ok(script);
    }
    let evicted_count = scripts.evicted_count();
    let script = scripts.load(&Bytes::copy_from_slice(body), origin);
    context.stats().add(Counter::EvictedScripts, scripts.evicted_count() - evicted_count);
    script.map_err(CommandError::refused_with)
}

/// Returns how many keys a script or function is given; `no_number` is what is said of what is none.
pub(super) fn key_count(
    context: &Context<'_>,
    no_number: CommandError,
) -> Result<usize, CommandError> {
    const TOO_MANY: CommandError =
        CommandError::refused("ERR Number of keys can't be greater than number of args");
    const NEGATIVE: CommandError = CommandError::refused("ERR Number of keys can't be negative");
    let count = text::parse_i64(context.args.at(2)).ok_or(no_number)?;
    let room = context.args.len() - 3;
    match usize::try_from(count) {
        Ok(count) if count <= room => Ok(count),
        Err(_) if count < 0 => Err(NEGATIVE),
        _ => Err(TOO_MANY),
    }
}

fn run(
    context: &mut Context<'_>,
    script: &Arc<Script>,
    key_count: usize,
    is_read_only: bool,
) -> Result<(), CommandError> {
    let given: SmallVec<[&[u8]; GIVEN_INLINE]> = context.args.from(3).iter().collect();
    evaluate(context, script, given.split_at(key_count), is_read_only)
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;
    use crate::script::Origin;

    fn eval(bench: &mut Bench, script: &str, keys: &[&str], args: &[&str]) -> String {
        let count = keys.len().to_string();
        let mut words: Vec<&[u8]> = vec![b"EVAL", script.as_bytes(), count.as_bytes()];
        words.extend(keys.iter().chain(args).map(|word| word.as_bytes()));
        bench.tell(&words)
    }

    #[test]
    fn a_script_runs_under_its_declared_keys_and_is_one_effect() {
        let mut bench = Bench::new();
        let script = "redis.call('SET', KEYS[1], ARGV[1]) redis.call('EXPIRE', KEYS[1], 10) \
                      return redis.call('GET', KEYS[1])";
        assert_eq!(eval(&mut bench, script, &["a"], &["1"]), "\"1\"");
        assert_eq!(
            bench.effects(),
            ["0: MULTI", "0: SET a 1", "0: PEXPIREAT a 1700000010000", "0: EXEC"]
        );
        assert_eq!(bench.change_count(), 2);
        eval(&mut bench, "return redis.call('INCR', KEYS[1])", &["a"], &[]);
        assert_eq!(bench.effects(), ["0: INCR a"]);
    }

    #[test]
    fn a_script_may_use_keys_it_has_not_declared() {
        let mut bench = Bench::new();
        let script = "redis.call('SET', KEYS[1], 1) redis.call('SET', ARGV[1], 2) \
                      return redis.call('KEYS', '*')";
        for _ in 0..2 {
            let reply = eval(&mut bench, script, &["a"], &["b"]);
            assert!(reply == "[\"a\", \"b\"]" || reply == "[\"b\", \"a\"]", "{reply}");
            assert_eq!(bench.effects(), ["0: MULTI", "0: SET a 1", "0: SET b 2", "0: EXEC"]);
        }
        let script = "local v = redis.call('GET', 'a') redis.call('SET', 'c', v) return v";
        assert_eq!(eval(&mut bench, script, &[], &[]), "\"1\"");
        assert_eq!(bench.effects(), ["0: SET c 1"]);
    }

    #[test]
    fn errors_within_a_reply_are_counted_once() {
        let mut bench = Bench::new();
        let script = "return {redis.error_reply('MINE a'), {redis.error_reply('MINE b')}, \
                      redis.pcall('INCR', KEYS[1])}";
        bench.say("SET a x");
        eval(&mut bench, script, &["a"], &[]);
        let errors = bench.say("INFO errorstats");
        assert!(errors.contains("errorstat_MINE:count=2\\r\\n"), "{errors}");
        assert!(errors.contains("errorstat_ERR:count=1\\r\\n"), "{errors}");
        let commands = bench.say("INFO commandstats");
        let eval = commands.split("cmdstat_").find(|line| line.starts_with("eval:"));
        assert!(eval.is_some_and(|line| line.contains("failed_calls=1\\r\\n")), "{eval:?}");
    }

    #[test]
    fn a_transaction_may_hold_scripts() {
        let mut bench = Bench::new();
        let script = "redis.call('INCR', KEYS[1]) return redis.call('INCR', ARGV[1])";
        for (declared, other) in [("a", "a"), ("a", "b"), ("b", "a")] {
            bench.expect(&[("MULTI", "OK"), ("SET a 10", "QUEUED")]);
            assert_eq!(eval(&mut bench, script, &[declared], &[other]), "QUEUED");
            bench.say("GET a");
            let reply = bench.say("EXEC");
            assert!(reply.starts_with("[OK, 1"), "{declared} {other}: {reply}");
        }
        bench.effects();
        bench.expect(&[("MULTI", "OK"), ("INCR c", "QUEUED")]);
        eval(&mut bench, "redis.call('INCR', 'c') return redis.call('KEYS', 'c')", &[], &[]);
        bench.expect(&[("EXEC", "[1, [\"c\"]]")]);
        assert_eq!(bench.effects(), ["0: MULTI", "0: INCR c", "0: INCR c", "0: EXEC"]);
    }

    #[test]
    fn a_script_that_keeps_to_its_keys_until_it_does_not_goes_on_inside_a_transaction() {
        let mut bench = Bench::new();
        let script = "redis.call('INCR', KEYS[1]) if ARGV[1] then redis.call('INCR', ARGV[1]) end \
                      return redis.call('MGET', 'a', 'b', 'c')";
        eval(&mut bench, "return redis.call('INCR', KEYS[1])", &["a"], &[]);
        assert_eq!(
            eval(&mut bench, &script.replace("'a', 'b', 'c'", "KEYS[1]"), &["a"], &[]),
            "[\"2\"]"
        );
        bench.expect(&[("MULTI", "OK"), ("INCR b", "QUEUED")]);
        eval(&mut bench, &script.replace("'a', 'b', 'c'", "KEYS[1]"), &["a"], &["b"]);
        bench.expect(&[("EXEC", "[1, [\"3\"]]"), ("GET b", "\"2\"")]);
    }

    #[test]
    fn code_tells_whether_a_script_keeps_to_its_keys() {
        let bench = Bench::new();
        let engine = &bench.engine;
        let keeps = |code: &str| {
            let script = engine.scripts.load(&code.to_owned().into(), Origin::Evaluated);
            engine.table.keeps_to_keys(&script.expect("it compiles").conduct, &[])
        };
        for code in [
            "return 1",
            "return redis.call('TIME')",
            "redis.call('PUBLISH', 'c', ARGV[1])",
            "return redis.call('SET', KEYS[1], ARGV[1], 'EX', 10)",
            "return redis.call('mget', KEYS[1], KEYS[2])",
            "return redis.call('DEL', unpack(KEYS))",
            "redis.call('MSET', KEYS[1], ARGV[1], KEYS[2], ARGV[2])",
            "redis.call('LPUSH', KEYS[1], unpack(ARGV))",
            "redis.call('RENAME', unpack(KEYS))",
            "redis.call('BLPOP', KEYS[1], KEYS[2], 0)",
            "redis.call('ZUNIONSTORE', KEYS[1], 2, KEYS[2], KEYS[3], 'WEIGHTS', 1, 2)",
            "redis.call('XGROUP', 'CREATE', KEYS[1], 'g', '$')",
            "redis.call('XADD', KEYS[1], '*', 'f', ARGV[1])",
            "redis.call('OBJECT', 'ENCODING', KEYS[1])",
            "redis.call('NOSUCH', 'x')",
            "redis.call('XGROUP', 'NOSUCH', 'x')",
        ] {
            assert!(keeps(code), "{code}");
        }
        for code in [
            "return redis.call('GET', ARGV[1])",
            "return redis.call('GET', 'a')",
            "return redis.call('MGET', KEYS[1], 'a')",
            "return redis.call('DEL', KEYS[1], unpack(ARGV))",
            "redis.call('MSET', KEYS[1], KEYS[2], ARGV[1], KEYS[3])",
            "redis.call('RENAME', KEYS[1], unpack(ARGV))",
            "redis.call('LMPOP', unpack(KEYS))",
            "redis.call('BLPOP', KEYS[1], unpack(ARGV))",
            "redis.call('ZUNIONSTORE', KEYS[1], 2, KEYS[2], 'a', 'WEIGHTS', 1, 2)",
            "redis.call('ZUNIONSTORE', KEYS[1], ARGV[1], KEYS[2], KEYS[3])",
            "redis.call('ZUNIONSTORE', KEYS[1], 9, KEYS[2], KEYS[3])",
            "redis.call(ARGV[1], KEYS[1])",
            "redis.call('XGROUP', ARGV[1], KEYS[1])",
            "redis.call('SELECT', 1) redis.call('GET', KEYS[1])",
            "redis.call('COPY', KEYS[1], KEYS[2], 'DB', 1)",
            "redis.call('SORT', KEYS[1], 'BY', 'x*')",
            "redis.call('KEYS', '*')",
            "redis.call('SCAN', 0)",
            "redis.call('FLUSHALL')",
            "redis.call('RANDOMKEY')",
            "redis.call('XREAD', 'STREAMS', KEYS[1], 0)",
        ] {
            assert!(!keeps(code), "{code}");
        }
        let named = |code: &str, given: &[&[u8]]| {
            let script = engine.scripts.load(&code.to_owned().into(), Origin::Evaluated);
            engine.table.keeps_to_keys(&script.expect("it compiles").conduct, given)
        };
        let code = "redis.call('GET', KEYS[1]) return redis.call(ARGV[2], KEYS[1], ARGV[1])";
        for (name, does) in
            [("set", true), ("PUBLISH", true), ("NOSUCH", true), ("RENAME", false), ("SORT", false)]
        {
            assert_eq!(named(code, &[b"x", name.as_bytes()]), does, "{name}");
        }
        assert!(!named(code, &[b"x"]));
        let code = "return redis.call('ZUNION', ARGV[1], KEYS[1], KEYS[2])";
        assert!(named(code, &[b"2"]) && !named(code, &[b"3"]) && !named(code, &[b"x"]));
        let code = "ARGV[1] = 'KEYS' return redis.call(ARGV[1], KEYS[1])";
        assert!(!named(code, &[b"GET"]));
    }

    #[test]
    fn a_script_whose_arguments_name_its_commands_may_use_any_key() {
        let mut bench = Bench::new();
        let script = "redis.call('INCR', KEYS[1]) return redis.call(ARGV[1], unpack(ARGV, 2))";
        for step in 1..=2 {
            assert_eq!(eval(&mut bench, script, &["a"], &["SET", "b", "1"]), "OK");
            bench.expect(&[("MULTI", "OK")]);
            assert_eq!(eval(&mut bench, script, &["a"], &["INCR", "b"]), "QUEUED");
            bench.expect(&[("EXEC", "[2]"), ("GET a", &format!("\"{}\"", 2 * step))]);
        }
    }

    #[test]
    fn what_a_script_may_not_do_is_refused() {
        let mut bench = Bench::new();
        for (call, error) in [
            ("'NOSUCH'", "ERR Unknown Redis command called from script"),
            ("'GET'", "ERR Wrong number of args calling Redis command from script"),
            ("'MULTI'", "ERR This Redis command is not allowed from script"),
            ("'CONFIG', 'NOSUCH'", "ERR Unknown Redis command called from script"),
        ] {
            let reply = eval(&mut bench, &format!("return redis.call({call})"), &[], &[]);
            assert!(reply.starts_with(error), "{reply}");
        }
        let reply = bench.tell(&[b"EVAL_RO", b"return redis.call('SET', KEYS[1], 1)", b"1", b"a"]);
        assert!(reply.starts_with("ERR Write commands are not allowed from read-only scripts."));
        let reply = bench.tell(&[b"EVAL_RO", b"#!lua\nreturn 1", b"0"]);
        assert_eq!(reply, "ERR Can not execute a script with write flag using *_ro command.");
        assert_eq!(bench.change_count(), 0);
    }

    #[test]
    fn the_number_of_keys_is_checked_first() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("EVAL x x", "ERR value is not an integer or out of range"),
            ("EVAL x -1", "ERR Number of keys can't be negative"),
            ("EVAL x 2 a", "ERR Number of keys can't be greater than number of args"),
            ("EVALSHA x 0", "NOSCRIPT No matching script. Please use EVAL."),
            ("EVALSHA_RO x x", "NOSCRIPT No matching script. Please use EVAL."),
            (
                "EVALSHA 0123456789012345678901234567890123456789 x",
                "ERR value is not an integer or out of range",
            ),
        ]);
    }

    #[test]
    fn a_chosen_database_is_left_again() {
        let mut bench = Bench::new();
        let script = "redis.call('SELECT', 5) return redis.call('SET', KEYS[1], 1)";
        for _ in 0..2 {
            assert_eq!(eval(&mut bench, script, &["a"], &[]), "OK");
            assert_eq!(bench.effects(), ["5: SET a 1"]);
            bench.expect(&[("GET a", "(nil)")]);
        }
    }

    #[test]
    fn a_command_that_would_wait_finds_nothing() {
        let mut bench = Bench::new();
        let script = "return redis.call('BLPOP', KEYS[1], 0)";
        assert_eq!(eval(&mut bench, script, &["a"], &[]), "(nil)");
        assert_eq!(
            bench.tell(&[
                b"EVAL_RO",
                b"return redis.call('XREAD', 'BLOCK', 0, 'STREAMS', KEYS[1], 0)",
                b"1",
                b"a"
            ]),
            "(nil)"
        );
    }

    #[test]
    fn effects_may_be_kept_from_the_log() {
        let mut bench = Bench::new();
        let script = "redis.set_repl(redis.REPL_NONE) redis.call('SET', KEYS[1], 1) \
                      redis.set_repl(redis.REPL_ALL) return redis.call('INCR', KEYS[1])";
        assert_eq!(eval(&mut bench, script, &["a"], &[]), "2");
        assert_eq!(bench.effects(), ["0: INCR a"]);
    }

    #[test]
    fn effects_may_be_for_the_file_or_for_replicas_only() {
        let mut bench = Bench::new();
        let script = "redis.set_repl(redis.REPL_AOF) redis.call('SET', KEYS[1], 1) \
                      redis.call('PUBLISH', 'c', 'x') redis.set_repl(redis.REPL_REPLICA) \
                      redis.call('SET', KEYS[1], 2, 'EX', 10)";
        eval(&mut bench, script, &["a"], &[]);
        assert_eq!(
            bench.effects(),
            ["0: MULTI", "file 0: SET a 1", "replicas 0: SET a 2 PXAT 1700000010000", "0: EXEC"]
        );
        eval(&mut bench, "redis.call('PUBLISH', 'c', 'x')", &[], &[]);
        assert_eq!(bench.effects(), ["replicas 0: PUBLISH c x"]);
        let script = "redis.call('PUBLISH', 'c', ARGV[1]) redis.call('PUBLISH', 'c', 'x')";
        bench.expect(&[("MULTI", "OK")]);
        eval(&mut bench, script, &[], &["y"]);
        bench.say("EXEC");
        assert_eq!(
            bench.effects(),
            [
                "replicas 0: MULTI",
                "replicas 0: PUBLISH c y",
                "replicas 0: PUBLISH c x",
                "replicas 0: EXEC"
            ]
        );
    }
}
