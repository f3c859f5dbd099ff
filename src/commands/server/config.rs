//! CONFIG: reading and changing the settings of the running server.

use crate::base::log;
use crate::commands::help;
use crate::config::{Caller, Config, ConfigError, Setting, UNKNOWN_OPTION};
use crate::engine::{
    Argument, ArgumentKind, Command, CommandError, Context, Engine, Flags, Group, WorkerMessage,
};
use crate::stats::CommandLogKind;

const COMMANDS: &[Command] =
    &[CONFIG_GET, CONFIG_HELP, CONFIG_RESETSTAT, CONFIG_REWRITE, CONFIG_SET];

pub(super) const CONFIG: Command = Command {
    name: "config",
    arity: -2,
    since: "2.0.0",
    group: Group::Server,
    complexity: "Depends on the subcommand.",
    summary: "Reads and changes the settings of the running server.",
    subcommands: COMMANDS,
    ..Command::DEFAULT
};

const CONFIG_GET: Command = Command {
    name: "get",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    since: "2.0.0",
    group: Group::Server,
    complexity: "O(N) with N settings and patterns",
    summary: "Returns the settings whose names match any of the patterns.",
    arguments: &[Argument::new("parameter", ArgumentKind::String).multiple()],
    run: get,
    ..Command::DEFAULT
};
fn get(context: &mut Context<'_>) -> Result<(), CommandError> {
    let patterns: Vec<&[u8]> = context.args.from(2).iter().collect();
    let found = context.engine.config.get(&patterns);
    context.reply.map(found.len());
    for (name, value) in found {
        context.reply.bulk(&name);
        context.reply.bulk(&value);
    }
    Ok(())
}

const CONFIG_HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    since: "5.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..Command::DEFAULT
};

const CONFIG_RESETSTAT: Command = Command {
    name: "resetstat",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    since: "2.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Starts the statistics of INFO anew.",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    run: reset_statistics,
    ..Command::DEFAULT
};
fn reset_statistics(context: &mut Context<'_>) -> Result<(), CommandError> {
    let engine = context.engine;
    engine.stats.reset();
    engine.reaper.reset_freed_count();
    engine.clients.forget_max_buffers();
    context.reply.ok();
    Ok(())
}

const CONFIG_REWRITE: Command = Command {
    name: "rewrite",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    since: "2.8.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Writes the settings into the file they came from.",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    run: rewrite,
    ..Command::DEFAULT
};
fn rewrite(context: &mut Context<'_>) -> Result<(), CommandError> {
    let rewritten = context.engine.config.rewrite();
    rewritten.map_err(|error| CommandError::refused_with(error.to_string()))?;
    context.reply.ok();
    Ok(())
}

const CONFIG_SET: Command = Command {
    name: "set",
    arity: -4,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    since: "2.0.0",
    group: Group::Server,
    complexity: "O(N) with N settings",
    summary: "Changes settings, all of them or none.",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    arguments: &[Argument::block(
        "data",
        &[
            Argument::new("parameter", ArgumentKind::String),
            Argument::new("value", ArgumentKind::String),
        ],
    )
    .multiple()],
    run: set,
    ..Command::DEFAULT
};
fn set(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args.from(2);
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::Syntax);
    }
    let mut pairs = Vec::with_capacity(args.len() / 2);
    for index in (0..args.len()).step_by(2) {
        let (name, value) = (args.at(index), args.at(index + 1));
        if Config::is_secret(name) {
            context.redact(index + 3);
        }
        pairs.push((name, value));
    }
    let engine = context.engine;
    let is_local = context.session.cell.peer.is_loopback || context.session.cell.peer.is_unix;
    let is_loading = context.engine.persistence.is_loading();
    let caller = Caller { is_local, is_loading };
    let changes = engine
        .config
        .set(&pairs, caller, &mut |setting, config| apply(engine, setting, config))
        .map_err(refusal)?;
    changes.warnings.iter().for_each(|warning| log::warning(format_args!("{warning}")));
    engine.tell_all(|| WorkerMessage::ConfigChanged);
    context.reply.ok();
    Ok(())
}

fn refusal(error: ConfigError) -> CommandError {
    match error {
        ConfigError::Unknown { name } => CommandError::quoting(UNKNOWN_OPTION, &name, "'"),
        other => CommandError::refused_with(other.to_string()),
    }
}

/// Puts a changed setting into effect.
fn apply(engine: &Engine, setting: Setting, config: &Config) -> Result<(), String> {
    match setting {
        Setting::SlowlogMaxLen => trim(engine, CommandLogKind::Slow),
        Setting::CommandlogLargeRequestMaxLen => trim(engine, CommandLogKind::LargeRequest),
        Setting::CommandlogLargeReplyMaxLen => trim(engine, CommandLogKind::LargeReply),
        Setting::LatencyTracking => engine.stats.set_latency_tracking(config.flag(setting)),
        Setting::MaxmemoryClients | Setting::Maxmemory | Setting::MaxmemoryContainerPercent => {
            engine.clients.set_memory_limit(config.maxmemory_clients_bytes());
        }
        _ => {}
    }
    engine.apply_setting(setting)
}

fn trim(engine: &Engine, kind: CommandLogKind) {
    engine.stats.command_log().trim(kind, engine.command_log_max(kind));
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn a_shorter_slow_log_is_cut_at_once() {
        let mut bench = Bench::with_settings("slowlog-log-slower-than 0");
        (0..5).for_each(|_| drop(bench.say("PING")));
        bench.expect(&[
            ("CONFIG SET slowlog-log-slower-than -1", "OK"),
            ("CONFIG SET slowlog-max-len 2", "OK"),
            ("SLOWLOG LEN", "2"),
        ]);
    }

    #[test]
    fn secrets_stay_out_of_the_logs() {
        let mut bench = Bench::with_settings("slowlog-log-slower-than 0");
        bench.say("CONFIG SET maxmemory-samples 5 REQUIREPASS secret");
        bench.say("AUTH secret");
        bench.say("HELLO 2 AUTH default secret");
        let log = bench.say("SLOWLOG GET -1");
        assert!(log.contains("\"maxmemory-samples\", \"5\", \"REQUIREPASS\", \"(redacted)\""));
        assert!(log.contains("[\"AUTH\", \"(redacted)\"]"), "{log}");
        assert!(log.contains("\"AUTH\", \"(redacted)\", \"(redacted)\"]"), "{log}");
        assert!(!log.contains("secret"), "{log}");
    }

    #[test]
    fn one_bad_value_changes_nothing() {
        let mut bench = Bench::new();
        bench.expect(&[
            (
                "CONFIG SET maxmemory-samples 7 lfu-log-factor x",
                "ERR CONFIG SET failed (possibly related to argument 'lfu-log-factor') - argument \
                 couldn't be parsed into an integer",
            ),
            ("CONFIG GET maxmemory-samples", "[\"maxmemory-samples\", \"5\"]"),
            ("CONFIG SET timeout", "ERR wrong number of arguments for 'config|set' command"),
            ("CONFIG SET timeout 1 maxmemory", "ERR syntax error"),
            ("CONFIG REWRITE", "ERR The server is running without a config file"),
        ]);
    }

    #[test]
    fn a_reset_forgets_what_was_counted() {
        let mut bench = Bench::new();
        bench.say("GET a");
        bench.say("NOTHING");
        bench.expect(&[("CONFIG RESETSTAT", "OK")]);
        let stats = bench.say("INFO stats");
        assert!(stats.contains("keyspace_misses:0") && stats.contains("total_error_replies:0"));
    }
}
