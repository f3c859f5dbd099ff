//! A bench for handlers: one engine, one worker, one client, no socket. The thread's wall clock
//! stands still until it is moved, and the log of effects is read along.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

use super::FAMILIES;
use crate::base::clock;
use crate::config::Config;
use crate::engine::{
    Batch, CommandTable, Effect, EffectReader, Engine, Identity, Peer, Session, Targets, Worker,
};
use crate::resp::{Limits, Parsed, Parser, Protocol, ReplyBuffer};

/// Databases of the engine under test.
const DATABASE_COUNT: u32 = 16;
/// What the stopped clock shows first: some day in 2023.
const FIRST_MS: u64 = 1_700_000_000_000;

type Log = Arc<Mutex<Vec<String>>>;

/// One client's view of an engine of its own.
pub(crate) struct Bench {
    pub(crate) engine: Arc<Engine>,
    pub(crate) worker: Worker,
    pub(crate) session: Session,
    protocol: Protocol,
    log: Log,
    now_ms: u64,
}

struct Recorder(Log);

impl EffectReader for Recorder {
    fn append(&mut self, _offset: u64, effect: &Effect) {
        let words = parse(effect.bytes()).into_iter().map(|word| word.escape_ascii().to_string());
        let words: Vec<String> = words.collect();
        let who = match effect.targets {
            Targets::ALL => "",
            Targets::FILE => "file ",
            Targets::REPLICAS => "replicas ",
            _ => "nobody ",
        };
        self.0.lock().push(format!("{who}{}: {}", effect.db, words.join(" ")));
    }
}

/// Returns the arguments of a command in RESP.
fn parse(command: &[u8]) -> Vec<Vec<u8>> {
    let (mut buffer, mut spans) = (command.to_vec(), Vec::new());
    let parsed = Parser::default().next(&mut buffer, 0, &Limits::default(), &mut spans);
    assert!(matches!(parsed, Ok(Parsed::Command { .. })), "the log holds whole commands");
    spans.iter().map(|span| span.of(&buffer).to_vec()).collect()
}

impl Bench {
    /// Returns an empty server with a RESP2 client whose clock stands still.
    pub(crate) fn new() -> Self {
        Self::with_settings("")
    }

    /// The same with settings, as they stand in a file.
    pub(crate) fn with_settings(settings: &str) -> Self {
        let identity = Identity {
            run_id: "0".repeat(40),
            process_id: 1,
            executable: "redpoll".into(),
            started_ms: FIRST_MS,
            started_monotonic_us: 0,
        };
        let config = Arc::new(Config::from_text(settings).expect("the settings are right"));
        let table = CommandTable::new(FAMILIES);
        let engine = Engine::new(config, table, 1, DATABASE_COUNT, identity);
        let engine = Arc::new(engine.expect("a thread can be started"));
        let log = Log::default();
        engine.effects.attach(Box::new(Recorder(Arc::clone(&log))));
        clock::stop_at(FIRST_MS);
        let worker = Worker::new(Arc::clone(&engine), 0);
        let session = worker.open(peer());
        Self { engine, worker, session, protocol: Protocol::Resp2, log, now_ms: FIRST_MS }
    }

    /// Returns the time the stopped clock shows.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Moves the clock.
    pub(crate) fn advance(&mut self, ms: u64) {
        self.now_ms += ms;
        clock::stop_at(self.now_ms);
    }

    /// Writes the replies that follow in RESP3.
    pub(crate) fn speak_resp3(&mut self) {
        self.protocol = Protocol::Resp3;
    }

