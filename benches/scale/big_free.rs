//! What other clients feel while a server frees a big value, or sends one.
//!
//! ```text
//! cargo bench --bench big_free -- [options] -- SERVER ARGUMENTS...
//!
//! --port N        the port that the server listens on (7781)
//! --cases A,B,..  which of the cases below (all)
//! --fields N      fields of the hash, members of the sets, elements of the list (5000000)
//! --rounds N      how often each case is run; its pings are taken together (3)
//! --clients N     connections that ask PING by turns (2)
//! --interval N    microseconds from one PING to the next (0: back to back)
//! --worst N       the longest pings of each case to account for (3)
//! ```
//!
//! A big value is loaded; one connection has it freed or sent while others ask PING and note how long
//! each answer takes. The same is measured for equally long without anything else (`quiet`), beside a
//! loop in another process at two priorities (`busy`, `busy-nice`), and while another server of the same
//! kind frees its big value (`neighbour`): what is slow there too is the machine, not the server.
//!
//! For the longest pings it tells what the threads did meanwhile, from the scheduler's own counters: how
//! long each ran, and how long it waited for a CPU. Pings above 1 ms are counted apart when those that
//! ask and answer waited while the server worked in the background (`behind`), and when they did neither:
//! then a hypervisor had the CPU (`stopped`). Nothing here but the loops runs beside the pings, and
//! nothing allocates between them, so that the program measures the server and not itself.
//!
//! It needs Linux's /proc, and for `nice` in front of it, which keeps other programs away, some rights.

#![expect(clippy::print_stdout, reason = "a report is what this program is for")]

use std::cmp::Reverse;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a client sends to have something freed or sent: name, what to load first, the commands.
const CASES: [(&str, Load, &[&str]); 16] = [
    ("quiet", Load::Nothing, &[]),
    ("busy-nice", Load::Nothing, &[]),
    ("busy", Load::Nothing, &[]),
    ("neighbour", Load::Hash, &["UNLINK big"]),
    ("del", Load::Hash, &["DEL big"]),
    ("unlink", Load::Hash, &["UNLINK big"]),
    ("expire", Load::Hash, &["PEXPIRE big 1"]),
    ("flush", Load::Hash, &["FLUSHALL ASYNC"]),
    ("set", Load::Hash, &["SET big small"]),
    ("rename", Load::Hash, &["SET small v", "RENAME small big"]),
    ("unlink-set", Load::Sets, &["UNLINK big other"]),
    ("unlink-list", Load::List, &["UNLINK big"]),
    ("hgetall", Load::Hash, &["HGETALL big"]),
    ("smembers", Load::Sets, &["SMEMBERS big"]),
    ("sunion", Load::Sets, &["SUNION big other"]),
    ("lrange", Load::List, &["LRANGE big 0 -1"]),
];
/// How long the controls take.
const SPAN: Duration = Duration::from_millis(500);
/// How often the server is asked whether it has freed everything.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
const ELEMENTS_PER_COMMAND: usize = 100;
const COMMANDS_PER_WRITE: usize = 20;
const READ_BYTES: usize = 1 << 20;
/// The control's niceness where it stands back.
const NICENESS: &str = "10";
/// A ping that took longer is too slow.
const SLOW_NS: u64 = 1_000_000;
/// Pings shorter than this are not accounted for.
const SHORT_NS: u64 = 200_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Load {
    Nothing,
    Hash,
    Sets,
    List,
}

#[derive(Clone, Debug)]
struct Options {
    port: u16,
    cases: Vec<String>,
    fields: u32,
    rounds: usize,
    clients: usize,
    interval: Duration,
    worst: usize,
    server: Vec<String>,
}

impl Options {
    fn read() -> io::Result<Self> {
        let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
        let mut options = Self {
            port: 7781,
            cases: CASES.iter().map(|case| case.0.into()).collect(),
            fields: 5_000_000,
            rounds: 3,
            clients: 2,
            interval: Duration::ZERO,
            worst: 3,
            server: Vec::new(),
        };
        while let Some(name) = arguments.next() {
            if name == "--" {
                options.server = arguments.collect();
                break;
            }
            let value = arguments.next().ok_or_else(|| invalid(&name))?;
            let number = value.parse::<u32>().map_err(|_| invalid(&name));
            match &*name {
                "--port" => options.port = value.parse().map_err(|_| invalid(&name))?,
                "--cases" => options.cases = value.split(',').map(String::from).collect(),
                "--fields" => options.fields = number?,
                "--rounds" => options.rounds = number? as usize,
                "--clients" => options.clients = number?.max(1) as usize,
                "--interval" => options.interval = Duration::from_micros(number?.into()),
                "--worst" => options.worst = number? as usize,
                _ => return Err(invalid(&name)),
            }
        }
        Ok(options)
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("not understood: {what}"))
}

