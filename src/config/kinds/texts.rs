//! Free text, with a check where not every text will do; and directories.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::str::FromStr;

use crate::config::words::quoted;

use super::{Kind, Lines, Refusal, Value};

/// The rule of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextRule {
    pub(crate) default: &'static str,
    check: Check,
}

/// What a text must be.
#[derive(Clone, Copy, Debug)]
enum Check {
    Any,
    /// Any bytes, zero bytes included.
    Bytes,
    /// Not empty; holds the name of the setting.
    Filled(&'static str),
    /// The name of a file without a path; holds the name of the setting.
    BaseName(&'static str),
    HostName,
    NodeName,
    NodeAddress,
    Address,
    IpV4,
    IpV6,
    Locale,
    ProcessTitle,
}

const fn text(default: &'static str, check: Check) -> Kind {
    Kind::Text(TextRule { default, check })
}

/// Any text.
pub(crate) const fn free_text(default: &'static str) -> Kind {
    text(default, Check::Any)
}

/// Any bytes: passwords and the like.
pub(crate) const fn binary_text(default: &'static str) -> Kind {
    text(default, Check::Bytes)
}

/// Any text but the empty one.
pub(crate) const fn not_empty(default: &'static str, setting: &'static str) -> Kind {
    text(default, Check::Filled(setting))
}

/// The name of a file or directory inside another.
pub(crate) const fn base_name(default: &'static str, setting: &'static str) -> Kind {
    text(default, Check::BaseName(setting))
}

/// A host name, or nothing.
pub(crate) const fn host_name(default: &'static str) -> Kind {
    text(default, Check::HostName)
}

/// A name that can stand in the file of a cluster's nodes.
pub(crate) const fn node_name(default: &'static str) -> Kind {
    text(default, Check::NodeName)
}

/// An address that can stand in the file of a cluster's nodes.
pub(crate) const fn node_address(default: &'static str) -> Kind {
    text(default, Check::NodeAddress)
}

/// An IP address.
pub(crate) const fn address(default: &'static str) -> Kind {
    text(default, Check::Address)
}

/// An IPv4 address, or nothing.
pub(crate) const fn ip_v4(default: &'static str) -> Kind {
    text(default, Check::IpV4)
}

/// An IPv6 address, or nothing.
pub(crate) const fn ip_v6(default: &'static str) -> Kind {
    text(default, Check::IpV6)
}

/// The name of a locale, or nothing.
pub(crate) const fn locale(default: &'static str) -> Kind {
    text(default, Check::Locale)
}

/// A template with variables in braces.
pub(crate) const fn process_title(default: &'static str) -> Kind {
    text(default, Check::ProcessTitle)
}

impl TextRule {
    /// Accepts a text; most end at the first zero byte, because files and addresses do.
    pub(crate) fn parse(&self, word: &[u8]) -> Result<Value, Refusal> {
        let text = match self.check {
            Check::Bytes | Check::NodeName | Check::NodeAddress => word,
            _ => word.split(|&byte| byte == 0).next().unwrap_or_default(),
        };
        self.check.admit(text)?;
        Ok(Value::text(text))
    }

    /// Returns the line for it; an empty text that is the default needs none.
    pub(crate) fn lines(&self, text: &[u8]) -> Lines {
        if text.is_empty() && self.default.is_empty() {
            return Lines::None;
        }
        Lines::Some(vec![(quoted(text), text != self.default.as_bytes())])
    }
}

/// Longest host name, with one byte to spare as the originals have it.
const HOST_NAME_BYTES_MAX: usize = 255;
/// Longest textual address.
const NODE_ADDRESS_BYTES_MAX: usize = 45;

impl Check {
    fn admit(self, text: &[u8]) -> Result<(), Refusal> {
        match self {
            Self::Any | Self::Bytes => Ok(()),
            Self::Filled(setting) => filled(text, setting),
            Self::BaseName(setting) => admit_base_name(text, setting),
            Self::HostName => admit_host_name(text),
            Self::NodeName => admit_node_name(text),
            Self::NodeAddress => admit_node_address(text),
            Self::Address => unless_address::<IpAddr>(text, "Invalid IP address"),
            Self::IpV4 if text.is_empty() => Ok(()),
            Self::IpV4 => unless_address::<Ipv4Addr>(text, "Invalid IPv4 address"),
            Self::IpV6 if text.is_empty() => Ok(()),
            Self::IpV6 => unless_address::<Ipv6Addr>(text, "Invalid IPv6 address"),
            Self::Locale => admit_locale(text),
            Self::ProcessTitle => admit_process_title(text),
        }
    }
}

fn filled(text: &[u8], setting: &str) -> Result<(), Refusal> {
    if text.is_empty() { Err(format!("{setting} can't be empty").into()) } else { Ok(()) }
}

fn admit_base_name(text: &[u8], setting: &str) -> Result<(), Refusal> {
    filled(text, setting)?;
    if !text.contains(&b'/') && !text.contains(&b'\\') {
        return Ok(());
    }
    let thing = if setting.ends_with("dirname") { "dirname" } else { "filename" };
    Err(format!("{setting} can't be a path, just a {thing}").into())
}

fn admit_host_name(text: &[u8]) -> Result<(), Refusal> {
    if text.len() > HOST_NAME_BYTES_MAX {
        return Err("Hostnames must be less than 256 characters".into());
    }
    let fine = |&byte: &u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    if text.iter().all(fine) {
        return Ok(());
    }
    Err("Hostnames may only contain alphanumeric characters, hyphens or dots".into())
}

fn admit_node_name(text: &[u8]) -> Result<(), Refusal> {
    if text.iter().all(fits_in_nodes_file) {
        return Ok(());
    }
    Err("Announced human node name contained invalid character".into())
}

fn admit_node_address(text: &[u8]) -> Result<(), Refusal> {
    if text.len() > NODE_ADDRESS_BYTES_MAX {
        return Err("cluster-announce-ip is too long".into());
    }
    if text.iter().all(fits_in_nodes_file) {
        return Ok(());
    }
    Err("cluster-announce-ip contains invalid character".into())
}

/// Says whether a byte means nothing to those who read the file of a cluster's nodes.
fn fits_in_nodes_file(byte: &u8) -> bool {
    byte.is_ascii_graphic() && !b"!#$%&()*+;<>?@[]{}^\"'`,=|~\\".contains(byte)
}

fn unless_address<A: FromStr>(text: &[u8], otherwise: &'static str) -> Result<(), Refusal> {
    let parsed = std::str::from_utf8(text).ok().and_then(|text| text.parse::<A>().ok());
    parsed.map(drop).ok_or_else(|| otherwise.into())
}

/// The locales every system has; others arrive with the command that needs them.
fn admit_locale(text: &[u8]) -> Result<(), Refusal> {
    match text {
        b"" | b"C" | b"POSIX" | b"C.UTF-8" | b"C.utf8" => Ok(()),
        _ => Err("Invalid locale name".into()),
    }
}

const TITLE_VARIABLES: [&[u8]; 7] =
    [b"title", b"listen-addr", b"server-mode", b"port", b"tls-port", b"unixsocket", b"config-file"];

fn admit_process_title(text: &[u8]) -> Result<(), Refusal> {
    let mut fine = !text.is_empty();
    let mut rest = text;
    while let Some(open) = rest.iter().position(|&byte| byte == b'{') {
        let after = &rest[open + 1..];
        let Some(close) = after.iter().position(|&byte| byte == b'}') else {
            fine = false;
            break;
        };
        fine &= TITLE_VARIABLES.contains(&&after[..close]);
        rest = &after[close + 1..];
    }
    if fine {
        return Ok(());
    }
    Err("template format is invalid or contains unknown variables".into())
}

/// Returns where the process is, or `.` where it may not look.
pub(crate) fn current_directory() -> Value {
    match std::env::current_dir() {
        Ok(path) => Value::text(&path.into_os_string().into_vec()),
        Err(_) => Value::text(b"."),
    }
}

/// Returns the absolute path of a directory that exists.
pub(crate) fn parse_directory(word: &[u8]) -> Result<Value, Refusal> {
    if word.is_empty() {
        return Err("dir can't be empty".into());
    }
    let path = std::fs::canonicalize(OsStr::from_bytes(word))
        .map_err(|error| Refusal::from(reason(&error)))?;
    if !path.is_dir() {
        return Err("Not a directory".into());
    }
    Ok(Value::text(&path.into_os_string().into_vec()))
}

/// Returns the system's words for an error, without the number Rust adds.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Kind, Value, base_name, host_name, ip_v4, node_name, parse_directory, process_title,
    };

