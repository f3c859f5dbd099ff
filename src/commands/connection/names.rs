//! Names that clients give themselves.

use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group,
};

pub(super) const CLIENT_GETNAME: Command = Command {
    name: "getname",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "2.6.9",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Returns the name of the connection.",
    run: getname,
    ..Command::DEFAULT
};
fn getname(context: &mut Context<'_>) -> Result<(), CommandError> {
    let names = context.session.cell.names.lock();
    if names.name.is_empty() {
        context.reply.null();
    } else {
        context.reply.bulk(names.name.as_bytes());
    }
    Ok(())
}

pub(super) const CLIENT_SETNAME: Command = Command {
    name: "setname",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "2.6.9",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Gives the connection a name.",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    arguments: &[Argument::new("connection-name", ArgumentKind::String)],
    run: setname,
    ..Command::DEFAULT
};
fn setname(context: &mut Context<'_>) -> Result<(), CommandError> {
    let name = checked_name(context.args.at(2))?;
    context.session.cell.names.lock().name = name;
    context.reply.ok();
    Ok(())
}

pub(super) const CLIENT_SETINFO: Command = Command {
    name: "setinfo",
    arity: 4,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "7.2.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Says which client library is at the other end.",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    arguments: &[Argument::one_of(
        "attr",
        &[
            Argument::new("libname", ArgumentKind::String).after("LIB-NAME"),
            Argument::new("libver", ArgumentKind::String).after("LIB-VER"),
        ],
    )],
    run: setinfo,
    ..Command::DEFAULT
};
fn setinfo(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    let attribute = args.at(2);
    let is_name = args.is_word(2, "LIB-NAME");
    if !is_name && !args.is_word(2, "LIB-VER") {
        return Err(CommandError::quoting("ERR Unrecognized option '", attribute, "'"));
    }
    let Some(value) = printable(args.at(3)) else {
        let after = " cannot contain spaces, newlines or special characters.";
        return Err(CommandError::quoting("ERR ", attribute, after));
    };
    let mut names = context.session.cell.names.lock();
    if is_name {
        names.library_name = value;
    } else {
        names.library_version = value;
    }
    drop(names);
    context.reply.ok();
    Ok(())
}

/// Returns a client name of printable characters without spaces; empty takes the name away.
///
/// # Errors
/// Other characters.
pub(super) fn checked_name(name: &[u8]) -> Result<String, CommandError> {
    printable(name).ok_or(CommandError::refused(
        "ERR Client names cannot contain spaces, newlines or special characters.",
    ))
}

fn printable(text: &[u8]) -> Option<String> {
    let is_plain = text.iter().all(|byte| (b'!'..=b'~').contains(byte));
    is_plain.then(|| String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn names_are_printable_words() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("CLIENT GETNAME", "(nil)"),
            ("CLIENT SETNAME me", "OK"),
            ("CLIENT GETNAME", "\"me\""),
            ("CLIENT SETINFO LIB-NAME redis-py(x)", "OK"),
            ("CLIENT SETINFO lib-ver 1.2", "OK"),
            ("CLIENT SETINFO foo bar", "ERR Unrecognized option 'foo'"),
        ]);
        let refusal = "ERR Client names cannot contain spaces, newlines or special characters.";
        assert_eq!(bench.tell(&[b"CLIENT", b"SETNAME", b"a b"]), refusal);
        let line = bench.say("CLIENT INFO");
        assert!(line.contains(" name=me ") && line.contains(" lib-name=redis-py(x) lib-ver=1.2 "));
    }
}