fn main() -> io::Result<()> {
    if std::env::args().any(|argument| argument == "--spin") {
        spin();
    }
    let options = Options::read()?;
    let Some(program) = options.server.first() else {
        println!("big_free: no server is named, so nothing is measured");
        return Ok(());
    };
    println!("{} fields, {} rounds of `{program}`", options.fields, options.rounds);
    println!(
        "case        |  span ms |   pings | p50 us |  p99 | p99.9 | p99.99 |    max | above 1 ms | behind | stopped"
    );
    let chosen = |name: &str| options.cases.iter().any(|case| case == name);
    let mut samples: Vec<Sample> = CASES.iter().map(|_| Sample::default()).collect();
    // By turns, so that no case has the machine's better minutes for itself.
    for _ in 0..options.rounds {
        for ((name, load, commands), sample) in CASES.iter().zip(&mut samples) {
            if chosen(name) {
                run(&options, name, *load, commands, sample)?;
            }
        }
    }
    for ((name, ..), sample) in CASES.iter().zip(&mut samples) {
        if chosen(name) {
            sample.report(name, options.worst);
        }
    }
    Ok(())
}

/// Keeps one CPU busy until the process is ended.
fn spin() -> ! {
    let mut number = 1_u64;
    loop {
        number = std::hint::black_box(number.wrapping_mul(5).wrapping_add(3));
    }
}

/// Runs one case once.
fn run(
    options: &Options,
    name: &str,
    load: Load,
    commands: &[&str],
    sample: &mut Sample,
) -> io::Result<()> {
    let server = Server::start(options, 0)?;
    let mut pinger = Pinger::new(options, &server)?;
    let neighbour = if name == "neighbour" { Some(Server::start(options, 1)?) } else { None };
    let mut client = Client::open(neighbour.as_ref().map_or(server.port, |other| other.port))?;
    load_all(&mut client, load, options.fields)?;
    // What loading has left to do settles first.
    thread::sleep(Duration::from_millis(300));
    pinger.ping_for(SPAN / 2, &mut Sample::default())?;
    match name {
        "quiet" => pinger.ping_for(SPAN, sample),
        "busy" | "busy-nice" => {
            let _loop = Spinning::start(name == "busy-nice")?;
            pinger.ping_for(SPAN, sample)
        }
        "hgetall" | "smembers" | "sunion" | "lrange" => {
            let reader = client.send_and_drain(commands)?;
            pinger.ping_until(sample, |began| {
                Ok(began.elapsed() > Duration::from_millis(20) && reader.is_finished())
            })
        }
        _ => {
            client.send(commands)?;
            pinger.ping_until(sample, |_| Ok(!client.has_pending()?))
        }
    }
}

/// A process that is ended with its handle.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A loop in another process.
struct Spinning {
    _process: Process,
}

impl Spinning {
    fn start(stands_back: bool) -> io::Result<Self> {
        let own = std::env::current_exe()?;
        let niceness = if stands_back { NICENESS } else { "0" };
        let child = Command::new("nice").args(["-n", niceness]).arg(own).arg("--spin").spawn()?;
        Ok(Self { _process: Process(child) })
    }
}

struct Server {
    port: u16,
    process: Process,
}

impl Server {
    /// Starts a server `offset` ports above the first and waits until it answers.
    fn start(options: &Options, offset: u16) -> io::Result<Self> {
        let port = options.port + offset;
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Err(io::Error::other(format!("something listens on port {port} already")));
        }
        let (program, arguments) = options.server.split_first().ok_or_else(|| invalid("server"))?;
        let child = Command::new(program)
            .args(arguments)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self { port, process: Process(child) };
        for _ in 0..200 {
            thread::sleep(Duration::from_millis(50));
            if Client::open(port).and_then(|mut client| client.call("PING")).is_ok() {
                return Ok(server);
            }
        }
        Err(io::Error::other("the server does not answer"))
    }
}

