//! Calling functions of libraries: FCALL and its reading form.

use super::eval::{FLAGS, READS, READS_ONLY, WRITES, arguments, arguments_of, flags_of, key_count};
use crate::engine::{
    Args, Argument, Categories, Command, CommandError, Context, Engine, Flags, Group, call_function,
};

const ARGUMENTS: &[Argument] = &arguments("function");

pub(super) const FCALL: Command = Command {
    name: "fcall",
    arity: -3,
    flags: FLAGS,
    keys: WRITES,
    acl: Categories::SCRIPTING,
    since: "7.0.0",
    group: Group::Scripting,
    complexity: "Depends on the function",
    summary: "Calls a function of a library.",
    arguments: ARGUMENTS,
    script_keeps_to_keys: Some(keeps_to_keys),
    flags_by_script: Some(|engine, args| flags_of_called(engine, args, FLAGS)),
    run: |context| fcall(context, false),
    ..Command::DEFAULT
};

pub(super) const FCALL_RO: Command = Command {
    name: "fcall_ro",
    flags: READS_ONLY,
    keys: READS,
    summary: "Calls a function of a library that only reads.",
    flags_by_script: Some(|engine, args| flags_of_called(engine, args, READS_ONLY)),
    run: |context| fcall(context, true),
    ..FCALL
};

fn flags_of_called(engine: &Engine, args: Args<'_>, without: Flags) -> Flags {
    engine.functions.find(args.at(1)).map_or(without, |function| flags_of(function.flags, without))
}

fn keeps_to_keys(engine: &Engine, args: Args<'_>) -> bool {
    let function = engine.functions.find(args.at(1));
    function
        .is_some_and(|function| engine.table.keeps_to_keys(&function.conduct, &arguments_of(args)))
}

fn fcall(context: &mut Context<'_>, is_read_only: bool) -> Result<(), CommandError> {
    const NO_FUNCTION: CommandError = CommandError::refused("ERR Function not found");
    const NO_NUMBER: CommandError = CommandError::refused("ERR Bad number of keys provided");
    context.show_to_monitors();
    let function = context.engine.functions.find(context.args.at(1)).ok_or(NO_FUNCTION)?;
    let key_count = key_count(context, NO_NUMBER)?;
    let given: Vec<&[u8]> = context.args.from(3).iter().collect();
    call_function(context, &function, given.split_at(key_count), is_read_only)
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    fn load(bench: &mut Bench, code: &str) -> String {
        let text = format!("#!lua name=lib\n{code}");
        bench.tell(&[b"FUNCTION", b"LOAD", b"REPLACE", text.as_bytes()])
    }

    /// Defines one function and calls it.
    fn fcall(bench: &mut Bench, body: &str, given: &str) -> String {
        let code = format!("redis.register_function('f', function(keys, args) {body} end)");
        assert_eq!(load(bench, &code), "\"lib\"");
        bench.effects();
        bench.say(&format!("FCALL f {given}"))
    }

    #[test]
    fn a_function_gets_its_keys_and_arguments_and_is_one_effect() {
        let mut bench = Bench::new();
        let body = "redis.call('SET', keys[1], args[1]) redis.call('INCR', keys[1]) \
                    return {#keys, #args, redis.call('GET', keys[1])}";
        assert_eq!(fcall(&mut bench, body, "1 a 5"), "[1, 1, \"6\"]");
        assert_eq!(bench.effects(), ["0: MULTI", "0: SET a 5", "0: INCR a", "0: EXEC"]);
        bench.expect(&[("fcall F 1 a 7", "[1, 1, \"8\"]"), ("GET a", "\"8\"")]);
    }

    #[test]
    fn errors_name_the_function_and_its_line() {
        let mut bench = Bench::new();
        let place = "script: f, on @user_function:2.";
        for (body, error) in [
            ("error('x')", format!("ERR user_function:2: x {place}")),
            ("error({err='My x'})", format!("My x {place}")),
            ("return redis.error_reply('x')", "ERR x".into()),
            (
                "return redis.call('GET')",
                format!("ERR Wrong number of args calling Redis command from script {place}"),
            ),
            (
                "return KEYS",
                format!(
                    "ERR user_function:2: Script attempted to access nonexistent global variable \
                     'KEYS' {place}"
                ),
            ),
            ("x = 1", format!("ERR user_function:2: Attempt to modify a readonly table {place}")),
            (
                "return redis.call('FCALL', 'f', 0)",
                format!("ERR This Redis command is not allowed from script {place}"),
            ),
            (
                "return redis.register_function('g', function() end)",
                format!(
                    "ERR user_function:2: attempt to call field 'register_function' (a nil value) \
                     {place}"
                ),
            ),
            (
                "return redis.breakpoint()",
                format!(
                    "ERR user_function:2: attempt to call field 'breakpoint' (a nil value) {place}"
                ),
            ),
        ] {
            assert_eq!(fcall(&mut bench, body, "0"), error, "{body}");
        }
    }

    #[test]
    fn arguments_are_checked_behind_the_name() {
        let mut bench = Bench::new();
        load(&mut bench, "redis.register_function('f', function() end)");
        bench.expect(&[
            ("FCALL g x", "ERR Function not found"),
            ("FCALL f x", "ERR Bad number of keys provided"),
            ("FCALL f -1", "ERR Number of keys can't be negative"),
            ("FCALL f 2 a", "ERR Number of keys can't be greater than number of args"),
            ("FCALL_RO f 0", "ERR Can not execute a script with write flag using *_ro command."),
            ("COMMAND GETKEYS FCALL f 2 a b c", "[\"a\", \"b\"]"),
            ("COMMAND GETKEYS FCALL_RO f 1 a", "[\"a\"]"),
        ]);
    }

    #[test]
    fn a_function_that_says_it_only_reads_is_held_to_it() {
        let mut bench = Bench::new();
        let code = "redis.register_function{function_name='reads', flags={'no-writes'}, \
                    callback=function(keys, args) return redis.call(args[1], keys[1]) end}";
        assert_eq!(load(&mut bench, code), "\"lib\"");
        let place = "script: reads, on @user_function:2.";
        let refused = format!("ERR Write commands are not allowed from read-only scripts. {place}");
        bench.expect(&[("FCALL_RO reads 1 a GET", "(nil)"), ("FCALL reads 1 a DEL", &refused)]);
    }

    #[test]
    fn a_function_may_use_keys_it_has_not_declared_and_stand_in_a_transaction() {
        let mut bench = Bench::new();
        let body = "redis.call('INCR', 'b') return redis.call('KEYS', '*')";
        assert_eq!(fcall(&mut bench, body, "1 a"), "[\"b\"]");
        bench.expect(&[
            ("MULTI", "OK"),
            ("INCR b", "QUEUED"),
            ("FCALL f 0", "QUEUED"),
            ("EXEC", "[2, [\"b\"]]"),
            ("GET b", "\"3\""),
        ]);
    }

    #[test]
    fn what_a_library_keeps_stays_between_calls() {
        let mut bench = Bench::new();
        let code = "local count = 0 redis.register_function('next', function() \
                    count = count + 1 return count end)";
        load(&mut bench, code);
        bench.expect(&[("FCALL next 0", "1"), ("FCALL next 0", "2")]);
        load(&mut bench, code);
        bench.expect(&[("FCALL next 0", "1")]);
    }
}
