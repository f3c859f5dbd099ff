//! CLIENT TRACKING and its relatives: the server tells a client when keys it has read change.
//!
//! The mechanism does not exist yet. What can be said truthfully without it is said (off, to nobody);
//! switching it on is refused.

use crate::base::text;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group,
};

pub(super) const CLIENT_CACHING: Command = Command {
    name: "caching",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "6.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Says whether the keys of the next command are to be tracked.",
    arguments: &[Argument::one_of(
        "mode",
        &[Argument::word("yes", "YES"), Argument::word("no", "NO")],
    )],
    run: caching,
    ..Command::DEFAULT
};
fn caching(_: &mut Context<'_>) -> Result<(), CommandError> {
    Err(CommandError::refused(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or \
         OPTOUT mode enabled",
    ))
}

pub(super) const CLIENT_GETREDIR: Command = Command {
    name: "getredir",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    acl: Categories::CONNECTION,
    since: "6.0.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Returns which connection gets the messages about changed keys.",
    run: getredir,
    ..Command::DEFAULT
};
fn getredir(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.integer(-1);
    Ok(())
}

pub(super) const CLIENT_TRACKINGINFO: Command = Command {
    name: "trackinginfo",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "6.2.0",
    group: Group::Connection,
    complexity: "O(1)",
    summary: "Returns what is tracked for the connection.",
    run: trackinginfo,
    ..Command::DEFAULT
};
fn trackinginfo(context: &mut Context<'_>) -> Result<(), CommandError> {
    let reply = &mut *context.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(1);
    reply.bulk(b"off");
    reply.bulk(b"redirect");
    reply.integer(-1);
    reply.bulk(b"prefixes");
    reply.array(0);
    Ok(())
}

pub(super) const CLIENT_TRACKING: Command = Command {
    name: "tracking",
    arity: -3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    acl: Categories::CONNECTION,
    since: "6.0.0",
    group: Group::Connection,
    complexity: "O(1). Some options may introduce additional complexity.",
    summary: "Turns messages about changes of keys on or off.",
    arguments: &[
        Argument::one_of("status", &[Argument::word("on", "ON"), Argument::word("off", "OFF")]),
        Argument::new("client-id", ArgumentKind::Integer).after("REDIRECT").optional(),
        Argument::new("prefix", ArgumentKind::String)
            .after("PREFIX")
            .optional()
            .multiple()
            .repeating_token(),
        Argument::word("bcast", "BCAST").optional(),
        Argument::word("optin", "OPTIN").optional(),
        Argument::word("optout", "OPTOUT").optional(),
        Argument::word("noloop", "NOLOOP").optional(),
    ],
    run: tracking,
    ..Command::DEFAULT
};
fn tracking(context: &mut Context<'_>) -> Result<(), CommandError> {
    let options = read_options(context)?;
    if context.args.is_word(2, "OFF") {
        context.reply.ok();
        return Ok(());
    }
    if !context.args.is_word(2, "ON") {
        return Err(CommandError::Syntax);
    }
    options.check()?;
    Err(CommandError::refused("ERR This version does not track keys for clients"))
}

#[derive(Default)]
struct Options {
    broadcasts: bool,
    opts_in: bool,
    opts_out: bool,
    has_prefix: bool,
}

impl Options {
    fn check(&self) -> Result<(), CommandError> {
        if self.has_prefix && !self.broadcasts {
            return Err(CommandError::refused(
                "ERR PREFIX option requires BCAST mode to be enabled",
            ));
        }
        if self.broadcasts && (self.opts_in || self.opts_out) {
            return Err(CommandError::refused(
                "ERR OPTIN and OPTOUT are not compatible with BCAST",
            ));
        }
        if self.opts_in && self.opts_out {
            return Err(CommandError::refused(
                "ERR You can't specify both OPTIN mode and OPTOUT mode",
            ));
        }
        Ok(())
    }
}

fn read_options(context: &Context<'_>) -> Result<Options, CommandError> {
    let args = context.args;
    let mut options = Options::default();
    let mut index = 3;
    while index < args.len() {
        let has_more = index + 1 < args.len();
        if args.is_word(index, "REDIRECT") && has_more {
            index += 1;
            check_target(context, args.at(index))?;
        } else if args.is_word(index, "PREFIX") && has_more {
            index += 1;
            options.has_prefix = true;
        } else if args.is_word(index, "BCAST") {
            options.broadcasts = true;
        } else if args.is_word(index, "OPTIN") {
            options.opts_in = true;
        } else if args.is_word(index, "OPTOUT") {
            options.opts_out = true;
        } else if !args.is_word(index, "NOLOOP") {
            return Err(CommandError::Syntax);
        }
        index += 1;
    }
    Ok(options)
}

fn check_target(context: &Context<'_>, id: &[u8]) -> Result<(), CommandError> {
    let id = text::parse_i64(id).ok_or(CommandError::NotAnInteger)?;
    let client = u64::try_from(id).ok().and_then(|id| context.engine.clients.find(id));
    if client.is_none() {
        return Err(CommandError::refused("ERR The client ID you want redirect to does not exist"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn tracking_is_off_and_says_so() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("CLIENT TRACKINGINFO", "[\"flags\", [\"off\"], \"redirect\", -1, \"prefixes\", []]"),
            ("CLIENT GETREDIR", "-1"),
            ("CLIENT TRACKING OFF", "OK"),
            ("CLIENT TRACKING ON PREFIX a", "ERR PREFIX option requires BCAST mode to be enabled"),
            (
                "CLIENT TRACKING ON REDIRECT 9",
                "ERR The client ID you want redirect to does not exist",
            ),
            ("CLIENT TRACKING ON", "ERR This version does not track keys for clients"),
        ]);
    }
}
