//! The command logs: commands that took long, came with much data, or were answered with much.
//!
//! SLOWLOG reads the first kind, COMMANDLOG all three. Who executes a command compares it with the
//! threshold and comes here only with what exceeds it; entries are trimmed before the lock is taken.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

/// Arguments an entry keeps, the one that says how many are missing included.
const ARGUMENT_COUNT_MAX: usize = 32;

/// Bytes an entry keeps of one argument.
const ARGUMENT_BYTES_MAX: usize = 128;

/// What made a command worth logging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandLogKind {
    /// It took long; amounts are microseconds.
    Slow,
    /// Its arguments were large; amounts are bytes.
    LargeRequest,
    /// Its reply was large; amounts are bytes.
    LargeReply,
}

impl CommandLogKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Slow, Self::LargeRequest, Self::LargeReply];
}

/// Who sent a logged command.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommandLogClient<'client> {
    /// Address and port, or the path of a unix socket.
    pub address: &'client str,
    /// What CLIENT SETNAME set; may be empty.
    pub name: &'client [u8],
}

/// One logged command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLogEntry {
    /// Number of the entry within its kind, counted from 0 since the server's start.
    pub id: u64,
    /// When the command ended: seconds since 1970.
    pub unix_seconds: u64,
    /// Microseconds or bytes, by kind.
    pub amount: u64,
    /// The arguments, long ones shortened, many of them cut off.
    pub arguments: Vec<Box<[u8]>>,
    /// Address of the client.
    pub client_address: Box<str>,
    /// Name of the client.
    pub client_name: Box<[u8]>,
}

/// The entries of the three kinds, newest first. Each kind has its own lock.
#[derive(Default)]
pub struct CommandLog {
    logs: [Mutex<Log>; 3],
}

#[derive(Default)]
struct Log {
    next_id: u64,
    entries: VecDeque<Arc<CommandLogEntry>>,
}

impl CommandLog {
    /// Logs a command and drops the oldest entries beyond `entry_count_max`; logs nothing if that is 0.
    pub fn record<Arguments>(
        &self,
        kind: CommandLogKind,
        entry_count_max: usize,
        unix_seconds: u64,
        amount: u64,
        arguments: Arguments,
        client: CommandLogClient<'_>,
    ) where
        Arguments: ExactSizeIterator,
        Arguments::Item: AsRef<[u8]>,
    {
        if entry_count_max == 0 {
            return;
        }
        let mut entry = CommandLogEntry {
            id: 0,
            unix_seconds,
            amount,
            arguments: trimmed_arguments(arguments),
            client_address: client.address.into(),
            client_name: client.name.into(),
        };
        let mut log = self.log(kind).lock();
        entry.id = log.next_id;
        log.next_id += 1;
        log.entries.push_front(Arc::new(entry));
        log.entries.truncate(entry_count_max);
    }

    /// Drops the oldest entries beyond `entry_count_max`.
    pub fn trim(&self, kind: CommandLogKind, entry_count_max: usize) {
        self.log(kind).lock().entries.truncate(entry_count_max);
    }

    /// Returns the newest entries, at most `count_max` of them, newest first.
    pub fn newest(&self, kind: CommandLogKind, count_max: usize) -> Vec<Arc<CommandLogEntry>> {
        self.log(kind).lock().entries.iter().take(count_max).cloned().collect()
    }

    /// Returns how many entries there are.
    pub fn entry_count(&self, kind: CommandLogKind) -> usize {
        self.log(kind).lock().entries.len()
    }

    /// Returns how many entries there ever were: the id of the next one.
    pub fn next_id(&self, kind: CommandLogKind) -> u64 {
        self.log(kind).lock().next_id
    }

    /// Drops all entries; ids go on.
    pub fn clear(&self, kind: CommandLogKind) {
        self.log(kind).lock().entries.clear();
    }

    fn log(&self, kind: CommandLogKind) -> &Mutex<Log> {
        &self.logs[kind as usize]
    }
}

