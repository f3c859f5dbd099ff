//! What the server asks of the operating system about itself: file limits, the pid file, detaching
//! from the terminal, telling the service manager that it is ready.

use std::env;
use std::fs;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::base::log;
use crate::config::{Config, Setting, Supervised};

/// File descriptors the server needs besides those of clients.
const RESERVED_DESCRIPTORS: u64 = 32;
/// Marks the detached child, so that it does not detach again.
const DETACHED_MARK: &str = "REDPOLL_DETACHED";
/// Where pid files of daemons go that name none.
const DEFAULT_PID_FILE: &str = "/var/run/redpoll.pid";

/// Raises the limit of open files so that `maxclients` fit. Returns the number of clients that do.
pub(super) fn raise_file_limit(clients_max: u64) -> u64 {
    let wanted = clients_max + RESERVED_DESCRIPTORS;
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    if current >= wanted {
        return clients_max;
    }
    let hard = limit.maximum.map_or(wanted, |hard| hard.max(wanted));
    let attempts = [
        Rlimit { current: Some(wanted), maximum: Some(hard) },
        Rlimit { current: limit.maximum, maximum: limit.maximum },
    ];
    for attempt in attempts {
        if setrlimit(Resource::Nofile, attempt).is_ok() {
            break;
        }
    }
    let reached = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let fits = reached.saturating_sub(RESERVED_DESCRIPTORS).clamp(1, clients_max);
    if fits < clients_max {
        log::warning(format_args!(
            "The limit of open files is {reached}: maxclients is {fits} instead of {clients_max}. \
             Raise it with 'ulimit -n' for more."
        ));
    }
    fits
}

/// Says whether this process should start a detached one and end.
pub(super) fn should_detach(config: &Config) -> bool {
    config.flag(Setting::Daemonize)
        && !is_supervised(config)
        && env::var_os(DETACHED_MARK).is_none()
}

/// Starts this program again without a terminal. The caller ends.
///
/// # Errors
/// When no process can be started.
pub(super) fn start_detached() -> io::Result<()> {
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_default();
    Command::new(env::current_exe()?)
        .arg0(name)
        .args(arguments)
        .env(DETACHED_MARK, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map(drop)
}

fn supervision(config: &Config) -> Supervised {
    match config.choice(Setting::Supervised) {
        Supervised::Auto if env::var_os("NOTIFY_SOCKET").is_some() => Supervised::Systemd,
        Supervised::Auto if env::var_os("UPSTART_JOB").is_some() => Supervised::Upstart,
        Supervised::Auto => Supervised::No,
        stated => stated,
    }
}

fn is_supervised(config: &Config) -> bool {
    supervision(config) != Supervised::No
}

/// Tells systemd something (`READY=1`, `STOPPING=1`) if it supervises the server.
pub(super) fn notify(config: &Config, message: &str) {
    if supervision(config) != Supervised::Systemd {
        return;
    }
    if let Err(error) = send_to_systemd(message) {
        log::warning(format_args!("systemd supervision requested or auto-detected, but: {error}"));
    }
}

fn send_to_systemd(message: &str) -> io::Result<()> {
    let path = env::var("NOTIFY_SOCKET")
        .map_err(|_| io::Error::other("NOTIFY_SOCKET is not in the environment"))?;
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&path)?,
    };
    UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address).map(drop)
}

/// The pid file; it goes when this is dropped.
pub(super) struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Writes the pid file if one is configured, or the default one for a daemon. A file that cannot
    /// be written is reported, no more.
    pub(super) fn create(config: &Config) -> Option<Self> {
        let is_daemon = config.flag(Setting::Daemonize);
        let path = config
            .path(Setting::Pidfile)
            .or_else(|| is_daemon.then(|| PathBuf::from(DEFAULT_PID_FILE)))?;
        match fs::write(&path, format!("{}\n", std::process::id())) {
            Ok(()) => Some(Self { path: absolute(&path) }),
            Err(error) => {
                log::warning(format_args!("Failed to write PID file {}: {error}", path.display()));
                None
            }
        }
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // A pid file that is gone already is what is wanted.
        drop(fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::PidFile;
    use crate::config::Config;

    #[test]
    fn the_pid_file_lives_as_long_as_the_server() {
        let directory = tempfile::tempdir().expect("a scratch directory");
        let path = directory.path().join("server.pid");
        let text = format!("pidfile \"{}\"\n", path.display());
        let config = Config::from_text(&text).expect("a valid line");
        let file = PidFile::create(&config).expect("the directory is writable");
        let content = std::fs::read_to_string(&path).expect("it was written");
        assert_eq!(content.trim(), std::process::id().to_string());
        drop(file);
        assert!(!path.exists());
    }
}
