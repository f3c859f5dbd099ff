//! Where the server listens, and who serves whom.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use super::bench::{Client, Server, any_port};
use crate::net::NetOptions;
use crate::stats::Counter;

#[test]
fn a_storm_of_connections_is_spread_over_the_workers() {
    for worker_count in [1, 3] {
        let server = Server::start(worker_count, &[]);
        let mut clients: Vec<Client> = (0..300).map(|_| server.connect()).collect();
        let mut counts = vec![0; worker_count];
        for client in &mut clients {
            counts[client.worker()] += 1;
        }
        assert_eq!(counts, vec![300 / worker_count; worker_count]);
    }
}

#[test]
fn several_addresses_and_optional_ones_are_listened_on() {
    // An address of a network reserved for documentation: no machine has it.
    let server = Server::start_at(1, &[], &any_port(&["127.0.0.1", "127.0.0.2", "-192.0.2.1"]));
    let addresses = server.plane().addresses();
    assert_eq!(addresses.len(), 2);
    for address in addresses {
        Client::connect(address).ping();
    }
}

#[test]
fn a_taken_or_missing_address_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let options =
        NetOptions { port: Some(taken.local_addr().unwrap().port()), ..any_port(&["127.0.0.1"]) };
    let server = Server::start(1, &[]);
    let rebinder = server.plane().rebinder();
    let error = rebinder.rebind(&options).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(rebinder.rebind(&any_port(&["192.0.2.1"])).is_err());
    rebinder.rebind(&any_port(&["127.0.0.1"])).unwrap();
    server.connect().ping();
}

#[test]
fn no_port_means_no_tcp() {
    let options = NetOptions { port: None, ..any_port(&["127.0.0.1"]) };
    let server = Server::start_at(1, &[], &options);
    assert_eq!(server.plane().addresses(), []);
}

#[test]
fn listeners_are_replaced_while_clients_stay() {
    let server = Server::start(3, &[]);
    let (old, mut client) = (server.address(), server.connect());
    client.ping();
    server.plane().rebinder().rebind(&any_port(&["127.0.0.2"])).unwrap();
    let new = server.address();
    assert_eq!(new.ip(), IpAddr::from([127, 0, 0, 2]));
    Client::connect(new).ping();
    assert!(TcpStream::connect(old).is_err());
    client.ping();
}

#[test]
fn unix_sockets_serve_with_the_wanted_mode_and_vanish() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    std::fs::write(&path, "left behind").unwrap();
    let options =
        NetOptions { unix_path: Some(path.clone()), unix_mode: 0o700, port: None, ..any_port(&[]) };
    let server = Server::start_at(3, &[], &options);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"ECHO hello\r\n").unwrap();
    let mut reply = [0; 11];
    client.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"$5\r\nhello\r\n");
    let cell = server.client();
    assert!(cell.peer.is_unix && cell.peer.is_loopback);
    assert_eq!(cell.peer.address, format!("{}:0", path.display()));
    drop(server);
    assert!(!path.exists());
}

#[test]
fn protected_mode_lets_only_this_machine_in() {
    // The address this machine would use towards others; without one there is nothing to show.
    let probe = UdpSocket::bind("0.0.0.0:0").unwrap();
    let Ok(()) = probe.connect("192.0.2.1:9") else { return };
    let own = probe.local_addr().unwrap().ip();
    if own.is_loopback() {
        return;
    }
    let server = Server::start_at(1, &[], &any_port(&["0.0.0.0"]));
    let port = server.address().port();
    Client::connect(([127, 0, 0, 1], port).into()).ping();
    let reply = Client::connect((own, port).into()).rest();
    assert!(
        reply.starts_with(b"-DENIED ") && reply.ends_with(b"connections from the outside.\r\n")
    );
    assert_eq!(server.count(Counter::RejectedConnections), 1);
    let open = Server::start_at(1, &[("protected-mode", "no")], &any_port(&["0.0.0.0"]));
    Client::connect((own, open.address().port()).into()).ping();
}
