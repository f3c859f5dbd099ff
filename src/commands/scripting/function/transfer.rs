//! Libraries as bytes that travel: FUNCTION DUMP and RESTORE.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{COMMON, TO_ALL, change};
use crate::commands::help;
use crate::config::Setting;
use crate::engine::{
    Argument, ArgumentKind, Command, CommandError, Context, Flags, define_library,
};
use crate::rdb::{self, PayloadError};
use crate::script::{Catalog, Library};

pub(super) const DUMP: Command = Command {
    name: "dump",
    arity: 2,
    complexity: "O(N) in the functions",
    summary: "Returns all libraries as bytes that FUNCTION RESTORE takes.",
    run: dump,
    ..COMMON
};
fn dump(context: &mut Context<'_>) -> Result<(), CommandError> {
    let compresses = context.engine.config.flag(Setting::Rdbcompression);
    let catalog = context.engine.functions.current();
    let texts = catalog.libraries().map(|library| &*library.text.text);
    context.reply.bulk(&rdb::dump_libraries(texts, compresses));
    Ok(())
}

/// What becomes of the libraries that are there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Policy {
    /// They go.
    Flush,
    /// They stay, and none may come twice.
    Append,
    /// They stay unless one of the same name comes.
    Replace,
}

pub(super) const RESTORE: Command = Command {
    name: "restore",
    arity: -3,
    flags: Flags::NOSCRIPT.and(Flags::WRITE).and(Flags::DENYOOM),
    tips: TO_ALL,
    complexity: "O(N) in the functions of the payload",
    summary: "Creates libraries from the bytes that FUNCTION DUMP returned.",
    arguments: &[
        Argument::new("serialized-value", ArgumentKind::String),
        Argument::one_of(
            "policy",
            &[
                Argument::word("flush", "FLUSH"),
                Argument::word("append", "APPEND"),
                Argument::word("replace", "REPLACE"),
            ],
        )
        .optional(),
    ],
    run: restore,
    ..COMMON
};
fn restore(context: &mut Context<'_>) -> Result<(), CommandError> {
    let policy = policy(context)?;
    let restored = define_all(context)?;
    change(context, |catalog| {
        if policy == Policy::Flush {
            *catalog = restored;
            return Ok(());
        }
        join(catalog, &restored, policy).map_err(CommandError::refused_with)
    })?;
    context.reply.ok();
    Ok(())
}

fn policy(context: &Context<'_>) -> Result<Policy, CommandError> {
    const POLICIES: CommandError = CommandError::refused(
        "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
    );
    let args = context.args;
    match args.len() {
        3 => Ok(Policy::Append),
        4 if args.is_word(3, "FLUSH") => Ok(Policy::Flush),
        4 if args.is_word(3, "APPEND") => Ok(Policy::Append),
        4 if args.is_word(3, "REPLACE") => Ok(Policy::Replace),
        4 => Err(POLICIES),
        _ => Err(help::see_help(context)),
    }
}

/// Runs the texts of the payload and returns what they make together.
fn define_all(context: &Context<'_>) -> Result<Catalog, CommandError> {
    // Relaxed: a switch for tests that stands for itself.
    let skips_checksum = context.engine.skips_checksums.load(Ordering::Relaxed);
    let texts = rdb::restore_libraries(context.args.at(2), skips_checksum);
    let texts = texts.map_err(|error| match error {
        PayloadError::Footer => {
            CommandError::refused("ERR DUMP payload version or checksum are wrong")
        }
        PayloadError::Value(error) => CommandError::refused_with(format!("ERR {error}")),
    })?;
    let mut catalog = Catalog::default();
    for text in &texts {
        let functions = &context.engine.functions;
        let text = functions.read(text).map_err(CommandError::refused_with)?;
        if catalog.has_library(&text.name) {
            let twice = format!("ERR Library '{}' already exists", text.name);
            return Err(CommandError::refused_with(twice));
        }
        let library = define_library(context, &text)?;
        catalog.put(library).map_err(CommandError::refused_with)?;
    }
    Ok(catalog)
}

