//! LATENCY: events that took long, and how long each command takes.

use crate::commands::help;
use crate::config::Setting;
use crate::engine::{Argument, ArgumentKind, Command, CommandError, Context, Flags, Group, Known};
use crate::stats::{Histogram, LatencyReportSettings, doctor_report, event_graph};

const COMMANDS: &[Command] = &[
    LATENCY_DOCTOR,
    LATENCY_GRAPH,
    LATENCY_HELP,
    LATENCY_HISTOGRAM,
    LATENCY_HISTORY,
    LATENCY_LATEST,
    LATENCY_RESET,
];

pub(super) const LATENCY: Command = Command {
    name: "latency",
    arity: -2,
    since: "2.8.13",
    group: Group::Server,
    complexity: "Depends on the subcommand.",
    summary: "Shows what took long and how long commands take.",
    subcommands: COMMANDS,
    ..Command::DEFAULT
};

const LATENCY_DOCTOR: Command = Command {
    name: "doctor",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Explains the latency events and what may help.",
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    run: doctor,
    ..Command::DEFAULT
};
fn doctor(context: &mut Context<'_>) -> Result<(), CommandError> {
    let config = &context.engine.config;
    let settings = LatencyReportSettings {
        threshold_ms: config.number(Setting::LatencyMonitorThreshold).max(0).unsigned_abs(),
        slow_log_threshold_us: config.number(Setting::SlowlogLogSlowerThan),
        slow_log_entry_count_max: config.size(Setting::SlowlogMaxLen),
    };
    let events = context.engine.stats.latency_monitor().events();
    let text = doctor_report(&events, context.now_ms / 1000, settings);
    context.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

const LATENCY_GRAPH: Command = Command {
    name: "graph",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Draws the spikes of an event.",
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    arguments: &[Argument::new("event", ArgumentKind::String)],
    run: graph,
    ..Command::DEFAULT
};
fn graph(context: &mut Context<'_>) -> Result<(), CommandError> {
    let name = context.args.at(2);
    let Some(event) = context.engine.stats.latency_monitor().event(name) else {
        return Err(CommandError::quoting("ERR No samples available for event '", name, "'"));
    };
    let text = event_graph(&event, context.now_ms / 1000);
    context.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

const LATENCY_HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..Command::DEFAULT
};

const LATENCY_HISTOGRAM: Command = Command {
    name: "histogram",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    since: "7.0.0",
    group: Group::Server,
    complexity: "O(N) with N commands",
    summary: "Returns how many calls of commands took at most how long.",
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    arguments: &[Argument::new("command", ArgumentKind::String).optional().multiple()],
    run: histogram,
    ..Command::DEFAULT
};
fn histogram(context: &mut Context<'_>) -> Result<(), CommandError> {
    let engine = context.engine;
    let mark = context.reply.deferred();
    let mut count = 0;
    for known in wanted_commands(context) {
        if let Some(histogram) = engine.stats.command_histogram(known.id) {
            reply_histogram(context, known, &histogram);
            count += 1;
        }
    }
    context.reply.finish_map(mark, count);
    Ok(())
}

/// Returns all commands, or those that are named; a container stands for its subcommands.
fn wanted_commands<'a>(context: &Context<'a>) -> Vec<&'a Known> {
    let table = &context.engine.table;
    if context.args.len() == 2 {
        return table.all().iter().collect();
    }
    let mut wanted = Vec::new();
    for name in context.args.from(2).iter() {
        let Some(known) = table.find_full_name(name) else { continue };
        if known.subcommands.is_empty() {
            wanted.push(known);
        } else {
            wanted.extend(table.all().iter().filter(|other| other.parent == Some(known.id)));
            // COMMAND is a command itself besides being a container.
            wanted.push(known);
        }
    }
    wanted
}

