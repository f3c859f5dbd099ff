//! MEMORY: what a key takes, what everything takes, and what the allocator says about it.

use super::allocator;
use super::info::{MemoryFigures, difference, figures, human, ratio};
use crate::commands::help;
use crate::engine::{
    Args, Argument, ArgumentKind, Command, CommandError, Context, Engine, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::resp::ReplyBuffer;

const COMMANDS: &[Command] =
    &[MEMORY_DOCTOR, MEMORY_HELP, MEMORY_MALLOC_STATS, MEMORY_PURGE, MEMORY_STATS, MEMORY_USAGE];

pub(super) const MEMORY: Command = Command {
    name: "memory",
    arity: -2,
    since: "4.0.0",
    group: Group::Server,
    complexity: "Depends on the subcommand.",
    summary: "Tells what memory is used for.",
    subcommands: COMMANDS,
    ..Command::DEFAULT
};

/// Below this many bytes nothing is worth a diagnosis.
const DOCTOR_BYTES_MIN: u64 = 5 << 20;

const MEMORY_DOCTOR: Command = Command {
    name: "doctor",
    arity: 2,
    since: "4.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Says whether the use of memory looks healthy.",
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    run: doctor,
    ..Command::DEFAULT
};
fn doctor(context: &mut Context<'_>) -> Result<(), CommandError> {
    let text = diagnosis(&figures(context.engine), context.engine.clients.count() as u64);
    context.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn diagnosis(memory: &MemoryFigures, client_count: u64) -> String {
    /// A client's buffers are large from here on, on average.
    const CLIENT_BYTES_MAX: u64 = 200 << 10;
    if memory.used < DOCTOR_BYTES_MIN {
        return "Too little memory is in use for a diagnosis.\n".into();
    }
    let allocator = &memory.allocator;
    let checks = [
        (
            ratio(memory.peak, memory.used) > 1.5,
            "Memory was much fuller once: what was freed since then may stay with the allocator \
             until it is needed again. MEMORY PURGE returns unused pages.",
        ),
        (
            ratio(memory.resident, memory.used) > 1.4 && memory.resident > memory.used + (10 << 20),
            "Much more memory is resident than used. If the values changed their sizes a lot, this \
             is fragmentation.",
        ),
        (
            ratio(allocator.active, allocator.allocated) > 1.1
                && allocator.active > allocator.allocated + (10 << 20),
            "The allocator's pages are not well filled.",
        ),
        (
            ratio(allocator.resident, allocator.active) > 1.1
                && allocator.resident > allocator.active + (10 << 20),
            "The allocator keeps unused pages. MEMORY PURGE returns them.",
        ),
        (
            client_count > 0 && memory.clients / client_count.max(1) > CLIENT_BYTES_MAX,
            "The buffers of clients are large: look at 'qbuf' and 'omem' in CLIENT LIST for clients \
             that send more than they finish or read less than they ask for.",
        ),
    ];
    let found: Vec<&str> =
        checks.iter().filter(|(applies, _)| *applies).map(|(_, text)| *text).collect();
    if found.is_empty() {
        return format!("{} are used, and nothing looks wrong.\n", human(memory.used));
    }
    found.iter().map(|text| format!("* {text}\n")).collect()
}

const MEMORY_HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    since: "4.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Lists the subcommands.",
    run: help::container_help,
    ..Command::DEFAULT
};

const MEMORY_MALLOC_STATS: Command = Command {
    name: "malloc-stats",
    arity: 2,
    flags: Flags::LOADING,
    since: "4.0.0",
    group: Group::Server,
    complexity: "Depends on how much is allocated",
    summary: "Returns the allocator's own report.",
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    run: malloc_stats,
    ..Command::DEFAULT
};
fn malloc_stats(context: &mut Context<'_>) -> Result<(), CommandError> {
    match allocator::report() {
        Some(report) => context.reply.verbatim("txt", &report),
        None => context.reply.bulk(b"The allocator of this process keeps no statistics"),
    }
    Ok(())
}

const MEMORY_PURGE: Command = Command {
    name: "purge",
    arity: 2,
    flags: Flags::LOADING,
    since: "4.0.0",
    group: Group::Server,
    complexity: "Depends on how much is unused",
    summary: "Returns unused memory to the system.",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    run: purge,
    ..Command::DEFAULT
};
fn purge(context: &mut Context<'_>) -> Result<(), CommandError> {
    if !allocator::purge() {
        return Err(CommandError::refused("ERR The allocator of this process cannot purge"));
    }
    context.reply.ok();
    Ok(())
}

const MEMORY_STATS: Command = Command {
    name: "stats",
    arity: 2,
    since: "4.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns what memory is used for, in numbers.",
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    run: statistics,
    ..Command::DEFAULT
};
fn statistics(context: &mut Context<'_>) -> Result<(), CommandError> {
    let engine = context.engine;
    let memory = figures(engine);
    let databases: Vec<u32> = engine.keyspace.existing().map(|(db, _)| db).collect();
    let filled: Vec<u32> =
        databases.into_iter().filter(|&db| engine.keyspace.key_count(db) > 0).collect();
    let key_count: u64 = filled.iter().map(|&db| engine.keyspace.key_count(db)).sum();
    let reply = &mut *context.reply;
    let mark = reply.deferred();
    let mut pairs = Pairs { reply, count: 0 };
    pairs.add_totals(&memory);
    pairs.add_scripts(engine);
    for db in filled {
        pairs.add_database(db);
    }
    pairs.add_sums(&memory, key_count);
    pairs.add_allocator(&memory);
    let count = pairs.count;
    context.reply.finish_map(mark, count);
    Ok(())
}

/// The pairs of MEMORY STATS on their way into the reply.
struct Pairs<'a> {
    reply: &'a mut ReplyBuffer,
    count: usize,
}

