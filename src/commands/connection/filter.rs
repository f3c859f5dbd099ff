//! The filters of CLIENT LIST and CLIENT KILL: all of them must let a client pass.

use std::sync::atomic::Ordering;

use super::line;
use crate::base::text;
use crate::engine::{Args, ClientCell, CommandError, Engine};

/// Letters of `flags=` that a filter may name.
const KNOWN_FLAGS: &str = "OSMPxbtRBdcuAUreTIN";
const KNOWN_CAPABILITIES: &str = "r";
const DEFAULT_USER: &[u8] = b"default";

/// Which command reads the filters; the texts of some refusals depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    List,
    Kill,
}

/// What a client's connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientType {
    Normal,
    Leader,
    Replica,
    Subscriber,
}

enum Test {
    Ids(Vec<u64>),
    Type(ClientType),
    User,
    Address(String),
    LocalAddress(String),
    Age(u64),
    Idle(u64),
    Name(String),
    LibraryName(String),
    LibraryVersion(String),
    Flags(String),
    Capabilities(String),
    Database(u32),
    Ip(String),
}

struct Condition {
    test: Test,
    is_negated: bool,
}

/// Conditions, and whether the client that asks is left out.
pub(super) struct Filters {
    conditions: Vec<Condition>,
    pub(super) skips_me: bool,
}

impl Filters {
    /// Reads the filters from the third argument on.
    pub(super) fn read(
        args: Args<'_>,
        engine: &Engine,
        purpose: Purpose,
    ) -> Result<Self, CommandError> {
        let mut filters = Self { conditions: Vec::new(), skips_me: purpose == Purpose::Kill };
        let mut index = 2;
        while index < args.len() {
            if index + 1 >= args.len() {
                return Err(CommandError::Syntax);
            }
            if args.is_word(index, "SKIPME") {
                filters.skips_me = yes_or_no(args, index + 1)?;
                index += 2;
                continue;
            }
            let word = args.at(index).to_ascii_uppercase();
            let (word, is_negated) = match word.strip_prefix(b"NOT-") {
                Some(word) => (word, true),
                None => (word.as_slice(), false),
            };
            let (test, value_count) =
                read_test((word, is_negated), args.from(index + 1), engine, purpose)?;
            // Age and idle time have no negative form.
            if is_negated && matches!(test, Test::Age(_) | Test::Idle(_)) {
                return Err(CommandError::Syntax);
            }
            filters.conditions.push(Condition { test, is_negated });
            index += 1 + value_count;
        }
        Ok(filters)
    }

    /// Says whether a client passes all conditions.
    pub(super) fn let_pass(&self, cell: &ClientCell, now_ms: u64) -> bool {
        self.conditions
            .iter()
            .all(|condition| matches(&condition.test, cell, now_ms) != condition.is_negated)
    }
}

fn yes_or_no(args: Args<'_>, index: usize) -> Result<bool, CommandError> {
    if args.is_word(index, "YES") {
        Ok(true)
    } else if args.is_word(index, "NO") {
        Ok(false)
    } else {
        Err(CommandError::Syntax)
    }
}

/// Reads what follows the word of a filter; returns how many arguments it takes as well.
fn read_test(
    (word, is_negated): (&[u8], bool),
    values: Args<'_>,
    engine: &Engine,
    purpose: Purpose,
) -> Result<(Test, usize), CommandError> {
    let value = values.at(0);
    let owned = || String::from_utf8_lossy(value).into_owned();
    let test = match word {
        b"ID" => {
            let ids = read_ids(values, purpose, is_negated)?;
            let count = ids.len();
            return Ok((Test::Ids(ids), count));
        }
        b"TYPE" => Test::Type(client_type(value)?),
        b"USER" if value == DEFAULT_USER => Test::User,
        b"USER" => {
            return Err(CommandError::quoting("ERR No such user '", value, "'"));
        }
        b"ADDR" => Test::Address(owned()),
        b"LADDR" => Test::LocalAddress(owned()),
        b"MAXAGE" => Test::Age(positive(value, "maxage")?),
        b"IDLE" => Test::Idle(positive(value, "idle")?),
        b"NAME" => Test::Name(owned()),
        b"LIB-NAME" => Test::LibraryName(owned()),
        b"LIB-VER" => Test::LibraryVersion(owned()),
        b"FLAGS" => Test::Flags(letters(value, KNOWN_FLAGS, "flags")?),
        b"CAPA" => Test::Capabilities(letters(value, KNOWN_CAPABILITIES, "capa")?),
        b"DB" => Test::Database(database(value, engine)?),
        b"IP" => Test::Ip(owned()),
        _ => return Err(CommandError::Syntax),
    };
    Ok((test, 1))
}

