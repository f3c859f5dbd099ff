//! Holds the shape of the source tree: the floors, and the invariants that a search can see.
//!
//! Every rule is a function from a file to its complaints, so that each can be shown to complain
//! about a sample. Tests (`#[cfg(test)]`) may do as they like.

use std::fs;
use std::path::{Path, PathBuf};

use crate::scan::{Source, Word};

/// The floors of the design: a module imports only from floors below its own.
const FLOORS: &[(&str, u8)] = &[
    ("base", 0),
    ("stats", 1),
    ("config", 1),
    ("resp", 1),
    ("types", 1),
    ("keyspace", 2),
    ("rdb", 3),
    ("aof", 3),
    ("pubsub", 3),
    ("blocking", 3),
    ("tracking", 3),
    ("acl", 3),
    ("cluster", 3),
    ("replication", 3),
    ("script", 3),
    ("engine", 4),
    ("commands", 5),
    ("net", 6),
    ("control", 6),
    ("server", 7),
    ("main", 8),
];

/// Crates that may be used in some modules only; floor 3 as a whole where it says so.
const CONFINED: &[(&str, &[&str], bool)] = &[
    ("mio", &["net"], false),
    ("tokio", &["control"], false),
    ("dashmap", &["keyspace"], true),
    ("redis_protocol", &["control"], false),
    ("crc16", &["base"], false),
    ("metrics_exporter_prometheus", &["control", "stats"], false),
];

/// The longest file; the aim is 100 to 500.
const LINE_COUNT_MAX: usize = 900;

/// One file of `src`, read and taken apart.
struct File {
    /// Path below `src`, with forward slashes.
    path: String,
    text: String,
    source: Source,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), source: Source::new(text) }
    }

    /// Returns the top-level module that this file belongs to; `lib` and `main` for the roots.
    fn module(&self) -> &str {
        let head = self.path.split('/').next().unwrap_or_default();
        head.strip_suffix(".rs").unwrap_or(head)
    }

    /// Returns how many modules lie between the crate's root and this file's items.
    fn depth(&self) -> usize {
        let count = self.path.split('/').count();
        if self.path.ends_with("/mod.rs") { count - 1 } else { count }
    }

    fn complaint(&self, line: usize, what: impl AsRef<str>) -> String {
        format!("src/{}:{line}: {}", self.path, what.as_ref())
    }
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// Every import leads to a lower floor.
fn imports_upward(file: &File) -> Vec<String> {
    let own = file.module();
    let root = if own == "main" { env!("CARGO_PKG_NAME") } else { "crate" };
    if own == "lib" {
        return Vec::new();
    }
    let Some(own_floor) = floor(own) else {
        return vec![file.complaint(1, format!("module `{own}` has no floor"))];
    };
    let leads_up = |name: &str| name != own && floor(name).is_some_and(|other| other >= own_floor);
    let used = file.source.modules_used(root, file.depth());
    used.into_iter()
        .filter(|(_, name)| leads_up(name))
        .map(|(line, name)| file.complaint(line, format!("`{own}` may not import from `{name}`")))
        .collect()
}

/// Some crates stay in their module.
fn escaped_crates(file: &File) -> Vec<String> {
    let own = file.module();
    let mut complaints = Vec::new();
    for (name, homes, on_floor_3) in CONFINED {
        if homes.contains(&own) || (*on_floor_3 && floor(own) == Some(3)) {
            continue;
        }
        for line in file.source.lines_with_crate(name) {
            complaints.push(file.complaint(line, format!("`{name}` stays in {homes:?}")));
        }
    }
    complaints
}

/// Every file says at its top what it is for.
fn missing_header(file: &File) -> Vec<String> {
    let has_header = file.text.starts_with("//! ");
    if has_header { Vec::new() } else { vec![file.complaint(1, "opens without a `//!` header")] }
}

/// `unsafe` lives in files that say so in their header.
fn unannounced_unsafe(file: &File) -> Vec<String> {
    let header = file.text.lines().take_while(|line| line.starts_with("//!"));
    if header.into_iter().any(|line| line.contains("unsafe")) {
        return Vec::new();
    }
    words_named(file, |word| word == "unsafe", "`unsafe` that the header does not announce")
}

/// A file holds one idea.
fn too_long(file: &File) -> Vec<String> {
    let count = file.text.lines().count();
    if count <= LINE_COUNT_MAX {
        return Vec::new();
    }
    vec![file.complaint(count, format!("more than {LINE_COUNT_MAX} lines"))]
}

/// Nothing unfinished and nothing for debugging is left in.
fn unfinished(file: &File) -> Vec<String> {
    let is_macro = |word: &Word<'_>| {
        matches!(word.text, "todo" | "unimplemented" | "dbg")
            && file.source.code[word.start + word.text.len()..].starts_with('!')
    };
    let words = file.source.words();
    let found = words.iter().filter(|word| is_macro(word));
    found.map(|word| file.complaint(word.line, format!("`{}!` left in", word.text))).collect()
}