impl Pairs<'_> {
    fn name(&mut self, name: &str) {
        self.reply.bulk(name.as_bytes());
        self.count += 1;
    }

    fn integer(&mut self, name: &str, value: u64) {
        self.name(name);
        self.reply.integer(value.cast_signed());
    }

    fn signed(&mut self, name: &str, value: i64) {
        self.name(name);
        self.reply.integer(value);
    }

    fn double(&mut self, name: &str, value: f64) {
        self.name(name);
        self.reply.double(value);
    }

    fn add_totals(&mut self, memory: &MemoryFigures) {
        self.integer("peak.allocated", memory.peak);
        self.integer("total.allocated", memory.used);
        for name in [
            "startup.allocated",
            "replication.backlog",
            "replicas.repl.buffer",
            "replica.fullsync.buffer",
            "clients.slaves",
        ] {
            self.integer(name, 0);
        }
        self.integer("clients.normal", memory.clients);
        for name in ["cluster.links", "cluster.slot_import", "cluster.slot_export", "aof.buffer"] {
            self.integer(name, 0);
        }
    }

    fn add_scripts(&mut self, engine: &Engine) {
        let machines = engine.script_memory_bytes() + engine.function_memory_bytes();
        self.integer("lua.caches", engine.scripts.bytes() as u64);
        self.integer("functions.caches", engine.functions.current().bytes() as u64);
        self.integer("script.VMs", machines as u64);
    }

    /// Keys and deadlines lie in their entries: a table has no overhead that is counted apart.
    fn add_database(&mut self, db: u32) {
        self.name(&format!("db.{db}"));
        self.reply.map(2);
        for name in ["overhead.hashtable.main", "overhead.hashtable.expires"] {
            self.reply.bulk(name.as_bytes());
            self.reply.integer(0);
        }
    }

    fn add_sums(&mut self, memory: &MemoryFigures, key_count: u64) {
        self.integer("overhead.db.hashtable.lut", 0);
        self.integer("overhead.db.hashtable.rehashing", 0);
        self.integer("overhead.total", memory.clients);
        self.integer("db.dict.rehashing.count", 0);
        self.integer("keys.count", key_count);
        self.integer("keys.bytes-per-key", memory.data.checked_div(key_count).unwrap_or(0));
        self.integer("dataset.bytes", memory.data);
        self.double("dataset.percentage", 100.0 * ratio(memory.data, memory.used));
        self.double("peak.percentage", 100.0 * ratio(memory.used, memory.peak));
    }

    fn add_allocator(&mut self, memory: &MemoryFigures) {
        let allocator = &memory.allocator;
        self.integer("allocator.allocated", allocator.allocated);
        self.integer("allocator.active", allocator.active);
        self.integer("allocator.resident", allocator.resident);
        self.integer("allocator.muzzy", allocator.muzzy);
        for (ratio_name, bytes_name, outer, inner) in [
            (
                "allocator-fragmentation.ratio",
                "allocator-fragmentation.bytes",
                allocator.active,
                allocator.allocated,
            ),
            ("allocator-rss.ratio", "allocator-rss.bytes", allocator.resident, allocator.active),
            ("rss-overhead.ratio", "rss-overhead.bytes", memory.resident, allocator.resident),
            ("fragmentation", "fragmentation.bytes", memory.resident, memory.used),
        ] {
            self.double(ratio_name, ratio(outer, inner));
            self.signed(bytes_name, difference(outer, inner));
        }
    }
}

