//! What is told of libraries: FUNCTION LIST and STATS.

use super::COMMON;
use crate::base::glob;
use crate::engine::{
    Argument, ArgumentKind, Command, CommandError, Context, Flags, ProgramKind, SlowScript,
};
use crate::resp::ReplyBuffer;
use crate::script::{Library, LibraryFunction};

/// The language of all libraries.
const ENGINE: &[u8] = b"LUA";

pub(super) const LIST: Command = Command {
    name: "list",
    tips: &["nondeterministic_output_order"],
    complexity: "O(N) in the functions",
    summary: "Tells about libraries and their functions.",
    arguments: &[
        Argument::new("library-name-pattern", ArgumentKind::String).after("LIBRARYNAME").optional(),
        Argument::word("withcode", "WITHCODE").optional(),
    ],
    run: list,
    ..COMMON
};
fn list(context: &mut Context<'_>) -> Result<(), CommandError> {
    const NO_NAME: CommandError = CommandError::refused("ERR library name argument was not given");
    let args = context.args;
    let (mut pattern, mut with_code, mut index) = (None, false, 2);
    while index < args.len() {
        if !with_code && args.is_word(index, "WITHCODE") {
            with_code = true;
        } else if pattern.is_none() && args.is_word(index, "LIBRARYNAME") {
            index += 1;
            pattern = Some(args.get(index).ok_or(NO_NAME)?);
        } else {
            return Err(CommandError::quoting("ERR Unknown argument ", args.at(index), ""));
        }
        index += 1;
    }
    let catalog = context.engine.functions.current();
    let is_wanted = |library: &Library| {
        pattern.is_none_or(|pattern| glob::matches(pattern, library.text.name.as_bytes(), true))
    };
    let wanted: Vec<_> = catalog.libraries().filter(|library| is_wanted(library)).collect();
    context.reply.array(wanted.len());
    wanted.iter().for_each(|library| write_library(context.reply, library, with_code));
    Ok(())
}

fn write_library(reply: &mut ReplyBuffer, library: &Library, with_code: bool) {
    reply.map(if with_code { 4 } else { 3 });
    reply.bulk(b"library_name");
    reply.bulk(library.text.name.as_bytes());
    reply.bulk(b"engine");
    reply.bulk(ENGINE);
    reply.bulk(b"functions");
    reply.array(library.functions.len());
    library.functions.iter().for_each(|function| write_function(reply, function));
    if with_code {
        reply.bulk(b"library_code");
        reply.bulk(&library.text.text);
    }
}

fn write_function(reply: &mut ReplyBuffer, function: &LibraryFunction) {
    reply.map(3);
    reply.bulk(b"name");
    reply.bulk(function.name.as_bytes());
    reply.bulk(b"description");
    match &function.description {
        Some(description) => reply.bulk(description),
        None => reply.null(),
    }
    reply.bulk(b"flags");
    reply.set(function.flags.names().count());
    function.flags.names().for_each(|name| reply.simple(name));
}

pub(super) const STATS: Command = Command {
    name: "stats",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::ALLOW_BUSY),
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    complexity: "O(1)",
    summary: "Tells which function takes long, and how many libraries and functions there are.",
    run: stats,
    ..COMMON
};
fn stats(context: &mut Context<'_>) -> Result<(), CommandError> {
    let engine = context.engine;
    let running = engine.slow.first();
    if running.as_ref().is_some_and(|script| script.kind == ProgramKind::Script) {
        return Err(CommandError::busy(ProgramKind::Script));
    }
    let reply = &mut *context.reply;
    reply.map(2);
    reply.bulk(b"running_script");
    match running {
        Some(script) => write_running(reply, &script),
        None => reply.null(),
    }
    let catalog = engine.functions.current();
    reply.bulk(b"engines");
    reply.map(1);
    reply.bulk(ENGINE);
    reply.map(2);
    reply.bulk(b"libraries_count");
    reply.count(catalog.libraries().len());
    reply.bulk(b"functions_count");
    reply.count(catalog.function_count());
    Ok(())
}

fn write_running(reply: &mut ReplyBuffer, script: &SlowScript) {
    reply.map(3);
    reply.bulk(b"name");
    reply.bulk(script.name.as_bytes());
    reply.bulk(b"command");
    reply.array(script.command.len());
    script.command.iter().for_each(|word| reply.bulk(word));
    reply.bulk(b"duration_ms");
    reply.integer(script.duration_ms().cast_signed());
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn libraries_are_listed_with_their_functions() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("FUNCTION LIST", "[]"),
            ("FUNCTION LIST LIBRARYNAME", "ERR library name argument was not given"),
            ("FUNCTION LIST withcode WITHCODE", "ERR Unknown argument WITHCODE"),
            ("FUNCTION LIST LIBRARYNAME a LIBRARYNAME a", "ERR Unknown argument LIBRARYNAME"),
        ]);
        for text in [
            "#!lua name=Lib2\nredis.register_function('c', function() end)",
            "#!lua name=lib1\nredis.register_function{function_name='b', callback=redis.log, \
             flags={'allow-oom', 'NO-Writes'}, description='d'} \
             redis.register_function('a', function() end)",
        ] {
            bench.tell(&[b"FUNCTION", b"LOAD", text.as_bytes()]);
        }
        let c = "[\"name\", \"c\", \"description\", (nil), \"flags\", []]";
        let lib2 =
            format!("[[\"library_name\", \"Lib2\", \"engine\", \"LUA\", \"functions\", [{c}]");
        let code = "\"#!lua name=Lib2\\nredis.register_function(\\'c\\', function() end)\"";
        bench.expect(&[
            ("FUNCTION LIST LIBRARYNAME lib2", &format!("{lib2}]]")),
            (
                "FUNCTION LIST LIBRARYNAME *2 WITHCODE",
                &format!("{lib2}, \"library_code\", {code}]]"),
            ),
            ("FUNCTION LIST LIBRARYNAME x", "[]"),
            (
                "FUNCTION STATS",
                "[\"running_script\", (nil), \"engines\", [\"LUA\", [\"libraries_count\", 2, \
                 \"functions_count\", 3]]]",
            ),
        ]);
        bench.speak_resp3();
        let list = bench.say("FUNCTION LIST LIBRARYNAME lib1");
        let b = "{\"name\": \"b\", \"description\": \"d\", \"flags\": [no-writes, allow-oom]}";
        let a = "{\"name\": \"a\", \"description\": (nil), \"flags\": []}";
        let lib1 = "\"library_name\": \"lib1\", \"engine\": \"LUA\"";
        assert_eq!(list, format!("[{{{lib1}, \"functions\": [{b}, {a}]}}]"));
    }
}
