//! DEBUG: looking inside and setting traps, for tests. `enable-debug-command` guards it.

mod data;
mod digest;
mod objects;
mod protocol;
mod reload;

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crate::base::{glob, log, text};
use crate::commands::help;
use crate::config::{Setting, parse_memory};
use crate::engine::{
    Args, Command, CommandError, Context, Engine, Flags, Group, KeyAt, KeyFlags, Session,
};
use crate::keyspace::Entry;

pub(super) const DEBUG: Command = Command {
    name: "debug",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    since: "1.0.0",
    group: Group::Server,
    complexity: "Depends on the subcommand.",
    summary: "Looks inside the server, and sets traps for tests.",
    find_keys: Some(find_debug_keys),
    run: debug,
    ..Command::DEFAULT
};
fn debug(context: &mut Context<'_>) -> Result<(), CommandError> {
    let peer = &context.session.cell.peer;
    let is_local = peer.is_loopback || peer.is_unix;
    if !context.engine.config.allows(Setting::EnableDebugCommand, is_local) {
        return Err(CommandError::refused(
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to \
             \"local\", you can run it from a local connection, otherwise you need to set this \
             option in the configuration file, and then restart the server.",
        ));
    }
    let args = context.args;
    let fits = |trap: &&Trap| {
        args.is_word(1, trap.name) && (trap.least..=trap.most).contains(&(args.len() - 2))
    };
    match TRAPS.iter().find(fits) {
        Some(trap) => (trap.run)(context),
        None => Err(help::see_help(context)),
    }
}

