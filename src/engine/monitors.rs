//! Clients that monitor the server (MONITOR): they are shown the commands of all others.
//!
//! The worker that ran a command writes its line once and posts it to the worker of every client that
//! monitors, before the command's reply is sent. So the commands of one client come in their order, and
//! one that was sent after another's reply had come stands behind it. While nobody monitors, a command
//! costs one relaxed load.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use super::clients::ClientCell;
use super::context::Context;
use super::logs::shown_args;
use super::session::Session;
use super::state::{Engine, WorkerMessage};
use crate::base::clock;

/// A line for one client that monitors.
pub struct Sight {
    pub client: Arc<ClientCell>,
    /// Which of the client's turns of monitoring the line is for.
    pub turn: u64,
    /// The whole reply.
    pub line: Bytes,
}

/// All clients that monitor.
#[derive(Default)]
pub struct Monitors {
    count: AtomicUsize,
    last_turn: AtomicU64,
    list: Mutex<Vec<(Arc<ClientCell>, u64)>>,
}

impl Monitors {
    /// Says whether anybody monitors.
    #[inline]
    pub fn is_watched(&self) -> bool {
        self.count() > 0
    }

    /// Returns how many clients monitor.
    #[inline]
    pub fn count(&self) -> usize {
        // Relaxed: a command that runs while a client begins to monitor may be shown or not.
        self.count.load(Ordering::Relaxed)
    }
}

impl Engine {
    /// Shows a client what all others do from now on; says whether it did not monitor before.
    pub fn monitor(&self, session: &mut Session) -> bool {
        if session.monitors.is_some() {
            return false;
        }
        let turn = self.monitors.last_turn.fetch_add(1, Ordering::Relaxed) + 1;
        session.monitors = Some(turn);
        // Relaxed: shown by CLIENT LIST only.
        session.cell.is_monitor.store(true, Ordering::Relaxed);
        let mut list = self.monitors.list.lock();
        list.push((Arc::clone(&session.cell), turn));
        self.monitors.count.store(list.len(), Ordering::Relaxed);
        true
    }

    /// Shows a client no more of what others do.
    pub fn end_monitoring(&self, session: &mut Session) {
        if session.monitors.take().is_none() {
            return;
        }
        session.cell.is_monitor.store(false, Ordering::Relaxed);
        let mut list = self.monitors.list.lock();
        list.retain(|(cell, _)| cell.id != session.cell.id);
        self.monitors.count.store(list.len(), Ordering::Relaxed);
    }

    /// Posts a line to all who monitor; `worker` is the one that this thread runs.
    #[cold]
    pub(super) fn show(&self, worker: usize, line: Vec<u8>) {
        let line = Bytes::from(line);
        for (client, turn) in self.monitors.list.lock().iter() {
            let sight = Sight { client: Arc::clone(client), turn: *turn, line: line.clone() };
            self.post(Some(worker), client.worker, WorkerMessage::Show(sight));
        }
    }
}

impl Context<'_> {
    /// Shows the command to those who monitor before it runs: the commands it is going to call are to
    /// stand behind it. Its flags say `skip_monitor`, so that it is not shown once more, and neither is
    /// it when it has been put off.
    #[inline]
    pub fn show_to_monitors(&mut self) {
        let is_watched = self.engine.monitors.is_watched();
        if is_watched && (self.is_nested || self.session.put_off.note_shown()) {
            let line = line(self.session, shown_args(self.args, self.redacted));
            self.engine.show(self.worker, line);
        }
    }
}

/// Returns the line that shows a command of a client.
#[cold]
pub(super) fn line<'a>(session: &Session, args: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let now_us = clock::unix_us();
    let (seconds, micros) = (now_us / 1_000_000, now_us % 1_000_000);
    let (db, peer) = (session.db, &session.cell.peer);
    let address = &peer.address;
    let who = match (session.is_in_script, peer.is_unix) {
        (true, _) => "lua".to_owned(),
        (false, true) => format!("unix:{}", address.strip_suffix(":0").unwrap_or(address)),
        (false, false) => address.clone(),
    };
    let mut line = format!("+{seconds}.{micros:06} [{db} {who}]").into_bytes();
    for argument in args {
        line.push(b' ');
        push_quoted(&mut line, argument);
    }
    line.extend_from_slice(b"\r\n");
    line
}

/// Appends a text in double quotes, with everything escaped that is not printable.
fn push_quoted(line: &mut Vec<u8>, text: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    line.reserve(text.len() + 2);
    line.push(b'"');
    for &byte in text {
        match byte {
            b'\\' | b'"' => line.extend_from_slice(&[b'\\', byte]),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\t' => line.extend_from_slice(b"\\t"),
            0x07 => line.extend_from_slice(b"\\a"),
            0x08 => line.extend_from_slice(b"\\b"),
            b' '..=b'~' => line.push(byte),
            _ => {
                let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                line.extend_from_slice(b"\\x");
                line.extend_from_slice(&digits);
            }
        }
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::push_quoted;

    #[test]
    fn what_is_not_printable_is_escaped() {
        let mut line = Vec::new();
        push_quoted(&mut line, b"a \\\"\n\r\t\x07\x08\x00\x7f\xff~");
        assert_eq!(line, br#""a \\\"\n\r\t\a\b\x00\x7f\xff~""#);
    }
}
