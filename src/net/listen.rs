//! Listening sockets: opening them as the settings say, and replacing them while the server runs.
//!
//! The set is shared: worker 0 accepts from it, any thread may replace it. Its lock is held for one
//! accept at a time, or while sockets are opened.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use parking_lot::Mutex;
use socket2::{Domain, SockAddr, Socket, Type};

use super::options::NetOptions;
use super::ports::{Arrival, PeerAddress};
use super::stream::Stream;
use crate::base::log;

/// Tokens of listeners start here; those of connections never get that far.
const TOKEN_MIN: usize = usize::MAX / 2;

/// What a listener was asked to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

enum ListenSocket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

struct Listener {
    place: Place,
    socket: ListenSocket,
    token: Token,
    /// Connections may be waiting.
    is_ready: bool,
}

#[derive(Default)]
struct Open {
    listeners: Vec<Listener>,
    token_count: usize,
}

/// All listeners.
pub(super) struct Listeners {
    /// Worker 0's.
    registry: Registry,
    open: Mutex<Open>,
}

impl Listeners {
    /// Makes an empty set whose connections `registry` will report.
    pub(super) fn new(registry: Registry) -> Self {
        Self { registry, open: Mutex::new(Open::default()) }
    }

    /// Says whether a token is that of a listener.
    pub(super) fn owns(token: Token) -> bool {
        token.0 >= TOKEN_MIN
    }

    /// Listens where `options` say and nowhere else. What is listened on already stays open.
    ///
    /// # Errors
    /// An address that is not optional cannot be had, or none at all; some listeners may then be
    /// open, others closed.
    pub(super) fn replace(&self, options: &NetOptions) -> io::Result<()> {
        let wanted = places(options)?;
        let mut open = self.open.lock();
        let is_wanted = |place: &Place| wanted.iter().any(|(wanted, _)| wanted == place);
        // Closed first: another address may contain one that is given up.
        open.listeners.retain(|listener| is_wanted(&listener.place));
        for (place, is_optional) in &wanted {
            if open.listeners.iter().any(|listener| listener.place == *place) {
                continue;
            }
            match self.listen(place, options, open.token_count) {
                Ok(listener) => {
                    open.listeners.push(listener);
                    open.token_count += 1;
                }
                Err(error) => {
                    let place = place.text();
                    log::warning(format_args!(
                        "Warning: Could not create server TCP listening socket {place}: {error}"
                    ));
                    if !may_be_missing(&error, *is_optional) {
                        return Err(io::Error::new(error.kind(), format!("{place}: {error}")));
                    }
                }
            }
        }
        if open.listeners.is_empty() && !wanted.is_empty() {
            return Err(io::Error::other("none of the addresses to listen on is available"));
        }
        Ok(())
    }

    fn listen(&self, place: &Place, options: &NetOptions, number: usize) -> io::Result<Listener> {
        let mut socket = place.open(options)?;
        let token = Token(TOKEN_MIN + number);
        match &mut socket {
            ListenSocket::Tcp(socket) => {
                socket.register(&self.registry, token, Interest::READABLE)?;
            }
            ListenSocket::Unix(socket) => {
                socket.register(&self.registry, token, Interest::READABLE)?;
            }
        }
        // Connections that came before it was registered are reported, too.
        Ok(Listener { place: place.clone(), socket, token, is_ready: false })
    }

    /// Closes all listeners and removes the unix socket.
    pub(super) fn close(&self) {
        for listener in self.open.lock().listeners.drain(..) {
            if let Place::Unix(path) = &listener.place {
                // Whoever removed it before us has done our work.
                let _absent = fs::remove_file(path);
            }
        }
    }

