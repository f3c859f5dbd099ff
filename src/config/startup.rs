//! The command line: a file, options that override it, and what is only to be printed.
//!
//! As in the originals, options become lines of text behind the file: `--port 6380` is the line
//! `port "6380"`, and errors are shown as such a line.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::container::Memory;
use super::file::{Loader, file_text};
use super::kinds::reason;
use super::store::Config;
use super::table::reference_file;
use super::words;

/// The version of this program.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the command line asks for.
#[derive(Debug)]
pub enum Startup {
    /// To run the server.
    Run(Run),
    /// To print this text to standard output, and that was all.
    Print(String),
}

/// A server to be run.
#[derive(Debug)]
pub struct Run {
    /// Its settings.
    pub config: Arc<Config>,
    /// What the administrator should know about them, for the log.
    pub warnings: Vec<String>,
}

/// Why the server cannot start; the text is for standard error.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// A line of a file, or an option of the command line, is wrong.
    #[error(
        "\n*** FATAL CONFIG FILE ERROR (Redpoll {version}) ***\n\
         Reading the configuration file, at line {line}\n>>> '{text}'\n{reason}"
    )]
    Line { version: &'static str, line: usize, text: String, reason: String },
    /// All lines are fine, but not together or not on this machine.
    #[error("\n*** FATAL CONFIG FILE ERROR (Redpoll {version}) ***\n{reason}")]
    Whole { version: &'static str, reason: String },
    /// A file cannot be read.
    #[error("Fatal error, can't open config file '{path}': {reason}")]
    Open { path: String, reason: String },
}

const USAGE: &str = "\
Usage: redpoll [/path/to/redpoll.conf] [options] [-]
       redpoll - (read settings from standard input)
       redpoll -v or --version
       redpoll -h or --help
       redpoll --print-config (every setting with its meaning and default)

Options are settings with two dashes and override the file; standard input comes between the two.

Examples:
       redpoll (with the defaults)
       redpoll --port 7777 --maxmemory 2gb --maxmemory-policy allkeys-lru
       redpoll /etc/redpoll.conf --loglevel verbose
       echo 'maxmemory 128mb' | redpoll -
";

impl Config {
    /// Makes out of a command line (without the program's own name) what it asks for.
    pub fn load(args: &[OsString], stdin: impl Read) -> Result<Startup, StartupError> {
        let command_line = match CommandLine::parse(args) {
            Request::Run(command_line) => command_line,
            Request::Version => return Ok(Startup::Print(version_text())),
            Request::Help => return Ok(Startup::Print(USAGE.to_owned())),
            Request::ReferenceFile => return Ok(Startup::Print(reference_file())),
        };
        let text = command_line.text(stdin)?;
        let mut loader = Loader::new();
        loader.read(&text)?;
        loader.finish()?;
        let warnings = loader.warnings();
        let file = command_line.file.map(|path| std::path::absolute(&path).unwrap_or(path));
        let config = Self::new(loader.values, file, Memory::of_this_machine());
        Ok(Startup::Run(Run { config: Arc::new(config), warnings }))
    }

    /// Makes a configuration of the lines of a file.
    pub fn from_text(text: &str) -> Result<Self, StartupError> {
        let mut loader = Loader::new();
        loader.read(text.as_bytes())?;
        Ok(Self::new(loader.values, None, Memory::of_this_machine()))
    }
}

fn version_text() -> String {
    format!("Redpoll server v={VERSION} malloc=jemalloc bits={}\n", usize::BITS)
}

enum Request<'a> {
    Run(CommandLine<'a>),
    Version,
    Help,
    ReferenceFile,
}

/// A command line, taken apart.
struct CommandLine<'a> {
    file: Option<PathBuf>,
    reads_stdin: bool,
    options: &'a [OsString],
}

