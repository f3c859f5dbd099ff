//! CLIENT TRACKING and its relatives: the server tells a client when keys it has read change.

use crate::base::text;
use crate::engine::{
    Argument, ArgumentKind, Categories, Choice, Command, CommandError, Context, Flags, Group,
    SessionTracking, TrackingOptions,
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
fn caching(context: &mut Context<'_>) -> Result<(), CommandError> {
    let tracking = context.session.tracking.as_mut();
    let Some(tracking) = tracking else {
        return Err(CommandError::refused(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or \
             OPTOUT mode enabled",
        ));
    };
    let wanted = if context.args.is_word(2, "YES") {
        Choice::OptIn
    } else if context.args.is_word(2, "NO") {
        Choice::OptOut
    } else {
        return Err(CommandError::Syntax);
    };
    if tracking.choice != wanted {
        return Err(CommandError::refused(match wanted {
            Choice::OptIn => {
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."
            }
            _ => "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
        }));
    }
    tracking.choose(context.known);
    context.reply.ok();
    Ok(())
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
    let is_tracking = context.session.tracking.is_some();
    context.reply.integer(if is_tracking { redirect(context) } else { -1 });
    Ok(())
}

fn redirect(context: &Context<'_>) -> i64 {
    context.session.cell.tracking.redirect().cast_signed()
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
    let redirect = redirect(context);
    let cell = &context.session.cell.tracking;
    let tracking = context.session.tracking.as_deref();
    let flags = tracking.map_or_else(
        || vec!["off"],
        |tracking| {
            let caching = match (tracking.choice, tracking.is_chosen()) {
                (Choice::OptIn, true) => "caching-yes",
                (Choice::OptOut, true) => "caching-no",
                _ => "",
            };
            let words = [
                (true, "on"),
                (cell.broadcasts(), "bcast"),
                (tracking.choice == Choice::OptIn, "optin"),
                (tracking.choice == Choice::OptOut, "optout"),
                (!caching.is_empty(), caching),
                (cell.skips_own(), "noloop"),
                (cell.is_broken(), "broken_redirect"),
            ];
            words.iter().filter(|(applies, _)| *applies).map(|(_, word)| *word).collect()
        },
    );
    let reply = &mut *context.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"redirect");
    reply.integer(if tracking.is_some() { redirect } else { -1 });
    reply.bulk(b"prefixes");
    let prefixes = tracking.map_or(&[][..], |tracking| &tracking.prefixes);
    reply.array(prefixes.len());
    prefixes.iter().for_each(|prefix| reply.bulk(prefix));
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
    let wish = read_wish(context)?;
    if context.args.is_word(2, "OFF") {
        context.engine.untrack(context.session);
        context.reply.ok();
        return Ok(());
    }
    if !context.args.is_word(2, "ON") {
        return Err(CommandError::Syntax);
    }
    wish.check()?;
    let (broadcasts, choice) = (wish.broadcasts, wish.choice());
    if let Some(current) = context.session.tracking.as_deref() {
        let did_broadcast = context.session.cell.tracking.broadcasts();
        check_switch((did_broadcast, broadcasts), (current.choice, choice))?;
    }
    if broadcasts {
        check_overlaps(context.session.tracking.as_deref(), &wish.prefixes)?;
    }
    let Wish { redirect, skips_own, prefixes, .. } = wish;
    context.track(TrackingOptions { redirect, broadcasts, choice, skips_own, prefixes });
    context.reply.ok();
    Ok(())
}

/// What the arguments ask for.
#[derive(Default)]
struct Wish {
    redirect: u64,
    broadcasts: bool,
    opts_in: bool,
    opts_out: bool,
    skips_own: bool,
    prefixes: Vec<Vec<u8>>,
}

impl Wish {
    fn choice(&self) -> Choice {
        match (self.opts_in, self.opts_out) {
            (true, _) => Choice::OptIn,
            (false, true) => Choice::OptOut,
            (false, false) => Choice::All,
        }
    }

