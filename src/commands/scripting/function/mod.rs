//! FUNCTION: libraries of functions, loading and removing them.
//!
//! The libraries are a value that is changed as a copy: first everything that can fail, then, while
//! nothing else runs, the exchange and its place in the log of effects.

mod listing;
mod transfer;

use std::sync::Arc;

use super::script::kill;
use crate::commands::help;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, ProgramKind,
    define_library,
};
use crate::script::Catalog;

pub(super) const FUNCTION: Command = Command {
    name: "function",
    arity: -2,
    since: "7.0.0",
    group: Group::Scripting,
    complexity: "Depends on the subcommand.",
    summary: "Loads, lists and removes libraries of functions.",
    subcommands: &[
        DELETE,
        transfer::DUMP,
        FLUSH,
        HELP,
        KILL,
        listing::LIST,
        LOAD,
        transfer::RESTORE,
        listing::STATS,
    ],
    ..Command::DEFAULT
};

/// What all subcommands have in common.
const COMMON: Command = Command {
    arity: -2,
    flags: Flags::NOSCRIPT,
    acl: Categories::SCRIPTING,
    since: "7.0.0",
    group: Group::Scripting,
    ..Command::DEFAULT
};

const TO_ALL: &[&str] = &["request_policy:all_shards", "response_policy:all_succeeded"];

/// Changes the libraries while nothing else runs; nothing is changed if `apply` refuses.
fn change(
    context: &mut Context<'_>,
    apply: impl FnOnce(&mut Catalog) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let closed = context.stop_the_world()?;
    let functions = &context.engine.functions;
    let mut catalog = Catalog::clone(&functions.current());
    let outcome = apply(&mut catalog);
    if outcome.is_ok() {
        functions.replace(catalog);
        context.append_whole_command();
    }
    if closed.is_some() && outcome.is_ok() {
        context.engine.count_changes(1);
    }
    drop(closed);
    outcome
}

const LOAD: Command = Command {
    name: "load",
    arity: -3,
    flags: Flags::NOSCRIPT.and(Flags::WRITE).and(Flags::DENYOOM),
    tips: TO_ALL,
    complexity: "O(1) besides what the code does when it is loaded",
    summary: "Creates a library from its code and returns its name.",
    arguments: &[
        Argument::word("replace", "REPLACE").optional(),
        Argument::new("function-code", ArgumentKind::String),
    ],
    run: load,
    ..COMMON
};
fn load(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    let last = args.len() - 1;
    let mut replaces = false;
    for index in 2..last {
        if !args.is_word(index, "REPLACE") {
            return Err(CommandError::quoting("ERR Unknown option given: ", args.at(index), ""));
        }
        replaces = true;
    }
    let engine = context.engine;
    let text = engine.functions.read(args.at(last)).map_err(CommandError::refused_with)?;
    let may_be_put = |catalog: &Catalog| match catalog.has_library(&text.name) && !replaces {
        true => {
            Err(CommandError::refused_with(format!("ERR Library '{}' already exists", text.name)))
        }
        false => Ok(()),
    };
    may_be_put(&engine.functions.current())?;
    let library = define_library(context, &text)?;
    change(context, |catalog| {
        may_be_put(catalog)?;
        catalog.put(Arc::clone(&library)).map_err(CommandError::refused_with)
    })?;
    context.reply.bulk(text.name.as_bytes());
    Ok(())
}

const DELETE: Command = Command {
    name: "delete",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::WRITE),
    tips: TO_ALL,
    complexity: "O(1)",
    summary: "Removes a library and its functions.",
    arguments: &[Argument::new("library-name", ArgumentKind::String)],
    run: delete,
    ..COMMON
};
fn delete(context: &mut Context<'_>) -> Result<(), CommandError> {
    const NO_LIBRARY: CommandError = CommandError::refused("ERR Library not found");
    let name = std::str::from_utf8(context.args.at(2)).map_err(|_| NO_LIBRARY)?;
    change(context, |catalog| if catalog.remove(name) { Ok(()) } else { Err(NO_LIBRARY) })?;
    context.reply.ok();
    Ok(())
}