/// Reads one id and those that follow it.
fn read_ids(
    values: Args<'_>,
    purpose: Purpose,
    is_negated: bool,
) -> Result<Vec<u64>, CommandError> {
    let mut ids = Vec::new();
    for value in values.iter() {
        match (text::parse_i64(value), purpose) {
            (Some(id), _) if id > 0 => ids.push(id.unsigned_abs()),
            (Some(_), Purpose::List) => ids.push(0),
            (None, Purpose::List) if ids.is_empty() && !is_negated => {
                return Err(CommandError::refused("ERR Invalid client ID"));
            }
            (None, _) if !ids.is_empty() => break,
            (None, _) if is_negated => return Err(CommandError::Syntax),
            _ => {
                return Err(CommandError::refused("ERR client-id should be greater than 0"));
            }
        }
    }
    Ok(ids)
}

fn client_type(word: &[u8]) -> Result<ClientType, CommandError> {
    match word.to_ascii_lowercase().as_slice() {
        b"normal" => Ok(ClientType::Normal),
        b"master" | b"primary" => Ok(ClientType::Leader),
        b"slave" | b"replica" => Ok(ClientType::Replica),
        b"pubsub" => Ok(ClientType::Subscriber),
        _ => Err(CommandError::quoting("ERR Unknown client type '", word, "'")),
    }
}

fn positive(value: &[u8], name: &str) -> Result<u64, CommandError> {
    match text::parse_i64(value) {
        Some(seconds) if seconds > 0 => Ok(seconds.unsigned_abs()),
        Some(_) => Err(CommandError::refused_with(format!("ERR {name} should be greater than 0"))),
        None => {
            Err(CommandError::refused_with(format!("ERR {name} is not an integer or out of range")))
        }
    }
}

fn letters(value: &[u8], known: &str, name: &str) -> Result<String, CommandError> {
    let shown = String::from_utf8_lossy(value).into_owned();
    if shown.chars().all(|letter| known.contains(letter)) {
        return Ok(shown);
    }
    let before = format!("ERR Unknown {name} found in the provided filter: ");
    Err(CommandError::quoting(&before, value, ""))
}

fn database(value: &[u8], engine: &Engine) -> Result<u32, CommandError> {
    let number = text::parse_i64(value)
        .ok_or(CommandError::refused("ERR DB is not an integer or out of range"))?;
    let count = engine.keyspace.database_count();
    u32::try_from(number).ok().filter(|&db| db < count).ok_or_else(|| {
        let last = count - 1;
        CommandError::refused_with(format!("ERR DB number should be between 0 and {last}"))
    })
}

fn matches(test: &Test, cell: &ClientCell, now_ms: u64) -> bool {
    let seconds_since = |at_ms: u64| now_ms.saturating_sub(at_ms) / 1000;
    match test {
        Test::Ids(ids) => ids.contains(&cell.id),
        Test::Type(wanted) => match wanted {
            ClientType::Normal => !cell.gauges.is_subscriber(),
            ClientType::Subscriber => cell.gauges.is_subscriber(),
            ClientType::Leader | ClientType::Replica => false,
        },
        Test::User => cell.names.lock().user.as_bytes() == DEFAULT_USER,
        Test::Address(address) => cell.peer.address == *address,
        Test::LocalAddress(address) => cell.peer.local_address == *address,
        Test::Age(seconds) => seconds_since(cell.created_ms) >= *seconds,
        Test::Idle(seconds) => {
            // Relaxed, here and below: what is compared may be a moment old.
            seconds_since(cell.gauges.last_active_ms.load(Ordering::Relaxed)) >= *seconds
        }
        Test::Name(name) => cell.names.lock().name == *name,
        Test::LibraryName(name) => cell.names.lock().library_name == *name,
        Test::LibraryVersion(version) => cell.names.lock().library_version == *version,
        Test::Flags(letters) => {
            let flags = line::flags(cell);
            letters.chars().all(|letter| flags.contains(letter))
        }
        Test::Capabilities(letters) => {
            letters.is_empty() || cell.can_redirect.load(Ordering::Relaxed)
        }
        Test::Database(db) => cell.db.load(Ordering::Relaxed) == *db,
        Test::Ip(ip) => ip_of(&cell.peer.address) == ip,
    }
}

/// Returns the address without its port, and without the brackets of IPv6.
fn ip_of(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::ip_of;

    #[test]
    fn an_address_loses_its_port_and_brackets() {
        assert_eq!(ip_of("127.0.0.1:50000"), "127.0.0.1");
        assert_eq!(ip_of("[::1]:50000"), "::1");
        assert_eq!(ip_of("/tmp/socket:0"), "/tmp/socket");
    }
}