fn trimmed_arguments<Arguments>(arguments: Arguments) -> Vec<Box<[u8]>>
where
    Arguments: ExactSizeIterator,
    Arguments::Item: AsRef<[u8]>,
{
    let count = arguments.len();
    let kept = if count > ARGUMENT_COUNT_MAX { ARGUMENT_COUNT_MAX - 1 } else { count };
    let mut trimmed: Vec<Box<[u8]>> =
        arguments.take(kept).map(|argument| trimmed_argument(argument.as_ref())).collect();
    if kept < count {
        trimmed.push(format!("... ({} more arguments)", count - kept).into_bytes().into());
    }
    trimmed
}

fn trimmed_argument(argument: &[u8]) -> Box<[u8]> {
    if argument.len() <= ARGUMENT_BYTES_MAX {
        return argument.into();
    }
    let mut trimmed = argument[..ARGUMENT_BYTES_MAX].to_vec();
    let missing = argument.len() - ARGUMENT_BYTES_MAX;
    trimmed.extend_from_slice(format!("... ({missing} more bytes)").as_bytes());
    trimmed.into()
}

#[cfg(test)]
mod tests {
    use super::{CommandLog, CommandLogClient, CommandLogKind};

    fn record(log: &CommandLog, kind: CommandLogKind, entry_count_max: usize, arguments: &[&str]) {
        let client = CommandLogClient { address: "127.0.0.1:5", name: b"worker" };
        log.record(kind, entry_count_max, 1_700_000_000, 42, arguments.iter(), client);
    }

    #[test]
    fn entries_come_newest_first_and_the_oldest_go() {
        let log = CommandLog::default();
        for key in ["a", "b", "c"] {
            record(&log, CommandLogKind::Slow, 2, &["GET", key]);
        }
        let entries = log.newest(CommandLogKind::Slow, usize::MAX);
        assert_eq!(entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(*entries[0].arguments[1], *b"c");
        assert_eq!(&*entries[0].client_address, "127.0.0.1:5");
        assert_eq!(log.newest(CommandLogKind::Slow, 1).len(), 1);
        assert_eq!(log.entry_count(CommandLogKind::LargeReply), 0);
    }

    #[test]
    fn ids_go_on_after_a_clear() {
        let log = CommandLog::default();
        record(&log, CommandLogKind::LargeReply, 10, &["GET"]);
        log.clear(CommandLogKind::LargeReply);
        assert_eq!(log.entry_count(CommandLogKind::LargeReply), 0);
        record(&log, CommandLogKind::LargeReply, 10, &["GET"]);
        assert_eq!(log.newest(CommandLogKind::LargeReply, 1)[0].id, 1);
        assert_eq!(log.next_id(CommandLogKind::LargeReply), 2);
    }

    #[test]
    fn a_log_of_no_length_logs_nothing() {
        let log = CommandLog::default();
        record(&log, CommandLogKind::Slow, 0, &["GET"]);
        assert_eq!(log.next_id(CommandLogKind::Slow), 0);
    }

    #[test]
    fn a_shorter_limit_drops_the_oldest() {
        let log = CommandLog::default();
        for _ in 0..5 {
            record(&log, CommandLogKind::Slow, 10, &["GET"]);
        }
        log.trim(CommandLogKind::Slow, 2);
        assert_eq!(log.newest(CommandLogKind::Slow, 10)[1].id, 3);
    }

    #[test]
    fn many_and_long_arguments_are_shortened() {
        let log = CommandLog::default();
        let long = "x".repeat(129);
        let mut arguments = vec!["SADD", &long];
        arguments.resize(33, "m");
        record(&log, CommandLogKind::Slow, 10, &arguments);
        let entry = &log.newest(CommandLogKind::Slow, 1)[0];
        assert_eq!(entry.arguments.len(), 32);
        assert_eq!(
            *entry.arguments[1],
            *format!("{}... (1 more bytes)", "x".repeat(128)).as_bytes()
        );
        assert_eq!(*entry.arguments[31], *b"... (2 more arguments)");
    }

    #[test]
    fn exactly_as_many_as_fit_are_kept_whole() {
        let log = CommandLog::default();
        record(&log, CommandLogKind::Slow, 10, &["m"; 32]);
        let entry = &log.newest(CommandLogKind::Slow, 1)[0];
        assert!(entry.arguments.len() == 32 && entry.arguments.iter().all(|m| **m == *b"m"));
    }
}