/// Values know no key and no clock.
fn types_name_a_key_or_clock(file: &File) -> Vec<String> {
    let named = |word: &str| {
        matches!(word, "key" | "Key" | "key_name" | "Instant" | "SystemTime" | "clock" | "Clock")
    };
    only_in(file, "types", named, "a value knows no key and no clock")
}

/// The keyspace stores; what a command is, it does not know.
fn keyspace_names_a_command(file: &File) -> Vec<String> {
    only_in(file, "keyspace", |word| word.contains("Command"), "the keyspace names no command")
}

/// Handlers answer into a buffer and work on what is locked for them.
fn commands_name_a_socket_or_lock(file: &File) -> Vec<String> {
    let named = |word: &str| {
        let sockets = ["TcpStream", "TcpListener", "UnixStream", "UnixListener", "SocketAddr"];
        let locks = ["Mutex", "RwLock", "LockSet"];
        sockets.contains(&word) || locks.contains(&word)
    };
    let mut complaints = only_in(file, "commands", named, "a handler names no socket and no lock");
    if file.module() == "commands" && file.source.code.contains("std::net") {
        complaints.push(file.complaint(1, "a handler names no socket (std::net)"));
    }
    complaints
}

/// The front end carries bytes; what is in a value, it does not know.
fn net_names_a_value_type(file: &File) -> Vec<String> {
    if file.module() != "net" {
        return Vec::new();
    }
    let used = file.source.modules_used("crate", file.depth());
    used.into_iter()
        .filter(|(_, name)| name == "types")
        .map(|(line, _)| file.complaint(line, "`net` names no value type"))
        .collect()
}

/// The engine runs any command and names none of them.
fn engine_names_a_command(file: &File, commands: &[String]) -> Vec<String> {
    if file.module() != "engine" {
        return Vec::new();
    }
    // Lower-case words are groups, events and the like; the effects of expiry and eviction are
    // DEL and HDEL, and the brackets around what ran as one.
    let is_name = |text: &str| {
        let is_upper_case = !text.is_empty() && text == text.to_ascii_uppercase();
        let is_effect = matches!(text, "DEL" | "HDEL" | "MULTI" | "EXEC");
        is_upper_case && !is_effect && commands.iter().any(|name| name.eq_ignore_ascii_case(text))
    };
    let literals = file.source.literals.iter().filter(|(_, text)| is_name(text));
    literals
        .map(|(line, text)| file.complaint(*line, format!("the engine names a command: {text:?}")))
        .collect()
}

/// A command that is declared is also listed, and a file that declares some lists them.
///
/// One that another file lists (`pub(super) const`) is the compiler's to miss; it may hold the
/// others as its subcommands.
fn unlisted_commands(file: &File) -> Vec<String> {
    let words = file.source.words();
    let is_private = |index: usize| {
        index == 0 || !matches!(words[index - 1].text, "pub" | "super" | "crate" | "self")
    };
    let is_command = |name: &Word<'_>, kind: &Word<'_>| {
        let between = &file.source.code[name.start + name.text.len()..kind.start];
        kind.text == "Command" && between.trim() == ":"
    };
    let constants = words
        .windows(3)
        .enumerate()
        .filter(|(_, w)| w[0].text == "const" && is_command(&w[1], &w[2]));
    let (declared, listed_elsewhere): (Vec<_>, Vec<_>) =
        constants.map(|(index, w)| (&w[1], is_private(index))).partition(|(_, private)| *private);
    if file.module() != "commands" || declared.is_empty() {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    if listed_elsewhere.is_empty() && !words.iter().any(|word| word.text == "COMMANDS") {
        complaints.push(file.complaint(1, "declares commands without a `COMMANDS` list"));
    }
    for (name, _) in declared {
        if words.iter().filter(|word| word.text == name.text).count() < 2 {
            complaints.push(file.complaint(name.line, format!("`{}` is in no list", name.text)));
        }
    }
    complaints
}

/// Complains about words of one module that answer to `named`.
fn only_in(file: &File, module: &str, named: impl Fn(&str) -> bool, why: &str) -> Vec<String> {
    if file.module() == module { words_named(file, named, why) } else { Vec::new() }
}

fn words_named(file: &File, named: impl Fn(&str) -> bool, why: &str) -> Vec<String> {
    let words = file.source.words();
    let found = words.iter().filter(|word| named(word.text));
    found.map(|word| file.complaint(word.line, format!("{why}: `{}`", word.text))).collect()
}

/// Returns the names that the command table declares: the literals of `name: "..."`.
fn command_names(files: &[File]) -> Vec<String> {
    let mut names = Vec::new();
    for file in files.iter().filter(|file| file.module() == "commands") {
        for line in file.text.lines() {
            let name = line.trim().strip_prefix("name: \"").and_then(|rest| rest.split('"').next());
            names.extend(name.map(str::to_owned));
        }
    }
    names
}

fn source_files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    let read = |path: &PathBuf| {
        let below = path.strip_prefix(&root).expect("the walk started there");
        let name = below.to_string_lossy().replace('\\', "/");
        File::new(&name, &fs::read_to_string(path).expect("a source file is text"))
    };
    let files: Vec<File> = paths.iter().map(read).collect();
    let tests: Vec<String> = files.iter().flat_map(test_files).collect();
    files.into_iter().filter(|file| !tests.contains(&file.path)).collect()
}