    fn check(&self) -> Result<(), CommandError> {
        if !self.prefixes.is_empty() && !self.broadcasts {
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

/// Refuses to change the mode of tracking under way.
fn check_switch(
    (did_broadcast, broadcasts): (bool, bool),
    (old, new): (Choice, Choice),
) -> Result<(), CommandError> {
    if did_broadcast != broadcasts {
        return Err(CommandError::refused(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then \
             re-enabling it with a different mode.",
        ));
    }
    if matches!((old, new), (Choice::OptIn, Choice::OptOut) | (Choice::OptOut, Choice::OptIn)) {
        return Err(CommandError::refused(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then \
             re-enabling it with a different mode.",
        ));
    }
    Ok(())
}

/// Refuses prefixes of which one begins with another: a key would be told twice.
fn check_overlaps(
    current: Option<&SessionTracking>,
    prefixes: &[Vec<u8>],
) -> Result<(), CommandError> {
    let overlap = |one: &[u8], other: &[u8]| one.starts_with(other) || other.starts_with(one);
    for (index, prefix) in prefixes.iter().enumerate() {
        let current = current.map_or(&[][..], |tracking| &tracking.prefixes);
        if let Some(other) = current.iter().find(|other| overlap(prefix, other)) {
            return Err(overlapping(prefix, "an existing", other));
        }
        if let Some(other) = prefixes[index + 1..].iter().find(|other| overlap(prefix, other)) {
            return Err(overlapping(prefix, "another provided", other));
        }
    }
    Ok(())
}

fn overlapping(prefix: &[u8], which: &str, other: &[u8]) -> CommandError {
    CommandError::refused_with(format!(
        "ERR Prefix '{}' overlaps with {which} prefix '{}'. Prefixes for a single client must not \
         overlap.",
        String::from_utf8_lossy(prefix),
        String::from_utf8_lossy(other),
    ))
}

fn read_wish(context: &Context<'_>) -> Result<Wish, CommandError> {
    let args = context.args;
    let mut wish = Wish::default();
    let mut index = 3;
    while index < args.len() {
        let has_more = index + 1 < args.len();
        if args.is_word(index, "REDIRECT") && has_more {
            index += 1;
            if wish.redirect != 0 {
                return Err(CommandError::refused(
                    "ERR A client can only redirect to a single other client",
                ));
            }
            wish.redirect = target(context, args.at(index))?;
        } else if args.is_word(index, "PREFIX") && has_more {
            index += 1;
            wish.prefixes.push(args.at(index).to_vec());
        } else if args.is_word(index, "BCAST") {
            wish.broadcasts = true;
        } else if args.is_word(index, "OPTIN") {
            wish.opts_in = true;
        } else if args.is_word(index, "OPTOUT") {
            wish.opts_out = true;
        } else if args.is_word(index, "NOLOOP") {
            wish.skips_own = true;
        } else {
            return Err(CommandError::Syntax);
        }
        index += 1;
    }
    Ok(wish)
}

fn target(context: &Context<'_>, id: &[u8]) -> Result<u64, CommandError> {
    let id = text::parse_i64(id).ok_or(CommandError::NotAnInteger)?;
    let client = u64::try_from(id).ok().and_then(|id| context.engine.clients.find(id));
    client.map(|client| client.id).ok_or_else(|| {
        CommandError::refused("ERR The client ID you want redirect to does not exist")
    })
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
        ]);
    }

    #[test]
    fn modes_are_shown_and_do_not_mix() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("CLIENT CACHING YES", "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"),
            ("CLIENT TRACKING ON", "OK"),
            ("CLIENT CACHING YES", "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."),
            ("CLIENT TRACKING ON OPTIN NOLOOP", "OK"),
            ("CLIENT GETREDIR", "0"),
            ("CLIENT CACHING NO", "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."),
            ("CLIENT CACHING maybe", "ERR syntax error"),
            ("CLIENT CACHING YES", "OK"),
            (
                "CLIENT TRACKINGINFO",
                "[\"flags\", [\"on\", \"optin\", \"caching-yes\", \"noloop\"], \"redirect\", 0, \"prefixes\", []]",
            ),
            (
                "CLIENT TRACKINGINFO",
                "[\"flags\", [\"on\", \"optin\", \"caching-yes\", \"noloop\"], \"redirect\", 0, \"prefixes\", []]",
            ),
            ("PING", "PONG"),
            (
                "CLIENT TRACKINGINFO",
                "[\"flags\", [\"on\", \"optin\", \"noloop\"], \"redirect\", 0, \"prefixes\", []]",
            ),
            ("CLIENT TRACKING ON OPTOUT", "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode."),
            ("CLIENT TRACKING ON BCAST", "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode."),
            ("CLIENT TRACKING ON REDIRECT 1 REDIRECT 1", "ERR A client can only redirect to a single other client"),
            ("CLIENT TRACKING OFF", "OK"),
            ("CLIENT TRACKING ON BCAST PREFIX ab PREFIX abc", "ERR Prefix 'ab' overlaps with another provided prefix 'abc'. Prefixes for a single client must not overlap."),
            ("CLIENT TRACKING ON BCAST PREFIX b PREFIX ab", "OK"),
            ("CLIENT TRACKING ON BCAST PREFIX a", "ERR Prefix 'a' overlaps with an existing prefix 'ab'. Prefixes for a single client must not overlap."),
            (
                "CLIENT TRACKINGINFO",
                "[\"flags\", [\"on\", \"bcast\"], \"redirect\", 0, \"prefixes\", [\"ab\", \"b\"]]",
            ),
            ("CLIENT TRACKING ON BCAST OPTIN", "ERR OPTIN and OPTOUT are not compatible with BCAST"),
            ("RESET", "RESET"),
            ("CLIENT GETREDIR", "-1"),
        ]);
        assert_eq!(bench.engine.tracking.client_count(), 0);
        assert!(bench.engine.tracking.prefixes.is_empty());
    }
}