/// A connection, blocking.
struct Client {
    stream: TcpStream,
    replies: BufReader<TcpStream>,
    /// Replies that nobody has read.
    open_count: usize,
}

impl Client {
    fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let replies = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, replies, open_count: 0 })
    }

    /// Sends commands without waiting for what they answer.
    fn send(&mut self, commands: &[&str]) -> io::Result<()> {
        self.open_count += commands.len();
        let lines: String = commands.iter().map(|command| format!("{command}\r\n")).collect();
        self.stream.write_all(lines.as_bytes())
    }

    /// Sends commands, and has another thread read replies of any length until the last is whole.
    fn send_and_drain(&mut self, commands: &[&str]) -> io::Result<thread::JoinHandle<()>> {
        const LAST: &[u8] = b"+last\r\n";
        self.send(commands)?;
        self.stream.write_all(b"PING last\r\n")?;
        let mut stream = self.stream.try_clone()?;
        Ok(thread::spawn(move || {
            let (mut buffer, mut tail) = (vec![0; READ_BYTES], Vec::new());
            // A bulk string is what PING answers with an argument; a simple one ends alike.
            while !tail.ends_with(&LAST[1..]) {
                match stream.read(&mut buffer) {
                    Ok(count) if count > 0 => {
                        tail.extend_from_slice(&buffer[count.saturating_sub(LAST.len())..count]);
                        tail.drain(..tail.len().saturating_sub(LAST.len()));
                    }
                    _ => break,
                }
            }
        }))
    }

    fn call(&mut self, command: &str) -> io::Result<String> {
        self.send(&[command])?;
        let mut reply = String::new();
        while self.open_count > 0 {
            reply = self.read_reply()?;
        }
        Ok(reply)
    }

    /// Reads a reply of one line or one bulk string.
    fn read_reply(&mut self) -> io::Result<String> {
        self.open_count -= 1;
        let mut line = String::new();
        self.replies.read_line(&mut line)?;
        if line.starts_with('-') || line.is_empty() {
            return Err(io::Error::other(format!("the server answers {line:?}")));
        }
        let Some(length) = line.strip_prefix('$') else { return Ok(line) };
        let length: usize = length.trim_end().parse().map_err(|_| invalid("a length"))?;
        let mut bytes = vec![0; length + 2];
        self.replies.read_exact(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Says whether the server has something left to free.
    fn has_pending(&mut self) -> io::Result<bool> {
        let memory = self.call("INFO memory")?;
        let pending =
            memory.lines().find_map(|line| line.strip_prefix("lazyfree_pending_objects:"));
        // A key past its deadline may still be there.
        Ok(pending.is_some_and(|count| count != "0") || self.call("TYPE big")?.starts_with("+hash"))
    }
}

/// Loads what a case needs.
fn load_all(client: &mut Client, load: Load, count: u32) -> io::Result<()> {
    let half = count / 2;
    match load {
        Load::Nothing => Ok(()),
        Load::Hash => load_one(client, 0..count, "HSET big", |lines, n| {
            write!(lines, " field:{n:010} value:{n:010}")
        }),
        Load::List => {
            load_one(client, 0..count, "RPUSH big", |lines, n| write!(lines, " element:{n:010}"))
        }
        Load::Sets => {
            load_one(client, 0..half, "SADD big", |lines, n| write!(lines, " member:{n:010}"))?;
            let other = half / 2..half / 2 + half;
            load_one(client, other, "SADD other", |lines, n| write!(lines, " member:{n:010}"))
        }
    }
}

/// Loads elements made of these numbers.
fn load_one(
    client: &mut Client,
    mut numbers: Range<u32>,
    command: &str,
    write_element: impl Fn(&mut Vec<u8>, u32) -> io::Result<()>,
) -> io::Result<()> {
    let mut lines = Vec::new();
    while !numbers.is_empty() {
        lines.clear();
        while client.open_count < COMMANDS_PER_WRITE && !numbers.is_empty() {
            lines.extend_from_slice(command.as_bytes());
            for n in numbers.by_ref().take(ELEMENTS_PER_COMMAND) {
                // No order, as of elements that come and go: an odd factor makes other numbers of all.
                write_element(&mut lines, n.wrapping_mul(2_654_435_761))?;
            }
            lines.extend_from_slice(b"\r\n");
            client.open_count += 1;
        }
        client.stream.write_all(&lines)?;
        while client.open_count > 0 {
            client.read_reply()?;
        }
    }
    Ok(())
}

/// What the scheduler has counted for one thread.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    ran_ns: u64,
    /// Ready to run, but without a CPU.
    waited_ns: u64,
    /// How often it got a CPU.
    turns: u64,
}