/// Returns the paths of the files that this one declares under `#[cfg(test)]`.
fn test_files(file: &File) -> Vec<String> {
    let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    let is_gate = matches!(stem, "mod" | "lib" | "main");
    let folder = if is_gate { folder.to_owned() } else { format!("{folder}/{stem}") };
    let declared = file.text.split("#[cfg(test)]").skip(1).filter_map(|rest| {
        let item = rest.trim_start().strip_prefix("mod ")?;
        item.split_once(';').map(|(name, _)| name.trim()).filter(|name| !name.contains(' '))
    });
    declared.map(|name| format!("{folder}/{name}.rs").trim_start_matches('/').to_owned()).collect()
}

/// Returns the paths at which the modules that a file declares may lie.
fn declared_files(file: &File) -> Vec<String> {
    let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    let is_gate = matches!(stem, "mod" | "lib" | "main");
    let folder = if is_gate { folder.to_owned() } else { format!("{folder}/{stem}") };
    let modules = file.text.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [.., "mod", name] => name.strip_suffix(';').map(str::to_owned),
            _ => None,
        }
    });
    let places = modules.flat_map(|name| [format!("{name}.rs"), format!("{name}/mod.rs")]);
    places.map(|place| format!("{folder}/{place}").trim_start_matches('/').to_owned()).collect()
}