    fn accepts(kind: &Kind, text: &str) -> Result<(), String> {
        let current = kind.default();
        kind.parse(&[text.as_bytes()], &current).map(drop).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_file_name_has_no_path() {
        let kind = base_name("dump.rdb", "dbfilename");
        assert_eq!(accepts(&kind, "other.rdb"), Ok(()));
        assert_eq!(accepts(&kind, "").unwrap_err(), "dbfilename can't be empty");
        assert_eq!(
            accepts(&kind, "a/b").unwrap_err(),
            "dbfilename can't be a path, just a filename"
        );
    }

    #[test]
    fn names_of_hosts_and_nodes_are_checked() {
        assert_eq!(accepts(&host_name(""), "cache-1.example.org"), Ok(()));
        assert!(accepts(&host_name(""), "a_b").is_err());
        assert!(accepts(&host_name(""), &"a".repeat(256)).is_err());
        assert_eq!(accepts(&node_name(""), "cache_1"), Ok(()));
        assert!(accepts(&node_name(""), "cache,1").is_err());
    }

    #[test]
    fn an_address_may_be_missing_but_not_wrong() {
        assert_eq!(accepts(&ip_v4(""), ""), Ok(()));
        assert_eq!(accepts(&ip_v4(""), "10.0.0.1"), Ok(()));
        assert_eq!(accepts(&ip_v4(""), "::1").unwrap_err(), "Invalid IPv4 address");
    }

    #[test]
    fn a_title_knows_only_some_variables() {
        let kind = process_title("{title}");
        assert_eq!(accepts(&kind, "{title}:{port}"), Ok(()));
        assert_eq!(accepts(&kind, "--plain"), Ok(()));
        for wrong in ["", "{wat}", "{title", "{}"] {
            assert!(accepts(&kind, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_directory_must_be_there_and_becomes_absolute() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().canonicalize().unwrap();
        let Ok(Value::Text(text)) = parse_directory(path.join(".").as_os_str().as_encoded_bytes())
        else {
            panic!("a directory")
        };
        assert_eq!(&*text, path.as_os_str().as_encoded_bytes());
        let missing = parse_directory(b"/nonexistent/place").unwrap_err();
        assert_eq!(missing.to_string(), "No such file or directory");
        assert_eq!(parse_directory(b"").unwrap_err().to_string(), "dir can't be empty");
    }
}
