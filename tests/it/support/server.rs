//! A server process of a test's own, on a port of its own, in a folder of its own.
//!
//! `REDPOLL_TEST_SERVER` names another program to run the tests against (a released server that takes
//! the same options): this is how expectations are checked before ours is held to them.
//!
//! Ports cannot collide: a socket that is bound but never listens holds the port for as long as the
//! server may want it, and the server's own listener may share it (SO_REUSEADDR). Stopping uses
//! `kill(2)`, the one unsafe call here.

use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use super::client::Client;
use super::{PATIENCE, Value};

/// Names the program that stands in for ours.
const REFERENCE_VARIABLE: &str = "REDPOLL_TEST_SERVER";

/// A running server; stopped, and its log looked through for panics, when dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
    password: Option<String>,
    _ports: Vec<Socket>,
}

impl Server {
    /// Starts a server with these settings (`name`, `value`) and waits until it answers.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let port = reserve_port();
        Self::launch(None, settings, vec![port])
    }

    /// Starts a server that reads this text as its configuration file.
    pub(crate) fn start_from_file(text: &str) -> Self {
        let port = reserve_port();
        Self::launch(Some(text), &[], vec![port])
    }

    /// Starts a server with its metrics on; returns also where they are.
    pub(crate) fn start_with_metrics(settings: &[(&str, &str)]) -> (Self, SocketAddr) {
        let (port, metrics) = (reserve_port(), reserve_port());
        let address = address_of(&metrics);
        let number = address.port().to_string();
        let mut settings = settings.to_vec();
        settings.push(("metrics-port", &number));
        (Self::launch(None, &settings, vec![port, metrics]), address)
    }

    fn launch(file: Option<&str>, settings: &[(&str, &str)], ports: Vec<Socket>) -> Self {
        let address = address_of(&ports[0]);
        let folder = tempfile::tempdir().expect("a folder for the server");
        let child = spawn(address.port(), folder.path(), file, settings);
        let password = settings.iter().find(|(name, _)| *name == "requirepass");
        let password = password.map(|(_, value)| (*value).to_owned());
        let mut server = Self { child, address, folder, password, _ports: ports };
        server.wait_until_ready();
        server
    }

    /// Starts a program that is expected to refuse these settings; returns its status and its log.
    pub(crate) fn start_in_vain(settings: &[(&str, &str)]) -> (ExitStatus, String) {
        let port = reserve_port();
        let folder = tempfile::tempdir().expect("a folder for the server");
        let mut child = spawn(address_of(&port).port(), folder.path(), None, settings);
        let status = wait_for_exit(&mut child, PATIENCE);
        if status.is_none() {
            let _ = child.kill();
        }
        let status = status.expect("the server gives up");
        (status, read_log(folder.path()))
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the folder it runs in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns its process's number.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Returns what it has written so far.
    pub(crate) fn log(&self) -> String {
        read_log(self.folder.path())
    }

    /// Connects a client, signed in where a password is set.
    pub(crate) fn client(&self) -> Client {
        let mut client = Client::connect(self.address);
        if let Some(password) = &self.password {
            assert_eq!(client.call(&["AUTH", password]), Value::Simple("OK".to_owned()));
        }
        client
    }

    /// Connects a client that speaks RESP3.
    pub(crate) fn client_resp3(&self) -> Client {
        let mut client = self.client();
        assert!(!client.call(&["HELLO", "3"]).is_error(), "RESP3 is refused");
        client
    }

    /// Sends a signal and returns the exit status once the process has ended by itself.
    pub(crate) fn end_by(&mut self, signal: libc::c_int) -> ExitStatus {
        self.signal(signal);
        self.wait_for_end()
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        let status = wait_for_exit(&mut self.child, PATIENCE);
        status.unwrap_or_else(|| panic!("the server does not stop:\n{}", self.log()))
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: libc::c_int) {
        let id = libc::pid_t::try_from(self.child.id()).expect("a process number");
        // SAFETY: kill takes no pointers; the process is our child and not yet waited for.
        let result = unsafe { libc::kill(id, signal) };
        assert_eq!(result, 0, "the signal is delivered");
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                panic!("the server ended at start ({status}):\n{}", self.log());
            }
            if answers_ping(self.address) {
                return;
            }
            assert!(Instant::now() < deadline, "the server never answers:\n{}", self.log());
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn stop(&mut self) -> bool {
        if self.child.try_wait().is_ok_and(|status| status.is_some()) {
            return true;
        }
        self.signal(libc::SIGTERM);
        if wait_for_exit(&mut self.child, PATIENCE).is_some() {
            return true;
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        false
    }
}

impl Drop for Server {
    #[expect(clippy::print_stdout, reason = "a failing test shows what its server said")]
    fn drop(&mut self) {
        let stopped = self.stop();
        let log = self.log();
        if thread::panicking() {
            let tail: Vec<&str> = log.lines().rev().take(30).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            println!("--- the server's log ends with\n{}\n---", tail.join("\n"));
            return;
        }
        assert!(stopped, "the server does not stop on SIGTERM:\n{log}");
        assert!(!log.contains("panicked at"), "a thread of the server panicked:\n{log}");
    }
}

/// Runs the body against a server with one worker and against one with four.
pub(crate) fn for_each_thread_count(body: impl Fn(&Server)) {
    for_each_thread_count_with(&[], body);
}

/// Runs the body against servers with one and with four workers and these settings.
pub(crate) fn for_each_thread_count_with(settings: &[(&str, &str)], body: impl Fn(&Server)) {
    let counts: &[&str] = if is_reference() { &["1"] } else { &["1", "4"] };
    for count in counts {
        let settings: Vec<_> = [("threads", *count)].iter().chain(settings).copied().collect();
        body(&Server::start(&settings));
    }
}

/// Says whether another program stands in for ours.
pub(crate) fn is_reference() -> bool {
    env::var_os(REFERENCE_VARIABLE).is_some()
}

/// Says whether another program stands in for ours that does not know this command.
pub(crate) fn reference_lacks(command: &str) -> bool {
    static COMMANDS: OnceLock<Vec<String>> = OnceLock::new();
    let known = COMMANDS.get_or_init(|| {
        let server = Server::start(&[]);
        let names = server.client().call(&["COMMAND", "LIST"]).texts();
        names.into_iter().map(|name| name.to_ascii_uppercase()).collect()
    });
    is_reference() && !known.contains(&command.to_ascii_uppercase())
}

/// Returns the program under test.
pub(crate) fn program() -> PathBuf {
    let own = || PathBuf::from(env!("CARGO_BIN_EXE_redpoll"));
    env::var_os(REFERENCE_VARIABLE).map_or_else(own, PathBuf::from)
}

fn spawn(port: u16, folder: &Path, file: Option<&str>, settings: &[(&str, &str)]) -> Child {
    let log = File::create(folder.join("log")).expect("a log file");
    let mut command = Command::new(program());
    if let Some(text) = file {
        let path = folder.join("server.conf");
        fs::write(&path, text).expect("a configuration file");
        command.arg(path);
    }
    command.args(["--port", &port.to_string()]);
    let folder_name = folder.to_string_lossy();
    let defaults = [
        ("bind", "127.0.0.1"),
        ("dir", &*folder_name),
        ("save", ""),
        ("enable-debug-command", "yes"),
        ("metrics-port", "0"),
    ];
    let is_given = |name: &str| settings.iter().any(|(given, _)| *given == name);
    let defaults = defaults.iter().filter(|(name, _)| !is_given(name));
    for (name, value) in defaults.chain(settings) {
        let is_ours = matches!(*name, "threads" | "metrics-port" | "metrics-bind");
        if !(is_reference() && is_ours) {
            command.arg(format!("--{name}")).args(value_words(value));
        }
    }
    let output = log.try_clone().expect("a second handle on the log");
    command.current_dir(folder).stdin(Stdio::null()).stdout(output).stderr(log);
    command.spawn().expect("the server's program runs")
}

/// Splits a value as a line of the configuration file would be; an empty one stays an argument.
fn value_words(value: &str) -> Vec<&str> {
    if value.is_empty() { vec![""] } else { value.split(' ').collect() }
}

fn address_of(port: &Socket) -> SocketAddr {
    port.local_addr().ok().and_then(|address| address.as_socket()).expect("a bound port")
}

fn reserve_port() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("an option every system has");
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any.into()).expect("a free port");
    socket
}

fn answers_ping(address: SocketAddr) -> bool {
    let Ok(mut client) = Client::try_connect(address) else { return false };
    client.send(&["PING"]);
    match client.try_recv() {
        Ok(Value::Simple(text)) => text == "PONG",
        Ok(Value::Error(text)) => text.starts_with("NOAUTH") || text.starts_with("DENIED"),
        _ => false,
    }
}

fn wait_for_exit(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("our own child") {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(2));
    }
    None
}

fn read_log(folder: &Path) -> String {
    String::from_utf8_lossy(&fs::read(folder.join("log")).unwrap_or_default()).into_owned()
}
