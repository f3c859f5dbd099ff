//! The server's log: lines in the form that tools for the originals read.
//!
//! `4242:M 24 Nov 2026 22:25:14.123 * Ready to accept connections tcp`: process, role, local time, a
//! sign for the level, text. A file is opened for every line, so it may be renamed or removed at any
//! time by whoever rotates logs.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use parking_lot::RwLock;

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Verbose,
    Notice,
    Warning,
    /// Above every line: nothing is written.
    Nothing,
}

impl Level {
    const fn sign(self) -> char {
        match self {
            Self::Debug => '.',
            Self::Verbose => '-',
            Self::Notice => '*',
            Self::Warning | Self::Nothing => '#',
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Verbose => "info",
            Self::Notice => "notice",
            Self::Warning | Self::Nothing => "warning",
        }
    }
}

/// What a line looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Legacy,
    Logfmt,
    Json,
}

/// How the time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timestamp {
    #[default]
    Legacy,
    Iso8601,
    Milliseconds,
}

/// Where lines go and which.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Lines below this level are not written.
    pub level: Level,
    /// `None` for standard output.
    pub file: Option<PathBuf>,
    pub format: Format,
    pub timestamp: Timestamp,
}

static SETTINGS: RwLock<Settings> = RwLock::new(Settings {
    level: Level::Notice,
    file: None,
    format: Format::Legacy,
    timestamp: Timestamp::Legacy,
});

/// Sets where lines go from now on.
pub fn configure(settings: Settings) {
    *SETTINGS.write() = settings;
}

/// Writes a line that helps to find errors.
pub fn debug(text: fmt::Arguments<'_>) {
    write(Level::Debug, text);
}

/// Writes a line about an ordinary event.
pub fn verbose(text: fmt::Arguments<'_>) {
    write(Level::Verbose, text);
}

/// Writes a line that an operator wants to see.
pub fn notice(text: fmt::Arguments<'_>) {
    write(Level::Notice, text);
}

/// Writes a line that an operator has to see.
pub fn warning(text: fmt::Arguments<'_>) {
    write(Level::Warning, text);
}

/// Writes a line, if its level is wanted. A line that cannot be written is lost: the server goes on.
pub fn write(level: Level, text: fmt::Arguments<'_>) {
    let settings = SETTINGS.read();
    if level < settings.level || settings.level == Level::Nothing {
        return;
    }
    let line = render(&settings, level, &text.to_string());
    let written = match &settings.file {
        None => std::io::stdout().lock().write_all(line.as_bytes()),
        Some(path) => OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|mut file| file.write_all(line.as_bytes())),
    };
    drop(written);
}

fn render(settings: &Settings, level: Level, text: &str) -> String {
    let process = std::process::id();
    let now = chrono::Local::now();
    let time = match settings.timestamp {
        Timestamp::Legacy => now.format("%d %b %Y %H:%M:%S%.3f").to_string(),
        Timestamp::Iso8601 => now.format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
        Timestamp::Milliseconds => now.timestamp_millis().to_string(),
    };
    match settings.format {
        Format::Legacy => format!("{process}:M {time} {} {text}\n", level.sign()),
        Format::Logfmt => format!(
            "pid={process} role=primary timestamp=\"{time}\" level={} message=\"{}\"\n",
            level.name(),
            escaped(text),
        ),
        Format::Json => format!(
            "{{\"pid\":{process},\"role\":\"primary\",\"timestamp\":\"{time}\",\"level\":\"{}\",\"message\":\"{}\"}}\n",
            level.name(),
            escaped(text),
        ),
    }
}

/// Escapes what ends a quoted string or a line.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r")
}

#[cfg(test)]
mod tests {
    use super::{Format, Level, Settings, Timestamp, render};

    #[test]
    fn a_line_has_the_form_of_its_format() {
        let mut settings = Settings {
            level: Level::Notice,
            file: None,
            format: Format::Legacy,
            timestamp: Timestamp::Legacy,
        };
        let line = render(&settings, Level::Warning, "out of \"luck\"");
        assert!(line.starts_with(&format!("{}:M ", std::process::id())), "{line}");
        assert!(line.ends_with(" # out of \"luck\"\n"), "{line}");
        settings.format = Format::Json;
        let line = render(&settings, Level::Warning, "out of \"luck\"");
        assert!(line.ends_with("\"message\":\"out of \\\"luck\\\"\"}\n"), "{line}");
        settings.format = Format::Logfmt;
        settings.timestamp = Timestamp::Milliseconds;
        assert!(render(&settings, Level::Debug, "x").contains("level=debug message=\"x\""));
    }
}
