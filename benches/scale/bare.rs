//! What answering costs before anything is a server: the kernel's part, and what cannot be left out.
//!
//! ```text
//! cargo bench --bench bare -- --port N
//! ```
//!
//! Answers what `valkey-benchmark` asks in GET, SET, INCR, LPUSH, RPUSH, SADD and, of keys that are not
//! there, LPOP, RPOP, SPOP and ZPOPMIN. It reads what has come, finds the arguments, hashes the key, fetches ahead
//! what the keys of the batch lead to, looks them up in one table, and writes the replies at once. That is
//! all: no types, no locks, no expiry, no use stamps, no limits, no statistics, no slow log, no clock, no
//! regard for input that is not well-formed. Its CPU time per operation, divided by another server's,
//! is what the best of servers can reach beside that one on the same machine.
//!
//! ```text
//! REDPOLL="$(ls -t target/release/deps/bare-* | grep -v '\.d$' | head -1)" compare --servers valkey,redis,redpoll ...
//! ```
//!
//! It needs Linux, listens on loopback only, and runs until it is ended. Without `--port` it does nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use redpoll::base::prefetch::prefetch;

const PLACE_COUNT: usize = 1 << 21;
const BATCH_COMMANDS: usize = 64;
const READ_BYTES: usize = 64 * 1024;
const LISTENER: Token = Token(usize::MAX);

/// A key and what belongs to it, in one piece: the key's length, the key, the value.
type Entry = Box<[u8]>;
const HEAD_BYTES: usize = 4;

/// A table of entries with linear probing, which never grows.
struct Table(Vec<Option<Entry>>);

impl Table {
    fn new() -> Self {
        Self(vec![None; PLACE_COUNT])
    }

    fn place(hash: u64) -> usize {
        usize::try_from(hash).unwrap_or(0) & (PLACE_COUNT - 1)
    }

    /// Returns where a key is, or would be.
    fn find(&self, hash: u64, key: &[u8]) -> usize {
        let mut at = Self::place(hash);
        while let Some(entry) = &self.0[at]
            && key_of(entry) != key
        {
            at = (at + 1) & (PLACE_COUNT - 1);
        }
        at
    }

    fn put(&mut self, at: usize, key: &[u8], value: &[u8]) {
        match &mut self.0[at] {
            Some(entry) if entry.len() == HEAD_BYTES + key.len() + value.len() => {
                entry[HEAD_BYTES + key.len()..].copy_from_slice(value);
            }
            place => {
                let length = u32::try_from(key.len()).unwrap_or(0).to_le_bytes();
                *place = Some([&length[..], key, value].concat().into());
            }
        }
    }
}

fn key_of(entry: &Entry) -> &[u8] {
    let length = entry.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
    &entry[HEAD_BYTES..HEAD_BYTES + length as usize]
}

fn value_of(entry: &Entry) -> &[u8] {
    &entry[HEAD_BYTES + key_of(entry).len()..]
}

/// Folded multiplication of the first and the last eight bytes.
fn hash(key: &[u8]) -> u64 {
    let end = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let (first, last) = match key.len() {
        8.. => (end(key.first_chunk()), end(key.last_chunk())),
        _ => (key.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 0),
    };
    let (first, last) = (first ^ 0x9e37_79b9_7f4a_7c15, last ^ 0xd6e8_feb8_6659_fd93);
    let product = u128::from(first) * u128::from(last);
    let half = |shift: u32| u64::try_from(product >> shift & u128::from(u64::MAX)).unwrap_or(0);
    half(0) ^ half(64)
}

/// What a command wants, by its name.
#[derive(Clone, Copy)]
enum Wish {
    Get,
    Set,
    Add,
    Push,
    Member,
    Nothing(&'static [u8]),
}

#[derive(Clone, Copy)]
struct Request<'b> {
    wish: Wish,
    key: &'b [u8],
    value: &'b [u8],
    hash: u64,
}

/// Reads the number of a line that begins at `at`, and returns it and the position behind the line.
fn number(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.get(at + 1..)?.iter().enumerate() {
        match byte {
            b'\r' => return Some((value, at + index + 3)),
            _ => value = value * 10 + usize::from(byte.wrapping_sub(b'0')),
        }
    }
    None
}

/// Reads a command, and returns it and the position behind it, if it has come whole.
fn request(bytes: &[u8], at: usize) -> Option<(Request<'_>, usize)> {
    let (count, mut at) = number(bytes, at)?;
    let mut args = [&[][..]; 3];
    for index in 0..count {
        let (length, begin) = number(bytes, at)?;
        at = begin + length + 2;
        let argument = bytes.get(begin..at)?;
        if let Some(place) = args.get_mut(index) {
            *place = &argument[..length];
        }
    }
    let [name, key, value] = args;
    let wish = match name {
        b"GET" => Wish::Get,
        b"SET" => Wish::Set,
        b"INCR" => Wish::Add,
        b"LPUSH" | b"RPUSH" => Wish::Push,
        b"SADD" => Wish::Member,
        b"LPOP" | b"RPOP" | b"SPOP" => Wish::Nothing(b"$-1\r\n"),
        b"ZPOPMIN" | b"CONFIG" => Wish::Nothing(b"*0\r\n"),
        _ => Wish::Nothing(b"+PONG\r\n"),
    };
    let hash = match wish {
        Wish::Member => hash(value) ^ hash(key),
        _ => hash(key),
    };
    Some((Request { wish, key, value, hash }, at))
}

