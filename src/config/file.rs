//! Text of configuration files and of the command line, line by line into values.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::change::{refusal, warning};
use super::kinds::{Value, reason};
use super::store::default_values;
use super::table::{ROWS, Row, Setting, find};
use super::words;
use super::{StartupError, VERSION};

/// How deep files may include each other.
const INCLUDE_DEPTH_MAX: usize = 16;

/// Settings of old versions that files may still name; they have no meaning any more.
const FORGOTTEN: [&[u8]; 4] = [
    b"list-max-ziplist-entries",
    b"list-max-ziplist-value",
    b"lua-replicate-commands",
    b"io-threads-do-reads",
];

/// Collects the values that texts give to settings.
#[derive(Debug)]
pub(super) struct Loader {
    pub(super) values: Vec<Value>,
    /// The first `save` replaces the default save points, the others add to it.
    save_seen: bool,
    depth: usize,
}

impl Loader {
    /// Starts with the defaults.
    pub(super) fn new() -> Self {
        Self { values: default_values(), save_seen: false, depth: 0 }
    }

    /// Reads a text; what it says later overrides what it said before.
    pub(super) fn read(&mut self, text: &[u8]) -> Result<(), StartupError> {
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            self.read_line(line).map_err(|problem| problem.at(index + 1, line))?;
        }
        Ok(())
    }

    fn read_line(&mut self, line: &[u8]) -> Result<(), Problem> {
        let words = words::split(line).ok_or("Unbalanced quotes in configuration line")?;
        let Some((name, values)) = words.split_first() else { return Ok(()) };
        let name = name.to_ascii_lowercase();
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        match find(&name) {
            Some((row, _)) => self.assign(row, &values),
            None => self.directive(&name, &values),
        }
    }

    fn assign(&mut self, row: &'static Row, words: &[&[u8]]) -> Result<(), Problem> {
        let index = row.setting.index();
        if row.setting == Setting::Save && !self.save_seen {
            self.save_seen = true;
            self.values[index] = Value::SavePoints(Arc::from([]));
        }
        let value = if let ([word], true) = (words, row.kind.takes_words())
            && !word.is_empty()
        {
            // `--option "several words"` means the same as `--option several words`.
            let inner = words::split(word).unwrap_or_default();
            let inner: Vec<&[u8]> = inner.iter().map(Vec::as_slice).collect();
            row.kind.parse(&inner, &self.values[index])
        } else {
            row.kind.parse(words, &self.values[index])
        };
        let value = value.map_err(|refusal| Problem::Line(refusal.to_string()))?;
        if let Some(reason) = refusal(row, &value) {
            return Err(Problem::Line(reason.to_owned()));
        }
        self.values[index] = value;
        Ok(())
    }

    /// Obeys a line that is no setting.
    fn directive(&mut self, name: &[u8], words: &[&[u8]]) -> Result<(), Problem> {
        match (name, words) {
            (b"include", [path]) => self.include(Path::new(OsStr::from_bytes(path))),
            (b"loadmodule", [_, ..]) => Err("loadmodule: modules are not offered".into()),
            (b"rename-command", [_, _]) => {
                Err("rename-command: renaming commands is not offered yet".into())
            }
            (b"user", [_, ..]) => Err("user: access control lists are not offered yet".into()),
            (b"sentinel", _) => Err("sentinel directive while not in sentinel mode".into()),
            (name, [_]) if FORGOTTEN.contains(&name) => Ok(()),
            _ => Err("Bad directive or wrong number of arguments".into()),
        }
    }

    fn include(&mut self, path: &Path) -> Result<(), Problem> {
        if self.depth == INCLUDE_DEPTH_MAX {
            return Err("Too many levels of include".into());
        }
        self.depth += 1;
        let read = self.read_file(path);
        self.depth -= 1;
        read.map_err(Problem::Elsewhere)
    }

    /// Reads a file, or all files a pattern matches; of those there may be none.
    pub(super) fn read_file(&mut self, path: &Path) -> Result<(), StartupError> {
        for path in matching_files(path) {
            let text = file_text(&path)?;
            self.read(&text)?;
        }
        Ok(())
    }

    /// Returns what the administrator should know about the values, for the log.
    pub(super) fn warnings(&self) -> Vec<String> {
        ROWS.iter().filter_map(|row| warning(row, &self.values[row.setting.index()])).collect()
    }

    /// Checks what can be checked before the server starts.
    pub(super) fn finish(&self) -> Result<(), StartupError> {
        let Value::Text(name) = &self.values[Setting::Logfile.index()] else { return Ok(()) };
        if name.is_empty() {
            return Ok(());
        }
        let path = Path::new(OsStr::from_bytes(name));
        let opened = std::fs::OpenOptions::new().append(true).create(true).open(path);
        opened.map(drop).map_err(|error| {
            let reason = format!("Can't open the log file: {}", reason(&error));
            StartupError::Whole { version: VERSION, reason }
        })
    }
}