    /// Runs one command and returns the bytes of its reply.
    pub(crate) fn run(&mut self, arguments: &[&[u8]]) -> Vec<u8> {
        let mut buffer = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments {
            buffer.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
            buffer.extend_from_slice(argument);
            buffer.extend_from_slice(b"\r\n");
        }
        let mut batch = Batch::default();
        let parsed = Parser::default().next(&mut buffer, 0, &Limits::default(), &mut batch.spans);
        let Ok(Parsed::Command { end, arg_count }) = parsed else { panic!("{parsed:?}") };
        batch.push(arg_count, end);
        // The bench's thread may have run another bench meanwhile.
        clock::stop_at(self.now_ms);
        let mut reply = ReplyBuffer::with_protocol(self.protocol);
        self.worker.run(&mut self.session, &buffer, &mut batch, &mut reply);
        self.protocol = reply.protocol();
        reply.chunks().collect::<Vec<_>>().concat()
    }

    /// Runs a command given as words and returns its reply readably: `OK`, `(nil)`, `3`, `"text"`,
    /// `[1, "b"]`, and the line of an error.
    pub(crate) fn say(&mut self, line: &str) -> String {
        let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
        self.tell(&words)
    }

    /// The same for arguments of any bytes.
    pub(crate) fn tell(&mut self, arguments: &[&[u8]]) -> String {
        let reply = self.run(arguments);
        let (text, rest) = readable(&reply);
        assert!(rest.is_empty(), "one command, one reply: {}", reply.escape_ascii());
        text
    }

    /// Runs each command and expects its reply.
    pub(crate) fn expect(&mut self, dialogue: &[(&str, &str)]) {
        for (line, reply) in dialogue {
            assert_eq!(self.say(line), *reply, "{line}");
        }
    }

    /// Returns the effects since the last call, as `0: SET a 1`.
    pub(crate) fn effects(&mut self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock())
    }

    /// Runs a command and expects what it appends to the log of effects.
    pub(crate) fn expect_effects(&mut self, line: &str, effects: &[&str]) {
        self.effects();
        self.say(line);
        assert_eq!(self.effects(), effects, "{line}");
    }

    /// Returns the changes counted since the last save.
    pub(crate) fn change_count(&self) -> u64 {
        self.engine.changes.total()
    }
}

fn peer() -> Peer {
    Peer {
        address: "127.0.0.1:50000".into(),
        local_address: "127.0.0.1:6379".into(),
        descriptor: 8,
        is_unix: false,
        is_loopback: true,
    }
}

/// Returns the first reply readably, and the bytes behind it.
fn readable(reply: &[u8]) -> (String, &[u8]) {
    let end = reply.windows(2).position(|pair| pair == b"\r\n").expect("a reply has a line end");
    let (line, rest) = (&reply[1..end], &reply[end + 2..]);
    let text = String::from_utf8_lossy(line).into_owned();
    match reply[0] {
        b'$' | b'=' if text != "-1" => {
            let bytes: usize = text.parse().expect("a length");
            (format!("\"{}\"", rest[..bytes].escape_ascii()), &rest[bytes + 2..])
        }
        b'*' | b'~' | b'>' if text != "-1" => {
            let (items, rest) = several(rest, text.parse().expect("a count"));
            (format!("[{}]", items.join(", ")), rest)
        }
        b'%' => {
            let (items, rest) = several(rest, 2 * text.parse::<usize>().expect("a count"));
            let pairs: Vec<String> =
                items.chunks(2).map(|pair| format!("{}: {}", pair[0], pair[1])).collect();
            (format!("{{{}}}", pairs.join(", ")), rest)
        }
        b'$' | b'*' | b'_' => ("(nil)".into(), rest),
        _ => (text, rest),
    }
}

fn several(mut rest: &[u8], count: usize) -> (Vec<String>, &[u8]) {
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        let (item, behind) = readable(rest);
        items.push(item);
        rest = behind;
    }
    (items, rest)
}

#[test]
fn names_stand_once_and_facts_are_complete() {
    let mut seen = HashSet::new();
    for command in FAMILIES.iter().flat_map(|family| family.iter()) {
        assert!(seen.insert(command.name), "{} twice", command.name);
        assert!(!command.summary.is_empty(), "{}", command.name);
        for subcommand in command.subcommands {
            assert!(!subcommand.summary.is_empty(), "{} {}", command.name, subcommand.name);
        }
    }
}
