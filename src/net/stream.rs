//! A client's socket, whatever it is made of.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustix::buffer::spare_capacity;
use socket2::{SockRef, TcpKeepalive};

/// Probes of a silent peer before it is given up.
const KEEPALIVE_PROBE_COUNT: u32 = 3;

/// Congestion control of connections from this machine; every kernel has it.
const LOOPBACK_CONGESTION: &[u8] = b"reno";

/// A connected, non-blocking socket.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Sends small replies at once, and notices peers that are gone; `keepalive` of silence later
    /// the first probe goes out.
    pub(super) fn tune(&self, keepalive: Option<Duration>) -> io::Result<()> {
        let Self::Tcp(stream) = self else { return Ok(()) };
        stream.set_nodelay(true)?;
        if stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback()) {
            // Inside one machine there is no network to be gentle to: the pacing timers of some
            // congestion controls (BBR) only cost time. Where it is refused, the default serves.
            let _refused = SockRef::from(stream).set_tcp_congestion(LOOPBACK_CONGESTION);
        }
        let Some(silence) = keepalive else { return Ok(()) };
        let interval = (silence / KEEPALIVE_PROBE_COUNT).max(Duration::from_secs(1));
        let keepalive = TcpKeepalive::new()
            .with_time(silence)
            .with_interval(interval)
            .with_retries(KEEPALIVE_PROBE_COUNT);
        SockRef::from(stream).set_tcp_keepalive(&keepalive)
    }

    /// Reads what has arrived.
    #[inline]
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }

    /// Reads what has arrived into the free part of a buffer, which must have one.
    pub(super) fn read_behind(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let count = match self {
            Self::Tcp(stream) => rustix::io::read(stream, spare_capacity(buffer)),
            Self::Unix(stream) => rustix::io::read(stream, spare_capacity(buffer)),
        };
        Ok(count?)
    }

    /// Writes as much as the system takes.
    #[inline]
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    /// Writes as much of several pieces as the system takes.
    pub(super) fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(pieces),
            Self::Unix(stream) => stream.write_vectored(pieces),
        }
    }

    /// Tells the peer that nothing more will come. It may be gone already, which is as well.
    pub(super) fn end_writing(&self) {
        let _gone = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }

    /// Returns the descriptor's number, for CLIENT LIST.
    pub(super) fn descriptor(&self) -> RawFd {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        }
    }

    /// Returns this end's address as text; empty if the system does not know it.
    pub(super) fn local_address(&self) -> String {
        match self {
            Self::Tcp(stream) => {
                stream.local_addr().map(|address| address.to_string()).unwrap_or_default()
            }
            Self::Unix(stream) => {
                let address = stream.local_addr().ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                format!("{}:0", path.map(|path| path.to_string_lossy()).unwrap_or_default())
            }
        }
    }

    /// Has `registry` report under `token` whenever bytes can be read or written.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        match self {
            Self::Tcp(stream) => stream.register(registry, token, interest),
            Self::Unix(stream) => stream.register(registry, token, interest),
        }
    }
}
