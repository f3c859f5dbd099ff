//! Rows: where the server listens and how connections are kept.

macro_rules! network_settings {
    ($next:tt $($before:tt)*) => { continue_settings! { $next $($before)*

"Network" {
/// Addresses the server accepts clients on, separated by spaces. `*` stands for every IPv4 address
/// and `::*` for every IPv6 address; one with a leading `-` may be missing on this machine. The
/// default is this machine only.
Bind: "bind", Kind::Addresses, LIVE;

/// TCP port for clients; 0 accepts none over TCP.
Port: "port", count(6379, 0, PORT_MAX, PortNumber), LIVE;

/// How many connections the kernel may hold ready until the server accepts them; the kernel cuts it
/// down to its own limit (net.core.somaxconn).
TcpBacklog: "tcp-backlog", count(511, 0, INT_MAX, Count), FIXED;

/// After this much silence a probe finds out whether the client's machine is still there; 0 sends
/// none.
TcpKeepalive: "tcp-keepalive", count(300, 0, INT_MAX, Seconds), LIVE;

/// A client that has been idle for longer is disconnected; 0 keeps it. Subscribers, blocked clients
/// and replicas are never idle.
Timeout: "timeout", count(0, 0, INT_MAX, Seconds), LIVE;

/// Path of a unix socket to accept clients on as well; empty for none.
Unixsocket: "unixsocket", free_text(""), FIXED;

/// Group the unix socket belongs to; empty keeps the group of the process.
Unixsocketgroup: "unixsocketgroup", free_text(""), PINNED.never();

/// Permissions of the unix socket as an octal number; 0 leaves them to the umask.
Unixsocketperm: "unixsocketperm", octal(0, 0o777), FIXED;

/// Without a password and with the default user open, clients from other machines are refused with
/// an explanation, whatever `bind` says.
ProtectedMode: "protected-mode", Kind::Flag(true), LIVE;

/// Local address of connections that the server itself opens; empty leaves it to the system.
BindSourceAddr: "bind-source-addr", free_text(""), LIVE.later();

/// Mark (SO_MARK) on every socket the server listens on, for routing rules; 0 sets none.
SocketMarkId: "socket-mark-id", count(0, 0, UINT_MAX, Count), FIXED.never();

/// Multipath TCP on the listening sockets.
Mptcp: "mptcp", Kind::Flag(false), PINNED.never();

/// How many waiting connections one turn of an event loop accepts before it serves clients again.
MaxNewConnectionsPerCycle: "max-new-connections-per-cycle", count(10, 1, 1000, Count), LIVE;

/// The same for TLS connections, which cost more to accept.
MaxNewTlsConnectionsPerCycle: "max-new-tls-connections-per-cycle", count(1, 1, 1000, Count),
    LIVE.later();

/// TCP port for TLS clients; 0 accepts none.
TlsPort: "tls-port", count(0, 0, PORT_MAX, PortNumber),
    LIVE.refused("this version has no TLS yet");

/// TLS between the nodes of a cluster.
TlsCluster: "tls-cluster", Kind::Flag(false), LIVE.refused("this version has no TLS yet");

/// TLS to the leader.
TlsReplication: "tls-replication", Kind::Flag(false), LIVE.refused("this version has no TLS yet");
}

    } };
}