fn reply_histogram(context: &mut Context<'_>, known: &Known, histogram: &Histogram) {
    let reply = &mut *context.reply;
    reply.bulk(known.full_name.as_bytes());
    reply.map(2);
    reply.bulk(b"calls");
    reply.integer(histogram.count().cast_signed());
    reply.bulk(b"histogram_usec");
    let mark = reply.deferred();
    let mut count = 0;
    for bucket in histogram.filled_buckets() {
        reply.integer(bucket.bound_us.cast_signed());
        reply.integer(bucket.cumulative_count.cast_signed());
        count += 1;
    }
    reply.finish_map(mark, count);
}

const LATENCY_HISTORY: Command = Command {
    name: "history",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns time and length of the spikes of an event.",
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    arguments: &[Argument::new("event", ArgumentKind::String)],
    run: history,
    ..Command::DEFAULT
};
fn history(context: &mut Context<'_>) -> Result<(), CommandError> {
    let event = context.engine.stats.latency_monitor().event(context.args.at(2));
    let samples = event.map(|event| event.samples).unwrap_or_default();
    context.reply.array(samples.len());
    for sample in samples {
        context.reply.array(2);
        context.reply.integer(sample.unix_seconds.cast_signed());
        context.reply.integer(sample.latency_ms.cast_signed());
    }
    Ok(())
}

const LATENCY_LATEST: Command = Command {
    name: "latest",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns the newest and the worst spike of each event.",
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    run: latest,
    ..Command::DEFAULT
};
fn latest(context: &mut Context<'_>) -> Result<(), CommandError> {
    let events = context.engine.stats.latency_monitor().events();
    context.reply.array(events.len());
    for event in events {
        let newest = event.latest().map_or((0, 0), |spike| (spike.unix_seconds, spike.latency_ms));
        context.reply.array(6);
        context.reply.bulk(event.name.as_bytes());
        for number in [newest.0, newest.1, event.max_ms, event.sum_ms, event.count] {
            context.reply.integer(number.cast_signed());
        }
    }
    Ok(())
}

const LATENCY_RESET: Command = Command {
    name: "reset",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Forgets the spikes of the events that are named, or of all.",
    tips: &["request_policy:all_nodes", "response_policy:agg_sum"],
    arguments: &[Argument::new("event", ArgumentKind::String).optional().multiple()],
    run: reset,
    ..Command::DEFAULT
};
fn reset(context: &mut Context<'_>) -> Result<(), CommandError> {
    let monitor = context.engine.stats.latency_monitor();
    let names = context.args.from(2);
    let count = match names.len() {
        0 => monitor.reset_all(),
        _ => names.iter().filter(|name| monitor.reset(name)).count(),
    };
    context.reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn a_container_stands_for_its_subcommands() {
        let mut bench = Bench::new();
        bench.say("CLIENT ID");
        bench.say("CLIENT GETNAME");
        bench.speak_resp3();
        let text = bench.say("LATENCY HISTOGRAM client nothing");
        assert!(text.contains("\"client|id\": {\"calls\": 1, \"histogram_usec\": {"), "{text}");
        assert!(text.contains("\"client|getname\": "), "{text}");
        assert!(!bench.say("LATENCY HISTOGRAM client|id").contains("getname"));
        bench.expect(&[("LATENCY HISTOGRAM set", "{}")]);
    }

    #[test]
    fn events_are_listed_until_they_are_reset() {
        let mut bench = Bench::new();
        bench.engine.stats.latency_monitor().record("command", 1_700_000_000, 250);
        bench.engine.stats.latency_monitor().record("command", 1_700_000_001, 150);
        bench.expect(&[
            ("LATENCY HISTORY command", "[[1700000000, 250], [1700000001, 150]]"),
            ("LATENCY LATEST", "[[\"command\", 1700000001, 150, 250, 400, 2]]"),
            ("LATENCY GRAPH nothing", "ERR No samples available for event 'nothing'"),
            ("LATENCY RESET nothing command", "1"),
            ("LATENCY LATEST", "[]"),
        ]);
    }
}