impl Times {
    fn since(self, before: Self) -> Self {
        Self {
            ran_ns: self.ran_ns.saturating_sub(before.ran_ns),
            waited_ns: self.waited_ns.saturating_sub(before.waited_ns),
            turns: self.turns.saturating_sub(before.turns),
        }
    }

    fn sum_ns(self) -> u64 {
        self.ran_ns + self.waited_ns
    }
}

/// A thread whose times can be asked for.
struct Thread {
    name: String,
    /// Whether it asks or answers, rather than works in the background.
    answers: bool,
    counters: File,
}

impl Thread {
    fn open(task: &str) -> io::Result<Self> {
        let name = fs::read_to_string(format!("{task}/comm"))?.trim_end().to_owned();
        let answers = name.starts_with("worker") || name.ends_with("-server");
        Ok(Self { name, answers, counters: File::open(format!("{task}/schedstat"))? })
    }

    /// Returns its times; zeros once it has ended.
    fn times(&self) -> Times {
        let mut text = [0; 64];
        let length = self.counters.read_at(&mut text, 0).unwrap_or(0);
        let mut numbers = text[..length].trim_ascii_end().split(|&byte| byte == b' ').map(|word| {
            word.iter().fold(0, |number, &digit| number * 10 + u64::from(digit.wrapping_sub(b'0')))
        });
        let mut next = || numbers.next().unwrap_or(0);
        Times { ran_ns: next(), waited_ns: next(), turns: next() }
    }
}

/// Asks PING on its connections by turns.
struct Pinger {
    streams: Vec<TcpStream>,
    interval: Duration,
    threads: Vec<Thread>,
    before: Vec<Times>,
}

impl Pinger {
    fn new(options: &Options, server: &Server) -> io::Result<Self> {
        // The server's lazily started threads are there once something has been freed.
        let mut client = Client::open(server.port)?;
        load_all(&mut client, Load::Hash, 20_000)?;
        client.call("UNLINK big")?;
        thread::sleep(Duration::from_millis(100));
        let mut threads = vec![Thread::open("/proc/thread-self")?];
        threads[0].name = "pinger".into();
        threads[0].answers = true;
        let id = server.process.0.id();
        for task in fs::read_dir(format!("/proc/{id}/task"))? {
            threads.push(Thread::open(&task?.path().to_string_lossy())?);
        }
        let streams = (0..options.clients).map(|_| TcpStream::connect(("127.0.0.1", server.port)));
        let streams: Vec<TcpStream> = streams.collect::<io::Result<_>>()?;
        streams.iter().try_for_each(|stream| stream.set_nodelay(true))?;
        let before = vec![Times::default(); threads.len()];
        Ok(Self { streams, interval: options.interval, threads, before })
    }

    fn ping_for(&mut self, span: Duration, sample: &mut Sample) -> io::Result<()> {
        self.ping_until(sample, |began| Ok(began.elapsed() > span))
    }

    /// Pings until `is_over`, which is asked now and then, between two pings.
    fn ping_until(
        &mut self,
        sample: &mut Sample,
        mut is_over: impl FnMut(Instant) -> io::Result<bool>,
    ) -> io::Result<()> {
        let began = Instant::now();
        let (mut checked, mut turn) = (began, 0);
        sample.latencies_ns.reserve(1 << 20);
        loop {
            self.ping(turn, began, sample)?;
            turn += 1;
            thread::sleep(self.interval);
            if checked.elapsed() > CHECK_INTERVAL {
                if is_over(began)? {
                    break;
                }
                checked = Instant::now();
            }
        }
        sample.span += began.elapsed();
        Ok(())
    }

