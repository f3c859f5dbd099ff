//! A server with a few commands of its own, and a client that says what it expects.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::config::{BindAddress, Caller, Config};
use crate::engine::{
    ClientCell, Command, CommandError, CommandTable, Context, Engine, Flags, Gauges, Identity,
};
use crate::net::{DataPlane, NetOptions};
use crate::stats::Counter;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

const COMMANDS: &[Command] = &[
    Command { name: "echo", arity: 2, run: echo, ..Command::DEFAULT },
    Command { name: "big", arity: 2, run: big, ..Command::DEFAULT },
    Command { name: "worker", arity: 1, run: worker, ..Command::DEFAULT },
    Command { name: "bye", arity: 1, run: bye, ..Command::DEFAULT },
    Command { name: "enter", arity: 1, flags: Flags::NO_AUTH, run: enter, ..Command::DEFAULT },
];

fn echo(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.bulk(context.args.at(1));
    Ok(())
}

/// Replies with as many bytes as the argument says, without copying them.
fn big(context: &mut Context<'_>) -> Result<(), CommandError> {
    let bytes = usize::try_from(context.integer(1)?).map_err(|_| CommandError::OutOfRange)?;
    context.reply.bulk_shared(Bytes::from(vec![b'b'; bytes]));
    Ok(())
}

fn worker(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.integer(context.worker() as i64);
    Ok(())
}

fn bye(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.ok();
    context.session.closes = true;
    Ok(())
}

fn enter(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.session.is_authenticated = true;
    context.reply.ok();
    Ok(())
}

/// A running data plane; stops when dropped.
pub(super) struct Server {
    pub(super) engine: Arc<Engine>,
    pub(super) plane: Option<DataPlane>,
}

impl Server {
    /// Starts on a free port of this machine, with settings that differ from the defaults.
    pub(super) fn start(worker_count: usize, settings: &[(&str, &str)]) -> Self {
        Self::start_at(worker_count, settings, &any_port(&["127.0.0.1"]))
    }

    /// Starts where the options say.
    pub(super) fn start_at(
        worker_count: usize,
        settings: &[(&str, &str)],
        options: &NetOptions,
    ) -> Self {
        let config = Config::default();
        let pairs: Vec<(&[u8], &[u8])> =
            settings.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        config.set(&pairs, Caller::default(), &mut |_, _| Ok(())).unwrap();
        let table = CommandTable::new(&[COMMANDS]);
        let identity = Identity {
            run_id: String::new(),
            process_id: 0,
            executable: String::new(),
            started_ms: 0,
            started_monotonic_us: 0,
        };
        let engine = Engine::new(Arc::new(config), table, worker_count, 1, identity).unwrap();
        let engine = Arc::new(engine);
        let plane = DataPlane::start(Arc::clone(&engine), options).unwrap();
        Self { engine, plane: Some(plane) }
    }

    pub(super) fn plane(&self) -> &DataPlane {
        self.plane.as_ref().unwrap()
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.plane().addresses()[0]
    }

    pub(super) fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    pub(super) fn count(&self, counter: Counter) -> u64 {
        self.engine.total(counter)
    }

    /// Returns the only client.
    pub(super) fn client(&self) -> Arc<ClientCell> {
        eventually("the client is known", || self.engine.clients.count() > 0);
        let clients = self.engine.clients.all();
        assert_eq!(clients.len(), 1);
        Arc::clone(&clients[0])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(plane) = self.plane.take() {
            plane.stop();
        }
    }
}

/// Returns options that listen on these addresses, on a port the system picks.
pub(super) fn any_port(hosts: &[&str]) -> NetOptions {
    let address = |host: &&str| BindAddress {
        host: host.trim_start_matches('-').to_owned(),
        is_optional: host.starts_with('-'),
    };
    NetOptions {
        bind: hosts.iter().map(address).collect(),
        port: Some(0),
        backlog: 511,
        ..NetOptions::default()
    }
}

/// Returns once a condition holds.
pub(super) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::yield_now();
    }
}

/// Returns a request in its usual form.
pub(super) fn request(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(&bulk(word));
    }
    bytes
}

/// Returns a string as it is sent in both directions.
pub(super) fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// The client's end of a connection.
pub(super) struct Client {
    pub(super) stream: TcpStream,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Says that nothing more will be sent.
    pub(super) fn end(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Reads exactly what is expected.
    pub(super) fn expect(&mut self, expected: &[u8]) {
        let mut bytes = vec![0; expected.len()];
        self.stream.read_exact(&mut bytes).unwrap();
        if bytes != expected {
            let shown =
                |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
            panic!("expected {:?}, read {:?}", shown(expected), shown(&bytes));
        }
    }

    /// Reads to the end of the stream; a reset is an end, too.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("{error}"),
            _ => bytes,
        }
    }

    /// Reads the number that WORKER answers.
    pub(super) fn worker(&mut self) -> usize {
        self.send(b"WORKER\r\n");
        let mut line = [0; 4];
        self.stream.read_exact(&mut line).unwrap();
        usize::from(line[1] - b'0')
    }

    /// Says whether the connection works.
    pub(super) fn ping(&mut self) {
        self.send(b"ECHO ping\r\n");
        self.expect(b"$4\r\nping\r\n");
    }
}

/// Returns a gauge of a client.
pub(super) fn gauge(cell: &ClientCell, pick: fn(&Gauges) -> &std::sync::atomic::AtomicU64) -> u64 {
    Gauges::value(pick(&cell.gauges))
}