impl<'a> CommandLine<'a> {
    fn parse(args: &'a [OsString]) -> Request<'a> {
        let first = args.first().map(|arg| arg.as_bytes());
        match first {
            Some(b"-v" | b"--version") => return Request::Version,
            Some(b"-h" | b"--help") => return Request::Help,
            Some(b"--print-config") => return Request::ReferenceFile,
            _ => {}
        }
        let mut options = args;
        let mut file = None;
        let mut reads_stdin = false;
        if first.is_some_and(|arg| !arg.starts_with(b"-")) {
            file = Some(PathBuf::from(&args[0]));
            options = &args[1..];
        }
        if let [first, rest @ ..] = options
            && first == "-"
        {
            reads_stdin = true;
            options = rest;
        }
        if let [rest @ .., last] = options
            && last == "-"
        {
            reads_stdin = true;
            options = rest;
        }
        Request::Run(Self { file, reads_stdin, options })
    }

    /// Returns all settings as one text: those of the file, of standard input, of the options.
    fn text(&self, mut stdin: impl Read) -> Result<Vec<u8>, StartupError> {
        let mut text = match &self.file {
            Some(path) => file_text(path)?,
            None => Vec::new(),
        };
        if self.reads_stdin {
            stdin.read_to_end(&mut text).map_err(|error| StartupError::Open {
                path: Path::new("-").display().to_string(),
                reason: reason(&error),
            })?;
        }
        text.push(b'\n');
        text.extend(options_text(self.options));
        Ok(text)
    }
}

/// Turns options into lines.
///
/// What follows a name is its value even if it starts with dashes (once), so that every value can
/// be given; only `--save` may be followed by the next option and then means no save points.
fn options_text(options: &[OsString]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut value_may_begin_with_dashes = false;
    for (index, option) in options.iter().enumerate() {
        let option = option.as_bytes();
        let name = option.strip_prefix(b"--").filter(|_| !value_may_begin_with_dashes);
        let Some(name) = name else {
            text.extend(words::quoted(option));
            text.push(b' ');
            value_may_begin_with_dashes = false;
            continue;
        };
        if !text.is_empty() {
            text.push(b'\n');
        }
        text.extend(name);
        text.push(b' ');
        // A name alone; otherwise name and value came in one piece: "--port 6380".
        let is_alone = words::split(option).is_some_and(|words| words.len() == 1);
        let next = options.get(index + 1).map(OsString::as_os_str);
        if is_alone && option.eq_ignore_ascii_case(b"--save") && !has_value(next) {
            text.extend(b"\"\"");
        } else {
            value_may_begin_with_dashes = is_alone;
        }
    }
    text
}

fn has_value(next: Option<&OsStr>) -> bool {
    next.is_some_and(|next| !next.as_bytes().starts_with(b"--"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{Config, Run, Startup};
    use crate::config::Setting;

    fn load(args: &[&str], stdin: &str) -> Result<Startup, String> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        Config::load(&args, stdin.as_bytes()).map_err(|error| error.to_string())
    }

    fn run(args: &[&str], stdin: &str) -> Run {
        match load(args, stdin).unwrap() {
            Startup::Run(run) => run,
            Startup::Print(text) => panic!("{text}"),
        }
    }

    fn shown(args: &[&str], name: &str) -> String {
        let found = run(args, "").config.get(&[name.as_bytes()]).remove(0);
        String::from_utf8(found.1).unwrap()
    }

    #[test]
    fn options_become_settings() {
        let args = [
            "--port",
            "6380",
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--maxclients",
            "12000",
            "--threads",
            "1",
            "--enable-debug-command",
            "yes",
        ];
        for (name, value) in [
            ("port", "6380"),
            ("bind", "127.0.0.1"),
            ("save", ""),
            ("maxclients", "12000"),
            ("threads", "1"),
            ("enable-debug-command", "yes"),
        ] {
            assert_eq!(shown(&args, name), value, "{name}");
        }
    }

    #[test]
    fn a_value_may_be_several_words_or_one_piece_with_its_name() {
        let limit = ["--client-output-buffer-limit", "normal", "1mb", "2", "3"];
        assert!(
            shown(&limit, "client-output-buffer-limit").starts_with("normal 1048576 2 3 slave")
        );
        let pieces = ["--maxmemory '700mb'", "--maxmemory-policy volatile-lru"];
        assert_eq!(shown(&pieces, "maxmemory"), "734003200");
        assert_eq!(shown(&pieces, "maxmemory-policy"), "volatile-lru");
        let several = ["--shutdown-on-sigint", "nosave", "force", "now", "--port", "1"];
        assert_eq!(shown(&several, "shutdown-on-sigint"), "nosave now force");
    }

    #[test]
    fn a_value_may_begin_with_dashes() {
        let args = ["--proc-title-template", "--my--title", "--loglevel", "verbose"];
        assert_eq!(shown(&args, "proc-title-template"), "--my--title");
        assert_eq!(shown(&args, "loglevel"), "verbose");
        let piece = ["--proc-title-template --my--title", "--loglevel verbose"];
        assert_eq!(shown(&piece, "proc-title-template"), "--my--title");
    }

    #[test]
    fn save_alone_means_no_save_points() {
        for args in [
            ["--save", "--loglevel", "verbose"].as_slice(),
            &["--loglevel", "verbose", "--save"],
            &["--save", "", "--loglevel", "verbose"],
            &["--loglevel", "verbose", "--save", ""],
        ] {
            assert_eq!(shown(args, "save"), "", "{args:?}");
            assert_eq!(shown(args, "loglevel"), "verbose", "{args:?}");
        }
        let odd = ["--proc-title-template", "--save", "--save", "", "--loglevel", "verbose"];
        assert_eq!(shown(&odd, "proc-title-template"), "--save");
        assert_eq!(shown(&odd, "save"), "");
    }

    #[test]
    fn file_then_standard_input_then_options() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("redpoll.conf");
        std::fs::write(&path, "port 1\ntimeout 1\nhz 1").unwrap();
        let path = path.to_str().unwrap();
        let run = run(&[path, "-", "--hz", "3"], "\ntimeout 2\nhz 2\n");
        let number = |name| run.config.number(Setting::by_name(name).unwrap());
        assert_eq!((number(b"port"), number(b"timeout"), number(b"hz")), (1, 2, 3));
        assert_eq!(run.config.file().unwrap().to_str(), Some(path));
        let later = Config::load(&["--port".into(), "2".into(), "-".into()], &b"port 1"[..]);
        let Ok(Startup::Run(later)) = later else { panic!("runs") };
        assert_eq!(later.config.number(Setting::Port), 2);
    }

    #[test]
    fn mistakes_are_shown_as_the_line_they_became() {
        for (args, line, reason) in [
            (["--port"].as_slice(), "port", "wrong number of arguments"),
            (&["--port", "6380", "--loglevel"], "loglevel", "wrong number of arguments"),
            (&["--port", "1", "2"], r#"port "1" "2""#, "wrong number of arguments"),
            (
                &["--port", "--loglevel", "verbose"],
                r#"port "--loglevel" "verbose""#,
                "wrong number of arguments",
            ),
            (&["--port", "--bla", "--hz", "1"], r#"port "--bla""#, "argument couldn't be parsed"),
            (&["--shutdown-on-sigint"], "shutdown-on-sigint", "argument(s) must be one of"),
            (
                &["--replicaof", "--127.0.0.1", "--abc"],
                r#"replicaof "--127.0.0.1""#,
                "wrong number",
            ),
            (&["-x"], r#""-x""#, "Bad directive or wrong number of arguments"),
        ] {
            let error = load(args, "").unwrap_err();
            assert!(error.contains(&format!("\n>>> '{line}'\n{reason}")), "{args:?}: {error}");
        }
        let missing = load(&["/nonexistent/redpoll.conf"], "").unwrap_err();
        let expected = "Fatal error, can't open config file '/nonexistent/redpoll.conf': \
                        No such file or directory";
        assert_eq!(missing, expected);
    }

    #[test]
    fn some_command_lines_only_print() {
        for (arg, beginning) in [
            ("--version", "Redpoll server v="),
            ("-v", "Redpoll server v="),
            ("--help", "Usage: redpoll"),
            ("-h", "Usage: redpoll"),
            ("--print-config", "# Redpoll's settings"),
        ] {
            let Startup::Print(text) = load(&[arg], "").unwrap() else { panic!("{arg}") };
            assert!(text.starts_with(beginning) && text.ends_with('\n'), "{text}");
        }
    }

    #[test]
    fn values_without_effect_are_warned_about() {
        let warnings = run(&["--port", "1", "--activerehashing", "no"], "").warnings;
        assert_eq!(warnings, ["'activerehashing' is accepted but has no effect here"]);
    }
}