    fn ping(&mut self, turn: usize, start: Instant, sample: &mut Sample) -> io::Result<()> {
        let at = turn % self.streams.len();
        for (thread, before) in self.threads.iter().zip(&mut self.before) {
            *before = thread.times();
        }
        let mut answer = [0; 7];
        let stream = &mut self.streams[at];
        let began = Instant::now();
        stream.write_all(b"PING\r\n")?;
        stream.read_exact(&mut answer)?;
        let took = began.elapsed();
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        sample.latencies_ns.push(took_ns);
        if took_ns > SHORT_NS {
            let when = began.duration_since(start);
            let times = self.times_since();
            let account = format!("at {} ms{}", when.as_millis(), self.account(&times));
            let cause = self.cause(&times, took_ns);
            sample.long.push(Long { took_ns, cause, account });
        }
        Ok(())
    }

    /// Returns what the threads have done since the ping began.
    fn times_since(&self) -> Vec<Times> {
        let pairs = self.threads.iter().zip(&self.before);
        pairs.map(|(thread, before)| thread.times().since(*before)).collect()
    }

    /// Tells why a ping took so long, during which the threads did this.
    fn cause(&self, times: &[Times], took_ns: u64) -> Cause {
        let (mut ran_ns, mut waited_ns, mut turns_max, mut behind_ns) = (0, 0, 0, 0);
        for (thread, times) in self.threads.iter().zip(times) {
            if thread.answers {
                ran_ns += times.ran_ns;
                waited_ns += times.waited_ns;
                turns_max = turns_max.max(times.turns);
            } else {
                behind_ns += times.ran_ns;
            }
        }
        if waited_ns > took_ns / 2 && behind_ns > took_ns / 2 {
            Cause::Behind
        } else if ran_ns + waited_ns < took_ns / 2 && turns_max <= 1 {
            Cause::Stopped
        } else {
            Cause::Other
        }
    }

    /// Tells what the threads have done.
    fn account(&self, times: &[Times]) -> String {
        let mut text = String::new();
        for (thread, times) in self.threads.iter().zip(times) {
            if times.sum_ns() > 20_000 {
                let (ran_us, waited_us) = (times.ran_ns / 1000, times.waited_ns / 1000);
                let Times { turns, .. } = times;
                text +=
                    &format!("; {} ran {ran_us}, waited {waited_us}, {turns} turns", thread.name);
            }
        }
        text
    }
}

/// Why a ping took long, as far as can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Those that ask and answer waited for a CPU that the server's threads in the background had.
    Behind,
    /// They neither ran nor waited for a CPU nor, more than once, for each other.
    Stopped,
    Other,
}

/// A ping that took long.
#[derive(Debug)]
struct Long {
    took_ns: u64,
    cause: Cause,
    account: String,
}

/// The pings of one case.
#[derive(Debug, Default)]
struct Sample {
    latencies_ns: Vec<u64>,
    span: Duration,
    long: Vec<Long>,
}

impl Sample {
    fn report(&mut self, name: &str, worst: usize) {
        self.latencies_ns.sort_unstable();
        let count = self.latencies_ns.len();
        let at = |per_ten_thousand: usize| {
            let place = (count * per_ten_thousand / 10_000).min(count.saturating_sub(1));
            self.latencies_ns.get(place).copied().unwrap_or(0) / 1000
        };
        let [p50, p99, p999, p9999, max] = [5_000, 9_900, 9_990, 9_999, 10_000].map(at);
        self.long.sort_unstable_by_key(|long| Reverse(long.took_ns));
        let slow: Vec<&Long> = self.long.iter().take_while(|long| long.took_ns > SLOW_NS).collect();
        let count_of = |cause| slow.iter().filter(|long| long.cause == cause).count();
        let span_ms = self.span.as_millis();
        println!(
            "{name:11} | {span_ms:8} | {count:7} | {p50:6} | {p99:4} | {p999:5} | {p9999:6} | \
             {max:6} | {:10} | {:6} | {}",
            slow.len(),
            count_of(Cause::Behind),
            count_of(Cause::Stopped),
        );
        let told = slow.iter().filter(|long| long.cause != Cause::Stopped);
        for long in told.take(worst) {
            println!("    {} us {}", long.took_ns / 1000, long.account);
        }
    }
}
