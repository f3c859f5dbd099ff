//! Where the data plane listens.

use std::path::PathBuf;

use crate::config::{BindAddress, Config, Setting};

/// The addresses to listen on, and how.
#[derive(Clone, Debug, Default)]
pub struct NetOptions {
    /// Addresses of the TCP listeners.
    pub bind: Vec<BindAddress>,
    /// Their port, 0 for one that the system picks; `None` for no TCP at all.
    pub port: Option<u16>,
    /// How many connections may wait to be accepted.
    pub backlog: i32,
    /// Path of the unix socket.
    pub unix_path: Option<PathBuf>,
    /// Permissions of the unix socket; 0 leaves them to the process' mask.
    pub unix_mode: u32,
}

impl NetOptions {
    /// Reads the settings; there, port 0 means no TCP.
    pub fn from_config(config: &Config) -> Self {
        let port = u16::try_from(config.number(Setting::Port)).unwrap_or(0);
        Self {
            bind: config.bind_addresses(),
            port: (port != 0).then_some(port),
            backlog: i32::try_from(config.number(Setting::TcpBacklog)).unwrap_or(i32::MAX),
            unix_path: config.path(Setting::Unixsocket),
            unix_mode: u32::try_from(config.number(Setting::Unixsocketperm)).unwrap_or(0),
        }
    }
}