const MEMORY_USAGE: Command = Command {
    name: "usage",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(2, KeyFlags::RO)],
    since: "4.0.0",
    group: Group::Server,
    complexity: "O(N) with N samples",
    summary: "Returns the bytes a key and its value take.",
    arguments: &[
        Argument::key("key"),
        Argument::new("count", ArgumentKind::Integer).after("SAMPLES").optional(),
    ],
    run: usage,
    ..Command::DEFAULT
};
fn usage(context: &mut Context<'_>) -> Result<(), CommandError> {
    check_usage_options(context.args, context)?;
    let key = context.key(2);
    match context.keys.peek(&key) {
        Some(entry) => {
            let bytes = entry.memory_bytes() + TABLE_BYTES_PER_KEY;
            context.reply.integer(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        None => context.reply.null(),
    }
    Ok(())
}

/// A table keeps a pointer and a byte of the hash for each key.
const TABLE_BYTES_PER_KEY: usize = size_of::<usize>() + 1;

/// Strings are measured whole, so that the number of samples makes no difference.
fn check_usage_options(args: Args<'_>, context: &Context<'_>) -> Result<(), CommandError> {
    let mut index = 3;
    while index < args.len() {
        if !args.is_word(index, "SAMPLES") || index + 1 >= args.len() {
            return Err(CommandError::Syntax);
        }
        if context.integer(index + 1)? < 0 {
            return Err(CommandError::Syntax);
        }
        index += 2;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn a_key_takes_at_least_its_bytes() {
        let mut bench = Bench::new();
        let value = "v".repeat(1000);
        bench.say(&format!("SET key {value}"));
        let bytes: usize = bench.say("MEMORY USAGE key SAMPLES 0").parse().expect("a number");
        assert!((1003..1200).contains(&bytes), "{bytes}");
        bench.expect(&[
            ("MEMORY USAGE none", "(nil)"),
            ("MEMORY USAGE key SAMPLES -1", "ERR syntax error"),
            ("MEMORY USAGE key SAMPLES x", "ERR value is not an integer or out of range"),
            ("MEMORY USAGE key SAMPLES", "ERR syntax error"),
        ]);
    }

    #[test]
    fn statistics_are_a_whole_map() {
        let mut bench = Bench::new();
        bench.say("SET a 1");
        bench.speak_resp3();
        let text = bench.say("MEMORY STATS");
        assert!(text.starts_with("{\"peak.allocated\": "), "{text}");
        assert!(text.contains("\"db.0\": {\"overhead.hashtable.main\": 0"), "{text}");
        assert!(text.contains("\"keys.count\": 1"), "{text}");
        assert_eq!(bench.say("MEMORY PURGE"), "OK");
        assert!(!bench.say("MEMORY DOCTOR").is_empty());
    }
}