    /// Returns the addresses that are listened on, with the ports the system has picked.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let tcp = |listener: &Listener| match &listener.socket {
            ListenSocket::Tcp(socket) => socket.local_addr().ok(),
            ListenSocket::Unix(_) => None,
        };
        self.open.lock().listeners.iter().filter_map(tcp).collect()
    }

    /// Notes that connections may be waiting at the listener of a token.
    pub(super) fn mark_ready(&self, token: Token) {
        for listener in &mut self.open.lock().listeners {
            listener.is_ready |= listener.token == token;
        }
    }

    /// Accepts one connection from any listener where one may be waiting; `None` if none is.
    ///
    /// # Errors
    /// The system refuses; whether trying again at once makes sense depends on why.
    pub(super) fn accept(&self) -> io::Result<Option<Arrival>> {
        let mut open = self.open.lock();
        for listener in open.listeners.iter_mut().filter(|listener| listener.is_ready) {
            match listener.socket.accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    listener.is_ready = false;
                }
                other => return other.map(Some),
            }
        }
        Ok(None)
    }
}

impl ListenSocket {
    fn accept(&self) -> io::Result<Arrival> {
        match self {
            Self::Tcp(socket) => socket.accept().map(|(stream, address)| Arrival {
                stream: Stream::Tcp(stream),
                peer: PeerAddress::Tcp(address),
            }),
            Self::Unix(socket) => socket.accept().map(|(stream, _unnamed)| Arrival {
                stream: Stream::Unix(stream),
                peer: PeerAddress::Unix,
            }),
        }
    }
}

impl Place {
    fn text(&self) -> String {
        match self {
            Self::Tcp(address) => address.to_string(),
            Self::Unix(path) => path.display().to_string(),
        }
    }

    fn open(&self, options: &NetOptions) -> io::Result<ListenSocket> {
        match self {
            Self::Tcp(address) => open_tcp(*address, options.backlog),
            Self::Unix(path) => open_unix(path, options),
        }
    }
}

fn open_tcp(address: SocketAddr, backlog: i32) -> io::Result<ListenSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), None)?;
    if address.is_ipv6() {
        // The same port of IPv4 is an address of its own.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    Ok(ListenSocket::Tcp(TcpListener::from_std(socket.into())))
}

fn open_unix(path: &Path, options: &NetOptions) -> io::Result<ListenSocket> {
    // A server that was killed leaves its socket behind; mostly there is none.
    let _absent = fs::remove_file(path);
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(options.backlog)?;
    if options.unix_mode != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(options.unix_mode))?;
    }
    Ok(ListenSocket::Unix(UnixListener::from_std(socket.into())))
}

/// Returns where to listen, and whether it is no harm if that is impossible.
fn places(options: &NetOptions) -> io::Result<Vec<(Place, bool)>> {
    let mut places = Vec::new();
    let bind = if options.port.is_some() { options.bind.as_slice() } else { &[] };
    let port = options.port.unwrap_or(0);
    for address in bind {
        match resolve(&address.host, port) {
            Ok(found) => places.push((Place::Tcp(found), address.is_optional)),
            Err(error) if address.is_optional => {
                log::warning(format_args!("Cannot resolve '{}': {error}", address.host));
            }
            Err(error) => {
                return Err(io::Error::new(error.kind(), format!("{}: {error}", address.host)));
            }
        }
    }
    places.extend(options.unix_path.iter().map(|path| (Place::Unix(path.clone()), false)));
    Ok(places)
}

fn resolve(host: &str, port: u16) -> io::Result<SocketAddr> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, port));
    }
    let unknown = || io::Error::new(io::ErrorKind::AddrNotAvailable, "no such address");
    (host, port).to_socket_addrs()?.next().ok_or_else(unknown)
}

/// Says whether the server may start without an address that failed to open: the machine lacks the
/// protocol, or the address, if that is marked as optional.
fn may_be_missing(error: &io::Error, is_optional: bool) -> bool {
    match error.raw_os_error() {
        Some(libc::EADDRNOTAVAIL) => is_optional,
        Some(code) => [
            libc::ENOPROTOOPT,
            libc::EPROTONOSUPPORT,
            libc::ESOCKTNOSUPPORT,
            libc::EPFNOSUPPORT,
            libc::EAFNOSUPPORT,
        ]
        .contains(&code),
        None => false,
    }
}