/// One subcommand, with the number of arguments behind its name.
struct Trap {
    name: &'static str,
    least: usize,
    most: usize,
    syntax: &'static str,
    summary: &'static str,
    run: fn(&mut Context<'_>) -> Result<(), CommandError>,
}

const ANY: usize = usize::MAX;

macro_rules! traps {
    ($($name:literal $least:literal..=$most:expr, $syntax:literal, $run:path: $summary:literal;)+) => {
        const TRAPS: &[Trap] = &[$(Trap {
            name: $name,
            least: $least,
            most: $most,
            syntax: $syntax,
            summary: $summary,
            run: $run,
        },)+];
    };
}

traps! {
    "CHANGE-REPL-ID" 0..=0, "", change_replication_id:
        "Gives the data another history: replicas can no longer continue from their offset.";
    "CONFIG-REWRITE-FORCE-ALL" 0..=0, "", rewrite_all_settings:
        "Does what CONFIG REWRITE does, with every setting.";
    "DIGEST" 0..=0, "", digest::of_all: "Returns a digest of all databases.";
    "DIGEST-VALUE" 0..=ANY, "<key> [<key> ...]", digest::of_values:
        "Returns a digest of the value of each key.";
    "ERROR" 1..=1, "<text>", answer_error: "Answers with this error.";
    "HELP" 0..=0, "", list_traps: "Lists the subcommands.";
    "HTSTATS" 1..=2, "<db> [full]", objects::database_table:
        "Tells about the tables of a database.";
    "HTSTATS-KEY" 1..=2, "<key> [full]", objects::key_table:
        "Tells about the table inside a value.";
    "LOG" 1..=1, "<text>", write_log: "Writes a line into the log.";
    "OBJECT" 1..=2, "<key> [fast]", objects::object: "Tells how a value is kept.";
    "PAUSE-CRON" 1..=1, "<0|1>", pause_upkeep: "Stops what is done without being asked, or lets it go on.";
    "POPULATE" 1..=3, "<count> [<prefix> [<bytes>]]", data::populate:
        "Creates keys named prefix:number with values of a size, where they do not exist yet.";
    "PROTOCOL" 1..=1, "<type>", protocol::sample: "Answers with a value of this type.";
    "RELOAD" 0..=ANY, "[MERGE] [NOFLUSH] [NOSAVE]", reload::reload:
        "Saves, removes everything and loads what was saved; MERGE lets loaded keys replace others.";
    "QUICKLIST-PACKED-THRESHOLD" 1..=1, "<bytes>", set_large_element_size:
        "Sets from which size on an element is a node of its own in lists that grow; 0 for the usual.";
    "SDSLEN" 1..=1, "<key>", objects::string_lengths: "Tells the lengths of a key and its string.";
    "SET-ACTIVE-EXPIRE" 1..=1, "<0|1>", set_active_expiry:
        "Leaves expired keys alone until somebody asks for them, or not.";
    "SET-DISABLE-DENY-SCRIPTS" 1..=1, "<0|1>", allow_denied_commands:
        "Lets scripts call commands that they may not call, or not.";
    "SET-SKIP-CHECKSUM-VALIDATION" 1..=1, "<0|1>", skip_checksums:
        "Takes payloads of RESTORE whatever their checksum, or not.";
    "SLEEP" 1..=1, "<seconds>", sleep: "Stops everything for a while.";
    "STRINGMATCH-LEN" 2..=2, "<length> <pattern>", match_long_text:
        "Matches a pattern with a text of many letters a.";
    "STRUCTSIZE" 0..=0, "", struct_sizes: "Tells the sizes of a few structures.";
    "LOADAOF" 0..=0, "", refuse_persistence: "Refused: there is no persistence yet.";
    "DICT-RESIZING" 1..=1, "<0|1>", refuse_meaningless: "Refused: it has no meaning here.";
    "LISTPACK" 1..=1, "<key>", refuse_meaningless: "Refused: it has no meaning here yet.";
    "REPLICATE" 1..=ANY, "", refuse_meaningless: "Refused: it has no meaning here yet.";
    "REPLYBUFFER" 2..=2, "RESIZING <0|1>", keep_reply_buffers:
        "Lets idle clients keep the memory of their replies, or not.";
}

/// Declares the keys that a subcommand looks at, so that they are locked.
fn find_debug_keys(args: Args<'_>, found: &mut Vec<KeyAt>) -> bool {
    if args.is_word(1, "DIGEST-VALUE") {
        found.extend((2..args.len()).map(|index| (index, KeyFlags::RO)));
    } else if ["OBJECT", "SDSLEN", "HTSTATS-KEY"].iter().any(|word| args.is_word(1, word))
        && args.len() > 2
    {
        found.push((2, KeyFlags::RO));
    }
    true
}

fn list_traps(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.array(1 + 2 * TRAPS.len());
    context.reply.simple(&help::headline("debug"));
    for trap in TRAPS {
        context.reply.simple(format!("{} {}", trap.name, trap.syntax).trim_end());
        context.reply.simple(&format!("    {}", trap.summary));
    }
    Ok(())
}

fn refuse_persistence(context: &mut Context<'_>) -> Result<(), CommandError> {
    let name = String::from_utf8_lossy(context.args.at(1)).to_ascii_uppercase();
    Err(CommandError::refused_with(format!(
        "ERR DEBUG {name} needs persistence, which this version does not have"
    )))
}

fn refuse_meaningless(context: &mut Context<'_>) -> Result<(), CommandError> {
    let name = String::from_utf8_lossy(context.args.at(1)).to_ascii_uppercase();
    Err(CommandError::refused_with(format!("ERR DEBUG {name} has no meaning in this version")))
}

fn change_replication_id(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.engine.change_replication_id();
    context.reply.ok();
    Ok(())
}

fn rewrite_all_settings(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.engine.config.rewrite_all().map_err(|error| {
        let reason = error.to_string();
        let reason = reason.strip_prefix("ERR ").unwrap_or(&reason);
        CommandError::refused_with(format!("ERR CONFIG-REWRITE-FORCE-ALL failed: {reason}"))
    })?;
    context.reply.ok();
    Ok(())
}

fn answer_error(context: &mut Context<'_>) -> Result<(), CommandError> {
    Err(CommandError::Quoting(context.args.at(2).to_vec()))
}

fn write_log(context: &mut Context<'_>) -> Result<(), CommandError> {
    let text = String::from_utf8_lossy(context.args.at(2));
    log::warning(format_args!("DEBUG LOG: {text}"));
    context.reply.ok();
    Ok(())
}

/// Reads a switch: anything that is not a number other than zero is off.
fn switch(argument: &[u8]) -> bool {
    text::parse_i64(argument).is_some_and(|number| number != 0)
}

fn pause_upkeep(context: &mut Context<'_>) -> Result<(), CommandError> {
    // Relaxed, here and below: switches for tests that stand for themselves.
    context.engine.is_upkeep_paused.store(switch(context.args.at(2)), Ordering::Relaxed);
    context.reply.ok();
    Ok(())
}

fn set_active_expiry(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.engine.expires_actively.store(switch(context.args.at(2)), Ordering::Relaxed);
    context.reply.ok();
    Ok(())
}

fn keep_reply_buffers(context: &mut Context<'_>) -> Result<(), CommandError> {
    if !context.args.is_word(2, "RESIZING") {
        return refuse_meaningless(context);
    }
    let keeps = !switch(context.args.at(3));
    context.engine.keeps_reply_buffers.store(keeps, Ordering::Relaxed);
    context.reply.ok();
    Ok(())
}

fn allow_denied_commands(context: &mut Context<'_>) -> Result<(), CommandError> {
    let allows = switch(context.args.at(2));
    context.engine.allows_denied_commands.store(allows, Ordering::Relaxed);
    context.reply.ok();
    Ok(())
}

fn skip_checksums(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.engine.skips_checksums.store(switch(context.args.at(2)), Ordering::Relaxed);
    context.reply.ok();
    Ok(())
}

fn set_large_element_size(context: &mut Context<'_>) -> Result<(), CommandError> {
    /// Elements near 4 GiB would overflow what counts their bytes.
    const BYTES_MAX: u64 = (1 << 32) - (1 << 20);
    let bytes = parse_memory(context.args.at(2)).filter(|bytes| *bytes <= BYTES_MAX);
    let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let bytes = bytes.ok_or(CommandError::refused(
        "ERR argument must be a memory value bigger than 1 and smaller than 4gb",
    ))?;
    context.engine.list_large_bytes_min.store(bytes, Ordering::Relaxed);
    context.reply.ok();
    Ok(())
}

/// The originals have one thread, so a sleep stops every client; here the gate does.
fn sleep(context: &mut Context<'_>) -> Result<(), CommandError> {
    let seconds = text::parse_f64(context.args.at(2)).unwrap_or(0.0).max(0.0);
    let closed = context.stop_the_world()?;
    thread::sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    drop(closed);
    context.reply.ok();
    Ok(())
}

fn match_long_text(context: &mut Context<'_>) -> Result<(), CommandError> {
    /// Longest text; what is tested is time, not memory.
    const LENGTH_MAX: usize = 512 << 20;
    let length = usize::try_from(context.integer(2)?).unwrap_or(0).min(LENGTH_MAX);
    let is_match = glob::matches(context.args.at(3), &vec![b'a'; length], false);
    context.reply.integer(i64::from(is_match));
    Ok(())
}

fn struct_sizes(context: &mut Context<'_>) -> Result<(), CommandError> {
    let text = format!(
        "bits:{} entry:{} session:{} engine:{} context:{}",
        usize::BITS,
        size_of::<Entry>(),
        size_of::<Session>(),
        size_of::<Engine>(),
        size_of::<Context<'_>>(),
    );
    context.reply.bulk(text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use crate::commands::testing::Bench;

    fn bench() -> Bench {
        Bench::with_settings("enable-debug-command yes")
    }

    #[test]
    fn nobody_debugs_a_server_that_does_not_allow_it() {
        let refusal = Bench::new().say("DEBUG HELP");
        assert!(refusal.starts_with("ERR DEBUG command not allowed."), "{refusal}");
        let mut local = Bench::with_settings("enable-debug-command local");
        assert!(local.say("DEBUG HELP").starts_with("[DEBUG <subcommand>"));
    }

    #[test]
    fn keys_are_made_where_there_are_none() {
        let mut bench = bench();
        bench.say("SET k:3 mine");
        bench.expect(&[
            ("DEBUG POPULATE 10 k 5", "OK"),
            ("DBSIZE", "10"),
            ("GET k:3", "\"mine\""),
            ("GET k:4", "\"value\""),
            ("DEBUG POPULATE 12", "OK"),
            ("GET key:11", "\"value:11\""),
            ("DEBUG POPULATE 1 p 10", "OK"),
            ("GET p:0", "\"value:0\\x00\\x00\\x00\""),
            ("DEBUG POPULATE x", "ERR value is out of range, must be positive"),
        ]);
        assert_eq!(bench.effects(), ["0: SET k:3 mine"]);
    }

    #[test]
    fn switches_reach_the_workers() {
        let mut bench = bench();
        bench.expect(&[("DEBUG SET-ACTIVE-EXPIRE 0", "OK"), ("DEBUG PAUSE-CRON 1", "OK")]);
        assert!(!bench.engine.expires_actively.load(Ordering::Relaxed));
        assert!(bench.engine.is_upkeep_paused.load(Ordering::Relaxed));
        bench.expect(&[("DEBUG SET-ACTIVE-EXPIRE 1", "OK"), ("DEBUG PAUSE-CRON 0", "OK")]);
        assert!(bench.engine.expires_actively.load(Ordering::Relaxed));
    }

    #[test]
    fn values_are_described() {
        let mut bench = bench();
        bench.say("SET i 70000");
        bench.say("SET e abc");
        let integer = bench.say("DEBUG OBJECT i");
        assert!(
            integer.starts_with("Value at:0x")
                && integer.contains("encoding:int serializedlength:5")
        );
        assert!(bench.say("DEBUG SDSLEN e").contains("val_sds_len:3, "));
        bench.expect(&[
            ("DEBUG OBJECT none", "ERR no such key"),
            ("DEBUG SDSLEN i", "ERR Not an sds encoded string."),
            ("DEBUG HTSTATS 99", "ERR Out of range database"),
            ("DEBUG STRINGMATCH-LEN 1000 a*b", "0"),
            ("DEBUG REPLYBUFFER RESIZING 0", "OK"),
            (
                "DEBUG REPLYBUFFER PEAK-RESET-TIME 100",
                "ERR DEBUG REPLYBUFFER has no meaning in this version",
            ),
        ]);
    }

    #[test]
    fn what_has_expired_is_described_until_it_is_removed() {
        let mut bench = bench();
        bench.expect(&[("SET a 1 PX 5", "OK")]);
        bench.advance(10);
        assert!(bench.say("DEBUG OBJECT a").starts_with("Value at:0x"));
        bench.expect(&[("EXISTS a", "0"), ("DEBUG OBJECT a", "ERR no such key")]);
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        let mut bench = bench();
        bench.expect(&[
            (
                "DEBUG LOADAOF",
                "ERR DEBUG LOADAOF needs persistence, which this version does not have",
            ),
            ("DEBUG LISTPACK a", "ERR DEBUG LISTPACK has no meaning in this version"),
            (
                "DEBUG JMAP",
                "ERR unknown subcommand or wrong number of arguments for 'JMAP'. Try DEBUG HELP.",
            ),
            ("DEBUG ERROR MINE", "MINE"),
        ]);
    }

    #[test]
    fn another_history_has_another_id() {
        let mut bench = bench();
        let before = bench.engine.replication_id();
        bench.expect(&[("DEBUG CHANGE-REPL-ID", "OK")]);
        let after = bench.engine.replication_id();
        assert!(before != after && after.len() == 40);
    }
}