/// What is stored.
struct Store {
    table: Table,
    lists: Vec<(u64, Vec<u8>)>,
}

impl Store {
    fn fetch(&self, batch: &[Request<'_>]) {
        for request in batch {
            prefetch(&raw const self.table.0[Table::place(request.hash)]);
        }
        for request in batch {
            if let Some(entry) = &self.table.0[Table::place(request.hash)] {
                prefetch(entry.as_ptr());
                prefetch(entry.as_ptr().wrapping_add(64));
            }
        }
    }

    fn answer(&mut self, request: Request<'_>, out: &mut Vec<u8>) {
        let Request { wish, key, value, hash } = request;
        match wish {
            Wish::Get => match &self.table.0[self.table.find(hash, key)] {
                Some(entry) => {
                    line(b'$', value_of(entry).len() as u64, out);
                    out.extend_from_slice(value_of(entry));
                    out.extend_from_slice(b"\r\n");
                }
                None => out.extend_from_slice(b"$-1\r\n"),
            },
            Wish::Set => {
                let at = self.table.find(hash, key);
                self.table.put(at, key, value);
                out.extend_from_slice(b"+OK\r\n");
            }
            Wish::Add => {
                let at = self.table.find(hash, key);
                let old = self.table.0[at].as_ref().and_then(|entry| value_of(entry).first_chunk());
                let sum = old.map_or(0, |bytes| u64::from_le_bytes(*bytes)) + 1;
                self.table.put(at, key, &sum.to_le_bytes());
                line(b':', sum, out);
            }
            Wish::Push => {
                let (count, list) = &mut self.lists[Table::place(hash) % 64];
                list.extend_from_slice(value);
                *count += 1;
                line(b':', *count, out);
            }
            Wish::Member => {
                let at = self.table.find(hash, value);
                line(b':', u64::from(self.table.0[at].is_none()), out);
                self.table.put(at, value, b"");
            }
            Wish::Nothing(reply) => {
                self.table.find(hash, key);
                out.extend_from_slice(reply);
            }
        }
    }
}

fn line(kind: u8, number: u64, out: &mut Vec<u8>) {
    let (mut digits, mut at, mut rest) = ([0; 20], 20, number);
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.push(kind);
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

/// A client, and the bytes of it that are no whole command yet.
struct Client {
    stream: TcpStream,
    rest: Vec<u8>,
}

/// Where all clients' bytes are read to, and their replies written.
struct Room {
    input: Vec<u8>,
    out: Vec<u8>,
}

/// Reads all there is, answers what has come whole, and says whether the client is still there.
fn serve(client: &mut Client, store: &mut Store, room: &mut Room) -> bool {
    let Room { input, out } = room;
    loop {
        let known = client.rest.len();
        if input.len() < known + READ_BYTES {
            input.resize(known + READ_BYTES, 0);
        }
        input[..known].copy_from_slice(&client.rest);
        let count = match client.stream.read(&mut input[known..known + READ_BYTES]) {
            Ok(0) => return false,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(_) => return false,
        };
        let behind = answer_all(&input[..known + count], store, out);
        client.rest.clear();
        client.rest.extend_from_slice(&input[behind..known + count]);
        let is_sent = out.is_empty() || client.stream.write_all(out).is_ok();
        out.clear();
        // Less than there was room for: nothing is left, and an event tells of more.
        if count < READ_BYTES || !is_sent {
            return is_sent;
        }
    }
}

/// Answers the commands that are whole, and returns the position behind them.
fn answer_all(input: &[u8], store: &mut Store, out: &mut Vec<u8>) -> usize {
    const NOTHING: Request<'_> =
        Request { wish: Wish::Nothing(b""), key: b"", value: b"", hash: 0 };
    let mut at = 0;
    loop {
        let (mut batch, mut count) = ([NOTHING; BATCH_COMMANDS], 0);
        while count < BATCH_COMMANDS
            && let Some((request, behind)) = request(input, at)
        {
            batch[count] = request;
            count += 1;
            at = behind;
        }
        store.fetch(&batch[..count]);
        batch[..count].iter().for_each(|request| store.answer(*request, out));
        if count < BATCH_COMMANDS {
            return at;
        }
    }
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--port").skip(1);
    let Some(port) = arguments.next().and_then(|port| port.parse().ok()) else { return Ok(()) };
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut store = Store { table: Table::new(), lists: vec![(0, Vec::new()); 64] };
    let mut clients: Vec<Option<Client>> = Vec::new();
    let mut events = Events::with_capacity(1024);
    let mut room = Room { input: Vec::new(), out: Vec::new() };
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    let token = Token(clients.len());
                    poll.registry().register(&mut stream, token, Interest::READABLE)?;
                    clients.push(Some(Client { stream, rest: Vec::new() }));
                }
            } else if let Some(place) = clients.get_mut(event.token().0)
                && let Some(client) = place
                && !serve(client, &mut store, &mut room)
            {
                *place = None;
            }
        }
    }
}