const FLUSH: Command = Command {
    name: "flush",
    flags: Flags::NOSCRIPT.and(Flags::WRITE),
    tips: TO_ALL,
    complexity: "O(N) in the functions that are removed",
    summary: "Removes all libraries.",
    arguments: &[Argument::one_of(
        "flush-type",
        &[Argument::word("async", "ASYNC"), Argument::word("sync", "SYNC")],
    )
    .optional()],
    run: flush,
    ..COMMON
};
fn flush(context: &mut Context<'_>) -> Result<(), CommandError> {
    const MODES: CommandError =
        CommandError::refused("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
    let args = context.args;
    if args.len() > 3 {
        return Err(help::see_help(context));
    }
    if args.len() == 3 && !args.is_word(2, "SYNC") && !args.is_word(2, "ASYNC") {
        return Err(MODES);
    }
    change(context, |catalog| {
        *catalog = Catalog::default();
        Ok(())
    })?;
    context.reply.ok();
    Ok(())
}

const HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..COMMON
};

const KILL: Command = Command {
    name: "kill",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::ALLOW_BUSY),
    tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
    summary: "Ends a function that takes long, unless it has written.",
    run: |context| kill(context, ProgramKind::Function),
    ..COMMON
};

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    const F: &str = "redis.register_function('f', function() return 1 end)";

    fn load(bench: &mut Bench, options: &[&[u8]], text: &str) -> String {
        let mut words: Vec<&[u8]> = vec![b"FUNCTION", b"LOAD"];
        words.extend(options);
        words.push(text.as_bytes());
        bench.tell(&words)
    }

    #[test]
    fn a_library_is_there_until_it_is_removed_and_each_change_is_an_effect() {
        let mut bench = Bench::new();
        let text = format!("#!lua name=a\n{F}");
        let before = bench.change_count();
        assert_eq!(load(&mut bench, &[], &text), "\"a\"");
        assert_eq!(
            bench.effects(),
            [format!("0: FUNCTION LOAD {}", text.as_bytes().escape_ascii())]
        );
        assert_eq!(bench.change_count(), before + 1);
        assert_eq!(load(&mut bench, &[], &text), "ERR Library 'a' already exists");
        bench.effects();
        assert_eq!(load(&mut bench, &[b"replace"], &text), "\"a\"");
        bench.effects();
        bench.expect(&[("FCALL f 0", "1"), ("FLUSHALL", "OK"), ("FCALL f 0", "1")]);
        bench.expect_effects("FUNCTION DELETE b", &[]);
        bench.expect_effects("FUNCTION DELETE a", &["0: FUNCTION DELETE a"]);
        bench.expect(&[
            ("FCALL f 0", "ERR Function not found"),
            ("FUNCTION DELETE a", "ERR Library not found"),
        ]);
        load(&mut bench, &[], &text);
        bench.expect_effects("FUNCTION FLUSH ASYNC", &["0: FUNCTION FLUSH ASYNC"]);
        bench.expect(&[
            ("FCALL f 0", "ERR Function not found"),
            ("FUNCTION FLUSH x", "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"),
            (
                "FUNCTION FLUSH sync x",
                "ERR unknown subcommand or wrong number of arguments for 'FLUSH'. Try FUNCTION \
                 HELP.",
            ),
            ("FUNCTION KILL", "NOTBUSY No scripts in execution right now."),
        ]);
    }

    #[test]
    fn a_transaction_changes_libraries_as_one_effect() {
        let mut bench = Bench::new();
        let text = format!("#!lua name=a\n{F}");
        bench.say("MULTI");
        assert_eq!(load(&mut bench, &[], &text), "QUEUED");
        bench.expect(&[
            ("FCALL f 0", "QUEUED"),
            ("FUNCTION DELETE a", "QUEUED"),
            ("EXEC", "[\"a\", 1, OK]"),
        ]);
        let loaded = format!("0: FUNCTION LOAD {}", text.as_bytes().escape_ascii());
        assert_eq!(bench.effects(), ["0: MULTI", &loaded, "0: FUNCTION DELETE a", "0: EXEC"]);
    }

    #[test]
    fn a_load_that_fails_changes_nothing() {
        let mut bench = Bench::new();
        load(&mut bench, &[], &format!("#!lua name=a\n{F}"));
        bench.effects();
        let failing = [
            ("x", "ERR Missing library metadata"),
            ("#!lua name=b\n", "ERR No functions registered"),
            (
                "#!lua name=a\nredis.register_function('g', 1)",
                "ERR Error registering functions: \
              ERR second argument to redis.register_function must be a function",
            ),
            (
                "#!lua name=b\nredis.register_function('F', function() end)",
                "ERR Function F already exists",
            ),
            (
                "#!lua name=b\nfoo(",
                "ERR Error compiling function: user_function:2: unexpected symbol \
              near '<eof>'",
            ),
            (
                "#!lua name=b\n\nwhile true do end",
                "ERR Error registering functions: ERR FUNCTION LOAD timeout",
            ),
        ];
        for (text, error) in failing {
            assert_eq!(load(&mut bench, &[b"REPLACE"], text), error, "{text}");
        }
        assert_eq!(bench.effects(), [""; 0]);
        assert_eq!(load(&mut bench, &[b"x"], "y"), "ERR Unknown option given: x");
        bench.expect(&[("FCALL f 0", "1"), ("FCALL g 0", "ERR Function not found")]);
    }

    #[test]
    fn registering_is_as_strict_as_in_the_originals() {
        let mut bench = Bench::new();
        let mut expect = |code: &str, error: &str| {
            let reply = load(&mut bench, &[b"REPLACE"], &format!("#!lua name=r\n{code}"));
            let failed = format!("ERR Error registering functions: ERR {error}");
            assert_eq!(reply, if error.is_empty() { "\"r\"".to_owned() } else { failed }, "{code}");
        };
        let r = "redis.register_function";
        let names = "Library names can only contain letters, numbers, or underscores(_) and must be at \
                     least one character long";
        for (arguments, error) in [
            ("()", "wrong number of arguments to redis.register_function"),
            (
                "('f')",
                "calling redis.register_function with a single argument is only applicable to Lua \
                 table (representing named arguments).",
            ),
            ("('f', function() end, 1)", "wrong number of arguments to redis.register_function"),
            ("(nil, function() end)", "first argument to redis.register_function must be a string"),
            ("(1, function() end)", ""),
            ("('f f', function() end)", names),
            ("('', function() end)", names),
            ("('f\\0f', function() end)", names),
            ("('f', redis.log)", ""),
            ("{}", "redis.register_function must get a function name argument"),
            ("{function_name='f'}", "redis.register_function must get a callback argument"),
            (
                "{function_name={}}",
                "function_name argument given to redis.register_function must be a string",
            ),
            (
                "{callback=1}",
                "callback argument given to redis.register_function must be a function",
            ),
            (
                "{description={}}",
                "description argument given to redis.register_function must be a string",
            ),
            ("{x=1}", "unknown argument given to redis.register_function"),
            ("{[1]=1}", "unknown argument given to redis.register_function"),
            ("{[{}]=1}", "named argument key given to redis.register_function is not a string"),
            (
                "{flags='a'}",
                "flags argument to redis.register_function must be a table representing function \
                 flags",
            ),
            ("{flags={'a'}}", "unknown flag given"),
            ("{flags={{}}}", "unknown flag given"),
            ("{Function_Name='f', callback=function() end, description=1, flags={}}", ""),
        ] {
            expect(&format!("{r}{arguments}"), error);
        }
        let twice = format!("{r}('f', function() end) {r}('f', function() end)");
        expect(&twice, "Function already exists in the library");
    }

    #[test]
    fn the_code_of_a_library_finds_nothing_but_what_registers() {
        let mut bench = Bench::new();
        let mut expect = |code: &str, error: &str| {
            let reply = load(&mut bench, &[b"REPLACE"], &format!("#!lua name=r\n{code}"));
            let failed = format!("ERR Error registering functions: ERR user_function:2: {error}");
            assert_eq!(reply, failed, "{code}");
        };
        for name in ["math", "_G", "getmetatable", "pcall", "KEYS", "print", "error", "string"] {
            let absent = format!("Script attempted to access nonexistent global variable '{name}'");
            expect(&format!("local x = {name}"), &absent);
        }
        for name in ["call", "pcall", "setresp", "set_repl", "REPL_ALL", "redis"] {
            let absent = format!("Script attempted to access nonexistent global variable '{name}'");
            expect(&format!("local x = redis.{name}"), &absent);
        }
        for code in ["x = 1", "redis.x = 1", "redis = 1"] {
            expect(code, "Attempt to modify a readonly table");
        }
        let code = "local lib = redis lib.register_function('f', function() lib.register_function('g', \
                    function() end) end) lib.register_function('h', function() lib.math = math end)";
        assert_eq!(load(&mut bench, &[b"REPLACE"], &format!("#!lua name=r\n{code}")), "\"r\"");
        bench.expect(&[
            (
                "FCALL f 0",
                "ERR redis.register_function can only be called on FUNCTION LOAD command script: f, \
                 on @user_function:2.",
            ),
            (
                "FCALL h 0",
                "ERR user_function:2: Attempt to modify a readonly table script: h, on \
                 @user_function:2.",
            ),
        ]);
    }
}
