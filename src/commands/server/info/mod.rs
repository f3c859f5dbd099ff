//! INFO: the state of the server, section by section.
//!
//! Each section is built as data (fields with text and number); the reply of INFO and the metrics
//! endpoint both come from it.

mod clients;
mod commands;
mod keyspace;
mod memory;
mod persistence;
mod replication;
mod section;
mod server;
mod snapshot;
mod statistics;
mod system;

use std::fmt::Write as _;

use section::Fields;

use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Engine, Flags, Group,
};

pub(super) use memory::{MemoryFigures, difference, figures};
pub(super) use section::{human, ratio};
pub use snapshot::snapshot;

/// When a section is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Without arguments, too.
    Always,
    /// With `all` and `everything`.
    InAll,
    /// With `everything`, and without arguments, but not with `all`.
    NotInAll,
    /// Only when it is named.
    Named,
}

struct Section {
    name: &'static str,
    title: &'static str,
    shown: Shown,
    fill: fn(&Engine, &mut Fields),
}

const fn section(
    name: &'static str,
    title: &'static str,
    shown: Shown,
    fill: fn(&Engine, &mut Fields),
) -> Section {
    Section { name, title, shown, fill }
}

/// All sections in the order of the reply.
const SECTIONS: &[Section] = &[
    section("server", "Server", Shown::Always, server::fill),
    section("clients", "Clients", Shown::Always, clients::fill),
    section("memory", "Memory", Shown::Always, memory::fill),
    section("persistence", "Persistence", Shown::Always, persistence::fill),
    section("threads", "Threads", Shown::Always, system::fill_threads),
    section("stats", "Stats", Shown::Always, statistics::fill),
    section("replication", "Replication", Shown::Always, replication::fill),
    section("cpu", "CPU", Shown::Always, system::fill_cpu),
    section("modules", "Modules", Shown::NotInAll, |_, _| {}),
    section("commandstats", "Commandstats", Shown::InAll, commands::fill_counts),
    section("errorstats", "Errorstats", Shown::Always, commands::fill_errors),
    section("latencystats", "Latencystats", Shown::InAll, commands::fill_latencies),
    section("cluster", "Cluster", Shown::Always, |_, fields| fields.count("cluster_enabled", 0)),
    section("keyspace", "Keyspace", Shown::Always, keyspace::fill),
    section("keysizes", "Keysizes", Shown::Always, |_, _| {}),
    section("debug", "Debug", Shown::Named, statistics::fill_debug),
];

pub(super) const INFO: Command = Command {
    name: "info",
    arity: -1,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Categories::DANGEROUS,
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Describes the state of the server, or the sections of it that are named.",
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    arguments: &[Argument::new("section", ArgumentKind::String).optional().multiple()],
    run: info,
    ..Command::DEFAULT
};
fn info(context: &mut Context<'_>) -> Result<(), CommandError> {
    let mut text = String::new();
    for section in SECTIONS.iter().filter(|section| is_wanted(section, context.args.from(1))) {
        if !text.is_empty() {
            text.push_str("\r\n");
        }
        push_section(&mut text, section, context.engine);
    }
    context.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn is_wanted(section: &Section, names: Args<'_>) -> bool {
    let is_default = matches!(section.shown, Shown::Always | Shown::NotInAll);
    if names.is_empty() {
        return is_default;
    }
    (0..names.len()).any(|index| {
        names.is_word(index, section.name)
            || (names.is_word(index, "default") && is_default)
            || (names.is_word(index, "everything") && section.shown != Shown::Named)
            || (names.is_word(index, "all")
                && matches!(section.shown, Shown::Always | Shown::InAll))
    })
}

fn push_section(text: &mut String, section: &Section, engine: &Engine) {
    let mut fields = Fields::default();
    (section.fill)(engine, &mut fields);
    // Writing to a string cannot fail.
    let _ = write!(text, "# {}\r\n", section.title);
    for field in &fields.0 {
        let _ = write!(text, "{}:{}\r\n", field.name, field.text);
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    fn titles(bench: &mut Bench, line: &str) -> String {
        let text = bench.say(line);
        let title = |line: &str| line.strip_prefix("# ").map(str::to_string);
        let titles: Vec<String> =
            text.trim_matches('"').split("\\r\\n").filter_map(title).collect();
        titles.join(" ")
    }

    #[test]
    fn sections_come_once_and_in_their_order() {
        let mut bench = Bench::new();
        let all = "Server Clients Memory Persistence Threads Stats Replication CPU";
        let default = format!("{all} Modules Errorstats Cluster Keyspace Keysizes");
        assert_eq!(titles(&mut bench, "INFO"), default);
        assert_eq!(titles(&mut bench, "INFO default cpu server"), default);
        assert_eq!(
            titles(&mut bench, "INFO everything"),
            format!("{all} Modules Commandstats Errorstats Latencystats Cluster Keyspace Keysizes")
        );
        assert_eq!(
            titles(&mut bench, "INFO all"),
            format!("{all} Commandstats Errorstats Latencystats Cluster Keyspace Keysizes")
        );
        assert_eq!(titles(&mut bench, "INFO CPU nothing server"), "Server CPU");
        assert_eq!(titles(&mut bench, "INFO debug"), "Debug");
        assert_eq!(bench.say("INFO nothing"), "\"\"");
    }

    #[test]
    fn lines_tell_what_has_happened() {
        let mut bench = Bench::new();
        for line in ["SET a 1", "SET b 2 PX 5000", "GET a", "GET c", "NOTHING", "SET a"] {
            bench.say(line);
        }
        let text = bench.say("INFO everything");
        for part in [
            "\\r\\ndb0:keys=2,expires=1,avg_ttl=5000,subexpiry=0,keys_with_volatile_items=0\\r\\n",
            "\\r\\nkeyspace_hits:1\\r\\nkeyspace_misses:1\\r\\n",
            "\\r\\nerrorstat_ERR:count=2\\r\\n",
            "\\r\\ncmdstat_set:calls=2,usec=",
            ",rejected_calls=0,failed_calls=0\\r\\n",
            "\\r\\nlatency_percentiles_usec_get:p50=",
            "\\r\\nrdb_changes_since_last_save:2\\r\\n",
            "\\r\\nredis_version:7.",
            "\\r\\nrole:master\\r\\n",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}
