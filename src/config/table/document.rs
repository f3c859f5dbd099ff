//! The table as a commented configuration file: `redpoll --print-config` prints it, and
//! `conf/redpoll.conf` is a copy of it.

use crate::config::kinds::{Kind, Lines, Unit, shutdown_names};

use super::{Change, Effect, ROWS, Row};

/// Width the comments are wrapped at.
const WIDTH: usize = 96;

const PREFACE: &str = "\
# Redpoll's settings, each with its meaning, its default and its unit. Every line is the default.
#
# A line is a name and its value, words separated by spaces; a value with spaces in it stands in
# quotes. Sizes may carry a unit: 1k is 1000 bytes, 1kb 1024, and so on with m, mb, g, gb. A later
# line overrides an earlier one, and options of the command line override the file:
#
#     redpoll /path/to/redpoll.conf --port 6380 --maxmemory 1gb
#
# Other files can be included, also by a pattern:
#
#     include /path/to/more.conf
#     include /etc/redpoll.d/*.conf
#
# CONFIG SET changes settings of a running server, CONFIG REWRITE writes them back to this file.
";

/// Returns the whole file.
pub(crate) fn reference_file() -> String {
    let mut text = PREFACE.to_owned();
    let mut section = "";
    for row in ROWS {
        if row.section != section {
            section = row.section;
            let line = "#".repeat(WIDTH);
            text.push_str(&format!("\n{line}\n# {section}\n{line}\n"));
        }
        text.push_str(&entry(row));
    }
    text
}

fn entry(row: &Row) -> String {
    let mut text = String::from("\n");
    for paragraph in [row.doc.trim().to_owned(), facts(row)] {
        for line in wrapped(&paragraph) {
            text.push_str(&format!("# {line}\n"));
        }
    }
    for value in default_lines(row) {
        text.push_str(&format!("{} {value}\n", row.name));
    }
    text
}

/// Returns default, unit and what else is to be known, in sentences.
fn facts(row: &Row) -> String {
    let mut facts = vec![format!("Default: {}.", default_text(row)), unit(&row.kind)];
    if !row.aliases.is_empty() {
        facts.push(format!("Also known as {}.", row.aliases.join(", ")));
    }
    if row.facts.change != Change::Live {
        facts.push("Cannot change while the server runs.".to_owned());
    }
    if row.facts.protected {
        facts.push("CONFIG SET needs enable-protected-configs.".to_owned());
    }
    match row.facts.effect {
        Effect::Full => {}
        Effect::Never => facts.push("Accepted without effect.".to_owned()),
        Effect::Later => facts.push("Accepted without effect in this version.".to_owned()),
        Effect::Refused(reason) => facts.push(format!("Only the default is accepted: {reason}.")),
    }
    facts.join(" ")
}

fn default_text(row: &Row) -> String {
    if let Kind::Directory = row.kind {
        return "where the server is started".to_owned();
    }
    let text = String::from_utf8_lossy(&row.kind.show(&row.kind.default())).into_owned();
    if text.is_empty() { "none".to_owned() } else { text }
}

fn default_lines(row: &Row) -> Vec<String> {
    match (&row.kind, row.kind.lines(&row.kind.default())) {
        (Kind::Directory, _) => vec![".".to_owned()],
        (Kind::Addresses, _) => vec![default_text(row)],
        (Kind::Leader, _) => vec!["no one".to_owned()],
        (_, Lines::None) => vec!["\"\"".to_owned()],
        (_, Lines::Some(lines)) => {
            let texts = lines.iter().map(|(text, _)| plain(&String::from_utf8_lossy(text)));
            texts.collect()
        }
    }
}

/// Takes the quotes off a value that needs none.
fn plain(value: &str) -> String {
    let inside = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inside {
        Some(inside) if !inside.is_empty() && !inside.contains([' ', '\\', '"']) => {
            inside.to_owned()
        }
        _ => value.to_owned(),
    }
}

fn unit(kind: &Kind) -> String {
    match kind {
        Kind::Flag(_) => "Unit: yes or no.".to_owned(),
        Kind::Number(rule) => {
            let low = if rule.unit == Unit::BytesOrPercent { 0 } else { rule.min };
            let (low, high) = (rule.show(low), rule.show(rule.max));
            match rule.max {
                i64::MAX => format!("Unit: {}, at least {low}.", rule.unit.name()),
                _ => format!("Unit: {}, {low} to {high}.", rule.unit.name()),
            }
        }
        Kind::Choice(rule) => {
            let words: Vec<_> = rule.names.iter().map(|entry| entry.0).collect();
            format!("Unit: one of {}.", words.join(", "))
        }
        Kind::ShutdownOptions => {
            format!("Unit: any of {}.", shutdown_names().collect::<Vec<_>>().join(", "))
        }
        Kind::Text(_) => "Unit: text.".to_owned(),
        Kind::Directory => "Unit: path.".to_owned(),
        Kind::Events => "Unit: letters.".to_owned(),
        Kind::SavePoints => "Unit: pairs of seconds and changes.".to_owned(),
        Kind::OutputLimits => "Unit: class, bytes, bytes, seconds.".to_owned(),
        Kind::Addresses => "Unit: addresses.".to_owned(),
        Kind::Percentiles => "Unit: percentiles.".to_owned(),
        Kind::OomScores => "Unit: three scores.".to_owned(),
        Kind::Leader => "Unit: host and port.".to_owned(),
    }
}

/// Breaks a text into lines of at most [`WIDTH`] characters, the comment sign included.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is always a line");
        if last.is_empty() {
            last.push_str(word);
        } else if last.len() + 1 + word.len() + 2 <= WIDTH {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{ROWS, reference_file};
    use crate::config::Config;

    fn shipped_path() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conf/redpoll.conf")
    }

    /// `REDPOLL_WRITE_CONF=1 cargo test --lib config` writes the file anew after a change of a row.
    #[test]
    fn the_shipped_file_says_what_the_table_says() {
        if std::env::var_os("REDPOLL_WRITE_CONF").is_some() {
            std::fs::write(shipped_path(), reference_file()).unwrap();
        }
        let shipped = std::fs::read_to_string(shipped_path()).unwrap();
        assert!(shipped == reference_file(), "conf/redpoll.conf is not what the table says");
    }

    #[test]
    fn the_shipped_file_gives_exactly_the_defaults() {
        let config = Config::from_text(&reference_file()).unwrap();
        let defaults = Config::default();
        assert_eq!(config.values(), defaults.values());
    }

    #[test]
    fn every_setting_is_documented_with_default_and_unit() {
        let file = reference_file();
        for row in ROWS {
            let line = file.lines().position(|line| line.starts_with(&format!("{} ", row.name)));
            let line = line.unwrap_or_else(|| panic!("{} is missing", row.name));
            let above: Vec<_> = file.lines().take(line).collect();
            let from = above.iter().rposition(|line| line.is_empty()).unwrap();
            let comment = above[from..].join(" ");
            assert!(comment.contains("Default: ") && comment.contains("Unit: "), "{}", row.name);
        }
    }
}