/// Adds libraries to those that are there. `Err` holds what the client reads.
fn join(catalog: &mut Catalog, restored: &Catalog, policy: Policy) -> Result<(), String> {
    for library in restored.libraries() {
        let name = &library.text.name;
        let was_there = match policy {
            Policy::Append => catalog.has_library(name),
            _ => {
                catalog.remove(name);
                false
            }
        };
        if was_there {
            return Err(format!("ERR Library {name} already exists"));
        }
    }
    let added: Vec<&Arc<Library>> = restored.libraries().collect();
    added.into_iter().try_for_each(|library| catalog.put(Arc::clone(library)))
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    fn load(bench: &mut Bench, name: &str, functions: &[&str]) {
        let mut text = format!("#!lua name={name}\n");
        for function in functions {
            text +=
                &format!("redis.register_function('{function}', function() return '{name}' end) ");
        }
        assert_eq!(bench.tell(&[b"FUNCTION", b"LOAD", text.as_bytes()]), format!("\"{name}\""));
    }

    fn dumped(bench: &mut Bench) -> Vec<u8> {
        let reply = bench.run(&[b"FUNCTION", b"DUMP"]);
        let start = reply.windows(2).position(|pair| pair == b"\r\n").expect("a bulk string") + 2;
        reply[start..reply.len() - 2].to_vec()
    }

    #[test]
    fn what_is_dumped_is_restored_as_one_effect() {
        let mut bench = Bench::new();
        load(&mut bench, "a", &["f", "g"]);
        load(&mut bench, "b", &["h"]);
        let payload = dumped(&mut bench);
        let before = bench.say("FUNCTION LIST WITHCODE");
        bench.say("FUNCTION FLUSH");
        bench.effects();
        assert_eq!(bench.tell(&[b"FUNCTION", b"RESTORE", &payload]), "OK");
        let effect = format!("0: FUNCTION RESTORE {}", payload.escape_ascii());
        assert_eq!(bench.effects(), [effect]);
        assert_eq!(bench.say("FUNCTION LIST WITHCODE"), before);
        bench.expect(&[("FCALL g 0", "\"a\""), ("FCALL h 0", "\"b\"")]);
    }

    #[test]
    fn policies_say_what_becomes_of_libraries_that_are_there() {
        let mut bench = Bench::new();
        load(&mut bench, "a", &["f", "g"]);
        let payload = dumped(&mut bench);
        let restore = |bench: &mut Bench, policy: &[u8]| {
            bench.tell(&[b"FUNCTION", b"RESTORE", &payload, policy])
        };
        assert_eq!(restore(&mut bench, b"append"), "ERR Library a already exists");
        bench.say("FUNCTION FLUSH");
        load(&mut bench, "a", &["x"]);
        load(&mut bench, "b", &["g"]);
        assert_eq!(restore(&mut bench, b"replace"), "ERR Function g already exists");
        bench.expect(&[("FCALL x 0", "\"a\""), ("FUNCTION DELETE b", "OK")]);
        assert_eq!(restore(&mut bench, b"replace"), "OK");
        bench.expect(&[("FCALL x 0", "ERR Function not found"), ("FCALL g 0", "\"a\"")]);
        load(&mut bench, "c", &["y"]);
        assert_eq!(restore(&mut bench, b"FLUSH"), "OK");
        bench.expect(&[("FCALL y 0", "ERR Function not found"), ("FCALL f 0", "\"a\"")]);
    }

    #[test]
    fn refusals_are_those_of_the_originals() {
        let mut bench = Bench::with_settings("enable-debug-command yes");
        let policies =
            "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.";
        bench.expect(&[
            ("FUNCTION RESTORE x", "ERR DUMP payload version or checksum are wrong"),
            ("FUNCTION RESTORE x y", policies),
            (
                "FUNCTION RESTORE x FLUSH y",
                "ERR unknown subcommand or wrong number of arguments for 'RESTORE'. Try FUNCTION \
                 HELP.",
            ),
            ("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1", "OK"),
        ]);
        let footer = b"\x0a\0........";
        for (body, error) in [
            (b"\xf6\x01a".as_slice(), "ERR Pre-GA function format not supported"),
            (b"\0\x01a", "ERR given type is not a function"),
            (b"\xf5\x05a", "ERR Failed loading library payload"),
            (b"\xf5\xc0\x01", "ERR Missing library metadata"),
            (b"", "OK"),
        ] {
            let payload = [body, footer].concat();
            assert_eq!(bench.tell(&[b"FUNCTION", b"RESTORE", &payload]), error);
        }
    }
}