/// Every file is a module of the crate: what the compiler never sees, no check sees either.
fn stray(file: &File, declared: &[String]) -> Vec<String> {
    if matches!(file.path.as_str(), "lib.rs" | "main.rs") || declared.contains(&file.path) {
        return Vec::new();
    }
    vec![file.complaint(1, "no module declares this file")]
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the tree is readable") {
        let path = entry.expect("the tree is readable").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Applies a rule to every file of the tree and fails with all complaints at once.
fn hold(rule: impl Fn(&File) -> Vec<String>) {
    let files = source_files();
    let complaints: Vec<String> = files.iter().flat_map(rule).collect();
    assert!(!files.is_empty(), "no source file found");
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn a_module_imports_only_from_floors_below_its_own() {
    hold(imports_upward);
}

#[test]
fn crates_stay_where_the_design_puts_them() {
    hold(escaped_crates);
}

#[test]
fn every_file_opens_with_a_header() {
    hold(missing_header);
}

#[test]
fn every_file_is_a_module() {
    let declared: Vec<String> = source_files().iter().flat_map(declared_files).collect();
    hold(|file| stray(file, &declared));
}

#[test]
fn unsafe_lives_only_in_files_that_announce_it() {
    hold(unannounced_unsafe);
}

#[test]
fn no_file_outgrows_its_idea() {
    hold(too_long);
}

#[test]
fn nothing_unfinished_is_left_in() {
    hold(unfinished);
}

#[test]
fn types_never_name_a_key_or_a_clock() {
    hold(types_name_a_key_or_clock);
}

#[test]
fn the_keyspace_never_names_a_command() {
    hold(keyspace_names_a_command);
}

#[test]
fn the_engine_never_names_a_particular_command() {
    let commands = command_names(&source_files());
    hold(|file| engine_names_a_command(file, &commands));
}

#[test]
fn commands_never_name_a_socket_or_a_lock() {
    hold(commands_name_a_socket_or_lock);
}

#[test]
fn net_never_names_a_value_type() {
    hold(net_names_a_value_type);
}

#[test]
fn every_command_is_listed_where_it_is_declared() {
    hold(unlisted_commands);
}

mod on_samples {
    use super::{
        File, commands_name_a_socket_or_lock, declared_files, engine_names_a_command,
        escaped_crates, imports_upward, keyspace_names_a_command, missing_header,
        net_names_a_value_type, stray, test_files, too_long, types_name_a_key_or_clock,
        unannounced_unsafe, unfinished, unlisted_commands,
    };

    fn complaints(rule: impl Fn(&File) -> Vec<String>, path: &str, text: &str) -> usize {
        rule(&File::new(path, text)).len()
    }

    #[test]
    fn an_import_from_the_same_or_a_higher_floor_is_seen() {
        let text = "use crate::{base::clock, config::Config};\nuse crate::engine::Command;\n";
        assert_eq!(complaints(imports_upward, "resp/parse.rs", text), 2);
        assert_eq!(complaints(imports_upward, "commands/string.rs", text), 0);
        assert_eq!(
            complaints(imports_upward, "keyspace/a/b.rs", "super::super::super::net::x();"),
            1
        );
        assert_eq!(complaints(imports_upward, "main.rs", "use redpoll::server::Server;"), 0);
        assert_eq!(complaints(imports_upward, "attic/mod.rs", ""), 1);
    }

    #[test]
    fn a_file_that_no_module_declares_is_seen() {
        let gate = File::new("net/mod.rs", "mod input;\npub(crate) mod output;\nmod tests {\n}\n");
        let declared = declared_files(&gate);
        let paths = ["net/input.rs", "net/output/mod.rs", "net/tests.rs", "net/net/input.rs"];
        let strays = paths.map(|path| complaints(|file| stray(file, &declared), path, ""));
        assert_eq!(strays, [0, 0, 1, 1]);
    }

    #[test]
    fn an_import_in_a_test_or_a_comment_is_not() {
        let text = "// crate::net\n#[cfg(test)]\nmod tests { use crate::net::Worker; }\n";
        assert_eq!(complaints(imports_upward, "resp/parse.rs", text), 0);
    }

    #[test]
    fn a_file_declared_for_tests_is_one() {
        let text = "mod a;\n#[cfg(test)]\nmod b;\n#[cfg(test)]\nmod tests { mod c; }\n";
        assert_eq!(test_files(&File::new("resp/mod.rs", text)), ["resp/b.rs"]);
        assert_eq!(test_files(&File::new("resp/parse.rs", text)), ["resp/parse/b.rs"]);
    }

    #[test]
    fn a_crate_outside_its_home_is_seen() {
        assert_eq!(complaints(escaped_crates, "engine/mod.rs", "use mio::Waker;"), 1);
        assert_eq!(complaints(escaped_crates, "net/mod.rs", "use mio::Waker;"), 0);
        assert_eq!(complaints(escaped_crates, "server/mod.rs", "tokio::spawn(f());"), 1);
        assert_eq!(complaints(escaped_crates, "tracking/mod.rs", "use dashmap::DashMap;"), 0);
        assert_eq!(complaints(escaped_crates, "engine/mod.rs", "use dashmap::DashMap;"), 1);
    }

    #[test]
    fn headers_unsafe_length_and_leftovers_are_seen() {
        assert_eq!(complaints(missing_header, "base/a.rs", "use std::fs;\n"), 1);
        assert_eq!(complaints(unannounced_unsafe, "base/a.rs", "//! A.\nunsafe { f() }"), 1);
        assert_eq!(complaints(unannounced_unsafe, "base/a.rs", "//! Some unsafe.\nunsafe {}"), 0);
        assert_eq!(complaints(too_long, "base/a.rs", &"\n".repeat(901)), 1);
        assert_eq!(complaints(unfinished, "base/a.rs", "todo!(); dbg!(1); let todo = 1;"), 2);
    }

    #[test]
    fn a_word_from_the_wrong_floor_is_seen() {
        assert_eq!(complaints(types_name_a_key_or_clock, "types/a.rs", "fn f(key: &[u8]) {}"), 1);
        assert_eq!(complaints(types_name_a_key_or_clock, "types/a.rs", "v.sort_by_key(f)"), 0);
        assert_eq!(complaints(keyspace_names_a_command, "keyspace/a.rs", "fn f(c: Command)"), 1);
        let socket = "use std::net::TcpStream;";
        assert_eq!(complaints(commands_name_a_socket_or_lock, "commands/a.rs", socket), 2);
        assert_eq!(complaints(net_names_a_value_type, "net/a.rs", "crate::types::Value"), 1);
        let engine = |file: &File| engine_names_a_command(file, &["get".to_owned()]);
        assert_eq!(complaints(engine, "engine/a.rs", "if name == b\"GET\" {}"), 1);
        assert_eq!(complaints(engine, "engine/a.rs", "f(\"get\")"), 0);
    }

    #[test]
    fn a_command_that_no_list_holds_is_seen() {
        let text = "const GET: Command = c();\nconst SET: Command = c();\n";
        assert_eq!(complaints(unlisted_commands, "commands/a.rs", text), 3);
        let listed = format!("{text}pub const COMMANDS: &[Command] = &[GET, SET];");
        assert_eq!(complaints(unlisted_commands, "commands/a.rs", &listed), 0);
        let elsewhere = "pub(super) const GET: Command = c();\npub const ALL: &[Command] = &[];";
        assert_eq!(complaints(unlisted_commands, "commands/a.rs", elsewhere), 0);
    }
}