/// What is wrong with a line.
enum Problem {
    /// The line itself.
    Line(String),
    /// Something it led to, which says where.
    Elsewhere(StartupError),
}

impl From<&str> for Problem {
    fn from(reason: &str) -> Self {
        Self::Line(reason.to_owned())
    }
}

impl Problem {
    fn at(self, line: usize, text: &[u8]) -> StartupError {
        match self {
            Self::Line(reason) => {
                let text = String::from_utf8_lossy(text).into_owned();
                StartupError::Line { version: VERSION, line, text, reason }
            }
            Self::Elsewhere(error) => error,
        }
    }
}

/// Returns the content of a file.
pub(super) fn file_text(path: &Path) -> Result<Vec<u8>, StartupError> {
    std::fs::read(path).map_err(|error| StartupError::Open {
        path: path.display().to_string(),
        reason: reason(&error),
    })
}

/// Returns the path itself if it is no pattern, or the files a pattern in its last part matches, in
/// the order of their names.
fn matching_files(path: &Path) -> Vec<PathBuf> {
    let is_pattern = |text: &OsStr| text.as_bytes().iter().any(|byte| b"*?[".contains(byte));
    let Some(pattern) = path.file_name().filter(|_| is_pattern(path.as_os_str())) else {
        return vec![path.to_owned()];
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let places = match parent {
        Some(parent) => matching_files(parent),
        None => vec![PathBuf::new()],
    };
    if !is_pattern(pattern) {
        return places
            .into_iter()
            .map(|place| place.join(pattern))
            .filter(|p| p.exists())
            .collect();
    }
    places.iter().flat_map(|place| matching_entries(place, pattern)).collect()
}

fn matching_entries(place: &Path, pattern: &OsStr) -> Vec<PathBuf> {
    let here = if place.as_os_str().is_empty() { Path::new(".") } else { place };
    let Ok(entries) = std::fs::read_dir(here) else { return Vec::new() };
    let shows_hidden = pattern.as_bytes().starts_with(b".");
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .filter(|name| shows_hidden || !name.as_bytes().starts_with(b"."))
        .filter(|name| crate::base::glob::matches(pattern.as_bytes(), name.as_bytes(), false))
        .map(|name| place.join(name))
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::{Loader, Setting, Value, matching_files};
    use crate::config::kinds::Lines;
    use crate::config::table::ROWS;

    fn value(text: &str, setting: Setting) -> String {
        let mut loader = Loader::new();
        loader.read(text.as_bytes()).unwrap();
        let shown = setting.row().kind.show(&loader.values[setting.index()]);
        String::from_utf8(shown).unwrap()
    }

    fn error(text: &str) -> String {
        Loader::new().read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn lines_are_settings_comments_or_nothing() {
        let text = "# a comment\n\n  port 1\r\nPORT 2\n\tmaxmemory 1gb\n";
        assert_eq!(value(text, Setting::Port), "2");
        assert_eq!(value(text, Setting::Maxmemory), "1073741824");
    }

    #[test]
    fn several_words_may_stand_in_one_pair_of_quotes() {
        assert_eq!(
            value("shutdown-on-sigterm \"nosave force\"", Setting::ShutdownOnSigterm),
            "nosave force"
        );
        assert_eq!(value("bind 10.0.0.1 -::1", Setting::Bind), "10.0.0.1 -::1");
        assert_eq!(value("bind \"\"", Setting::Bind), "");
    }

    #[test]
    fn the_first_save_replaces_the_default_and_the_next_adds() {
        assert_eq!(value("save 900 1\nsave 300 10", Setting::Save), "900 1 300 10");
        assert_eq!(value("save 900 1\nsave \"\"", Setting::Save), "");
        assert_eq!(value("save", Setting::Save), "");
    }

    #[test]
    fn a_wrong_line_is_shown_with_its_number_and_reason() {
        let text = error("port 1\n\n maxmemory-policy  wat # x ");
        assert!(text.starts_with("\n*** FATAL CONFIG FILE ERROR (Redpoll "), "{text}");
        assert!(
            text.ends_with(
                " ***\nReading the configuration file, at line 3\n\
                 >>> 'maxmemory-policy  wat # x'\nwrong number of arguments"
            ),
            "{text}"
        );
    }

    #[test]
    fn each_mistake_has_its_reason() {
        for (text, reason) in [
            ("wat 1", "Bad directive or wrong number of arguments"),
            ("include", "Bad directive or wrong number of arguments"),
            ("dir \"x", "Unbalanced quotes in configuration line"),
            ("port", "wrong number of arguments"),
            ("port 1 2", "wrong number of arguments"),
            ("port wat", "argument couldn't be parsed into an integer"),
            ("replicaof 127.0.0.1 abc", "Invalid master port"),
            ("replicaof 127.0.0.1 6379", "this version cannot replicate yet"),
            ("sentinel monitor x", "sentinel directive while not in sentinel mode"),
            ("user default off", "user: access control lists are not offered yet"),
            ("loadmodule x.so", "loadmodule: modules are not offered"),
            ("rename-command get \"\"", "rename-command: renaming commands is not offered yet"),
        ] {
            assert!(error(text).ends_with(&format!("\n{reason}")), "{text}: {}", error(text));
        }
    }

    #[test]
    fn settings_of_old_versions_are_forgotten() {
        assert!(Loader::new().read(b"lua-replicate-commands yes\nio-threads-do-reads no").is_ok());
    }

    #[test]
    fn included_files_are_read_in_place() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        std::fs::write(path("b.conf"), "port 2\n").unwrap();
        std::fs::write(path("a.conf"), "port 1\ntimeout 7\n").unwrap();
        let include = |name: &str| format!("include {}\n", path(name).display());
        assert_eq!(value(&include("*.conf"), Setting::Port), "2");
        assert_eq!(value(&(include("a.conf") + "port 3"), Setting::Port), "3");
        assert_eq!(value(&include("*.none"), Setting::Port), "6379");
        let missing = error(&include("missing.conf"));
        assert!(missing.starts_with("Fatal error, can't open config file '"), "{missing}");
        assert!(missing.ends_with("': No such file or directory"), "{missing}");
        std::fs::write(path("self.conf"), include("self.conf")).unwrap();
        assert!(error(&include("self.conf")).ends_with("Too many levels of include"));
    }

    #[test]
    fn patterns_may_stand_in_any_part_of_a_path() {
        let place = tempfile::tempdir().unwrap();
        for name in ["x1", "x2", "y1"] {
            std::fs::create_dir(place.path().join(name)).unwrap();
            std::fs::write(place.path().join(name).join("a.conf"), "").unwrap();
        }
        assert_eq!(matching_files(&place.path().join("x*/a.conf")).len(), 2);
        assert_eq!(matching_files(&place.path().join("*/*.conf")).len(), 3);
    }

    #[test]
    fn a_log_file_must_be_writable() {
        let mut loader = Loader::new();
        loader.read(b"logfile /nonexistent/place/log").unwrap();
        let error = loader.finish().unwrap_err().to_string();
        assert!(error.ends_with("Can't open the log file: No such file or directory"), "{error}");
    }

    #[test]
    fn what_a_file_is_told_to_say_reads_back_as_the_same_value() {
        for (setting, words) in [
            (Setting::Save, vec!["5", "1", "6", "2"]),
            (Setting::ClientOutputBufferLimit, vec!["replica", "3gb", "5", "6"]),
            (Setting::Bind, vec!["10.0.0.1", "-::1"]),
            (Setting::Requirepass, vec!["a \"b\" \\ \u{1}\n"]),
            (Setting::ShutdownOnSigint, vec!["save", "now"]),
            (Setting::NotifyKeyspaceEvents, vec!["KEA"]),
            (Setting::Maxmemory, vec!["50%"]),
            (Setting::Unixsocketperm, vec!["700"]),
            (Setting::LatencyTrackingInfoPercentiles, vec!["99.9"]),
            (Setting::OomScoreAdjValues, vec!["1", "2", "3"]),
            (Setting::MaxmemoryPolicy, vec!["allkeys-lfu"]),
        ] {
            let row = &ROWS[setting.index()];
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            let empty = Value::SavePoints([].into());
            let base = if setting == Setting::Save { empty } else { row.kind.default() };
            let value = row.kind.parse(&words, &base).unwrap();
            let Lines::Some(lines) = row.kind.lines(&value) else { panic!("lines") };
            let mut loader = Loader::new();
            for (text, _) in lines {
                loader.read(&[row.name.as_bytes(), b" ", &text].concat()).unwrap();
            }
            assert_eq!(loader.values[setting.index()], value, "{}", row.name);
        }
    }
}
